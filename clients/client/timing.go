package client

import (
	"time"

	"github.com/quicstep/quicstep/protocol"
)

// The lead is by how many ticks inputs are stamped ahead of the newest tick received, so that each arrives just
// before its own. It begins with what the handshake tells of the round trip. Then the server reports the margin, in
// quarters of a tick, and the lead follows it a tick at a time: up when inputs come too late for their ticks, down when
// nearly all would have come in time with a tick less.
const (
	leadMax = 32
	// marginLow is the margin below which an input was too late for its tick.
	marginLow = 0
	// marginTop is the margin above which it would have been in time with a tick less, of four quarters.
	marginTop = marginLow + 3
	// marginLate is the margin below which one report is enough: more than a tick too late.
	marginLate = -4
	// reportsLatest is how many reports are looked at, and strays is how many of them may be chance.
	reportsLatest = 32
	strays        = 1
)

// The wait is by how many eighths of a period an input leaves after the news that it answers. Acknowledgements of QUIC
// are held back for 25 ms at most, and ride along with what leaves by then: so the server's rides if an input comes less
// than that before the server sends to this client again, a period after the last time, and ours if the input leaves
// within it. The wait brings inputs there, where both can be had. What a player asks for meanwhile is in time for the same
// tick.
const (
	// rideWithin is how long before the server sends an input should come, and how long after the news it may leave:
	// 25 ms, less what the way through both machines takes.
	rideWithin = 20 * time.Millisecond
	// rideAhead is how long before that it should come at least, so that the machines may be late without a miss.
	rideAhead = 5 * time.Millisecond
	// rideHold is half of the reports for which the wait does not rise again after it had to fall; twice as many each time.
	rideHold = 4 * reportsLatest
)

// timing decides which tick an input is for, and when it leaves.
type timing struct {
	period      time.Duration
	roundTrip   time.Duration // as it is now
	lead        int
	wait        int // eighths of a period
	hold        int // reports until the wait may rise
	fell        int // how often it had to fall
	margin      int8
	reports     int    // since the lead changed, or all of them were looked at
	lows        int    // of them below marginLow
	tops        int    // of them above marginTop
	settled     uint64 // the input tick from which on a report shows the lead as it is now
	stamped     uint64 // the tick of the latest input
	newest      uint64 // the newest tick received when it was stamped
	resyncAsked int    // the epoch of which a resync was asked, plus one
}

// start begins with a lead of a round trip, the quarter of a period that an input may wait before it is sent, and the
// quarter that it should be early.
func (t *timing) start(roundTrip, period time.Duration) {
	t.lead = int(min((roundTrip+period/2+period-1)/period, leadMax))
	t.period, t.roundTrip = period, roundTrip
	t.wait = t.ride()
}

// ride is the wait with which acknowledgements ride both ways, however late the machines are: that of a few which brings
// the input to the middle of the time in which it may come. None when none brings it there.
func (t *timing) ride() (wait int) {
	if t.period <= rideWithin {
		return 0 // whatever comes rides
	}
	const middle = (rideWithin + rideAhead) / 2
	best := (rideWithin - rideAhead) / 2
	for eighths := range 8 {
		later := time.Duration(eighths) * t.period / 8
		if later > rideWithin {
			break
		}
		ahead := t.period - (t.roundTrip+later)%t.period
		if off := (ahead - middle).Abs(); off <= best {
			wait, best = eighths, off
		}
	}
	return wait
}

// heard takes a newer datagram's header.
func (t *timing) heard(h protocol.StateHeader) {
	if !h.HasInput {
		return
	}
	t.margin = h.Margin
	if h.InputTick < t.settled {
		return
	}
	t.reports++
	t.hold = max(t.hold-1, 0)
	switch {
	case h.Margin < marginLow:
		t.lows++
	case h.Margin > marginTop:
		t.tops++
	}
	switch {
	case t.lows > strays && t.wait > 0:
		t.move(0, -1)
		t.fell++
		t.hold = rideHold << min(t.fell, 6)
	case (h.Margin < marginLate || t.lows > strays) && t.lead < leadMax:
		t.move(1, 0)
	case t.reports < reportsLatest:
	case t.tops >= reportsLatest-strays && t.lead > 0:
		t.move(-1, 0)
	case t.ride() < t.wait, t.ride() > t.wait && t.hold == 0:
		t.move(0, t.ride()-t.wait)
	default:
		t.reports, t.lows, t.tops = 0, 0, 0
	}
}

// move changes the lead and the wait; reports of inputs that were stamped before do not tell of it.
func (t *timing) move(lead, wait int) {
	t.lead += lead
	t.wait += wait
	t.reports, t.lows, t.tops, t.settled = 0, 0, 0, t.stamped+1
}

// next is the tick for the next input, when newest is the newest tick received: the lead ahead of it. Where that is
// not later than the last one, since the lead has fallen or news came late, it is the last one again, and the input waits.
// Without news inputs go on by one tick, for two ticks.
func (t *timing) next(newest uint64) uint64 {
	target := newest + uint64(t.lead)
	if newest > t.newest {
		t.stamped = max(t.stamped, target)
	} else {
		t.stamped = max(t.stamped, min(t.stamped+1, target+2))
	}
	t.newest = newest
	return t.stamped
}
