package client

import (
	"math"
	"time"
)

const (
	// slewMost is the part of its speed by which a clock goes faster or slower to be where it should be.
	slewMost = 0.05
	// snapTicks is from how many ticks on it is put there at once.
	snapTicks = 10
	// clockShare is the share of what a single arrival says that the clock believes: the others say how much was chance.
	clockShare = 1.0 / 16
)

// clock follows the server's ticks from here: a tick begins when its datagram usually comes. Inputs are for ticks that
// are ahead of that. It goes evenly, so that whatever is drawn by it does.
type clock struct {
	period time.Duration
	at     time.Time // of what follows
	met    bool      // something has arrived
	tick   float64   // the tick, and how much of it is over
	off    float64   // by how much tick should be later
	ahead  float64   // by how many ticks inputs are
	aim    float64   // what ahead should be
	rate   float64   // ticks in a period: 1, or less in slow motion, and none while the room is frozen

	stood time.Duration // for how much of the time since the start the room has stood
	made  uint64        // the latest tick that counts in tick, as far as the room said; what it makes while it stands is added
}

func (c *clock) start(tick uint64, period time.Duration, now time.Time) {
	*c = clock{period: period, at: now, tick: float64(tick), rate: 1, made: tick}
}

// advance lets time pass.
func (c *clock) advance(now time.Time) {
	passed := max(0, float64(now.Sub(c.at))/float64(c.period)*c.rate)
	if d := now.Sub(c.at); d > 0 {
		c.at = now
		c.stood += time.Duration(float64(d) * (1 - c.rate))
	}
	slew := slewMost * passed
	d := max(-slew, min(c.off, slew))
	c.tick += passed + d
	c.off -= d
	slew -= math.Abs(d)
	c.ahead += max(-slew, min(c.aim-c.ahead, slew))
}

// arrived takes the arrival of a newer tick than any before.
func (c *clock) arrived(tick uint64, now time.Time) {
	c.advance(now)
	off := float64(tick) - c.tick
	if !c.met || math.Abs(off) > snapTicks {
		c.met, c.tick, c.off, c.ahead, c.made = true, float64(tick), 0, c.aim, max(c.made, tick)
		return
	}
	if c.rate == 0 {
		return // a tick of a room that stands tells nothing of when ticks come
	}
	c.off += (off - c.off) * clockShare
}

// predicted is the tick that inputs are for now, and how much of it is over.
func (c *clock) predicted(now time.Time) float64 {
	c.advance(now)
	return c.tick + c.ahead
}

// until is the time until inputs are for a tick; at most a given one, also because the room may be frozen.
func (c *clock) until(predicted float64, now time.Time, most time.Duration) time.Duration {
	left := (predicted - c.predicted(now)) * float64(c.period)
	if left >= float64(most)*c.rate {
		return most
	}
	return max(0, time.Duration(left/c.rate))
}

// played is a moment on a clock that stands while the room does, and goes slowly when it does.
func (c *clock) played(now time.Time) time.Time {
	c.advance(now)
	return now.Add(-c.stood)
}

// pace has the clock go as the room does after a tick, with ticks that take so many periods; none when it stands. It goes on
// by those that the room has made while it stood.
func (c *clock) pace(tick uint64, every int, now time.Time) {
	c.advance(now)
	if c.rate == 0 && tick > c.made {
		c.tick += float64(tick - c.made)
	}
	c.made = max(c.made, tick)
	if c.rate = 0; every > 0 {
		c.rate = 1 / float64(every)
	}
}

// goOn takes over what a former connection's clock knows of the room's pace.
func (c *clock) goOn(former *clock) { c.rate, c.stood = former.rate, former.stood }

// steady tells whether inputs are as far ahead as they should be.
func (c *clock) steady() bool { return math.Abs(c.aim-c.ahead) < 1.0/16 }
