package replicate_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// crowd is a square world of movers, so large that some 50 are within 200 units of anybody.
type crowd struct {
	*world.GameOf[struct{}]
	Movers world.Table[mover]
	side   float64
	moving bool
	middle bool // players stand in the middle, not anywhere
}

type mover struct {
	X       float32 `net:"range=0:8000,step=0.1,pos=x"`
	Y       float32 `net:"range=0:8000,step=0.1,pos=y"`
	Heading float32 `net:"range=0:6.283185,step=0.05,wrap"`
	HP      uint8
	Kind    uint8
}

const sightRadius = 200

func newCrowd(entities int, radius float64, visible int) *crowd {
	g := &crowd{GameOf: world.NewGame[struct{}]("crowd"), moving: true}
	g.side = math.Sqrt(float64(entities) * math.Pi * radius * radius / float64(visible))
	g.Movers = world.AddTable[mover](g, "mover", world.CellSize(radius/2))
	place := func(tx *world.Tx) world.Pos {
		return world.Pos{X: tx.Rand().Float64() * g.side, Y: tx.Rand().Float64() * g.side}
	}
	g.OnStart(func(tx *world.Tx) {
		for range entities {
			at := place(tx)
			g.Movers.Insert(tx, mover{X: float32(at.X), Y: float32(at.Y)})
		}
	})
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		at := place(tx)
		if g.middle {
			at = world.Pos{X: g.side / 2, Y: g.side / 2}
		}
		tx.SetView(p, at, radius)
		return nil
	})
	g.OnTick(func(tx *world.Tx) {
		if !g.moving {
			return
		}
		step := float32(tx.Tick()%2)*4 - 2
		for id := range g.Movers.All(tx) {
			m := g.Movers.Edit(tx, id)
			m.X, m.Y = m.X+step, m.Y+step
		}
		for p := range tx.Players() {
			at, r := tx.View(p)
			tx.SetView(p, world.Pos{X: at.X + float64(step), Y: at.Y}, r)
		}
	})
	return g
}

// audience is many clients of one world, each of which acknowledges everything at once.
type audience struct {
	world   *world.World
	view    *world.View
	clients []*replicate.Client
	scratch replicate.Scratch
	last    []uint64 // per client the newest sequence number sent
	tick    int
}

