package replicate_test

import (
	"slices"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// stage is a world with one client behind a network that loses nothing and takes a fixed number of ticks.
type stage struct {
	t         *testing.T
	world     *world.World
	view      *world.View
	server    *replicate.Client
	replica   *replica.Replica
	scratch   replicate.Scratch
	period    time.Duration
	delay     int // ticks, there and back again
	acks      []protocol.Input
	header    protocol.StateHeader // of the newest datagram
	reader    protocol.StateReader
	fulls     int            // full records in the latest tick
	datagrams [][]byte       // of the latest tick
	path      replicate.Path // told in each pass
	now       time.Time
}

func newStage(t *testing.T, g world.Game, cfg replicate.Config, delay int) *stage {
	t.Helper()
	return newStageAt(t, g, world.Config{Seed: 1}, cfg, delay)
}

func newStageAt(t *testing.T, g world.Game, room world.Config, cfg replicate.Config, delay int) *stage {
	t.Helper()
	w, err := world.New(g, room)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, world: w, period: cfg.Period, delay: delay, now: time.Unix(0, 0)}
	s.step(world.Commands{Joins: []world.Join{{Player: 1}}})
	if s.server, err = replicate.NewClient(s.view.Schema(), 1, 1, 1, cfg); err != nil {
		t.Fatal(err)
	}
	if s.replica, err = replica.New(s.view.Schema(), replica.Config{Epoch: 1, Tick: s.view.Tick, Sequence: 1, Age: age}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) step(c world.Commands) {
	s.t.Helper()
	_, view, err := s.world.Step(c)
	if err != nil {
		s.t.Fatal(err)
	}
	s.view, s.now = view, s.now.Add(s.period)
}

// run plays ticks: the client reads at once, and what it acknowledges arrives after the delay.
func (s *stage) run(ticks int) {
	s.t.Helper()
	for range ticks {
		s.step(world.Commands{})
		if len(s.acks) > s.delay {
			if a := s.acks[0]; a.HasAck {
				if _, err := s.server.Ack(a.Epoch, protocol.Short(a.Newest), a.Missing, s.now); err != nil {
					s.t.Fatal(err)
				}
			}
			s.acks = s.acks[1:]
		}
		s.fulls, s.datagrams = 0, nil
		for _, d := range s.server.Pass(replicate.Pass{View: s.view, Now: s.now, Path: s.path}, &s.scratch) {
			s.datagrams = append(s.datagrams, slices.Clone(d.Bytes))
			applied, err := s.replica.Apply(d.Bytes)
			if err != nil {
				s.t.Fatal(err)
			}
			s.header = applied.Header
			s.countFulls(d.Bytes)
			s.server.Sent(d)
		}
		var in protocol.Input
		s.replica.Ack(&in)
		s.acks = append(s.acks, in)
	}
}

func (s *stage) countFulls(b []byte) {
	s.t.Helper()
	if err := s.reader.Open(b, s.view.Schema()); err != nil {
		s.t.Fatal(err)
	}
	var rec protocol.Record
	for s.reader.Next(&rec) {
		if rec.Kind == protocol.Full {
			s.fulls++
		}
	}
}

// here counts the rows that the client has.
func (s *stage) here() (n int) {
	for range s.replica.All(0) {
		n++
	}
	return n
}

// herd is a crowd of which the player owns some.
type herd struct {
	*crowd
	owned, others int
	extra         func(tx *world.Tx)
}

func newHerd(owned, others int, radius float64) *herd {
	g := &herd{crowd: newCrowd(0, sightRadius, 1), owned: owned, others: others, extra: func(*world.Tx) {}}
	move := g.tick()
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		tx.SetView(p, world.Pos{X: 500, Y: 500}, radius)
		for i := range owned + others {
			options := []world.RowOption{}
			if i >= others {
				options = append(options, world.Owner(p))
			}
			g.Movers.Insert(tx, mover{X: 450 + float32(i%100), Y: 500}, options...)
		}
		return nil
	})
	g.OnTick(func(tx *world.Tx) {
		move(tx)
		g.extra(tx)
	})
	return g
}

// tick moves every row a little.
func (g *herd) tick() func(tx *world.Tx) {
	return func(tx *world.Tx) {
		for id := range g.Movers.All(tx) {
			g.Movers.Edit(tx, id).X += float32(tx.Tick()%2)*4 - 2
		}
	}
}

