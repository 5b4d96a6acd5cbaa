package client

import (
	"math"
	"time"

	"github.com/quicstep/quicstep/protocol"
)

// The lead is by how many ticks inputs are stamped ahead of the newest tick received, so that each arrives just
// before its own. It begins with what the handshake tells of the round trip. Then the server reports the margin, in
// quarters of a tick, and the lead follows it a tick at a time: up when inputs come too late for their ticks, down when
// nearly all would have come in time with a tick less. The clock takes its time to follow the lead.
const (
	leadMax = 32
	// marginLow is the margin below which an input was too late for its tick.
	marginLow = 0
	// marginTop is the margin above which it would have been in time with a tick less, of four quarters.
	marginTop = marginLow + 3
	// marginLate is the margin below which no shorter wait helps: more than a tick too late.
	marginLate = -4
	// reportsLatest is how many reports are looked at, and strays is how many of them may be chance.
	reportsLatest = 32
	strays        = 1
)

// The cushion is by how many ticks more inputs are early, so that what was lost comes in time with the next datagram,
// which has it too. It grows when ticks go without their input though the inputs that do come are in time.
const (
	cushionMax = 3
	// gapsMost is how many gaps are no chance, and gapNear by how many ticks each comes after the one before at most. A gap
	// is also a run of ticks with less than gapRun between them, as when a machine was busy.
	gapsMost = 3
	gapNear  = 200
	gapRun   = 8
	// gapFar is half of the ticks without one after which the cushion shrinks; twice as many each time that it grew.
	gapFar = 300
)

// The wait is by how many eighths of a period an input leaves after the news that it answers. Acknowledgements of QUIC
// are held back for 25 ms at most, and ride along with what leaves by then: so the server's rides if an input comes less
// than that before the server sends to this client again, a period after the last time, and ours if the input leaves
// within it. The wait brings inputs there, where both can be had. What a player asks for meanwhile is in time for the same
// tick.
const (
	// rideWithin is how long after the news an input may leave: 25 ms, less what the way through the machine takes.
	rideWithin = 20 * time.Millisecond
	// rideMost and rideLeast are how long before the server sends an input should come by the smallest round trip. It comes
	// later than that, by some milliseconds that the machines take, more when they are busy.
	rideMost  = 25 * time.Millisecond
	rideLeast = 15 * time.Millisecond
	// rideHold is for how many reports the wait does not rise again after it had to fall: twice as many each time that it has
	// risen and has to fall again, 32 times at most, and half as many when it has held for as long. One disturbance, as of a
	// machine that many join at once, has it fall several times in a row, and counts once.
	rideHold = 2 * reportsLatest
)

// timing decides which tick an input is for, and when it leaves.
type timing struct {
	period      time.Duration
	roundTrip   time.Duration // as it is now
	lead        int
	wait        int // eighths of a period
	hold        int // reports until the wait may rise
	fell        int // how often it had to fall after it had risen, less how often it held
	held        int // reports since it rose
	margin      int8
	reports     int    // since the lead changed, or all of them were looked at
	lows        int    // of them below marginLow
	tops        int    // of them above marginTop
	settled     uint64 // the input tick from which on a report shows the lead as it is now
	clock       clock
	first       uint64 // the tick of the first input; zero before it
	stamped     uint64 // the tick of the latest input
	told        uint64 // the newest tick of which the server has told that it has the input
	acked       uint64 // the server has every input up to this tick, or wants it no more
	cushion     int    // ticks
	gap         uint64 // the latest tick without its input
	lacking     bool   // whether that is late or lost is not known yet
	gaps        int    // that came soon one after the other
	grew        int    // how often the cushion did
	late        uint64 // inputs that came too late
	missing     uint64 // ticks without their input
	resyncAsked int    // the epoch of which a resync was asked, plus one
}

// start begins at a tick, with a lead of a round trip, the quarter of a period that an input may wait before it is sent,
// and the quarter that it should be early.
func (t *timing) start(tick uint64, roundTrip, period time.Duration, now time.Time) {
	t.lead = int(min((roundTrip+period/2+period-1)/period, leadMax))
	t.period, t.roundTrip = period, roundTrip
	t.wait = t.ride()
	t.clock.start(tick, period, now)
	t.aim()
	t.clock.ahead = t.clock.aim
}

// aim tells the clock where it should be: whole ticks are when inputs usually leave.
func (t *timing) aim() { t.clock.aim = float64(t.lead) - float64(t.wait)/8 }

