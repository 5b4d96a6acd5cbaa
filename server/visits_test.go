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

// say opens a connection and sends a first message; it returns what the server says to it, and lets go of the connection when it
// was refused, or is to be.
func (k *knocker) say(message []byte, stay bool) (w protocol.Welcome, bye protocol.Goodbye) {
	k.t.Helper()
	conn, err := k.transport.Dial(k.t.Context(), serverAddr, pinned(k.server.Pin()), &quic.Config{EnableDatagrams: true})
	if err != nil {
		k.t.Fatal(err)
	}
	c := &rawConn{Conn: conn, t: k.t}
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
