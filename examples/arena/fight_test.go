package arena_test

import (
	"math"
	"testing"

	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/world"
)

// bearing is the direction and distance from one ship to another place.
func bearing(from arena.Ship, x, y float32) (aim float32, distance float64) {
	dx, dy := float64(x-from.X), float64(y-from.Y)
	return float32(math.Atan2(dy, dx) * 180 / math.Pi), math.Hypot(dx, dy)
}

// told is what a tick told of.
func (m *match) told(changes world.ChangeSet) (shots []arena.Shot, booms []arena.Boom, kills []arena.Kill) {
	for _, e := range m.Shots.In(changes.Events) {
		shots = append(shots, e)
	}
	for _, e := range m.Booms.In(changes.Events) {
		booms = append(booms, e)
	}
	for _, e := range m.Kills.In(changes.Messages) {
		kills = append(kills, e)
	}
	return shots, booms, kills
}

func TestAShipIsShotDownAndComesBack(t *testing.T) {
	m := newMatch(t, arena.New(arena.Config{Drones: -1, Side: 200}), 1, 1, 2) // so small that all is in range
	aim, distance := bearing(m.ship(m.view, 1), m.ship(m.view, 2).X, m.ship(m.view, 2).Y)
	var fired []uint64
	var kill world.ChangeSet
	for len(fired) < arena.ShipHull {
		kill = m.steer(map[world.Player]arena.Steer{1: {Aim: aim, Fire: true}})
		shots, _, _ := m.told(kill)
		for _, s := range shots {
			fired = append(fired, m.view.Tick)
			if math.Abs(float64(s.Length)-distance) > arena.HitRadius || math.Abs(math.Remainder(float64(s.Aim-aim), 360)) > 1.5 {
				t.Fatalf("the shot is %+v, want it to end after %v", s, distance)
			}
		}
		if want := arena.ShipHull - len(fired); int(m.ship(m.view, 2).Hull) != want {
			t.Fatalf("after %d hits the hull is %d, want %d", len(fired), m.ship(m.view, 2).Hull, want)
		}
	}
	for i := 1; i < len(fired); i++ {
		if fired[i]-fired[i-1] != 8 { // a quarter of a second
			t.Errorf("the shots came in the ticks %d", fired)
		}
	}
	killer, victim := m.ship(m.view, 1), m.ship(m.view, 2)
	_, booms, kills := m.told(kill)
	if len(booms) != 1 || !booms[0].Ship || len(kills) != 2 || kills[0] != (arena.Kill{Killer: "pilot 1", Victim: "pilot 2"}) || kills[1] != kills[0] {
		t.Errorf("told of %+v and %+v", booms, kills)
	}
	for i, p := range []world.Player{1, 2} {
		if to := kill.Messages[i].To; to != world.ToPlayer(p) {
			t.Errorf("message %d goes to %+v, want player %d", i, to, p)
		}
	}
	if killer.Score != arena.ShipScore || killer.Deaths != 0 || victim.Score != 0 || victim.Deaths != 1 {
		t.Errorf("the killer is %+v, the victim %+v", killer, victim)
	}

	for wreck := 0; ; wreck++ {
		changes := m.steer(map[world.Player]arena.Steer{1: {Aim: aim, Fire: true}, 2: {Aim: 90, Thrust: true, Fire: true}})
		now := m.ship(m.view, 2)
		if shots, _, _ := m.told(changes); len(shots) > 0 && (shots[0].By.Index() != 0 || shots[0].Length != arena.Range) {
			t.Fatalf("%d ticks after the kill: shots %+v, want those of player 1 alone, which pass through the wreck", wreck, shots)
		}
		if now.Hull > 0 {
			if wreck != 59 || now.Hull != arena.ShipHull || now.X == victim.X || now.VX != 0 || now.Aim != 90 {
				t.Errorf("after %d ticks as a wreck the ship is %+v", wreck, now)
			}
			return
		}
		if now.X != victim.X || now.Y != victim.Y || now.Aim != 90 || wreck > 60 {
			t.Fatalf("after %d ticks the wreck is %+v, was %+v; want it to turn, and nothing else", wreck, now, victim)
		}
	}
}

