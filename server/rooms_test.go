package server_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// in is the configuration of a player who joins a room.
func (s *simulation) in(room string) client.Config {
	cfg := s.config()
	cfg.Room = room
	return cfg
}

func TestARoomIsMadeForWhoeverNamesIt(t *testing.T) {
	simulate(t, 40, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		a, b, other := s.joinAs(s.in("hall")), s.joinAs(s.in("hall")), s.joinAs(s.in("attic"))
		s.pass(time.Second)
		if a.Room() != "hall" || b.Room() != "hall" || other.Room() != "attic" {
			t.Errorf("the rooms are %q, %q and %q", a.Room(), b.Room(), other.Room())
		}
		for _, c := range []struct {
			client *client.Client[stride]
			want   int
		}{{a, 2}, {b, 2}, {other, 1}} {
			if sc, ok := s.game.Score.Get(c.client.View()); !ok || int(sc.Joins) != c.want {
				t.Errorf("player %d of %q sees %d joins, want %d", c.client.Player(), c.client.Room(), sc.Joins, c.want)
			}
		}
		if a.Player() != 1 || b.Player() != 2 || other.Player() != 1 {
			t.Errorf("the players are %d, %d and %d, want each room to count for itself", a.Player(), b.Player(), other.Player())
		}
	})
}

func TestWhoeverNamesNoRoomGetsTheFullestWithAPlace(t *testing.T) {
	g := newArena()
	g.SetMaxPlayers(2)
	simulate(t, 41, calm, server.Config{Games: []world.Game{g}}, func(s *simulation) {
		first := s.join()
		s.joinAs(s.in("hall"))
		s.joinAs(s.in("hall"))
		if second := s.join(); second.Room() != first.Room() {
			t.Errorf("the second is in %q, the first in %q, which has a place", second.Room(), first.Room())
		}
		if third := s.join(); third.Room() == first.Room() || third.Room() == "hall" {
			t.Errorf("the third is in %q, which is full", third.Room())
		}
		_, err := client.Join(s.t.Context(), s.game, s.in("hall"))
		if !errors.Is(err, client.ErrFull) || !strings.Contains(err.Error(), `"hall" is full: it holds 2 players`) {
			t.Errorf("a third in the hall failed with %v, want ErrFull and how many it holds", err)
		}
	})
}

func TestAPrivateRoomIsFoundByItsCodeAlone(t *testing.T) {
	simulate(t, 42, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		cfg := s.config()
		cfg.Private = true
		host := s.joinAs(cfg)
		if len(host.Room()) != 8 {
			t.Errorf("the code is %q, want 8 letters and digits", host.Room())
		}
		cfg = s.config()
		cfg.Code = strings.ToLower(host.Room())
		if guest := s.joinAs(cfg); guest.Room() != host.Room() || guest.Player() != 2 {
			t.Errorf("the guest is player %d of %q", guest.Player(), guest.Room())
		}
		if public := s.join(); public.Room() == host.Room() {
			t.Error("somebody without the code is in the private room")
		}
		if named := s.joinAs(s.in(host.Room())); named.Player() != 1 {
			t.Error("somebody who took the code for a name is in the private room")
		}
		cfg = s.config()
		cfg.Code = "AAAAAAAA"
		if _, err := client.Join(s.t.Context(), s.game, cfg); !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), "code") {
			t.Errorf("a wrong code was answered with %v", err)
		}
		for _, room := range list(s) {
			if room.Name == host.Room() && room.Players != 1 {
				t.Errorf("the private room is listed: %+v", room)
			}
		}
	})
}

