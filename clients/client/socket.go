package client

import (
	"fmt"
	"net"
	"sync"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol/gather"
)

// Socket is a UDP socket that sessions share, for programs that play for many: the packets of all are read and sent
// together.
type Socket struct {
	quic *quic.Transport
	ours net.PacketConn // to close; nil when it is the caller's
}

// OpenSocket opens a socket on a free port.
func OpenSocket() (*Socket, error) {
	conn, err := listenUDP()
	if err != nil {
		return nil, err
	}
	return ownSocket(gather.New(conn)), nil
}

func listenUDP() (*net.UDPConn, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	return conn, nil
}

// ownSocket is one that closes conn with it.
func ownSocket(conn net.PacketConn) *Socket {
	return &Socket{quic: &quic.Transport{Conn: conn}, ours: conn}
}

// Close closes the socket, after the sessions that use it: one that still does is lost.
func (s *Socket) Close() error {
	err := s.quic.Close()
	if s.ours != nil {
		s.ours.Close()
	}
	return err
}

// sockets are what a session's connections go through: a socket for each, unless the caller gives one for all.
type sockets struct {
	mu     sync.Mutex
	shared *Socket   // for all of them; nil without
	ours   []*Socket // made for a PacketConn of the caller's, to be closed after the last connection
}

// give has the connections from now on go through a socket of the caller's. One that was given before is read as it was:
// two readers would take each other's packets.
func (s *sockets) give(conn net.PacketConn) *Socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, socket := range s.ours {
		if socket.quic.Conn == conn {
			s.shared = socket
			return socket
		}
	}
	s.shared = &Socket{quic: &quic.Transport{Conn: conn}}
	s.ours = append(s.ours, s.shared)
	return s.shared
}

// open is what the next connection goes through, and what closes it when that has ended.
func (s *sockets) open() (socket *Socket, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shared != nil {
		return s.shared, func() {}, nil
	}
	conn, err := listenUDP() // one session's packets come one at a time: nothing to gather
	if err != nil {
		return nil, nil, err
	}
	socket = ownSocket(conn)
	return socket, func() { socket.Close() }, nil
}

// close ends what was made for the caller's, who keeps it.
func (s *sockets) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, socket := range s.ours {
		socket.Close()
	}
	s.ours = nil
}

// sockets are those of a session.
func (c Config) sockets() *sockets {
	s := &sockets{shared: c.Socket}
	if c.PacketConn != nil {
		s.give(c.PacketConn)
	}
	return s
}
