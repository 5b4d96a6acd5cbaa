package server

import (
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-memdb"

	"github.com/quicstep/quicstep/server/clock"
	"github.com/quicstep/quicstep/server/contain"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// crate is a row of the game below.
type crate struct {
	X float32 `net:"range=0:1000,step=0.5,pos=x"`
	Y float32 `net:"range=0:1000,step=0.5,pos=y"`
}

// BenchmarkTickWatched is a room's tick with players in it, alone and while somebody reads everything that a watcher may read
// of it, ten times as often as a console: what a watcher adds is processor time of its own. The objects that the room's
// goroutine allocates in a tick are counted apart, with the watcher's requests in between.
func BenchmarkTickWatched(b *testing.B) {
	for _, watched := range []bool{false, true} {
		name := "alone"
		if watched {
			name = "watched"
		}
		b.Run(name, func(b *testing.B) { benchmarkTick(b, watched) })
	}
}

// benchPlayers is how many players are seated in the room that is measured.
const benchPlayers = 8

func benchmarkTick(b *testing.B, watched bool) {
	s := newBenchRoom(b, benchPlayers)
	var others sync.WaitGroup
	stop := make(chan struct{})
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			case sess := <-s.fanout.queue:
				s.serve(batch{sess})
			}
		}
	})
	if watched {
		others.Go(func() {
			again := time.NewTicker(100 * time.Millisecond)
			defer again.Stop()
			for {
				select {
				case <-stop:
					return
				case <-again.C:
					s.look()
				}
			}
		})
	}
	due := time.Now()
	for b.Loop() {
		s.step(due)
	}
	close(stop)
	others.Wait()
	s.passes()
	var counts []uint64
	for range 100 {
		done := func() {}
		if watched {
			s.look()
			done = s.askSights()
		}
		counts = append(counts, s.mallocs())
		s.passes()
		done()
	}
	slices.Sort(counts)
	b.ReportMetric(float64(counts[len(counts)/2]), "room-allocs/tick")
}

// benchRoom is a server that is not run, with a room whose ticks and passes are made by hand.
type benchRoom struct {
	*Server
	tb     testing.TB
	row    *roomRow
	seated []*session
	far    map[*session]*transport.Far
	worker *worker
}

func newBenchRoom(tb testing.TB, players int) *benchRoom {
	return newRoomOf(tb, crateGame(), players)
}

func crateGame() world.Game {
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
	return g
}

// newRoomOf makes a room of a game called "bench".
func newRoomOf(tb testing.TB, g world.Game, players int) *benchRoom {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	cfg, err := Config{Games: []world.Game{g}, Log: log, Sleeper: clock.Portable()}.withDefaults()
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Limits.EmptyRoomLifetime = 1 << 62
	cfg.Limits.DatagramsPerSecond = 1 << 30
	ours, err := newGame(g, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	s := &benchRoom{
		Server: &Server{cfg: cfg, games: map[string]*game{"bench": ours}, first: ours, rules: cfg.rules(), panics: contain.NewPanics(log)},
		tb:     tb, far: map[*session]*transport.Far{},
	}
	if s.directory, err = newDirectory(); err != nil {
		tb.Fatal(err)
	}
	s.fanout = &fanout{began: time.Now(), queue: make(chan *session, max(players, 1))}
	s.worker = &worker{fanout: s.fanout, scratch: new(replicate.Scratch)}
	s.row = &roomRow{id: newID(), game: "bench", name: "bench", most: max(players, 1), opened: time.Now()}
	if s.row.room, err = newRoom(s.Server, ours, s.row, 1); err != nil {
		tb.Fatal(err)
	}
	s.directory.mu.Lock()
	s.directory.write(func(txn *memdb.Txn) error { return txn.Insert(roomRows, s.row) })
	s.directory.mu.Unlock()
	for range players {
		s.seat()
	}
	return s
}

// seat lets a player in, over a pipe whose client says nothing.
func (s *benchRoom) seat() {
	conn, far := transport.Pipe(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1})
	sess := newSession(s.Server, &connection{conn: conn})
	sess.game, sess.room = s.first, s.row.room
	s.row.room.join(sess)
	s.step(time.Now())
	if answer := <-sess.joined; answer.refusal != nil {
		s.tb.Fatal(answer.refusal.reason)
	}
	if err := sess.begin(); err != nil {
		s.tb.Fatal(err)
	}
	s.directory.enter(sess.row())
	sess.turn.start()
	s.seated, s.far[sess] = append(s.seated, sess), far
	s.tb.Cleanup(far.Lose)
}

