package server

import (
	"math"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/world"
)

// flier is a row of the game of BenchmarkClients.
type flier struct {
	X  float32 `net:"range=0:8000,step=0.1,pos=x,reckon=VX,tolerance=0.5"`
	Y  float32 `net:"range=0:8000,step=0.1,pos=y,reckon=VY,tolerance=0.5"`
	VX float32 `net:"range=-64:64,step=0.01"`
	VY float32 `net:"range=-64:64,step=0.01"`
}

// steer is its input.
type steer struct{ DX int8 }

// fliers is a game in which each player watches some 50 of many fliers, all of which go straight on and reflect at walls.
func fliers(players int) world.Game {
	const radius, visible = 100, 54
	all := 1000 + players
	side := float32(math.Sqrt(float64(all) * math.Pi * radius * radius / visible))
	g := world.NewGame[steer]("bench")
	table := world.AddTable[flier](g, "flier", world.CellSize(radius/2))
	g.OnStart(func(tx *world.Tx) {
		r := tx.Rand()
		for range all {
			y, x := math.Sincos(r.Float64() * 2 * math.Pi)
			table.Insert(tx, flier{X: r.Float32() * side, Y: r.Float32() * side, VX: float32(40 * x), VY: float32(40 * y)})
		}
	})
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		tx.SetView(p, world.Pos{X: tx.Rand().Float64() * float64(side), Y: tx.Rand().Float64() * float64(side)}, radius)
		return nil
	})
	fly := func(at, v float32) (float32, float32) {
		if at += v / 30; at < 0 || at > side {
			return max(0, min(at, side)), -v
		}
		return at, v
	}
	g.System("fly", func(tx *world.Tx) {
		for id := range table.All(tx) {
			f := table.Edit(tx, id)
			f.X, f.VX = fly(f.X, f.VX)
			f.Y, f.VY = fly(f.Y, f.VY)
		}
		for p := range tx.Players() {
			at, r := tx.View(p)
			tx.SetView(p, world.Pos{X: at.X + float64(tx.Tick()%2)*4 - 2, Y: at.Y}, r)
		}
	})
	return g
}

// BenchmarkClients is a tick of 500 clients, without a network: each one's input is taken, with the acknowledgement of all that
// it was sent, the room takes the inputs and makes its step, and each one's pass is made. It tells how many nanoseconds of that
// each client costs. In between "cold" reads so much other memory that nothing is left in the processor's own caches, which is
// what QUIC does in a server.
func BenchmarkClients(b *testing.B) {
	b.Run("warm", func(b *testing.B) { benchmarkClients(b, 0) })
	b.Run("cold", func(b *testing.B) { benchmarkClients(b, 32<<20) })
}

func benchmarkClients(b *testing.B, otherBytes int) {
	const players = 500
	s := newRoomOf(b, fliers(players), players)
	row, err := s.first.Game.(*world.GameOf[steer]).AppendInput(nil, steer{DX: 1})
	if err != nil {
		b.Fatal(err)
	}
	var in, scratch protocol.Input
	var buf []byte
	input := func(sess *session, now time.Time) {
		in = protocol.Input{
			Epoch: sess.replicate.Epoch(), HasAck: true, Newest: sess.replicate.NextSequence() - 1,
			Tick: s.row.room.view.Load().Tick + 1, Count: 1, Inputs: [protocol.InputsPerDatagram][]byte{row},
		}
		buf = protocol.AppendInput(buf[:0], &in)
		sess.takeDatagram(buf, &scratch, now)
	}
	others := make([]byte, otherBytes)
	cool := func() {
		for i := 0; i < len(others); i += 64 {
			others[i]++
		}
	}
	var came, passed time.Duration
	now := time.Now()
	tick := func() {
		now = now.Add(s.cfg.period())
		cool()
		began := time.Now()
		for _, sess := range s.seated {
			input(sess, now)
		}
		came += time.Since(began)
		cool()
		s.step(now)
		cool()
		began = time.Now()
		s.passes()
		passed += time.Since(began)
	}
	for range 100 {
		tick()
	}
	drained := s.first.phases.drain.read().Sum
	came, passed = 0, 0
	for b.Loop() {
		tick()
	}
	each := func(what string, took time.Duration) {
		b.ReportMetric(float64(took.Nanoseconds())/float64(b.N*players), what+"-ns")
	}
	each("input", came)
	each("drain", s.first.phases.drain.read().Sum-drained)
	each("pass", passed)
}
