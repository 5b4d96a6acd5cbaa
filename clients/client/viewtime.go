package client

import (
	"slices"
	"time"
)

// The view time is the moment of the server's time at which a client shows the others, in ticks with a fraction. It runs
// behind the tick that would come now by the delay, which is as long as nearly everything that came lately needed to be
// there when it was to be shown.
const (
	// samplesKept is how many of the latest datagrams the delay looks at, and samplesStray is how many of these may come
	// too late.
	samplesKept  = 128
	samplesStray = 2
	// delayMax bounds the delay: what comes later than that is shown when it comes.
	delayMax = 400 * time.Millisecond
	// delaySpare is what is added to the delay, in ticks, since frames are drawn between the moments that were measured.
	delaySpare = 0.125
	// waitMax bounds for how many ticks a record is waited for after the one before, so that what is far away, and told of
	// every fourth tick, moves smoothly too.
	waitMax = 4
	// pathWindow is after how long the quickest arrival is forgotten; at most twice as long.
	pathWindow = 8 * time.Second
	// slowest and fastest are the rates at which the view time runs to where it should be: a delay that is too short does
	// harm at once, one that is too long does little.
	slowest = 0.5
	fastest = 1.05
	// jumpTicks is how far off the view time jumps, rather than run. As much later than expected, jumpAfter datagrams in a
	// row say that the server's ticks themselves came later: it was frozen, or skipped some.
	jumpTicks = 10
	jumpAfter = 3
	// aheadTicks is how far the view time may run ahead of the newest tick, when none comes.
	aheadTicks = 8
)

// viewTime is a client's jitter buffer without what it buffers: it decides which moment is shown. Its times are in ticks.
type viewTime struct {
	period time.Duration
	began  time.Time
	newest float64 // tick received

	quickest [2]float64 // the least of arrival less tick: of this window, and of the one before
	turned   float64    // when this window began
	late     int        // datagrams in a row that are later than jumpTicks
	lateBy   float64    // the least of these

	samples [samplesKept]float64 // the delay that each of the latest datagrams needed
	count   int                  // of all samples
	delay   float64              // as it should be now

	at    float64 // the view time
	drawn float64 // when that was
	dry   bool    // it has run ahead of what came
	dries uint64  // how often it did
}

func (v *viewTime) ticks(now time.Time) float64 { return float64(now.Sub(v.began)) / float64(v.period) }

// heard takes note of a datagram's arrival. Wait is for how many ticks after what was known before it tells something new:
// nothing moves smoothly unless the delay is as long.
func (v *viewTime) heard(tick uint64, wait float64, now time.Time) {
	first := v.began.IsZero()
	if first {
		v.began = now
	}
	arrived := v.ticks(now)
	offset := arrived - float64(tick)
	if first {
		v.quickest, v.at, v.drawn = [2]float64{offset, offset}, float64(tick), arrived
		v.dry = true // there is something to show at once, and the delay comes to be while it is shown
	}
	v.newest = max(v.newest, float64(tick))
	v.passed(offset, arrived)
	v.samples[v.count%samplesKept] = max(offset-v.origin(), 0) + min(wait, waitMax)
	v.count++
	v.measure()
}

// origin is when tick 0 would have come as quickly as any tick came lately.
func (v *viewTime) origin() float64 { return min(v.quickest[0], v.quickest[1]) }

// passed keeps the quickest arrivals, and notices when ticks themselves come later than they did.
func (v *viewTime) passed(offset, arrived float64) {
	if arrived-v.turned > float64(pathWindow)/float64(v.period) {
		v.quickest, v.turned = [2]float64{offset, v.quickest[0]}, arrived
	}
	v.quickest[0] = min(v.quickest[0], offset)
	if offset-v.origin() <= jumpTicks {
		v.late = 0
		return
	}
	if v.late++; v.late == 1 {
		v.lateBy = offset
	}
	if v.lateBy = min(v.lateBy, offset); v.late >= jumpAfter {
		v.quickest, v.turned = [2]float64{v.lateBy, v.lateBy}, arrived
		v.late, v.count = 0, 0
	}
}

// measure finds the delay with which nearly all samples would have been in time.
func (v *viewTime) measure() {
	n := min(v.count, samplesKept)
	sorted := v.samples
	slices.Sort(sorted[:n])
	most := float64(delayMax) / float64(v.period)
	v.delay = min(sorted[max(n-1-samplesStray*n/samplesKept, 0)]+delaySpare, most)
}

// advance moves the view time on to now and returns it. It never goes back.
func (v *viewTime) advance(now time.Time) float64 {
	if v.began.IsZero() {
		return 0
	}
	arrived := v.ticks(now)
	passed := max(arrived-v.drawn, 0)
	v.drawn = max(v.drawn, arrived)
	due := min(arrived-v.origin()-v.delay, v.newest+aheadTicks)
	if due > v.at+passed+jumpTicks {
		v.at = due
	} else {
		v.at = max(v.at, min(due, v.at+passed*fastest), min(v.at+passed*slowest, v.newest+aheadTicks))
	}
	if dry := v.at > v.newest; dry != v.dry {
		if v.dry = dry; dry {
			v.dries++
		}
	}
	return v.at
}

// behind is by how much the view time was behind the tick that would have come the quickest way, when it was last asked.
func (v *viewTime) behind() float64 {
	if v.began.IsZero() {
		return 0
	}
	return v.drawn - v.origin() - v.at
}
