package world_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quicstep/quicstep/world"
)

func TestDiffIsWhatMakesOneViewTheOther(t *testing.T) {
	const seed = 5
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	g := newTown()
	g.onTick = func(tx *world.Tx) {
		for id := range g.Debts.All(tx) {
			switch chance.IntN(8) {
			case 0:
				g.Debts.Remove(tx, id)
			case 1:
				g.Debts.Edit(tx, id).Coins++
			}
		}
		for range chance.IntN(40) {
			g.Debts.Insert(tx, debt{Coins: uint16(chance.IntN(9))})
		}
	}
	w := start(t, g, seed)
	var before *world.View
	rows := map[world.ID]debt{}
	kinds := map[world.DiffKind]int{}
	for range 200 {
		var now *world.View
		for range 1 + chance.IntN(3) {
			_, now = step(t, w, world.Commands{})
		}
		for d := range g.Debts.Diff(before, now) {
			kinds[d.Kind]++
			was, there := rows[d.ID]
			switch d.Kind {
			case world.Added:
				if there || d.Before != (debt{}) {
					t.Fatalf("%v was added, and was there: %+v", d.ID, d)
				}
				rows[d.ID] = d.Now
			case world.Changed:
				if !there || was != d.Before || d.Before == d.Now {
					t.Fatalf("%v changed from %+v, was %+v: %+v", d.ID, d.Before, was, d)
				}
				rows[d.ID] = d.Now
			case world.Removed:
				if !there || was != d.Before || d.Now != (debt{}) {
					t.Fatalf("%v was removed as %+v, was %+v", d.ID, d.Before, was)
				}
				delete(rows, d.ID)
			}
		}
		if len(rows) != g.Debts.Len(now) {
			t.Fatalf("the differences add up to %d rows, there are %d", len(rows), g.Debts.Len(now))
		}
		for id, row := range g.Debts.All(now) {
			if rows[id] != row {
				t.Fatalf("the differences make %v %+v, it is %+v", id, rows[id], row)
			}
		}
		before = now
	}
	for d := range g.Debts.Diff(before, before) {
		t.Errorf("a view differs from itself: %+v", d)
	}
	for _, k := range []world.DiffKind{world.Added, world.Changed, world.Removed} {
		if kinds[k] == 0 {
			t.Errorf("nothing was %v", k)
		}
	}
	if got := fmt.Sprint(world.Added, world.Changed, world.Removed, world.DiffKind(0)); got != "added changed removed unchanged" {
		t.Errorf("the kinds are called %s", got)
	}
	for range g.Debts.Diff(nil, before) {
		return // may be left early
	}
}
