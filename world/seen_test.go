package world_test

import (
	"reflect"
	"testing"

	"github.com/quicstep/quicstep/world"
)

// watch is a game in which a test says what happens in a tick, and what players saw.
type watch struct {
	*regatta
	asked int
	sight world.Sight
	known bool
	tick  func(tx *world.Tx)
}

// otherRef is the row that players see in these tests, ownRef is player 1's own.
const otherRef, ownRef = 1 << 20, 1<<20 | 1

func newWatch(t *testing.T) *watch {
	g := &watch{regatta: &regatta{GameOf: world.NewGame[struct{}]("watch"), t: t}, tick: func(*world.Tx) {}}
	world.AddTable[kite](g, "kite")
	g.Sails = world.AddTable[sail](g, "sail", world.CellSize(100))
	g.OnStart(func(tx *world.Tx) { g.Sails.Insert(tx, sail{}) })
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		g.Sails.Insert(tx, sail{X: 500}, world.Owner(p))
		return nil
	})
	g.OnTick(func(tx *world.Tx) {
		for id, s := range g.Sails.All(tx) { // everybody sails ten units in each tick
			e := g.Sails.Edit(tx, id)
			e.X, e.N = s.X+10, uint16(tx.Tick())
		}
		g.tick(tx)
	})
	var err error
	if g.world, err = world.New(g, world.Config{Sights: g.ask}); err != nil {
		t.Fatal(err)
	}
	step(t, g.world, joins(1, 2))
	for range 19 {
		step(t, g.world, world.Commands{})
	}
	return g
}

func (g *watch) ask(p world.Player, tick uint64) (world.Sight, bool) {
	g.asked++
	return g.sight, g.known
}

// in runs f at the end of the next tick.
func (g *watch) in(f func(tx *world.Tx)) world.ChangeSet {
	g.tick = f
	cs, _ := step(g.t, g.world, world.Commands{})
	g.tick = func(*world.Tx) {}
	return cs
}

// row is the row of a ref in the first generation.
func row(ref uint32) world.ID { return world.ID(1<<20 | ref&(1<<20-1)) }

func TestSeenIsWhatThePlayerWasShown(t *testing.T) {
	g := newWatch(t)
	// Of the other it has tick 10 and 12, of its own row nothing that counts, of player 2's nothing.
	g.sight = world.Sight{At: world.MomentOf(11, 64), Newest: 12, Rows: []world.SeenRow{
		{Ref: otherRef, Before: 8, From: 10, To: 12}, {Ref: ownRef, From: 10},
	}}
	g.known = true
	cs := g.in(func(tx *world.Tx) {
		seen := tx.Seen(1)
		if at, ok := seen.At(); !ok || at != world.MomentOf(11, 64) {
			t.Errorf("it is seen at %v, %v", at, ok)
		}
		if s, ok := g.Sails.Get(seen, row(otherRef)); !ok || s.X != 115 || s.N != 10 {
			t.Errorf("the other is seen as %+v, %v; want x between 100 and 120, as of tick 11.5", s, ok)
		}
		if s, ok := g.Sails.Get(seen, row(ownRef)); !ok || s.X != 710 || s.N != 21 {
			t.Errorf("its own is seen as %+v, %v; want it as it is now", s, ok)
		}
		if g.Sails.Has(seen, row(2)) || g.Sails.Len(seen) != 2 || g.Sails.OwnerOf(seen, row(ownRef)) != 1 {
			t.Errorf("%d rows are seen; want the two that the player was shown", g.Sails.Len(seen))
		}
		var near []world.ID
		for id := range g.Sails.Near(seen, world.Pos{X: 115}, 1) {
			near = append(near, id)
		}
		for id := range g.Sails.Near(seen, world.Pos{X: 210}, 50) {
			near = append(near, id)
		}
		if len(near) != 1 || near[0] != row(otherRef) {
			t.Errorf("near where it was seen, and nowhere else, are %v", near)
		}
		g.Sails.Edit(tx, row(ownRef)).X = 3
		if s, _ := g.Sails.Get(tx.Seen(1), row(ownRef)); s.X != 3 {
			t.Errorf("after it was moved its own is seen at %v", s.X)
		}
	})
	if g.asked != 1 || len(cs.Sights) != 1 || cs.Sights[0].Player != 1 {
		t.Errorf("the source was asked %d times, the changes have %+v", g.asked, cs.Sights)
	}
	g.in(func(*world.Tx) {})
	if g.asked != 1 {
		t.Error("it was asked although nobody wanted to know")
	}
}

