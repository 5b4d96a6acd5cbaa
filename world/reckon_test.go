package world_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// sky is a game of kites that do what a test says.
type sky struct {
	*world.GameOf[struct{}]
	Kites world.Table[kite]
	tick  func(tx *world.Tx)
}

type kite struct {
	X    float32 `net:"range=0:10000,step=0.1,own,pos=x,reckon=VX,tolerance=0.5"`
	Y    float32 `net:"range=0:10000,step=0.1,own,pos=y,reckon=VY,tolerance=0.5"`
	VX   float32 `net:"range=-100:100,step=0.5"`
	VY   float32 `net:"range=-100:100,step=0.5"`
	Kind uint8
	Mine uint8 `net:"owner"`
}

// kitePeriod makes a tenth of a unit of a unit per second, so that a test can reckon, too.
const kitePeriod = 1e9 / 10

func newSky(first ...kite) *sky {
	g := &sky{GameOf: world.NewGame[struct{}]("sky"), tick: func(*world.Tx) {}}
	g.Kites = world.AddTable[kite](g, "kite", world.CellSize(100))
	g.OnStart(func(tx *world.Tx) {
		for _, k := range first {
			g.Kites.Insert(tx, k)
		}
	})
	g.OnTick(func(tx *world.Tx) { g.tick(tx) })
	return g
}

// fly moves every kite by its velocity.
func (g *sky) fly(tx *world.Tx) {
	for id := range g.Kites.All(tx) {
		k := g.Kites.Edit(tx, id)
		k.X, k.Y = k.X+k.VX/10, k.Y+k.VY/10
	}
}

func startSky(t testing.TB, g *sky) *world.World {
	t.Helper()
	w, err := world.New(g, world.Config{TickPeriodNS: kitePeriod})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// base is the base of the first kite.
func base(v *world.View) []uint32 {
	return v.Schema().Tables[0].Group.Base(v.Pages(0)[0].Words(0))
}

func TestAMoverThatDoesWhatIsReckonedIsNotTold(t *testing.T) {
	g := newSky(kite{X: 100, Y: 200, VX: 20, VY: -5})
	g.tick = g.fly
	w := startSky(t, g)
	_, first := step(t, w, joins(1))
	if got := base(first); !slices.Equal(got, []uint32{1, 1020, 240, 1995, 190}) {
		t.Fatalf("the first base is %v", got)
	}
	v := first
	for range 300 {
		_, v = step(t, w, world.Commands{})
	}
	p := v.Pages(0)[0]
	if p.Dirty(0, 1) != 1 || base(v)[0] != 1 || p.Place(0).X != 7020 {
		t.Errorf("after 300 ticks on its course it is %d, dirty since tick %d, with a base of tick %d", p.Place(0).X, p.Dirty(0, 1), base(v)[0])
	}
	g.tick = func(tx *world.Tx) { g.Kites.Edit(tx, world.ID(1<<20)).Mine++ }
	_, before := step(t, w, world.Commands{}) // it stands from now on, and is off by two units
	grid, _ := before.Grid(0)
	if got := base(before); got[0] != 302 || got[1] != 7020 {
		t.Errorf("a tick after it stood its base is %v", got)
	}
	g.tick = func(tx *world.Tx) {
		k := g.Kites.Edit(tx, world.ID(1<<20))
		k.VX, k.VY = 0, 0
	}
	_, v = step(t, w, world.Commands{})
	if got := base(v); !slices.Equal(got, []uint32{303, 7020, 200, 495, 200}) {
		t.Errorf("when it stops its base is %v", got)
	}
	g.tick = func(tx *world.Tx) { g.Kites.Edit(tx, world.ID(1<<20)).Mine++ }
	_, v = step(t, w, world.Commands{})
	after, _ := v.Grid(0)
	place := v.Pages(0)[0].Place(0)
	cell := after.Cell(uint32(place.Column), uint32(place.Row))
	if after.Stamp(cell) != 303 || grid.Stamp(cell) != 302 || v.Pages(0)[0].Dirty(0, 1) != 303 {
		t.Errorf("what nobody is told stamps the cell at %d, and is dirty at %d; want 303", after.Stamp(cell), v.Pages(0)[0].Dirty(0, 1))
	}
}

func TestTheOwnerIsToldTheTruth(t *testing.T) {
	g := newSky()
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		g.Kites.Insert(tx, kite{X: 100, Y: 100, VX: 10}, world.Owner(p))
		return nil
	})
	g.tick = g.fly
	w := startSky(t, g)
	_, v := step(t, w, joins(1, 2))
	for range 20 {
		_, v = step(t, w, world.Commands{})
	}
	if p := v.Pages(0)[0]; p.Dirty(0, 1) != 21 || p.Dirty(0, 2) != 1 || p.Dirty(1, 2) != 21 {
		t.Errorf("dirty for its owner at %d, for another at %d; want 21 and 1", p.Dirty(0, 1), p.Dirty(0, 2))
	}
	rep, err := world.NewReplica(g, 1, kitePeriod)
	if err != nil {
		t.Fatal(err)
	}
	put(rep, v, 1)
	mine, _ := g.Kites.Get(rep.View(v.Tick), world.ID(1<<20))
	later, _ := g.Kites.Get(rep.View(v.Tick+10), world.ID(1<<20))
	if mine.X != 121 || later != mine {
		t.Errorf("the owner has %+v, and ten ticks later %+v", mine, later)
	}
}

