package server_test

import (
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// screen compares what a client draws with what the server had at the view time.
type screen struct {
	s                 *simulation
	client            *client.Client[stride]
	frames, rows, off int
	flashes, early    int
}

// frame draws one frame.
func (c *screen) frame() {
	server := c.s.server.View()
	c.client.Draw(func(v *world.View) {
		before, ok := server.At(v.Tick)
		after, known := server.At(v.Tick + 1)
		if !ok || !known {
			return
		}
		c.frames++
		g := c.s.game
		for id, k := range g.Kites.All(v) {
			a, was := g.Kites.Get(before, id)
			b, is := g.Kites.Get(after, id)
			if !was || !is || !within(a.X, b.X, b.X, 10) || g.Kites.OwnerOf(v, id) != 0 {
				continue // it comes, goes or is put elsewhere between the two, or is shown as it is now
			}
			c.rows++
			const slack = 0.4 + 2*0.1
			if !within(k.X, a.X, b.X, slack) || !within(k.Y, a.Y, b.Y, slack) || !within(k.Height, a.Height, b.Height, 0.4) || k.Colour != a.Colour {
				if c.off++; c.off == 1 {
					c.s.t.Logf("at tick %d and a part kite %v is shown at %+v; the server had it at %+v, then %+v", v.Tick, id, k, a, b)
				}
			}
		}
	})
	for tick := range c.s.game.Flashes.In(c.client.Events()) {
		c.flashes++
		c.client.Draw(func(v *world.View) {
			if tick > v.Tick {
				c.early++
			}
		})
	}
}

func within(v, a, b, slack float32) bool { return v >= min(a, b)-slack && v <= max(a, b)+slack }

// TestWhatIsShownIsWhatTheServerHad draws 60 frames a second for a while, and compares each.
func TestWhatIsShownIsWhatTheServerHad(t *testing.T) {
	plainOnly(t)
	for _, c := range []struct {
		name    string
		weather weather
		off     float64 // the share of rows that may be off
	}{
		{"calm", weather{delay: 50 * time.Millisecond}, 0.005},
		{"jitter", weather{delay: 40 * time.Millisecond, jitter: 40 * time.Millisecond}, 0.01},
		{"loss", weather{delay: 50 * time.Millisecond, jitter: 10 * time.Millisecond, lossPerMille: 50}, 0.03},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newArena()
			g.restless = true
			simulate(t, 70, c.weather, server.Config{Games: []world.Game{g}}, func(s *simulation) {
				cfg := s.config()
				cfg.Interpolate = true
				sc := &screen{s: s, client: s.joinAs(cfg)}
				s.join()
				s.wander(3 * time.Second)
				for range 600 {
					time.Sleep(time.Second / 60)
					sc.frame()
				}
				st := sc.client.Stats()
				t.Logf("%d of %d rows in %d frames are off; the delay is %v, it ran dry %d times; %d flashes, %d of them early", sc.off, sc.rows, sc.frames, st.Delay, st.Dry, sc.flashes, sc.early)
				if sc.frames < 500 || sc.rows < 2000 || sc.flashes < 10 || float64(sc.off) > c.off*float64(sc.rows) {
					t.Errorf("%d of %d rows in %d frames are off", sc.off, sc.rows, sc.frames)
				}
				if sc.early > 0 {
					t.Errorf("%d of %d events were fired before their tick was shown", sc.early, sc.flashes)
				}
				if st.Delay < 0 || st.Delay > 200*time.Millisecond {
					t.Errorf("the delay is %v", st.Delay)
				}
			})
		})
	}
}
