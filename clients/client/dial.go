package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/quic-go/quic-go"
)

// sockets are what a session's connections are made on: a socket for each, unless the caller gives one for all.
type sockets struct {
	mu    sync.Mutex
	given net.PacketConn
	now   *quic.Transport   // of the one that is given, once it was used
	all   []*quic.Transport // of those that were given
}

// open returns what to make a connection on, and what closes it when the connection has ended.
func (s *sockets) open() (transport *quic.Transport, closeIt func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.given != nil {
		return s.shared(), func() {}, nil
	}
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, nil, fmt.Errorf("open a socket: %w", err)
	}
	transport = &quic.Transport{Conn: socket}
	return transport, func() {
		transport.Close()
		socket.Close()
	}, nil
}

// shared is the transport of the socket that is given. The caller holds mu.
func (s *sockets) shared() *quic.Transport {
	if s.now == nil {
		s.now = &quic.Transport{Conn: s.given}
		s.all = append(s.all, s.now)
	}
	return s.now
}

// give has the connections from now on made on another socket.
func (s *sockets) give(socket net.PacketConn) *quic.Transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given, s.now = socket, nil
	return s.shared()
}

// close ends what is left on sockets that were given. These stay open.
func (s *sockets) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.all {
		t.Close()
	}
	s.all, s.now = nil, nil
}

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
	transport, closeSocket, err := on.open()
	if err != nil {
		return nil, nil, err
	}
	if conn, err = transport.Dial(ctx, addr, tlsCfg, quicConfig()); err != nil {
		closeSocket()
		return nil, nil, explainDial(c.Addr, err)
	}
	return conn, closeSocket, nil
}
