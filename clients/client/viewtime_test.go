package client

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

const testPeriod = time.Second / 30

// arrivals feeds a viewTime with ticks whose datagrams come as late as a function says, and looks at it 120 times a
// second.
type arrivals struct {
	*viewTime
	t     *testing.T
	now   time.Time
	began time.Time
	next  uint64 // the tick that comes next
	known uint64 // the tick that came last
	wait  float64
	lag   func(tick uint64) time.Duration
	gone  func(tick uint64) bool
	looks func(at float64)
}

func newArrivals(t *testing.T, lag func(uint64) time.Duration) *arrivals {
	began := time.Unix(1000, 0)
	return &arrivals{
		viewTime: &viewTime{period: testPeriod}, t: t, now: began, began: began, next: 1, wait: 1, lag: lag,
		gone: func(uint64) bool { return false }, looks: func(float64) {},
	}
}

func (a *arrivals) run(d time.Duration) {
	for until := a.now.Add(d); a.now.Before(until); a.now = a.now.Add(time.Second / 120) {
		for {
			due := a.began.Add(time.Duration(a.next)*testPeriod + a.lag(a.next))
			if due.After(a.now) {
				break
			}
			if !a.gone(a.next) {
				a.heard(a.next, min(a.wait*float64(a.next-a.known), max(a.wait, 2)), due)
				a.known = a.next
			}
			a.next++
		}
		before := a.at
		at := a.advance(a.now)
		if at < before {
			a.t.Fatalf("the view time went back from %v to %v", before, at)
		}
		a.looks(at)
	}
}

func TestTheDelayIsWhatTheNetworkNeeds(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 1))
	steady := func(uint64) time.Duration { return 50 * time.Millisecond }
	jittery := func(n uint64) time.Duration {
		return 50*time.Millisecond + time.Duration(rand.New(rand.NewPCG(n, 2)).Int64N(int64(2*testPeriod)))
	}
	for _, c := range []struct {
		name     string
		lag      func(uint64) time.Duration
		wait     float64
		loss     float64
		min, max float64
	}{
		{"steady", steady, 1, 0, 1, 1.25},
		{"steady, a tenth lost", steady, 1, 0.1, 2, 2.25},
		{"steady, every fourth tick", steady, 4, 0, 4, 4.25},
		{"nothing to wait for", steady, 0, 0, 0, 0.25},
		{"jitter of two ticks", jittery, 1, 0, 2.7, 3.25},
		{"jitter of two ticks, every second tick, a tenth lost", jittery, 2, 0.1, 3.7, 4.25},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newArrivals(t, c.lag)
			a.wait, a.gone = c.wait, func(uint64) bool { return chance.Float64() < c.loss }
			a.run(10 * time.Second)
			now := float64(a.now.Sub(a.began))/float64(testPeriod) - 1.5 // 50 ms on the way
			if behind := now - a.advance(a.now); behind < c.min || behind > c.max {
				t.Errorf("the view time is %v ticks behind what came the quickest way, want %v to %v", behind, c.min, c.max)
			}
			if a.dries > 6 { // two of a hundred may be late
				t.Errorf("it ran dry %d times in ten seconds", a.dries)
			}
		})
	}
}

func TestTheDelayGrowsAtOnceAndShrinksSlowly(t *testing.T) {
	extra := time.Duration(0)
	a := newArrivals(t, func(n uint64) time.Duration {
		return 50*time.Millisecond + time.Duration(n%3)*extra/2
	})
	a.run(5 * time.Second)
	calm := a.delay
	extra = 3 * testPeriod
	a.run(time.Second)
	if a.delay < calm+2.5 || a.delay > calm+3.5 {
		t.Errorf("a second after jitter of three ticks began the delay is %v, before it was %v", a.delay, calm)
	}
	dries := a.dries
	a.run(5 * time.Second)
	if a.dries != dries {
		t.Errorf("it went on running dry, %d times", a.dries-dries)
	}
	extra = 0
	before, began, fastest := a.at, a.now, 0.0
	a.looks = func(at float64) { fastest, before = max(fastest, (at-before)*120/30), at }
	a.run(10 * time.Second)
	if a.delay > calm+0.1 {
		t.Errorf("ten seconds after the jitter ended the delay is %v, before it was %v", a.delay, calm)
	}
	if fastest > 1.051 {
		t.Errorf("time ran %v times as fast as it should to come closer, since %v", fastest, began)
	}
}

func TestAnOutageIsJumpedOver(t *testing.T) {
	a := newArrivals(t, func(uint64) time.Duration { return 20 * time.Millisecond })
	a.run(5 * time.Second)
	cut := a.next
	a.gone = func(n uint64) bool { return n < cut+90 }
	a.run(2 * time.Second)
	if a.at != float64(cut-1)+aheadTicks || a.dries != 1 {
		t.Errorf("in the dark the view time is %v and ran dry %d times, want %d ticks after %d and once", a.at, a.dries, aheadTicks, cut-1)
	}
	a.run(1200 * time.Millisecond)
	if behind := a.newest - a.at; behind < 0 || behind > 2.5 {
		t.Errorf("right after the outage the view time is %v ticks behind the newest tick", behind)
	}
}

func TestTicksThatCameToAHaltAreNoJitter(t *testing.T) {
	halt := time.Duration(0)
	a := newArrivals(t, func(uint64) time.Duration { return 20*time.Millisecond + halt })
	a.run(5 * time.Second)
	delay := a.delay
	halt = 3 * time.Second
	a.run(8 * time.Second)
	if math.Abs(a.delay-delay) > 0.1 || math.Abs(a.newest-a.at-1) > 1.2 {
		t.Errorf("after a halt the delay is %v (before %v) and the view time %v behind the newest tick", a.delay, delay, a.newest-a.at)
	}
}
