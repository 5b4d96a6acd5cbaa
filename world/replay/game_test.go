package replay_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quicstep/quicstep/world"
	"github.com/quicstep/quicstep/world/replay"
	"github.com/quicstep/quicstep/world/snapshot"
)

// orchard is the game of these tests: a bit of everything that a tick can do.
type orchard struct {
	*world.GameOf[order]
	Pickers world.Table[picker]
	Apples  world.Table[apple]
	Sun     world.Singleton[sun]
	Falls   world.Event[fall]
}

type order struct {
	DX, DY int8   `net:"range=-1:1"`
	Shout  string `net:"max=8"`
}

type picker struct {
	X      float64 `net:"range=0:1000,step=0.1,own=,pos=x"`
	Y      float64 `net:"range=0:1000,step=0.1,own=,pos=y"`
	Apples uint16  `net:"owner"`
	Plan   int16   `net:"team"`
	Name   string  `net:"max=16"`
	Target world.ID
	Tired  float64 `net:"-"`
	Diary  string  `net:"-"`
}

type apple struct {
	X float32 `net:"range=0:1000,step=0.5,pos=x"`
	Y float32 `net:"range=0:1000,step=0.5,pos=y"`
}

type sun struct{ Ticks, Fallen uint32 }

type fall struct{ Which world.ID }

// weather makes the game's rules differ, so that the same commands give another game.
type weather struct {
	stormAt uint64 // a tick in which an apple more falls
	calm    bool   // nothing panics
	squall  uint64 // a tick that panics once more
}

func newOrchard() *orchard { return newOrchardIn(weather{}) }

func newOrchardIn(how weather) *orchard {
	g := &orchard{GameOf: world.NewGame[order]("orchard")}
	g.Pickers = world.AddTable[picker](g, "picker")
	g.Apples = world.AddTable[apple](g, "apple", world.CellSize(100))
	g.Sun = world.AddSingleton(g, "sun", sun{})
	g.Falls = world.AddEvent[fall](g, "fall")
	g.OnStart(func(tx *world.Tx) {
		for range 80 {
			g.grow(tx)
		}
	})
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		tx.SetTeam(p, world.TeamID(p%3))
		g.Pickers.Insert(tx, picker{X: 500, Y: 500, Name: fmt.Sprint("picker ", p)}, world.Owner(p), world.OnTeam(world.TeamID(p%3)))
		if p%9 == 0 {
			return errors.New("no ladder is left")
		}
		return nil
	})
	g.OnLeave(func(tx *world.Tx, p world.Player, _ world.LeaveReason) {
		for id := range g.Pickers.Owned(tx, p) {
			g.Pickers.Remove(tx, id)
		}
	})
	g.OnInput(g.walk)
	g.OnTick(func(tx *world.Tx) {
		g.day(tx, how)
	})
	return g
}

func (g *orchard) grow(tx *world.Tx) world.ID {
	return g.Apples.Insert(tx, apple{X: float32(tx.Rand().Float64() * 1000), Y: float32(tx.Rand().Float64() * 1000)})
}

func (g *orchard) walk(tx *world.Tx, p world.Player, in order) {
	for id := range g.Pickers.Owned(tx, p) {
		e := g.Pickers.Edit(tx, id)
		e.X += float64(in.DX)*5 + tx.Rand().Float64()*0.1
		e.Y += float64(in.DY) * 5
		e.Tired += float64(in.DX) / 7
		e.Plan = int16(in.DX) * 100
		if in.Shout != "" && len(e.Diary) < 100 {
			e.Diary += in.Shout + tx.User(p) + tx.Role(p)
		}
		tx.SetView(p, world.Pos{X: e.X, Y: e.Y}, 150)
		for near := range g.Apples.Near(tx, world.Pos{X: e.X, Y: e.Y}, 25) {
			g.Apples.Remove(tx, near)
			e.Apples, e.Target = e.Apples+1, near
		}
	}
}

func (g *orchard) day(tx *world.Tx, how weather) {
	s := g.Sun.Edit(tx)
	s.Ticks++
	if tx.Tick()%3 == 0 && g.Apples.Len(tx) < 90 || tx.Tick() == how.stormAt {
		g.grow(tx)
	}
	for id, a := range g.Apples.All(tx) {
		if tx.Rand().IntN(300) == 0 {
			g.Apples.Edit(tx, id).Y = a.Y / 2
			g.Falls.Emit(tx, fall{Which: id})
			s.Fallen++
		}
	}
	if !how.calm && tx.Tick()%89 == 0 || tx.Tick() == how.squall && how.squall != 0 {
		panic("a gust, which undoes the tick")
	}
}

// script is a random but repeatable list of commands: joins, leaves and inputs, in no order.
func script(t testing.TB, seed uint64, ticks int) []world.Commands {
	g := newOrchard()
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]world.Commands, ticks)
	last, here := world.Player(0), map[world.Player]bool{}
	for i := range out {
		c := &out[i]
		if r.IntN(10) == 0 && len(here) < 6 {
			last++
			here[last] = true
			c.Joins = append(c.Joins, world.Join{Player: last, User: fmt.Sprint("picker ", last%5), Role: []string{"", "foreman"}[last%2]})
		}
		for p := last; p > 0; p-- {
			switch {
			case !here[p]:
			case r.IntN(80) == 0:
				delete(here, p)
				c.Leaves = append(c.Leaves, world.Leave{Player: p})
			case r.IntN(4) != 0:
				in := order{DX: int8(r.IntN(3) - 1), DY: int8(r.IntN(3) - 1)}
				if r.IntN(9) == 0 {
					in.Shout = "hoy"
				}
				data, err := g.AppendInput(nil, in)
				if err != nil {
					t.Fatal(err)
				}
				c.Inputs = append(c.Inputs, world.Input{Player: p, Data: data})
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

// recording is a log together with what it was made from.
type recording struct {
	log    []byte
	ends   []int    // where the log ends after each tick; ends[0] is before the first
	hashes []uint64 // after each tick
	undone uint64
}

// record plays a script in a fresh world of an orchard and records it, with a hash at every so many ticks.
func record(t testing.TB, seed uint64, ticks, every int) recording {
	t.Helper()
	return recordWith(t, seed, ticks, every, func(_ uint64, hash uint64) uint64 { return hash })
}

// recordWith lets the caller put another hash into the log.
func recordWith(t testing.TB, seed uint64, ticks, every int, hash func(tick, hash uint64) uint64) recording {
	t.Helper()
	w := start(t, newOrchard(), seed)
	var log bytes.Buffer
	rec, err := replay.NewRecorder(&log, snapshot.Save(w), every)
	if err != nil {
		t.Fatal(err)
	}
	var out recording
	for _, c := range script(t, seed, ticks) {
		flush(t, rec)
		out.ends = append(out.ends, log.Len())
		_, v, err := w.Step(c)
		if err != nil {
			out.undone++
		}
		out.hashes = append(out.hashes, v.Hash())
		if err := rec.Tick(v.Tick, c, hash(v.Tick, v.Hash()), err != nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	out.log, out.ends = log.Bytes(), append(out.ends, log.Len())
	return out
}

func flush(t testing.TB, rec *replay.Recorder) {
	t.Helper()
	if err := rec.Flush(); err != nil {
		t.Fatal(err)
	}
}

func verify(t testing.TB, log []byte, g world.Game) replay.Report {
	t.Helper()
	rep, err := replay.Verify(bytes.NewReader(log), g)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}
