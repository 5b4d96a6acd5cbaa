package server_test

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// cutSocket is a real socket that can be in the dark.
type cutSocket struct {
	net.PacketConn
	dark atomic.Bool
}

func (s *cutSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	if s.dark.Load() {
		return len(b), nil
	}
	return s.PacketConn.WriteTo(b, to)
}

func (s *cutSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.PacketConn.ReadFrom(b)
		if err != nil || !s.dark.Load() {
			return n, from, err
		}
	}
}

// TestComingBackOverRealSockets: an outage of three seconds, then a socket that is dead for good.
func TestComingBackOverRealSockets(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	other := join(t, s, g)
	socket := &cutSocket{PacketConn: listenPacket(t)}
	cfg := s.config()
	cfg.PacketConn, cfg.Reconnect = socket, time.Minute
	c, err := client.Join(t.Context(), g, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	player := c.Player()
	if err := c.Send(stride{DX: 1}); err != nil {
		t.Fatal(err)
	}
	ticks(t, c, testRate/2)
	playOn := func(what string) {
		t.Helper()
		until(t, c, "play is back after "+what, func(*world.View) bool { return c.Connected() })
		ticks(t, c, testRate/2)
		if c.Player() != player {
			t.Errorf("after %s it is player %d, want %d", what, c.Player(), player)
		}
		if score, _ := g.Score.Get(c.View()); score.Leaves != 0 || score.Joins != 2 {
			t.Errorf("after %s the score is %+v", what, score)
		}
	}
	socket.dark.Store(true)
	ticks(t, other, 3*testRate)
	socket.dark.Store(false)
	playOn("an outage")
	socket.dark.Store(true)
	next := listenPacket(t)
	t.Cleanup(func() { c.Close() }) // before the socket
	if err := c.Migrate(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	playOn("another socket")
	if st := c.Stats(); st.Resumes == 0 || st.Rejoins != 0 {
		t.Errorf("%d resumes and %d rejoins", st.Resumes, st.Rejoins)
	}
}
