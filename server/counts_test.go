package server_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// TestEverySessionIsAccountedFor: who was let in is in, or counted by why not, and nothing is kept of who is out.
func TestEverySessionIsAccountedFor(t *testing.T) {
	g := newArena()
	g.SetHoldSeconds(1)
	limits := server.Limits{EmptyRoomLifetime: 3 * time.Second, IdleTimeout: 2 * time.Second}
	simulate(t, 47, calm, server.Config{Games: []world.Game{g}, Limits: limits}, func(s *simulation) {
		t := s.t
		leaver, kicked := s.join(), s.join()
		s.join()
		s.pass(time.Second)
		want := func(what string, want server.Stats) {
			t.Helper()
			all := s.server.Stats()
			got := server.Stats{
				Rooms: all.Rooms, Players: all.Players, RoomsOpened: all.RoomsOpened, RoomsClosed: all.RoomsClosed, Sessions: all.Sessions, Tokens: all.Tokens,
				Joined: all.Joined, Left: all.Left, Lost: all.Lost, Expelled: all.Expelled, Stopped: all.Stopped, Unwelcomed: all.Unwelcomed,
				HoldsExpired: all.HoldsExpired,
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: the figures are\n%+v, want\n%+v", what, got, want)
			}
		}
		want("three are in", server.Stats{Rooms: 1, Players: 3, RoomsOpened: 1, Sessions: 3, Tokens: 3, Joined: 3})
		leaver.Close()
		if err := s.server.Kick("", kicked.Player(), ""); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		want("one has left, one was kicked", server.Stats{Rooms: 1, Players: 1, RoomsOpened: 1, Sessions: 1, Tokens: 1, Joined: 3, Left: 1, Expelled: 1})
		s.net.setDark(s.sockets[2].LocalAddr(), true)
		s.pass(5 * time.Second)
		want("the last one is lost", server.Stats{Rooms: 1, RoomsOpened: 1, Joined: 3, Left: 1, Expelled: 1, Lost: 1, HoldsExpired: 1})
		s.pass(3 * time.Second)
		want("the room has closed", server.Stats{RoomsOpened: 1, RoomsClosed: 1, Joined: 3, Left: 1, Expelled: 1, Lost: 1, HoldsExpired: 1})
		s.join()
		s.pass(time.Second)
		s.stop()
		<-s.ended
		want("the server has stopped", server.Stats{RoomsOpened: 2, RoomsClosed: 2, Joined: 4, Left: 1, Expelled: 1, Lost: 1, Stopped: 1, HoldsExpired: 1})
	})
}
