package bots_test

import (
	"sync"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/bots"
)

func TestHistogram(t *testing.T) {
	h := bots.NewHistogram()
	if h.Count() != 0 || h.PercentileMS(99) != 0 || h.Percentile(100) != 0 {
		t.Error("an empty histogram is not all zero")
	}
	var work sync.WaitGroup
	for part := range 4 {
		work.Go(func() {
			for n := range 250 {
				h.AddDuration(time.Duration(4*n+part+1) * time.Millisecond)
			}
		})
	}
	work.Wait()
	wantPercentile(t, h, 50, 500)
	wantPercentile(t, h, 99, 990)
	wantPercentile(t, h, 100, 1000)

	h.AddMany(2_000_000, 1001)
	h.AddMany(5, 0)
	h.AddMany(5, -3)
	if h.Count() != 2001 {
		t.Errorf("there are %d values, want 2,001", h.Count())
	}
	wantPercentile(t, h, 49, 981)
	wantPercentile(t, h, 51, 2000)
}

func TestHistogramKeepsToItsRange(t *testing.T) {
	h := bots.NewHistogram()
	h.Add(-5)
	h.AddDuration(time.Hour)
	if h.Count() != 2 || h.Percentile(0) != 0 || h.PercentileMS(100) != 60_000 {
		t.Errorf("%d values from %d to %v ms, want two from 0 to 60,000", h.Count(), h.Percentile(0), h.PercentileMS(100))
	}
}

func TestSmallNumbersAreExact(t *testing.T) {
	h := bots.NewHistogram()
	for ticks := range int64(1000) {
		h.Add(ticks + 1)
	}
	if h.Percentile(50) != 500 || h.Percentile(99) != 990 {
		t.Errorf("the percentiles are %d and %d, want 500 and 990", h.Percentile(50), h.Percentile(99))
	}
}

// wantPercentile allows the thousandth that the histogram does not keep.
func wantPercentile(t *testing.T, h *bots.Histogram, percent, ms float64) {
	t.Helper()
	if got := h.PercentileMS(percent); got < ms*0.999 || got > ms*1.001 {
		t.Errorf("%v %% are up to %v ms, want %v", percent, got, ms)
	}
}