func (s *benchRoom) step(due time.Time) {
	if err := s.row.room.step(due); err != nil {
		s.tb.Fatal(err)
	}
}

// passes makes those that wait.
func (s *benchRoom) passes() {
	for len(s.fanout.queue) > 0 {
		var b batch
		for i := 0; i < len(b) && len(s.fanout.queue) > 0; i++ {
			b[i] = <-s.fanout.queue
		}
		s.serve(b)
	}
	s.fanout.work.Wait()
}

// serve makes the passes of a batch.
func (s *benchRoom) serve(b batch) {
	seen := b
	s.worker.serveAll(&b)
	for _, sess := range seen {
		if sess != nil {
			s.far[sess].Datagrams()
		}
	}
}

// look reads all that a watcher may read without a word to anybody.
func (s *benchRoom) look() {
	s.Figures()
	s.Rooms()
	s.Games()
	s.Sessions()
	if _, _, err := s.SlowTicks("bench"); err != nil {
		s.tb.Error(err)
	}
	if _, err := s.Look("bench"); err != nil {
		s.tb.Error(err)
	}
}

// askSights asks what a player was sent, which the player's next pass answers; it returns once that waits. Call done after
// that pass.
func (s *benchRoom) askSights() (done func()) {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if why, err := s.Sights(s.tb.Context(), "bench", s.seated[0].player, "crate"); err != nil || len(why) != 1000 {
			s.tb.Errorf("of %d rows it is known why they were sent; %v", len(why), err)
		}
	}()
	for !s.seated[0].asked.Load() {
		runtime.Gosched()
	}
	return func() { <-answered }
}

// mallocs makes a tick, and counts the objects that are allocated meanwhile: nobody but the room allocates then.
func (s *benchRoom) mallocs() uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s.step(time.Now())
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// TestAWatcherCostsTheLoopNoMemory: a tick allocates as many objects with a watcher who asks for rooms, the room, its players
// and what one of them was sent as it does without. The medians are compared, since the runtime has its own doings now and then.
func TestAWatcherCostsTheLoopNoMemory(t *testing.T) {
	s := newBenchRoom(t, 4)
	var alone, watched []uint64
	for range 101 {
		alone = append(alone, s.mallocs())
		s.passes()
		s.look()
		done := s.askSights()
		watched = append(watched, s.mallocs())
		s.passes()
		done()
	}
	slices.Sort(alone)
	slices.Sort(watched)
	if a, w := alone[50], watched[50]; a != w || a == 0 {
		t.Errorf("a tick allocates %d objects alone, and %d while it is watched", a, w)
	}
}

// TestAWatcherTakesNoLockOfTheLoop: all that the loop and players' inputs ever lock is locked here, and a watcher is answered.
func TestAWatcherTakesNoLockOfTheLoop(t *testing.T) {
	s := newBenchRoom(t, 2)
	s.step(time.Now())
	s.passes()
	locks := []sync.Locker{&s.directory.mu, &s.row.room.mu}
	for _, sess := range s.seated {
		locks = append(locks, &sess.inbox.mu, &sess.outbox.mu, &sess.turn.mu, &sess.ackMu, &sess.answers.mu)
	}
	for _, lock := range locks {
		lock.Lock()
		defer lock.Unlock()
	}
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		s.look()
		if players := s.Sessions(); len(players) != 2 || players[0].Inputs.Neutral == 0 {
			t.Errorf("the players are %+v", players)
		}
	}()
	select {
	case <-looked:
	case <-time.After(time.Minute):
		t.Fatal("it waits for a lock")
	}
}

// TestMeasuringAllocatesNothing: what a tick writes down for watchers takes no memory, and what a watcher reads changes
// nothing for it. That holds for slow ticks, too, and for the marks of traces while none is taken.
func TestMeasuringAllocatesNothing(t *testing.T) {
	s := newBenchRoom(t, 0)
	s.step(time.Now())
	r := s.row.room
	view := r.view.Load()
	if n := testing.AllocsPerRun(100, func() {
		r.begin(time.Now(), time.Now())
		r.enter(r.work.drain)
		r.enter(r.work.step)
		for part := range r.game.parts {
			r.mark(part)
		}
		r.enter(r.work.publish)
		r.measure(view)
		r.pulse.overran(view.Tick)
		r.pulse.slow.last = 0
		r.pulse.noteSlow(view, 0, true)
	}); n != 0 {
		t.Errorf("to measure a tick allocates %v objects", n)
	}
	if f := s.Figures(); len(f) != 1 || f[0].Entities != 1000 || len(f[0].Parts) != 8 {
		t.Errorf("%+v", f)
	}
}
