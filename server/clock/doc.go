// Package clock wakes rooms at their ticks. Ticks are due at start + n × period on the monotonic clock:
// deadlines are absolute, so a late wake-up delays one tick and never the ones after it, and none is lost
// without a word as with time.Ticker.
//
// One Clock serves every room of a process with one goroutine. It never waits for a room: a wake-up that
// was not taken is replaced by a newer one, whose number tells the room how many ticks are due. Start
// with Clock in clock.go; sleeper.go says how it waits, and why not by a Go timer.
package clock
