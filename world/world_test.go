package world_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

func TestAPlayerJoinsSteersAndLeaves(t *testing.T) {
	g := newFleet()
	w := start(t, g, 1)
	cs, _ := step(t, w, joins(1, 2))
	if n := len(cs.Tables[0].Inserted); n != 2 {
		t.Fatalf("%d ships inserted, want 2", n)
	}
	if n := len(cs.Tables[1].Inserted); n < 90 {
		t.Errorf("%d crates inserted on start", n)
	}
	ids := cs.Tables[0].Inserted
	cs, v := step(t, w, world.Commands{Inputs: []world.Input{{Player: 1, Data: g.input(t, helm{DX: 1, Fire: true})}}})
	row, ok := g.Ships.Get(v, ids[0])
	if !ok || row.X < 502 || row.X > 502.02 || row.Ammo != 9 {
		t.Errorf("after one input to the right the ship is %+v", row)
	}
	if want := []world.Change{{ID: ids[0], Columns: 1<<0 | 1<<2}}; !slices.Equal(cs.Tables[0].Changed, want) {
		t.Errorf("changed %v, want x and ammo of the first ship, the second one stood still: %v", cs.Tables[0].Changed, want)
	}
	if len(cs.Events) != 1 {
		t.Fatalf("events %v, want one shot", cs.Events)
	}
	if e, ok := g.Shots.Decode(cs.Events[0]); !ok || e.By != ids[0] {
		t.Errorf("the shot is %+v", e)
	}
	cs, v = step(t, w, world.Commands{Leaves: []world.Leave{{Player: 1}}})
	if !slices.Equal(cs.Tables[0].Removed, ids[:1]) || g.Ships.Has(v, ids[0]) || !g.Ships.Has(v, ids[1]) {
		t.Errorf("removed %v, want the ship of the one who left", cs.Tables[0].Removed)
	}
	if got := v.Players(); !slices.Equal(got, []world.Player{2}) {
		t.Errorf("players %v", got)
	}
}

func TestARefusedJoinLeavesNothing(t *testing.T) {
	g := newFleet()
	g.refuse = 2
	w := start(t, g, 1)
	cs, v := step(t, w, joins(1, 2, 3))
	if len(cs.Refused) != 1 || cs.Refused[0] != (world.Refusal{Player: 2, Reason: "no room for you"}) {
		t.Errorf("refused %v", cs.Refused)
	}
	if s, _ := g.Score.Get(v); g.Ships.Len(v) != 2 || s.Joins != 2 {
		t.Errorf("%d ships and %d joins, want those of players 1 and 3", g.Ships.Len(v), s.Joins)
	}
}

func TestAViewNeverChanges(t *testing.T) {
	g := newFleet()
	w := start(t, g, 1)
	_, v := step(t, w, joins(1))
	before, hash := rows(g, v), v.Hash()
	for _, c := range script(t, newFleet(), 5, 50) {
		c.Joins = nil
		step(t, w, c)
	}
	if !reflect.DeepEqual(before, rows(g, v)) || hash != v.Hash() {
		t.Error("a View that was kept shows later changes")
	}
	if past, ok := w.View().At(v.Tick); !ok || !reflect.DeepEqual(before, rows(g, past)) {
		t.Error("the history does not show the tick as it was")
	}
	if _, ok := w.View().At(w.View().Tick + 1); ok {
		t.Error("the history knows the future")
	}
}

func rows(g *fleet, r world.Reader) map[world.ID]any {
	out := map[world.ID]any{}
	for id, s := range g.Ships.All(r) {
		out[id] = s
	}
	for id, c := range g.Crates.All(r) {
		out[id|1<<31] = c
	}
	return out
}

func TestLatestIsAWholeTickForAnyGoroutine(t *testing.T) {
	g := newFleet()
	w := start(t, g, 1)
	step(t, w, joins(1))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			v, newer := w.Latest()
			if s, ok := g.Score.Get(v); ok && uint64(s.Ticks) != v.Tick {
				t.Errorf("tick %d with the score of tick %d", v.Tick, s.Ticks)
			}
			if v.Tick == 200 {
				return
			}
			<-newer
		}
	}()
	for range 199 {
		step(t, w, world.Commands{})
	}
	<-done
}

