package server_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// TestABanOfAUserHolds for who is in, in whichever room, who comes, and after a restart; others are let in.
func TestABanOfAUserHolds(t *testing.T) {
	g := quietArena()
	file := filepath.Join(t.TempDir(), "bans.json")
	old := `{"last": 1, "bans": [{"number": 1, "prefix": "192.0.2.0/24", "by": "ann", "at": "2026-01-02T03:04:05Z"}]}`
	if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := server.Config{Games: []world.Game{g}, BanFile: file, Gate: guests{"a": {User: "ann"}, "a2": {User: "ann"}, "b": {User: "ben"}, "n": {}}}
	s := serve(t, cfg)
	red, blue := s.as("a"), s.as("a2")
	red.Room, blue.Room = "red", "blue"
	ann, again, ben, nobody := joinAs(t, red, g), joinAs(t, blue, g), joinAs(t, s.as("b"), g), joinAs(t, s.as("n"), g)
	ban, away, err := s.Ban(server.Ban{User: "ann", Reason: "aimbot", By: "cid"})
	if err != nil || away != 2 || ban.Number != 2 {
		t.Fatalf("%+v, %d sent away, %v", ban, away, err)
	}
	for _, c := range []*client.Client[stride]{ann, again} {
		<-c.Done()
		if err := c.Err(); !errors.Is(err, client.ErrKicked) || !strings.Contains(err.Error(), "aimbot") {
			t.Errorf("ann was told %v", err)
		}
	}
	wantPlaying(t, g, ben)
	wantPlaying(t, g, nobody)
	wantDenied(t, s.as("a"), g, "aimbot")
	if n := s.Stats().Banned; n != 1 {
		t.Errorf("%d were kept out, want 1", n)
	}
	resumed := s.as("a")
	resumed.Resume = ann.Token()
	wantDenied(t, resumed, g, "aimbot")
	s.stop(t)

	after := serve(t, cfg)
	wantDenied(t, after.as("a2"), g, "aimbot")
	joinAs(t, after.as("b"), g)
	joinAs(t, after.as("n"), g)
	if list := after.Bans(); len(list) != 2 || list[0].Prefix != netip.MustParsePrefix("192.0.2.0/24") || list[1].User != "ann" {
		t.Fatalf("after a restart the bans are %+v", list)
	}
	if _, err := after.Unban(2); err != nil {
		t.Fatal(err)
	}
	joinAs(t, after.as("a"), g)
	for _, bad := range []server.Ban{
		{User: "ann", Prefix: netip.MustParsePrefix("192.0.2.7/32")}, {User: "a\x00"}, {User: strings.Repeat("a", world.MaxUser+1)},
	} {
		if _, _, err := after.Ban(bad); err == nil {
			t.Errorf("the ban %+v was taken", bad)
		}
	}
}

// TestABanEndsByItself while the server runs.
func TestABanEndsByItself(t *testing.T) {
	simulate(t, 75, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		t := s.t
		s.join()
		s.pass(time.Second)
		ban, away, err := s.server.Ban(server.Ban{Prefix: netip.MustParsePrefix("::ffff:10.0.1.0/120"), Reason: "aimbot", Until: time.Now().Add(20 * time.Second)})
		if err != nil || away != 1 {
			t.Fatalf("%+v, %d sent away, %v", ban, away, err)
		}
		if want := netip.MustParsePrefix("10.0.1.0/24"); ban.Prefix != want {
			t.Errorf("the ban is of %v, want %v", ban.Prefix, want)
		}
		for range 2 {
			if _, err := s.tryJoin(); !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), "aimbot") || len(s.server.Bans()) != 1 {
				t.Errorf("with %d bans that hold, who is banned is told %v", len(s.server.Bans()), err)
			}
			s.pass(9 * time.Second)
		}
		s.pass(3 * time.Second)
		s.join()
		if n := len(s.server.Bans()); n != 0 {
			t.Errorf("%d bans hold when it is over", n)
		}
	})
}

// TestOneServerHasTheBans: another one would write its own over them.
func TestOneServerHasTheBans(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bans.json")
	cfg := server.Config{Games: []world.Game{newArena()}, Addr: "127.0.0.1:0", BanFile: file}
	s := serve(t, cfg)
	if other, err := server.New(cfg); !errors.Is(err, server.ErrBanFileTaken) || !strings.Contains(err.Error(), file) {
		if err == nil {
			other.Close()
		}
		t.Errorf("a second server with the same file is answered by %v", err)
	}
	s.stop(t)
	for range 2 { // the one that ran has left it, and so does one that never runs
		next, err := server.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
	}
	taken := cfg
	taken.Addr = serve(t, server.Config{Games: []world.Game{newArena()}}).Addr().String()
	if _, err := server.New(taken); err == nil || errors.Is(err, server.ErrBanFileTaken) {
		t.Errorf("an address that is taken is answered by %v", err)
	}
	serve(t, cfg) // the one that could not listen has left it
}

// TestWhoIsHeldIsBannedToo: a banned user can't resume.
func TestWhoIsHeldIsBannedToo(t *testing.T) {
	cfg := server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{IdleTimeout: 2 * time.Second}, Gate: server.GateFunc(
		func(context.Context, server.Joining) (server.Identity, error) {
			return server.Identity{User: "ann"}, nil
		})}
	simulate(t, 75, calm, cfg, func(s *simulation) {
		c := s.join()
		s.pass(time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(4 * time.Second)
		if _, away, err := s.server.Ban(server.Ban{User: "ann"}); err != nil || away != 1 {
			s.t.Fatalf("%d sent away, %v", away, err)
		}
		s.net.setDark(s.sockets[0].LocalAddr(), false)
		s.pass(5 * time.Second)
		if n := len(s.server.View().Players()); n != 0 || c.Connected() {
			s.t.Errorf("%d players are in, and ann is connected: %v", n, c.Connected())
		}
	})
}

// TestABanCatchesWhoIsOnTheWayIn, at whichever moment.
func TestABanCatchesWhoIsOnTheWayIn(t *testing.T) {
	var ban atomic.Pointer[func()]
	for _, at := range []string{"the gate", "the game"} {
		t.Run(at, func(t *testing.T) {
			now := func(place string) {
				if do := ban.Load(); do != nil && place == at {
					(*do)()
				}
			}
			g := world.NewGame[stride]("doorway")
			g.OnJoin(func(*world.Tx, world.Player) error {
				now("the game")
				return nil
			})
			s := serve(t, server.Config{Games: []world.Game{g}, Gate: server.GateFunc(func(context.Context, server.Joining) (server.Identity, error) {
				now("the gate")
				return server.Identity{User: "ann"}, nil
			})})
			do := func() {
				if _, _, err := s.Ban(server.Ban{User: "ann"}); err != nil {
					t.Error(err)
				}
			}
			ban.Store(&do)
			defer ban.Store(nil)
			c, err := client.Join(t.Context(), g, s.config())
			if err != nil {
				return // it was refused
			}
			defer c.Close()
			<-c.Done()
			if err := c.Err(); !errors.Is(err, client.ErrKicked) {
				t.Errorf("ann is told %v", err)
			}
		})
	}
}
