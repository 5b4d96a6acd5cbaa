package replicate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// arrows is a game of one row that flies on, and turns when a test says so.
type arrows struct {
	*world.GameOf[struct{}]
	Arrows world.Table[arrow]
	turn   func(a *arrow)
}

type arrow struct {
	X    float64 `net:"range=0:4000,step=0.1,pos=x,reckon=VX,tolerance=0.5"`
	Y    float64 `net:"range=0:4000,step=0.1,pos=y,reckon=VY,tolerance=0.5"`
	VX   float64 `net:"range=-100:100,step=0.5"`
	VY   float64 `net:"range=-100:100,step=0.5"`
	Kind uint8
}

func newArrows(first arrow) *arrows {
	g := &arrows{GameOf: world.NewGame[struct{}]("arrows")}
	g.Arrows = world.AddTable[arrow](g, "arrow")
	g.OnStart(func(tx *world.Tx) { g.Arrows.Insert(tx, first) })
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		tx.SetView(p, world.Pos{X: 2000, Y: 2000}, 4000)
		return nil
	})
	g.OnTick(func(tx *world.Tx) {
		for id := range g.Arrows.All(tx) {
			a := g.Arrows.Edit(tx, id)
			if g.turn != nil {
				g.turn(a)
				g.turn = nil
			}
			seconds := arrowPeriod.Seconds()
			a.X, a.Y = a.X+float64(a.VX*seconds), a.Y+float64(a.VY*seconds)
		}
	})
	return g
}

const arrowPeriod = 50 * time.Millisecond

// said is where a base says that the arrow is at a tick.
func said(t *testing.T, s *schema.Schema, words []uint32, tick uint64) (at [2]uint64) {
	t.Helper()
	motion, err := s.Tables[0].Motion(arrowPeriod.Nanoseconds())
	if err != nil {
		t.Fatal(err)
	}
	for i := range at {
		at[i] = motion.Position(motion.Base(words), i, uint32(tick))
	}
	return at
}

// TestFiveLostDatagramsOfANewBase: what comes through at last tells of a base that is some ticks old, and from then on
// both sides reckon the same position.
func TestFiveLostDatagramsOfANewBase(t *testing.T) {
	g := newArrows(arrow{X: 500, Y: 500, VX: 40})
	s := newStageAt(t, g, world.Config{Seed: 1, TickPeriodNS: arrowPeriod.Nanoseconds()}, replicate.Config{Period: arrowPeriod, SteadyRate: true}, 2)
	s.run(20)
	rows, err := world.NewReplica(g, 1, arrowPeriod.Nanoseconds())
	if err != nil {
		t.Fatal(err)
	}
	client := func() [2]uint64 {
		row, ok := s.replica.Get(0, 0)
		if !ok {
			t.Fatal("the arrow is not there")
		}
		rows.Put(0, schema.MakeID(0, row.Generation), row.Class, row.Words, row.Texts)
		return said(t, s.view.Schema(), row.Words, s.view.Tick)
	}
	server := func() [2]uint64 { return said(t, s.view.Schema(), s.view.Pages(0)[0].Words(0), s.view.Tick) }
	if client() != server() {
		t.Fatalf("before, the client says %v, the server %v", client(), server())
	}
	g.turn = func(a *arrow) { a.VX, a.VY = 0, -30 }
	turned := s.view.Tick + 1
	carried := 0
	for carried < 5 {
		s.step(world.Commands{})
		for _, d := range s.server.Pass(replicate.Pass{View: s.view, Now: s.now}, &s.scratch) {
			s.server.Sent(d)
			if len(d.Bytes) > protocol.StateHeaderBytes { // it has the record, and is lost
				carried++
			}
		}
		if client() == server() {
			t.Fatalf("tick %d: the client knows of the new base, which was lost %d times", s.view.Tick, carried)
		}
	}
	for range 100 {
		s.run(1)
		if row, _ := s.replica.Get(0, 0); uint64(row.Tick) >= turned {
			break
		}
	}
	row, _ := s.replica.Get(0, 0)
	if motion, _ := s.view.Schema().Tables[0].Motion(arrowPeriod.Nanoseconds()); uint64(motion.Base(row.Words)[0]) != turned || uint64(row.Tick) < turned+5 {
		t.Fatalf("the client's base is of tick %d, its register of %d; want a base of tick %d, told five times before", motion.Base(row.Words)[0], row.Tick, turned)
	}
	for range 40 {
		if client() != server() {
			t.Fatalf("tick %d: the client says %v, the server %v", s.view.Tick, client(), server())
		}
		shown, _ := g.Arrows.Get(rows.View(s.view.Tick), schema.MakeID(0, 1))
		truth, _ := g.Arrows.Get(s.view, schema.MakeID(0, 1))
		if abs(shown.X-truth.X) > 0.55 || abs(shown.Y-truth.Y) > 0.55 || shown.VY != -30 {
			t.Fatalf("tick %d: the client shows %+v, the truth is %+v", s.view.Tick, shown, truth)
		}
		s.run(1)
	}
	if row, _ := s.replica.Get(0, 0); row.Words[len(row.Words)-5] != uint32(turned) {
		t.Error("it was told of another base, and flew on")
	}
}

