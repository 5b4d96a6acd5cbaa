package transport

import (
	"net"
	"time"

	"golang.org/x/time/rate"

	"github.com/quicstep/quicstep/protocol"
)

// moves follow the address of a connection's client, which changes when a router forgets it, or when it comes by another
// network. Each change has the server send probes, and begin anew with what it knows of the path.
type moves struct {
	listener *Listener // nil for a connection that nobody has handed over
	addr     net.Addr  // touched by whoever sends, as the rest
	pace     *rate.Limiter
	over     bool
}

// follow looks whether the address has changed, and closes the connection when it does so too often. It is called for each
// datagram that is sent, so several changes between two of them count as one.
func (m *moves) follow(c *Conn) {
	addr := c.carrier.remoteAddr()
	if addr == m.addr || m.over { // an address that has not changed is the same pointer
		return
	}
	former := m.addr
	m.addr = addr
	if former == nil || m.listener == nil {
		return
	}
	l := m.listener
	l.moved.Add(1)
	if m.pace == nil {
		perMinute := l.cfg.MovesPerMinute
		m.pace = rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
	}
	if m.pace.AllowN(time.Now(), 1) || !l.begin() {
		return
	}
	m.over = true
	l.movedTooOften.Add(1)
	go func() { // which Close waits for
		defer l.work.Done()
		c.Close(protocol.CloseAbuse, "the network address changes too often")
	}()
}
