package server

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/world"
)

// pulseTicks is for how many of a room's latest ticks it is known how long they took.
const pulseTicks = 512

// pulse is what a room's loop tells of its ticks. It writes, anyone reads, and nobody takes a lock: a watcher costs the
// loop nothing.
type pulse struct {
	recent   [pulseTicks]atomic.Uint64 // by tick: packTick
	made     atomic.Uint64             // ticks since the room was opened
	parts    []part
	overruns atomic.Uint64
	skipped  atomic.Uint64
	wakes    lateWakes // has its own rules
	failed   atomic.Uint64
	bytes    atomic.Uint64 // sent to its players; their workers add
	sent     atomic.Uint64 // datagrams, likewise
	slow     *slowTicks    // has its own rules

	// Touched by the loop only.
	took       []time.Duration // by part, of the latest tick
	due, begun time.Time       // likewise
	marked     time.Time
	inputs     int    // that it took
	sentBefore uint64 // bytes, by its end
	sentSince  uint64 // of these, since the end of the tick before
}

// part is a part of a tick, as world.PartsOf names it, or one of the loop's own.
type part struct {
	name     string
	total    atomic.Int64
	max      atomic.Int64
	overruns atomic.Uint64 // of which it took the most
}

// The loop's own parts are the first and the last two.
const (
	partDrain   = "drain"
	partCommit  = "commit"
	partPublish = "publish"
)

func newPulse(parts []string) *pulse {
	p := &pulse{parts: make([]part, len(parts)+3), took: make([]time.Duration, len(parts)+3), slow: newSlowTicks(len(parts) + 3)}
	for i, name := range slices.Concat([]string{partDrain}, parts, []string{partCommit, partPublish}) {
		p.parts[i].name = name
	}
	return p
}

// begin begins a tick that was due at a moment.
func (p *pulse) begin(due, now time.Time) {
	p.due, p.begun, p.marked = due, now, now
	p.inputs = 0
	clear(p.took)
}

// over notes that a part is over.
func (p *pulse) over(part int, now time.Time) {
	p.took[part] += now.Sub(p.marked)
	p.marked = now
}

// commit and publish are the numbers of the last parts.
func (p *pulse) commit() int  { return len(p.parts) - 2 }
func (p *pulse) publish() int { return len(p.parts) - 1 }

// end notes a whole tick, and returns its phases.
func (p *pulse) end(tick uint64) (t TickTimes) {
	for i, took := range p.took {
		p.parts[i].total.Add(int64(took))
		p.parts[i].max.Store(max(p.parts[i].max.Load(), int64(took)))
		switch i {
		case 0:
			t.Drain = took
		case p.publish():
			t.Publish = took
		default:
			t.Step += took
		}
	}
	p.recent[tick%pulseTicks].Store(packTick(t, false))
	p.made.Add(1)
	sent := p.bytes.Load()
	p.sentBefore, p.sentSince = sent, sent-p.sentBefore
	return t
}

// overran notes that the latest tick kept the loop too long, and returns the part that took most of it.
func (p *pulse) overran(tick uint64) (cause string) {
	slowest := 0
	for i, took := range p.took {
		if took > p.took[slowest] {
			slowest = i
		}
	}
	p.overruns.Add(1)
	p.parts[slowest].overruns.Add(1)
	at := &p.recent[tick%pulseTicks]
	at.Store(at.Load() | tickOverran)
	return p.parts[slowest].name
}

// TickTimes is how long the phases of one tick took, in microseconds up to two seconds.
type TickTimes struct {
	Tick                 uint64
	Drain, Step, Publish time.Duration
	// Overran tells that the tick was not over when the next one was due.
	Overran bool
}

// Total is how long the tick took.
func (t TickTimes) Total() time.Duration { return t.Drain + t.Step + t.Publish }

// A packed tick has three times of tickBits microseconds each, and whether it overran.
const (
	tickBits    = 21
	tickMask    = 1<<tickBits - 1
	tickOverran = 1 << 63
)

