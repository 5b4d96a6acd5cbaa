package server_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	ships "github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// frame60 is how long a frame is on the screen.
const frame60 = time.Second / 60

// flight is a player of the example game arena, who changes his mind now and then.
type flight struct {
	*client.Client[ships.Steer]
	game   *ships.Arena
	chance *rand.Rand
	steer  ships.Steer
}

// fly joins a simulation whose game is the example arena.
func (s *simulation) fly(g *ships.Arena, seed uint64) *flight {
	s.t.Helper()
	cfg := s.config()
	cfg.Interpolate = true
	c, err := client.Join(s.t.Context(), g, cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	s.started = s.server.Opened()
	return &flight{Client: c, game: g, chance: rand.New(rand.NewPCG(seed, 9))}
}

// frame is one frame: now and then the player asks for something else.
func (f *flight) frame() {
	if f.chance.IntN(12) == 0 {
		f.steer = ships.Steer{Aim: 3 * float32(f.chance.IntN(120)), Thrust: f.chance.IntN(3) > 0, Fire: f.chance.IntN(3) == 0}
	}
	f.Send(f.steer)
	time.Sleep(frame60)
	synctest.Wait()
}

func (f *flight) ship(r world.Reader) (s ships.Ship, ok bool) {
	for _, s := range f.game.Ships.Owned(r, f.Player()) {
		return s, true
	}
	return s, false
}

// TestAnInputShowsInTheSameFrame: whatever the round trip, and the server agrees in the end.
func TestAnInputShowsInTheSameFrame(t *testing.T) {
	for _, delay := range []time.Duration{time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond} {
		t.Run(fmt.Sprint("round trip ", 2*delay), func(t *testing.T) {
			g := ships.New(ships.Config{Drones: -1})
			simulate(t, 41, weather{delay: delay}, server.Config{Games: []world.Game{g}}, func(s *simulation) {
				f := s.fly(g, 41)
				for range 240 {
					f.frame()
				}
				for range 50 {
					before, _ := f.ship(f.View())
					in := ships.Steer{Aim: float32(math.Mod(float64(before.Aim)+90, 360)), Thrust: true}
					f.Send(in)
					if now, ok := f.ship(f.View()); !ok || now.Aim != in.Aim || now.X == before.X && now.Y == before.Y && now.VX == before.VX {
						t.Errorf("after a Send to %v the ship is %+v, and was %+v", in.Aim, now, before)
					}
					for range 7 {
						f.steer = in
						f.Send(in)
						time.Sleep(frame60)
						synctest.Wait()
						f.View()
					}
				}
				st := f.Stats()
				if st.Predicted < 200 || st.Mispredicted != 0 {
					t.Errorf("of %d ticks %d were predicted wrongly: %+v", st.Predicted, st.Mispredicted, f.Mispredictions())
				}
			})
		})
	}
}

// TestAShipIsSeldomCorrected: at a round trip of 100 ± 20 ms and with 2 % of the packets lost each way.
func TestAShipIsSeldomCorrected(t *testing.T) {
	plainOnly(t)
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			g := ships.New(ships.Config{})
			w := weather{delay: 40 * time.Millisecond, jitter: 20 * time.Millisecond, lossPerMille: 20}
			simulate(t, seed, w, server.Config{Games: []world.Game{g}}, func(s *simulation) {
				f := s.fly(g, seed)
				for time.Since(s.started) < 15*time.Second {
					f.frame()
				}
				before := f.Stats().Predicted
				wrong := f.wrong()
				sb := s.server.Stats()
				frames, leaps := 0, 0
				var last ships.Ship
				me := f.Player()
				for ; time.Since(s.started) < 135*time.Second; frames++ {
					f.frame()
					f.View()
					f.Draw(func(view *world.View) {
						for _, now := range g.Ships.Owned(view, me) {
							if went := math.Hypot(float64(now.X-last.X), float64(now.Y-last.Y)); went > 1.1*ships.MaxSpeed*frame60.Seconds() {
								leaps++
							}
							last = now
						}
					})
				}
				if leaps*200 > frames {
					t.Errorf("in %d of %d frames the ship is drawn further on than it flies in that time", leaps, frames)
				}
				st := f.Stats()
				ticks, off := st.Predicted-before, f.wrong()-wrong
				sa := s.server.Stats()
				t.Logf("in %d of %d frames the ship leaps; of %d ticks %d were corrected by more than 0.1 units; %d repeated; %+v", leaps, frames, ticks, off, sa.Repeated-sb.Repeated, f.Mispredictions())
				if ticks < 3000 || off*100 >= ticks {
					t.Errorf("of %d ticks %d were corrected by more than 0.1 units, want less than one in 100", ticks, off)
				}
			})
		})
	}
}

