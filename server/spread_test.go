package server

import (
	"testing"
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
