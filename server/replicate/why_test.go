package replicate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// wantWhy asks about a row of the first table and compares the reason and what the text says.
func (s *stage) wantWhy(index uint32, want replicate.Reason, says ...string) replicate.Why {
	s.t.Helper()
	return s.wantWhyIn(0, index, want, says...)
}

func (s *stage) wantWhyIn(table int, index uint32, want replicate.Reason, says ...string) replicate.Why {
	s.t.Helper()
	why := s.server.Why(s.view, table, index)
	text := why.String()
	if why.Reason != want {
		s.t.Errorf("row %d: %v (%s), want %v", index, why.Reason, text, want)
		return why
	}
	for _, part := range says {
		if !strings.Contains(text, part) {
			s.t.Errorf("row %d: %v does not say %q: %s", index, why.Reason, part, text)
		}
	}
	return why
}

// still makes the herd stand, whatever extra does.
func (g *herd) still() *herd {
	g.OnTick(func(tx *world.Tx) { g.extra(tx) })
	return g
}

// in has something done in the next tick.
func (s *stage) in(g *herd, what func(tx *world.Tx)) {
	s.t.Helper()
	g.extra = what
	s.step(world.Commands{})
	g.extra = func(*world.Tx) {}
}

func (g *herd) nth(tx *world.Tx, index uint32) world.ID {
	for id := range g.Movers.All(tx) {
		if id.Index() == index {
			return id
		}
	}
	panic("no such row")
}

func TestWhyNothingIsThere(t *testing.T) {
	g := newHerd(0, 3, 200).still()
	s := newStage(t, g, replicate.Config{Period: tickDur}, 2)
	s.wantWhy(0, replicate.NoPass)
	s.run(20)
	s.wantWhy(77, replicate.NoRow, "no such row at tick 21")
	s.wantWhy(1<<20-1, replicate.NoRow)
	s.in(g, func(tx *world.Tx) { g.Movers.Remove(tx, g.nth(tx, 1)) })
	s.wantWhy(1, replicate.NoRow, "was not sent yet")
	s.run(1)
	s.wantWhy(1, replicate.NoRow, "was sent at tick 23 and is not acknowledged yet")
	s.run(10)
	if why := s.wantWhy(1, replicate.NoRow); why.Removal {
		t.Errorf("it is still to be removed: %+v", why)
	}
	s.step(world.Commands{Leaves: []world.Leave{{Player: 1}}})
	s.wantWhy(0, replicate.NotInRoom)
}

func TestWhyItIsOutOfSight(t *testing.T) {
	g := newHerd(0, 3, 200).still()
	s := newStage(t, g, replicate.Config{Period: tickDur}, 2)
	s.run(20)
	s.in(g, func(tx *world.Tx) { g.Movers.Edit(tx, g.nth(tx, 0)).X = 810 })
	s.run(1)
	s.wantWhy(0, replicate.OutOfSight, "310.0 away", "200.0 far", "that it is gone was sent")
	s.run(10)
	if why := s.wantWhy(0, replicate.OutOfSight, "310.0 away"); why.Removal || why.Distance != 310 || why.Radius != 200 {
		t.Errorf("%+v", why)
	}
	s.in(g, func(tx *world.Tx) { g.Movers.Edit(tx, g.nth(tx, 0)).X = 500 })
	s.wantWhy(0, replicate.Later)
	s.in(g, func(tx *world.Tx) { tx.SetView(1, world.Pos{}, 0) })
	s.wantWhy(2, replicate.OutOfSight, "has no view")
}

func TestWhyTheClientNeedsNothing(t *testing.T) {
	g := newHerd(0, 3, 200).still()
	s := newStage(t, g, replicate.Config{Period: tickDur, SteadyRate: true}, 3)
	s.run(2)
	s.wantWhy(0, replicate.Unacknowledged, "was sent at tick 2", "sent again at tick 6")
	s.run(20)
	why := s.wantWhy(0, replicate.Acknowledged, "changed last at tick 1", "known to have it as of tick 2")
	if why.Changed != 1 || why.Known != 2 || why.Sent != 2 || why.Weight != 1 || why.ID == 0 {
		t.Errorf("%+v", why)
	}
	s.in(g, func(tx *world.Tx) { g.Movers.Edit(tx, g.nth(tx, 0)).HP++ })
	s.wantWhy(0, replicate.Later)
	s.run(1)
	s.wantWhy(0, replicate.Unacknowledged)
}

