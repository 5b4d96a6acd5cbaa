package transport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/testutils/simnet"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// cutRouter is a network that can be cut.
type cutRouter struct {
	simnet.PerfectRouter
	cut atomic.Bool
}

func (r *cutRouter) SendPacket(p simnet.Packet) error {
	if r.cut.Load() {
		return nil
	}
	return r.PerfectRouter.SendPacket(p)
}

// exchangeLargest sends datagrams of the largest size in both directions at once, as a game does. This
// network finds no larger packets than the first, and acknowledgements share them: all must fit.
func exchangeLargest(t *testing.T, client *quic.Conn, server *transport.Conn) {
	t.Helper()
	data := make([]byte, server.MaxDatagram())
	for n := range 60 {
		data[0] = byte(n)
		if err := server.SendDatagram(data); err != nil {
			t.Fatal(err)
		}
		if err := client.SendDatagram(data); err != nil {
			t.Fatal(err)
		}
		if got, err := client.ReceiveDatagram(t.Context()); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("the client got %d bytes, %v; want %d", len(got), err, len(data))
		}
		if got, err := server.ReceiveDatagram(t.Context()); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("the server got %d bytes, %v; want %d", len(got), err, len(data))
		}
	}
}

// virtual opens a listener on a simulated network of 40 ms there and back, and what clients dial it with. The bubble ends
// both.
func virtual(t *testing.T, cert *tls.Certificate, cfg transport.Config) (*transport.Listener, *quic.Transport, *cutRouter) {
	t.Helper()
	router := &cutRouter{}
	network := &simnet.Simnet{Router: router}
	link := simnet.NodeBiDiLinkSettings{LatencyFunc: func(simnet.Packet) time.Duration { return 20 * time.Millisecond }}
	serverSocket := network.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 4433}, link)
	clientSocket := network.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 5000}, link)
	if err := network.Start(); err != nil {
		t.Fatal(err)
	}
	cfg.PacketConn, cfg.Certificate = serverSocket, cert
	l, err := transport.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	dialer := &quic.Transport{Conn: clientSocket}
	t.Cleanup(func() {
		dialer.Close()
		l.Close()
		serverSocket.Close()
		clientSocket.Close()
		network.Close()
	})
	return l, dialer, router
}

// TestAStormOfNewcomersWaits: of fifty at once, ten in a second have their handshake.
func TestAStormOfNewcomersWaits(t *testing.T) {
	cert := testCertificate(t)
	synctest.Test(t, func(t *testing.T) {
		l, dialer, _ := virtual(t, cert, transport.Config{HandshakesPerSecond: 10})
		began := time.Now()
		for range 50 {
			go func() {
				c, err := dialer.Dial(t.Context(), l.Addr(), pinned(l.Pin()), clientConfig())
				if err != nil {
					t.Errorf("after %v: %v", time.Since(began), err)
					return
				}
				<-c.Context().Done()
			}()
		}
		for n := range 50 {
			if _, err := l.Accept(t.Context()); err != nil {
				t.Fatal(err)
			}
			if least := time.Duration(n) * time.Second / 10; time.Since(began) < least {
				t.Fatalf("handshake %d is over after %v, want %v at least", n+1, time.Since(began), least)
			}
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("all of them took %v, want 5 s and a round trip or two", took)
		}
	})
}

// TestListenerInVirtualTime plays through a connection on a simulated network. The bubble fails the test
// when Close leaves a goroutine behind.
func TestListenerInVirtualTime(t *testing.T) {
	cert := testCertificate(t)
	synctest.Test(t, func(t *testing.T) {
		l, dialer, router := virtual(t, cert, transport.Config{})
		connect := func() (*quic.Conn, *transport.Conn) {
			client, err := dialer.Dial(t.Context(), l.Addr(), pinned(l.Pin()), clientConfig())
			if err != nil {
				t.Fatal(err)
			}
			server, err := l.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return client, server
		}

		client, server := connect()
		exchangeLargest(t, client, server)
		if rtt := server.Stats().MinRTT; rtt < 40*time.Millisecond {
			t.Errorf("the round trip takes %v, want 40 ms or more", rtt)
		}

		router.cut.Store(true)
		dark := time.Now()
		<-server.Context().Done()
		if _, ok := errors.AsType[*quic.IdleTimeoutError](context.Cause(server.Context())); !ok {
			t.Errorf("a client in the dark ended with %v", context.Cause(server.Context()))
		}
		if d := time.Since(dark); d < 9*time.Second || d > 11*time.Second {
			t.Errorf("a client in the dark is given up after %v, want 10 s", d)
		}
		client.CloseWithError(0, "")

		router.cut.Store(false)
		client, _ = connect()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		wantClose(t, client, protocol.CloseShutdown)
	})
}
