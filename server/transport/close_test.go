package transport_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

func TestCloseCodeReachesTheClient(t *testing.T) {
	client, server := connect(t, listen(t, transport.Config{}))
	if err := server.Close(protocol.CloseRoomClosed, "the game is over"); err != nil {
		t.Fatal(err)
	}
	if reason := wantClose(t, client, protocol.CloseRoomClosed); reason != "the game is over" {
		t.Errorf("the reason is %q", reason)
	}
	if err := server.SendDatagram([]byte("late")); err == nil {
		t.Error("a datagram was sent after Close")
	}
}

func TestLongReasonIsCutBetweenCharacters(t *testing.T) {
	client, server := connect(t, listen(t, transport.Config{}))
	server.Close(protocol.CloseRefused, "x"+strings.Repeat("é", 1000))
	want := "x" + strings.Repeat("é", (protocol.MaxReason-1)/2)
	if reason := wantClose(t, client, protocol.CloseRefused); reason != want {
		t.Errorf("the reason has %d bytes, want %d", len(reason), len(want))
	}
}

func TestServerLearnsTheClientsCloseCode(t *testing.T) {
	client, server := connect(t, listen(t, transport.Config{}))
	client.CloseWithError(quic.ApplicationErrorCode(protocol.CloseNormal), "bye")
	<-server.Context().Done()
	_, receiveErr := server.ReceiveDatagram(context.Background())
	for _, err := range []error{context.Cause(server.Context()), receiveErr} {
		if code, reason, ok := transport.PeerClose(err); !ok || code != protocol.CloseNormal || reason != "bye" {
			t.Errorf("PeerClose(%v) = %v, %q, %v", err, code, reason, ok)
		}
	}

	_, server = connect(t, listen(t, transport.Config{}))
	server.Close(protocol.CloseAbuse, "")
	if _, _, ok := transport.PeerClose(context.Cause(server.Context())); ok {
		t.Error("our own close passes for the client's")
	}
}

func TestConnectionsAreCapped(t *testing.T) {
	l := listen(t, transport.Config{MaxConns: 1})
	first, _ := connect(t, l)
	wantClose(t, dial(t, l), protocol.CloseFull)
	if s := l.Stats(); s.RefusedFull != 1 || s.Accepted != 1 || s.Open != 1 {
		t.Errorf("stats are %+v, want one accepted and one refused", s)
	}
	first.CloseWithError(0, "")
	// The server learns of it in its own time; until then it refuses.
	for accepted := false; !accepted; {
		next := dial(t, l)
		ctx, cancel := context.WithCancel(t.Context())
		stop := context.AfterFunc(next.Context(), cancel)
		_, err := l.Accept(ctx)
		accepted = err == nil
		stop()
		cancel()
	}
}

func TestBacklogIsBounded(t *testing.T) {
	l := listen(t, transport.Config{Backlog: 1})
	dial(t, l)
	waitAccepted(l, 1)
	wantClose(t, dial(t, l), protocol.CloseFull)
	if s := l.Stats(); s.RefusedBacklog != 1 || s.Accepted != 1 {
		t.Errorf("stats are %+v, want one accepted and one refused", s)
	}
	if _, err := l.Accept(t.Context()); err != nil {
		t.Errorf("the one that waited can't be accepted: %v", err)
	}
}

func TestClientWithoutDatagramsIsRefused(t *testing.T) {
	l := listen(t, transport.Config{})
	client, err := tryDial(t, l, pinned(l.Pin()), &quic.Config{})
	if err != nil {
		t.Fatal(err)
	}
	wantClose(t, client, protocol.CloseProtocol)
	if s := l.Stats(); s.RefusedDatagrams != 1 || s.Open != 0 {
		t.Errorf("stats are %+v, want one refused", s)
	}
}

func TestListenerCloseEndsEverything(t *testing.T) {
	l := listen(t, transport.Config{})
	accepted, server := connect(t, l)
	waiting := dial(t, l)
	waitAccepted(l, 2)
	acceptor := listen(t, transport.Config{})
	errs := make(chan error)
	go func() {
		_, err := acceptor.Accept(context.Background())
		errs <- err
	}()
	acceptor.Close()
	if err := <-errs; !errors.Is(err, transport.ErrClosed) || !errors.Is(err, net.ErrClosed) {
		t.Errorf("a waiting Accept returned %v, want ErrClosed", err)
	}

	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	wantClose(t, accepted, protocol.CloseShutdown)
	wantClose(t, waiting, protocol.CloseShutdown)
	if server.Context().Err() == nil {
		t.Error("a connection is open after Close")
	}
	if s := l.Stats(); s.Open != 0 {
		t.Errorf("stats are %+v, want none open", s)
	}
	if _, err := l.Accept(t.Context()); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("Accept returned %v, want ErrClosed", err)
	}
	socket, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatalf("the address is still taken: %v", err)
	}
	socket.Close()
}

func TestAcceptGivesUpWithItsContext(t *testing.T) {
	l := listen(t, transport.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Accept(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Accept returned %v, want context.Canceled", err)
	}
}

func TestBrokenSocketEndsAccept(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t, transport.Config{PacketConn: socket})
	socket.Close()
	if _, err := l.Accept(t.Context()); err == nil || errors.Is(err, transport.ErrClosed) {
		t.Errorf("Accept returned %v, want the socket's error", err)
	}
}
