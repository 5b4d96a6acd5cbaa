package replicate

import (
	"cmp"
	"slices"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// What goes first when the budget does not hold what is due: own rows, up to three quarters of it when anything else is
// due; in each of the two groups the record with the highest urgency, which is its row's weight times the ticks that it
// has waited since it was sent or came into sight, with a head start for what was never sent and for removals. The
// first of each group goes however long it is.
//
// So a weight orders, and waiting decides in the end: a row of weight w waits at most
//
//	f(w) = ⌈(L + 9) × W / w⌉ ticks, with L = ⌊D / (B − s + 1)⌋ + 1,
//
// as long as there is a pass in each tick; D being what all that is in sight of the group costs once, in bytes, s the
// longest record of it, B the group's part of the budget, W the highest weight in sight and 9 the longest head start. L
// is how many passes it takes to send everything once; no more than there are rows, also where B is less than s.
// When all weigh the same, this is the time to send everything once and 9 ticks.
//
// For suppose that a row waits for T ≥ (L + 9) × W / w ticks. A record that goes first at the kth of them has waited for
// a ≥ k × w / W − 9 ticks, so it was sent before, or came into sight, at k − a ≤ T − (T × w / W − 9) ≤ T − L. So none goes
// twice in the last L passes, nor is there one that came meanwhile; they are as many as send everything once when
// each carries more than B − s bytes, and each does, or the row would have had its place. So it was sent.
//
// Waiting begins anew when the row is sent, whether that arrives or not; a row that was sent as it is and not
// acknowledged is due again after the acknowledgement time, and then has its place within L passes of it, or f(w).

// Scores are ticks of waiting in 256ths; urgencies are scores times weights.
const (
	scoreTick    = 256
	scoreNew     = 8 * scoreTick // the head start of what was never sent, and of removals; the nearest gets a tick more
	scoreWaitMax = 1 << 17       // ticks; keeps the arithmetic in range
	scoreOwn     = 1 << 30       // own rows come first
)

// order is how the latest pass chose, kept to answer why something was not sent.
type order struct {
	tick   uint32
	budget int32
	due    int32    // records
	kept   int32    // those of them that the budget held
	least  [2]int32 // the lowest score that got in: of own rows, of others; zero when none did
	held   bool     // too much was under way: the pass sent nothing
	cut    bool     // the budget did not hold all that was due
}

// The groups of order.least.
const (
	groupOwn = iota
	groupOthers
)

// choose leaves in due what is to be sent, in its order.
func (c *Client) choose(s *Scratch, budget int) {
	c.order = order{tick: c.tick, budget: int32(budget), due: int32(len(s.due)), kept: int32(len(s.due))}
	most := 0
	for i := range s.due {
		most += c.tables[s.due[i].table].rowBytesMax
	}
	if most > budget { // it need not fit
		c.cut(s, budget)
	}
}

// cut takes out of due what does not fit the budget, the least urgent.
func (c *Client) cut(s *Scratch, budget int) {
	s.order = s.order[:0]
	for i := range s.due {
		s.due[i].score *= s.due[i].weight()
		s.order = append(s.order, int32(i))
	}
	slices.SortFunc(s.order, func(a, b int32) int {
		return cmp.Or(-cmp.Compare(s.due[a].urgency(), s.due[b].urgency()), cmp.Compare(a, b))
	})
	own := budget // what own rows may take: all but a quarter, when there is anything else
	if s.classDue[schema.Own] < len(s.due) {
		own -= budget / 4
	}
	kept, o := 0, &c.order
	for _, i := range s.order {
		r := &s.due[i]
		size, group := c.bytesOf(r), r.group()
		room := budget
		if group == groupOwn {
			room = own
			own -= size
		}
		if size > room && o.least[group] != 0 { // the first goes in any case
			if group == groupOthers {
				break
			}
			own = 0
			continue
		}
		budget -= min(size, max(room, 0)) // one that is too long takes nothing from the other group
		o.least[group] = max(r.score, 1)
		s.order[kept] = i
		kept++
	}
	o.cut, o.kept = kept < len(s.due), int32(kept)
	s.order = s.order[:kept]
	slices.Sort(s.order)
	for n, i := range s.order {
		s.due[n] = s.due[i]
	}
	s.due = s.due[:kept]
}

// recordHeadTypical is what a record is expected to have before its fields, for the budget's arithmetic.
const recordHeadTypical = 3

// bytesOf is how long a record will be.
func (c *Client) bytesOf(r *record) int {
	if r.form.kind() == protocol.Removed {
		return recordHeadTypical
	}
	return recordHeadTypical + c.tables[r.table].wire.RowBytes(r.form.class(), r.mask, r.page.Texts(int(r.index&63)))
}

// weight is the row's; of a removal that of the row that is, or was, at its index.
func (r *record) weight() int32 {
	if r.page == nil {
		return 1
	}
	return int32(r.page.Weight(int(r.index & 63)))
}

func (r *record) group() int {
	if r.form.class() == schema.Own {
		return groupOwn
	}
	return groupOthers
}

// urgency is the score, with own rows before all others.
func (r *record) urgency() int32 {
	if r.group() == groupOwn {
		return scoreOwn + r.score
	}
	return r.score
}