func TestARoomIsNotFoundByTheBeginningOfItsName(t *testing.T) {
	simulate(t, 49, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		long := s.joinAs(s.in("hallway"))
		if short := s.joinAs(s.in("hall")); short.Room() != "hall" || short.Player() != 1 {
			t.Errorf("who asked for the hall is player %d of %q", short.Player(), short.Room())
		}
		cfg := s.in("hallw")
		cfg.Existing = true
		if _, err := client.Join(s.t.Context(), s.game, cfg); !errors.Is(err, client.ErrRefused) {
			t.Errorf("half of %q was answered with %v", long.Room(), err)
		}
		cfg = s.config()
		cfg.Private = true
		host := s.joinAs(cfg)
		cfg = s.config()
		cfg.Code = host.Room()[:1]
		if _, err := client.Join(s.t.Context(), s.game, cfg); !errors.Is(err, client.ErrRefused) {
			t.Errorf("the first letter of a private room's code was answered with %v", err)
		}
	})
}

// list is what the server lists.
func list(s *simulation) []client.Room {
	s.t.Helper()
	rooms, err := client.List(s.t.Context(), "", s.config())
	if err != nil {
		s.t.Fatal(err)
	}
	return rooms
}

func TestRoomsAreListed(t *testing.T) {
	simulate(t, 43, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{MaxPlayers: 5}}, func(s *simulation) {
		if rooms := list(s); len(rooms) != 0 {
			t.Errorf("at first the rooms are %v", rooms)
		}
		s.joinAs(s.in("hall"))
		s.joinAs(s.in("hall"))
		s.joinAs(s.in("attic"))
		want := map[string]client.Room{
			"hall":  {Game: "arena", Name: "hall", Players: 2, MaxPlayers: 5},
			"attic": {Game: "arena", Name: "attic", Players: 1, MaxPlayers: 5},
		}
		rooms := list(s)
		for _, room := range rooms {
			if room != want[room.Name] {
				t.Errorf("the list has %+v, want %+v", room, want[room.Name])
			}
		}
		if len(rooms) != 2 || rooms[0].Name != "hall" {
			t.Errorf("%v are listed, want two, the fuller one first", rooms)
		}
		none, err := client.List(s.t.Context(), "chess", s.config())
		if err != nil || len(none) != 0 {
			t.Errorf("of another game %v are listed, %v", none, err)
		}
	})
}

func TestOnlyAnExistingRoomWhenAskedFor(t *testing.T) {
	simulate(t, 44, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		cfg := s.in("hall")
		cfg.Existing = true
		if _, err := client.Join(s.t.Context(), s.game, cfg); !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), `no room "hall"`) {
			t.Errorf("a room that is not there was answered with %v", err)
		}
		s.joinAs(s.in("hall"))
		cfg = s.in("hall")
		cfg.Existing = true
		if second := s.joinAs(cfg); second.Player() != 2 {
			t.Errorf("the second is player %d", second.Player())
		}
	})
}

func TestThereAreAsManyRoomsAsMayBe(t *testing.T) {
	simulate(t, 45, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{MaxRooms: 2}}, func(s *simulation) {
		s.joinAs(s.in("hall"))
		s.joinAs(s.in("attic"))
		if _, err := client.Join(s.t.Context(), s.game, s.in("cellar")); !errors.Is(err, client.ErrFull) || !strings.Contains(err.Error(), "as many rooms as it may, 2") {
			t.Errorf("a third room was answered with %v", err)
		}
		if n := s.server.Stats().RoomsRefused; n != 1 {
			t.Errorf("%d rooms were refused, want 1", n)
		}
		s.join() // any room will do
	})
}

func TestABusyServerMakesNoRooms(t *testing.T) {
	simulate(t, 48, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{RoomsPerSecond: 1}}, func(s *simulation) {
		refused := func(why, room string) {
			t.Helper()
			if _, err := client.Join(s.t.Context(), s.game, s.in(room)); !errors.Is(err, client.ErrFull) || !strings.Contains(err.Error(), "too busy") {
				t.Errorf("%s: another room was answered with %v", why, err)
			}
			s.joinAs(s.in("hall")) // who needs no other room comes in
		}
		for _, room := range []string{"hall", "cabin", "den", "loft"} { // four seconds' worth
			s.joinAs(s.in(room))
		}
		refused("four were just made", "attic")
		s.pass(time.Second)
		s.joinAs(s.in("attic"))
		s.pass(time.Second)
		s.server.SpendOnTicks(time.Hour)
		s.pass(260 * time.Millisecond)
		refused("ticks take all the time", "cellar")
		s.pass(10 * time.Second)
		s.joinAs(s.in("cellar"))
		if n := s.server.Stats().RoomsRefusedBusy; n != 2 {
			t.Errorf("%d rooms were refused, want 2", n)
		}
	})
}

