package attack

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// many sends packets of one size with one system call, which the kernel cuts up (UDP_SEGMENT): one core then sends more of
// them than a server can read.
type many struct {
	socket *Socket
	to     net.Addr
	size   int
}

// newMany has a socket send packets of size bytes, and nothing else from then on.
func newMany(s *Socket, to net.Addr, size int) (*many, error) {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var set error
	if err := raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, size) }); err != nil {
		return nil, err
	}
	if set != nil {
		return nil, fmt.Errorf("send many packets at once: %w", set)
	}
	return &many{s, to, size}, nil
}

// send sends b as packets.
func (m *many) send(b []byte) error {
	m.socket.network.count(event{Kind: udpSent, Conn: m.socket.number, Size: uint32(m.size), Count: uint32(len(b) / m.size)})
	_, err := m.socket.conn.WriteTo(b, m.to)
	return err
}
