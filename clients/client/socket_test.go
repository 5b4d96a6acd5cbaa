package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

func TestSessionsShareASocket(t *testing.T) {
	g := newCarts()
	s := serve(t, server.Config{Games: []world.Game{g}, Certificate: certificate(), AnyoneMayJoin: true})
	socket, err := client.OpenSocket()
	if err != nil {
		t.Fatal(err)
	}
	cfg := client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}, Socket: socket}
	var sessions []*client.Client[push]
	for range 3 {
		c, err := client.Join(t.Context(), g, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		sessions = append(sessions, c)
	}
	sessions[0].Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, c := range sessions[1:] {
		if err := c.Send(push{DX: 1}); err != nil {
			t.Fatal(err)
		}
		for moved, view := false, (*world.View)(nil); !moved; {
			if view, err = c.Next(ctx, view); err != nil {
				t.Fatal("one session has left, and another on its socket no longer plays:", err)
			}
			for _, row := range g.rows.Owned(view, c.Player()) {
				moved = row.X > 0
			}
		}
	}
	if err := socket.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range sessions[1:] {
		select {
		case <-c.Done():
		case <-ctx.Done():
			t.Fatal("a session goes on without its socket")
		}
		if !errors.Is(c.Err(), client.ErrUnreachable) {
			t.Errorf("a session without its socket ended with %v", c.Err())
		}
	}
}
