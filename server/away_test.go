package server_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// TestWhatIsSaidAndAskedWhileAway: a line is an error, and requests wait for the next connection, as many as may.
func TestWhatIsSaidAndAskedWhileAway(t *testing.T) {
	const most = 64
	simulate(t, 910, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{IdleTimeout: 5 * time.Second}}, func(s *simulation) {
		cfg := s.config()
		cfg.Reconnect = time.Minute
		c := s.joinAs(cfg)
		s.pass(time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(12 * time.Second)
		if err := c.Say("is anybody there?"); !errors.Is(err, client.ErrUnreachable) || c.Err() != nil {
			t.Errorf("what is said while there is no connection is told %v, and the session %v", err, c.Err())
		}
		var asking sync.WaitGroup
		var answered, refused atomic.Int32
		ctx, t := s.t.Context(), s.t
		for range most {
			asking.Go(func() {
				switch _, err := client.Ask(ctx, c, s.game.Potions, potion{HP: 1}); {
				case err == nil:
					answered.Add(1)
				case errors.Is(err, client.ErrDenied):
					refused.Add(1)
				default:
					t.Errorf("a request is told %v", err)
				}
			})
		}
		synctest.Wait()
		if _, err := client.Ask(ctx, c, s.game.Potions, potion{HP: 1}); !errors.Is(err, client.ErrUnreachable) {
			t.Errorf("one more request is told %v, want ErrUnreachable", err)
		}
		s.net.setDark(s.sockets[0].LocalAddr(), false)
		s.pass(15 * time.Second)
		asking.Wait()
		if answered.Load() == 0 || answered.Load()+refused.Load() != most || c.Err() != nil {
			t.Errorf("%d requests were answered and %d refused of %d; the session: %v", answered.Load(), refused.Load(), most, c.Err())
		}
		if _, err := client.Ask(ctx, c, s.game.Potions, potion{HP: 1}); err != nil {
			t.Errorf("when the others are answered one is told %v", err)
		}
		if st := s.server.Stats(); st.ChatLines != 0 || st.Resumed != 1 {
			t.Errorf("%d lines were said and %d sessions resumed", st.ChatLines, st.Resumed)
		}
		s.hostile = true // more than half of the requests of a second
	})
}
