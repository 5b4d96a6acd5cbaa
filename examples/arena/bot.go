package arena

import (
	"math"
	"math/rand/v2"

	"github.com/quicstep/quicstep/world"
)

// bot chases the nearest enemy or drone that it sees, and roams when it sees none. At the beginning of each second it
// swerves for a moment, which makes it harder to hit, and its finger is slower than the gun, so that people win. It
// remembers nothing: what comes and goes follows from the tick.
func (g *Arena) bot(v *world.View, me world.Player, chance *rand.Rand) Steer {
	rules, known := g.Rules.Get(v)
	s, ok := g.ship(v, me)
	if !known || !ok {
		return Steer{}
	}
	rate := uint64(rules.TickRate)
	clock := v.Tick + uint64(me)*7 // not all swerve at the same time
	whim := whimOf(me, clock/rate)
	x, y, found := g.nearest(v, me, s)
	if !found {
		return Steer{Aim: float32(whim % 360), Thrust: true}
	}
	aim, distance := math.Atan2(y, x)*180/math.Pi, math.Hypot(x, y)
	if clock%rate*4 < rate {
		swerve := 45 + float64(whim%46)
		return Steer{Aim: float32(math.Copysign(swerve, float64(whim>>32%2)-0.5) + aim), Thrust: true}
	}
	fires := distance < Range && chance.IntN(int(rules.ticks(reload))) == 0
	return Steer{Aim: float32(aim), Thrust: distance > Range/2, Fire: fires}
}

// nearest finds what a bot goes for, and where that is, seen from its ship.
func (g *Arena) nearest(v *world.View, me world.Player, s Ship) (x, y float64, found bool) {
	at, best := world.Pos{X: float64(s.X), Y: float64(s.Y)}, math.Inf(1)
	look := func(ox, oy float32) {
		dx, dy := float64(ox)-at.X, float64(oy)-at.Y
		if d := math.Hypot(dx, dy); d < best {
			x, y, best, found = dx, dy, d, true
		}
	}
	for id, other := range g.Ships.Near(v, at, Sight) {
		if other.Hull > 0 && g.Ships.OwnerOf(v, id) != me {
			look(other.X, other.Y)
		}
	}
	for _, other := range g.Drones.Near(v, at, Sight) {
		look(other.X, other.Y)
	}
	return x, y, found
}

// whimOf is what comes into a bot's mind in a second of its own: a number that it need not remember.
func whimOf(me world.Player, second uint64) uint64 { return rand.NewPCG(uint64(me), second).Uint64() }
