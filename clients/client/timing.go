package client

import "github.com/quicstep/quicstep/protocol"

// The lead is by how many ticks inputs are stamped ahead of the newest tick received, so that each arrives just
// before its own. The server reports the margin, in quarters of a tick; the lead follows it a tick at a time: up as soon
// as an input comes too close to its tick, down when for a while none came within more than a tick and a half.
const (
	leadFirst = 3
	leadMax   = 32
	marginLow = 2 // less than half a tick is too close
	marginTop = 6 // more than a tick and a half is more delay than needed
	// calmReports is how many reports in a row must be above marginTop.
	calmReports = 16
)

// timing decides which tick an input is for.
type timing struct {
	lead        int
	margin      int8
	calm        int    // reports in a row above marginTop
	settled     uint64 // the input tick from which on a report shows the lead as it is now
	stamped     uint64 // the tick of the latest input
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
	if t.calm++; h.Margin <= marginTop {
		t.calm = 0
	}
	switch {
	case h.Margin < marginLow && t.lead < leadMax:
		t.lead++
	case t.calm >= calmReports && t.lead > 0:
		t.lead--
	default:
		return
	}
	t.calm, t.settled = 0, t.stamped+1
}

// next is the tick for the next input, when newest is the newest tick received. It is one more than the last,
// within two ticks of the lead; a client whose clock runs fast gets the same tick again, and waits.
func (t *timing) next(newest uint64) uint64 {
	t.stamped = max(t.stamped+1, newest+uint64(t.lead))
	if t.stamped > newest+uint64(t.lead)+2 {
		t.stamped = newest + uint64(t.lead) + 2
	}
	return t.stamped
}
