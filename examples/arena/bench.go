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

	// CrowdSide is the square of a crowd. Everybody sees twice as far as its diagonal, so that all of it is near.
	CrowdSide  = 1000
	CrowdSight = 2 * 1415

	benchShipSpeed = 60 // units per second; drones fly as in the game
	benchTickRate  = 20
	benchRest      = 4 // seconds; something rests for so long, or a multiple of it
)

// Bench returns the game's tables under a workload that is the same in every second: ships and 1,000 drones fly straight
// on and reflect at the walls, ships go where their inputs aim, and nobody shoots. The square is such that a player sees
// some 50 of them. What rests stands still, and flies elsewhere afterwards; a ship that does points to where its input aims all the same. In a crowd
// there are ships alone, which see all others. It is an *Arena, too, of 20 Hz unless SetTickRate says otherwise. With
// more than some 16,000 players the square is as large as it can be, and they see more.
func (g *Arena) Bench(w world.Workload) world.Game {
	cfg := Config{TickRate: benchTickRate, Drones: BenchDrones, Side: benchSide(w.Players)}
	if w.Crowd {
		cfg.Drones, cfg.Side = 0, CrowdSide
	}
	var tables []world.TableOption
	if w.Exact {
		tables = append(tables, world.Exact())
	}
	b := define(cfg, tables...)
	b.workload = w
	b.OnStart(b.start)
	b.OnJoin(b.benchJoin)
	b.OnLeave(b.leave)
	b.OnInput(b.benchSteer)
	b.OnTick(b.benchTick)
	b.OnBot(b.benchBot)
	return b
}

func benchSide(players int) int {
	all := float64(max(0, players) + BenchDrones)
	return int(math.Round(math.Sqrt(all * math.Pi * BenchSight * BenchSight / BenchVisible)))
}

func (g *Arena) benchJoin(tx *world.Tx, p world.Player) error {
	s := Ship{Hull: ShipHull}
	s.X, s.Y = g.anywhere(tx)
	s.head(g.benchAim(tx.Rand().Uint64()))
	g.Ships.Insert(tx, s, world.Owner(p))
	return nil
}

// benchAim is any direction; in a crowd one in which both coordinates change.
func (g *Arena) benchAim(whim uint64) float32 {
	if g.workload.Crowd {
		return float32(whim%4*90 + 15 + whim>>2%21*3)
	}
	return float32(whim % 120 * 3)
}

// head sends a ship off at the bench's speed. It flies elsewhere than it points once it met a wall.
func (s *Ship) head(aim float32) {
	x, y := heading(aim)
	s.Aim, s.VX, s.VY = aim, float32(benchShipSpeed*x), float32(benchShipSpeed*y)
}

// rests tells whether something stands still in a tick. Each thing decides anew every few seconds, not all of them in
// the same tick. It depends on nothing else, so that clients predict it.
func (g *Arena) rests(id world.ID, tick uint64, r Rules) bool {
	if g.workload.Idle == 0 {
		return false
	}
	turn := (tick + uint64(id)*7) / uint64(r.ticks(benchRest))
	return float64(rand.NewPCG(uint64(id), turn).Uint64()>>11)/(1<<53) < g.workload.Idle
}

func (g *Arena) benchSteer(tx *world.Tx, p world.Player, in Steer) {
	rules, ok := g.Rules.Get(tx)
	if !ok {
		return
	}
	for id, was := range g.Ships.Owned(tx, p) {
		s := was
		switch rests := g.rests(id, tx.Tick(), rules); {
		case rests:
			s.Aim, s.VX, s.VY = in.Aim, 0, 0
		case in.Aim != s.Aim || s.VX == 0 && s.VY == 0:
			s.head(in.Aim)
			fallthrough
		default:
			s.X, s.VX = rules.glide(s.X, s.VX)
			s.Y, s.VY = rules.glide(s.Y, s.VY)
		}
		if s != was {
			*g.Ships.Edit(tx, id) = s
		}
		tx.SetView(p, world.Pos{X: float64(s.X), Y: float64(s.Y)}, g.benchSight())
	}
}

func (g *Arena) benchSight() float64 {
	if g.workload.Crowd {
		return CrowdSight
	}
	return BenchSight
}

func (g *Arena) benchTick(tx *world.Tx) {
	rules, _ := g.Rules.Get(tx)
	for id, d := range g.Drones.All(tx) {
		stands := d.VX == 0 && d.VY == 0
		if g.rests(id, tx.Tick(), rules) {
			if !stands {
				d := g.Drones.Edit(tx, id)
				d.VX, d.VY = 0, 0
			}
			continue
		}
		edit := g.Drones.Edit(tx, id)
		if stands {
			edit.turn(tx)
		}
		edit.fly(rules)
	}
}

// benchBot heads elsewhere once a second, each player in another tick, and repeats itself in between.
func (g *Arena) benchBot(v *world.View, me world.Player, _ *rand.Rand) Steer {
	rules, ok := g.Rules.Get(v)
	if !ok {
		return Steer{}
	}
	second := (v.Tick + uint64(me)) / uint64(rules.TickRate)
	return Steer{Aim: g.benchAim(whimOf(me, second))}
}