func TestWhatIsGoneIsStillSeen(t *testing.T) {
	g := newWatch(t)
	g.in(func(tx *world.Tx) {
		g.Sails.Remove(tx, row(otherRef))
		g.Sails.Insert(tx, sail{X: 900})
	})
	g.known, g.sight = true, world.Sight{At: world.MomentOf(20, 0), Newest: 21, Rows: []world.SeenRow{{Ref: otherRef, Before: 19, From: 20, To: 21}}}
	g.in(func(tx *world.Tx) {
		if s, ok := g.Sails.Get(tx.Seen(1), row(otherRef)); !ok || s.X != 200 {
			t.Errorf("a row that is gone by now is seen as %+v, %v", s, ok)
		}
		if g.Sails.Has(tx, row(otherRef)) || g.Sails.Has(tx.Seen(1), world.ID(2<<20)) {
			t.Error("it is still there, or the next one at its index is seen already")
		}
	})
}

func TestWithoutASightEverythingIsAsItIs(t *testing.T) {
	g := newWatch(t)
	g.in(func(tx *world.Tx) {
		seen := tx.Seen(2)
		if _, ok := seen.At(); ok || g.Sails.Len(seen) != 3 {
			t.Errorf("%d rows are seen, %v", g.Sails.Len(seen), ok)
		}
		if s, _ := g.Sails.Get(seen, row(otherRef)); s.X != 210 {
			t.Errorf("the other is seen at %v", s.X)
		}
	})
}

// TestAClaimIsNoMoreThanAClaim: whatever a sight says, it only finds what was there.
func TestAClaimIsNoMoreThanAClaim(t *testing.T) {
	g := newWatch(t)
	g.known = true
	for _, r := range []world.SeenRow{
		{Ref: otherRef, From: 500}, {Ref: 1<<20 | 77, From: 10}, {Ref: 1<<20 | 1<<19, From: 10}, {Ref: 5, From: 10}, {Ref: 9 << 20, From: 10}, {Ref: 1<<32 - 1, From: 10, To: 11},
	} {
		g.sight = world.Sight{At: world.MomentOf(15, 0), Rows: []world.SeenRow{r}}
		g.in(func(tx *world.Tx) {
			if n := g.Sails.Len(tx.Seen(1)); n != 1 {
				t.Errorf("%+v shows %d rows; want the player's own", r, n)
			}
		})
	}
	for _, r := range []world.SeenRow{{Ref: otherRef, From: 12, To: 9}, {Ref: otherRef, Before: 12, From: 12, To: 12}, {Ref: otherRef, Before: 14, From: 12, To: 500}} {
		g.sight = world.Sight{At: world.MomentOf(15, 0), Rows: []world.SeenRow{r}}
		g.in(func(tx *world.Tx) {
			if s, ok := g.Sails.Get(tx.Seen(1), row(otherRef)); !ok || s.X < 0 || s.X > 1000 {
				t.Errorf("%+v shows %+v", r, s)
			}
		})
	}
}

func TestSightsArePlainData(t *testing.T) {
	c := world.Commands{Sights: []world.Sight{
		{Player: 3, At: world.MomentOf(1000, 5), Newest: 1004, Rows: []world.SeenRow{{Ref: 4, Before: 990, From: 1000, To: 1003}, {Ref: 1<<20 | 9, From: 1004}}},
		{Player: 9},
	}}
	b := c.Append(nil)
	got, err := world.ParseCommands(b)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Fatalf("%+v comes back as %+v, %v", c, got, err)
	}
	for n := range b {
		if _, err := world.ParseCommands(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are commands", n, len(b))
		}
	}
}

