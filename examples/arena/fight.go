package arena

import (
	"math"

	"github.com/quicstep/quicstep/world"
)

const (
	wreckTime   = 2 // seconds
	courseTurns = 2 // seconds from one turn of a drone to the next, on average
)

// What the server alone decides: where drones go, what shots hit, and who comes back where.

// roam moves the drones.
func (g *Arena) roam(tx *world.Tx) {
	rules, _ := g.Rules.Get(tx)
	for id := range g.Drones.All(tx) {
		d := g.Drones.Edit(tx, id)
		if tx.Rand().IntN(int(rules.ticks(courseTurns))) == 0 {
			d.turn(tx)
		}
		d.fly(rules)
	}
}

// fight has ships shoot, and wrecks come back.
func (g *Arena) fight(tx *world.Tx) {
	rules, _ := g.Rules.Get(tx)
	now := uint32(tx.Tick())
	for id, s := range g.Ships.All(tx) {
		switch {
		case s.Ready == now+rules.ticks(reload): // also one that was destroyed in this tick: both fired at once
			g.shoot(tx, id, s)
		case s.Hull == 0 && now >= s.Back:
			s := g.Ships.Edit(tx, id)
			s.X, s.Y = g.anywhere(tx)
			s.Hull = ShipHull
		}
	}
}

// rule keeps the rules.
func (g *Arena) rule(tx *world.Tx) {
	rules, _ := g.Rules.Get(tx)
	if rules != g.rules { // the room was restored under others
		*g.Rules.Edit(tx) = g.rules
	}
}

// shoot fires a ship's gun: the nearest in the line of fire is hit, ship or drone. Where others are is as the shooter's
// player saw them, so that what hit on the screen hits. What is a wreck by now, or gone, or another life's ship, is not hit
// again: the shot passes through.
func (g *Arena) shoot(tx *world.Tx, by world.ID, s Ship) {
	f := lineOfFire(s)
	length, ship, drone := float64(Range), world.ID(0), world.ID(0)
	seen := tx.Seen(g.Ships.OwnerOf(tx, by))
	for id, other := range g.Ships.Near(seen, f.middle(), Range/2+HitRadius) {
		if at, ok := f.meets(other.X, other.Y); ok && at < length && other.Hull > 0 && g.lives(tx, id, other) {
			length, ship = at, id
		}
	}
	for id, other := range g.Drones.Near(seen, f.middle(), Range/2+HitRadius) {
		if at, ok := f.meets(other.X, other.Y); ok && at < length && g.Drones.Has(tx, id) {
			length, drone = at, id
		}
	}
	g.Shots.Emit(tx, Shot{X: s.X, Y: s.Y, Aim: s.Aim, Length: float32(length), By: by})
	if drone != 0 {
		g.hitDrone(tx, by, drone)
	} else if ship != 0 {
		g.hitShip(tx, by, ship)
	}
}

// lives tells whether a ship that was seen is still there, and has not been destroyed since.
func (g *Arena) lives(tx *world.Tx, id world.ID, seen Ship) bool {
	s, ok := g.Ships.Get(tx, id)
	return ok && s.Hull > 0 && s.Deaths == seen.Deaths
}

func (g *Arena) hitDrone(tx *world.Tx, by, id world.ID) {
	d := g.Drones.Edit(tx, id)
	if d.Hull--; d.Hull > 0 {
		return
	}
	g.Booms.Emit(tx, Boom{X: d.X, Y: d.Y})
	g.Ships.Edit(tx, by).Score += DroneScore
	g.Drones.Remove(tx, id)
	g.addDrone(tx)
}

func (g *Arena) hitShip(tx *world.Tx, by, id world.ID) {
	victim := g.Ships.Edit(tx, id)
	if victim.Hull--; victim.Hull > 0 {
		return
	}
	victim.Deaths++
	victim.VX, victim.VY = 0, 0
	victim.Back = uint32(tx.Tick()) + g.rules.ticks(wreckTime)
	killer := g.Ships.Edit(tx, by)
	killer.Score += ShipScore
	g.Booms.Emit(tx, Boom{X: victim.X, Y: victim.Y, Ship: true})
	// Only these two: a message is a packet for each who gets it, and in a crowd somebody falls all the time.
	for _, ship := range []world.ID{by, id} {
		g.Kills.Send(tx, Kill{Killer: killer.Name, Victim: victim.Name}, world.ToPlayer(g.Ships.OwnerOf(tx, ship)))
	}
}

// line is a line of fire: a point and a direction of length one.
type line struct{ x, y, dx, dy float64 }

func lineOfFire(s Ship) line {
	dx, dy := heading(s.Aim)
	return line{float64(s.X), float64(s.Y), dx, dy}
}

// middle is the point halfway to where a shot ends.
func (l line) middle() world.Pos {
	return world.Pos{X: l.x + float64(l.dx*Range/2), Y: l.y + float64(l.dy*Range/2)}
}

// meets tells how far along the line a shot meets what stands at a point, if it does. It never meets the one who fires.
func (l line) meets(x, y float32) (along float64, ok bool) {
	ox, oy := float64(x)-l.x, float64(y)-l.y
	along = float64(ox*l.dx) + float64(oy*l.dy)
	aside := float64(oy*l.dx) - float64(ox*l.dy)
	return along, along > 0 && along <= Range && math.Abs(aside) <= HitRadius
}
