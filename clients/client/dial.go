package client

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/quic-go/quic-go"
)

// dial opens a connection.
func (c Config) dial(ctx context.Context, on *sockets) (conn *quic.Conn, closeSocket func(), err error) {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return nil, nil, fmt.Errorf("address %q: %w; write host:port", c.Addr, err)
	}
	addr, err := net.ResolveUDPAddr("udp", c.Addr)
	var lookup *net.DNSError
	if errors.As(err, &lookup) && lookup.Temporary() {
		return nil, nil, fmt.Errorf("%w: address %q: %w", ErrUnreachable, c.Addr, err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("address %q: %w", c.Addr, err)
	}
	tlsCfg, err := c.tlsConfig(host, addr)
	if err != nil {
		return nil, nil, err
	}
	socket, closeSocket, err := on.open()
	if err != nil {
		return nil, nil, err
	}
	if conn, err = socket.quic.Dial(ctx, addr, tlsCfg, quicConfig()); err != nil {
		closeSocket()
		return nil, nil, explainDial(c.Addr, err)
	}
	return conn, closeSocket, nil
}
