package clock

import (
	"slices"
	"time"
)

// Tick is a wake-up: tick N is due, and with it every earlier one that the room has not run yet.
type Tick struct {
	// N numbers the newest tick that is due, from 1. It rises with each wake-up, by more than one when
	// wake-ups were late or the room did not take them.
	N uint64
	// Due is when tick N was due: the moment of Clock.Add plus N periods.
	Due time.Time
}

// Ticks is the registration of one room.
type Ticks struct {
	clock  *Clock
	c      chan Tick // the clock sends, under its mutex; the room receives
	period time.Duration
	start  time.Duration // since the clock's epoch
	last   uint64        // newest tick delivered, guarded by the clock's mutex
}

// C returns the channel that delivers the wake-ups, always the same. It holds one: when the room has not
// taken the former wake-up, the newer one replaces it. It is never closed.
func (t *Ticks) C() <-chan Tick { return t.c }

// Stop ends the registration. No wake-up comes after it, and one that was waiting is gone. Stopping twice,
// or after Clock.Close, is harmless.
func (t *Ticks) Stop() {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	t.clock.ticks = slices.DeleteFunc(t.clock.ticks, func(other *Ticks) bool { return other == t })
	t.drain()
}

// moment returns when tick n is due, since the clock's epoch.
func (t *Ticks) moment(n uint64) time.Duration { return t.start + time.Duration(n)*t.period }

// dueAt returns the newest tick that is due at now; zero when none is.
func (t *Ticks) dueAt(now time.Duration) uint64 { return uint64(max(0, now-t.start) / t.period) }

func (t *Ticks) deliver(tick Tick) {
	t.drain()
	// Never waits: the channel has room for one, and nobody else sends.
	t.c <- tick
}

func (t *Ticks) drain() {
	select {
	case <-t.c:
	default:
	}
}
