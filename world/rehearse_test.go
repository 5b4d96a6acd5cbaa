package world_test

import (
	"strings"
	"testing"

	"github.com/quicstep/quicstep/world"
)

// rover is a player's row in games that predict well, or don't.
type rover struct {
	X     float32 `net:"range=0:10000,step=0.1,own"`
	Y     float32 `net:"range=0:10000,step=0.1,own"`
	Fuel  uint16
	Speed float32 `net:"-"` // clients don't have it
}

type drive struct {
	DX int8 `net:"range=-1:1"`
	DY int8 `net:"range=-1:1"`
}

type roverGame struct {
	*world.GameOf[drive]
	rovers world.Table[rover]
}

// roversThat is a game whose OnInput does something to each rover that its player owns.
func roversThat(do func(g *roverGame, tx *world.Tx, p world.Player, r *rover, in drive)) *roverGame {
	g := &roverGame{GameOf: world.NewGame[drive]("rovers")}
	g.rovers = world.AddTable[rover](g, "rover")
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		g.rovers.Insert(tx, rover{X: 5000, Y: 5000, Fuel: 1000, Speed: 2}, world.Owner(p))
		return nil
	})
	g.OnInput(func(tx *world.Tx, p world.Player, in drive) {
		for id := range g.rovers.Owned(tx, p) {
			do(g, tx, p, g.rovers.Edit(tx, id), in)
		}
	})
	g.OnTick(func(tx *world.Tx) {
		for id := range g.rovers.All(tx) {
			if tx.Rand().IntN(20) == 0 { // what the server decides is no drift
				r := g.rovers.Edit(tx, id)
				r.Fuel, r.Speed, r.Y = 1000, 1+tx.Rand().Float32(), r.Y+50
			}
		}
	})
	return g
}

func TestRehearseNamesWhatDrifts(t *testing.T) {
	outside := float32(0)
	for _, c := range []struct {
		name  string
		do    func(g *roverGame, tx *world.Tx, p world.Player, r *rover, in drive)
		field string // that drifts; empty for none
	}{
		{"what the owner has", func(_ *roverGame, tx *world.Tx, _ world.Player, r *rover, in drive) {
			r.X += float32(in.DX) * float32(1+tx.Rand().IntN(3))
			if r.Fuel > 0 && in.DY != 0 {
				r.Y, r.Fuel = r.Y+float32(in.DY), r.Fuel-1
			}
		}, ""},
		{"a field that stays on the server", func(_ *roverGame, _ *world.Tx, _ world.Player, r *rover, in drive) {
			r.X += float32(in.DX) * r.Speed
		}, "X"},
		{"a little each tick", func(_ *roverGame, _ *world.Tx, _ world.Player, r *rover, in drive) {
			r.X += float32(in.DX) * (1 + r.Speed/100)
		}, "X"},
		{"where another one is", func(g *roverGame, tx *world.Tx, p world.Player, r *rover, in drive) {
			r.X += float32(in.DX)
			for id, other := range g.rovers.All(tx) {
				if g.rovers.OwnerOf(tx, id) != p {
					r.Y = min(other.X, 9000)
				}
			}
		}, "Y"},
		{"a variable of the program", func(_ *roverGame, tx *world.Tx, _ world.Player, r *rover, in drive) {
			if !tx.Predicting() {
				outside += 0.5
			}
			if r.Fuel = uint16(outside); in.DX > 0 {
				outside++
			}
		}, "Fuel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			const seed = 3
			out, err := world.Rehearse(roversThat(c.do), world.Rehearsal{Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			switch d := out.Drift; {
			case c.field == "" && (d != nil || out.Ticks != 1000 || out.Rows != 1000):
				t.Errorf("seed %d: in %d ticks %d rows were compared, and this drifts: %+v", seed, out.Ticks, out.Rows, d)
			case c.field != "" && (d == nil || d.Field != c.field || d.Table != "rover" || d.Tick < 2 || d.Tick > 60 || d.Size <= 0 || d.Predicted == d.Server):
				t.Errorf("seed %d: the drift is %+v, want one of %s within the first ticks", seed, d, c.field)
			}
		})
	}
}

func TestRehearseSaysWhatIsWrong(t *testing.T) {
	fails := roversThat(func(_ *roverGame, tx *world.Tx, _ world.Player, r *rover, _ drive) {
		if tx.Predicting() {
			panic("no client can do this")
		}
	})
	if _, err := world.Rehearse(fails, world.Rehearsal{}); err == nil || !strings.Contains(err.Error(), "no client can do this") {
		t.Errorf("a prediction that panics is answered by %v", err)
	}
	if _, err := world.Rehearse(fails, world.Rehearsal{Ticks: -1}); err == nil {
		t.Error("a negative number was taken")
	}
	if _, err := world.Rehearse(fails, world.Rehearsal{Client: world.NewGame[struct{}]("another")}); err == nil {
		t.Error("a client of another game was taken")
	}
}