func TestIndexesAreUsedAgainUnderAnotherGeneration(t *testing.T) {
	g := newFleet()
	w := start(t, g, 1)
	cs, _ := step(t, w, joins(1))
	first := cs.Tables[0].Inserted[0]
	step(t, w, world.Commands{Leaves: []world.Leave{{Player: 1}}})
	cs, v := step(t, w, joins(2))
	next := cs.Tables[0].Inserted[0]
	if next.Index() != first.Index() || next.Generation() != first.Generation()+1 {
		t.Errorf("%v came after %v", next, first)
	}
	if g.Ships.Has(v, first) {
		t.Error("the former ID still finds a row")
	}
}

func TestNearSeesWhatTheTickHasDone(t *testing.T) {
	g := newFleet()
	var found, asked [][]world.ID
	g.OnTick(func(tx *world.Tx) {
		for id := range g.Crates.All(tx) {
			if tx.Rand().IntN(3) == 0 {
				g.Crates.Edit(tx, id).X = float32(tx.Rand().Float64() * 1000)
			}
			if tx.Rand().IntN(30) == 0 {
				g.Crates.Remove(tx, id)
				g.Crates.Insert(tx, crate{X: 500, Y: 500})
			}
		}
		at, radius := world.Pos{X: tx.Rand().Float64()*1200 - 100, Y: tx.Rand().Float64()*1200 - 100}, tx.Rand().Float64()*300
		var near, all []world.ID
		for id := range g.Crates.Near(tx, at, radius) {
			near = append(near, id)
		}
		for id, c := range g.Crates.All(tx) {
			if dx, dy := float64(c.X)-at.X, float64(c.Y)-at.Y; dx*dx+dy*dy <= radius*radius {
				all = append(all, id)
			}
		}
		found, asked = append(found, near), append(asked, all)
	})
	w := start(t, g, 3)
	for range 300 {
		step(t, w, world.Commands{})
	}
	if !reflect.DeepEqual(found, asked) {
		t.Error("Near differs from a walk over all rows")
	}
}

// spotsOf are those of one cell.
func spotsOf(g world.Grid, cell uint32) []world.Spot {
	columns := g.Cell(0, 1)
	return g.Spots(cell/columns, cell%columns, cell%columns+1)
}

func TestTheGridIsWhatARebuiltOneWouldBe(t *testing.T) {
	g := newFleet()
	w := start(t, g, 3)
	before, _ := w.View().Grid(1)
	for _, c := range script(t, g, 9, 300) {
		_, v := step(t, w, c)
		grid, _ := v.Grid(1)
		seen := map[uint32]bool{}
		for cell := range grid.Cells() {
			if !slices.Equal(spotsOf(before, cell), spotsOf(grid, cell)) && grid.Stamp(cell) != uint32(v.Tick) {
				t.Fatalf("tick %d: cell %d has other rows than before, its stamp is %d", v.Tick, cell, grid.Stamp(cell))
			}
		}
		before = grid
		for cell := uint32(0); cell < grid.Cells(); cell++ {
			spots := spotsOf(grid, cell)
			if len(spots) > 0 && grid.Stamp(cell) != uint32(v.Tick) && grid.Astir(cell/grid.Cell(0, 1), uint32(v.Tick)) {
				t.Fatalf("tick %d: all of row %d is said to be astir, and the stamp of cell %d is %d", v.Tick, cell/grid.Cell(0, 1), cell, grid.Stamp(cell))
			}
			if !slices.IsSortedFunc(spots, func(a, b world.Spot) int { return cmp.Compare(a.Index, b.Index) }) {
				t.Fatalf("tick %d: cell %d is not sorted", v.Tick, cell)
			}
			for _, s := range spots {
				index := s.Index
				at := v.Pages(1)[index>>6].Place(int(index & 63))
				if s.X != at.X || s.Y != at.Y {
					t.Fatalf("tick %d: row %d stands at (%d, %d), and the grid has it at (%d, %d)", v.Tick, index, at.X, at.Y, s.X, s.Y)
				}
				if seen[index] || grid.Cell(uint32(at.Column), uint32(at.Row)) != cell || v.Pages(1)[index>>6].Used()>>(index&63)&1 == 0 {
					t.Fatalf("tick %d: row %d stands in cell %d, twice, gone or elsewhere (%+v)", v.Tick, index, cell, at)
				}
				seen[index] = true
			}
		}
		if len(seen) != g.Crates.Len(v) {
			t.Fatalf("tick %d: the grid holds %d of %d rows", v.Tick, len(seen), g.Crates.Len(v))
		}
	}
}