func TestManyOwnRowsStarveNobody(t *testing.T) {
	s := newStage(t, newHerd(900, 10, 200), replicate.Config{Period: tickDur}, 2)
	s.run(100)
	if n := s.here(); n != 910 {
		t.Errorf("%d of 910 rows have arrived", n)
	}
}

func TestARemovalIsToldHoweverMuchMoves(t *testing.T) {
	g := newHerd(0, 1000, 200)
	s := newStage(t, g, replicate.Config{Period: tickDur, SteadyRate: true}, 2)
	s.run(50)
	small, err := replicate.NewClient(s.view.Schema(), 1, 1, s.server.NextSequence(), replicate.Config{Period: tickDur, SteadyRate: true, BudgetBytes: 64})
	if err != nil {
		t.Fatal(err)
	}
	s.server, s.acks = small, nil // a link that carries next to nothing
	s.run(300)
	had := s.here()
	first := world.ID(1 << 20)
	g.extra = func(tx *world.Tx) { g.Movers.Remove(tx, first) }
	s.run(1000)
	if _, ok := s.replica.Get(0, 0); ok || had != 1000 {
		t.Errorf("the removed row is here: %v (%d rows were before)", ok, had)
	}
}

func TestALongRoundTripConverges(t *testing.T) {
	period := time.Second / 60
	g := newHerd(0, 700, 0)
	g.extra = func(tx *world.Tx) {
		if tx.Tick() == 300 { // once the round trip is known, and that much may be under way
			tx.SetView(1, world.Pos{X: 500, Y: 500}, 200)
		}
	}
	s := newStage(t, g, replicate.Config{Period: period, SteadyRate: true}, 48)
	s.run(1500)
	if s.here() != 700 || s.fulls > 0 {
		t.Errorf("20 s after the view jumped, with a round trip of 0.8 s, %d of 700 rows are here, and %d are still sent in full", s.here(), s.fulls)
	}
}

func TestTheFirstViewIsCompleteOnceItHasArrived(t *testing.T) {
	g := newHerd(0, 500, 200)
	s := newStage(t, g, replicate.Config{Period: tickDur, BudgetBytes: 200}, 2)
	g.extra = func(tx *world.Tx) { // renews every row's rights
		for id := range g.Movers.All(tx) {
			g.Movers.SetTeam(tx, id, world.TeamID(tx.Tick()/5%2))
		}
	}
	for range 20 {
		s.run(1)
		if s.header.ViewComplete && s.here() < 500 {
			t.Fatalf("the view is called complete with %d of 500 rows", s.here())
		}
	}
	g.extra = func(*world.Tx) {}
	s.run(300)
	if !s.header.ViewComplete || s.here() != 500 {
		t.Errorf("complete: %v, with %d of 500 rows", s.header.ViewComplete, s.here())
	}
}

func TestWithoutAViewOnlyOwnRowsAreSeen(t *testing.T) {
	g := newHerd(1, 0, 0)
	g.extra = func(tx *world.Tx) {
		if tx.Tick() == 3 {
			g.Movers.Insert(tx, mover{X: 500, Y: 500}) // right where the player stands
		}
	}
	s := newStage(t, g, replicate.Config{Period: tickDur}, 2)
	s.run(20)
	if n := s.here(); n != 1 {
		t.Errorf("%d rows are seen, want the own one", n)
	}
}

func TestAWideWorldTakesNoSquareOfMemory(t *testing.T) {
	type wide struct {
		X float32 `net:"range=0:200000,step=0.5,pos=x"`
		Y float32 `net:"range=0:100,step=0.5,pos=y"`
	}
	g := world.NewGame[struct{}]("wide")
	world.AddTable[wide](g, "wide", world.CellSize(25))
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		tx.SetView(p, world.Pos{X: 100_000}, 1e6)
		return nil
	})
	s := newStage(t, g, replicate.Config{Period: tickDur}, 2)
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		s.run(1)
	}).MemBytes
	if allocated > 4<<20 {
		t.Errorf("a view of 8,001 by 5 cells took %d bytes", allocated)
	}
}

func keys[K, V any](seq func(func(K, V) bool)) func(func(K) bool) {
	return func(yield func(K) bool) {
		seq(func(k K, _ V) bool { return yield(k) })
	}
}
