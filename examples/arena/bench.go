package arena

import (
	"math"
	"math/rand/v2"

	"github.com/quicstep/quicstep/world"
)

// The workload of Bench.
const (
	// BenchDrones is how many drones there are beside the players.
	BenchDrones = 1000
	// BenchSight is how far a player sees, and BenchVisible about how many it sees at a time.
	BenchSight   = 200
	BenchVisible = 50

	benchShipSpeed = 60 // units per second; drones fly as in the game
	benchTickRate  = 20
)

// Bench returns the game's tables under a workload that is the same in every second: ships and 1,000 drones fly straight
// on and reflect at the walls, ships go where their inputs aim, and nobody shoots. The square is such that a player sees
// some 50 of them. It is an *Arena, too, of 20 Hz unless SetTickRate says otherwise. With more than some 16,000 players
// the square is as large as it can be, and they see more.
func (g *Arena) Bench(players int) world.Game {
	all := float64(max(0, players) + BenchDrones)
	side := math.Sqrt(all * math.Pi * BenchSight * BenchSight / BenchVisible)
	b := define(Config{TickRate: benchTickRate, Drones: BenchDrones, Side: int(math.Round(side))})
	b.OnStart(b.start)
	b.OnJoin(b.benchJoin)
	b.OnLeave(b.leave)
	b.OnInput(b.benchSteer)
	b.OnTick(b.benchTick)
	b.OnBot(b.benchBot)
	return b
}

func (g *Arena) benchJoin(tx *world.Tx, p world.Player) error {
	s := Ship{Hull: ShipHull}
	s.X, s.Y = g.anywhere(tx)
	s.head(float32(tx.Rand().IntN(120) * 3))
	g.Ships.Insert(tx, s, world.Owner(p))
	return nil
}

// head sends a ship off at the bench's speed. It flies elsewhere than it points once it met a wall.
func (s *Ship) head(aim float32) {
	x, y := heading(aim)
	s.Aim, s.VX, s.VY = aim, float32(benchShipSpeed*x), float32(benchShipSpeed*y)
}

func (g *Arena) benchSteer(tx *world.Tx, p world.Player, in Steer) {
	rules, ok := g.Rules.Get(tx)
	if !ok {
		return
	}
	for id := range g.Ships.Owned(tx, p) {
		s := g.Ships.Edit(tx, id)
		if in.Aim != s.Aim {
			s.head(in.Aim)
		}
		s.X, s.VX = rules.glide(s.X, s.VX)
		s.Y, s.VY = rules.glide(s.Y, s.VY)
		tx.SetView(p, world.Pos{X: float64(s.X), Y: float64(s.Y)}, BenchSight)
	}
}

func (g *Arena) benchTick(tx *world.Tx) {
	rules, _ := g.Rules.Get(tx)
	for id := range g.Drones.All(tx) {
		g.Drones.Edit(tx, id).fly(rules)
	}
}

// benchBot heads elsewhere once a second, each player in another tick, and repeats itself in between.
func (g *Arena) benchBot(v *world.View, me world.Player, _ *rand.Rand) Steer {
	rules, ok := g.Rules.Get(v)
	if !ok {
		return Steer{}
	}
	second := (v.Tick + uint64(me)) / uint64(rules.TickRate)
	return Steer{Aim: float32(whimOf(me, second) % 120 * 3)}
}
