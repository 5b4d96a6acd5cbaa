package arena_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

func bench(players int) *arena.Arena {
	return benchOf(world.Workload{Players: players})
}

func benchOf(w world.Workload) *arena.Arena {
	return arena.New(arena.Config{}).Bench(w).(*arena.Arena)
}

func TestTheBenchTravelsLikeTheGame(t *testing.T) {
	game, err := world.SchemaOf(arena.New(arena.Config{Side: 500, TickRate: 60}))
	if err != nil {
		t.Fatal(err)
	}
	b, err := world.SchemaOf(bench(1000))
	if err != nil || b.Hash() != game.Hash() {
		t.Errorf("the schemas' hashes are %x and %x, want the same; %v", game.Hash(), b.Hash(), err)
	}
	one, _ := world.LayoutOf(arena.New(arena.Config{}))
	if two, _ := world.LayoutOf(bench(1)); one != two {
		t.Errorf("the layouts are %x and %x, want the same", one, two)
	}
}

func TestSomeFiftyAreVisibleOnTheBench(t *testing.T) {
	for _, n := range []int{200, 1000} {
		m := newMatch(t, bench(n), 1, players(n)...)
		seen, looks := 0, 0
		for range 5 {
			for range 20 {
				m.step(m.bots())
			}
			for _, p := range m.view.Players() {
				seat, _ := m.view.Seat(p)
				for range m.Ships.Near(m.view, seat.Pos, seat.Radius) {
					seen++
				}
				for range m.Drones.Near(m.view, seat.Pos, seat.Radius) {
					seen++
				}
				looks++
			}
		}
		average := float64(seen) / float64(looks)
		t.Logf("%d players see %.1f on average", n, average)
		if average < 45 || average > 55 {
			t.Errorf("%d players see %.1f on average, want some 50", n, average)
		}
	}
}

// TestEverythingFliesOnTheBench has every ship and drone move with its exact speed in each tick, and drones change in
// nothing but how they fly.
func TestEverythingFliesOnTheBench(t *testing.T) {
	const n, ships, drones = 100, 1, 2 // the latter two are places among the tables
	for _, rate := range []int{20, 60} {
		g := bench(n)
		g.SetTickRate(rate)
		m := newMatch(t, g, 2, players(n)...)
		rules, _ := m.Rules.Get(m.view)
		if int(rules.TickRate) != rate {
			t.Fatalf("the tick rate is %d, want %d", rules.TickRate, rate)
		}
		schema, err := world.SchemaOf(g)
		if err != nil {
			t.Fatal(err)
		}
		position := flightColumns(schema.Tables[drones])
		for range 300 {
			before := m.view
			changes := m.step(m.bots())
			// A wall may throw something back to the very step that it came from.
			if s, d := len(changes.Tables[ships].Changed), len(changes.Tables[drones].Changed); s < n-1 || d < arena.BenchDrones-1 || changes.Clamped > 0 {
				t.Fatalf("tick %d: %d ships and %d drones moved, %d fields clamped", m.view.Tick, s, d, changes.Clamped)
			}
			for _, c := range changes.Tables[drones].Changed {
				if c.Columns&^position != 0 {
					t.Fatalf("tick %d: drone %v changed in the columns %b, of which %b are the position", m.view.Tick, c.ID, c.Columns, position)
				}
			}
			for id, s := range m.Ships.All(m.view) {
				was, _ := m.Ships.Get(before, id)
				wantFlight(t, flight{was.X, was.Y, s.X, s.Y, s.VX, s.VY}, 60, rules)
			}
			for id, d := range m.Drones.All(m.view) {
				was, _ := m.Drones.Get(before, id)
				wantFlight(t, flight{was.X, was.Y, d.X, d.Y, d.VX, d.VY}, 40, rules)
			}
		}
	}
}

// flightColumns are the columns of a table's positions and velocities, as bits.
func flightColumns(t *schema.Table) (columns uint64) {
	for i := range t.Columns {
		if field := int(t.Columns[i].Field); field < 4 {
			columns |= 1 << i
		}
	}
	return columns
}

// flight is how something flew in a tick, and its velocity afterwards.
type flight struct{ x0, y0, x, y, vx, vy float32 }

