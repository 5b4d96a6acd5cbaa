package replicate

import (
	"time"
)

const (
	// probeTicks is how many periods apart a single datagram is sent while too much is under way.
	probeTicks = 4
	// rttWindow is the time over which the smallest acknowledgement time is taken, in two halves.
	rttWindow = 10 * time.Second
	// rttAtFirst stands for the acknowledgement time until one is measured.
	rttAtFirst = 200 * time.Millisecond
	// slackTicks is how much more than a round trip may be under way.
	slackTicks = 2
	// budgetMin is the least that a slow client's budget shrinks to, in bytes.
	budgetMin = 64
	// budgetGrowth is the part by which the budget grows back in a round trip.
	budgetGrowth = 16
)

// pace bounds what is under way to a client by its own acknowledgements, and its budget by their delay. The
// connection's queue is not asked: it would hold seconds of old states.
type pace struct {
	period   time.Duration
	most     int
	budget   int
	least    [2]time.Duration // the smallest time of the current and the former half window; zero: none
	half     time.Time        // when the current half began
	smooth   time.Duration
	last     time.Duration // the latest acknowledgement time
	changed  time.Time     // when the budget was changed last
	sentTick uint32
	any      bool // something was sent
}

func (p *pace) start(cfg Config) {
	*p = pace{period: cfg.Period, most: cfg.BudgetBytes, budget: cfg.BudgetBytes}
}

// acked takes the time between a datagram and the first acknowledgement that names it as the newest.
func (p *pace) acked(took time.Duration, now time.Time) {
	took = max(took, time.Microsecond)
	if now.Sub(p.half) >= rttWindow/2 {
		p.least[1], p.least[0], p.half = p.least[0], 0, now
	}
	if p.least[0] == 0 || took < p.least[0] {
		p.least[0] = took
	}
	if p.smooth == 0 {
		p.smooth = took
	}
	p.smooth += (took - p.smooth) / 8
	p.last = took
	if now.Sub(p.changed) <= took {
		return // at most once a round trip
	}
	p.changed = now
	if most := p.smallest() + 2*p.period; took > most {
		// What is under way takes took to arrive, and should take most: that part of it, and half at most.
		p.budget = max(min(p.budget/2, int(int64(p.budget)*int64(most)/int64(took))), budgetMin)
	} else {
		p.budget = min(p.budget+p.budget/budgetGrowth, p.most)
	}
}

// smallest is the smallest acknowledgement time of the last rttWindow: a smoothed one would contain our own
// queue, and raise its own bound without end.
func (p *pace) smallest() time.Duration {
	switch {
	case p.least[0] == 0 && p.least[1] == 0:
		return rttAtFirst
	case p.least[0] == 0:
		return p.least[1]
	case p.least[1] == 0:
		return p.least[0]
	}
	return min(p.least[0], p.least[1])
}

// allows returns how many bytes of records this tick's pass may send, zero for none, and in how many datagrams
// at most, zero for as many as it takes. There are never more datagrams under way than acknowledgements can name.
func (p *pace) allows(r *ring, tick uint64, now time.Time) (budget, datagrams int) {
	bound := int((p.smallest()+p.period-1)/p.period) + slackTicks
	if r.ticksUnderWay() < bound && r.newer-r.acked < ringSlots/2 {
		return p.budget, 0
	}
	if p.any && uint32(tick)-p.sentTick < probeTicks {
		return 0, 0
	}
	return p.budget, 1
}

func (p *pace) sent(tick uint32) { p.sentTick, p.any = tick, true }

// ackTicks is after how many ticks something sent and not acknowledged is due again: one acknowledgement
// time, at least two ticks.
func (p *pace) ackTicks() uint32 {
	smooth := p.smooth
	if smooth == 0 {
		smooth = rttAtFirst
	}
	return uint32(max(2, (smooth+p.period-1)/p.period))
}
