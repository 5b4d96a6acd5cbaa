package replicate

import (
	"fmt"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// ringSlots is how many datagrams are remembered for their acknowledgement: twice what one covers, so that
// what the ring has forgotten can't be named any more.
const ringSlots = 2 * protocol.AckBits

// ring remembers what datagrams carried, by sequence number.
type ring struct {
	slots [ringSlots]slot
	first uint64 // the lowest sequence number that counts
	newer uint64 // the highest one sent, plus one
	acked uint64 // the highest one acknowledged; below first when none is
}

type slot struct {
	seq  uint64 // zero when empty or acknowledged
	tick uint32
	at   time.Time
	refs []uint32 // table and index of what it carried
}

// clear forgets everything before a sequence number.
func (r *ring) clear(next uint64) {
	for i := range r.slots {
		r.slots[i].seq = 0
	}
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

// AckError tells that a peer acknowledged a datagram that was never sent.
type AckError struct{ Newest, Sent uint64 }

// Error names both sequence numbers.
func (e *AckError) Error() string {
	return fmt.Sprintf("datagram %d was acknowledged, %d is the newest that was sent", e.Newest, e.Sent)
}

// carried is what a datagram carries of one entity.
type carried struct {
	table, at int32
	index     uint32
}

// Sent writes down that a datagram of the latest pass was handed to the connection, at the pass's time.
func (c *Client) Sent(d Datagram) {
	s := &c.ring.slots[d.Sequence%ringSlots]
	s.seq, s.tick, s.at, s.refs = d.Sequence, c.tick, c.now, s.refs[:0]
	for _, k := range c.carried[d.carries:d.until] {
		e := &c.tables[k.table].entries[k.at]
		e.sent = max(c.tick-c.stagger(e, c.tables[k.table].wire), 1)
		e.key |= flagTold
		if c.cfg.Breach&BreachAcks != 0 && !e.gone() {
			e.known = c.tick
		}
		s.refs = append(s.refs, uint32(k.table)<<schema.IndexBits|k.index)
	}
	c.nextSeq = d.Sequence + 1
	c.ring.newer = c.nextSeq
	c.pace.sent(c.tick)
}

// Ack takes an acknowledgement: the epoch, the newest sequence number received as it travels, and which of the
// protocol.AckBits before it are missing. Those of another epoch count for nothing. Call it between passes.
func (c *Client) Ack(epoch uint8, newest uint16, missing uint64, now time.Time) error {
	if epoch != c.epoch {
		return nil
	}
	seq := protocol.Widen(newest, c.ring.newer-1)
	if seq >= c.ring.newer {
		return &AckError{Newest: seq, Sent: c.ring.newer - 1}
	}
	if seq > c.ring.acked {
		if s := &c.ring.slots[seq%ringSlots]; s.seq == seq {
			c.pace.acked(now.Sub(s.at), now)
		}
		c.ring.acked = seq
	}
	c.acked(seq)
	for i := range uint64(protocol.AckBits) {
		if missing>>i&1 == 0 && seq > i+1 {
			c.acked(seq - 1 - i)
		}
	}
	return nil
}

// acked raises what the client is known to have by one datagram, for entities that it has seen in the same way
// since the datagram's tick or before.
func (c *Client) acked(seq uint64) {
	s := &c.ring.slots[seq%ringSlots]
	if s.seq != seq || seq < c.ring.first && c.cfg.Breach&BreachResume == 0 {
		return
	}
	s.seq = 0
	var table *sight
	at, number := 0, -1
	for _, ref := range s.refs {
		index := ref & keyIndex
		if n := int(ref >> schema.IndexBits); n != number {
			table, number, at = &c.tables[n], n, 0
		}
		at = table.seek(at, index)
		if at == len(table.entries) || table.entries[at].index() != index {
			continue
		}
		e := &table.entries[at]
		if e.since > s.tick && c.cfg.Breach&BreachSince == 0 {
			continue
		}
		if e.gone() {
			e.key = e.key&^flagTold | flagDead
			continue
		}
		e.known = max(e.known, s.tick)
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
