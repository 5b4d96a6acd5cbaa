package arena_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// put gives a replica all rows of a view, as the server would send them.
func put(rep *world.Replica, v *world.View, me world.Player) {
	seat, _ := v.Seat(me)
	for table := range v.Tables() {
		for n, p := range v.Pages(table) {
			for row := range 64 {
				if p.Used()>>row&1 != 0 {
					id := schema.MakeID(uint32(n*64+row), p.Generation(row))
					rep.Put(table, id, p.Class(row, me, seat.Team), p.Words(row), p.Texts(row))
				}
			}
		}
	}
}

// TestAPredictedShipIsTheServers has clients predict some ticks of random inputs from each of many ticks. The client's
// own rules are others than the server's, whose it receives.
func TestAPredictedShipIsTheServers(t *testing.T) {
	const me, ahead = 2, 10
	for _, game := range []struct {
		name           string
		server, client *arena.Arena
	}{
		{"arena", arena.New(arena.Config{TickRate: 60, Side: 300}), arena.New(arena.Config{})},
		{"bench", bench(3), bench(1)},
	} {
		t.Run(game.name, func(t *testing.T) {
			m := newMatch(t, game.server, 1, 1, me, 3)
			c := &match{Arena: game.client, t: t}
			rep, err := world.NewReplica(c, me, 0)
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			fired := 0
			for range 100 {
				put(rep, m.view, me)
				start := m.ship(m.view, me)
				fired += predict(t, m, c, rep, r, ahead)
				got, want := c.ship(rep.View(m.view.Tick), me), m.ship(m.view, me)
				if (start.Hull > 0) != (want.Hull > 0) {
					continue // shot down, or back: the server's to say
				}
				if off := math.Hypot(float64(got.X-want.X), float64(got.Y-want.Y)); off > 0.03 || got.Aim != want.Aim || got.Ready != want.Ready {
					t.Fatalf("tick %d: after %d ticks the ship is predicted at %+v, %.3f off: the server has %+v", m.view.Tick, ahead, got, off, want)
				}
			}
			if game.name == "arena" && fired < 100 {
				t.Errorf("only %d inputs fired", fired)
			}
		})
	}
}

// predict makes some ticks of random inputs on the server and predicts them. It returns how many inputs fired.
func predict(t *testing.T, m, c *match, rep *world.Replica, r *rand.Rand, ticks int) (fired int) {
	t.Helper()
	const me = 2
	inputs := m.bots()
	in := arena.Steer{Aim: r.Float32() * 360, Thrust: r.IntN(3) > 0, Fire: r.IntN(2) == 0}
	for range ticks {
		if r.IntN(4) == 0 {
			in = arena.Steer{Aim: r.Float32() * 360, Thrust: r.IntN(3) > 0, Fire: r.IntN(2) == 0}
		}
		if in.Fire {
			fired++
		}
		inputs.Inputs[me-1] = world.Input{Player: me, Data: c.input(in)}
		m.step(inputs)
		if err := rep.Predict(m.view.Tick, inputs.Inputs[me-1].Data); err != nil {
			t.Fatal(err)
		}
	}
	return fired
}

func TestNothingIsPredictedBeforeTheRulesArrive(t *testing.T) {
	m := newMatch(t, arena.New(arena.Config{}), 2, 1)
	rep, err := world.NewReplica(m, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	put(rep, m.view, 1)
	rep.Remove(0, 0)
	before := m.ship(rep.View(1), 1)
	if err := rep.Predict(2, m.input(arena.Steer{Thrust: true})); err != nil {
		t.Fatal(err)
	}
	if after := m.ship(rep.View(2), 1); after != before {
		t.Errorf("predicted %+v from %+v", after, before)
	}
}

// TestFlightDoesNotDrift has the client predict at the server's rate, by rules that it is sent.
func TestFlightDoesNotDrift(t *testing.T) {
	for seed := range uint64(5) {
		out, err := world.Rehearse(arena.New(arena.Config{TickRate: 60, Side: 300}), world.Rehearsal{
			Client: arena.New(arena.Config{}), Seed: seed, Players: 4, TickPeriodNS: 1_000_000_000 / 60,
		})
		if err != nil || out.Drift != nil || out.Rows == 0 {
			t.Errorf("seed %d: %v, %d rows, %+v", seed, err, out.Rows, out.Drift)
		}
	}
}