func TestAnEmptyRoomClosesAndLeavesNothing(t *testing.T) {
	simulate(t, 46, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{EmptyRoomLifetime: 3 * time.Second}}, func(s *simulation) {
		for _, room := range []string{"hall", "hall", "attic", "cellar"} {
			s.joinAs(s.in(room))
		}
		s.pass(time.Second)
		if rooms, sessions := s.server.Rows(); rooms != 3 || sessions != 4 {
			t.Errorf("%d rooms and %d sessions, want 3 and 4", rooms, sessions)
		}
		for _, c := range s.clients[1:] {
			c.Close()
		}
		s.pass(2 * time.Second)
		if rooms, sessions := s.server.Rows(); rooms != 3 || sessions != 1 {
			t.Errorf("two seconds later %d rooms and %d sessions, want the rooms still there", rooms, sessions)
		}
		back := s.joinAs(s.in("attic"))
		s.pass(3 * time.Second)
		if rooms, sessions := s.server.Rows(); rooms != 2 || sessions != 2 {
			t.Errorf("%d rooms and %d sessions, want the hall, and the attic where somebody is back", rooms, sessions)
		}
		if sc, _ := s.game.Score.Get(back.View()); sc.Joins != 2 {
			t.Errorf("the attic has seen %d joins, want 2: it is the same room", sc.Joins)
		}
		back.Close()
		s.clients[0].Close()
		s.pass(10 * time.Second)
		if rooms, sessions := s.server.Rows(); rooms != 0 || sessions != 0 {
			t.Errorf("%d rooms and %d sessions are left", rooms, sessions)
		}
		synctest.Wait()
		for _, stack := range leftovers() {
			for _, of := range []string{"room).run", "room).logging", "session)"} {
				if strings.Contains(stack, of) {
					t.Errorf("a goroutine is left:\n%s", stack)
				}
			}
		}
	})
}

func TestALostConnectionIsReplaced(t *testing.T) {
	simulate(t, 47, calm, server.Config{Games: []world.Game{forgetful()}}, func(s *simulation) {
		cfg := s.config()
		cfg.Reconnect, cfg.Room = time.Minute, "hall"
		c := s.joinAs(cfg)
		s.join()
		s.wander(30 * time.Second)
		checked := c.Stats().Checks.Rows
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(20 * time.Second)
		if c.Connected() || c.Err() != nil {
			t.Errorf("in the dark the session is connected: %v, and has the error %v", c.Connected(), c.Err())
		}
		s.net.setDark(s.sockets[0].LocalAddr(), false)
		s.pass(15 * time.Second)
		if st := c.Stats(); !c.Connected() || st.Rejoins != 1 || c.Player() != 3 || c.Room() != "hall" {
			t.Errorf("afterwards it is connected: %v, after %d rejoins, as player %d of %q; want player 3 of the hall", c.Connected(), st.Rejoins, c.Player(), c.Room())
		}
		s.wander(time.Second)
		s.rest()
		s.pass(2 * time.Second)
		s.wantSame()
		if st := c.Stats(); checked == 0 || st.Checks.Rows <= checked {
			t.Errorf("%d rows are checked since it began, %d were before it was lost", st.Checks.Rows, checked)
		}
	})
}

