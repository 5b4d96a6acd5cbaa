package client

import "github.com/quicstep/quicstep/protocol"

// The lead is by how many ticks inputs are stamped ahead of the newest tick received, so that each arrives just
// before its own. The server reports the margin, in quarters of a tick, and the lead follows it a tick at a time: up when
// inputs come too close to their ticks, down when for a while none came within more than a tick.
const (
	leadFirst = 3
	leadMax   = 32
	// marginLow is the margin below which an input came too close to its tick. One such may be chance, two among the
	// latest reports are not.
	marginLow = 1
	lowsMost  = 2
	// marginLate is the margin below which one report is enough: more than a tick too late.
	marginLate = -4
	// marginTop is the margin above which all of the latest reports must be for the lead to fall by a tick, which is four
	// quarters.
	marginTop = 5
	// reportsLatest is how many reports are looked at.
	reportsLatest = 16
)

// timing decides which tick an input is for.
type timing struct {
	lead        int
	margin      int8
	reports     int    // since the lead changed, or all of them were looked at
	lows        int    // of them below marginLow
	tops        int    // of them above marginTop
	settled     uint64 // the input tick from which on a report shows the lead as it is now
	stamped     uint64 // the tick of the latest input
	newest      uint64 // the newest tick received when it was stamped
	resyncAsked int    // the epoch of which a resync was asked, plus one
}

func (t *timing) start() { t.lead = leadFirst }

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
	switch {
	case h.Margin < marginLow:
		t.lows++
	case h.Margin > marginTop:
		t.tops++
	}
	switch {
	case (h.Margin < marginLate || t.lows >= lowsMost) && t.lead < leadMax:
		t.move(1)
	case t.tops >= reportsLatest && t.lead > 0:
		t.move(-1)
	case t.reports >= reportsLatest:
		t.reports, t.lows, t.tops = 0, 0, 0
	}
}

// move changes the lead; reports of inputs that were stamped before do not tell of it.
func (t *timing) move(by int) {
	t.lead += by
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
