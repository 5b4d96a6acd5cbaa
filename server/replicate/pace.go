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
	// windowShare is how many quarters of the congestion window records may take; the rest is for headers, streams
	// and what is lost.
	windowShare = 3
	// lossPackets is over how many packets, at least, the share that is lost is taken.
	lossPackets = 32
	// lossFree, in thousandths, is the share of lost packets that takes nothing of the budget; lossWorst that which
	// leaves a quarter.
	lossFree, lossWorst = 100, 400
)

// Path is what the connection knows of the way to a client, to bound its budget by. The zero Path is no news.
type Path struct {
	// WindowBytes is the congestion window, and RTT the smoothed round trip time: three quarters of the window, for as
	// much of a round trip as a tick takes, are the most that a pass may send. With either zero they are not known, and
	// bound nothing.
	WindowBytes uint64
	RTT         time.Duration
	// SentPackets and LostPackets count since the connection began. Of 32 packets or more up to a tenth may be lost;
	// with each hundredth above the budget's bound falls by a fortieth, to a quarter of Config.BudgetBytes at four tenths.
	SentPackets, LostPackets uint64
}

// pace bounds what is under way to a client by its own acknowledgements, and its budget by their delay, the congestion
// window and loss. The connection's queue is not asked: it would hold seconds of old states.
type pace struct {
	period   time.Duration
	most     int
	budget   int
	limit    int              // what the budget may grow to: most, or less where the path does not take it
	least    [2]time.Duration // the smallest time of the current and the former half window; zero: none
	half     time.Time        // when the current half began
	smooth   time.Duration
	last     time.Duration // the latest acknowledgement time
	changed  time.Time     // when the budget was changed last
	sentTick uint32
	any      bool   // something was sent
	loss     int    // the share of packets that is lost, in thousandths
	sent     uint64 // packets, as of when loss was taken, and those lost of them
	lost     uint64
}

func (p *pace) start(cfg Config) {
	*p = pace{period: cfg.Period, most: cfg.BudgetBytes, budget: cfg.BudgetBytes, limit: cfg.BudgetBytes}
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
		p.budget = min(p.budget+p.budget/budgetGrowth, p.limit)
	}
}

// told takes news of the path. The budget is cut at once, and grows back as acknowledgements come in time.
func (p *pace) told(path Path) {
	if path == (Path{}) {
		return
	}
	p.count(path.SentPackets, path.LostPackets)
	limit := p.most
	if path.WindowBytes > 0 && path.RTT > 0 {
		tick := float64(min(p.period, path.RTT)) / float64(path.RTT) // of a round trip
		limit = int(min(float64(limit), float64(path.WindowBytes)*tick*windowShare/4))
	}
	if over := min(p.loss, lossWorst) - lossFree; over > 0 {
		limit = min(limit, p.most-p.most*over*3/4/(lossWorst-lossFree))
	}
	p.limit = max(limit, budgetMin)
	p.budget = min(p.budget, p.limit)
}

// count takes the share of packets that were lost, half of it from the packets before.
func (p *pace) count(sent, lost uint64) {
	if sent < p.sent {
		p.sent, p.lost = sent, lost
	}
	n := sent - p.sent
	if n < lossPackets {
		return
	}
	now := max(0, int64(lost)-int64(p.lost)) // packets that were only late are no longer lost
	p.loss = (p.loss + int(min(uint64(now)*1000/n, 1000))) / 2
	p.sent, p.lost = sent, lost
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
func (p *pace) allows(r *ring, tick uint64, probe bool) (budget, datagrams int) {
	if r.ticksUnderWay() < p.bound() && r.newer-r.acked < ringSlots/2 {
		return p.budget, 0
	}
	if !probe && p.any && uint32(tick)-p.sentTick < probeTicks {
		return 0, 0
	}
	return p.budget, 1
}

// bound is how many ticks may be under way.
func (p *pace) bound() int { return int((p.smallest()+p.period-1)/p.period) + slackTicks }

func (p *pace) hasSent(tick uint32) { p.sentTick, p.any = tick, true }

// ackTicks is after how many ticks something sent and not acknowledged is due again: one acknowledgement
// time, at least two ticks.
func (p *pace) ackTicks() uint32 {
	smooth := p.smooth
	if smooth == 0 {
		smooth = rttAtFirst
	}
	return uint32(max(2, (smooth+p.period-1)/p.period))
}
