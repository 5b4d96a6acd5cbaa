package client

import (
	"fmt"
	"net"

	"github.com/quic-go/quic-go"
)

// Socket is a UDP socket that sessions share, for programs that play for many: the packets of all are read together.
type Socket struct {
	quic *quic.Transport
	ours net.PacketConn // to close; nil when it is the caller's
}

// OpenSocket opens a socket on a free port.
func OpenSocket() (*Socket, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	return &Socket{quic: &quic.Transport{Conn: conn}, ours: conn}, nil
}

// Close closes the socket, after the sessions that use it: one that still does is lost.
func (s *Socket) Close() error {
	err := s.quic.Close()
	if s.ours != nil {
		s.ours.Close()
	}
	return err
}

// socket is what a connection goes through, and what closes it when that has ended.
func (c Config) socket() (s *Socket, done func(), err error) {
	switch {
	case c.Socket != nil:
		return c.Socket, func() {}, nil
	case c.PacketConn != nil:
		s = &Socket{quic: &quic.Transport{Conn: c.PacketConn}}
	default:
		if s, err = OpenSocket(); err != nil {
			return nil, nil, err
		}
	}
	return s, func() { s.Close() }, nil
}