func abs(v float64) float64 { return max(v, -v) }

// TestAnArrowFliesForHours: the tick of its base is told again before two limbs lose it, also to those who come late, and
// a report of it is no false alarm at any time.
func TestAnArrowFliesForHours(t *testing.T) {
	g := newArrows(arrow{X: 100, Y: 2000, VX: 1})
	s := newStageAt(t, g, world.Config{Seed: 1, TickPeriodNS: arrowPeriod.Nanoseconds()}, replicate.Config{Period: arrowPeriod}, 2)
	s.run(20)
	chance := rand.New(rand.NewPCG(1, 1))
	for s.view.Tick < 2*schema.ReckonAge+1000 {
		s.run(97)
		row, ok := s.replica.Get(0, 0)
		if want := s.view.Pages(0)[0].Words(0); !ok || said(t, s.view.Schema(), row.Words, s.view.Tick) != said(t, s.view.Schema(), want, s.view.Tick) {
			t.Fatalf("tick %d: the client has %v, the server %v", s.view.Tick, row.Words, want)
		}
		var in protocol.Input
		s.replica.Ack(&in)
		s.replica.Report(&in, chance)
		fresh, err := s.server.Ack(in.Epoch, protocol.Short(in.Newest), in.Missing, s.now)
		if err != nil {
			t.Fatal(err)
		}
		in.Row.Tick = uint64(protocol.Short(in.Row.Tick)) // as it travels
		if got := s.server.Check(s.view, replicate.Report{Row: &in.Row}, fresh); len(got.Diverged) != 0 {
			t.Fatalf("tick %d: a false alarm: %+v", s.view.Tick, got.Diverged)
		}
		if s.view.Tick/97%20 == 0 { // somebody who begins anew
			s.server.NewEpoch()
		}
	}
}

// TestAReportOfAWrongBaseNamesTheField: what differs has a name that a person knows.
func TestAReportOfAWrongBaseNamesTheField(t *testing.T) {
	g := newArrows(arrow{X: 500, Y: 500, VX: 40})
	s := newStageAt(t, g, world.Config{Seed: 1, TickPeriodNS: arrowPeriod.Nanoseconds()}, replicate.Config{Period: arrowPeriod}, 0)
	s.run(20)
	first := s.view.Schema().Tables[0].Group.First
	for column, want := range map[int]replicate.Divergence{
		first:     {Field: "X", Server: "based on tick 1 mod 16384", Client: "based on tick 2 mod 16384"},
		first + 1: {Field: "X", Server: "502", Client: "502.1"},
		first + 2: {Field: "VX", Server: "40", Client: "40.5"},
		first + 3: {Field: "Y", Server: "500", Client: "500.1"},
	} {
		var in protocol.Input
		s.replica.Ack(&in)
		row := reported(s.replica, s.view.Schema().Tables[0], column)
		fresh, err := s.server.Ack(in.Epoch, protocol.Short(in.Newest), in.Missing, s.now)
		if err != nil {
			t.Fatal(err)
		}
		got := s.server.Check(s.view, replicate.Report{Row: &row}, fresh)
		if len(got.Diverged) != 1 || got.Diverged[0].Field != want.Field || got.Diverged[0].Server != want.Server || got.Diverged[0].Client != want.Client {
			t.Errorf("column %d: %+v, want %+v", column, got, want)
		}
	}
}

// reported is a report of the first row with one column off by one.
func reported(r *replica.Replica, t *schema.Table, column int) protocol.RowReport {
	row, _ := r.Get(0, 0)
	words := append([]uint32(nil), row.Words...)
	words[column]++
	return protocol.RowReport{
		Class: row.Class, Generation: row.Generation, Tick: uint64(protocol.Short(uint64(row.Tick))),
		Columns: t.AppendRow(nil, row.Class, t.FullMask(row.Class), words, nil),
	}
}
