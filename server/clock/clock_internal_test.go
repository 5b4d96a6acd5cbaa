package clock

import (
	"testing"
	"time"
)

// BenchmarkStep is one wake-up of the clock that is due for 1,000 rooms.
func BenchmarkStep(b *testing.B) {
	const period = time.Second / 30
	c := &Clock{epoch: time.Now(), wake: make(chan struct{}, 1)}
	for range 1000 {
		c.Add(period)
	}
	b.ReportAllocs()
	now := time.Duration(0)
	for b.Loop() {
		now += period
		c.step(now)
	}
}
