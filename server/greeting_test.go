package server_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// TestWhoSaysNoHelloTakesNoPlaceForLong, nor every place.
func TestWhoSaysNoHelloTakesNoPlaceForLong(t *testing.T) {
	for name, c := range map[string]struct {
		limits        server.Limits
		full, address uint64
	}{
		"in all":         {server.Limits{MaxGreeting: 2}, 1, 0},
		"of one address": {server.Limits{MaxGreetingPerAddress: 2}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := server.Config{Games: []world.Game{newArena()}, Limits: c.limits, Trusted: []netip.Prefix{}}
			simulate(t, 31, calm, cfg, func(s *simulation) {
				if c.address > 0 {
					for i := range 3 {
						s.net.show(s.sockets[i].LocalAddr(), &net.UDPAddr{IP: net.IPv4(10, 9, 9, 9), Port: 6000 + i})
					}
				}
				silent := []*rawConn{s.dial(s.sockets[0]), s.dial(s.sockets[1])}
				s.pass(100 * time.Millisecond)
				s.dial(s.sockets[2]).wantClosed(protocol.CloseFull)
				st := s.server.Stats()
				if st.GreetingsRefused != c.full || st.GreetingsRefusedAddress != c.address || st.NoHello != 0 {
					t.Errorf("%d were refused in all and %d of their address, %d said no hello; want %+v", st.GreetingsRefused, st.GreetingsRefusedAddress, st.NoHello, c)
				}
				s.pass(6 * time.Second)
				for _, conn := range silent {
					conn.wantClosed(protocol.CloseProtocol)
				}
				if st := s.server.Stats(); st.NoHello != 2 {
					t.Errorf("%d said no hello in time, want 2", st.NoHello)
				}
				s.dial(s.sockets[3]).hello(s.game)
			})
		})
	}
}

// TestWithoutMemoryNobodyNewComes, while those who are in play on, and come back.
func TestWithoutMemoryNobodyNewComes(t *testing.T) {
	simulate(t, 32, calm, server.Config{Games: []world.Game{newArena()}, MemoryBytes: 1 << 40}, func(s *simulation) {
		c := s.join()
		s.pass(time.Second)
		if used := s.server.Stats().MemoryUsed; used < 1<<20 || used > 1<<40 {
			t.Errorf("the process uses %d bytes", used)
		}
		s.server.BoundMemory(1)
		s.pass(time.Second)
		if c.Err() != nil {
			t.Fatalf("the player is out: %v", c.Err())
		}
		cfg := s.config()
		_, err := client.Join(s.t.Context(), s.game, cfg)
		if !errors.Is(err, client.ErrFull) || !strings.Contains(err.Error(), "memory") || s.server.Stats().RefusedMemory != 1 {
			t.Errorf("another one is told %v, %d were refused", err, s.server.Stats().RefusedMemory)
		}
		cfg.Resume, cfg.OnlyResume = c.Token(), true
		s.joinAs(cfg)
		if st := s.server.Stats(); st.Resumed != 1 || st.RefusedMemory != 1 {
			t.Errorf("%d came back, %d were refused; want 1, 1", st.Resumed, st.RefusedMemory)
		}
	})
}

func TestWithoutABoundMemoryIsNotLookedAt(t *testing.T) {
	simulate(t, 33, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		s.join()
		s.pass(time.Second)
		if st := s.server.Stats(); st.MemoryUsed != 0 || st.RefusedMemory != 0 {
			t.Errorf("%d bytes are used, %d refused", st.MemoryUsed, st.RefusedMemory)
		}
	})
}
