package replicate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// bell is a game of one row and one kind of event. What ring does is done in each tick.
type bell struct {
	*world.GameOf[struct{}]
	Bells world.Table[struct{ Rung uint8 }]
	Rings world.Event[struct {
		Loud string `net:"max=64"`
	}]
	ring func(tx *world.Tx, g *bell)
}

func newBell() *bell {
	g := &bell{GameOf: world.NewGame[struct{}]("bell"), ring: func(*world.Tx, *bell) {}}
	g.Bells = world.AddTable[struct{ Rung uint8 }](g, "bell")
	g.Rings = world.AddEvent[struct {
		Loud string `net:"max=64"`
	}](g, "ring")
	g.OnStart(func(tx *world.Tx) { g.Bells.Insert(tx, struct{ Rung uint8 }{}) })
	g.OnTick(func(tx *world.Tx) { g.ring(tx, g) })
	return g
}

// once lets something happen in the next tick alone.
func (g *bell) once(what func(tx *world.Tx)) {
	g.ring = func(tx *world.Tx, _ *bell) { what(tx); g.ring = func(*world.Tx, *bell) {} }
}

func (g *bell) emit(tx *world.Tx, text string) {
	g.Rings.Emit(tx, struct {
		Loud string `net:"max=64"`
	}{text})
}

// TestALiarGetsNoMoreThanItsResends reports that it has none of many rows, which it has, again and again.
func TestALiarGetsNoMoreThanItsResends(t *testing.T) {
	g := newBell()
	s := newStage(t, g, replicate.Config{Period: 10 * time.Millisecond}, 2)
	g.once(func(tx *world.Tx) {
		for range 63 {
			g.Bells.Insert(tx, struct{ Rung uint8 }{})
		}
	})
	s.run(20)
	for round, resends := range []int{0, 1, 5, 64} {
		var in protocol.Input
		s.replica.Ack(&in)
		fresh, err := s.server.Ack(in.Epoch, protocol.Short(in.Newest), in.Missing, s.now)
		if err != nil || !fresh {
			t.Fatal(err, fresh)
		}
		got := s.server.Check(s.view, replicate.Report{Page: &protocol.PageReport{}, Resends: resends}, fresh)
		if len(got.Diverged) != 64 || got.Resent != resends || got.Unsent != 64-resends {
			t.Errorf("round %d: %d rows are missing, %d told anew and %d not, want 64 and %d", round, len(got.Diverged), got.Resent, got.Unsent, resends)
		}
		before := s.replica.Counters().Records
		s.run(20)
		if told := s.replica.Counters().Records - before; told != uint64(resends) {
			t.Errorf("round %d: %d records came, want the %d that may", round, told, resends)
		}
	}
}

// TestALiarGetsNoPileOfRemovals has rows that are not there, and acknowledges nothing any more.
func TestALiarGetsNoPileOfRemovals(t *testing.T) {
	g := newBell()
	s := newStage(t, g, replicate.Config{Period: 10 * time.Millisecond}, 2)
	s.run(20)
	resent := 0
	for page := range uint32(4) {
		var in protocol.Input
		s.replica.Ack(&in)
		fresh, err := s.server.Ack(in.Epoch, protocol.Short(in.Newest), in.Missing, s.now)
		if err != nil || !fresh {
			t.Fatal(err, fresh)
		}
		got := s.server.Check(s.view, replicate.Report{Page: &protocol.PageReport{Page: 10 + page, Here: ^uint64(0)}, Resends: 48}, fresh)
		if len(got.Diverged) != 64 || got.Resent+got.Unsent != 64 {
			t.Errorf("of page %d, %d rows are too many, %d told again and %d not", page, len(got.Diverged), got.Resent, got.Unsent)
		}
		resent += got.Resent
	}
	if resent != 64 {
		t.Errorf("%d removals are due, want 64 at most", resent)
	}
	before := s.replica.Counters().Records
	s.run(20)
	if told := s.replica.Counters().Records - before; told != 64 {
		t.Errorf("%d records came, want 64 removals", told)
	}
}

// TestAReportOfARowThatRestedForLong: its register's tick is so far back that 14 bits don't tell it from one to come.
func TestAReportOfARowThatRestedForLong(t *testing.T) {
	g := newBell()
	s := newStage(t, g, replicate.Config{Period: 10 * time.Millisecond}, 2)
	s.run(20)
	for _, rest := range []int{100, 8200, 1<<14 - 22, 1<<14 - 21, 1<<14 - 20, 1 << 14} {
		s.run(rest)
		g.once(func(tx *world.Tx) {
			for id := range g.Bells.All(tx) {
				g.Bells.Edit(tx, id).Rung++
			}
		})
		s.step(world.Commands{}) // what the client can't know yet
		var in protocol.Input
		s.replica.Ack(&in)
		s.replica.Report(&in, rand.New(rand.NewPCG(1, 1)))
		in.Row.Tick = uint64(protocol.Short(in.Row.Tick)) // as it travels
		fresh, err := s.server.Ack(in.Epoch, protocol.Short(in.Newest), in.Missing, s.now)
		if err != nil || !in.HasRow {
			t.Fatal(err, in.HasRow)
		}
		if got := s.server.Check(s.view, replicate.Report{Row: &in.Row}, fresh); len(got.Diverged) != 0 {
			t.Errorf("after %d ticks of rest: a false alarm: %+v", rest, got.Diverged)
		}
		s.run(20)
	}
}