// ride is the wait with which acknowledgements ride both ways, however late the machines are: that of a few which brings
// the input to the middle of the time in which it may come. None when none brings it there.
func (t *timing) ride() (wait int) {
	if t.period <= rideWithin {
		return 0 // whatever comes rides
	}
	const middle = (rideMost + rideLeast) / 2
	best := (rideMost - rideLeast) / 2
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

// heard takes the header of a newer datagram than any before, at its arrival.
func (t *timing) heard(h protocol.StateHeader, now time.Time) {
	t.clock.arrived(h.Tick, now)
	t.acked = max(t.acked, h.Tick)
	if !h.HasInput {
		return
	}
	if h.Margin < marginLow && h.InputTick > t.told {
		t.late++
	}
	t.told = max(t.told, h.InputTick)
	t.acked = max(t.acked, t.told)
	t.margin = h.Margin
	t.lacks(h)
	if h.InputTick < t.settled || t.clock.rate != 1 {
		return
	}
	t.reports++
	t.hold = max(t.hold-1, 0)
	if t.held++; t.held >= rideHold<<t.fell && t.hold == 0 {
		t.fell, t.held = max(t.fell-1, 0), 0
	}
	low := int8(marginLow + 4*t.cushion)
	switch {
	case h.Margin < low:
		t.lows++
	case h.Margin > low+marginTop-marginLow:
		t.tops++
	}
	switch {
	case t.lows > strays && t.wait > 0 && h.Margin >= low+marginLate:
		if t.hold == 0 {
			t.fell = min(t.fell+1, 6)
		}
		t.hold, t.held = rideHold<<t.fell/2, 0
		t.move(0, -1)
	case t.lows > strays && t.lead < leadMax:
		t.move(1, 0)
	case t.reports < reportsLatest:
	case t.tops >= reportsLatest-strays && t.lead > 0:
		t.move(-1, 0)
	case t.ride() < t.wait, t.ride() > t.wait && t.hold == 0:
		t.held = 0
		t.move(0, t.ride()-t.wait)
	default:
		t.reports, t.lows, t.tops = 0, 0, 0
	}
}

// pace has ticks take so many periods, none when the room stands. The lead stays as it is until the pace is normal again,
// so that it is right then.
func (t *timing) pace(tick uint64, every int, now time.Time) {
	t.clock.pace(tick, every, now)
	t.settled = t.stamped + 1
}

// lacks looks whether the server had the input for a datagram's tick when it made that. One that it lacked was late when
// the next report is of one that was; else it is lost.
func (t *timing) lacks(h protocol.StateHeader) {
	if t.first == 0 || h.Tick < t.first {
		return
	}
	if t.lacking && h.InputTick >= t.gap {
		t.lacking = false
		if h.Margin > marginLow {
			t.lost(h)
		}
	}
	if h.InputTick >= h.Tick {
		if t.cushion > 0 && h.Tick > t.gap+gapFar<<min(t.grew, 6) {
			t.cushion, t.gap = t.cushion-1, h.Tick
		}
		return
	}
	t.missing++
	if h.Margin <= marginLow { // the one before it came just in time: this one is late rather than lost
		if h.InputTick >= t.settled {
			t.lows++
		}
		return
	}
	t.lacking = t.lacking || h.Tick > t.gap+gapRun
	if h.Tick > t.gap+gapNear {
		t.gaps = 0
	}
	t.gap = h.Tick
}

// lost takes a gap whose input is lost.
func (t *timing) lost(h protocol.StateHeader) {
	t.gaps++
	if t.gaps >= gapsMost && h.InputTick >= t.settled && t.cushion < cushionMax && t.lead < leadMax {
		t.cushion, t.gaps = t.cushion+1, 0
		t.grew++
		t.move(1, 0)
	}
}

// move changes the lead and the wait; reports of inputs that were stamped before do not tell of it.
func (t *timing) move(lead, wait int) {
	t.lead += lead
	t.wait += wait
	t.aim()
	t.reports, t.lows, t.tops, t.settled = 0, 0, 0, t.stamped+1
}

// next is the tick of the input that leaves now: the next one, unless the clock is not as far yet. Then it is the last
// one again, and what is asked for now is for the tick after it.
func (t *timing) next(now time.Time) uint64 {
	t.stamped = max(t.stamped, uint64(max(0, math.Round(t.clock.predicted(now)))))
	if !t.clock.steady() {
		t.settled = t.stamped + 1
	}
	return t.stamped
}

// again is the time until an input leaves in any case: a quarter of a tick after it usually does.
func (t *timing) again(now time.Time) time.Duration {
	return t.clock.until(float64(t.stamped)+1.25, now, t.period+t.period/4)
}
