package server

import (
	"sync/atomic"
	"time"
)

// PhaseBounds are the upper bounds of the buckets of a PhaseHistogram, in rising order; the last bucket has none.
var PhaseBounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond,
	2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 16 * time.Millisecond, 33 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, time.Second,
}

// PhaseHistogram is how often a phase of the work took how long.
type PhaseHistogram struct {
	// Counts are by PhaseBounds, each without those before it; the last one is beyond them all.
	Counts [len(PhaseBounds) + 1]uint64
	Sum    time.Duration
}

// phaseHistogram is one that is being counted: anybody adds, without a lock.
type phaseHistogram struct {
	counts [len(PhaseBounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

func (h *phaseHistogram) add(took time.Duration) {
	at := 0
	for at < len(PhaseBounds) && took > PhaseBounds[at] {
		at++
	}
	h.counts[at].Add(1)
	h.sum.Add(int64(took))
}

func (h *phaseHistogram) read() (out PhaseHistogram) {
	for i := range h.counts {
		out.Counts[i] = h.counts[i].Load()
	}
	out.Sum = time.Duration(h.sum.Load())
	return out
}

// gamePhases are those of all rooms of a game, of the past, too.
type gamePhases struct {
	drain, step, publish, tick, choose, hand phaseHistogram
	overruns                                 atomic.Uint64
}

// GameFigures are those of all rooms of a game since the server's start, also of those that have ended.
type GameFigures struct {
	Game string
	// Rooms are open, and Players in them.
	Rooms, Players int
	Overruns       uint64
	// Drain, Step and Publish are the phases of its ticks, Tick their sum; Choose and Hand are what follows for each player,
	// in the workers.
	Drain, Step, Publish, Tick, Choose, Hand PhaseHistogram
}

// Games returns the figures of the games that the server runs, in their order. Any goroutine may call it.
func (s *Server) Games() (out []GameFigures) {
	for _, g := range s.cfg.Games {
		game := s.games[nameOf(g)]
		p := &game.phases
		f := GameFigures{
			Game: game.schema.Game, Overruns: p.overruns.Load(), Drain: p.drain.read(), Step: p.step.read(), Publish: p.publish.read(),
			Tick: p.tick.read(), Choose: p.choose.read(), Hand: p.hand.read(),
		}
		for _, row := range find[roomRow](s.directory, roomRows, byGame, gameKey(f.Game)) {
			f.Rooms++
			f.Players += int(row.room.players.Load())
		}
		out = append(out, f)
	}
	return out
}
