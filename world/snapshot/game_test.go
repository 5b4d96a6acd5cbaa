package snapshot_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quicstep/quicstep/world"
)

// harbour is the game of these tests: a bit of everything that a snapshot has to hold.
type harbour struct {
	*world.GameOf[order]
	Boats  world.Table[boat]
	Gulls  world.Table[gull]
	Notes  world.Table[note]
	Log    world.Singleton[logbook]
	Splash world.Event[splash]
}

type order struct {
	DX, DY int8   `net:"range=-1:1"`
	Call   string `net:"max=8"`
}

type boat struct {
	X, Y    float64  `net:"range=0:1000,step=0.1"`
	Cargo   [3]uint8 `net:"owner"`
	Course  int16    `net:"team"`
	Name    string   `net:"max=16"`
	Rival   world.ID
	Fuel    float64 `net:"-"`
	Journal string  `net:"-"`
	Balance int64   `net:"-"`
	Sunk    bool
}

type gull struct {
	X  float32 `net:"range=0:1000,step=0.5,pos=x,reckon=VX,tolerance=2"`
	Y  float32 `net:"range=0:1000,step=0.5,pos=y,reckon=VY,tolerance=2"`
	VX float32 `net:"range=-50:50,step=0.5"`
	VY float32 `net:"range=-50:50,step=0.5"`
	N  uint16
}

// note has no column at all.
type note struct {
	Secret string `net:"-"`
}

type logbook struct{ Ticks, Joins uint32 }

type splash struct{ By world.ID }

func newHarbour() *harbour {
	g := &harbour{GameOf: world.NewGame[order]("harbour")}
	g.Boats = world.AddTable[boat](g, "boat")
	g.Gulls = world.AddTable[gull](g, "gull", world.CellSize(100))
	g.Notes = world.AddTable[note](g, "note")
	g.Log = world.AddSingleton(g, "log", logbook{})
	g.Splash = world.AddEvent[splash](g, "splash")
	g.OnStart(func(tx *world.Tx) {
		for range 150 {
			g.Gulls.Insert(tx, gull{X: float32(tx.Rand().Float64() * 1000), Y: float32(tx.Rand().Float64() * 1000)})
		}
	})
	g.OnJoin(g.join)
	g.OnLeave(func(tx *world.Tx, p world.Player, _ world.LeaveReason) {
		for id := range g.Boats.Owned(tx, p) {
			if tx.Rand().IntN(2) == 0 {
				g.Boats.Remove(tx, id)
			}
		}
	})
	g.OnInput(g.steer)
	g.OnTick(g.tick)
	return g
}

func (g *harbour) join(tx *world.Tx, p world.Player) error {
	g.Log.Edit(tx).Joins++
	if p%7 == 0 {
		return errors.New("the harbour is full")
	}
	team := world.TeamID(p % 3)
	tx.SetTeam(p, team)
	tx.SetView(p, world.Pos{X: 500, Y: float64(p)}, 150)
	g.Boats.Insert(tx, boat{X: 500, Y: 500, Name: fmt.Sprint("boat ", p), Balance: -int64(p) * 1_000_000_007}, world.Owner(p), world.OnTeam(team))
	g.Notes.Insert(tx, note{Secret: fmt.Sprint("player ", p, " came at tick ", tx.Tick())})
	return nil
}

func (g *harbour) steer(tx *world.Tx, p world.Player, in order) {
	for id, was := range g.Boats.Owned(tx, p) {
		b := g.Boats.Edit(tx, id)
		b.X += float64(in.DX)*2 + tx.Rand().Float64()*0.01
		b.Y += float64(in.DY) * 2
		b.Fuel -= float64(in.DX) / 3
		b.Balance += int64(in.DY)
		b.Course = int16(-b.Balance)
		if in.Call != "" && len(was.Journal) < 300 {
			b.Journal += in.Call + tx.User(p) + tx.Role(p)
			b.Cargo[len(b.Journal)%3]++
			g.Splash.Emit(tx, splash{By: id})
		}
		for other := range g.Boats.All(tx) {
			b.Rival = other
		}
	}
}

