package server

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/world"
)

// TestPassesAreSpreadOverTheTick: a burst's first begin at once, the others no faster than the processors take, and all of
// them before the next tick; soon after the tick where acknowledgements ride both ways.
func TestPassesAreSpreadOverTheTick(t *testing.T) {
	for _, rate := range []int{10, 20, 30, 60, 240} {
		cfg, err := Config{Games: []world.Game{pushes()}, TickRate: rate}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		first, within := spreadFirst, time.Duration(spreadMost*float64(cfg.period()))
		if rate >= 30 {
			first, within = rideFirst, min(within, spreadRide)
		}
		f := &fanout{period: cfg.period(), workers: 1}
		for _, burst := range []int{10, spreadFirst, 200, 500, 5000} {
			took := spreadTime(t, f, burst, first)
			if most := within + spreadEvery; took > most {
				t.Errorf("at %d Hz %d passes have begun after %v, want %v at most", rate, burst, took, most)
			}
			if least := min(time.Duration(burst-first)*passTime, within/2); took < least {
				t.Errorf("at %d Hz %d passes have begun after %v, want %v at least", rate, burst, took, least)
			}
		}
	}
}

// spreadTime is after what time all passes of a burst have begun, of which so many are to begin at once.
func spreadTime(t *testing.T, f *fanout, burst, first int) time.Duration {
	t.Helper()
	start := time.Unix(1000, 0)
	now, left := start, burst
	may := f.allowed()
	for left > 0 {
		for left > 0 && may.take(now, f.rate(may.burst(left))) {
			left--
		}
		if begun := burst - left; now.Equal(start) && begun != min(burst, first) {
			t.Errorf("of %d passes %d begin at once, want %d", burst, begun, min(burst, first))
		}
		if left > 0 {
			now = now.Add(spreadEvery)
		}
	}
	return now.Sub(start)
}

// TestATurnIsNeitherLostNorDoubled: whoever asks while a pass is made gets another one after it.
func TestATurnIsNeitherLostNorDoubled(t *testing.T) {
	var turn turn
	if turn.ask() {
		t.Error("a session whose passes are not open is queued")
	}
	turn.start()
	if !turn.ask() || turn.ask() {
		t.Error("of two who ask, the first alone is to queue the session")
	}
	if !turn.begin() {
		t.Fatal("a session that was queued has no turn")
	}
	if turn.ask() {
		t.Error("a session is queued while its pass is made")
	}
	queued := 0
	put := func() { queued++ }
	if turn.finish(put); queued != 1 {
		t.Error("a session that was asked for meanwhile is not queued again")
	}
	if !turn.begin() {
		t.Fatal("a session that was queued again has no turn")
	}
	if turn.finish(put); queued != 1 {
		t.Error("a session that nobody asked for is queued again")
	}
	turn.ask()
	turn.begin()
	ended := make(chan struct{})
	go func() {
		turn.end()
		close(ended)
	}()
	turn.ask()
	turn.finish(put)
	<-ended
	if turn.begin() || turn.ask() {
		t.Error("a session that has ended has a turn")
	}
}

// TestASessionIsQueuedBeforeItsPassesEnd: after turn.end nobody may put it into the queue, which is closed then.
func TestASessionIsQueuedBeforeItsPassesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := &fanout{queue: make(chan *session)}, &session{}
		s.turn.start()
		if !s.turn.ask() || !s.turn.begin() || s.turn.ask() {
			t.Fatal("a pass that was asked for during another is begun beside it, or none is")
		}
		go f.finish(s)
		synctest.Wait() // it waits for space, which a fanout has
		if s.turn.mu.TryLock() {
			s.turn.mu.Unlock()
			t.Error("end could return before the session is in the queue")
		}
		<-f.queue
		s.turn.end()
	})
}
