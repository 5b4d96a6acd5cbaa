package server_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// knocker dials again and again from one address.
type knocker struct {
	*simulation
	transport *quic.Transport
}

func (s *simulation) knocker(from net.PacketConn) *knocker {
	k := &knocker{s, &quic.Transport{Conn: from}}
	s.t.Cleanup(func() { k.transport.Close() })
	return k
}

func (k *knocker) open() *rawConn {
	k.t.Helper()
	conn, err := k.transport.Dial(k.t.Context(), serverAddr, pinned(k.server.Pin()), &quic.Config{EnableDatagrams: true})
	if err != nil {
		k.t.Fatal(err)
	}
	return &rawConn{Conn: conn, t: k.t}
}

// say opens a connection and sends a first message; it returns what the server says to it, and lets go of the connection when it
// was refused, or is to be.
func (k *knocker) say(message []byte, stay bool) (w protocol.Welcome, bye protocol.Goodbye) {
	k.t.Helper()
	c := k.open()
	c.write(frame(message...), false)
	answer, err := c.tryRead()
	var closed *quic.ApplicationError
	if errors.As(err, &closed) {
		return w, protocol.Goodbye{Code: protocol.CloseCode(closed.ErrorCode), Reason: closed.ErrorMessage}
	}
	if bye, err = protocol.ParseGoodbye(answer); err == nil {
		c.CloseWithError(0, "")
		return w, bye
	}
	if w, err = protocol.ParseWelcome(answer); err != nil {
		k.t.Fatal(err)
	}
	if !stay {
		c.CloseWithError(0, "")
	}
	return w, bye
}

func (k *knocker) hello(h protocol.Hello) []byte {
	h.SchemaHash = k.schema().Hash()
	b, err := protocol.AppendHello(nil, h)
	if err != nil {
		k.t.Fatal(err)
	}
	return b
}

// TestOneAddressIsBounded: what one address does too much of is refused as full, and another comes in all the same.
func TestOneAddressIsBounded(t *testing.T) {
	for seed, c := range []struct {
		what   string
		limits server.Limits
		say    func(k *knocker) []byte
		stay   bool
		within int                // how often it goes well, or is refused for its own sake
		code   protocol.CloseCode // with which, unless it is welcome
		count  func(server.Stats) uint64
		after  time.Duration // until it may again
	}{
		{"joins", server.Limits{JoinsPerMinutePerAddress: 12}, func(k *knocker) []byte { return k.hello(protocol.Hello{}) }, false, 12, 0,
			func(s server.Stats) uint64 { return s.JoinsRefusedAddress }, 6 * time.Second},
		{"new rooms", server.Limits{RoomsPerMinutePerAddress: 6}, func(k *knocker) []byte { return k.hello(protocol.Hello{Join: protocol.CreatePrivate}) }, false, 6, 0,
			func(s server.Stats) uint64 { return s.RoomsRefusedAddress }, 11 * time.Second},
		{"as many rooms", server.Limits{MaxRoomsPerAddress: 3, EmptyRoomLifetime: time.Second}, func(k *knocker) []byte { return k.hello(protocol.Hello{Join: protocol.CreatePrivate}) }, false, 3, 0,
			func(s server.Stats) uint64 { return s.RoomsRefusedAddress }, 5 * time.Second},
		{"wrong tokens", server.Limits{WrongTokensPerMinutePerAddress: 6}, func(k *knocker) []byte { return k.hello(protocol.Hello{Resume: []byte("guess")}) }, false, 6, protocol.CloseExpired,
			func(s server.Stats) uint64 { return s.TokensRefusedAddress }, 11 * time.Second},
		{"bad hellos", server.Limits{BadHellosPerMinutePerAddress: 6}, func(*knocker) []byte { return []byte{0x91, 77} }, false, 6, protocol.CloseProtocol,
			func(s server.Stats) uint64 { return s.HellosRefusedAddress }, 11 * time.Second},
	} {
		t.Run(c.what, func(t *testing.T) {
			g := newArena()
			g.SetHoldSeconds(0)
			cfg := server.Config{Games: []world.Game{g}, Limits: c.limits}
			simulate(t, uint64(300+seed), calm, cfg, func(s *simulation) {
				s.hostile = true
				k, message := s.knocker(s.spares[0]), []byte(nil)
				for n := range c.within {
					message = c.say(k)
					if w, bye := k.say(message, c.stay); bye.Code != c.code || c.code == 0 && w.Player == 0 {
						s.t.Fatalf("number %d is told %+v", n+1, bye)
					}
				}
				if _, bye := k.say(message, c.stay); bye.Code != protocol.CloseFull || !strings.Contains(bye.Reason, c.what) || !strings.Contains(bye.Reason, "network address") {
					s.t.Errorf("one more is told %+v, want full, and why", bye)
				}
				if n := c.count(s.server.Stats()); n != 1 {
					s.t.Errorf("the server counts %d, want 1", n)
				}
				other := s.knocker(s.spares[1])
				if _, bye := other.say(message, false); bye.Code != c.code {
					s.t.Errorf("another address is told %+v", bye)
				}
				s.pass(c.after)
				if _, bye := k.say(message, c.stay); bye.Code != c.code {
					s.t.Errorf("%v later it is told %+v", c.after, bye)
				}
			})
		})
	}
}

