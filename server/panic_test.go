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
	simulate(t, 11, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
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
		if rooms, sessions := s.server.Rows(); rooms != 0 || sessions != 0 || s.server.Stats().FailedTicks != 3 {
			t.Errorf("%d rooms and %d sessions are left after %d failed ticks, want none after 3", rooms, sessions, s.server.Stats().FailedTicks)
		}
		again := s.join()
		s.rest()
		s.pass(time.Second)
		wantSame(t, s.game, s.server.View(), again)
	})
}

func TestAPanicCostsOneTick(t *testing.T) {
	simulate(t, 12, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		c := s.join()
		s.wander(time.Second)
		for _, panics := range []int32{1, 2, 2} {
			s.game.tickPanics.Store(panics)
			s.wander(time.Second)
		}
		failed, tick := s.server.Stats().FailedTicks, s.server.Tick()
		if failed != 5 || tick != s.dueTicks() || c.Err() != nil {
			t.Errorf("%d ticks failed, it is tick %d of %d, the client has %v; want 5, all and no error", failed, tick, s.dueTicks(), c.Err())
		}
		if sc, _ := s.game.Score.Get(s.server.View()); uint64(sc.Ticks) != tick-5 {
			t.Errorf("the game counts %d ticks of %d, want all but 5", sc.Ticks, tick)
		}
		s.rest()
		s.pass(time.Second)
		s.wantSame()
	})
}

func TestALeaveOutlivesAPanic(t *testing.T) {
	simulate(t, 13, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
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
	simulate(t, 14, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
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