func TestTwoWhoFireTheLastShotTogetherBothFall(t *testing.T) {
	m := newMatch(t, arena.New(arena.Config{Drones: -1, Side: 200}), 2, 1, 2)
	one, two := m.ship(m.view, 1), m.ship(m.view, 2)
	there, _ := bearing(one, two.X, two.Y)
	back, _ := bearing(two, one.X, one.Y)
	for m.ship(m.view, 1).Hull > 0 && m.view.Tick < 100 {
		m.steer(map[world.Player]arena.Steer{1: {Aim: there, Fire: true}, 2: {Aim: back, Fire: true}})
	}
	one, two = m.ship(m.view, 1), m.ship(m.view, 2)
	if one.Hull != 0 || two.Hull != 0 || one.Score != arena.ShipScore || two.Score != arena.ShipScore {
		t.Errorf("they end as %+v and %+v", one, two)
	}
}

func TestADroneIsShotAndAnotherComes(t *testing.T) {
	m := newMatch(t, arena.New(arena.Config{Drones: 1, Side: 200}), 3, 1)
	var first world.ID
	for id := range m.Drones.All(m.view) {
		first = id
	}
	hits := 0
	for m.Drones.Has(m.view, first) {
		d, _ := m.Drones.Get(m.view, first)
		aim, _ := bearing(m.ship(m.view, 1), d.X, d.Y)
		changes := m.steer(map[world.Player]arena.Steer{1: {Aim: aim, Fire: true}})
		shots, booms, kills := m.told(changes)
		hits += len(shots)
		if gone := !m.Drones.Has(m.view, first); gone != (len(booms) == 1) || gone && booms[0].Ship || len(kills) > 0 || m.view.Tick > 100 {
			t.Fatalf("tick %d: the drone is gone: %v; told of %+v and %+v", m.view.Tick, gone, booms, kills)
		}
	}
	if score := m.ship(m.view, 1).Score; hits != arena.DroneHull || score != arena.DroneScore || m.Drones.Len(m.view) != 1 {
		t.Errorf("%d shots, a score of %d, and %d drones are there", hits, score, m.Drones.Len(m.view))
	}
}

func TestAShotHitsTheNearestInItsLine(t *testing.T) {
	for seed := range uint64(40) {
		m := newMatch(t, arena.New(arena.Config{Drones: 30, Side: 500}), seed, players(10)...)
		hulls := func() (hits []world.ID) {
			for id, s := range m.Ships.All(m.view) {
				if s.Hull < arena.ShipHull {
					hits = append(hits, id)
				}
			}
			for id, d := range m.Drones.All(m.view) {
				if d.Hull < arena.DroneHull {
					hits = append(hits, id)
				}
			}
			return hits
		}
		aim := float32(seed * 9)
		shots, _, _ := m.told(m.steer(map[world.Player]arena.Steer{1: {Aim: aim, Fire: true}}))
		from, sin, cos := m.ship(m.view, 1), math.Sin(float64(aim)*math.Pi/180), math.Cos(float64(aim)*math.Pi/180)
		nearest := float64(arena.Range)
		look := func(x, y float32) {
			dx, dy := float64(x-from.X), float64(y-from.Y)
			if along := dx*cos + dy*sin; along > 0.01 && along < nearest && math.Abs(dy*cos-dx*sin) <= arena.HitRadius {
				nearest = along
			}
		}
		for id, s := range m.Ships.All(m.view) {
			if m.Ships.OwnerOf(m.view, id) != 1 {
				look(s.X, s.Y)
			}
		}
		for _, d := range m.Drones.All(m.view) {
			look(d.X, d.Y)
		}
		if len(shots) != 1 || math.Abs(float64(shots[0].Length)-nearest) > 1 {
			t.Fatalf("seed %d: shots %+v, the nearest in the line is at %v", seed, shots, nearest)
		}
		if hits := hulls(); (len(hits) == 1) != (nearest < arena.Range) || len(hits) > 1 {
			t.Fatalf("seed %d: %d were hit by a shot of length %v", seed, len(hits), nearest)
		}
	}
}

// shipTable is the place of the ships among the arena's tables.
const shipTable = 1

