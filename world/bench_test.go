package world_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quicstep/quicstep/world"
)

// crowd is a game of many movers, with nothing but them.
type crowd struct {
	*world.GameOf[helm]
	Movers world.Table[mover]
	ids    []world.ID
	moving []int
}

type mover struct {
	X       float32 `net:"range=0:5000,step=0.1,pos=x"`
	Y       float32 `net:"range=0:5000,step=0.1,pos=y"`
	Heading float32 `net:"range=0:6.283185,step=0.05,wrap"`
	HP      uint8
	Kind    uint8
}

func newCrowd(n int) *crowd {
	g := &crowd{GameOf: world.NewGame[helm]("crowd")}
	g.Movers = world.AddTable[mover](g, "mover", world.CellSize(100))
	g.OnStart(func(tx *world.Tx) {
		for range n {
			g.ids = append(g.ids, g.Movers.Insert(tx, mover{X: float32(tx.Rand().Float64() * 5000), Y: float32(tx.Rand().Float64() * 5000)}))
		}
	})
	g.OnTick(func(tx *world.Tx) {
		for _, i := range g.moving {
			m := g.Movers.Edit(tx, g.ids[i])
			m.X += float32(tx.Tick()%2)*6 - 3
			m.Y += float32(tx.Tick()%2)*6 - 3
		}
	})
	return g
}

// BenchmarkCommit is one whole tick: the game's edits, the comparison, the grid, the store.
func BenchmarkCommit(b *testing.B) {
	const entities = 10_000
	spread := rand.New(rand.NewPCG(1, 1)).Perm(entities)
	for _, c := range []struct {
		name   string
		moving []int
	}{
		{"movers=4000", upTo(4000)},
		{"movers=10000", upTo(entities)},
		{"movers=100/spread", spread[:100]},
		{"movers=100/neighbours", upTo(100)},
	} {
		b.Run(fmt.Sprintf("%s/of=%d", c.name, entities), func(b *testing.B) {
			g := newCrowd(entities)
			w := start(b, g, 1)
			step(b, w, world.Commands{})
			g.moving = c.moving
			b.ReportAllocs()
			for b.Loop() {
				step(b, w, world.Commands{})
			}
		})
	}
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// inTick runs a benchmark's body inside one tick of a crowd.
func inTick(b *testing.B, entities int, body func(g *crowd, tx *world.Tx)) {
	g := newCrowd(entities)
	run := false
	g.OnTick(func(tx *world.Tx) {
		if run {
			body(g, tx)
		}
	})
	w := start(b, g, 1)
	step(b, w, world.Commands{})
	run = true
	b.ReportAllocs()
	step(b, w, world.Commands{})
}

func BenchmarkGet(b *testing.B) {
	inTick(b, 10_000, func(g *crowd, tx *world.Tx) {
		i := 0
		for b.Loop() {
			if _, ok := g.Movers.Get(tx, g.ids[i]); !ok {
				b.Fatal("missing")
			}
			if i++; i == len(g.ids) {
				i = 0
			}
		}
	})
}

// BenchmarkEdit writes to rows of pages that the tick has written to before.
func BenchmarkEdit(b *testing.B) {
	inTick(b, 10_000, func(g *crowd, tx *world.Tx) {
		for _, id := range g.ids {
			g.Movers.Edit(tx, id).HP++
		}
		i := 0
		for b.Loop() {
			g.Movers.Edit(tx, g.ids[i]).HP++
			if i++; i == len(g.ids) {
				i = 0
			}
		}
	})
}

func BenchmarkNear(b *testing.B) {
	inTick(b, 10_000, func(g *crowd, tx *world.Tx) {
		for b.Loop() {
			n := 0
			for range g.Movers.Near(tx, world.Pos{X: 2500, Y: 2500}, 200) {
				n++
			}
			if n == 0 {
				b.Fatal("nobody near")
			}
		}
	})
}

// newFlock is a crowd that flies straight on and reflects at the walls, reckoned or not.
func newFlock(n int, edits bool, options ...world.TableOption) *sky {
	g := &sky{GameOf: world.NewGame[struct{}]("flock")}
	g.Kites = world.AddTable[kite](g, "kite", append(options, world.CellSize(100))...)
	g.OnStart(func(tx *world.Tx) {
		r := tx.Rand()
		for range n {
			g.Kites.Insert(tx, kite{X: r.Float32() * 5000, Y: r.Float32() * 5000, VX: float32(r.IntN(201) - 100), VY: float32(r.IntN(201) - 100)})
		}
	})
	g.OnTick(func(tx *world.Tx) {
		if !edits {
			return
		}
		for id := range g.Kites.All(tx) {
			k := g.Kites.Edit(tx, id)
			k.X, k.VX = reflected(k.X+k.VX/30, k.VX)
			k.Y, k.VY = reflected(k.Y+k.VY/30, k.VY)
		}
	})
	return g
}

func reflected(at, v float32) (float32, float32) {
	if at < 0 || at > 5000 {
		return max(0, min(at, 5000)), -v
	}
	return at, v
}

// BenchmarkCommitReckoned is BenchmarkCommit for rows that are dead-reckoned and do what is reckoned of them, beside the
// same rows in an exact table. Nobody edits those that pause, so that each is off every other tick or so.
func BenchmarkCommitReckoned(b *testing.B) {
	const entities = 10_000
	for _, c := range []struct {
		name    string
		edits   bool
		options []world.TableOption
	}{{"flying", true, nil}, {"flying/exact", true, []world.TableOption{world.Exact()}}, {"pausing", false, nil}} {
		b.Run(c.name, func(b *testing.B) {
			w := start(b, newFlock(entities, c.edits, c.options...), 1)
			step(b, w, world.Commands{})
			b.ReportAllocs()
			for b.Loop() {
				step(b, w, world.Commands{})
			}
		})
	}
}

// BenchmarkSeen reads 100 rows as a player saw them.
func BenchmarkSeen(b *testing.B) {
	const n = 100
	g := newSky(make([]kite, n)...)
	g.tick = g.fly
	sight := world.Sight{At: world.MomentOf(20, 50), Newest: 24}
	for i := range uint32(n) {
		sight.Rows = append(sight.Rows, world.SeenRow{Ref: i, Before: 18, From: 20, To: 22})
	}
	w, err := world.New(g, world.Config{TickPeriodNS: kitePeriod, Sights: func(world.Player, uint64) (world.Sight, bool) { return sight, true }})
	if err != nil {
		b.Fatal(err)
	}
	for range 30 {
		step(b, w, world.Commands{})
	}
	g.tick = func(tx *world.Tx) {
		for b.Loop() {
			if seen := g.Kites.Len(tx.Seen(1)); seen != n {
				b.Fatalf("%d rows are seen", seen)
			}
		}
	}
	b.ReportAllocs()
	step(b, w, world.Commands{})
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}
