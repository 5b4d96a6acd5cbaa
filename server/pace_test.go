package server_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// evenly lets time pass, and fails when the timeline of a player leaps or goes back. It returns how far it went.
func evenly(t *testing.T, c *client.Client[stride], d time.Duration) (ticks float64) {
	t.Helper()
	const slice = 5 * time.Millisecond
	from := c.Timeline().Drawn
	for before := from; d > 0; d -= slice {
		time.Sleep(slice)
		synctest.Wait()
		now := c.Timeline().Drawn
		if went := now - before; went < 0 || went > 1.06*30*slice.Seconds() {
			t.Fatalf("within %v the timeline goes on by %.3f ticks", slice, went)
		}
		before = now
		ticks = now - from
	}
	return ticks
}

// TestAFrozenRoomStandsAndGoesOn: nothing happens, everybody gets what is missing, timelines hold and go on, and no input
// is lacking afterwards.
func TestAFrozenRoomStandsAndGoesOn(t *testing.T) {
	for _, w := range []weather{{delay: 50 * time.Millisecond}, {delay: 5 * time.Millisecond}, {delay: 40 * time.Millisecond, jitter: 20 * time.Millisecond, lossPerMille: 100}} {
		t.Run(fmt.Sprint(w), func(t *testing.T) {
			simulate(t, 61, w, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
				t := s.t
				a := s.join()
				cfg := s.config()
				cfg.NoPrediction = true // its rows are compared while it plays
				b := s.joinAs(cfg)
				s.wander(6 * time.Second)
				before := s.server.Stats()
				if err := s.server.Freeze(a.Room()); err != nil {
					t.Fatal(err)
				}
				evenly(t, a, 300*time.Millisecond)
				for n := 0; a.Timeline().Rate != 0 && n < 20; n++ { // what tells it may be lost, and is sent again
					evenly(t, a, 100*time.Millisecond)
				}
				tick := s.server.Tick()
				a.Send(stride{DX: 1})
				if went := evenly(t, a, 10*time.Second); went != 0 || a.Timeline().Rate != 0 || s.server.Tick() != tick {
					t.Errorf("while the room stands the timeline goes on by %.2f ticks, the server by %d", went, s.server.Tick()-tick)
				}
				wantSame(t, s.game, s.server.View(), b)
				if room := s.server.Rooms()[0]; room.Every != 0 {
					t.Errorf("the room is said to take %d periods a tick", room.Every)
				}
				if _, err := s.tryJoin(); w.lossPerMille == 0 && !errors.Is(err, client.ErrFull) {
					t.Errorf("who joins meanwhile is told %v, want ErrFull", err)
				}
				if err := s.server.Resume(a.Room()); err != nil {
					t.Fatal(err)
				}
				if went := evenly(t, a, 3*time.Second); went < 80 || went > 95 {
					t.Errorf("in 3 s afterwards the timeline goes on by %.1f ticks", went)
				}
				after := s.server.Stats()
				if made := after.Repeated + after.Neutral - before.Repeated - before.Neutral; w.lossPerMille == 0 && made != 0 {
					t.Errorf("%d inputs were lacking", made)
				}
				if n := s.server.Tick() - tick; n < 88 || n > 92 {
					t.Errorf("in 3 s afterwards there are %d ticks", n)
				}
				for _, in := range s.server.Sessions() {
					if w.lossPerMille == 0 && in.Inputs.Surplus+in.Inputs.Early+in.Inputs.Late != 0 {
						t.Errorf("of the inputs of player %d %+v are counted", in.Player, in.Inputs)
					}
				}
				if st := a.Stats(); w.lossPerMille == 0 && (st.LateInputs != 0 || st.MissingInputs != 0) {
					t.Errorf("the player counts %d late and %d missing inputs", st.LateInputs, st.MissingInputs)
				}
			})
		})
	}
}

func TestSlowMotion(t *testing.T) {
	simulate(t, 62, weather{delay: 40 * time.Millisecond}, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		t := s.t
		c := s.join()
		s.wander(6 * time.Second)
		before, tick := s.server.Stats(), s.server.Tick()
		if err := s.server.Slow("", 4); err != nil {
			t.Fatal(err)
		}
		if went := evenly(t, c, 20*time.Second); went < 145 || went > 155 {
			t.Errorf("in 20 s at a quarter of the pace the timeline goes on by %.1f ticks", went)
		}
		if n := s.server.Tick() - tick; n < 148 || n > 152 {
			t.Errorf("in 20 s at a quarter of the pace there are %d ticks", n)
		}
		if err := s.server.Resume(""); err != nil {
			t.Fatal(err)
		}
		evenly(t, c, 3*time.Second)
		if after := s.server.Stats(); after.Repeated+after.Neutral != before.Repeated+before.Neutral {
			t.Errorf("%d inputs were lacking", after.Repeated+after.Neutral-before.Repeated-before.Neutral)
		}
		for _, every := range []int{0, 65} {
			if err := s.server.Slow("", every); err == nil {
				t.Errorf("a pace of %d periods a tick was taken", every)
			}
		}
		if err := s.server.Freeze("nowhere"); !errors.Is(err, server.ErrNoRoom) {
			t.Errorf("to freeze a room that is not there is answered by %v", err)
		}
	})
}

// TestAnEmptyRoomEndsInSlowMotion no later than at its normal pace.
func TestAnEmptyRoomEndsInSlowMotion(t *testing.T) {
	limits := server.Limits{EmptyRoomLifetime: 5 * time.Second}
	simulate(t, 63, calm, server.Config{Games: []world.Game{newArena()}, Limits: limits}, func(s *simulation) {
		c := s.join()
		s.pass(time.Second)
		if err := s.server.Slow("", 8); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		c.Close()
		s.pass(4 * time.Second)
		if n := len(s.server.Rooms()); n != 1 {
			t.Errorf("after 4 s there are %d rooms, want one", n)
		}
		s.pass(2 * time.Second)
		if n := len(s.server.Rooms()); n != 0 {
			t.Errorf("after 6 s there are %d rooms, want none", n)
		}
	})
}
