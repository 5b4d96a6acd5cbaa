package replicate

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// ringSlots is how many datagrams are remembered for their acknowledgement: twice what one covers, so that
// what the ring has forgotten can't be named any more.
const ringSlots = 2 * protocol.AckBits

// ring remembers what datagrams carried, by sequence number.
type ring struct {
	first uint64 // the lowest sequence number that counts
	newer uint64 // the highest one sent, plus one
	acked uint64 // the highest one acknowledged; below first when none is

	open [ringSlots / 64]uint64 // a bit per slot that is not acknowledged

	refs  []uint32 // table and index of what datagrams carried, round and round; its length is a power of two
	head  uint64   // where the next goes
	marks [2]mark  // the older one is up to two protocol.MinAge ticks back

	slots [ringSlots]slot // last, so that what each pass needs is together
}

// maxRefs bounds what is remembered of a client; beyond it the oldest is forgotten, as if it had been lost.
const maxRefs = 1 << 15

// mark is where the refs of a tick and all later ones begin.
type mark struct {
	tick uint32
	head uint64
}

// reserve makes room for n more refs without touching those of the latest protocol.MinAge ticks at least. The
// marks tell where these begin: asking the slots would cost a cache miss in each pass.
func (r *ring) reserve(n int, tick uint32) {
	if tick-r.marks[1].tick >= protocol.MinAge {
		r.marks = [2]mark{r.marks[1], {tick, r.head}}
	}
	need, size := r.head-r.marks[0].head+uint64(n), max(len(r.refs), 64)
	for need > uint64(size) && size < maxRefs {
		size *= 2
	}
	if size == len(r.refs) {
		return
	}
	refs := make([]uint32, size)
	for at := r.head - min(r.head, uint64(len(r.refs))); at < r.head; at++ {
		refs[at&uint64(size-1)] = r.refs[at&uint64(len(r.refs)-1)]
	}
	r.refs = refs
}

// carried returns the refs of a slot, in two parts where they go round the end; none when they are forgotten.
func (r *ring) carried(s *slot) (a, b []uint32) {
	if s.from+uint64(len(r.refs)) < r.head {
		return nil, nil
	}
	from := int(s.from & uint64(len(r.refs)-1))
	if to := from + int(s.refs); to > len(r.refs) {
		return r.refs[from:], r.refs[:to-len(r.refs)]
	}
	return r.refs[from : from+int(s.refs)], nil
}

type slot struct {
	seq  uint64 // zero when empty or acknowledged
	tick uint32
	at   time.Time
	from uint64 // where in refs what it carried begins
	refs uint32 // and how much that is
}

// clear forgets everything before a sequence number.
func (r *ring) clear(next uint64) {
	for i := range r.slots {
		r.slots[i].seq = 0
	}
	r.open = [len(r.open)]uint64{}
	r.first, r.newer, r.acked = next, next, next-1
}

// ticksUnderWay counts the ticks whose datagrams were all sent after the newest acknowledged one.
func (r *ring) ticksUnderWay() (n int) {
	var last uint32
	for seq := r.newer - 1; seq > r.acked && seq+ringSlots >= r.newer; seq-- {
		if s := &r.slots[seq%ringSlots]; n == 0 || s.tick != last {
			n, last = n+1, s.tick
		}
	}
	return n
}

// openBefore returns which of the 64 datagrams before one are not acknowledged: bit i for seq-1-i.
func (r *ring) openBefore(seq uint64) uint64 {
	at := (seq - 1) % ringSlots
	if at >= 64 {
		return bits.Reverse64(r.open[1]<<(127-at) | r.open[0]>>(at-63))
	}
	return bits.Reverse64(r.open[0]<<(63-at) | r.open[1]>>(at+1))
}

// AckError tells that a peer acknowledged a datagram that was never sent.
type AckError struct{ Newest, Sent uint64 }

// Error names both sequence numbers.
func (e *AckError) Error() string {
	return fmt.Sprintf("datagram %d was acknowledged, %d is the newest that was sent", e.Newest, e.Sent)
}

// carried is what a datagram carries of one entity.
type carried struct {
	ref uint32 // table and index
	at  int32  // the entry's place
}

