package replicate_test

import (
	"strings"
	"testing"

	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

func TestAnEventIsToldHoweverSmallTheBudget(t *testing.T) {
	g := newBell()
	s := newStage(t, g, replicate.Config{Period: tickDur, BudgetBytes: 64}, 2)
	s.run(20)
	g.once(func(tx *world.Tx) { g.emit(tx, strings.Repeat("x", 64)) })
	s.run(4)
	if got := s.replica.Counters().Events; got != 1 {
		t.Errorf("%d events were fired, want the one that is longer than half of the budget", got)
	}
}
func TestEventsThatWereToldAreNotCountedAsDropped(t *testing.T) {
	g := newBell()
	s := newStage(t, g, replicate.Config{Period: tickDur}, 6)
	s.run(20)
	const each, ticks = 20, 5 // all are under way before the first is acknowledged
	for range ticks {
		g.once(func(tx *world.Tx) {
			for range each {
				g.emit(tx, "x")
			}
		})
		s.run(1)
	}
	s.run(5)
	if fired, dropped := s.replica.Counters().Events, s.server.EventsDropped(); fired != each*ticks || dropped != 0 {
		t.Errorf("%d of %d events were fired, and %d count as dropped", fired, each*ticks, dropped)
	}
}
