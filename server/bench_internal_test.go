package server

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/hashicorp/go-memdb"

	"github.com/quicstep/quicstep/server/clock"
	"github.com/quicstep/quicstep/world"
)

// crate is a row of the game below.
type crate struct {
	X float32 `net:"range=0:1000,step=0.5,pos=x"`
	Y float32 `net:"range=0:1000,step=0.5,pos=y"`
}

// BenchmarkTickWatched is a room's tick, alone and while somebody reads everything that a watcher may read of it: what a
// watcher adds is processor time of its own, and nothing to what the tick allocates.
func BenchmarkTickWatched(b *testing.B) {
	for _, watched := range []bool{false, true} {
		name := "alone"
		if watched {
			name = "watched"
		}
		b.Run(name, func(b *testing.B) { benchmarkTick(b, watched) })
	}
}

func benchmarkTick(b *testing.B, watched bool) {
	s, row := benchServer(b)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for watched {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond): // ten times as often as a console
			}
			s.Figures()
			s.Games()
			s.Sessions()
		}
	}()
	due := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if err := row.room.step(due); err != nil {
			b.Fatal(err)
		}
	}
	close(stop)
	<-stopped
}

// benchServer is a server that is not run, with a room whose ticks are made by hand.
func benchServer(tb testing.TB) (*Server, *roomRow) {
	g := world.NewGame[struct{ DX int8 }]("bench")
	crates := world.AddTable[crate](g, "crate")
	g.OnStart(func(tx *world.Tx) {
		for i := range 1000 {
			crates.Insert(tx, crate{X: float32(i)})
		}
	})
	g.System("push", func(tx *world.Tx) {
		for id, c := range crates.All(tx) {
			crates.Edit(tx, id).Y = float32(int(c.Y+1) % 1000)
		}
	})
	cfg, err := Config{Games: []world.Game{g}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Sleeper: clock.Portable()}.withDefaults()
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Limits.EmptyRoomLifetime = 1 << 62
	ours, err := newGame(g, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{cfg: cfg, games: map[string]*game{"bench": ours}, first: ours}
	if s.directory, err = newDirectory(); err != nil {
		tb.Fatal(err)
	}
	s.fanout = &fanout{began: time.Now()}
	row := &roomRow{id: newID(), game: "bench", name: "bench", most: 1, opened: time.Now()}
	if row.room, err = newRoom(s, ours, row, 1); err != nil {
		tb.Fatal(err)
	}
	s.directory.mu.Lock()
	s.directory.write(func(txn *memdb.Txn) error { return txn.Insert(roomRows, row) })
	s.directory.mu.Unlock()
	return s, row
}

// TestMeasuringAllocatesNothing: what a tick writes down for watchers takes no memory, and what a watcher reads changes
// nothing for it.
func TestMeasuringAllocatesNothing(t *testing.T) {
	s, row := benchServer(t)
	if err := row.room.step(time.Now()); err != nil {
		t.Fatal(err)
	}
	r := row.room
	tick := uint64(1)
	if n := testing.AllocsPerRun(100, func() {
		tick++
		r.pulse.begin(time.Now())
		for part := range r.pulse.parts {
			r.pulse.over(part, time.Now())
		}
		r.measure(tick)
		r.pulse.overran(tick)
	}); n != 0 {
		t.Errorf("to measure a tick allocates %v objects", n)
	}
	if f := s.Figures(); len(f) != 1 || f[0].Entities != 1000 || len(f[0].Parts) != 8 {
		t.Errorf("%+v", f)
	}
}
