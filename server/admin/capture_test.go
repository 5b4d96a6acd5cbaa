package admin_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/clients/console"
	wire "github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/admin"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// grindTime is how long every fourth tick of a mill takes at the least: two and a half periods.
const grindTime = 25 * time.Millisecond

// newMill is a game one of whose two systems is slow.
func newMill() *world.GameOf[struct{ DX int8 }] {
	g := world.NewGame[struct{ DX int8 }]("mill")
	g.System("sweep", func(*world.Tx) {})
	g.System("grind", func(tx *world.Tx) {
		for began := time.Now(); tx.Tick()%4 == 0 && time.Since(began) < grindTime; {
		}
	})
	return g
}

// openMill is open with a mill, and a player in it.
func openMill(t *testing.T) (*site, *player) {
	t.Helper()
	s, g := &site{t: t, folder: newFolder(t)}, newMill()
	if err := s.folder.Init("ann", admin.DefaultAddr, time.Now()); err != nil {
		t.Fatal(err)
	}
	cert, err := transport.NewDevCertificate(transport.DevCertificateParams{NotBefore: time.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	s.Server, err = server.New(server.Config{
		Games: []world.Game{g}, Addr: "127.0.0.1:0", Certificate: &cert, AnyoneMayJoin: true, TickRate: 100, Seed: 1, Limits: server.Limits{MaxTickLoad: 100},
	})
	if err != nil {
		t.Fatal(err)
	}
	limits := admin.Limits{HelloTimeout: time.Minute, RequestTimeout: time.Minute, ReadsPerSecond: 1000}
	if s.door, err = admin.Listen(admin.Config{Server: s.Server, Folder: s.folder, Addr: "127.0.0.1:0", TickRate: 100, Limits: limits}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 2)
	go func() { ran <- s.Run(ctx) }()
	go func() { ran <- s.door.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ran, <-ran); err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	p, err := client.Join(t.Context(), g, client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return s, p
}

// TestACaptureBlamesTheSystemThatIsSlow, as a viewer asks for it.
func TestACaptureBlamesTheSystemThatIsSlow(t *testing.T) {
	s, p := openMill(t)
	c := s.as(s.add("vic", admin.Viewer, time.Time{}))
	var got wire.Capture
	until(t, p, "a tick overran because of grind", func(*world.View) bool {
		all := do(t, c, wire.Request{Act: wire.ActCapture}).Captures
		if len(all) != 1 {
			t.Fatalf("of one room there are %d captures", len(all))
		}
		got = all[0]
		for _, at := range got.Ticks {
			if at.Overran && at.Blame == "grind" {
				return true
			}
		}
		return false
	})
	room := s.Rooms()[0]
	want := "drain joins requests inputs sweep grind tick commit publish"
	if got.Room != room.ID || got.RoomName != room.Name || got.Game != "mill" || got.PeriodUS != 10_000 || strings.Join(got.Parts, " ") != want {
		t.Errorf("it is of %+v", got)
	}
	seen := 0
	for _, at := range got.Ticks {
		var sum int64
		for _, us := range at.Parts {
			sum += us
		}
		if len(at.Parts) != len(got.Parts) || sum != at.Total() || at.Late < 0 || at.Tick > room.Tick || at.Tick == 0 {
			t.Errorf("a tick is %+v", at)
		}
		if due := time.UnixMicro(at.Due); time.Since(due) > time.Hour || time.Until(due) > time.Second {
			t.Errorf("a tick was due at %v", due)
		}
		if at.Blame == "grind" && at.Parts[5] >= grindTime.Microseconds() && at.Step >= at.Parts[5] { // the machine may be slow, too
			seen++
		}
	}
	if seen == 0 {
		t.Errorf("no tick is blamed on grind: %+v", got.Ticks)
	}
	if last := got.Ticks[len(got.Ticks)-1]; last.Players != 1 || last.Entities != 0 {
		t.Errorf("the latest is of %d players and %d rows", last.Players, last.Entities)
	}
	if one := do(t, c, wire.Request{Act: wire.ActCapture, Room: room.ID}).Captures; len(one) != 1 || one[0].Room != room.ID {
		t.Errorf("by its ID the room's is %+v", one)
	}
	wantRefusal(t, c, wire.Request{Act: wire.ActCapture, Room: "nowhere"}, wire.CodeNone)
}

// taken takes a profile or a trace of a second.
func taken(t *testing.T, c *console.Client, kind string) []byte {
	t.Helper()
	return do(t, c, wire.Request{Act: wire.ActProfile, Seconds: 1, Text: kind}).Data
}

// TestAProfileIsLabelledByRoomAndPhase: the labels stand in its table of texts.
func TestAProfileIsLabelledByRoomAndPhase(t *testing.T) {
	s, _ := openMill(t)
	zipped, err := gzip.NewReader(bytes.NewReader(taken(t, s.as(nil), "cpu")))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(zipped)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"work", "tick", "room", s.Rooms()[0].ID[:8], "phase", "step"} {
		// A text of profile.proto's string_table: field 6, its length, its bytes.
		if !bytes.Contains(data, append([]byte{6<<3 | 2, byte(len(text))}, text...)) {
			t.Errorf("the profile has no label %q", text)
		}
	}
}

// TestATraceTellsRoomsPhasesAndSystems: each tick is a task that is named for its room, and what is in it regions.
func TestATraceTellsRoomsPhasesAndSystems(t *testing.T) {
	s, _ := openMill(t)
	data := taken(t, s.as(nil), "trace")
	for _, name := range []string{"room " + s.Rooms()[0].ID[:8], "drain", "step", "publish", "joins", "inputs", "sweep", "grind", "commit"} {
		if !bytes.Contains(data, append([]byte{byte(len(name))}, name...)) {
			t.Errorf("the trace has no task or region %q", name)
		}
	}
}