// TestBadHellosAtOnceAreAllCounted: whoever opens many connections before any of them says something gains nothing by it.
func TestBadHellosAtOnceAreAllCounted(t *testing.T) {
	cfg := server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{BadHellosPerMinutePerAddress: 6}}
	simulate(t, 320, calm, cfg, func(s *simulation) {
		s.hostile = true
		k := s.knocker(s.spares[0])
		var open []*rawConn
		for range 12 { // at a time when six may be
			open = append(open, k.open())
		}
		s.pass(time.Second)
		for _, c := range open {
			c.write(frame(0x91, 77), false)
		}
		for _, c := range open {
			c.wantClosed(protocol.CloseProtocol)
		}
		told := func() protocol.CloseCode {
			_, bye := k.say([]byte{0x91, 77}, false)
			return bye.Code
		}
		s.pass(30 * time.Second) // in which three are forgotten, of the six that were too many
		if code := told(); code != protocol.CloseFull {
			s.t.Errorf("half a minute later it is told %v, want full", code)
		}
		s.pass(45 * time.Second)
		if code := told(); code != protocol.CloseProtocol {
			s.t.Errorf("when all is forgotten it is told %v", code)
		}
	})
}

// TestListsAreBounded, and are no bad hellos.
func TestListsAreBounded(t *testing.T) {
	limits := server.Limits{BadHellosPerMinutePerAddress: 1, ListsPerMinutePerAddress: 6}
	simulate(t, 321, calm, server.Config{Games: []world.Game{newArena()}, Limits: limits}, func(s *simulation) {
		list, err := protocol.AppendList(nil, protocol.List{})
		if err != nil {
			s.t.Fatal(err)
		}
		k := s.knocker(s.spares[0])
		for n := range 6 {
			c := k.open()
			c.write(frame(list...), false)
			if answer, err := c.tryRead(); err != nil {
				s.t.Fatalf("list %d: %v", n+1, err)
			} else if _, err := protocol.ParseRooms(answer); err != nil {
				s.t.Fatalf("list %d: %v", n+1, err)
			}
			c.CloseWithError(0, "")
			s.pass(100 * time.Millisecond)
		}
		if _, bye := k.say(list, false); bye.Code != protocol.CloseFull || !strings.Contains(bye.Reason, "lists") {
			s.t.Errorf("one more is told %+v, want full, and why", bye)
		}
		if w, bye := k.say(k.hello(protocol.Hello{}), false); w.Player == 0 {
			s.t.Errorf("who joins is told %+v", bye)
		}
		if st := s.server.Stats(); st.ListsRefusedAddress != 1 || st.NoHello != 0 {
			s.t.Errorf("%d lists were refused, %d said no hello; want 1, 0", st.ListsRefusedAddress, st.NoHello)
		}
	})
}

// TestWhoMayMakeNoRoomsLeavesThemToOthers, however often it asks.
func TestWhoMayMakeNoRoomsLeavesThemToOthers(t *testing.T) {
	g := newArena()
	g.SetHoldSeconds(0)
	cfg := server.Config{Games: []world.Game{g}, Limits: server.Limits{RoomsPerSecond: 1, MaxRoomsPerAddress: 1}}
	simulate(t, 322, calm, cfg, func(s *simulation) {
		greedy, other := s.knocker(s.spares[0]), s.knocker(s.spares[1])
		message := greedy.hello(protocol.Hello{Join: protocol.CreatePrivate})
		greedy.say(message, true)
		for range 10 {
			if _, bye := greedy.say(message, false); bye.Code != protocol.CloseFull || !strings.Contains(bye.Reason, "as many rooms") {
				s.t.Fatalf("who has a room is told %+v", bye)
			}
		}
		if w, bye := other.say(message, false); w.Player == 0 {
			s.t.Errorf("another address is told %+v", bye)
		}
	})
}

// TestATrustedAddressIsNotBounded: it may be a proxy, and stand for everybody. The others are.
func TestATrustedAddressIsNotBounded(t *testing.T) {
	one := server.Limits{
		JoinsPerMinutePerAddress: 1, BadHellosPerMinutePerAddress: 1, MaxRoomsPerAddress: 1, RoomsPerMinutePerAddress: 1, WrongTokensPerMinutePerAddress: 1,
	}
	for what, c := range map[string]struct {
		say   func(k *knocker) []byte
		code  protocol.CloseCode // each is told, where it is not let in
		count func(server.Stats) uint64
	}{
		"rooms": {func(k *knocker) []byte { return k.hello(protocol.Hello{Join: protocol.CreatePrivate}) }, 0,
			func(s server.Stats) uint64 { return s.RoomsRefusedAddress + s.JoinsRefusedAddress }},
		"wrong tokens": {func(k *knocker) []byte { return k.hello(protocol.Hello{Resume: []byte("guess")}) }, protocol.CloseExpired,
			func(s server.Stats) uint64 { return s.TokensRefusedAddress }},
		"bad hellos": {func(*knocker) []byte { return []byte{0x91, 77} }, protocol.CloseProtocol, func(s server.Stats) uint64 { return s.HellosRefusedAddress }},
	} {
		cfg := server.Config{Games: []world.Game{newArena()}, Limits: one, Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.2.1/32")}}
		simulate(t, 310, calm, cfg, func(s *simulation) {
			s.hostile = true
			k := s.knocker(s.spares[0])
			for range 5 {
				if w, bye := k.say(c.say(k), false); bye.Code != c.code || c.code == 0 && w.Player == 0 {
					s.t.Fatalf("%s: a trusted address is told %+v", what, bye)
				}
			}
			if n := c.count(s.server.Stats()); n != 0 {
				s.t.Errorf("%s: %d of a trusted address are counted as refused", what, n)
			}
			other := s.knocker(s.spares[1])
			other.say(c.say(other), false)
			if _, bye := other.say(c.say(other), false); bye.Code != protocol.CloseFull || c.count(s.server.Stats()) != 1 {
				s.t.Errorf("%s: another address is told %+v, and the server counts %d", what, bye, c.count(s.server.Stats()))
			}
		})
	}
}
