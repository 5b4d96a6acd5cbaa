package bots

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// histogramMax is the largest value of a Histogram: 60 s in microseconds.
const histogramMax = int64(time.Minute / time.Microsecond)

// Histogram counts whole numbers from 0 to 60,000,000, such as microseconds up to a minute, and knows their percentiles
// to a thousandth. It takes some 150 kB, so bots share one. Its methods may be called from anywhere.
type Histogram struct {
	mu     sync.Mutex // guards what follows
	counts *hdrhistogram.Histogram
	max    int64
}

// NewHistogram gives an empty one.
func NewHistogram() *Histogram {
	return &Histogram{counts: hdrhistogram.New(1, histogramMax, 3)}
}

// Add counts a value; one that is out of range counts as the nearest that is not.
func (h *Histogram) Add(value int64) { h.AddMany(value, 1) }

// AddMany counts a value so many times; not at all when that is not above zero.
func (h *Histogram) AddMany(value, times int64) {
	if times <= 0 {
		return
	}
	value = min(max(value, 0), histogramMax)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.max = max(h.max, value)
	h.counts.RecordValues(value, times) // can't be refused: it is in range
}

// AddDuration counts a duration in whole microseconds.
func (h *Histogram) AddDuration(d time.Duration) { h.Add(d.Microseconds()) }

// Count is how many values there are.
func (h *Histogram) Count() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts.TotalCount()
}

// Percentile is the value that so many percent of the values do not exceed, from 0 to 100, where 100 gives the largest
// itself; zero when there is no value.
func (h *Histogram) Percentile(percent float64) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if percent >= 100 {
		return h.max
	}
	// The library answers with the upper end of a range of values.
	return min(h.counts.ValueAtPercentile(percent), h.max)
}

// PercentileMS is Percentile of microseconds, in milliseconds.
func (h *Histogram) PercentileMS(percent float64) float64 {
	return float64(h.Percentile(percent)) / 1000
}
