package server_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// TestOnePlayersLinkIsImpaired for a while: that one's states are old and its lines late, the other's are not; it ends by
// itself, and every replica is right in the end.
func TestOnePlayersLinkIsImpaired(t *testing.T) {
	simulate(t, 85, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		t := s.t
		join := func() *client.Client[stride] {
			cfg := s.config()
			cfg.NoPrediction = true // rows are compared
			return s.joinAs(cfg)
		}
		bad, good := join(), join()
		s.wander(3 * time.Second)
		ages := func() (a, b server.SessionStats) {
			for _, in := range s.server.Sessions() {
				if in.Player == bad.Player() {
					a = in
				} else {
					b = in
				}
			}
			return a, b
		}
		_, calmly := ages()
		want := server.Impairment{Delay: 400 * time.Millisecond, Jitter: 100 * time.Millisecond, Loss: 0.05, Until: time.Now().Add(10 * time.Second), By: "ann"}
		if err := s.server.Impair("", bad.Player(), want); err != nil {
			t.Fatal(err)
		}
		s.wander(5 * time.Second)
		a, b := ages()
		if a.Impaired != want || b.Impaired != (server.Impairment{}) || s.server.Stats().Impaired != 1 {
			t.Errorf("%+v and %+v are told, %d in all", a.Impaired, b.Impaired, s.server.Stats().Impaired)
		}
		if a.AgeTicks < calmly.AgeTicks+9 || b.AgeTicks > calmly.AgeTicks+1 {
			t.Errorf("the states are %d and %d ticks old, and %d without", a.AgeTicks, b.AgeTicks, calmly.AgeTicks)
		}
		s.server.SayAll("hello")
		s.pass(150 * time.Millisecond)
		if late, soon := len(bad.Chat()), len(good.Chat()); late != 0 || soon != 1 {
			t.Errorf("after 150 ms one has %d lines and the other %d", late, soon)
		}
		s.pass(time.Second)
		if line := bad.Chat(); len(line) != 1 || line[0].Text != "hello" {
			t.Errorf("the one who is impaired has %+v", line)
		}

		s.wander(8 * time.Second) // it is over
		a, b = ages()
		if a.Impaired != (server.Impairment{}) || a.AgeTicks > b.AgeTicks+2 || s.server.Stats().Impaired != 0 || s.server.Stats().ImpairLost == 0 {
			t.Errorf("it is over, and there is %+v, of an age of %d; lost %d", a.Impaired, a.AgeTicks, s.server.Stats().ImpairLost)
		}
		s.rest()
		s.pass(3 * time.Second)
		s.wantSame()
		if n := s.server.Stats().Diverged; n != 0 || bad.Err() != nil || good.Err() != nil {
			t.Errorf("%d rows diverged, %v, %v", n, bad.Err(), good.Err())
		}
	})
}

// TestAnImpairedPlayerIsToldWhyItGoes, at once, and its place is free.
func TestAnImpairedPlayerIsToldWhyItGoes(t *testing.T) {
	simulate(t, 82, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		t := s.t
		c := s.join()
		s.pass(time.Second)
		long := server.Impairment{Delay: 10 * time.Second, Until: time.Now().Add(time.Minute)}
		if err := s.server.Impair("", c.Player(), long); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		s.server.SayAll("behind")
		if err := s.server.Kick("", c.Player(), "be kind"); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		if err := c.Err(); !errors.Is(err, client.ErrKicked) || !strings.Contains(err.Error(), "be kind") {
			t.Errorf("it was told %v", err)
		}
		if n := s.server.Stats().Impaired; n != 0 {
			t.Errorf("%d links are impaired", n)
		}
	})
}

// TestAnImpairedLinkStaysSoAfterAResume, and is as it was when it is taken back.
func TestAnImpairedLinkStaysSoAfterAResume(t *testing.T) {
	simulate(t, 83, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{IdleTimeout: 2 * time.Second}}, func(s *simulation) {
		t := s.t
		cfg := s.config()
		cfg.Reconnect = time.Minute
		c := s.joinAs(cfg)
		s.pass(time.Second)
		if err := s.server.Impair("", c.Player(), server.Impairment{Delay: 600 * time.Millisecond, Until: time.Now().Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(4 * time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), false)
		s.wander(8 * time.Second)
		in := s.server.Sessions()[0]
		if in.Held || s.server.Stats().Resumed == 0 || in.AgeTicks < 15 {
			t.Errorf("after a resume %+v", in)
		}
		if err := s.server.Impair("", c.Player(), server.Impairment{}); err != nil {
			t.Fatal(err)
		}
		s.wander(3 * time.Second)
		if in := s.server.Sessions()[0]; in.AgeTicks > 5 || in.Impaired != (server.Impairment{}) {
			t.Errorf("it was taken back, and there is %+v", in)
		}
	})
}

func TestAnImpairmentThatCantBeIsRefused(t *testing.T) {
	g := newArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	c := join(t, s, g)
	soon := time.Now().Add(time.Minute)
	for _, test := range []struct {
		player world.Player
		how    server.Impairment
		want   error
	}{
		{c.Player(), server.Impairment{Delay: time.Second}, server.ErrImpairment},
		{c.Player(), server.Impairment{Delay: time.Second, Until: time.Now().Add(server.MaxImpair + time.Minute)}, server.ErrImpairment},
		{c.Player(), server.Impairment{Delay: 11 * time.Second, Until: soon}, server.ErrImpairment},
		{c.Player(), server.Impairment{Loss: 2, Until: soon}, server.ErrImpairment},
		{c.Player() + 7, server.Impairment{Delay: time.Second, Until: soon}, server.ErrNoPlayer},
	} {
		if err := s.Impair("", test.player, test.how); !errors.Is(err, test.want) {
			t.Errorf("%+v is answered by %v, want %v", test.how, err, test.want)
		}
	}
	if n := s.Stats().Impaired; n != 0 {
		t.Errorf("%d links are impaired", n)
	}
}
