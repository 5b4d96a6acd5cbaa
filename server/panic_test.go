package server_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

func TestAGameThatKeepsFailingClosesItsRoom(t *testing.T) {
	simulate(t, 11, calm, server.Config{Game: newArena()}, func(s *simulation) {
		s.join()
		s.join()
		s.wander(time.Second)
		s.game.tickPanics.Store(3)
		s.pass(time.Second)
		for _, c := range s.clients {
			if err := c.Err(); !errors.Is(err, client.ErrRoomClosed) || !strings.Contains(err.Error(), "its game failed 3 times in a row") {
				t.Errorf("player %d was told %v, want ErrRoomClosed and the reason", c.Player(), err)
			}
		}
		if _, err := s.tryJoin(); !errors.Is(err, client.ErrRoomClosed) || !strings.Contains(err.Error(), "its game failed 3 times in a row") {
			t.Errorf("a later join failed with %v, want ErrRoomClosed and the reason", err)
		}
		st := s.server.Stats()
		if st.FailedTicks != 3 {
			t.Errorf("%d ticks failed, want 3", st.FailedTicks)
		}
		s.pass(time.Second)
		if now := s.server.Stats().Tick; now != st.Tick {
			t.Errorf("the closed room went on from tick %d to %d", st.Tick, now)
		}
	})
}

func TestAPanicCostsOneTick(t *testing.T) {
	simulate(t, 12, calm, server.Config{Game: newArena()}, func(s *simulation) {
		c := s.join()
		s.wander(time.Second)
		for _, panics := range []int32{1, 2, 2} {
			s.game.tickPanics.Store(panics)
			s.wander(time.Second)
		}
		st := s.server.Stats()
		if st.FailedTicks != 5 || st.Tick != s.dueTicks() || c.Err() != nil {
			t.Errorf("%d ticks failed, it is tick %d of %d, the client has %v; want 5, all and no error", st.FailedTicks, st.Tick, s.dueTicks(), c.Err())
		}
		if sc, _ := s.game.Score.Get(s.server.View()); uint64(sc.Ticks) != st.Tick-5 {
			t.Errorf("the game counts %d ticks of %d, want all but 5", sc.Ticks, st.Tick)
		}
		s.rest()
		s.pass(time.Second)
		s.wantSame()
	})
}

func TestALeaveOutlivesAPanic(t *testing.T) {
	simulate(t, 13, calm, server.Config{Game: newArena()}, func(s *simulation) {
		s.join()
		stays := s.join()
		s.pass(time.Second)
		s.game.leavePanics.Store(1)
		s.clients[0].Close()
		s.pass(time.Second)
		v := s.server.View()
		sc, _ := s.game.Score.Get(v)
		if s.server.Stats().FailedTicks != 1 || sc.Leaves != 1 || s.game.Units.Len(v) != 1 {
			t.Errorf("%d ticks failed, %d left and %d units are there; want one each", s.server.Stats().FailedTicks, sc.Leaves, s.game.Units.Len(v))
		}
		if got := v.Players(); !slices.Equal(got, []world.Player{stays.Player()}) {
			t.Errorf("the players are %v, want %d alone", got, stays.Player())
		}
		s.rest()
		s.pass(time.Second)
		wantSame(t, s.game, s.server.View(), stays)
	})
}

func TestAPanicInAJoinRefusesTheJoiner(t *testing.T) {
	simulate(t, 14, calm, server.Config{Game: newArena()}, func(s *simulation) {
		plays := s.join()
		s.game.joinPanics.Store(1)
		if _, err := s.tryJoin(); !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), "the game failed while you joined") {
			t.Errorf("the join failed with %v, want ErrRefused and why", err)
		}
		again := s.join()
		s.rest()
		s.pass(time.Second)
		s.wantSame()
		if got := s.server.View().Players(); !slices.Equal(got, []world.Player{plays.Player(), again.Player()}) {
			t.Errorf("the players are %v, want %d and %d", got, plays.Player(), again.Player())
		}
		if s.game.Units.Len(s.server.View()) != 2 || s.server.Stats().FailedTicks != 1 {
			t.Errorf("%d units, %d failed ticks; want 2 and 1", s.game.Units.Len(s.server.View()), s.server.Stats().FailedTicks)
		}
	})
}