// Sent writes down that a datagram of the latest pass was handed to the connection, at the pass's time.
func (c *Client) Sent(d Datagram) {
	r := &c.ring
	r.reserve(len(d.carries), c.tick)
	s := &r.slots[d.Sequence%ringSlots]
	r.open[d.Sequence%ringSlots/64] |= 1 << (d.Sequence % 64)
	*s = slot{seq: d.Sequence, tick: c.tick, at: c.now, from: r.head, refs: uint32(len(d.carries))}
	for _, k := range d.carries {
		r.refs[r.head&uint64(len(r.refs)-1)] = k.ref
		r.head++
		if k.ref&refEvent != 0 {
			c.events[k.at].sent = c.tick
			continue
		}
		table := &c.tables[k.ref>>schema.IndexBits]
		e := &table.entries[k.at]
		e.sent = c.tick
		e.key |= flagTold
		if c.cfg.Breach&BreachAcks != 0 && !e.gone() {
			e.known = c.tick
		}
	}
	if c.trail != nil {
		c.trail.sent(c, d)
	}
	c.nextSeq = d.Sequence + 1
	r.newer = c.nextSeq
	c.pace.hasSent(c.tick + c.holds)
}

// Ack takes an acknowledgement: the epoch, the newest sequence number received as it travels, and which of the
// protocol.AckBits before it are missing. Those of another epoch count for nothing. It tells whether it is fresh: whether
// the client had received no more when it sent any other acknowledgement that came before. Call it between passes.
func (c *Client) Ack(epoch uint8, newest uint16, missing uint64, now time.Time) (fresh bool, err error) {
	if epoch != c.epoch {
		return false, nil
	}
	seq := protocol.Widen(newest, c.ring.newer-1)
	if seq >= c.ring.newer {
		return false, &AckError{Newest: seq, Sent: c.ring.newer - 1}
	}
	switch {
	case seq > c.ackSeq:
		c.ackSeq, c.ackMissing, fresh = seq, missing, true
	case seq == c.ackSeq:
		fresh = missing&^c.ackMissing == 0
		c.ackMissing &= missing
	}
	c.arrived = max(c.arrived, seq)
	if seq > c.ring.acked {
		if s := &c.ring.slots[seq%ringSlots]; s.seq == seq {
			c.pace.acked(now.Sub(s.at), now)
			c.ackTick = s.tick
		}
		c.ring.acked = seq
	}
	c.acked(seq)
	for there := c.ring.openBefore(seq) &^ missing; there != 0; there &= there - 1 {
		c.acked(seq - 1 - uint64(bits.TrailingZeros64(there)))
	}
	return fresh, nil
}

// acked raises what the client is known to have by one datagram, for entities that it has seen in the same way
// since the datagram's tick or before.
func (c *Client) acked(seq uint64) {
	s := &c.ring.slots[seq%ringSlots]
	if s.seq != seq || seq < c.ring.first && c.cfg.Breach&BreachResume == 0 {
		return
	}
	s.seq = 0
	c.ring.open[seq%ringSlots/64] &^= 1 << (seq % 64)
	a, b := c.ring.carried(s)
	c.known(a, s.tick)
	c.known(b, s.tick)
}

// known marks what a datagram of a tick carried as known.
func (c *Client) known(refs []uint32, tick uint32) {
	var table *sight
	at, number := 0, -1
	for _, ref := range refs {
		if ref&refEvent != 0 {
			c.acknowledgeEvent(ref &^ refEvent)
			continue
		}
		index := ref & keyIndex
		if n := int(ref >> schema.IndexBits); n != number {
			table, number, at = &c.tables[n], n, 0
		}
		at = table.seek(at, index)
		if at == len(table.entries) || table.entries[at].index() != index {
			continue
		}
		e := &table.entries[at]
		if e.since > tick && c.cfg.Breach&BreachSince == 0 {
			continue
		}
		if e.gone() {
			e.key = e.key&^flagTold | flagDead
			continue
		}
		e.known = max(e.known, tick)
		e.key &^= flagFirst
	}
}

// seek returns the place of the first entry from at on whose index is not below; what datagrams carry is
// mostly sorted, so it is a step or two.
func (s *sight) seek(at int, index uint32) int {
	if at > 0 && s.entries[at-1].index() >= index {
		at = 0
	}
	for step := 1; at+step < len(s.entries) && s.entries[at+step].index() <= index; step *= 2 {
		at += step
	}
	for at < len(s.entries) && s.entries[at].index() < index {
		at++
	}
	return at
}
