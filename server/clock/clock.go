package clock

import (
	"runtime"
	"sync"
	"time"
)

// sleepMax bounds one sleep. A sleep can't be interrupted, so it is also how late a registration's first
// tick can be when its period is shorter than this, and how long Close waits at most. Waking up 200 times
// a second costs less than 1 % of a core.
const sleepMax = 5 * time.Millisecond

// Clock wakes rooms at their ticks, all of them from one goroutine. Its methods may be called from
// anywhere.
type Clock struct {
	sleeper Sleeper
	epoch   time.Time     // all times below are durations since then
	wake    chan struct{} // room for one: there may be something new for a parked goroutine
	done    chan struct{} // closed when the goroutine has ended

	mu     sync.Mutex // guards what follows and the fields of each Ticks; never held while waiting
	ticks  []*Ticks   // in order of registration
	closed bool
}

// New starts a clock that waits with the given Sleeper: Native for a server, Portable in virtual time.
// The caller must Close it.
func New(sleeper Sleeper) *Clock {
	c := &Clock{
		sleeper: sleeper,
		epoch:   time.Now(),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	go c.run()
	return c
}

// Add registers a room that ticks once per period, from now on: its tick n, counted from 1, is due n
// periods after the call. It panics when period is not positive. On a closed clock the registration never
// ticks.
func (c *Clock) Add(period time.Duration) *Ticks {
	if period <= 0 {
		panic("clock: the period of a tick must be positive")
	}
	t := &Ticks{clock: c, c: make(chan Tick, 1), period: period}
	c.mu.Lock()
	defer c.mu.Unlock()
	t.start = time.Since(c.epoch)
	if !c.closed {
		c.ticks = append(c.ticks, t)
		c.nudge()
	}
	return t
}

// Close stops all registrations and waits until the clock's goroutine has ended, which takes 5 ms at
// most. A wake-up that waits in a channel stays there. Closing twice is harmless.
func (c *Clock) Close() {
	c.mu.Lock()
	c.closed = true
	c.ticks = nil
	c.nudge()
	c.mu.Unlock()
	<-c.done
}

// nudge unparks the goroutine, now or at its next parking.
func (c *Clock) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Clock) run() {
	defer close(c.done)
	if _, ok := c.sleeper.(threadSleeper); ok {
		// The goroutine ends with the lock held, so its thread goes with it.
		runtime.LockOSThread()
	}
	for {
		next, state := c.step(time.Since(c.epoch))
		switch state {
		case stateClosed:
			return
		case stateIdle:
			<-c.wake
		case stateTicking:
			c.sleeper.SleepUntil(c.epoch.Add(next))
		}
	}
}

// state is what the goroutine does after a step.
type state int

const (
	stateClosed  state = iota // end
	stateIdle                 // park: nobody is registered
	stateTicking              // sleep until the returned moment
)

// step delivers what is due at now and returns the moment of the next step.
func (c *Clock) step(now time.Duration) (time.Duration, state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, stateClosed
	}
	if len(c.ticks) == 0 {
		return 0, stateIdle
	}
	next := now + sleepMax
	for _, t := range c.ticks {
		if n := t.dueAt(now); n > t.last {
			t.last = n
			t.deliver(Tick{N: n, Due: c.epoch.Add(t.moment(n))})
		}
		next = min(next, t.moment(t.last+1))
	}
	return next, stateTicking
}
