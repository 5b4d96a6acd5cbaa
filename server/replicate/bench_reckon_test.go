package replicate_test

import (
	"math"
	"testing"

	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// flock is a square world of fliers that go straight on and reflect at the walls.
type flock struct {
	*world.GameOf[struct{}]
	Fliers world.Table[flier]
	side   float32
}

type flier struct {
	X    float32 `net:"range=0:8000,step=0.1,pos=x,reckon=VX,tolerance=0.5"`
	Y    float32 `net:"range=0:8000,step=0.1,pos=y,reckon=VY,tolerance=0.5"`
	VX   float32 `net:"range=-64:64,step=0.01"`
	VY   float32 `net:"range=-64:64,step=0.01"`
	Kind uint8
}

func newFlock(entities int, radius float64, visible int, options ...world.TableOption) *flock {
	g := &flock{GameOf: world.NewGame[struct{}]("flock")}
	g.side = float32(math.Sqrt(float64(entities) * math.Pi * radius * radius / float64(visible)))
	g.Fliers = world.AddTable[flier](g, "flier", append(options, world.CellSize(radius/2))...)
	g.OnStart(func(tx *world.Tx) {
		r := tx.Rand()
		for range entities {
			y, x := math.Sincos(r.Float64() * 2 * math.Pi)
			g.Fliers.Insert(tx, flier{X: r.Float32() * g.side, Y: r.Float32() * g.side, VX: float32(40 * x), VY: float32(40 * y)})
		}
	})
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		tx.SetView(p, world.Pos{X: tx.Rand().Float64() * float64(g.side), Y: tx.Rand().Float64() * float64(g.side)}, radius)
		return nil
	})
	g.OnTick(func(tx *world.Tx) {
		for id := range g.Fliers.All(tx) {
			f := g.Fliers.Edit(tx, id)
			f.X, f.VX = g.fly(f.X, f.VX)
			f.Y, f.VY = g.fly(f.Y, f.VY)
		}
		for p := range tx.Players() {
			at, r := tx.View(p)
			tx.SetView(p, world.Pos{X: at.X + float64(tx.Tick()%2)*4 - 2, Y: at.Y}, r)
		}
	})
	return g
}

func (g *flock) fly(at, v float32) (float32, float32) {
	if at += v / 30; at < 0 || at > g.side {
		return max(0, min(at, g.side)), -v
	}
	return at, v
}

// BenchmarkPassReckoned is BenchmarkPass for rows that are dead-reckoned, beside the same ones in an exact table.
func BenchmarkPassReckoned(b *testing.B) {
	for _, c := range []struct {
		name    string
		options []world.TableOption
	}{{"reckoned", nil}, {"exact", []world.TableOption{world.Exact()}}} {
		b.Run(c.name, func(b *testing.B) {
			const clients = 1000
			a := newAudience(b, newFlock(2000, sightRadius, 54, c.options...), clients, replicate.Config{SteadyRate: true})
			b.ReportAllocs()
			i, bytes, sight := 0, 0, 0
			for b.Loop() {
				if i%clients == 0 {
					b.StopTimer()
					for k := range a.clients {
						a.ack(k)
					}
					a.step(b, world.Commands{})
					b.StartTimer()
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
