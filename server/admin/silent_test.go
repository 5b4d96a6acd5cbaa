package admin_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/quic-go/quic-go"

	wire "github.com/quicstep/quicstep/protocol/admin"
)

// silent comes to the door and shows a token that is none; the error says that it was not shown out.
func (s *site) silent() error {
	ctx := s.t.Context()
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return err
	}
	from := &quic.Transport{Conn: socket} // of its own, which nothing outlives
	defer socket.Close()
	defer from.Close()
	conn, err := from.Dial(ctx, s.door.Addr(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{wire.ALPN}}, nil)
	if err != nil {
		return err
	}
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return err
	}
	if _, err := stream.Write([]byte{0xc4, 1, 0x80}); err != nil { // a hello without anything
		return err
	}
	<-conn.Context().Done()
	var closed *quic.ApplicationError
	if cause := context.Cause(conn.Context()); !errors.As(cause, &closed) || !closed.Remote || closed.ErrorMessage == "" {
		return cause
	}
	return nil
}
