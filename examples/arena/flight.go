package arena

import (
	"math"

	"github.com/quicstep/quicstep/world"
)

// How things fly, per second.
const (
	thrust     = 400 // units per second
	drag       = 0.9 // the part of its speed that a ship loses
	droneSpeed = 40  // units
	reload     = 0.25
)

// period is the length of a tick in seconds.
func (r Rules) period() float64 { return 1 / float64(r.TickRate) }

// ticks is a time in ticks, one at least.
func (r Rules) ticks(seconds float64) uint32 {
	return uint32(max(1, math.Round(seconds*float64(r.TickRate))))
}

// glide moves one coordinate for a tick and reflects it at the walls.
func (r Rules) glide(at, v float32) (float32, float32) {
	side, next := float64(r.Side), float64(at)+float64(float64(v)*r.period())
	if next < 0 {
		next, v = -next, -v
	} else if next > side {
		next, v = side-(next-side), -v
	}
	return float32(max(0, min(next, side))), v
}

// heading is the direction of an angle in degrees. It is rounded, since the last bits of a sine may differ between
// processors, and clients predict with it.
func heading(degrees float32) (x, y float64) {
	y, x = math.Sincos(float64(degrees) * (math.Pi / 180))
	return math.Round(x*1e6) / 1e6, math.Round(y*1e6) / 1e6
}

// steer does what a player asks of its own ship. Clients predict it, so it reads what the owner has, and nothing else.
func (g *Arena) steer(tx *world.Tx, p world.Player, in Steer) {
	rules, ok := g.Rules.Get(tx)
	if !ok {
		return // a client that has not received them yet
	}
	for id := range g.Ships.Owned(tx, p) {
		s := g.Ships.Edit(tx, id)
		s.Aim = in.Aim
		if s.Hull == 0 {
			continue
		}
		s.fly(rules, in.Thrust)
		if now := uint32(tx.Tick()); in.Fire && now >= s.Ready {
			s.Ready = now + rules.ticks(reload) // tick finds it by that
		}
		tx.SetView(p, world.Pos{X: float64(s.X), Y: float64(s.Y)}, Sight)
	}
}

// fly moves a ship for a tick. Products are converted before they are added: no processor may fuse the two.
func (s *Ship) fly(r Rules, forwards bool) {
	vx, vy := float64(s.VX), float64(s.VY)
	if forwards {
		x, y := heading(s.Aim)
		gain := thrust * r.period()
		vx, vy = vx+float64(gain*x), vy+float64(gain*y)
	}
	keep := 1 / (1 + float64(drag*r.period())) // at any tick rate more than nothing
	if speed := math.Sqrt(float64(vx*vx) + float64(vy*vy)); speed > 0 {
		keep = min(keep, MaxSpeed/speed)
	}
	s.VX, s.VY = float32(vx*keep), float32(vy*keep)
	s.X, s.VX = r.glide(s.X, s.VX)
	s.Y, s.VY = r.glide(s.Y, s.VY)
}

// turn sends a drone off in another direction.
func (d *Drone) turn(tx *world.Tx) {
	x, y := heading(tx.Rand().Float32() * 360)
	d.VX, d.VY = float32(droneSpeed*x), float32(droneSpeed*y)
}

func (d *Drone) fly(r Rules) {
	d.X, d.VX = r.glide(d.X, d.VX)
	d.Y, d.VY = r.glide(d.Y, d.VY)
}
