package server

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Distribution is how often durations of about the same length were counted, shortest first.
type Distribution []Bucket

// Bucket counts durations of up to Most, which is within a hundredth of each.
type Bucket struct {
	Most  time.Duration
	Count int64
}

// distribution counts durations from a microsecond to a minute; longer ones count as a minute. Rooms' loops add to it, for
// a moment each.
type distribution struct {
	mu   sync.Mutex // guards what follows
	hist *hdrhistogram.Histogram
}

const distributionMax = time.Minute

func (d *distribution) add(took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hist == nil {
		d.hist = hdrhistogram.New(1, distributionMax.Microseconds(), 2)
	}
	d.hist.RecordValue(min(max(took, 0), distributionMax).Microseconds()) // within the bounds, so it can't fail
}

func (d *distribution) read() (out Distribution) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hist == nil {
		return nil
	}
	for _, bar := range d.hist.Distribution() {
		if bar.Count > 0 {
			out = append(out, Bucket{Most: time.Duration(bar.To) * time.Microsecond, Count: bar.Count})
		}
	}
	return out
}
