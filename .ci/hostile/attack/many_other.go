//go:build !linux

package attack

import "net"

// many sends packets of one size.
type many struct {
	socket *Socket
	to     net.Addr
	size   int
}

func newMany(s *Socket, to net.Addr, size int) (*many, error) { return &many{s, to, size}, nil }

// send sends b as packets.
func (m *many) send(b []byte) error {
	for ; len(b) >= m.size; b = b[m.size:] {
		if _, err := m.socket.WriteTo(b[:m.size], m.to); err != nil {
			return err
		}
	}
	return nil
}
