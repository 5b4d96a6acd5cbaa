package transport_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// relay stands between one client and a server, like a router, and gives the client another port whenever it is told to.
type relay struct {
	front  *net.UDPConn
	server net.Addr
	work   sync.WaitGroup

	mu     sync.Mutex // guards what follows
	back   *net.UDPConn
	all    []*net.UDPConn
	client net.Addr
}

func newRelay(t *testing.T, server net.Addr) *relay {
	t.Helper()
	front, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{front: front, server: server}
	r.move(t)
	r.work.Go(func() {
		b := make([]byte, 2048)
		for {
			n, from, err := front.ReadFrom(b)
			if err != nil {
				return
			}
			r.mu.Lock()
			r.client = from
			r.back.WriteTo(b[:n], server)
			r.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		front.Close()
		for _, back := range r.all {
			back.Close()
		}
		r.work.Wait()
	})
	return r
}

// move takes another port to the server. What comes to the former ones still gets through.
func (r *relay) move(t *testing.T) (to net.Addr) {
	back, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Error(err)
		return nil
	}
	r.mu.Lock()
	r.back, r.all = back, append(r.all, back)
	r.mu.Unlock()
	r.work.Go(func() {
		b := make([]byte, 2048)
		for {
			n, _, err := back.ReadFrom(b)
			if err != nil {
				return
			}
			r.mu.Lock()
			r.front.WriteTo(b[:n], r.client)
			r.mu.Unlock()
		}
	})
	return back.LocalAddr()
}

// echo sends back what comes until the connection ends.
func echo(conn *transport.Conn) {
	for {
		b, err := conn.ReceiveDatagram(context.Background())
		if err != nil {
			return
		}
		conn.SendDatagram(b)
	}
}

// say sends a datagram, and waits a little for it to come back.
func say(client *quic.Conn) (back bool) {
	client.SendDatagram([]byte("here"))
	ctx, cancel := context.WithTimeout(client.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := client.ReceiveDatagram(ctx)
	return err == nil
}

// TestWhoMovesAgainAndAgainIsShownOut: a storm of clients whose addresses change, while one that moves once, and one that
// does not, play on.
func TestWhoMovesAgainAndAgainIsShownOut(t *testing.T) {
	const storm = 4
	l := listen(t, transport.Config{MovesPerMinute: 1})
	var echoes sync.WaitGroup
	defer echoes.Wait()
	defer l.Close()
	connectBy := func(addr net.Addr) (*quic.Conn, *transport.Conn) {
		client, err := quic.DialAddr(t.Context(), addr.String(), pinned(l.Pin()), clientConfig())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.CloseWithError(0, "") })
		server, err := l.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		echoes.Go(func() { echo(server) })
		return client, server
	}
	// move gives a client another port, and returns when the server follows it, or has shown it out.
	move := func(r *relay, client *quic.Conn, server *transport.Conn) {
		for to := r.move(t); client.Context().Err() == nil && server.RemoteAddr().String() != to.String(); {
			say(client)
		}
	}
	stays, _ := connectBy(l.Addr())
	router := newRelay(t, l.Addr())
	moves, follows := connectBy(router.front.LocalAddr())
	for !say(moves) {
	}
	move(router, moves, follows)

	var storms, honest sync.WaitGroup
	over := make(chan struct{})
	for _, client := range []*quic.Conn{stays, moves} {
		honest.Go(func() {
			for back, ended := 0, false; !ended || back < 20; {
				if client.Context().Err() != nil {
					t.Errorf("an honest one is out: %v", context.Cause(client.Context()))
					return
				}
				if say(client) {
					back++
				}
				select {
				case <-over:
					ended = true
				default:
				}
			}
		})
	}
	for range storm {
		r := newRelay(t, l.Addr())
		client, server := connectBy(r.front.LocalAddr())
		storms.Go(func() {
			for client.Context().Err() == nil {
				for !say(client) && client.Context().Err() == nil {
				}
				move(r, client, server)
			}
			wantClose(t, client, protocol.CloseAbuse)
		})
	}
	storms.Wait()
	close(over)
	honest.Wait()
	if s := l.Stats(); s.MovedTooOften != storm || s.Moves < 2*storm+1 || s.Open != 2 {
		t.Errorf("stats are %+v, want %d closed for moving, and two open", s, storm)
	}
}

// BenchmarkFollow is what it costs to ask a connection for its address while that is in a cache.
func BenchmarkFollow(b *testing.B) {
	conn := benchConn(b)
	b.ReportAllocs()
	for b.Loop() {
		conn.RemoteAddr()
	}
}
