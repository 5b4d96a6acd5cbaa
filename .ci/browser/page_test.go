package browser

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/bots"
	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// host is a server in this process, so that tests can look at what it has.
type host struct {
	*server.Server
	game *arena.Arena
}

// serve runs a server until the test ends.
func serve(t *testing.T) *host {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	g := arena.New(arena.Config{})
	s, err := server.New(server.Config{Games: []world.Game{g}, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the server ended: %v", err)
		}
	})
	return &host{s, g}
}

// crowd lets ten bots play until the test ends.
func (h *host) crowd(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := bots.Run(ctx, bots.Config{Client: client.Config{Addr: h.Addr().String()}, Clients: 10, Duration: time.Hour}, h.game, nil)
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the bots ended: %v", err)
		}
	})
}

// ticks is for how long pages play: BROWSER_SECONDS, or five.
func ticks() int {
	seconds, err := strconv.Atoi(os.Getenv("BROWSER_SECONDS"))
	if err != nil {
		seconds = 5
	}
	return seconds * 30
}

const flying = `arena.firstFlight !== undefined && arena.client.connected`

// play lets a page play for some ticks.
func (p *page) play(ticks int) {
	p.t.Helper()
	var tick uint64
	p.eval(`arena.client.tick`, &tick)
	p.wait(fmt.Sprintf(`arena.client.tick >= %d`, tick+uint64(ticks)))
}

// figures are what a page says of itself.
type figures struct {
	Flight    float64
	Transport string
	Player    world.Player
	Room      string
	Frames    struct{ P50, P95, WorkP50, WorkP95 float64 }
	Stats     struct{ Diverged, Resumes, Predicted, Mispredicted uint64 }
}

func (p *page) figures() (f figures) {
	p.t.Helper()
	p.eval(`({flight: arena.firstFlight, transport: arena.client.transport, player: arena.client.player, room: arena.client.room, frames: arena.frames(), stats: arena.client.stats()})`, &f)
	return f
}

// TestTwoPagesAndTenBots play in one room. Then it is frozen, and what a page has is what the server has.
func TestTwoPagesAndTenBots(t *testing.T) {
	b, s := launch(t), serve(t)
	s.crowd(t)
	ann, bob := b.open("ann", s.URL()), b.open("bob", s.URL())
	for _, p := range []*page{ann, bob} {
		p.wait(flying)
		p.hold("ArrowUp")
	}
	ann.play(60)
	var before, after float64
	ann.do(order{Do: "heap"}, &before)
	ann.play(ticks())
	ann.do(order{Do: "heap"}, &after)
	t.Logf("heap of a page: %.2f MB, and %.2f MB %d ticks later", before/1e6, after/1e6, ticks())
	for _, p := range []*page{ann, bob} {
		p.release("ArrowUp")
		f := p.figures()
		t.Logf("%s flies %.0f ms after the page was asked for, over %s; frames p50 %.1f ms, p95 %.1f ms, of which work %.1f and %.1f ms; %d of %d predictions were wrong", p.name, f.Flight, f.Transport, f.Frames.P50, f.Frames.P95, f.Frames.WorkP50, f.Frames.WorkP95, f.Stats.Mispredicted, f.Stats.Predicted)
		if f.Transport != "webtransport" {
			t.Errorf("%s plays over %s", p.name, f.Transport)
		}
		p.screenshot("plays")
	}
	if err := s.Freeze(ann.figures().Room); err != nil {
		t.Fatal(err)
	}
	s.wantSame(t, ann)
	s.wantSame(t, bob)
	if st := s.Stats(); st.Diverged > 0 || st.CheckedRows == 0 || st.CheckedPages == 0 {
		t.Errorf("of %d rows and %d pages that clients reported %d are not the server's: %v", st.CheckedRows, st.CheckedPages, st.Diverged, st.FirstDivergence)
	}
	ann.wantNothingWrong()
	bob.wantNothingWrong()
}

// row is one that a page knows; fields of one table stand in Ship, too.
type row struct {
	Table string
	ID    world.ID
	Row   arena.Ship
}

