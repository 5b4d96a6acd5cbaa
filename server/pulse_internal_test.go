package server

import (
	"slices"
	"testing"
	"time"
)

func TestATickIsPackedIntoOneWord(t *testing.T) {
	for _, want := range []TickTimes{
		{Tick: 7, Drain: 3 * time.Microsecond, Step: 1500 * time.Microsecond, Publish: 2 * time.Second},
		{Tick: 8, Drain: 1, Step: 0, Publish: 0, Overran: true},
	} {
		got := unpackTick(want.Tick, packTick(want, want.Overran))
		want.Drain = want.Drain.Truncate(time.Microsecond)
		if got != want {
			t.Errorf("%+v becomes %+v", want, got)
		}
	}
	if got := unpackTick(1, packTick(TickTimes{Step: time.Minute}, false)); got.Step != tickMask*time.Microsecond || got.Publish != 0 {
		t.Errorf("a minute becomes %+v", got)
	}
}

func TestTheLatestTicksAreKept(t *testing.T) {
	p := newPulse([]string{"tick"})
	now := time.Unix(0, 0)
	for tick := uint64(1); tick <= pulseTicks+10; tick++ {
		p.begin(now, now)
		now = now.Add(time.Duration(tick) * time.Microsecond)
		p.over(1, now)
		p.end(tick)
	}
	got := p.ticks(pulseTicks + 10)
	if len(got) != pulseTicks || got[0].Tick != 11 || got[0].Step != 11*time.Microsecond || !slices.IsSortedFunc(got, func(a, b TickTimes) int { return int(a.Step - b.Step) }) {
		t.Errorf("%d ticks, the first %+v", len(got), got[0])
	}
}

// TestADistributionIsWithinAHundredth.
func TestADistributionIsWithinAHundredth(t *testing.T) {
	for us := int64(0); us <= distributionMax.Microseconds(); us += 1 + us/300 {
		most := mostOf(bucketOf(uint64(us)))
		if most < us || float64(most-us) > 0.01*float64(us) {
			t.Fatalf("%d µs are counted as up to %d", us, most)
		}
	}
	var d distribution
	for _, took := range []time.Duration{-time.Second, 0, time.Millisecond, time.Hour} {
		d.add(took)
	}
	got := d.read()
	if len(got) != 3 || got[0] != (Bucket{0, 2}) || got[2].Most < distributionMax || got[2].Count != 1 {
		t.Errorf("%v", got)
	}
}

func TestAPhaseIsCountedInItsBucket(t *testing.T) {
	var h phaseHistogram
	for _, took := range []time.Duration{0, PhaseBounds[0], PhaseBounds[0] + 1, time.Hour} {
		h.add(took)
	}
	got := h.read()
	if got.Counts[0] != 2 || got.Counts[1] != 1 || got.Counts[len(PhaseBounds)] != 1 || got.Sum < time.Hour {
		t.Errorf("%+v", got)
	}
}
