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
