package world_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/world"
)

// fleet is the game of these tests: a bit of everything.
type fleet struct {
	*world.GameOf[helm]
	Ships  world.Table[ship]
	Crates world.Table[crate]
	Score  world.Singleton[score]
	Shots  world.Event[shot]

	panicIn string // the callback that panics
	refuse  world.Player
}

type helm struct {
	DX   int8 `net:"range=-1:1"`
	DY   int8 `net:"range=-1:1"`
	Fire bool
}

type ship struct {
	X, Y  float64  `net:"range=0:1000,step=0.1"`
	Ammo  uint8    `net:"owner"`
	Plan  int16    `net:"team"`
	Name  string   `net:"max=16"`
	Prey  world.ID // another ship
	Drift float64  `net:"-"`
}

type crate struct {
	X float32 `net:"range=0:1000,step=0.5,pos=x"`
	Y float32 `net:"range=0:1000,step=0.5,pos=y"`
	N uint16
}

type score struct{ Ticks, Joins uint32 }

type shot struct {
	By world.ID
}

func newFleet() *fleet {
	g := &fleet{GameOf: world.NewGame[helm]("fleet")}
	g.Ships = world.AddTable[ship](g, "ship")
	g.Crates = world.AddTable[crate](g, "crate", world.CellSize(50))
	g.Score = world.AddSingleton(g, "score", score{})
	g.Shots = world.AddEvent[shot](g, "shot")
	g.OnStart(func(tx *world.Tx) {
		for range 100 {
			g.Crates.Insert(tx, crate{X: float32(tx.Rand().Float64() * 1000), Y: float32(tx.Rand().Float64() * 1000)})
		}
		g.maybePanic("OnStart")
	})
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		g.Ships.Insert(tx, ship{X: 500, Y: 500, Ammo: 10, Name: fmt.Sprint("ship ", p)}, world.Owner(p), world.OnTeam(world.TeamID(p%3)))
		tx.SetTeam(p, world.TeamID(p%3))
		tx.SetView(p, world.Pos{X: 500, Y: 500}, 200)
		g.Score.Edit(tx).Joins++
		if p == g.refuse {
			return errors.New("no room for you")
		}
		g.maybePanic("OnJoin")
		return nil
	})
	g.OnLeave(func(tx *world.Tx, p world.Player, _ world.LeaveReason) {
		for id := range g.Ships.Owned(tx, p) {
			g.Ships.Remove(tx, id)
		}
		g.maybePanic("OnLeave")
	})
	g.OnInput(g.steer)
	g.OnTick(func(tx *world.Tx) {
		g.Score.Edit(tx).Ticks++
		for range 5 {
			at := world.Pos{X: tx.Rand().Float64() * 1000, Y: tx.Rand().Float64() * 1000}
			for id := range g.Crates.Near(tx, at, 40) {
				c := g.Crates.Edit(tx, id)
				c.X, c.N = float32(at.X), c.N+1
			}
		}
		if tx.Tick()%7 == 0 {
			for id := range g.Crates.All(tx) {
				if tx.Rand().IntN(20) == 0 {
					g.Crates.Remove(tx, id)
				}
			}
			g.Crates.Insert(tx, crate{X: 1, Y: float32(tx.Tick() % 1000)})
		}
		g.maybePanic("OnTick")
	})
	return g
}

func (g *fleet) steer(tx *world.Tx, p world.Player, in helm) {
	for id, s := range g.Ships.Owned(tx, p) {
		e := g.Ships.Edit(tx, id)
		e.X = s.X + float64(in.DX)*2 + tx.Rand().Float64()*0.01
		e.Y = s.Y + float64(in.DY)*2
		e.Drift += float64(in.DX)
		if in.Fire && e.Ammo > 0 {
			e.Ammo--
			g.Shots.Emit(tx, shot{By: id})
		}
	}
	if !tx.Predicting() {
		g.maybePanic("OnInput")
	}
}

func (g *fleet) maybePanic(where string) {
	if g.panicIn == where {
		panic("the test asked for it")
	}
}

func (g *fleet) input(t testing.TB, in helm) []byte {
	t.Helper()
	b, err := g.AppendInput(nil, in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func start(t testing.TB, g world.Game, seed uint64) *world.World {
	t.Helper()
	w, err := world.New(g, world.Config{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func step(t testing.TB, w *world.World, c world.Commands) (world.ChangeSet, *world.View) {
	t.Helper()
	cs, v, err := w.Step(c)
	if err != nil {
		t.Fatal(err)
	}
	return cs, v
}

func joins(players ...world.Player) (c world.Commands) {
	for _, p := range players {
		c.Joins = append(c.Joins, world.Join{Player: p})
	}
	return c
}

// script is a random but repeatable list of commands: joins, leaves and inputs.
func script(t testing.TB, g *fleet, seed uint64, ticks int) []world.Commands {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]world.Commands, ticks)
	last, here := world.Player(0), map[world.Player]bool{}
	for i := range out {
		if r.IntN(10) == 0 && len(here) < 8 {
			last++
			here[last] = true
			out[i].Joins = append(out[i].Joins, world.Join{Player: last})
		}
		for p := world.Player(1); p <= last; p++ {
			switch {
			case !here[p]:
			case r.IntN(60) == 0:
				delete(here, p)
				out[i].Leaves = append(out[i].Leaves, world.Leave{Player: p})
			case r.IntN(4) != 0:
				in := helm{DX: int8(r.IntN(3) - 1), DY: int8(r.IntN(3) - 1), Fire: r.IntN(5) == 0}
				out[i].Inputs = append(out[i].Inputs, world.Input{Player: p, Data: g.input(t, in)})
			}
		}
	}
	return out
}

func TestDefinitionErrorsComeAllAtOnceFromTheFirstUse(t *testing.T) {
	type bad struct {
		P *int
		F float32
	}
	g := world.NewGame[bad]("broken")
	world.AddTable[bad](g, "things")
	world.AddEvent[bad](g, "bangs")
	_, err := world.New(g, world.Config{})
	for _, use := range []struct {
		name string
		err  error
	}{
		{"New", err},
		{"NewReplica", second(world.NewReplica(g, 1, 0))},
		{"SchemaOf", second(world.SchemaOf(g))},
	} {
		if use.err == nil {
			t.Fatalf("%s accepts a broken game", use.name)
		}
		for _, want := range []string{"broken", "input", "things", "bangs", "P is of kind ptr", "F is a float"} {
			if !strings.Contains(use.err.Error(), want) {
				t.Errorf("%s does not say %q:\n%v", use.name, want, use.err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestDefiningAfterTheFirstUsePanics(t *testing.T) {
	g := newFleet()
	start(t, g, 1)
	defer func() {
		if recover() == nil {
			t.Error("a table was added to a game in use")
		}
	}()
	world.AddTable[ship](g, "late")
}
