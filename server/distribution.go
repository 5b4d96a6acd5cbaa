package server

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Distribution is how often durations of about the same length were counted, shortest first.
type Distribution []Bucket

// Bucket counts durations of up to Most, which is within a hundredth of each.
type Bucket struct {
	Most  time.Duration
	Count int64
}

// distribution counts durations from a microsecond to a minute; longer ones count as a minute. Anybody adds, without a
// lock.
type distribution struct {
	counts [distributionBuckets]atomic.Int64
}

// Up to distributionExact microseconds each has a bucket; beyond, each doubling has half as many.
const (
	distributionMax     = time.Minute
	distributionExact   = 256
	distributionBuckets = distributionExact + 18*distributionExact/2
)

func (d *distribution) add(took time.Duration) {
	d.counts[bucketOf(uint64(min(max(took, 0), distributionMax).Microseconds()))].Add(1)
}

func bucketOf(us uint64) int {
	if us < distributionExact {
		return int(us)
	}
	doubled := bits.Len64(us) - 8
	return distributionExact + (doubled-1)*distributionExact/2 + int(us>>doubled) - distributionExact/2
}

// mostOf is the longest time of a bucket, in microseconds.
func mostOf(bucket int) int64 {
	if bucket < distributionExact {
		return int64(bucket)
	}
	doubled := (bucket-distributionExact)/(distributionExact/2) + 1
	within := (bucket-distributionExact)%(distributionExact/2) + distributionExact/2
	return int64(within+1)<<doubled - 1
}

func (d *distribution) read() (out Distribution) {
	for i := range d.counts {
		if n := d.counts[i].Load(); n > 0 {
			out = append(out, Bucket{Most: time.Duration(mostOf(i)) * time.Microsecond, Count: n})
		}
	}
	return out
}
