package server

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/server/clock"
	"github.com/quicstep/quicstep/server/replicate"
)

// sureSends is how many datagrams the connection's own queue holds before it makes its caller wait.
const sureSends = 32

// fanout is the workers that choose, encode and send. Clients share no lock there: each pass works from an immutable View and
// one client's own state. A client whose connection would make a worker wait is left to a goroutine of its own for as long.
type fanout struct {
	began   time.Time
	clock   *clock.Clock
	period  time.Duration // of a tick
	workers int
	queue   chan *session // those who wait for their turn, each at most once
	ready   chan batch    // those whose turn it is; holds all who may begin at once, so that they do before QUIC's goroutines have their turn
	work    sync.WaitGroup
}

// newFanout starts as many workers as there are processors for them.
func newFanout(cfg Config, c *clock.Clock) *fanout {
	f := &fanout{
		began: time.Now(), clock: c, period: cfg.period(), workers: runtime.GOMAXPROCS(0),
		queue: make(chan *session, 2*cfg.Limits.MaxConns+cfg.Limits.MaxHeld), // those that have ended may be in it beside as many new ones
		ready: make(chan batch, rideFirst/batchMost),
	}
	for range f.workers {
		f.work.Go(f.run)
	}
	f.work.Go(f.spread)
	return f
}

// close waits for the workers to end. No session may have its passes open any more.
func (f *fanout) close() {
	close(f.queue)
	f.work.Wait()
}

func (f *fanout) run() {
	w := worker{fanout: f, scratch: new(replicate.Scratch)}
	for b := range f.ready {
		w.serveAll(&b)
	}
}

// worker is one of the goroutines that serve batches.
type worker struct {
	*fanout
	scratch *replicate.Scratch
	fetch   fetcher
}

// serveAll makes the passes of a batch. What they need is fetched from memory before the first of them.
func (w *worker) serveAll(b *batch) {
	label(workChoose)
	w.fetch.sessions(b)
	b.begin()
	w.fetch.passes(b)
	for _, s := range b {
		if s != nil {
			w.scratch = w.serve(s, w.scratch)
		}
	}
}

// begin begins the turns of a batch, and takes out those who may have none.
func (b *batch) begin() {
	for i, s := range b {
		switch {
		case s == nil:
		case s.turn.begin():
			s.collectAcks()
		default:
			b[i] = nil
		}
	}
}

// serve makes one pass for a session whose turn has begun, and returns the scratch space for the next one: after a panic, which
// costs that session alone, that is a new one.
func (f *fanout) serve(s *session, scratch *replicate.Scratch) (next *replicate.Scratch) {
	defer s.server.panics.Catch("pass", func() {
		f.broke(s)
		next = new(replicate.Scratch)
	})
	f.pass(s, scratch)
	return scratch
}

// broke ends a session in whose pass something has panicked.
func (f *fanout) broke(s *session) {
	s.broke()
	s.turn.shut()
	f.finish(s)
}

// pass makes one pass for a session whose turn has begun.
func (f *fanout) pass(s *session, scratch *replicate.Scratch) {
	label(workChoose)
	begin := time.Now()
	s.counters.spread.add(begin.Sub(f.began) - time.Duration(s.room.stepped.Load()))
	datagrams := s.prepare(scratch, begin)
	s.dark.passed(len(datagrams) > 0)
	chosen := time.Now()
	s.counters.choose.add(chosen.Sub(begin))
	s.game.phases.choose.add(chosen.Sub(begin))
	label(workHand)
	if s.replicate.UnderWay()+len(datagrams) <= sureSends {
		s.hand(datagrams)
		handed := time.Since(chosen)
		s.counters.hand.add(handed)
		s.game.phases.hand.add(handed)
		f.finish(s)
		return
	}
	for i, d := range datagrams {
		datagrams[i] = d.Clone() // the scratch is the next session's
	}
	datagrams = append([]replicate.Datagram(nil), datagrams...)
	f.work.Go(func() {
		defer s.server.panics.Catch("pass", func() { f.broke(s) })
		s.hand(datagrams)
		f.finish(s)
	})
}

// wake asks for a pass, since there is a new view. One that is asked for already serves.
func (f *fanout) wake(s *session) {
	if s.turn.ask() {
		f.queue <- s
	}
}

func (f *fanout) finish(s *session) {
	s.turn.finish(func() { f.queue <- s })
}

const (
	// darkFrom is how many passes in a row have nothing to send to a client in the dark, before it counts as one; darkMost bounds
	// how long it counts as one when it is back. One that is sent counts as darkBack that are not: a probe now and then is no light.
	darkFrom, darkMost, darkBack = 3, 8, 2
)

// dark tells which sessions have clients that acknowledge nothing. Their passes send nothing, and so wait for no turn: otherwise a
// crowd of players who are gone without a word would have those who play wait behind it.
type dark struct {
	empty atomic.Int32 // passes; whoever has the session's turn stores, the fanout reads
}

// passed notes a pass.
func (d *dark) passed(sent bool) {
	if sent {
		d.empty.Store(max(d.empty.Load()-darkBack, 0))
		return
	}
	d.empty.Store(min(d.empty.Load()+1, darkMost))
}

func (d *dark) is() bool { return d.empty.Load() >= darkFrom }

// turn keeps a session's passes to one goroutine at a time, and those that wait to one.
type turn struct {
	mu      sync.Mutex
	open    bool       // passes may be made
	asked   bool       // one is wanted: the session is in the queue, or will be when the present one is done
	running bool       // one is being made
	done    *sync.Cond // running became false
}

// start opens the passes.
func (t *turn) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open, t.done = true, sync.NewCond(&t.mu)
}

// shut lets no further pass begin.
func (t *turn) shut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = false
}

// end lets no further pass begin, and waits for the present one.
func (t *turn) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = false
	for t.running {
		t.done.Wait()
	}
}

// ask tells whether the session is to be put into the queue.
func (t *turn) ask() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open || t.asked {
		return false
	}
	t.asked = true
	return !t.running
}

// begin tells whether a session that was in the queue may have its pass.
func (t *turn) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = false
	t.running = t.open
	return t.open
}

// finish ends a pass. When another one is wanted, it has the session put into the queue, which has space, before end can
// return: whoever ends the passes closes the queue next.
func (t *turn) finish(put func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = false
	switch {
	case !t.open:
		t.asked = false // nobody puts it into the queue any more
		t.done.Broadcast()
	case t.asked:
		put()
	}
}