// wantSame waits until a page has every ship in sight as the server has it, in a room that is frozen. What moves on
// reckoned is told when it is more than a unit off, so a position may be up to two; what must be the same to the bit is what
// pages report of their rows, which the server compares while they play.
func (h *host) wantSame(t *testing.T, p *page) {
	t.Helper()
	f := p.figures()
	view, err := h.Look(f.Room)
	if err != nil {
		t.Fatal(err)
	}
	p.wait(fmt.Sprintf(`arena.client.tick >= %d`, view.Tick))
	var rows []row
	p.eval(`arena.rows()`, &rows)
	known, pages := map[world.ID]arena.Ship{}, 0
	for _, r := range rows {
		if r.Table == "ship" {
			known[r.ID] = r.Row
		}
	}
	var own arena.Ship
	for _, ship := range h.game.Ships.Owned(view, f.Player) {
		own = ship
	}
	for id, want := range h.game.Ships.All(view) {
		got, ok := known[id]
		far := math.Hypot(float64(want.X-own.X), float64(want.Y-own.Y))
		switch {
		case !ok && far < arena.Sight*0.9:
			t.Errorf("%s does not have ship %v, %.0f units away", p.name, id, far)
		case ok && far > arena.Sight*1.3:
			t.Errorf("%s has ship %v, which is %.0f units away and none of its business", p.name, id, far)
		case !ok:
		case math.Abs(float64(got.X-want.X)) > 2 || math.Abs(float64(got.Y-want.Y)) > 2,
			got.Hull != want.Hull, got.Score != want.Score, got.Deaths != want.Deaths, got.Name != want.Name:
			t.Errorf("%s has ship %v as %+v, the server as %+v", p.name, id, got, want)
		default:
			pages++
		}
	}
	if pages == 0 {
		t.Errorf("%s has no ship at all", p.name)
	}
	t.Logf("%s has %d ships as the server has them, of %d rows", p.name, pages, len(rows))
}

// TestAPageThatIsNotSeenFliesNoMore: it gets no frames, and may not hear that a key was let go.
func TestAPageThatIsNotSeenFliesNoMore(t *testing.T) {
	p := launch(t).open("ann", serve(t).URL())
	p.wait(flying)
	const speed = `Math.hypot(...[...arena.client.table("ship").owned()].flatMap(([, s]) => [s.VX, s.VY]))`
	p.hold("ArrowUp")
	p.wait(speed + ` > 200`)
	p.eval(`Object.defineProperty(document, "hidden", { value: true }) && document.dispatchEvent(new Event("visibilitychange"))`, new(any))
	p.wait(speed + ` < 100`)
	p.wantNothingWrong()
}

// TestALostTransportIsReplaced: no packet passes until the page notices; then they do, and it goes on as the same player.
func TestALostTransportIsReplaced(t *testing.T) {
	b, s := launch(t), serve(t)
	way := newPath(t, s.Addr().String())
	p := b.open("lost", way.url())
	p.wait(flying)
	before := p.figures()
	ships := p.ships()
	way.dark.Store(true)
	p.wait(`!arena.client.connected`)
	p.screenshot("away")
	way.dark.Store(false)
	p.wait(`arena.client?.connected && arena.client.stats().resumes > 0`)
	p.play(30)
	after := p.figures()
	if before.Player != after.Player || ships != p.ships() {
		t.Errorf("player %d with ship %s has come back as player %d with ship %s", before.Player, ships, after.Player, p.ships())
	}
	if st := s.Stats(); st.Resumed != 1 || st.Diverged > 0 {
		t.Errorf("the server has resumed %d sessions, and %d rows diverged", st.Resumed, st.Diverged)
	}
	t.Logf("away over %s, back over %s", before.Transport, after.Transport)
	p.wantNothingWrong()
}

// ships are the ids of one's own.
func (p *page) ships() (ids string) {
	p.t.Helper()
	p.eval(`[...arena.client.table("ship").owned()].map(([id]) => id).join()`, &ids)
	return ids
}

// TestWithoutUDPItIsAWebSocket: a page whose network has no UDP plays all the same.
func TestWithoutUDPItIsAWebSocket(t *testing.T) {
	b, s := launch(t), serve(t)
	s.crowd(t)
	way := newPath(t, s.Addr().String())
	way.dark.Store(true)
	p := b.open("tcp", way.url())
	p.wait(flying)
	p.hold("ArrowUp")
	p.play(60)
	p.release("ArrowUp")
	f := p.figures()
	if f.Transport != "websocket" {
		t.Errorf("without UDP it plays over %q", f.Transport)
	}
	t.Logf("flies %.0f ms after the page was asked for", f.Flight)
	p.screenshot("plays")
	if err := s.Freeze(f.Room); err != nil {
		t.Fatal(err)
	}
	s.wantSame(t, p)
	p.wantNothingWrong()
}
