package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

const (
	// MaxImpaired bounds the players whose link is impaired at a time, each of which may have 512 datagrams wait each way; one
	// more is refused.
	MaxImpaired = 64
	// MaxImpair bounds for how long a link is impaired.
	MaxImpair = time.Hour
)

// ErrImpairment: a link can't be impaired like that.
var ErrImpairment = errors.New("a link can't be impaired like that")

// Impairment is how much worse the link of a player is made on purpose, for a while. The zero Impairment is none.
type Impairment struct {
	// Delay is added to the round trip, half of it each way; Jitter is by how much it varies, both from 0 to 10 s. Loss is the
	// share of datagrams of each way that are lost, from 0 to 1; what is on the stream is late and in order.
	Delay, Jitter time.Duration
	Loss          float64
	// Until is when it ends by itself, MaxImpair from now at the latest.
	Until time.Time
	// By is who wanted it.
	By string
}

// holds tells whether there is one at a moment.
func (i Impairment) holds(now time.Time) bool { return now.Before(i.Until) }

// Impair makes the link of one player worse, whichever door it came in by, in place of what was wanted before; the zero
// Impairment ends that. It goes along when the player comes back over another connection. The room is named as for Why; the error
// wraps ErrNoRoom, ErrNoPlayer, ErrImpairment or ErrBusy. Any goroutine may call it.
func (s *Server) Impair(room string, player world.Player, i Impairment) error {
	sess, err := s.player(room, player)
	if err != nil {
		return err
	}
	if i == (Impairment{}) {
		sess.impairing.set(i)
		return nil
	}
	if err := i.transport().Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrImpairment, err)
	}
	now := time.Now()
	if left := i.Until.Sub(now); left <= 0 || left > MaxImpair {
		return fmt.Errorf("%w: it is to end in %v; up to %v are possible", ErrImpairment, left.Round(time.Second), MaxImpair)
	}
	if s.impaired() >= MaxImpaired && !sess.impairing.now().holds(now) {
		return fmt.Errorf("%w: %d links are impaired", ErrBusy, MaxImpaired)
	}
	sess.impairing.set(i)
	return nil
}

// impaired is how many players' links are impaired now.
func (s *Server) impaired() (n int) {
	now := time.Now()
	for _, row := range find[sessionRow](s.directory, sessionRows, byID, nil) {
		if row.session.impairing.now().holds(now) {
			n++
		}
	}
	return n
}

// transport is what the connection is told, with chances of its own.
func (i Impairment) transport() transport.Impairment {
	return transport.Impairment{Delay: i.Delay, Jitter: i.Jitter, Loss: i.Loss, Seed: rand.Uint64()}
}

// impairing keeps a session's connection as bad as an operator wants it.
type impairing struct {
	counters *counters
	wanted   atomic.Pointer[Impairment] // set stores, anyone loads; nil: none ever was

	mu   sync.Mutex         // guards what follows; held while a connection becomes as it was
	conn *transport.Conn    // that the session plays on; nil in between
	stop context.CancelFunc // of what impairs it; nil: nothing does, or ever did
	done chan struct{}      // closed when it has stopped
}

// now is what is wanted, which may be over.
func (i *impairing) now() (wanted Impairment) {
	if at := i.wanted.Load(); at != nil {
		wanted = *at
	}
	return wanted
}

// set takes what is wanted from now on.
func (i *impairing) set(wanted Impairment) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.halt()
	i.wanted.Store(&wanted)
	i.start()
}

// begin takes the connection that the session plays on from now on.
func (i *impairing) begin(conn *transport.Conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.conn = conn
	i.start()
}

// end makes the connection as it was, since the session does not play on it any more.
func (i *impairing) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.halt()
	i.conn = nil
}

// start impairs the connection, when that is wanted, until halt, or by itself until it is over. The caller holds mu.
func (i *impairing) start() {
	wanted, conn := i.now(), i.conn
	if conn == nil || !wanted.holds(time.Now()) {
		return
	}
	ctx, stop := context.WithDeadline(context.Background(), wanted.Until)
	done := make(chan struct{})
	i.stop, i.done = stop, done
	go func() {
		defer close(done)
		defer stop()
		label(workImpair)
		stats, _ := conn.Impair(ctx, wanted.transport()) // what is wrong with it was found by Server.Impair
		i.counters.impairLost.Add(stats.Lost)
		i.counters.impairOverflowed.Add(stats.Overflowed)
	}()
}

// halt waits until nothing impairs the connection. The caller holds mu.
func (i *impairing) halt() {
	if i.stop != nil {
		i.stop()
		<-i.done
		i.stop = nil
	}
}
