package transport_test

import (
	"bytes"
	"context"
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

// TestListenerInVirtualTime plays through a connection on a simulated network. The bubble fails the test
// when Close leaves a goroutine behind.
func TestListenerInVirtualTime(t *testing.T) {
	cert := testCertificate(t)
	synctest.Test(t, func(t *testing.T) {
		router := &cutRouter{}
		network := &simnet.Simnet{Router: router}
		link := simnet.NodeBiDiLinkSettings{LatencyFunc: func(simnet.Packet) time.Duration { return 20 * time.Millisecond }}
		serverAddr := &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 4433}
		serverSocket := network.NewEndpoint(serverAddr, link)
		clientSocket := network.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 5000}, link)
		if err := network.Start(); err != nil {
			t.Fatal(err)
		}
		defer network.Close()
		defer clientSocket.Close()
		defer serverSocket.Close()

		l, err := transport.Listen(transport.Config{PacketConn: serverSocket, Certificate: cert})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		dialer := &quic.Transport{Conn: clientSocket}
		defer dialer.Close()
		connect := func() (*quic.Conn, *transport.Conn) {
			client, err := dialer.Dial(t.Context(), serverAddr, pinned(l.Pin()), clientConfig())
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