func wantFlight(t *testing.T, f flight, speed float64, rules arena.Rules) {
	t.Helper()
	if v := math.Hypot(float64(f.vx), float64(f.vy)); math.Abs(v-speed) > 1e-3 {
		t.Fatalf("%+v flies at %v, want %v", f, v, speed)
	}
	step, side := speed/float64(rules.TickRate), float64(rules.Side)
	went := math.Hypot(float64(f.x-f.x0), float64(f.y-f.y0))
	wall := min(f.x, f.y, float32(side)-f.x, float32(side)-f.y) < float32(step) // it may have met it
	if went > step+1e-2 || went < step-1e-2 && !wall || went == 0 || f.x < 0 || f.y < 0 || f.x > float32(side) || f.y > float32(side) {
		t.Fatalf("%+v went %v, want %v", f, went, step)
	}
}

// TestAShareOfTheBenchRests: as much as was asked for, not the same all the time, and nothing of it changes but a ship
// that turns.
func TestAShareOfTheBenchRests(t *testing.T) {
	const n, ticks, drones, idle = 100, 400, 2, 0.75
	m := newMatch(t, benchOf(world.Workload{Players: n, Idle: idle}), 5, players(n)...)
	rested := map[world.ID]int{}
	resting, least, most := 0, n+arena.BenchDrones, 0
	for range ticks {
		before := m.view
		changes := m.step(m.bots())
		still := 0
		for id, s := range m.Ships.All(m.view) {
			if was, _ := m.Ships.Get(before, id); s.X == was.X && s.Y == was.Y {
				still++
			}
		}
		for id, d := range m.Drones.All(m.view) {
			if was, _ := m.Drones.Get(before, id); d == was {
				still++
				rested[id]++
			}
		}
		if changed := len(changes.Tables[drones].Changed); changed > arena.BenchDrones/2 {
			t.Fatalf("tick %d: %d drones changed", m.view.Tick, changed)
		}
		resting, least, most = resting+still, min(least, still), max(most, still)
	}
	share := float64(resting) / ticks / (n + arena.BenchDrones)
	if share < idle-0.03 || share > idle+0.03 || float64(most-least) > 0.15*(n+arena.BenchDrones) {
		t.Errorf("%.3f of it rested, %d to %d in a tick, want %v of %d", share, least, most, idle, n+arena.BenchDrones)
	}
	changeable := 0
	for _, times := range rested {
		if times < ticks {
			changeable++
		}
	}
	if changeable < arena.BenchDrones/2 {
		t.Errorf("only %d drones both rested and flew", changeable)
	}
}

func TestAnIdleShipShowsItsInput(t *testing.T) {
	m := newMatch(t, benchOf(world.Workload{Players: 1, Idle: 1}), 6, 1)
	before := m.ship(m.view, 1)
	in := arena.Steer{Aim: 30}
	if before.Aim == in.Aim {
		in.Aim = 60
	}
	m.steer(map[world.Player]arena.Steer{1: in})
	s := m.ship(m.view, 1)
	if shown, _ := world.Shown(m, m.view, 1, m.input(in)); !shown || s.X != before.X || s.Y != before.Y {
		t.Errorf("the ship %+v became %+v, want it to point to %v and to stand still", before, s, in.Aim)
	}
}

// TestInACrowdEverybodySeesEverybody has all ships in sight of each player, near enough for the full rate, and each of
// them change both coordinates in each tick.
func TestInACrowdEverybodySeesEverybody(t *testing.T) {
	const n = 100
	m := newMatch(t, benchOf(world.Workload{Players: n, Crowd: true}), 7, players(n)...)
	m.step(m.bots())
	same := 0
	for range 200 {
		before := m.view
		m.step(m.bots())
		for id, s := range m.Ships.All(m.view) {
			if was, _ := m.Ships.Get(before, id); math.Abs(float64(s.X-was.X)) < 0.1 || math.Abs(float64(s.Y-was.Y)) < 0.1 {
				same++ // a wall threw it back to where it was
			}
		}
	}
	if same > 200*n/100 {
		t.Errorf("%d times of %d a ship did not move on both axes", same, 200*n)
	}
	for _, p := range m.view.Players() {
		seat, _ := m.view.Seat(p)
		near := 0
		for range m.Ships.Near(m.view, seat.Pos, seat.Radius/2) {
			near++
		}
		if near != n {
			t.Fatalf("player %d sees %d ships near it, want %d", p, near, n)
		}
	}
	for range m.Drones.All(m.view) {
		t.Fatal("there are drones")
	}
}

