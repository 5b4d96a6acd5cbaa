package server_test

import (
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// TestOnTickPlays: a player whose whole game is in OnTick is called once for each tick, answers each with one datagram,
// and is where its inputs bring it.
func TestOnTickPlays(t *testing.T) {
	g := quietArena()
	simulate(t, 11, calm, server.Config{Games: []world.Game{g}}, func(s *simulation) {
		var ticks []uint64
		cfg := s.config()
		cfg.OnTick = func(c *client.Session, tick uint64) {
			ticks = append(ticks, tick)
			if len(ticks)%5 != 1 {
				return
			}
			right, err := g.AppendInput(nil, stride{DX: 1})
			if err == nil {
				err = c.SendBytes(right)
			}
			if err != nil {
				t.Error(err)
			}
			c.Hold(tick + 5)
			c.Look(func(v *world.View) {
				if v.Tick != tick {
					t.Errorf("in tick %d the rows are those of tick %d", tick, v.Tick)
				}
			})
		}
		c := s.joinAs(cfg)
		s.pass(4 * time.Second)
		before, sent := len(ticks), c.Stats().Sent
		s.pass(4 * time.Second)
		n, sent := len(ticks)-before, c.Stats().Sent-sent
		if n < 118 || n > 122 {
			t.Errorf("it was called for %d ticks in 4 s at 30 Hz", n)
		}
		for i := 1; i < len(ticks); i++ {
			if ticks[i] <= ticks[i-1] {
				t.Fatalf("it was called for tick %d after tick %d", ticks[i], ticks[i-1])
			}
		}
		if int(sent) < n-2 || int(sent) > n+2 {
			t.Errorf("%d datagrams have answered %d ticks", sent, n)
		}
		for _, u := range g.Units.All(c.View()) {
			if u.X < 400 {
				t.Errorf("eight seconds to the right brought it to %v", u.X)
			}
		}
	})
}