func TestWhyAnotherSidesFieldIsNotSent(t *testing.T) {
	type safe struct {
		Open uint8
		Code uint8 `net:"owner"`
	}
	g := world.NewGame[struct{}]("bank")
	safes := world.AddTable[safe](g, "safe")
	var id world.ID
	turn := func(*world.Tx) {}
	g.OnJoin(func(tx *world.Tx, _ world.Player) error { id = safes.Insert(tx, safe{}); return nil })
	g.OnTick(func(tx *world.Tx) { turn(tx) })
	s := newStage(t, g, replicate.Config{Period: tickDur}, 2)
	s.run(20)
	turn = func(tx *world.Tx) { safes.Edit(tx, id).Code++ }
	s.run(1)
	s.wantWhy(0, replicate.NotForPlayer, "what changed at tick 22 is not for this player")
}

func TestWhyItIsNotDue(t *testing.T) {
	g := newHerd(0, 3, 60)
	s := newStage(t, g, replicate.Config{Period: tickDur}, 2)
	g.extra = func(tx *world.Tx) {
		for id := range g.Movers.All(tx) {
			g.Movers.Edit(tx, id).HP++
		}
	}
	waited := 0
	for range 40 {
		s.run(1)
		why := s.server.Why(s.view, 0, 0)
		if why.Reason != replicate.NotDue {
			continue
		}
		if waited++; why.Due <= s.view.Tick || why.Due > s.view.Tick+4 || why.Period != 4 || why.Sent >= s.view.Tick {
			t.Errorf("%+v", why)
		}
		s.wantWhy(0, replicate.NotDue, "where the player sees 60.0 far", "every 4 ticks")
	}
	if waited < 20 {
		t.Errorf("it was not due in %d of 40 ticks, want three of four", waited)
	}
}

func TestWhyOthersWereMoreUrgent(t *testing.T) {
	g := newHerd(0, 400, 200)
	s := newStage(t, g, replicate.Config{Period: tickDur, SteadyRate: true, BudgetBytes: 400}, 2)
	s.run(100)
	sent, crowded := 0, 0
	for index := range uint32(400) {
		switch why := s.server.Why(s.view, 0, index); why.Reason {
		case replicate.OverBudget:
			crowded++
			if why.Score > why.Least || why.BudgetBytes != 400 || why.Records < 300 || why.Went >= why.Records || why.Went < 20 {
				t.Fatalf("%+v", why)
			}
			s.wantWhy(index, replicate.OverBudget, "weight 1", "budget of 400 bytes")
		case replicate.Unacknowledged:
			if sent++; why.Sent != s.view.Tick {
				t.Fatalf("%+v", why)
			}
		default:
			t.Fatalf("row %d: %v", index, why)
		}
	}
	s.step(world.Commands{}) // in which all of them move
	for index := range uint32(400) {
		if why := s.server.Why(s.view, 0, index); why.Reason == replicate.OverBudget {
			crowded--
		} else if why.Reason != replicate.Unacknowledged {
			t.Fatalf("row %d, a tick later: %v", index, why)
		}
	}
	if crowded != 0 {
		t.Errorf("a tick later %d fewer were crowded out", crowded)
	}
	crowded = 400 - sent
	if sent < 20 || sent+crowded != 400 {
		t.Errorf("%d were sent, %d were not", sent, crowded)
	}
}

func TestWhyThePassWasSkipped(t *testing.T) {
	s := newStage(t, newHerd(0, 3, 200), replicate.Config{Period: tickDur, SteadyRate: true}, 1000)
	for range 7 {
		s.run(1)
	}
	s.wantWhy(0, replicate.UnderWay, "tick 8 was skipped", "of 6 ticks are not acknowledged")
}

func TestWhyTheConnectionDidNotTakeIt(t *testing.T) {
	g := newHerd(0, 3, 200)
	s := newStage(t, g, replicate.Config{Period: tickDur, SteadyRate: true}, 2)
	s.run(20)
	s.step(world.Commands{})
	s.now = s.now.Add(time.Millisecond)
	s.server.Pass(replicate.Pass{View: s.view, Now: s.now}, &s.scratch) // and never told to Sent
	s.wantWhy(0, replicate.Unsent, "did not take the datagram")
}