func newAudience(b *testing.B, g world.Game, clients int, cfg replicate.Config) *audience {
	b.Helper()
	w, err := world.New(g, world.Config{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	a := &audience{world: w, last: make([]uint64, clients)}
	var c world.Commands
	for i := range clients {
		c.Joins = append(c.Joins, world.Join{Player: world.Player(i + 1)})
	}
	a.step(b, c)
	cfg.Period = 50 * time.Millisecond
	for i := range clients {
		client, err := replicate.NewClient(a.view.Schema(), world.Player(i+1), 1, 1, cfg)
		if err != nil {
			b.Fatal(err)
		}
		a.clients = append(a.clients, client)
	}
	for range 150 { // until everything is known
		for i := range a.clients {
			a.ack(i)
			a.pass(i)
		}
		a.step(b, world.Commands{})
	}
	return a
}

func (a *audience) now() time.Time {
	return time.Unix(0, 0).Add(time.Duration(a.tick) * 50 * time.Millisecond)
}

func (a *audience) step(b *testing.B, c world.Commands) {
	_, view, err := a.world.Step(c)
	if err != nil {
		b.Fatal(err)
	}
	a.view = view
	a.tick++
}

func (a *audience) ack(i int) {
	if a.last[i] > 0 {
		a.clients[i].Ack(1, protocol.Short(a.last[i]), 0, a.now())
	}
}

func (a *audience) pass(i int) (datagrams []replicate.Datagram) {
	datagrams = a.clients[i].Pass(replicate.Pass{View: a.view, Now: a.now()}, &a.scratch)
	for _, d := range datagrams {
		a.clients[i].Sent(d)
		a.last[i] = d.Sequence
	}
	return datagrams
}

// BenchmarkPass is choosing and encoding for one client after the other, 1,000 in turn so that caches are
// cold: 50 movers of 2,000 in sight on average, all of which moved, as did the viewpoint.
func BenchmarkPass(b *testing.B) {
	for _, c := range []struct {
		name string
		cfg  replicate.Config
		acks bool
	}{
		{"rate=steady", replicate.Config{SteadyRate: true}, false},
		{"rate=distance", replicate.Config{}, false},
		{"rate=steady/acks", replicate.Config{SteadyRate: true}, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			const clients = 1000
			a := newAudience(b, newCrowd(2000, sightRadius, 54), clients, c.cfg)
			b.ReportAllocs()
			i, bytes, sight := 0, 0, 0
			for b.Loop() {
				if i%clients == 0 {
					b.StopTimer()
					if !c.acks {
						for k := range a.clients {
							a.ack(k)
						}
					}
					a.step(b, world.Commands{})
					b.StartTimer()
				}
				if c.acks {
					a.ack(i % clients)
				}
				for _, d := range a.pass(i % clients) {
					bytes += len(d.Bytes)
				}
				i++
			}
			for k := range a.clients {
				sight += a.clients[k].InSight()
			}
			b.ReportMetric(float64(sight)/clients, "visible")
			b.ReportMetric(float64(bytes)/float64(i), "wireB/op")
		})
	}
}

// BenchmarkPassResting is a pass over more than 10,000 entities in view of which none changed.
func BenchmarkPassResting(b *testing.B) {
	g := newCrowd(11_200, 1000, 11_200)
	g.moving, g.middle = false, true
	a := newAudience(b, g, 1, replicate.Config{BudgetBytes: 35_000})
	b.ReportAllocs()
	for b.Loop() {
		a.ack(0)
		a.pass(0)
	}
	b.ReportMetric(float64(a.clients[0].InSight()), "visible")
}

// BenchmarkApply is a client's side: reading a datagram of 50 records into the replica.
func BenchmarkApply(b *testing.B) {
	a := newAudience(b, newCrowd(2000, sightRadius, 72), 1, replicate.Config{SteadyRate: true})
	rep, err := replica.New(a.view.Schema(), replica.Config{Epoch: 1, Tick: 0, Sequence: 1, Age: age})
	if err != nil {
		b.Fatal(err)
	}
	// The replica begins with a new epoch, so that it has every entity.
	a.clients[0].NewEpoch()
	var datagrams [][]byte
	epoch := a.clients[0].Epoch()
	for len(datagrams) < 128 {
		a.step(b, world.Commands{})
		for _, d := range a.pass(0) {
			rep.Apply(d.Bytes)
			a.clients[0].Ack(epoch, protocol.Short(d.Sequence), 0, a.now())
			datagrams = append(datagrams, append([]byte(nil), d.Bytes...))
		}
	}
	datagrams = datagrams[64:]
	records := rep.Counters().Records
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		// The same 64 datagrams again and again: their ticks are made to rise, so that none is superseded.
		d := datagrams[n%64]
		tick := a.view.Tick + 1 + uint64(n)
		copy(d[2:], []byte{byte(tick >> 7 & 0x7f), byte(tick & 0x7f), byte(tick >> 7 & 0x7f), byte(tick & 0x7f)})
		if applied, err := rep.Apply(d); err != nil || applied.Ignored {
			b.Fatalf("%+v: %v", applied, err)
		}
		n++
	}
	if c := rep.Counters(); c.Superseded+c.Orphans > 0 {
		b.Fatalf("records did not count: %+v", c)
	}
	b.ReportMetric(float64(rep.Counters().Records-records)/float64(n), "records")
}

func ExampleClient() {
	g := newCrowd(1, sightRadius, 1)
	w, _ := world.New(g, world.Config{})
	_, view, _ := w.Step(world.Commands{Joins: []world.Join{{Player: 1}}})
	c, err := replicate.NewClient(view.Schema(), 1, 1, 1, replicate.Config{Period: time.Second / 30})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range c.Pass(replicate.Pass{View: view, Now: time.Unix(0, 0)}, new(replicate.Scratch)) {
		// Hand d.Bytes to the connection, then say so.
		c.Sent(d)
		fmt.Println("datagram", d.Sequence)
	}
	// Output: datagram 1
}
