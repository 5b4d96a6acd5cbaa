package world_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/world"
)

// lander is what a rover leaves behind where it turns back.
type lander struct {
	At  float32 `net:"range=0:10000,step=0.1"`
	Big uint64
}

// landing is a game of rovers that may leave landers.
func landing() *roverGame {
	var landers world.Table[lander]
	g := roversThat(func(_ *roverGame, tx *world.Tx, p world.Player, r *rover, in drive) {
		r.X += float32(in.DX)
		if in.DY < 0 {
			landers.Insert(tx, lander{At: r.X, Big: 1 << 60}, world.Owner(p))
		}
	})
	landers = world.AddTable[lander](g, "lander")
	world.AddSingleton(g, "site", lander{At: 7})
	return g
}

func TestStepCasesAreWhatClientsPredict(t *testing.T) {
	cases, err := world.StepCases(landing(), world.StepCasing{Seed: 3, Cases: 100, Players: 2})
	if err != nil {
		t.Fatal(err)
	}
	made, moved, ends, runs := 0, 0, map[any]bool{}, 0
	for _, c := range cases {
		if len(c.Inputs) != len(c.After) || len(c.Known) != 1 || c.Known[0].Table != "site" || c.Known[0].Fields[0] != float32(7) {
			t.Fatalf("%s has %d inputs, %d states after and knows %+v", c.Name, len(c.Inputs), len(c.After), c.Known)
		}
		if len(c.Inputs) > 1 {
			runs++
		}
		ends[c.Own[0].Fields[0]] = true
		before := c.Own[0].Fields[0].(float32)
		after, dx := c.After[0][0].Fields[0].(float32), float32(c.Inputs[0][0].(int64))
		if diff := after - before; diff != dx {
			t.Errorf("%s: X goes from %v to %v by an input of %v", c.Name, before, after, dx)
		} else if diff != 0 {
			moved++
		}
		for _, r := range c.After[len(c.After)-1] {
			if r.Made == nil {
				continue
			}
			if made++; r.Table != "lander" || uint64(r.Made.Tick) < c.Tick || r.Made.Insert != 1 || r.Fields[1] != "1152921504606846976" {
				t.Errorf("%s: an input made %+v, %+v", c.Name, r, *r.Made)
			}
		}
	}
	if made < 20 || moved < 20 || runs != 20 || !ends[float32(0)] || !ends[float32(10000)] {
		t.Errorf("%d rows were made, %d moves, %d runs; the lowest X: %v, the highest: %v", made, moved, runs, ends[float32(0)], ends[float32(10000)])
	}
	again, err := world.StepCases(landing(), world.StepCasing{Seed: 3, Cases: 100, Players: 2})
	if err != nil || !reflect.DeepEqual(cases, again) {
		t.Errorf("the same seed gives other cases, %v", err)
	}
}

func TestStepCasesLeavesOutWhatTheGameCantPlayAtTheEdges(t *testing.T) {
	g := roversThat(func(_ *roverGame, _ *world.Tx, _ world.Player, r *rover, _ drive) {
		if r.X == 0 {
			panic("nobody comes here")
		}
	})
	cases, err := world.StepCases(g, world.StepCasing{Cases: 100})
	if err != nil || len(cases) >= 120 || len(cases) < 100 {
		t.Errorf("%d cases, %v; want some less than 120", len(cases), err)
	}
	g = roversThat(func(_ *roverGame, tx *world.Tx, _ world.Player, _ *rover, _ drive) {
		if tx.Predicting() {
			panic("broken")
		}
	})
	if _, err := world.StepCases(g, world.StepCasing{}); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a game that panics: %v", err)
	}
	if _, err := world.StepCases(g, world.StepCasing{Cases: -1}); err == nil {
		t.Error("less than no cases are made")
	}
}