func TestWhatNobodyEditsStaysWhereItIs(t *testing.T) {
	g := newSky(kite{X: 100, Y: 100, VX: 1}, kite{X: 500, Y: 100})
	w := startSky(t, g)
	told := 0
	for range 100 {
		cs, v := step(t, w, world.Commands{})
		b := base(v)
		motion, _ := v.Schema().Tables[0].Motion(kitePeriod)
		if at := motion.Position(b, 0, uint32(v.Tick)); at < 1000 || at > 1005 {
			t.Fatalf("tick %d: it is said to be at %d", v.Tick, at)
		}
		told += len(cs.Tables[0].Changed)
	}
	if told != 100/6 { // a step per tick is reckoned, and five are tolerated
		t.Errorf("it was told of %d times", told)
	}
}

func TestABaseIsRenewedBeforeItsTickIsLost(t *testing.T) {
	g := newSky(kite{X: 0, Y: 100, VX: 1})
	g.tick = func(tx *world.Tx) { g.Kites.Edit(tx, world.ID(1<<20)).X = float32(float64(tx.Tick()) / 10) }
	w := startSky(t, g)
	last := uint32(0)
	for range 3*schema.ReckonAge + 100 {
		_, v := step(t, w, world.Commands{})
		b := base(v)
		if age := uint32(v.Tick) - b[0]; age >= schema.ReckonAge {
			t.Fatalf("tick %d: the base is %d ticks old", v.Tick, age)
		}
		if b[0] != last && last != 0 && b[0]-last != schema.ReckonAge {
			t.Fatalf("a base of tick %d follows one of %d", b[0], last)
		}
		last = b[0]
	}
	if last != 1+3*schema.ReckonAge {
		t.Errorf("the last base is of tick %d", last)
	}
}

// TestATickThatWasUndoneCountsForBases: what moves by its base has moved on, although nobody moved it.
func TestATickThatWasUndoneCountsForBases(t *testing.T) {
	g := newSky(kite{X: 100, Y: 100, VX: 10})
	g.tick = g.fly
	w := startSky(t, g)
	step(t, w, world.Commands{})
	g.tick = func(tx *world.Tx) {
		g.fly(tx)
		panic("the test asked for it")
	}
	_, v, err := w.Step(world.Commands{})
	if err == nil {
		t.Fatal("no panic")
	}
	if b := base(v); b[0] != 2 || b[1] != 1010 {
		t.Errorf("the base is %v", b)
	}
}

func TestAClientShowsWhereSomethingIsByNow(t *testing.T) {
	g := newSky(kite{X: 100, Y: 200, VX: 20, VY: -5, Kind: 3}, kite{X: 300, Y: 300, Kind: 4})
	w := startSky(t, g)
	_, v := step(t, w, joins(1))
	rep, err := world.NewReplica(g, 1, kitePeriod)
	if err != nil {
		t.Fatal(err)
	}
	put(rep, v, 1)
	id := world.ID(1 << 20)
	before, now := rep.View(v.Tick), rep.View(v.Tick+10)
	want := kite{X: 120, Y: 195, VX: 20, VY: -5, Kind: 3}
	if was, _ := g.Kites.Get(before, id); was != (kite{X: 100, Y: 200, VX: 20, VY: -5, Kind: 3}) {
		t.Errorf("at first it is %+v", was)
	}
	if got, ok := g.Kites.Get(now, id); !ok || got != want {
		t.Errorf("ten ticks later it is %+v, want %+v", got, want)
	}
	for at, k := range g.Kites.All(now) {
		if at == id && k != want {
			t.Errorf("among all it is %+v", k)
		}
	}
	near := func(v *world.View, x float64) (n int) {
		for _, k := range g.Kites.Near(v, world.Pos{X: x, Y: 195}, 6) {
			if n++; k != want && v == now {
				t.Errorf("near is %+v", k)
			}
		}
		return n
	}
	if near(now, 120) != 1 || near(now, 100) != 0 || near(before, 100) != 1 || near(before, 120) != 0 {
		t.Error("it is near where it is not")
	}
	diffs := slices.Collect(g.Kites.Diff(before, now))
	if len(diffs) != 1 || diffs[0].Kind != world.Changed || diffs[0].ID != id || diffs[0].Before.X != 100 || diffs[0].Now != want {
		t.Errorf("the two Views differ in %+v", diffs)
	}
	if diffs := slices.Collect(g.Kites.Diff(now, now)); len(diffs) != 0 {
		t.Errorf("a View differs from itself in %+v", diffs)
	}
	if diffs := slices.Collect(g.Kites.Diff(nil, now)); len(diffs) != 2 || diffs[0].Now != want {
		t.Errorf("from nothing it comes as %+v", diffs)
	}
	rep.Remove(0, 0)
	if g.Kites.Has(rep.View(v.Tick+20), id) {
		t.Error("it is there and was removed")
	}
}

