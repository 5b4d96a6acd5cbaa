package client_test

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// unplugged is a socket whose network can go away.
type unplugged struct {
	net.PacketConn
	gone atomic.Bool
}

func (u *unplugged) WriteTo(b []byte, to net.Addr) (int, error) {
	if u.gone.Load() {
		return 0, &net.OpError{Op: "write", Net: "udp", Addr: to, Err: os.NewSyscallError("sendto", syscall.ENETUNREACH)}
	}
	return u.PacketConn.WriteTo(b, to)
}

// TestANetworkThatGoesAwayIsALostConnection: Config.Reconnect tries again for ErrUnreachable, not for just any error.
func TestANetworkThatGoesAwayIsALostConnection(t *testing.T) {
	g := newCarts()
	s := serve(t, server.Config{Games: []world.Game{g}, Certificate: certificate(), AnyoneMayJoin: true})
	inner, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	socket := &unplugged{PacketConn: inner}
	cfg := client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}, PacketConn: socket}
	c, err := client.Join(t.Context(), g, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	socket.gone.Store(true)
	<-c.Done()
	if !errors.Is(c.Err(), client.ErrUnreachable) || !errors.Is(c.Err(), syscall.ENETUNREACH) {
		t.Errorf("the session ended with %v, want ErrUnreachable and what happened", c.Err())
	}
	if _, err := client.Join(t.Context(), g, cfg); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("a join failed with %v, want ErrUnreachable", err)
	}
}