// TestAReplaySeesTheSame: a world that is restored and given the recorded sights comes to the same state, though nobody
// can be asked there.
func TestAReplaySeesTheSame(t *testing.T) {
	aim := func(g *watch) func(tx *world.Tx) { // state follows what was seen
		return func(tx *world.Tx) {
			s, ok := g.Sails.Get(tx.Seen(1), row(otherRef))
			if ok {
				g.Sails.Edit(tx, row(2)).Y = float64(s.X) / 2
			}
		}
	}
	g := newWatch(t)
	g.known = true
	g.tick = aim(g)
	g.world.ForgetHistory()
	again, err := world.Restore(g, g.world.Export(), world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(21); n < 60; n++ {
		g.sight = world.Sight{At: world.MomentOf(n-6, 77), Newest: n - 4, Rows: []world.SeenRow{{Ref: otherRef, Before: uint32(n - 7), From: uint32(n - 6), To: uint32(n - 5)}}}
		cs, want := step(t, g.world, world.Commands{})
		asked := g.asked
		_, got := step(t, again, world.Commands{Sights: cs.Sights})
		if g.asked != asked || got.Hash() != want.Hash() {
			t.Fatalf("tick %d: the replay asked %d times, and its hash is %x; want %x", n, g.asked-asked, got.Hash(), want.Hash())
		}
		if s, _ := g.Sails.Get(got, row(2)); n > 30 && s.Y != float64(float32(n-6)*10+float32(770)/128)/2 {
			t.Fatalf("tick %d: y is %v", n, s.Y)
		}
	}
	if _, got := step(t, again, world.Commands{}); got.Hash() == 0 {
		t.Error("no hash")
	}
	_, unlike := step(t, g.world, world.Commands{})
	if unlike.Hash() == again.View().Hash() {
		t.Error("without its sights a replay comes to the same state: that tests nothing")
	}
}

func TestAPredictionSeesWhatItKnows(t *testing.T) {
	g := newWatch(t)
	c, err := world.NewReplica(g, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	v := g.world.View()
	c.Put(1, row(otherRef), 0, v.Pages(1)[0].Words(0), nil)
	seen := 0
	h := &watch{regatta: &regatta{GameOf: world.NewGame[struct{}]("watch"), t: t}}
	world.AddTable[kite](h, "kite")
	h.Sails = world.AddTable[sail](h, "sail")
	h.OnInput(func(tx *world.Tx, p world.Player, _ struct{}) {
		seen = h.Sails.Len(tx.Seen(p))
		for range h.Sails.Near(tx.Seen(p), world.Pos{X: 200}, 500) {
			seen++
		}
		if s, ok := h.Sails.Get(tx.Seen(p), row(otherRef)); ok && s.X == 200 {
			seen++
		}
	})
	c, err = world.NewReplica(h, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Predict(5, nil); err != nil || seen != 0 {
		t.Errorf("an empty replica shows %d, %v", seen, err)
	}
	c.Put(1, row(otherRef), 0, v.Pages(1)[0].Words(0), nil)
	if err := c.Predict(5, nil); err != nil || seen != 3 {
		t.Errorf("seen is %d, %v", seen, err)
	}
}

func TestNobodyPaysForWhatIsNotAsked(t *testing.T) {
	g := newWatch(t)
	g.known, g.sight = true, world.Sight{At: world.MomentOf(15, 0)}
	cost := func() float64 {
		return testing.AllocsPerRun(50, func() { g.world.Step(world.Commands{}) })
	}
	before := cost()
	g.world, _ = world.New(g, world.Config{})
	step(t, g.world, joins(1, 2))
	if without := cost(); before > without+1 {
		t.Errorf("a tick takes %v allocations with a source that nobody asks, and %v without", before, without)
	}
	if g.asked != 0 {
		t.Error("the source was asked")
	}
}