func TestSameCommandsSameHashes(t *testing.T) {
	for seed := range uint64(5) {
		cmds := script(t, newFleet(), seed, 400)
		var hashes [2][]uint64
		for run := range hashes {
			old := runtime.GOMAXPROCS(run + 1)
			w := start(t, newFleet(), seed)
			for _, c := range cmds {
				_, v := step(t, w, c)
				hashes[run] = append(hashes[run], v.Hash())
			}
			runtime.GOMAXPROCS(old)
		}
		if !slices.Equal(hashes[0], hashes[1]) {
			t.Errorf("seed %d: two runs of the same commands differ", seed)
		}
	}
}

func TestAPanicInAnyCallbackLeavesEverythingAsBefore(t *testing.T) {
	for _, callback := range []string{"OnStart", "OnJoin", "OnLeave", "OnInput", "OnTick"} {
		t.Run(callback, func(t *testing.T) {
			g := newFleet()
			w := start(t, g, 7)
			player := world.Player(0)
			if callback != "OnStart" {
				step(t, w, joins(1, 2))
				for range 20 {
					step(t, w, world.Commands{})
				}
				player = 3
			}
			before := w.View()
			g.panicIn = callback
			for i := range 3 {
				c := joins(player + 1)
				c.Leaves = []world.Leave{{Player: 1}}
				c.Inputs = []world.Input{{Player: 2, Data: g.input(t, helm{DX: 1, Fire: true})}}
				cs, v, err := w.Step(c)
				var p *world.PanicError
				if !asPanic(err, &p) || p.Callback != callback || p.InARow != i+1 || p.Tick != v.Tick {
					t.Fatalf("the error is %v", err)
				}
				if !strings.Contains(err.Error(), "the test asked for it") || len(p.Stack) == 0 {
					t.Errorf("the error does not tell what happened: %v", err)
				}
				if v.Hash() != before.Hash() || v.Tick != before.Tick+uint64(i)+1 {
					t.Errorf("tick %d: the state is not as before", v.Tick)
				}
				if len(cs.Refused) != 1 || len(cs.Events) != 0 || len(cs.Tables[0].Inserted) != 0 {
					t.Errorf("the change set of an undone tick is %+v", cs)
				}
			}
			// What comes next is what would have come without the panics.
			g.panicIn = ""
			other := newFleet()
			ow := start(t, other, 7)
			if callback != "OnStart" {
				step(t, ow, joins(1, 2))
				for range 20 {
					step(t, ow, world.Commands{})
				}
			}
			for range 3 {
				emptyTick(t, other, ow)
			}
			for range 30 {
				_, a := step(t, w, joins())
				_, b := step(t, ow, joins())
				if a.Hash() != b.Hash() {
					t.Fatalf("tick %d: the game goes on differently after panics", a.Tick)
				}
			}
		})
	}
}

// emptyTick lets a tick pass without anything in it, by a panic of its own.
func emptyTick(t *testing.T, g *fleet, w *world.World) {
	t.Helper()
	g.panicIn = "OnTick"
	if _, _, err := w.Step(world.Commands{}); err == nil {
		t.Fatal("no panic")
	}
	g.panicIn = ""
}

func asPanic(err error, into **world.PanicError) bool {
	p, ok := err.(*world.PanicError)
	*into = p
	return ok
}

func TestRestoredWorldsGoOnAlike(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for seed := range uint64(5) {
		cmds := script(t, newFleet(), seed, 300)
		at := r.IntN(250) + 1
		w := start(t, newFleet(), seed)
		var restored *world.World
		for i, c := range cmds {
			if i == at {
				var err error
				if restored, err = world.Restore(newFleet(), w.Export(), world.Config{}); err != nil {
					t.Fatal(err)
				}
				if restored.View().Hash() != w.View().Hash() {
					t.Fatalf("seed %d: the restored state differs at tick %d", seed, at)
				}
			}
			_, v := step(t, w, c)
			if restored != nil {
				if _, rv := step(t, restored, c); rv.Hash() != v.Hash() || rv.Tick != v.Tick {
					t.Fatalf("seed %d: restored at %d, differs at tick %d", seed, at, v.Tick)
				}
			}
		}
	}
}

