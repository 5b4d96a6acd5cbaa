package world_test

import (
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// weighing is a fleet in whose ticks something is done with the first crate and with new ones.
func weighing(t *testing.T, tick func(tx *world.Tx, g *fleet, first world.ID)) (*fleet, *world.World) {
	g := newFleet()
	g.OnTick(func(tx *world.Tx) {
		for id := range g.Crates.All(tx) {
			tick(tx, g, id)
			return
		}
	})
	return g, start(t, g, 1)
}

func TestAWeightIsPartOfTheState(t *testing.T) {
	var id, heavy world.ID
	g, w := weighing(t, func(tx *world.Tx, g *fleet, first world.ID) {
		switch tx.Tick() {
		case 2:
			id = first
			heavy = g.Crates.Insert(tx, crate{}, world.Weight(3), world.Weight(5))
			g.Crates.SetWeight(tx, first, 7)
		case 3:
			g.Crates.SetWeight(tx, first, 9)
			panic("the tick is undone")
		case 4:
			g.Crates.Remove(tx, heavy)
		case 5:
			heavy = g.Crates.Insert(tx, crate{}) // at the same index
		}
	})
	_, before := step(t, w, world.Commands{})
	cs, v := step(t, w, world.Commands{})
	if got := g.Crates.WeightOf(before, id); got != 1 {
		t.Errorf("unless set the weight is %d, want 1", got)
	}
	if a, b := g.Crates.WeightOf(v, id), g.Crates.WeightOf(v, heavy); a != 7 || b != 5 {
		t.Errorf("the weights are %d and %d, want 7, and 5: the last option counts", a, b)
	}
	if len(cs.Tables[1].Changed) != 0 || v.Pages(1)[0].Rights(int(id.Index())) == uint32(v.Tick) {
		t.Errorf("a weight changed the row: %v", cs.Tables[1].Changed)
	}
	if v.Hash() == before.Hash() {
		t.Error("the hash is the same")
	}
	restored, err := world.Restore(newFleet(), w.Export(), world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Crates.WeightOf(restored.View(), id); got != 7 || restored.View().Hash() != v.Hash() {
		t.Errorf("restored, the weight is %d and the hash %016x, want 7 and %016x", got, restored.View().Hash(), v.Hash())
	}
	if _, undone, err := w.Step(world.Commands{}); err == nil || g.Crates.WeightOf(undone, id) != 7 {
		t.Errorf("after a tick that was undone (%v) the weight is %d, want 7", err, g.Crates.WeightOf(undone, id))
	}
	_, v = step(t, w, world.Commands{})
	if page, row := v.Pages(1)[heavy.Index()>>6], int(heavy.Index()&63); g.Crates.WeightOf(v, heavy) != 0 || page.Weight(row) != 5 {
		t.Errorf("of a removed row the weight is %d, and %d for its removal", g.Crates.WeightOf(v, heavy), page.Weight(row))
	}
	if _, v = step(t, w, world.Commands{}); g.Crates.WeightOf(v, heavy) != 1 {
		t.Errorf("a new row at the index of a heavy one weighs %d", g.Crates.WeightOf(v, heavy))
	}
}

func TestAWeightOutOfRangeCostsTheTick(t *testing.T) {
	for _, weight := range []int{-1, 0, world.MaxWeight + 1, 256, 257} {
		_, set := weighing(t, func(tx *world.Tx, g *fleet, first world.ID) { g.Crates.SetWeight(tx, first, weight) })
		_, given := weighing(t, func(tx *world.Tx, g *fleet, first world.ID) { g.Crates.Insert(tx, crate{}, world.Weight(weight)) })
		for _, w := range []*world.World{set, given} {
			if _, _, err := w.Step(world.Commands{}); err == nil || !strings.Contains(err.Error(), "1 to 16 are possible") {
				t.Errorf("weight %d: %v", weight, err)
			}
		}
	}
	_, w := weighing(t, func(tx *world.Tx, g *fleet, first world.ID) { g.Crates.SetWeight(tx, schema.MakeID(999, 1), 2) })
	if _, _, err := w.Step(world.Commands{}); err == nil || !strings.Contains(err.Error(), "has no row") {
		t.Errorf("a row that is not there: %v", err)
	}
}

func TestAPredictionTakesNoNoticeOfWeights(t *testing.T) {
	g := newFleet()
	var id world.ID
	g.OnInput(func(tx *world.Tx, p world.Player, _ helm) {
		id = g.Ships.Insert(tx, ship{}, world.Owner(p), world.Weight(0))
		g.Ships.SetWeight(tx, id, 99)
		g.Ships.SetWeight(tx, schema.MakeID(999, 1), 3)
	})
	rep, err := world.NewReplica(g, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := rep.Predict(5, nil); err != nil {
		t.Fatal(err)
	}
	if got := g.Ships.WeightOf(rep.View(5), id); got != 1 {
		t.Errorf("the weight is %d", got)
	}
}
