package server

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/server/clock"
	"github.com/quicstep/quicstep/world"
)

// TestPassesAreSpreadOverTheTick: a burst's first begin at once, the others no faster than the processors take, and all of
// them before the next tick; where acknowledgements ride both ways these are all of a usual room.
func TestPassesAreSpreadOverTheTick(t *testing.T) {
	for _, rate := range []int{10, 20, 30, 60, 240} {
		cfg, err := Config{Games: []world.Game{pushes()}, TickRate: rate}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		first, within := spreadFirst, time.Duration(spreadMost*float64(cfg.period()))
		if rate >= 30 {
			first = rideFirst
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

// TestABatchWaitsForNobody: few are handed over at once, and of many those who may begin are not held back by the others, who
// follow. One is in the dark and takes no turn, so that those who may begin do not fill their last batch.
func TestABatchWaitsForNobody(t *testing.T) {
	const more, atOnce = 3, spreadFirst + 1
	for _, wanted := range []int{1, batchMost - 1, batchMost + 1, atOnce + more} {
		synctest.Test(t, func(t *testing.T) {
			c := clock.New(clock.Portable())
			defer c.Close()
			f := &fanout{clock: c, period: 100 * time.Millisecond, workers: 1, queue: make(chan *session, wanted), ready: make(chan batch, wanted)}
			for i := range wanted {
				s := new(session)
				if i == 0 {
					s.dark.empty.Store(darkFrom)
				}
				f.queue <- s
			}
			f.work.Go(f.spread)
			defer f.close()
			synctest.Wait()
			if got, want := handed(f), min(wanted, atOnce); got != want {
				t.Errorf("of %d, %d are handed over at once, want %d", wanted, got, want)
			}
			time.Sleep(spreadEvery + time.Millisecond)
			synctest.Wait()
			if got, want := handed(f), max(wanted-atOnce, 0); got != want {
				t.Errorf("of %d, %d are handed over later, want %d", wanted, got, want)
			}
		})
	}
}

// handed takes what was handed over, and counts the sessions.
func handed(f *fanout) (n int) {
	for len(f.ready) > 0 {
		for _, s := range <-f.ready {
			if s != nil {
				n++
			}
		}
	}
	return n
}
