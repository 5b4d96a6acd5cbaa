package client_test

import (
	"log/slog"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// shelf is a game of a few rows that rest.
type shelf struct {
	*world.GameOf[struct{}]
	jars world.Table[jar]
}

type jar struct {
	Level float32 `net:"range=0:10,step=0.5"`
	Label string  `net:"max=10"`
}

func newShelf() *shelf {
	g := &shelf{GameOf: world.NewGame[struct{}]("shelf")}
	g.jars = world.AddTable[jar](g, "jar")
	g.OnStart(func(tx *world.Tx) {
		for _, label := range []string{"salt", "tea", "rice"} {
			g.jars.Insert(tx, jar{Level: 5, Label: label})
		}
	})
	return g
}

// forged is a state datagram with one record, that the server did not send. Its number is one that both sides have
// forgotten, so that no acknowledgement tells of it.
func forged(t *testing.T, c *client.Client[struct{}], kind protocol.RecordKind, fields func(b []byte) []byte) []byte {
	t.Helper()
	sequence, tick := c.Newest()
	b := protocol.AppendStateHeader(nil, protocol.StateHeader{Epoch: 1, Sequence: sequence - 3*protocol.AckBits, Tick: tick})
	b = protocol.AppendSection(b, protocol.Section{Class: schema.Public, Kind: kind})
	protocol.CountSection(b, protocol.StateHeaderBytes, 1)
	return fields(b)
}

// TestWhatAReplicaGetsWrongIsNamed spoils one client's replica, and waits for the server to find out.
func TestWhatAReplicaGetsWrongIsNamed(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   protocol.RecordKind
		record func(s *schema.Schema, b []byte) []byte
		index  uint32
		want   protocol.Diverged
	}{
		{"a field that flipped", protocol.Partial, func(s *schema.Schema, b []byte) []byte {
			words, texts := []uint32{11, 0}, []string{""}
			return s.Tables[0].AppendRow(protocol.AppendPartial(b, 1, 1, false), schema.Public, 1, words, texts)
		}, 1, protocol.Diverged{Field: "Level", Server: "5", Client: "5.5"}},
		{"a text that changed", protocol.Partial, func(s *schema.Schema, b []byte) []byte {
			return s.Tables[0].AppendRow(protocol.AppendPartial(b, 2, 2, false), schema.Public, 2, []uint32{0, 0}, []string{"lice"})
		}, 2, protocol.Diverged{Field: "Label", Server: "rice", Client: "lice"}},
		{"a row that went", protocol.Removed, func(_ *schema.Schema, b []byte) []byte {
			return protocol.AppendRemoved(b, 0, 0)
		}, 0, protocol.Diverged{Field: "row", Server: "in sight", Client: "missing"}},
		{"a row that came", protocol.Full, func(s *schema.Schema, b []byte) []byte {
			return s.Tables[0].AppendRow(protocol.AppendFull(b, 7, 1), schema.Public, 3, []uint32{3, 0}, []string{"x"})
		}, 7, protocol.Diverged{Field: "row", Server: "not in sight", Client: "here"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newShelf()
			s := serve(t, server.Config{Games: []world.Game{g}, Certificate: certificate(), AnyoneMayJoin: true})
			cfg := client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}}
			fine := joinShelf(t, g, cfg)
			said := &safeBuffer{}
			cfg.Log = slog.New(slog.NewTextHandler(said, nil))
			spoiled := joinShelf(t, g, cfg)
			view := nextUntil(t, spoiled, func() bool { n, _ := spoiled.Newest(); return n > 4*protocol.AckBits })
			if n := s.Stats().Diverged; n != 0 {
				t.Fatalf("%d rows differ before anything is wrong", n)
			}
			sch, _ := world.SchemaOf(g)
			spoiled.Inject(forged(t, spoiled, c.kind, func(b []byte) []byte { return c.record(sch, b) }))
			nextUntil(t, spoiled, func() bool { return len(spoiled.Diverged()) > 0 })
			got := spoiled.Diverged()[0]
			if got.Tick < view.Tick || got.Table != 0 || got.Entity.Index() != c.index || got.Field != c.want.Field || got.Server != c.want.Server || got.Client != c.want.Client {
				t.Errorf("the divergence is %+v, want row %d and %+v, after tick %d", got, c.index, c.want, view.Tick)
			}
			nextUntil(t, spoiled, func() bool { return spoiled.Stats().Checks.Diverged > 0 })
			first := s.Stats().FirstDivergence
			if first.Player != spoiled.Player() || first.Tick != got.Tick || first.Table != "jar" || first.Row != got.Entity.String() ||
				first.Field != got.Field || first.Server != got.Server || first.Client != got.Client {
				t.Errorf("the server's first divergence is %+v, and the client was told %+v", first, got)
			}
			if log := said.String(); strings.Count(log, "the replica diverged") == 0 || !strings.Contains(log, "field="+c.want.Field) {
				t.Errorf("the client's log says %q", log)
			}
			nextUntil(t, spoiled, func() bool { return sameJars(g, fine.View(), spoiled.View()) })
			if st := s.Stats(); st.Resent == 0 || st.ResendsRefused != 0 {
				t.Errorf("the server told %d rows anew and refused %d", st.Resent, st.ResendsRefused)
			}
			if s.Stats().Diverged == 0 || len(fine.Diverged()) != 0 || fine.Stats().Checks.Diverged != 0 {
				t.Errorf("the server counts %d, and of the other client %v", s.Stats().Diverged, fine.Diverged())
			}
		})
	}
}

// sameJars tells whether two clients have the same rows.
func sameJars(g *shelf, one, other *world.View) bool {
	return maps.Equal(maps.Collect(g.jars.All(one)), maps.Collect(g.jars.All(other)))
}

// safeBuffer takes a log from any goroutine.
type safeBuffer struct {
	mu  sync.Mutex
	all strings.Builder
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

func joinShelf(t *testing.T, g *shelf, cfg client.Config) *client.Client[struct{}] {
	t.Helper()
	c, err := client.Join(t.Context(), g, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// nextUntil waits, tick by tick, until something is so.
func nextUntil(t *testing.T, c *client.Client[struct{}], is func() bool) *world.View {
	t.Helper()
	view := c.View()
	for range 3000 {
		if is() {
			return view
		}
		var err error
		if view, err = c.Next(t.Context(), view); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("it did not become so in 3,000 ticks")
	return nil
}

func TestRowsAreReportedAndCompared(t *testing.T) {
	g := newShelf()
	s := serve(t, server.Config{Games: []world.Game{g}, Certificate: certificate(), AnyoneMayJoin: true})
	c := joinShelf(t, g, client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}})
	nextUntil(t, c, func() bool { st := c.Stats().Checks; return st.Rows >= 4 && st.Pages >= 4 })
	if st := s.Stats(); st.CheckedRows < 4 || st.CheckedPages < 4 || st.Diverged != 0 {
		t.Errorf("the server has compared %d rows and %d pages, and %d differ", st.CheckedRows, st.CheckedPages, st.Diverged)
	}
}

func TestAConfigurationThatContradictsItselfIsRefused(t *testing.T) {
	for _, cfg := range []client.Config{{Room: "a", Private: true}, {Room: "a", Code: "b"}, {Private: true, Code: "b"}, {Existing: true}, {Timeout: -1}, {Reconnect: -1}, {PacketConn: &net.UDPConn{}, Socket: &client.Socket{}}} {
		if _, err := client.Join(t.Context(), newShelf(), cfg); err == nil || !strings.Contains(err.Error(), "client: ") {
			t.Errorf("%+v was answered with %v", cfg, err)
		}
	}
}
