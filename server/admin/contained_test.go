package admin_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/clients/console"
	wire "github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/admin"
	"github.com/quicstep/quicstep/world"
)

// secondDoor opens another door to the same server, and returns how consoles come in there.
func (s *site) secondDoor(to admin.Server, limits admin.Limits) (*admin.Door, func() (*console.Client, error)) {
	s.t.Helper()
	door, err := admin.Listen(admin.Config{Server: to, Folder: s.folder, Addr: "127.0.0.1:0", TickRate: 100, Limits: limits})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- door.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			s.t.Errorf("the door ended with %v", err)
		}
	})
	return door, func() (*console.Client, error) {
		c, err := console.Open(s.t.Context(), console.Config{ProfileFile: s.folder.Profile(), Addr: door.Addr().String(), Timeout: time.Minute})
		if err == nil {
			s.t.Cleanup(func() { c.Close() })
		}
		return c, err
	}
}

// fragile is a server that panics in an act and in a look.
type fragile struct{ *server.Server }

// Kick panics.
func (fragile) Kick(string, world.Player, string) error { panic("no such player") }

// Bans panics.
func (fragile) Bans() []server.Ban { panic("no such list") }

// TestAPanicCostsOneRequest, which is told, and is in the audit log when it was an act.
func TestAPanicCostsOneRequest(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	s.join() // there is a room
	door, enter := s.secondDoor(fragile{s.Server}, admin.Limits{})
	c, err := enter()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []wire.Request{{Act: wire.ActKick, Player: 1}, {Act: wire.ActBans}} {
		_, err := c.Do(t.Context(), r)
		var refused *console.RefusedError
		if !errors.As(err, &refused) || refused.Code != wire.CodeFailed || strings.Contains(err.Error(), "no such") {
			t.Errorf("%s that panics is answered by %v, want failed", r.Act, err)
		}
	}
	if line := s.wantAudited(wire.ActKick, "ann", "failed"); !strings.Contains(line.Result, "the server has failed") {
		t.Errorf("the audit log says %q", line.Result)
	}
	if n := door.Stats().Panics; n != 2 {
		t.Errorf("%d panics are counted, want 2", n)
	}
	if h := do(t, c, wire.Request{Act: wire.ActHealth}).Health; h.OK || !strings.Contains(strings.Join(h.Wrong, "; "), "2 panics") {
		t.Errorf("the health is %+v", h)
	}
}

// TestConsolesThatDoNotReadHoldNobodyUp: as many as may be, each with as many subscriptions as it may have.
func TestConsolesThatDoNotReadHoldNobodyUp(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	p := s.join()
	door, enter := s.secondDoor(s.Server, admin.Limits{MaxConns: 4, MaxRequests: 8, RequestTimeout: 500 * time.Millisecond, ReadsPerSecond: 1000})
	until(t, p, "the room has a history", func(v *world.View) bool { return v.Tick > 600 })
	ctx, stop := context.WithCancel(t.Context())
	var watches sync.WaitGroup
	defer watches.Wait()
	defer stop()
	for range 4 {
		c, err := enter()
		if err != nil {
			t.Fatal(err)
		}
		for range 8 {
			watches.Go(func() {
				c.Watch(ctx, wire.Request{Act: wire.ActRoom, EveryMS: 100}, func(wire.Answer) error {
					<-ctx.Done()
					return ctx.Err()
				})
			})
		}
	}
	if _, err := enter(); !errors.Is(err, console.ErrRefused) {
		t.Errorf("one console more than may be is answered by %v", err)
	}
	for tick := p.View().Tick; door.Stats().Unread < 8; tick += 10 {
		until(t, p, "ticks come", func(v *world.View) bool { return v.Tick >= tick })
	}
	if p.Err() != nil || door.Stats().RefusedFull != 1 {
		t.Errorf("the player has %v, and %d consoles were refused as too many", p.Err(), door.Stats().RefusedFull)
	}
	do(t, s.as(nil), wire.Request{Act: wire.ActHealth}) // by the other door
}

// TestOneAddressDoesNotFillTheDoor by connections that say nothing: others come in.
func TestOneAddressDoesNotFillTheDoor(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{MaxConns: 12})
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	if err != nil {
		t.Skipf("this system has no 127.0.0.2: %v", err)
	}
	from := &quic.Transport{Conn: socket}
	defer socket.Close()
	defer from.Close()
	for range 12 {
		conn, err := from.Dial(t.Context(), s.door.Addr(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{wire.ALPN}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseWithError(0, "")
	}
	do(t, s.as(nil), wire.Request{Act: wire.ActHealth})
	for s.door.Stats().RefusedFull < 4 { // until the door has seen all of them
		s.as(nil).Close()
	}
	if st := s.door.Stats(); st.RefusedFull != 4 || st.RefusedNone != 0 {
		t.Errorf("%d of 12 were refused as too many, and %d since they said nothing; want 4 and none", st.RefusedFull, st.RefusedNone)
	}
}

// TestOneCredentialDoesNotFillTheDoor with consoles.
func TestOneCredentialDoesNotFillTheDoor(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{MaxConnsPerCredential: 2})
	vic := s.add("vic", admin.Viewer, time.Time{})
	first := s.as(vic)
	s.as(vic)
	if _, err := s.try(vic); !errors.Is(err, console.ErrRefused) || !strings.Contains(err.Error(), "as many consoles") {
		t.Errorf("a third console of the same credentials is told %v", err)
	}
	do(t, s.as(nil), wire.Request{Act: wire.ActHealth}) // another's
	first.Close()
	for {
		if again, err := s.try(vic); err == nil {
			do(t, again, wire.Request{Act: wire.ActHealth}) // it is answered when the door has counted it
			again.Close()
			break // the door has seen the first one go
		} else if !errors.Is(err, console.ErrRefused) {
			t.Fatal(err)
		}
	}
	if st := s.door.Stats(); st.RefusedFull == 0 || st.Logins != 4 {
		t.Errorf("%d were refused as full, %d came in; want some and 4", st.RefusedFull, st.Logins)
	}
}

// TestWhoIsRevokedIsShownOut although it asks for nothing.
func TestWhoIsRevokedIsShownOut(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	ann := s.as(nil)
	s.as(s.add("gus", admin.Viewer, time.Time{}))
	if err := s.folder.Revoke("gus"); err != nil {
		t.Fatal(err)
	}
	gone := errors.New("gus is gone")
	if err := ann.Watch(t.Context(), wire.Request{Act: wire.ActHealth, EveryMS: 100}, func(wire.Answer) error {
		if s.door.Stats().Conns == 1 {
			return gone
		}
		return nil
	}); !errors.Is(err, gone) {
		t.Errorf("ann's watch ended with %v", err)
	}
}
