package server

import (
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/world"
)

// MaxSlowTicks is how many of a room's latest slow ticks are kept.
const MaxSlowTicks = 32

// SlowTick is one of a room's latest ticks that took longer than a period, or were not over when the next one was due.
type SlowTick struct {
	Tick uint64
	// Due is when it was to begin; Late is how long after that it did.
	Due  time.Time
	Late time.Duration
	// Parts are what it took, in the order in which they run, named as PartFigures are: drain first, publish last, and what is
	// between them is the step.
	Parts []PartTime
	// Overran tells that it was not over when the next one was due.
	Overran bool
	// Players were in the room when it was over, Entities the rows of all tables. Inputs came for it.
	Players, Entities, Inputs int
	// Bytes were sent to the players between the end of the tick before and its own: those of the ticks before it, mostly.
	Bytes uint64
}

// PartTime is how long a part of one tick took.
type PartTime struct {
	Name string
	Took time.Duration
}

// Total is how long the tick took.
func (t *SlowTick) Total() (sum time.Duration) {
	for _, p := range t.Parts {
		sum += p.Took
	}
	return sum
}

// Slowest is the part that took the most, which an overrun counts against; the zero PartTime when there are no Parts.
func (t *SlowTick) Slowest() (most PartTime) {
	for i, p := range t.Parts {
		if i == 0 || p.Took > most.Took {
			most = p
		}
	}
	return most
}

// SlowTicks returns a room's latest slow ticks, up to MaxSlowTicks of them, the oldest first, and which room that is. The room is
// named as for Why; the error wraps ErrNoRoom. Any goroutine may call it; the room notices nothing.
func (s *Server) SlowTicks(room string) (RoomStats, []SlowTick, error) {
	row, err := s.directory.named(room)
	if err != nil {
		return RoomStats{}, nil, err
	}
	return row.stats(), row.room.pulse.slowTicks(), nil
}

// slowTicks is a ring of a room's latest slow ticks: the loop writes, anyone reads, and nobody takes a lock. A slot is words, the
// first of which says which tick is in it, and is odd while the loop writes.
type slowTicks struct {
	words []atomic.Uint64
	size  int           // of a slot
	noted atomic.Uint64 // ticks, ever
	last  uint64        // the tick that was noted last; touched by the loop only
}

// The words of a slot before those of its parts.
const (
	slowTurn = iota
	slowTick
	slowDue // in nanoseconds since 1970
	slowLate
	slowOverran
	slowPlayers
	slowEntities
	slowInputs
	slowBytes
	slowParts
)

func newSlowTicks(parts int) *slowTicks {
	size := slowParts + parts
	return &slowTicks{words: make([]atomic.Uint64, MaxSlowTicks*size), size: size}
}

// slot is the place of the nth tick.
func (s *slowTicks) slot(n uint64) []atomic.Uint64 {
	at := int(n%MaxSlowTicks) * s.size
	return s.words[at : at+s.size]
}

// note puts the latest tick, of which took is what its parts took, into the ring. One that is there already only gets its mark.
func (s *slowTicks) note(head [slowParts]uint64, took []time.Duration) {
	if tick := head[slowTick]; s.noted.Load() > 0 && s.last == tick {
		if head[slowOverran] != 0 {
			s.slot(s.noted.Load() - 1)[slowOverran].Store(1)
		}
		return
	}
	n := s.noted.Load()
	slot := s.slot(n)
	slot[slowTurn].Store(2*n + 1)
	for i := slowTick; i < slowParts; i++ {
		slot[i].Store(head[i])
	}
	for i, d := range took {
		slot[slowParts+i].Store(uint64(d))
	}
	slot[slowTurn].Store(2*n + 2)
	s.noted.Store(n + 1)
	s.last = head[slowTick]
}

// read copies the nth tick, which has been noted; it returns false when another one has come, or is just coming, into its place.
func (s *slowTicks) read(n uint64, into []uint64) bool {
	slot := s.slot(n)
	for i := range slot {
		into[i] = slot[i].Load()
	}
	return slot[slowTurn].Load() == 2*n+2
}

// noteSlow keeps the latest tick among the slow ones, as far as it is known by now.
func (p *pulse) noteSlow(v *world.View, players int, overran bool) {
	head := [slowParts]uint64{
		slowTick: v.Tick, slowDue: uint64(p.due.UnixNano()), slowLate: uint64(max(0, p.begun.Sub(p.due))),
		slowPlayers: uint64(players), slowEntities: uint64(entities(v)), slowInputs: uint64(p.inputs), slowBytes: p.sentSince,
	}
	if overran {
		head[slowOverran] = 1
	}
	p.slow.note(head, p.took)
}

// slowTicks are those that are kept, the oldest first.
func (p *pulse) slowTicks() (out []SlowTick) {
	noted, words := p.slow.noted.Load(), make([]uint64, p.slow.size)
	for n := noted - min(noted, MaxSlowTicks); n < noted; n++ {
		if !p.slow.read(n, words) {
			continue
		}
		t := SlowTick{
			Tick: words[slowTick], Due: time.Unix(0, int64(words[slowDue])), Late: time.Duration(words[slowLate]), Overran: words[slowOverran] != 0,
			Players: int(words[slowPlayers]), Entities: int(words[slowEntities]), Inputs: int(words[slowInputs]), Bytes: words[slowBytes],
			Parts: make([]PartTime, len(p.parts)),
		}
		for i := range p.parts {
			t.Parts[i] = PartTime{p.parts[i].name, time.Duration(words[slowParts+i])}
		}
		out = append(out, t)
	}
	return out
}
