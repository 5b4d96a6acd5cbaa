package client

import (
	"time"

	"github.com/quicstep/quicstep/protocol"
)

// Inject applies a datagram to the session's replica as if the server had sent it.
func (s *Session) Inject(b []byte) { s.current().apply(b, 0, time.Now()) }

// Newest is the newest datagram's sequence number, and its tick.
func (s *Session) Newest() (sequence, tick uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in protocol.Input
	s.link.rules.Ack(&in)
	return in.Newest, s.link.tick
}