func (g *harbour) tick(tx *world.Tx) {
	g.Log.Edit(tx).Ticks++
	at := world.Pos{X: tx.Rand().Float64() * 1000, Y: tx.Rand().Float64() * 1000}
	for id := range g.Gulls.Near(tx, at, 60) {
		e := g.Gulls.Edit(tx, id)
		e.X, e.N = float32(at.X), e.N+1
		e.VX, e.VY = float32(tx.Rand().IntN(101)-50), float32(tx.Rand().IntN(3)-1)
	}
	for id, e := range g.Gulls.All(tx) {
		if (e.VX != 0 || e.VY != 0) && uint64(id)%4 != tx.Tick()/30%4 { // some hover for a second
			e := g.Gulls.Edit(tx, id)
			e.X, e.Y = e.X+e.VX/30, e.Y+e.VY/30
		}
	}
	if tx.Tick()%5 == 0 {
		for id := range g.Gulls.All(tx) {
			if tx.Rand().IntN(40) == 0 {
				g.Gulls.Remove(tx, id)
			}
		}
		g.Gulls.Insert(tx, gull{X: 1, Y: float32(tx.Tick() % 1000)})
		g.Gulls.Insert(tx, gull{X: 999, Y: float32(at.Y)}, world.Weight(2))
	}
	for id := range g.Boats.All(tx) {
		switch tx.Rand().IntN(200) {
		case 0:
			g.Boats.SetTeam(tx, id, world.TeamID(tx.Tick()%4))
		case 1:
			g.Boats.SetOwner(tx, id, 0)
		case 2:
			g.Boats.Edit(tx, id).Name = ""
		case 3:
			g.Boats.SetWeight(tx, id, 1+tx.Rand().IntN(world.MaxWeight))
		}
	}
	if tx.Tick()%97 == 0 {
		panic("a squall, which undoes the tick")
	}
}

func (g *harbour) input(t testing.TB, in order) []byte {
	t.Helper()
	b, err := g.AppendInput(nil, in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// script is a random but repeatable list of commands: joins, leaves and inputs.
func script(t testing.TB, seed uint64, ticks int) []world.Commands {
	g := newHarbour()
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]world.Commands, ticks)
	last, here := world.Player(0), map[world.Player]bool{}
	for i := range out {
		if r.IntN(10) == 0 && len(here) < 8 {
			last++
			here[last] = true
			out[i].Joins = append(out[i].Joins, world.Join{Player: last, User: fmt.Sprint("sailor ", last%5), Role: []string{"", "pilot"}[last%2]})
		}
		for p := world.Player(1); p <= last; p++ {
			switch {
			case !here[p]:
			case r.IntN(60) == 0:
				delete(here, p)
				out[i].Leaves = append(out[i].Leaves, world.Leave{Player: p})
			case r.IntN(4) != 0:
				in := order{DX: int8(r.IntN(3) - 1), DY: int8(r.IntN(3) - 1)}
				if r.IntN(5) == 0 {
					in.Call = "ahoy"
				}
				out[i].Inputs = append(out[i].Inputs, world.Input{Player: p, Data: g.input(t, in)})
			}
		}
	}
	return out
}

func start(t testing.TB, g world.Game, seed uint64) *world.World {
	t.Helper()
	w, err := world.New(g, world.Config{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// step makes one tick. A panic of the game's is part of the game.
func step(t testing.TB, w *world.World, c world.Commands) *world.View {
	t.Helper()
	_, v, err := w.Step(c)
	var undone *world.PanicError
	if err != nil && !errors.As(err, &undone) {
		t.Fatal(err)
	}
	return v
}

// played returns a world after so many ticks of a script.
func played(t testing.TB, seed uint64, ticks int) *world.World {
	t.Helper()
	w := start(t, newHarbour(), seed)
	for _, c := range script(t, seed, ticks) {
		step(t, w, c)
	}
	return w
}
