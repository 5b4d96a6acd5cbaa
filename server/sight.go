package server

import (
	"time"

	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

const (
	// viewTolerance is by how much what a client says of the moment that it showed may differ from the server's estimate.
	viewTolerance = 100 * time.Millisecond
	// viewDelay is how far behind the newest tick received a client is taken to show what others own, until it has told
	// often enough.
	viewDelay = 100 * time.Millisecond
	// viewDelayMax and viewDelayTicks bound what it may tell: the longer of a time, and of the ticks between two records of
	// what is farthest.
	viewDelayMax   = 250 * time.Millisecond
	viewDelayTicks = 4
	// viewMemory is of how many claims, roughly, the estimate is the mean.
	viewMemory = 8
)

// claim is what an input tells of what its player saw when it was made.
type claim struct {
	tick   uint64 // of the input; zero: none has come
	lag    uint16 // behind that, in parts of a tick; zero: not told
	hasAck bool   // whether the next two are there: what had arrived by then
	epoch  uint8
	newest uint16
	again  uint8 // how many inputs stood before it: it was made as many ticks earlier, when less had arrived
}

// sightings is what a room's loop remembers of what a session's player is shown.
type sightings struct {
	delay int64 // of what is shown behind the newest tick received, in parts of a tick, as it was told on average
	told  bool
}

// parts is a time in parts of a tick.
func parts(d, period time.Duration) int64 { return int64(d) * world.MomentsPerTick / int64(period) }

// sight tells what a player saw when it made its input for a tick (world.Config.Sights). The first time that a game asks,
// the room's sessions begin to remember what they sent.
func (r *room) sight(p world.Player, tick uint64) (world.Sight, bool) {
	bound := parts(r.cfg.LagCompensation, r.cfg.period())
	if bound <= 0 {
		return world.Sight{}, false
	}
	r.counters.sights.Add(1)
	if !r.watching {
		r.watching = true
		for _, s := range r.sessions {
			s.trail.Store(new(replicate.Trail))
		}
	}
	at, ok := r.find(p)
	if !ok {
		r.counters.sightsUnknown.Add(1)
		return world.Sight{}, false
	}
	s := r.sessions[at]
	sight, ok := s.sight(tick, bound)
	if !ok {
		r.counters.sightsUnknown.Add(1)
	}
	return sight, ok
}

// sight tells what the session's player saw, at most so many parts of a tick before it.
func (s *session) sight(tick uint64, bound int64) (world.Sight, bool) {
	trail, c := s.trail.Load(), s.inbox.claim
	if trail == nil || c.tick == 0 || !c.hasAck {
		return world.Sight{}, false
	}
	short := trail.TickOf(c.epoch, c.newest)
	if short == 0 {
		return world.Sight{}, false
	}
	// What a repeated input's player saw is as far behind as it was: it is shown new ticks meanwhile.
	newest := tick - uint64(uint32(tick)-short) + (tick - c.tick)
	newest = min(newest-min(uint64(c.again), newest), tick-1)
	now := int64(world.MomentOf(tick, 0))
	at := s.viewed(now, int64(world.MomentOf(newest, 0)), int64(c.lag))
	if at < now-bound {
		at = now - bound
		s.counters.sightsClamped.Add(1)
	}
	at = max(0, min(at, now-world.MomentsPerTick))
	view := world.Moment(at)
	return world.Sight{
		At: view, Newest: newest,
		Rows: trail.Rows(nil, uint32(view.Tick()), uint32(newest), s.game.latest),
	}, true
}

// viewed is the moment that the player was shown: what its client tells, when that can be, and else what the server takes it
// to be. All are in parts of a tick.
func (s *session) viewed(now, newest, lag int64) int64 {
	period := s.server.cfg.period()
	v := &s.sightings
	if !v.told {
		v.told, v.delay = true, parts(viewDelay, period)
	}
	estimate := newest - v.delay
	if lag == 0 {
		return estimate
	}
	told := now - lag
	most := max(parts(viewDelayMax, period), viewDelayTicks*world.MomentsPerTick)
	v.delay += (max(0, min(newest-told, most)) - v.delay) / viewMemory
	if off := told - estimate; max(off, -off) > parts(viewTolerance, period) {
		s.counters.sightsRefused.Add(1)
		return estimate
	}
	return told
}
