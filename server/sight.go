package server

import (
	"time"

	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

const (
	// viewTolerance is by how much what a client says of the moment that it showed may differ from the server's estimate.
	viewTolerance = 100 * time.Millisecond
	// viewDelay is how far behind the newest tick received a client is taken to show what others own when it does not tell.
	viewDelay = 100 * time.Millisecond
	// viewDelayMax bounds how far behind it may be taken to be: no jitter buffer need be longer.
	viewDelayMax = 400 * time.Millisecond
	// viewMemory is of how many claims, one a tick, the estimate is the mean, roughly.
	viewMemory = 32
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

// gaze is what a room's loop knows of where in time a session's player looks. Moments are in parts of a tick.
type gaze struct {
	newest  uint64 // the newest tick that had arrived when the latest input was made; zero: not known
	at      int64  // the moment that was shown then
	refused bool   // it is the server's estimate, since what the client told can't be
	delay   int64  // of what is shown behind the newest tick, as it was told on average
	told    bool   // it was, at least once
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
	sight, ok := r.sessions[at].sight(tick, bound)
	if !ok {
		r.counters.sightsUnknown.Add(1)
	}
	return sight, ok
}

// sight tells what the session's player saw, at most so many parts of a tick before it.
func (s *session) sight(tick uint64, bound int64) (world.Sight, bool) {
	trail, g := s.trail.Load(), &s.gaze
	if trail == nil || g.newest == 0 {
		return world.Sight{}, false
	}
	if g.refused {
		s.counters.sightsRefused.Add(1)
	}
	now := int64(world.MomentOf(tick, 0))
	at := g.at
	if at < now-bound {
		at = now - bound
		s.counters.sightsClamped.Add(1)
	}
	view := world.Moment(max(0, min(at, now-world.MomentsPerTick)))
	return world.Sight{
		At: view, Newest: g.newest,
		Rows: trail.Rows(nil, uint32(view.Tick()), uint32(g.newest), s.game.latest),
	}, true
}

// look finds out where in time the session's player looked when it made its input for a tick.
func (s *session) look(tick uint64) {
	g, c := &s.gaze, s.inbox.claim
	g.newest, g.refused = 0, false
	trail := s.trail.Load()
	if trail == nil || c.tick == 0 || !c.hasAck {
		return
	}
	short := trail.TickOf(c.epoch, c.newest)
	if short == 0 {
		return
	}
	// What a repeated input's player saw is as far behind as it was: it is shown new ticks meanwhile.
	g.newest = tick - uint64(uint32(tick)-short) + (tick - c.tick)
	g.newest = min(g.newest-min(uint64(c.again), g.newest), tick-1)
	g.view(int64(world.MomentOf(tick, 0)), int64(c.lag), s.server.cfg.period())
}

// view takes what the client tells of the moment that it showed, when that can be, and else what the server takes it to be.
func (g *gaze) view(now, lag int64, period time.Duration) {
	newest := int64(world.MomentOf(g.newest, 0))
	if lag == 0 {
		if !g.told {
			g.delay = parts(viewDelay, period)
		}
		g.at = newest - g.delay
		return
	}
	told := now - lag
	delay := max(0, min(newest-told, parts(viewDelayMax, period)))
	if !g.told {
		g.told, g.delay = true, delay
	}
	estimate := newest - g.delay
	if g.at = told; max(told-estimate, estimate-told) > parts(viewTolerance, period) {
		g.at, g.refused = estimate, true
	}
	g.delay += (delay - g.delay) / viewMemory
}
