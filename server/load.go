package server

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/quicstep/quicstep/protocol"
)

// loadEvery is how often the rooms' share of the processors is looked at.
const loadEvery = 250 * time.Millisecond

// load tells whether there is processor time for one more room: rooms that are asked for without end would otherwise take
// it from those in which people play.
type load struct {
	most  int64 // percent of the processors' time that the ticks of all rooms may take
	rooms *rate.Limiter
	share atomic.Int64 // in percent, of the last moments; watch stores
}

func (l *load) begin(limits Limits) {
	l.most, l.rooms = int64(limits.MaxTickLoad), rate.NewLimiter(rate.Limit(limits.RoomsPerSecond), 4*limits.RoomsPerSecond)
}

// watch takes the share until ctx ends, from the time that ticks have taken by now.
func (l *load) watch(ctx context.Context, ticks func() time.Duration) {
	again := time.NewTicker(loadEvery)
	defer again.Stop()
	before, at := ticks(), time.Now()
	for {
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
		took, now := ticks(), time.Now()
		all := now.Sub(at) * time.Duration(runtime.GOMAXPROCS(0))
		l.share.Store((l.share.Load() + int64(100*(took-before)/max(all, 1))) / 2)
		before, at = took, now
	}
}

// tickTime is what the ticks of all rooms have taken since the server began.
func (c *counters) tickTime() time.Duration {
	return time.Duration(c.drain.total.Load() + c.step.total.Load() + c.publish.total.Load())
}

// mayMake tells why no further room is made for a caller at the moment; nil when one may be. The pace is not for those who
// are trusted, such as a load generator.
func (s *Server) mayMake(from caller, now time.Time) *refusal {
	idle := s.load.most >= 100 || s.load.share.Load() < s.load.most
	if idle && (!from.bound || s.load.rooms.AllowN(now, 1)) {
		return nil
	}
	s.counters.roomsRefusedBusy.Add(1)
	return &refusal{protocol.CloseFull, "the server is too busy for another room: join one that is there, or try in a moment"}
}