func TestATxDiesWithItsCallback(t *testing.T) {
	g := newFleet()
	var kept *world.Tx
	g.OnTick(func(tx *world.Tx) {
		if kept == nil {
			kept = tx
		}
		g.Ships.Len(kept)
	})
	w := start(t, g, 1)
	step(t, w, world.Commands{})
	if _, _, err := w.Step(world.Commands{}); err == nil || !strings.Contains(err.Error(), "a Tx was used after its callback") {
		t.Errorf("a Tx of the tick before still works: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a kept Tx still works between ticks")
		}
	}()
	g.Ships.Len(kept)
}

func TestWritingToAMissingRowCostsTheTick(t *testing.T) {
	g := newFleet()
	g.OnTick(func(tx *world.Tx) { g.Ships.Edit(tx, 77).X = 1 })
	_, _, err := start(t, g, 1).Step(world.Commands{})
	if err == nil || !strings.Contains(err.Error(), "table ship has no row 77") {
		t.Errorf("the error is %v", err)
	}
}

func TestOutOfRangeIsClampedAndCounted(t *testing.T) {
	g := newFleet()
	g.OnTick(func(tx *world.Tx) {
		g.Crates.Insert(tx, crate{X: -5, Y: 2000})
	})
	cs, v := step(t, start(t, g, 1), world.Commands{})
	if cs.Clamped != 2 {
		t.Errorf("%d fields clamped, want 2", cs.Clamped)
	}
	id := cs.Tables[1].Inserted[len(cs.Tables[1].Inserted)-1]
	if at := v.Pages(1)[id.Index()>>6].Place(int(id.Index() & 63)); at.X != 0 || at.Y != 2000 {
		t.Errorf("the clamped row stands at %+v, in steps", at)
	}
}

func TestCommandsComeBackFromBytes(t *testing.T) {
	for _, c := range script(t, newFleet(), 2, 200) {
		b := c.Append(nil)
		got, err := world.ParseCommands(b)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("%+v came back as %+v: %v", c, got, err)
		}
		for cut := range b {
			if _, err := world.ParseCommands(b[:cut]); err == nil && cut > 0 {
				t.Fatalf("%d of %d bytes were accepted", cut, len(b))
			}
		}
	}
}

func FuzzParseCommands(f *testing.F) {
	g := newFleet()
	c := joins(1, 2)
	c.Inputs = []world.Input{{Player: 1, Data: []byte{1, 2, 3}}}
	f.Add(c.Append(nil))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	w, err := world.New(g, world.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := world.ParseCommands(b)
		if err != nil {
			return
		}
		if again, err := world.ParseCommands(c.Append(nil)); err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%+v came back as %+v: %v", c, again, err)
		}
		c.Joins = nil
		if _, _, err := w.Step(c); err != nil {
			t.Errorf("commands that parse panic in Step: %v", err)
		}
	})
}

func TestReplicaRunsTheSameOnInput(t *testing.T) {
	g := newFleet()
	w := start(t, g, 1)
	_, v := step(t, w, joins(1, 2))
	me := world.Player(1)
	rep, err := world.NewReplica(g, me, 0)
	if err != nil {
		t.Fatal(err)
	}
	put(rep, v, me)
	exact, _ := g.Ships.Get(v, schema.MakeID(0, 1))
	data := g.input(t, helm{DX: 1, DY: -1, Fire: true})
	for tick := v.Tick + 1; tick < v.Tick+6; tick++ {
		if err := rep.Predict(tick, data); err != nil {
			t.Fatal(err)
		}
		step(t, w, world.Commands{Inputs: []world.Input{{Player: me, Data: data}}})
	}
	predicted := rep.View(w.View().Tick)
	for id, want := range g.Ships.Owned(w.View(), me) {
		got, ok := g.Ships.Get(predicted, id)
		// The client began from the quantised row; from there on the same was done.
		if !ok || math.Abs((got.X-500)-(want.X-exact.X)) > 1e-9 || got.Y != want.Y || got.Ammo != want.Ammo {
			t.Errorf("predicted %+v, the server has %+v", got, want)
		}
	}
	rep.Unpredict()
	if row, _ := g.Ships.Get(rep.View(0), schema.MakeID(0, 1)); row.X != 500 || row.Ammo != 10 {
		t.Errorf("without predictions the row is %+v, want it as received", row)
	}
}