func packTick(t TickTimes, overran bool) (packed uint64) {
	for _, took := range []time.Duration{t.Publish, t.Step, t.Drain} {
		packed = packed<<tickBits | uint64(min(took.Microseconds(), tickMask))
	}
	if overran {
		packed |= tickOverran
	}
	return packed
}

func unpackTick(tick, packed uint64) TickTimes {
	at := func(n int) time.Duration {
		return time.Duration(packed>>(n*tickBits)&tickMask) * time.Microsecond
	}
	return TickTimes{Tick: tick, Drain: at(0), Step: at(1), Publish: at(2), Overran: packed&tickOverran != 0}
}

// ticks are the latest ones, oldest first. One that is just being replaced may be missing, or told as the newer one.
func (p *pulse) ticks(latest uint64) []TickTimes {
	n := min(p.made.Load(), pulseTicks, latest)
	out := make([]TickTimes, 0, n)
	for tick := latest - n + 1; tick <= latest; tick++ {
		out = append(out, unpackTick(tick, p.recent[tick%pulseTicks].Load()))
	}
	return out
}

// PartFigures are how much of a room's time a part of its ticks takes: one of world.PartsOf the game, or drain (taking
// what came), commit (comparing and publishing rows) or publish (handing on).
type PartFigures struct {
	Name       string
	Total, Max time.Duration
	// Overruns are those of the ticks in which it took the most.
	Overruns uint64
}

// RoomFigures are RoomStats with what the room's ticks cost.
type RoomFigures struct {
	RoomStats
	// Entities is the number of rows in all its tables.
	Entities int
	// Made are its ticks. Overruns kept it beyond the next one's time; LateWakes are wake-ups that came late although it
	// was waiting, the machine's doing; Skipped are ticks that were given up for either, Failed those that were undone
	// because game code panicked.
	Made, Overruns, LateWakes, Skipped, Failed uint64
	// RecentLateWakes are those of LateWakes that came in the time of Recent, up to 16.
	RecentLateWakes int
	// Datagrams and Bytes were sent to its players.
	Datagrams, Bytes uint64
	// Recent are its latest ticks, some 500, oldest first.
	Recent []TickTimes
	// Parts are in the order in which they run.
	Parts []PartFigures
}

// Quantiles are how long shares of the latest ticks took at most; zero before the first.
func (f *RoomFigures) Quantiles(shares ...float64) []time.Duration {
	out := make([]time.Duration, len(shares))
	if len(f.Recent) == 0 {
		return out
	}
	took := make([]time.Duration, len(f.Recent))
	for i, t := range f.Recent {
		took[i] = t.Total()
	}
	slices.Sort(took)
	for i, share := range shares {
		out[i] = took[min(int(share*float64(len(took))), len(took)-1)]
	}
	return out
}

// Figures returns the figures of the open rooms. Any goroutine may call it; the rooms notice nothing.
func (s *Server) Figures() (out []RoomFigures) {
	for _, row := range find[roomRow](s.directory, roomRows, byID, nil) {
		out = append(out, row.figures())
	}
	return out
}

func (row *roomRow) figures() RoomFigures {
	r, p := row.room, row.room.pulse
	view := r.view.Load()
	f := RoomFigures{
		RoomStats: row.stats(), Entities: entities(view),
		Made: p.made.Load(), Overruns: p.overruns.Load(), LateWakes: p.wakes.count.Load(), Skipped: p.skipped.Load(), Failed: p.failed.Load(),
		Datagrams: p.sent.Load(), Bytes: p.bytes.Load(), Recent: p.ticks(view.Tick),
	}
	if len(f.Recent) > 0 {
		f.RecentLateWakes = p.wakes.since(f.Recent[0].Tick)
	}
	for i := range p.parts {
		at := &p.parts[i]
		f.Parts = append(f.Parts, PartFigures{
			Name: at.name, Total: time.Duration(at.total.Load()), Max: time.Duration(at.max.Load()), Overruns: at.overruns.Load(),
		})
	}
	return f
}

func entities(v *world.View) (n int) {
	for table := range v.Tables() {
		n += v.Len(table)
	}
	return n
}