func TestWhoeverMadeAPrivateRoomComesBackToIt(t *testing.T) {
	simulate(t, 50, calm, server.Config{Games: []world.Game{forgetful()}, Limits: server.Limits{EmptyRoomLifetime: time.Second}}, func(s *simulation) {
		cfg := s.config()
		cfg.Private, cfg.Reconnect = true, 3*time.Minute
		host := s.joinAs(cfg)
		code := host.Room()
		cfg = s.config()
		cfg.Code = code
		guest := s.joinAs(cfg)
		dark := func() {
			s.net.setDark(s.sockets[0].LocalAddr(), true)
			s.pass(20 * time.Second)
			s.net.setDark(s.sockets[0].LocalAddr(), false)
			s.pass(15 * time.Second)
		}
		dark()
		if !host.Connected() || host.Room() != code || host.Player() != 3 {
			t.Errorf("whoever made the room %q is player %d of %q afterwards", code, host.Player(), host.Room())
		}
		guest.Close()
		dark() // and the room ends, since nobody is left
		if !host.Connected() || host.Room() == code || host.Stats().Rejoins != 2 {
			t.Errorf("after the room %q has ended its maker is connected: %v, to %q, with the error %v", code, host.Connected(), host.Room(), host.Err())
		}
	})
}

func TestTheCodeOfAPrivateRoomIsNotLogged(t *testing.T) {
	var logged lines
	cfg := server.Config{Games: []world.Game{newArena()}, Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	simulate(t, 51, calm, cfg, func(s *simulation) {
		private := s.config()
		private.Private = true
		host := s.joinAs(private)
		s.pass(time.Second)
		s.close()
		if got := logged.text(); !strings.Contains(got, "session joined") || strings.Contains(got, host.Room()) {
			t.Errorf("the log should tell of the session and not the code %q:\n%s", host.Room(), got)
		}
	})
}

// lines is a log that several goroutines write.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestWithoutReconnectTheEndIsTheEnd(t *testing.T) {
	simulate(t, 48, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		cfg := s.config()
		cfg.Reconnect = time.Second
		short, none := s.joinAs(cfg), s.join()
		s.pass(time.Second)
		for i := range 2 {
			s.net.setDark(s.sockets[i].LocalAddr(), true)
		}
		s.pass(40 * time.Second)
		for _, c := range []*client.Client[stride]{short, none} {
			if !errors.Is(c.Err(), client.ErrUnreachable) {
				t.Errorf("player %d ended with %v, want ErrUnreachable", c.Player(), c.Err())
			}
		}
	})
}

func TestAGameIsToldWhyAPlayerLeaves(t *testing.T) {
	simulate(t, 49, calm, server.Config{Games: []world.Game{forgetful()}}, func(s *simulation) {
		s.join()
		bad := s.dial(s.sockets[7])
		bad.hello(s.game)
		leaves := func(why world.LeaveReason) {
			s.t.Helper()
			s.pass(20 * time.Second)
			if got := world.LeaveReason(s.game.left.Load()); got != why {
				t.Errorf("the game was told %q, want %q", got, why)
			}
			s.game.left.Store(-1)
		}
		bad.write(frame(0x91, 77), false)
		leaves(world.Expelled)
		s.join().Close()
		leaves(world.Left)
		s.join()
		s.net.setDark(s.sockets[2].LocalAddr(), true)
		leaves(world.Lost)
		s.stop()
		<-s.ended
		leaves(world.Stopped)
	})
}

func TestTwoWhoComeAtOnceMeet(t *testing.T) {
	simulate(t, 70, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		const players = 6
		joined := make(chan *client.Client[stride], players)
		for i := range players {
			cfg := s.config()
			cfg.PacketConn = s.sockets[i]
			go func() {
				c, err := client.Join(s.t.Context(), s.game, cfg)
				if err != nil {
					t.Error(err)
				}
				joined <- c
			}()
		}
		for range players {
			s.clients = append(s.clients, <-joined)
		}
		if rooms, sessions := s.server.Rows(); rooms != 1 || sessions != players {
			t.Errorf("%d players who came at once are in %d rooms", sessions, rooms)
		}
	})
}