// put copies what a player may see of a View into a replica, whole.
func put(rep *world.Replica, v *world.View, me world.Player) {
	seat, _ := v.Seat(me)
	for table := range v.Tables() {
		for n, p := range v.Pages(table) {
			for row := range 64 {
				if p.Used()>>row&1 != 0 {
					id := schema.MakeID(uint32(n*64+row), p.Generation(row))
					rep.Put(table, id, p.Class(row, me, seat.Team), p.Words(row), p.Texts(row))
				}
			}
		}
	}
}

func TestAPredictionKeepsToOwnRows(t *testing.T) {
	g := newFleet()
	var inserted world.ID
	g.OnInput(func(tx *world.Tx, p world.Player, in helm) {
		if !tx.Predicting() {
			return
		}
		for id := range g.Ships.All(tx) {
			g.Ships.Edit(tx, id).X = 1
			g.Ships.Remove(tx, id)
		}
		g.Ships.Edit(tx, 999).X = 1
		inserted = g.Ships.Insert(tx, ship{X: 7}, world.Owner(p))
	})
	w := start(t, g, 1)
	_, v := step(t, w, joins(1, 2))
	rep, _ := world.NewReplica(g, 1, 0)
	put(rep, v, 1)
	if err := rep.Predict(2, nil); err != nil {
		t.Fatal(err)
	}
	pv := rep.View(2)
	mine, _ := g.Ships.Get(pv, schema.MakeID(0, 1))
	his, ok := g.Ships.Get(pv, schema.MakeID(1, 1))
	if mine.X != 1 || his.X != 500 || !ok || g.Ships.Len(pv) != 3 {
		t.Errorf("mine %v, his %v, %d ships; want mine written to, his not, none removed, one provisional", mine.X, his.X, g.Ships.Len(pv))
	}
	if got, ok := g.Ships.Get(pv, inserted); !ok || got.X != 7 {
		t.Errorf("the provisional row is %+v", got)
	}
	rep.Unpredict()
	if n := g.Ships.Len(rep.View(2)); n != 2 {
		t.Errorf("%d ships once predictions are dropped, want 2", n)
	}
}

func TestARowCanOnlyBeGivenToAPlayerInTheRoom(t *testing.T) {
	g := newFleet()
	g.OnTick(func(tx *world.Tx) { g.Ships.Insert(tx, ship{}, world.Owner(9)) })
	_, _, err := start(t, g, 1).Step(world.Commands{})
	if err == nil || !strings.Contains(err.Error(), "table ship: a row was given to player 9, who is not in the room") {
		t.Errorf("the error is %v", err)
	}
}

func TestFieldsThatStayOnTheServerCountForTheLayout(t *testing.T) {
	type a struct {
		N uint8
		P int64 `net:"-"`
	}
	type b struct {
		N uint8
		P float64 `net:"-"`
	}
	ga, gb := world.NewGame[helm]("twins"), world.NewGame[helm]("twins")
	world.AddTable[a](ga, "row")
	world.AddTable[b](gb, "row")
	if _, err := world.Restore(gb, start(t, ga, 1).Export(), world.Config{}); err == nil || !strings.Contains(err.Error(), "layout") {
		t.Errorf("a state with an int64 was restored into a float64: %v", err)
	}
}

func TestManyRowsOfOneOwnerStayListed(t *testing.T) {
	g := newFleet()
	var during int
	g.OnInput(func(tx *world.Tx, p world.Player, _ helm) {
		for range 500 {
			g.Ships.Insert(tx, ship{}, world.Owner(p))
		}
		for id := range g.Ships.Owned(tx, p) {
			during++
			if tx.Rand().IntN(2) == 0 {
				g.Ships.Remove(tx, id)
			}
		}
	})
	w := start(t, g, 1)
	step(t, w, joins(1))
	_, kept := step(t, w, world.Commands{})
	before := slices.Clone(kept.OwnedIndexes(1, 0))
	_, v := step(t, w, world.Commands{})
	if during < 1000 {
		t.Errorf("removing while ranging left out rows: %d seen", during)
	}
	if !slices.Equal(before, kept.OwnedIndexes(1, 0)) {
		t.Error("the list of a View that was kept has changed")
	}
	for _, v := range []*world.View{kept, v} {
		n := 0
		for range g.Ships.Owned(v, 1) {
			n++
		}
		if n != g.Ships.Len(v) {
			t.Errorf("%d of %d rows are listed", n, g.Ships.Len(v))
		}
	}
}

