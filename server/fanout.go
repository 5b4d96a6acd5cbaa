package server

import (
	"runtime"
	"sync"
	"time"

	"github.com/quicstep/quicstep/server/replicate"
)

const (
	// batchPasses is how many passes a worker makes before it lets the connections send what they have been given: enough
	// that what passes share stays in the processor's caches, few enough that the first of a batch is not held up.
	batchPasses = 16
	// sureSends is how many datagrams the connection's own queue holds before it makes its caller wait.
	sureSends = 32
)

// fanout is the workers that choose, encode and send. Clients share no lock there: each pass works from an immutable View and
// one client's own state. A client whose connection would make a worker wait is left to a goroutine of its own for as long.
type fanout struct {
	began time.Time
	queue chan *session // each at most once
	work  sync.WaitGroup
}

// newFanout starts as many workers as there are processors for them, for so many connections.
func newFanout(conns int) *fanout {
	f := &fanout{began: time.Now(), queue: make(chan *session, 2*conns)} // those that have ended may be in it beside as many new ones
	for range runtime.GOMAXPROCS(0) {
		f.work.Go(f.run)
	}
	return f
}

// close waits for the workers to end. No session may have its passes open any more.
func (f *fanout) close() {
	close(f.queue)
	f.work.Wait()
}

func (f *fanout) run() {
	scratch := new(replicate.Scratch)
	passes := 0
	for s := range f.queue {
		if s.turn.begin() {
			f.pass(s, scratch)
		}
		if passes++; passes%batchPasses == 0 {
			runtime.Gosched()
		}
	}
}

// pass makes one pass for a session whose turn has begun.
func (f *fanout) pass(s *session, scratch *replicate.Scratch) {
	label(workChoose)
	begin := time.Now()
	s.counters.spread.add(begin.Sub(f.began) - time.Duration(s.room.stepped.Load()))
	datagrams := s.prepare(scratch, begin)
	chosen := time.Now()
	s.counters.choose.add(chosen.Sub(begin))
	label(workHand)
	if s.replicate.UnderWay()+len(datagrams) <= sureSends {
		s.hand(datagrams)
		s.counters.hand.add(time.Since(chosen))
		f.finish(s)
		return
	}
	for i, d := range datagrams {
		datagrams[i] = d.Clone() // the scratch is the next session's
	}
	datagrams = append([]replicate.Datagram(nil), datagrams...)
	f.work.Go(func() {
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
	if s.turn.finish() {
		f.queue <- s
	}
}

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

// finish tells whether the session is to be put into the queue again.
func (t *turn) finish() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = false
	if !t.open {
		t.done.Broadcast()
	}
	return t.open && t.asked
}
