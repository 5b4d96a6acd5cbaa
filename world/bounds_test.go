package world_test

import (
	"strings"
	"testing"

	"github.com/quicstep/quicstep/world"
)

// TestWhatAGameMakesWithoutEndIsBounded: one too many costs the tick, in which nothing has happened then.
func TestWhatAGameMakesWithoutEndIsBounded(t *testing.T) {
	for _, test := range []struct {
		what string
		cfg  world.Config
		most int
		make func(g *town, tx *world.Tx)
		says string
	}{
		{"rows", world.Config{MaxRows: 1000}, 1024, func(g *town, tx *world.Tx) { g.Debts.Insert(tx, debt{}) }, "the room is full"},
		{"rows of a table", world.Config{}, 1 << 20, func(g *town, tx *world.Tx) { g.Debts.Insert(tx, debt{}) }, "table debt is full"},
		{"events", world.Config{}, world.MaxEventsPerTick, func(g *town, tx *world.Tx) { g.Cries.Emit(tx, cry{}) }, "emit fewer"},
		{"messages", world.Config{}, world.MaxMessagesPerTick, func(g *town, tx *world.Tx) { g.Letters.Send(tx, letter{}) }, "send fewer"},
	} {
		t.Run(test.what, func(t *testing.T) {
			g := newTown()
			w, err := world.New(g, test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			g.onTick = func(tx *world.Tx) {
				for range n {
					test.make(g, tx)
				}
			}
			step(t, w, joins(1))
			n = test.most
			cs, full := step(t, w, joins())
			n = test.most + 1
			if g.Debts.Len(full) > 0 {
				n = 1
			}
			_, v, err := w.Step(world.Commands{})
			var failed *world.PanicError
			if !asPanic(err, &failed) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("one more than %d is answered by %v, want a panic that says %q", test.most, err, test.says)
			}
			if g.Debts.Len(v) != g.Debts.Len(full) || g.Debts.Len(v)+len(cs.Events)+len(cs.Messages) != test.most {
				t.Errorf("%d rows, %d events and %d messages were made, want %d", g.Debts.Len(v), len(cs.Events), len(cs.Messages), test.most)
			}
			n = 0
			step(t, w, joins())
		})
	}
	if _, err := world.New(newTown(), world.Config{MaxRows: -1}); err == nil {
		t.Error("a negative bound was taken")
	}
}

// TestDoingTellsWhereAStepIs, from another goroutine.
func TestDoingTellsWhereAStepIs(t *testing.T) {
	g := newTown()
	w := start(t, g, 1)
	want := func(callback string, player world.Player) {
		t.Helper()
		said := make(chan bool)
		go func() {
			gotCallback, gotPlayer := w.Doing()
			if gotCallback != callback || gotPlayer != player {
				t.Errorf("the step is in %q of player %d, want %q of %d", gotCallback, gotPlayer, callback, player)
			}
			close(said)
		}()
		<-said
	}
	want("", 0)
	asked := false
	g.onTick = func(*world.Tx) { want("OnTick", 0); asked = true }
	step(t, w, joins(1))
	if !asked {
		t.Error("OnTick did not run")
	}
	want("", 0)
}
