package server

import (
	"time"

	"github.com/quicstep/quicstep/server/clock"
)

const (
	// passTime is what a pass and QUIC's work for its packets take of a processor, at least.
	passTime = 50 * time.Microsecond
	// spreadEvery is how often passes are let go while more of them wait; spreadFirst is how many begin at once, for each
	// processor.
	spreadEvery = 5 * time.Millisecond
	spreadFirst = 64
	// spreadMost is the part of a tick's period in which all have begun, whatever they take.
	spreadMost = 0.9
	// ridePeriod is a tick's period up to which acknowledgements ride both ways (protocol/ride): QUIC holds them back for 25 ms,
	// and a client waits for 20 ms at most. Then rideFirst begin at once, which is all that a processor is good for, so that an input
	// can come before its tick is due and still less than 25 ms before its player's pass.
	ridePeriod = 45 * time.Millisecond
	rideFirst  = 2048
	// batchMost is how many are handed to a worker at once: one by one, each would cost two changes of goroutine, and would have
	// the worker wait for its memory alone.
	batchMost = 8
)

// batch is sessions whose turn it is, from the first place on, and nil after them.
type batch [batchMost]*session

// spread lets those who wait have their turn, no faster than the processors take to send to them. Otherwise all of a
// tick's passes would be over before the first packet leaves, and what comes in would wait behind all that goes out.
func (f *fanout) spread() {
	defer close(f.ready)
	var ticks *clock.Ticks
	defer func() {
		if ticks != nil {
			ticks.Stop()
		}
	}()
	may := f.allowed()
	var next batch
	n := 0
	give := func() {
		if n > 0 {
			f.ready <- next
			next, n = batch{}, 0
		}
	}
	for s := range f.queue {
		for !s.dark.is() && !may.take(time.Now(), f.rate(may.burst(len(f.queue)+1))) {
			give()
			if ticks == nil {
				ticks = f.clock.Add(spreadEvery)
			}
			<-ticks.C()
		}
		next[n] = s
		if n++; n == batchMost || len(f.queue) == 0 {
			give()
		}
		if len(f.queue) == 0 {
			may = f.allowed()
		}
	}
}

// allowed is what may begin at once.
func (f *fanout) allowed() allowance { return allowance{passes: float64(f.first() * f.workers)} }

// first is how many passes begin at once, for each processor.
func (f *fanout) first() int {
	if f.period <= ridePeriod {
		return rideFirst
	}
	return spreadFirst
}

// rate is how many passes may begin in a second when so many have been wanted at once.
func (f *fanout) rate(burst int) float64 {
	within := time.Duration(spreadMost * float64(f.period))
	return max(float64(f.workers)/passTime.Seconds(), float64(burst)/within.Seconds())
}

// allowance is the passes that may begin: they become more as time goes by, while some wait.
type allowance struct {
	passes float64
	most   int // that were wanted at once
	last   time.Time
}

// burst is how many passes were wanted at once since none was.
func (a *allowance) burst(waiting int) int {
	a.most = max(a.most, waiting)
	return a.most
}

func (a *allowance) take(now time.Time, perSecond float64) bool {
	if !a.last.IsZero() {
		a.passes += now.Sub(a.last).Seconds() * perSecond
	}
	a.last = now
	if a.passes < 1 {
		return false
	}
	a.passes--
	return true
}
