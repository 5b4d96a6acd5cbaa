package world_test

import (
	"math"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// replicaOf is a replica of a game of rovers that has the row of player 1, at 5000, 5000.
func replicaOf(t *testing.T, g *roverGame) *world.Replica {
	t.Helper()
	w, err := world.New(g, world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, v, err := w.Step(world.Commands{Joins: []world.Join{{Player: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := world.NewReplica(g, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := v.Pages(0)[0]
	r.Put(0, schema.MakeID(0, p.Generation(0)), schema.Own, p.Words(0), p.Texts(0))
	return r
}

// eastwards has an input move a rover by so much along X.
func eastwards(by float32) *roverGame {
	return roversThat(func(_ *roverGame, _ *world.Tx, _ world.Player, r *rover, in drive) {
		r.X += by * float32(in.DX)
		r.Fuel--
	})
}

// TestOwnRowsAreDrawnBetweenTicksAndCorrectionsEased predicts one tick, and then finds that it was none.
func TestOwnRowsAreDrawnBetweenTicksAndCorrectionsEased(t *testing.T) {
	for _, c := range []struct {
		name  string
		by    float32
		eased float64 // what is left at first of by
	}{
		{"a step", 10, 10},
		{"more than a 64th of the range", 400, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := eastwards(c.by)
			r := replicaOf(t, g)
			var from, to world.OwnRows
			var ease world.Easing
			r.Own(1, &from)
			in, err := g.AppendInput(nil, drive{DX: 1})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Predict(2, in); err != nil {
				t.Fatal(err)
			}
			r.Own(2, &to)
			shown := func() rover {
				for _, row := range g.rovers.Owned(r.Glance(2), 1) {
					return row
				}
				t.Fatal("the row is gone")
				return rover{}
			}
			want := func(what string, x float64) {
				t.Helper()
				if got := shown(); math.Abs(float64(got.X)-x) > 0.01 || got.Y != 5000 {
					t.Errorf("%s is drawn at %v, %v, want %v, 5000", what, got.X, got.Y, x)
				}
			}
			r.ShowOwn(&from, &to, 0.25, &ease)
			want("a quarter of the way", 5000+float64(c.by)/4)
			if shown().Fuel != 998 { // the server has taken one in the tick of joining
				t.Errorf("what is no float is drawn as %d, want that of the later tick", shown().Fuel)
			}
			ease.Correct(&to, &from)
			r.Unpredict()
			r.ShowOwn(&from, &from, 0, &ease)
			want("a correction at first", 5000+c.eased)
			ease.Fade(0.5)
			r.ShowOwn(&from, &from, 0, &ease)
			want("a correction, half of it faded", 5000+c.eased/2)
			ease.Fade(0)
			r.ShowOwn(&from, &from, 0, &ease)
			want("what was corrected", 5000)
			if r.Unpredict(); shown().X != 5000 {
				t.Errorf("what was drawn has become the row: %+v", shown())
			}
		})
	}
}

func TestCompareNamesWhatWasMispredicted(t *testing.T) {
	g := eastwards(10)
	r := replicaOf(t, g)
	var said, predicted world.OwnRows
	in, _ := g.AppendInput(nil, drive{DX: 1})
	r.Own(2, &said)
	if err := r.Predict(2, in); err != nil {
		t.Fatal(err)
	}
	r.Own(2, &predicted)
	var found []world.Misprediction
	said.Compare(&predicted, func(m world.Misprediction) { found = append(found, m) })
	if len(found) != 2 || found[0].Field != "X" || math.Abs(found[0].Size-10) > 0.01 || found[0].Predicted != "5010" || found[0].Server != "5000" ||
		found[1].Field != "Fuel" || found[1].Size != 1 || found[1].Tick != 2 || found[1].Table != "rover" {
		t.Errorf("found %+v, want X by 10 and Fuel by 1", found)
	}
	found = nil
	said.Compare(&said, func(m world.Misprediction) { found = append(found, m) })
	if found != nil {
		t.Errorf("between what is the same it found %+v", found)
	}
}