// wrong is how often the ship's place was mispredicted, by more than its step of 0.1.
func (f *flight) wrong() (n uint64) {
	for _, m := range f.Mispredictions() {
		if m.Table == "ship" && (m.Field == "X" || m.Field == "Y") {
			n = max(n, m.Count)
		}
	}
	return n
}

// bolt is what a player's input makes.
type bolt struct {
	X float32 `net:"range=0:100,step=0.1,own"`
	N uint16  // the tick in which it was fired
}

type launch struct{ Fire bool }

// bolts is a game in which an input makes a row, which each further input moves.
type bolts struct {
	*world.GameOf[launch]
	Bolts world.Table[bolt]
}

func newBolts() *bolts {
	g := &bolts{GameOf: world.NewGame[launch]("bolts")}
	g.Bolts = world.AddTable[bolt](g, "bolt")
	g.OnInput(func(tx *world.Tx, p world.Player, in launch) {
		for id := range g.Bolts.Owned(tx, p) {
			g.Bolts.Edit(tx, id).X++
		}
		if in.Fire {
			g.Bolts.Insert(tx, bolt{N: uint16(tx.Tick())}, world.Owner(p))
		}
	})
	g.OnTick(func(tx *world.Tx) {
		for id, b := range g.Bolts.All(tx) {
			if b.X >= 20 {
				g.Bolts.Remove(tx, id)
			}
		}
	})
	return g
}

// TestAShotAppearsAtOnceAndOnce: a predicted row is there in the same frame, becomes the server's, and is never there twice.
func TestAShotAppearsAtOnceAndOnce(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			g := newBolts()
			w := weather{delay: 60 * time.Millisecond}
			if seed > 0 {
				w = weather{delay: 40 * time.Millisecond, jitter: 20 * time.Millisecond, lossPerMille: 50}
			}
			simulate(t, seed, w, server.Config{Games: []world.Game{g}}, func(s *simulation) {
				c, err := client.Join(s.t.Context(), g, s.config())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				chance := rand.New(rand.NewPCG(seed, 4))
				var first, confirmed int
				ids := map[world.Origin]world.ID{}
				look := func() map[uint16]bool {
					seen := map[uint16]bool{}
					view := c.View()
					for id, b := range g.Bolts.All(view) {
						if seen[b.N] {
							t.Errorf("bolt %d is there twice", b.N)
						}
						seen[b.N] = true
						origin, ok := g.Bolts.Origin(view, id)
						if !ok || uint16(origin.Tick) != b.N || origin.Insert != 1 {
							t.Errorf("bolt %d has the origin %+v", b.N, origin)
						}
						if was, ok := ids[origin]; ok && was != id {
							confirmed++
						}
						ids[origin] = id
					}
					return seen
				}
				for frame := range 1500 {
					fire := chance.IntN(5) == 0
					c.Send(launch{Fire: fire})
					before := c.Timeline().Acting // an input may leave at this very moment
					seen := look()
					if tick := c.Timeline().Acting; fire && frame > 60 {
						if !seen[uint16(tick)] && !seen[uint16(before)] {
							t.Errorf("a bolt fired for tick %d is not there: %v", tick, seen)
						}
						first++
					}
					time.Sleep(frame60)
					synctest.Wait()
					look()
				}
				if first < 100 || confirmed == 0 {
					t.Errorf("%d bolts appeared at once, %d went on as the server's under another ID", first, confirmed)
				}
				for _, m := range c.Mispredictions() {
					if seed == 0 && m.Latest.Tick > 60 || m.Count > 60 {
						t.Errorf("mispredicted: %+v", m)
					}
				}
				t.Logf("%d at once, %d under another ID, %+v", first, confirmed, c.Mispredictions())
			})
		})
	}
}