// saw is what player 1 saw when all that it had of the others' ships was of some ticks ago.
func (m *match) saw(ticksAgo uint64, others ...uint32) []world.Sight {
	tick := m.view.Tick + 1 - ticksAgo
	s := world.Sight{Player: 1, At: world.MomentOf(tick, 0), Newest: tick}
	for _, index := range others {
		s.Rows = append(s.Rows, world.SeenRow{Ref: shipTable<<20 | index, From: uint32(tick)})
	}
	return []world.Sight{s}
}

// TestAShotHitsWhatItsPlayerSaw: player 2 flies away across the line of fire, and is hit where it was on player 1's
// screen, and nowhere else.
func TestAShotHitsWhatItsPlayerSaw(t *testing.T) {
	const ago = 8
	for _, compensated := range []bool{false, true} {
		m := newMatch(t, arena.New(arena.Config{Drones: -1, Side: 200}), 1, 1, 2)
		aim, _ := bearing(m.ship(m.view, 1), m.ship(m.view, 2).X, m.ship(m.view, 2).Y)
		for range 25 {
			m.steer(map[world.Player]arena.Steer{2: {Aim: aim + 90, Thrust: true}})
		}
		at := m.ship(m.view, 2)
		aim, distance := bearing(m.ship(m.view, 1), at.X, at.Y)
		for range ago - 1 {
			m.steer(map[world.Player]arena.Steer{2: {Aim: aim + 90, Thrust: true}})
		}
		c := world.Commands{Inputs: []world.Input{{Player: 1, Data: m.input(arena.Steer{Aim: aim, Fire: true})}}}
		if compensated {
			c.Sights = m.saw(ago, 1)
		}
		shots, _, _ := m.told(m.step(c))
		now := m.ship(m.view, 2)
		if away := math.Hypot(float64(now.X-at.X), float64(now.Y-at.Y)); away < 3*arena.HitRadius {
			t.Fatalf("player 2 has got no farther than %v, that tests nothing", away)
		}
		if hit := now.Hull < arena.ShipHull; hit != compensated || len(shots) != 1 || compensated && math.Abs(float64(shots[0].Length)-distance) > arena.HitRadius {
			t.Errorf("compensated: %v: a shot at where player 2 was seen, %v away, came to %+v, hull %d", compensated, distance, shots, now.Hull)
		}
	}
}

// TestWhatIsDestroyedIsNotHitAgain: on player 1's screen the ship is whole, and whole once more when it has come back.
func TestWhatIsDestroyedIsNotHitAgain(t *testing.T) {
	m := newMatch(t, arena.New(arena.Config{Drones: -1, Side: 200}), 1, 1, 2, 3)
	aim, _ := bearing(m.ship(m.view, 1), m.ship(m.view, 2).X, m.ship(m.view, 2).Y)
	fire := m.input(arena.Steer{Aim: aim, Fire: true})
	for m.ship(m.view, 2).Hull > 0 {
		m.steer(map[world.Player]arena.Steer{1: {Aim: aim, Fire: true}})
	}
	died := m.view.Tick
	for ; m.view.Tick < died+80; m.step(world.Commands{}) {
		if m.view.Tick < died+7 { // the gun is being loaded
			continue
		}
		seen := m.ship(m.view, 2)
		changes := m.step(world.Commands{Inputs: []world.Input{{Player: 1, Data: fire}}, Sights: m.saw(m.view.Tick+2-died, 1)})
		if shots, _, _ := m.told(changes); m.ship(m.view, 2).Deaths != 1 || m.ship(m.view, 2).Hull < seen.Hull {
			t.Fatalf("%d ticks after it was destroyed it was hit again: %+v", m.view.Tick-died, shots)
		}
	}
	if m.ship(m.view, 2).Hull != arena.ShipHull {
		t.Error("it has not come back, that tests nothing")
	}
	for id := range m.Ships.Owned(m.view, 2) { // one that has left is no ship at all
		m.step(world.Commands{Leaves: []world.Leave{{Player: 2}}, Inputs: []world.Input{{Player: 1, Data: fire}}, Sights: m.saw(5, id.Index())})
		if m.Ships.Has(m.view, id) {
			t.Error("it is still there")
		}
	}
}