func TestAPredictionSeesOthersAtItsTick(t *testing.T) {
	g := newSky(kite{X: 100, Y: 200, VX: 20})
	var seen kite
	g.OnInput(func(tx *world.Tx, _ world.Player, _ struct{}) {
		if tx.Predicting() {
			seen, _ = g.Kites.Get(tx, world.ID(1<<20))
		}
	})
	w := startSky(t, g)
	_, v := step(t, w, joins(1))
	rep, err := world.NewReplica(g, 1, kitePeriod)
	if err != nil {
		t.Fatal(err)
	}
	put(rep, v, 1)
	if err := rep.Predict(v.Tick+3, nil); err != nil || seen.X != 106 {
		t.Errorf("three ticks ahead it is at %v: %v", seen.X, err)
	}
}

func TestAnExactTableReckonsNothing(t *testing.T) {
	g := &sky{GameOf: world.NewGame[struct{}]("sky")}
	g.Kites = world.AddTable[kite](g, "kite", world.Exact(), world.CellSize(100))
	s, err := world.SchemaOf(g)
	if err != nil {
		t.Fatal(err)
	}
	if tb := s.Tables[0]; tb.Group != nil || len(tb.ClassColumns(schema.Public)) != 2+2+1 {
		t.Errorf("the public sees %d columns", len(tb.ClassColumns(schema.Public)))
	}
	if _, err := world.New(g, world.Config{}); err != nil {
		t.Error(err)
	}
}

func TestAGameThatIsTooFastForItsPeriodIsRefused(t *testing.T) {
	type comet struct {
		X  float64 `net:"range=0:4,step=0.000000001,reckon=VX,tolerance=1"`
		VX float64 `net:"range=-2000000000:2000000000,step=1"`
	}
	g := world.NewGame[struct{}]("night")
	world.AddTable[comet](g, "comet")
	_, err1 := world.New(g, world.Config{})
	_, err2 := world.NewReplica(g, 1, 0)
	for _, err := range []error{err1, err2} {
		if err == nil || !strings.Contains(err.Error(), "game night: comet: X ") {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestARestoredBaseMustBeOne(t *testing.T) {
	g := newSky(kite{X: 100, Y: 100, VX: 10})
	w := startSky(t, g)
	step(t, w, world.Commands{})
	for name, spoil := range map[string]func(r *world.RowState){
		"no base":                 func(r *world.RowState) { r.Base = nil },
		"a base of the future":    func(r *world.RowState) { r.Base[0] = 9 },
		"a position of many bits": func(r *world.RowState) { r.Base[1] = math.MaxUint32 },
	} {
		st := w.Export()
		if _, err := world.Restore(g, st, world.Config{}); err != nil {
			t.Fatal(err)
		}
		if spoil(&st.Tables[0][0].Rows[0]); st.TickPeriodNS != kitePeriod {
			t.Errorf("the period is %d", st.TickPeriodNS)
		}
		if _, err := world.Restore(g, st, world.Config{}); err == nil || !strings.Contains(err.Error(), "base") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAStateMayGoOnAtAnotherRate: bases are reckoned anew, so that nobody is where nobody else is.
func TestAStateMayGoOnAtAnotherRate(t *testing.T) {
	g := newSky(kite{X: 100, Y: 100, VX: 50})
	g.tick = g.fly
	w := startSky(t, g)
	for range 20 {
		step(t, w, world.Commands{})
	}
	again, err := world.Restore(g, w.Export(), world.Config{TickPeriodNS: kitePeriod / 4})
	if err != nil {
		t.Fatal(err)
	}
	motion, _ := again.View().Schema().Tables[0].Motion(kitePeriod / 4)
	for range 5 {
		_, v := step(t, again, world.Commands{})
		truth, _ := g.Kites.Get(v, world.ID(1<<20))
		if at := float64(motion.Position(base(v), 0, uint32(v.Tick))) / 10; math.Abs(at-float64(truth.X)) > 0.5001 {
			t.Errorf("tick %d: it is said to be at %v and is at %v", v.Tick, at, truth.X)
		}
	}
}
