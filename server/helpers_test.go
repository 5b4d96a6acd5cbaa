package server_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// testRate is the tick rate on real sockets: fast, so that tests are short.
const testRate = 100

// patience is for how many ticks a test waits for what must come.
const patience = 3000

// certificate is valid in real time and in virtual time.
var certificate = sync.OnceValue(func() *tls.Certificate {
	cert, err := transport.NewDevCertificate(transport.DevCertificateParams{
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		Validity:  200 * 365 * 24 * time.Hour,
	})
	if err != nil {
		panic(err)
	}
	return &cert
})

// running is a server that serves.
type running struct {
	*server.Server
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
}

// serve starts a server, by default on a free loopback port; the test's end stops it, and Run must return nil.
func serve(t *testing.T, cfg server.Config) *running {
	t.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.TickRate == 0 {
		cfg.TickRate = testRate
	}
	if cfg.Certificate == nil && cfg.CertificateFile == "" {
		cfg.Certificate = certificate()
	}
	cfg.AnyoneMayJoin = cfg.Gate == nil
	cfg.Seed = 1
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Server: s, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.err = s.Run(ctx)
	}()
	t.Cleanup(func() { r.stop(t) })
	return r
}

// stop ends the server; it may be called more than once.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	<-r.ended
	if r.err != nil {
		t.Errorf("Run returned %v, want nil", r.err)
	}
}

// config is how clients of the server connect.
func (r *running) config() client.Config {
	return client.Config{Addr: r.Addr().String(), Pins: [][32]byte{r.Pin()}, Timeout: time.Minute}
}

func join(t *testing.T, r *running, g *arena) *client.Client[stride] {
	t.Helper()
	c, err := client.Join(t.Context(), g, r.config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// wantNoJoin joins, and returns why that did not work.
func wantNoJoin(t *testing.T, r *running, g *arena) error {
	t.Helper()
	c, err := client.Join(t.Context(), g, r.config())
	if err == nil {
		c.Close()
		t.Fatal("the join was accepted")
	}
	return err
}

// until waits, tick by tick of a client, for something to become true, and returns the rows then.
func until(t *testing.T, c *client.Client[stride], what string, is func(*world.View) bool) *world.View {
	t.Helper()
	v := c.View()
	for range patience {
		if is(v) {
			return v
		}
		next, err := c.Next(t.Context(), v)
		if err != nil {
			t.Fatalf("waiting for this: %s: %v", what, err)
		}
		v = next
	}
	t.Fatalf("in %d ticks this did not come true: %s", patience, what)
	return nil
}

// ticks waits for some more ticks of a client.
func ticks(t *testing.T, c *client.Client[stride], n uint64) {
	t.Helper()
	last := c.View().Tick + n
	until(t, c, fmt.Sprintf("tick %d", last), func(v *world.View) bool { return v.Tick >= last })
}

// own is the unit of the client's own player.
func own(g *arena, c *client.Client[stride], v *world.View) (u unit, ok bool) {
	for _, u := range g.Units.Owned(v, c.Player()) {
		return u, true
	}
	return unit{}, false
}

// wantSame checks that a client has what the server lets it see, once both rest.
func wantSame(t *testing.T, g *arena, server *world.View, c *client.Client[stride]) {
	t.Helper()
	for _, d := range differences(t, g, server, c) {
		t.Errorf("player %d: %s", c.Player(), d)
	}
}

func differences(t *testing.T, g *arena, server *world.View, c *client.Client[stride]) (out []string) {
	t.Helper()
	want, err := world.NewReplica(g, c.Player(), c.TickPeriod().Nanoseconds())
	if err != nil {
		t.Fatal(err)
	}
	seat, _ := server.Seat(c.Player())
	for table := range server.Tables() {
		for n, p := range server.Pages(table) {
			for row := range 64 {
				if p.Used()>>row&1 != 0 {
					id := schema.MakeID(uint32(n*64+row), p.Generation(row))
					want.Put(table, id, p.Class(row, c.Player(), seat.Team), p.Words(row), p.Texts(row))
				}
			}
		}
	}
	all, got := want.View(server.Tick), c.View()
	at := func(x, y float32) float64 { return math.Hypot(float64(x)-seat.Pos.X, float64(y)-seat.Pos.Y) }
	out = append(out, compare(g.Units, all, got, func(id world.ID, u unit) float64 {
		if g.Units.OwnerOf(all, id) == c.Player() {
			return 0
		}
		return at(u.X, u.Y)
	})...)
	out = append(out, compare(g.Stones, all, got, func(id world.ID, s stone) float64 {
		if g.Stones.OwnerOf(all, id) == c.Player() {
			return 0
		}
		return at(s.X, s.Y)
	})...)
	out = append(out, compare(g.Kites, all, got, func(id world.ID, k kite) float64 {
		if g.Kites.OwnerOf(all, id) == c.Player() {
			return 0
		}
		return at(k.X, k.Y)
	})...)
	out = append(out, compare(g.Banners, all, got, func(world.ID, banner) float64 { return 0 })...)
	if a, b := first(g.Score.Get(all)), first(g.Score.Get(got)); a != b {
		out = append(out, fmt.Sprintf("the score is %+v, want %+v", b, a))
	}
	return out
}

func first[T any](v T, _ bool) T { return v }

// compare names what differs in a table. What stands between the radius and a tenth more may be in sight or
// not: it depends on where it came from.
func compare[T comparable](table world.Table[T], all, got *world.View, distance func(world.ID, T) float64) (out []string) {
	for id, want := range table.All(all) {
		d := distance(id, want)
		row, here := table.Get(got, id)
		switch {
		case !here && d < sight-1:
			out = append(out, fmt.Sprintf("%v, %.1f away, is missing: %+v", id, d, want))
		case here && d > sight*1.1+1:
			out = append(out, fmt.Sprintf("%v, %.1f away, is in sight", id, d))
		case here && row != want:
			out = append(out, fmt.Sprintf("%v is %+v, want %+v", id, row, want))
		}
	}
	for id := range table.All(got) {
		if !table.Has(all, id) {
			out = append(out, fmt.Sprintf("%v is here and should be gone", id))
		}
	}
	return out[:min(len(out), 10)]
}

func listenPacket(t *testing.T) net.PacketConn {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return socket
}

// keys are the units' keys as a client knows them, sorted.
func keys(g *arena, v *world.View) (out []uint16) {
	for _, u := range g.Units.All(v) {
		out = append(out, u.Key)
	}
	slices.Sort(out)
	return out
}

// plainOnly leaves a test of figures over minutes of virtual time to the run without the race detector, which takes
// eight times as long. Races are sought by TestSimulation, whose clients do the same, and by all that don't call this.
func plainOnly(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("figures, not races: played without the race detector")
	}
}