func TestOnTheBenchAMoverTakesFewBytes(t *testing.T) {
	// The mask and what follows it, besides a byte for the gap. Exactly, a mover tells the fine parts of its position in
	// every tick; reckoned, the whole base when it flies elsewhere.
	for _, exact := range []bool{true, false} {
		schema, err := world.SchemaOf(benchOf(world.Workload{Players: 1, Exact: exact}))
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []int{1, 2} {
			want := 1 + 4
			def := schema.Tables[table]
			var mask uint64
			for bit, at := range def.ClassColumns(0) {
				c := &def.Columns[at]
				if moves := (int(c.Field) == def.Pos[0] || int(c.Field) == def.Pos[1]) && c.Shift == 0; moves {
					mask |= 1 << bit
				}
			}
			if !exact {
				want = 1 + 2 + 2*(3+2)
			}
			head := len(protocol.AppendPartial(nil, 1, mask, def.WideMask(0))) - 1
			if size := head + def.RowBytes(0, mask, nil); size != want {
				t.Errorf("a mover of table %s takes %d bytes, want %d (exact: %v)", def.Name, size, want, exact)
			}
		}
	}
}

func TestBenchBotsTurnOnceASecondInTurns(t *testing.T) {
	const n = 100
	m := newMatch(t, bench(n), 3, players(n)...)
	m.step(m.bots())
	turns, most := 0, 0
	for range 100 {
		before := m.view
		c := m.bots()
		m.step(c)
		now := 0
		for _, in := range c.Inputs {
			s := m.ship(m.view, in.Player)
			if s.Aim != m.ship(before, in.Player).Aim {
				now++
			}
			if shown, _ := world.Shown(m, m.view, in.Player, in.Data); !shown {
				t.Fatalf("player %d's ship does not show its input", in.Player)
			}
		}
		turns, most = turns+now, max(most, now)
	}
	if turns < 480 || turns > 500 || most > n/20 {
		t.Errorf("100 bots turned %d times in 5 seconds, up to %d in a tick; want once a second each, spread over the ticks", turns, most)
	}
}

// TestABouncedShipStillPointsToWhereItWasAsked: its velocity turns, its aim does not.
func TestABouncedShipStillPointsToWhereItWasAsked(t *testing.T) {
	m := newMatch(t, bench(1), 4, 1)
	for range 2000 {
		m.steer(map[world.Player]arena.Steer{1: {Aim: 30}})
		s := m.ship(m.view, 1)
		if s.Aim != 30 {
			t.Fatalf("tick %d: the ship aims to %v", m.view.Tick, s.Aim)
		}
		if rules, _ := m.Rules.Get(m.view); s.VX < 0 && s.VY < 0 && s.X < float32(rules.Side)-50 && s.Y < float32(rules.Side)-50 {
			return // it met two walls, and flies on
		}
	}
	t.Error("the ship never came back from two walls")
}

// BenchmarkStep is a tick of the game alone, with everything moving and every player's input.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{200, 1000} {
		b.Run(fmt.Sprintf("bench/players=%d", n), func(b *testing.B) { benchmarkStep(b, bench(n), n) })
	}
	b.Run("arena/players=50", func(b *testing.B) { benchmarkStep(b, arena.New(arena.Config{}), 50) })
}

func benchmarkStep(b *testing.B, g *arena.Arena, n int) {
	m := newMatch(b, g, 1, players(n)...)
	var ticks [64]world.Commands
	for i := range ticks {
		ticks[i] = m.bots()
		m.step(ticks[i])
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.step(ticks[i%len(ticks)])
	}
}

// BenchmarkBot is what a bot takes to think.
func BenchmarkBot(b *testing.B) {
	m := newMatch(b, arena.New(arena.Config{}), 1, players(50)...)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := world.BotInput(m, m.view, world.Player(i%50+1), m.chance); err != nil {
			b.Fatal(err)
		}
	}
}
