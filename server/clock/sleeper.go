package clock

import "time"

// Sleeper waits until a moment of the monotonic clock.
type Sleeper interface {
	// SleepUntil returns at t or later, at once when t has passed. It is called by one goroutine at a time.
	SleepUntil(t time.Time)
}

// threadSleeper is a Sleeper that blocks its OS thread, and so wants one for itself.
type threadSleeper interface {
	Sleeper
	blocksThread()
}

// Portable returns the Sleeper that works everywhere, on time.Sleep: use it under testing/synctest, where
// it sleeps in virtual time. Go's timers can be late by tens of milliseconds beside steady network
// traffic, so a server on Linux is better served by Native.
func Portable() Sleeper { return portableSleeper{} }

type portableSleeper struct{}

func (portableSleeper) SleepUntil(t time.Time) {
	// Sleep takes no notice of a wait that is not positive.
	time.Sleep(time.Until(t))
}
