package world_test

import (
	"math"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// sail is a row whose floats travel as they are.
type sail struct {
	X   float32 `net:"range=0:1000,step=0.5,own=0.1,pos=x"`
	Y   float64 `net:"range=0:1000,step=0.5,pos=y"`
	Aim float32 `net:"range=0:360,step=1,wrap"`
	Ply float32 `net:"range=0:10,step=1,team"`
	N   uint16
}

// regatta makes records of a sail: its row as tick after tick leave it.
type regatta struct {
	*world.GameOf[struct{}]
	Sails world.Table[sail]
	t     *testing.T
	world *world.World
	next  sail
}

func newRegatta(t *testing.T, options ...world.TableOption) *regatta {
	g := &regatta{GameOf: world.NewGame[struct{}]("regatta"), t: t}
	g.Sails = world.AddTable[sail](g, "sail", options...)
	g.OnTick(func(tx *world.Tx) {
		if g.Sails.Len(tx) == 0 {
			g.Sails.Insert(tx, sail{})
		}
		for id := range g.Sails.All(tx) {
			*g.Sails.Edit(tx, id) = g.next
		}
	})
	var err error
	if g.world, err = world.New(g, world.Config{}); err != nil {
		t.Fatal(err)
	}
	return g
}

// record is the sail as a player is told of it when it is like that at a tick.
func (g *regatta) record(tick uint64, s sail) world.Record {
	g.next = s
	_, v := step(g.t, g.world, world.Commands{})
	return world.Record{Tick: tick, Words: v.Pages(0)[0].Words(0)}
}

// shown is what is shown of a sail, whose row is that of the record before.
func (g *regatta) shown(at world.Moment, span world.Span, row sail) sail {
	g.Sails.Show(&row, nil, at, &span)
	return row
}

func TestWhatIsShownLiesBetweenTheRecords(t *testing.T) {
	g := newRegatta(t)
	first := sail{X: 100, Y: 10, Aim: 350, N: 1}
	before, from, to := g.record(8, sail{}), g.record(10, first), g.record(12, sail{X: 200, Y: 20, Aim: 30, N: 2})
	late := world.Record{Tick: 20, Words: to.Words}
	owned := to
	owned.Class = schema.Own
	for _, c := range []struct {
		what string
		at   world.Moment
		span world.Span
		want sail
	}{
		{"at the record", world.MomentOf(10, 0), world.Span{Before: before, From: from, To: to}, first},
		{"halfway", world.MomentOf(11, 0), world.Span{Before: before, From: from, To: to}, sail{X: 150, Y: 15, Aim: 10, N: 1}},
		{"between ticks", world.MomentOf(10, 64), world.Span{Before: before, From: from, To: to}, sail{X: 125, Y: 12.5, Aim: 0, N: 1}},
		{"nothing after", world.MomentOf(11, 0), world.Span{Before: before, From: from}, first},
		{"it rested until two ticks before", world.MomentOf(18, 0), world.Span{Before: before, From: from, To: late}, first},
		{"halfway after a rest", world.MomentOf(19, 0), world.Span{Before: before, From: from, To: late}, sail{X: 150, Y: 15, Aim: 10, N: 1}},
		{"a new one moves in the last tick", world.MomentOf(19, 64), world.Span{From: from, To: late}, sail{X: 150, Y: 15, Aim: 10, N: 1}},
		{"a lost record is no rest", world.MomentOf(11, 0), world.Span{Before: world.Record{Tick: 9, Words: before.Words}, From: from, To: to}, sail{X: 150, Y: 15, Aim: 10, N: 1}},
		{"its class changed", world.MomentOf(11, 0), world.Span{Before: before, From: from, To: owned}, first},
	} {
		if got := g.shown(c.at, c.span, first); got != c.want {
			t.Errorf("%s: %+v; want %+v", c.what, got, c.want)
		}
	}
}

func TestAClassSeesWhatItIsTold(t *testing.T) {
	g := newRegatta(t)
	from := g.record(10, sail{X: 100.1, Ply: 2})
	to := g.record(11, sail{X: 102.1, Ply: 4})
	for class, want := range map[schema.Class]sail{
		schema.Public: {X: 101, Ply: 2}, schema.Team: {X: 101, Ply: 3}, schema.Own: {X: 101.1, Ply: 3},
	} {
		from.Class, to.Class = class, class
		if got := g.shown(world.MomentOf(10, 64), world.Span{From: from, To: to}, sail{X: 100.1, Ply: 2}); got != want {
			t.Errorf("class %v is shown %+v; want %+v", class, got, want)
		}
	}
}

func TestModes(t *testing.T) {
	for mode, want := range map[world.Mode][4]float32{
		world.Interpolate: {100, 200, 200, 200},
		world.Extrapolate: {100, 200, 300, 600},
		world.Latest:      {200, 200, 200, 200},
	} {
		g := newRegatta(t, world.ShownAs(mode))
		if modes, err := world.ShownModes(g); err != nil || modes[0] != mode {
			t.Errorf("the modes are %v, %v", modes, err)
		}
		before, from := g.record(10, sail{X: 100}), g.record(12, sail{X: 200})
		for i, at := range []world.Moment{world.MomentOf(10, 0), world.MomentOf(12, 0), world.MomentOf(14, 0), world.MomentOf(40, 0)} {
			span := world.Span{Before: before, From: from}
			if i == 0 && mode != world.Latest {
				span = world.Span{From: before, To: from}
			}
			if got := g.shown(at, span, sail{X: 77}); got.X != want[i] {
				t.Errorf("mode %d shows %v at %v; want %v", mode, got.X, at, want[i])
			}
		}
	}
	g := &regatta{GameOf: world.NewGame[struct{}]("regatta")}
	g.Sails = world.AddTable[sail](g, "sail", world.ShownAs(9))
	if _, err := world.SchemaOf(g); err == nil || !strings.Contains(err.Error(), "ShownAs(9)") {
		t.Errorf("a mode that there is not: %v", err)
	}
	type plain struct{ N uint8 }
	h := &regatta{GameOf: world.NewGame[struct{}]("regatta")}
	world.AddTable[plain](h, "plain")
	h.Sails = world.AddTable[sail](h, "sail")
	if modes, err := world.ShownModes(h); err != nil || modes[0] != world.Latest || modes[1] != world.Interpolate {
		t.Errorf("by default the modes are %v, %v", modes, err)
	}
}

func TestDeadReckonedFieldsAreShownByTheirFormula(t *testing.T) {
	g := newSky(kite{X: 100, Y: 200, VX: 20, VY: -5})
	g.tick = g.fly
	w := startSky(t, g)
	_, v := step(t, w, world.Commands{})
	first := world.Record{Tick: 1, Words: v.Pages(0)[0].Words(0)}
	motion, err := v.Schema().Tables[0].Motion(kitePeriod)
	if err != nil {
		t.Fatal(err)
	}
	turn := func(x, vx float32) world.Record {
		g.tick = func(tx *world.Tx) {
			for id := range g.Kites.All(tx) {
				k := g.Kites.Edit(tx, id)
				k.X, k.VX = x, vx
			}
		}
		_, v := step(t, w, world.Commands{})
		return world.Record{Tick: v.Tick, Words: v.Pages(0)[0].Words(0)}
	}
	turned := turn(104.8, -20)
	far := turn(900, 10)
	near := func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-3 }
	for _, c := range []struct {
		what  string
		at    world.Moment
		span  world.Span
		x, vx float32
	}{
		{"by its base", world.MomentOf(6, 0), world.Span{From: first}, 112, 20},
		{"between ticks", world.MomentOf(6, 32), world.Span{From: first}, 112.5, 20},
		{"towards a new base", world.MomentOf(1, 64), world.Span{From: first, To: turned}, 103.4, 20},
		{"at the new base", world.MomentOf(2, 0), world.Span{Before: first, From: turned, To: far}, 104.8, -20},
		{"what is put elsewhere jumps", world.MomentOf(2, 96), world.Span{Before: first, From: turned, To: far}, 104.8, -20},
		{"and is there then", world.MomentOf(3, 0), world.Span{Before: turned, From: far}, 900, 10},
	} {
		row := kite{Y: 1, VX: 99, Kind: 3}
		if g.Kites.Show(&row, motion, c.at, &c.span); !near(row.X, c.x) || !near(row.VX, c.vx) || row.Kind != 3 {
			t.Errorf("%s: x %v, vx %v; want %v, %v", c.what, row.X, row.VX, c.x, c.vx)
		}
	}
}
