package clock

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Native returns the Sleeper that is the most punctual on this system. On Linux it blocks an OS thread in
// clock_nanosleep on the monotonic clock, which no load on Go's scheduler delays until the thread is awake
// again; elsewhere it is Portable, and so it is where Go has a single processor (GOMAXPROCS): a thread that
// sleeps in the kernel keeps it from all goroutines until the runtime notices. It must not be used inside a
// testing/synctest bubble, whose time it doesn't know.
func Native() Sleeper {
	if runtime.GOMAXPROCS(0) == 1 {
		return Portable()
	}
	return nativeSleeper{}
}

type nativeSleeper struct{}

func (nativeSleeper) blocksThread() {}

func (nativeSleeper) SleepUntil(t time.Time) {
	// What remains is computed anew each time: EINTR (the runtime preempts with signals) just goes round.
	for d := time.Until(t); d > 0; d = time.Until(t) {
		wait := unix.NsecToTimespec(d.Nanoseconds())
		err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &wait, nil)
		if err != nil && err != unix.EINTR {
			// A sandbox that forbids the call must not turn this loop into a spin.
			time.Sleep(d)
		}
	}
}
