package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
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

// serve runs a server with the arena until the test ends.
func serve(t *testing.T, c arena.Config) *host {
	t.Helper()
	g := arena.New(c)
	return &host{start(t, server.Config{Games: []world.Game{g}}), g}
}

// start runs a server at an address of its own until the test ends.
func start(t *testing.T, c server.Config) *server.Server {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	c.Addr = "127.0.0.1:0"
	s, err := server.New(c)
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
	return s
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
	Tick      uint64
	Frames    struct{ P50, P95, WorkP50, WorkP95 float64 }
	Stats     struct{ Diverged, Resumes, Predicted, Mispredicted uint64 }
}

func (p *page) figures() (f figures) {
	p.t.Helper()
	p.eval(`({flight: arena.firstFlight, transport: arena.client.transport, player: arena.client.player, room: arena.client.room, tick: arena.client.tick, frames: arena.frames(), stats: arena.client.stats()})`, &f)
	return f
}

// heapGrowth is how many bytes of the heap of a page may be more after a while: what it has come by once, and chance.
const heapGrowth = 1.5e6

// TestTwoPagesAndTenBots play in one room. Then it is frozen, and what a page has is what the server has.
func TestTwoPagesAndTenBots(t *testing.T) {
	b, s := launch(t), serve(t, arena.Config{Side: 1000, Drones: 150})
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
	if after-before > heapGrowth {
		t.Errorf("the heap of a page has grown by %.2f MB", (after-before)/1e6)
	}
	for _, p := range []*page{ann, bob} {
		p.release("ArrowUp")
		f := p.figures()
		t.Logf("%s flies %.0f ms after the page was asked for, over %s; frames p50 %.1f ms, p95 %.1f ms, of which work %.1f and %.1f ms; %d of %d predictions were wrong", p.name, f.Flight, f.Transport, f.Frames.P50, f.Frames.P95, f.Frames.WorkP50, f.Frames.WorkP95, f.Stats.Mispredicted, f.Stats.Predicted)
		if f.Transport != "webtransport" {
			t.Errorf("%s plays over %s", p.name, f.Transport)
		}
		p.screenshot("plays")
	}
	view := s.frozen(t, ann, bob)
	s.wantSame(t, ann, view)
	s.wantSame(t, bob, view)
	if st := s.Stats(); st.Diverged > 0 || st.CheckedRows == 0 || st.CheckedPages == 0 {
		t.Errorf("of %d rows and %d pages that clients reported %d are not the server's: %v", st.CheckedRows, st.CheckedPages, st.Diverged, st.FirstDivergence)
	}
	ann.wantNothingWrong()
	bob.wantNothingWrong()
}

// TestTwoPagesSeeEachOther where the whole arena is in sight: each has the other's ship, with its name, and sees it fly.
func TestTwoPagesSeeEachOther(t *testing.T) {
	b, s := launch(t), serve(t, arena.Config{Side: 250})
	ann, bob := b.open("ann", s.URL()), b.open("bob", s.URL())
	for _, p := range []*page{ann, bob} {
		p.wait(flying)
		p.wait(`arena.client.table("ship").size === 2`)
	}
	ship := fmt.Sprintf(`arena.client.table("ship").get(%s)`, ann.ships())
	ann.eval(`arena.client.ask("rename", {Name: "Ann"}).then(() => {})`, nil)
	bob.wait(ship + `.Name === "Ann"`)
	var x, y float64
	bob.eval(ship+`.X`, &x)
	bob.eval(ship+`.Y`, &y)
	ann.hold("ArrowUp")
	bob.wait(fmt.Sprintf(`Math.hypot(%s.X - %v, %s.Y - %v) > 5`, ship, x, ship, y))
	ann.release("ArrowUp")
	bob.screenshot("sees")
	ann.wantNothingWrong()
	bob.wantNothingWrong()
}

// TestAPageThatIsNotSeenFiresNoMore: it gets no frames, and may not hear that a key was let go.
func TestAPageThatIsNotSeenFiresNoMore(t *testing.T) {
	p := launch(t).open("ann", serve(t, arena.Config{}).URL())
	p.wait(flying)
	const ready = `[...arena.client.table("ship").owned()][0][1].Ready`
	p.hold("Space")
	p.wait(ready + ` > 0`)
	p.eval(`Object.defineProperty(document, "hidden", { value: true }) && document.dispatchEvent(new Event("visibilitychange"))`, new(any))
	p.wait(`arena.client.tick > ` + ready + ` + 60`) // two seconds after it could
	p.wantNothingWrong()
}

// TestALostTransportIsReplaced: no packet passes any more on the way that the page has; it goes on over another, as the same player.
func TestALostTransportIsReplaced(t *testing.T) {
	b, s := launch(t), serve(t, arena.Config{})
	way := newPath(t, s.Addr().String())
	p := b.open("lost", way.url())
	p.wait(flying)
	before := p.figures()
	ships := p.ships()
	way.cut()
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
	b, s := launch(t), serve(t, arena.Config{})
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
	s.wantSame(t, p, s.frozen(t, p))
	p.wantNothingWrong()
}

// TestADatagramIsReadInTime: decoded and applied; how long that takes is told, with nothing else to do.
func TestADatagramIsReadInTime(t *testing.T) {
	b, s := launch(t), serve(t, arena.Config{})
	file, err := os.ReadFile("../../testdata/wire/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schemas []struct{ Name, Hex string }
	if err := json.Unmarshal(file, &schemas); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(schemas, func(s struct{ Name, Hex string }) bool { return s.Name == "arena" })
	p := b.open("bench", s.URL())
	p.do(order{Do: "sdk"}, nil)
	for _, read := range []bool{false, true} {
		var times struct{ Bytes, Median, P95 float64 }
		p.eval(fmt.Sprintf(`sdk.measure(sdk.parseSchema(sdk.unhex(%q)), 10000, 20, %v)`, schemas[i].Hex, read), &times)
		t.Logf("a datagram of 50 records, %v bytes, rows read %v: median %.1f µs, p95 %.1f µs", times.Bytes, read, times.Median, times.P95)
		if times.Bytes < 350 {
			t.Errorf("a datagram of 50 records has only %v bytes", times.Bytes)
		}
	}
	p.wantNothingWrong()
}
