package transport

import (
	"math/rand/v2"
	"net"
	"time"

	"golang.org/x/time/rate"

	"github.com/quicstep/quicstep/protocol"
)

// moves follow the address of a connection's client, which changes when a router forgets it, or when it comes by another
// network. Each change has the server send probes, and begin anew with what it knows of the path.
type moves struct {
	until    int       // datagrams before the next look; touched by whoever sends, as all but listener
	watched  int       // looks, one with each datagram
	listener *Listener // nil for a connection that nobody has handed over
	addr     net.Addr
	pace     *rate.Limiter
	over     bool
}

const (
	// movesBetween is how many datagrams go at most between two looks, chosen at random: who is back by the next look can't
	// know when that is. Each look is of memory that is in no cache.
	movesBetween = 15
	// movesWatched is for how many datagrams a client that has moved is looked at with each.
	movesWatched = 1024
)

// follow looks now and then whether the address has changed, and closes the connection when it does so too often. It is called
// for each datagram that is sent; several changes between two looks count as one.
func (m *moves) follow(c *Conn) {
	if m.until--; m.until > 0 {
		return
	}
	if m.watched--; m.watched < 0 {
		m.watched, m.until = 0, 1+rand.N(movesBetween)
	}
	addr := c.carrier.remoteAddr()
	if addr == m.addr || m.over { // an address that has not changed is the same pointer
		return
	}
	former := m.addr
	m.addr = addr
	if former == nil || m.listener == nil {
		return
	}
	m.until, m.watched = 0, movesWatched
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