func TestAViewThatIsNotANumberCostsTheTick(t *testing.T) {
	for _, set := range []func(*world.Tx){
		func(tx *world.Tx) { tx.SetView(1, world.Pos{X: math.NaN()}, 1) },
		func(tx *world.Tx) { tx.SetView(1, world.Pos{Y: math.Inf(1)}, 1) },
		func(tx *world.Tx) { tx.SetView(1, world.Pos{}, math.NaN()) },
	} {
		g := newFleet()
		g.OnTick(set)
		if _, _, err := start(t, g, 1).Step(joins(1)); err == nil || !strings.Contains(err.Error(), "SetView of player 1") {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestClampedRowsAreWhatClientsSee(t *testing.T) {
	g := newFleet()
	g.OnTick(func(tx *world.Tx) {
		if tx.Tick() == 1 {
			g.Ships.Insert(tx, ship{X: -7, Y: math.NaN(), Name: "caf\xc3 au lait, très grand"})
		}
	})
	cs, v := step(t, start(t, g, 1), world.Commands{})
	got, _ := g.Ships.Get(v, cs.Tables[0].Inserted[0])
	if got.X != 0 || got.Y != 0 || got.Name != "caf� au lait, " || cs.Clamped != 3 {
		t.Errorf("the row is %+v, with %d fields clamped", got, cs.Clamped)
	}
}

func TestInsertingWhileRangingEnds(t *testing.T) {
	g := newFleet()
	g.OnTick(func(tx *world.Tx) {
		for range g.Crates.All(tx) {
			g.Crates.Insert(tx, crate{})
		}
	})
	_, v := step(t, start(t, g, 1), world.Commands{})
	if n := g.Crates.Len(v); n < 200 || n > 1000 {
		t.Errorf("100 rows became %d", n)
	}
}

func TestTheLastOptionCounts(t *testing.T) {
	g := newFleet()
	g.OnTick(func(tx *world.Tx) {
		g.Crates.Insert(tx, crate{}, world.Owner(2), world.Owner(1), world.OnTeam(7), world.OnTeam(0))
	})
	cs, v := step(t, start(t, g, 1), joins(1, 2))
	id := cs.Tables[1].Inserted[len(cs.Tables[1].Inserted)-1]
	if g.Crates.OwnerOf(v, id) != 1 || g.Crates.TeamOf(v, id) != 0 {
		t.Errorf("owner %d, team %d", g.Crates.OwnerOf(v, id), g.Crates.TeamOf(v, id))
	}
}

func TestAPanicInAPredictionLeavesNothing(t *testing.T) {
	g := newFleet()
	fail := false
	g.OnInput(func(tx *world.Tx, p world.Player, _ helm) {
		if g.Ships.Insert(tx, ship{}, world.Owner(p)); fail {
			panic("the test asked for it")
		}
	})
	rep, err := world.NewReplica(g, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := rep.Predict(5, nil); err != nil {
		t.Fatal(err)
	}
	fail = true
	if err := rep.Predict(6, nil); err == nil {
		t.Fatal("no panic")
	}
	if n := g.Ships.Len(rep.View(6)); n != 0 {
		t.Errorf("%d predicted rows are left", n)
	}
	// A stranger's row at the index that was predicted is not the player's.
	words, texts := make([]uint32, 20), make([]string, 1)
	rep.Put(0, schema.MakeID(0, 1), schema.Public, words, texts)
	for id := range g.Ships.Owned(rep.View(7), 1) {
		t.Errorf("row %v is the player's", id)
	}
	if n := g.Ships.Len(rep.View(7)); n != 1 {
		t.Errorf("%d rows, want the one that the server sent", n)
	}
}

func TestARemovedRowIsOffItsOwnersList(t *testing.T) {
	g := newFleet()
	g.OnTick(func(tx *world.Tx) {
		if tx.Tick() != 2 {
			return
		}
		for id := range g.Ships.Owned(tx, 1) {
			g.Ships.Remove(tx, id)
		}
		g.Ships.Insert(tx, ship{}, world.Owner(2)) // at the same index
	})
	w := start(t, g, 1)
	step(t, w, joins(1, 2))
	_, v := step(t, w, world.Commands{})
	for id := range g.Ships.Owned(v, 1) {
		t.Errorf("row %v of player %d is listed as player 1's", id, g.Ships.OwnerOf(v, id))
	}
}
