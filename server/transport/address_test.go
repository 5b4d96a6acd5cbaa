package transport_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// nobody is trusted: otherwise clients of the same machine would be.
var nobody = []netip.Prefix{}

// dialFrom connects from an address of this machine, of which Linux has all that begin with 127.
func dialFrom(t *testing.T, l *transport.Listener, addr string) (*quic.Conn, error) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("this system has one loopback address")
	}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(addr)})
	if err != nil {
		t.Fatal(err)
	}
	tr := &quic.Transport{Conn: socket}
	t.Cleanup(func() {
		tr.Close()
		socket.Close()
	})
	return tr.Dial(t.Context(), l.Addr(), pinned(l.Pin()), clientConfig())
}

func TestOneAddressDoesNotTakeEveryConnection(t *testing.T) {
	l := listen(t, transport.Config{MaxConnsPerAddress: 2, Trusted: nobody})
	first, _ := connect(t, l)
	connect(t, l)
	wantClose(t, dial(t, l), protocol.CloseFull)
	if _, err := dialFrom(t, l, "127.0.0.2"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.RefusedConnsAddress != 1 || s.RefusedFull != 0 || s.Open != 3 {
		t.Errorf("stats are %+v, want three open and one refused for its address", s)
	}
	first.CloseWithError(0, "")
	if err := dialAgain(t, l, "127.0.0.1"); err != nil {
		t.Errorf("the address's place is not free again: %v", err)
	}

	trusting := listen(t, transport.Config{MaxConnsPerAddress: 2, Trusted: []netip.Prefix{netip.MustParsePrefix("::ffff:127.0.0.1/128")}})
	if !trusting.Trusts(netip.MustParseAddr("127.0.0.1")) { // by what is its prefix in IPv6, too
		t.Fatal("the address is not trusted")
	}
	for range 4 {
		connect(t, trusting)
	}
}

// dialAgain connects until there is a place, which the server frees in its own time.
func dialAgain(t *testing.T, l *transport.Listener, addr string) error {
	t.Helper()
	for {
		conn, err := dialFrom(t, l, addr)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(t.Context())
		stop := context.AfterFunc(conn.Context(), cancel)
		_, err = l.Accept(ctx)
		stop()
		cancel()
		if err == nil {
			return nil
		}
	}
}

// TestNewcomersProveTheirAddresses above a rate, and come in all the same.
func TestNewcomersProveTheirAddresses(t *testing.T) {
	l := listen(t, transport.Config{RetryAbovePerSecond: 1})
	for range 5 {
		connect(t, l)
	}
	if s := l.Stats(); s.Retries == 0 || s.Accepted != 5 || s.RefusedHandshakes != 0 {
		t.Errorf("stats are %+v, want five accepted and most of them to have proved their address", s)
	}
}

// TestHandshakesOfAnAddressAreRefused by QUIC's own word, before anything is computed for them.
func TestHandshakesOfAnAddressAreRefused(t *testing.T) {
	l := listen(t, transport.Config{HandshakesPerSecondPerAddress: 1, Trusted: nobody}) // four at once
	var refused error
	n := 0
	for ; refused == nil && n < 50; n++ {
		_, refused = tryDial(t, l, pinned(l.Pin()), clientConfig())
	}
	wrong, ok := errors.AsType[*quic.TransportError](refused)
	if !ok || wrong.ErrorCode != quic.ConnectionRefused || n < 5 {
		t.Errorf("handshake %d got %v, want the fifth or a later one to be refused", n, refused)
	}
	if s := l.Stats(); s.RefusedAddress == 0 {
		t.Errorf("stats are %+v, want one refused for its address", s)
	}
	if _, err := dialFrom(t, l, "127.0.0.2"); err != nil {
		t.Errorf("another address got %v", err)
	}
}

// TestOneAddressDoesNotTakeEveryHTTPPlace: it is closed at once, and gets its place back.
func TestOneAddressDoesNotTakeEveryHTTPPlace(t *testing.T) {
	l := development(t, transport.Config{MaxHTTPConnsPerAddress: 2, HandshakesPerSecondPerAddress: 1000, Trusted: nobody})
	var held []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
	}
	closed := func() bool {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		answer, _ := io.ReadAll(c)
		return len(answer) == 0
	}
	if !closed() || l.Stats().RefusedHTTPAddress != 1 || l.Stats().RefusedHTTP != 0 {
		t.Errorf("a third connection is answered; stats are %+v", l.Stats())
	}
	held[0].Close()
	for closed() { // the server sees it in its own time
	}
}

// TestTCPIsPacedByAddress, and by the same pace as QUIC: each connection may become a TLS handshake, and a WebSocket.
func TestTCPIsPacedByAddress(t *testing.T) {
	l := development(t, transport.Config{HandshakesPerSecondPerAddress: 1, Trusted: nobody})
	for range 20 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		io.ReadAll(c)
		c.Close()
	}
	if s := l.Stats(); s.RefusedAddress == 0 || s.RefusedHTTPAddress != 0 {
		t.Errorf("stats are %+v, want some of 20 connections refused for coming too fast", s)
	}
}
