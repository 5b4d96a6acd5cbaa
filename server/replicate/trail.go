package replicate

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// trailTicks is for how many ticks before its newest record a Trail knows an entity's records; of those before it knows the
// latest. A world's history is as long.
const trailTicks = 128

// Trail is which records a client has received, by tick: what Client keeps is what to send next, and a pass owns it. A
// Trail may be used by any goroutine; nothing is done under its lock but copying. It is kept for the clients of games that
// ask what players saw, see SetTrail.
type Trail struct {
	mu     sync.Mutex
	epoch  uint8
	next   uint64 // the sequence number after the highest sent
	slots  [ringSlots]trailSlot
	tracks []track // sorted by ref
	swept  uint32  // the tick in which tracks of what is gone were dropped last
}

// trailSlot is a datagram that was sent.
type trailSlot struct {
	seq  uint64 // zero when empty
	tick uint32
	here bool // it is acknowledged
	refs []trailRef
}

// trailRef is what a datagram carried of an entity.
type trailRef struct {
	ref  uint32 // table and index
	tick uint32 // of the record, or since when it is out of sight
	gone bool
}

// track is an entity's records that the client applied: as its register says, none is older than one that came before.
type track struct {
	ref    uint32
	newest uint32
	before uint32    // the latest record that the bits have lost; zero when there is none, or it was a removal
	have   bitWindow // bit i: there is a record of tick newest-i
	gone   bitWindow // bit i: it is a removal
}

// bitWindow has a bit for each of trailTicks ticks, the newest first.
type bitWindow [trailTicks / 64]uint64

func (b *bitWindow) set(at uint32)      { b[at/64] |= 1 << (at % 64) }
func (b *bitWindow) has(at uint32) bool { return b[at/64]>>(at%64)&1 != 0 }

// shift makes every bit n ticks older.
func (b *bitWindow) shift(n uint32) {
	switch {
	case n >= 128:
		*b = bitWindow{}
	case n >= 64:
		b[1], b[0] = b[0]<<(n-64), 0
	default:
		b[1], b[0] = b[1]<<n|b[0]>>(64-n), b[0]<<n
	}
}

// older is the place of the first bit that is set, from a place on; trailTicks when none is.
func (b *bitWindow) older(from uint32) uint32 {
	for word := from / 64; word < uint32(len(b)); word++ {
		if w := b[word] >> (from % 64) << (from % 64); w != 0 {
			return word*64 + uint32(bits.TrailingZeros64(w))
		}
		from = 0
	}
	return trailTicks
}

// newer is the place of the last bit that is set before a place.
func (b *bitWindow) newer(before uint32) (at uint32, ok bool) {
	for before > 0 {
		word, n := (before-1)/64, (before-1)%64+1
		if w := b[word] << (64 - n); w != 0 {
			return word*64 + n - 1 - uint32(bits.LeadingZeros64(w)), true
		}
		before = word * 64
	}
	return 0, false
}

// add takes a record, unless it is superseded.
func (t *track) add(r trailRef) {
	if r.tick <= t.newest {
		return
	}
	n := r.tick - t.newest
	if lost := t.have.older(trailTicks - min(n, trailTicks)); lost < trailTicks {
		t.before = t.newest - lost
		if t.gone.has(lost) {
			t.before = 0
		}
	}
	t.have.shift(n)
	t.gone.shift(n)
	t.have.set(0)
	if r.gone {
		t.gone.set(0)
	}
	t.newest = r.tick
}

// at finds the records around a tick, or around the newest there is by then when latest is set; known bounds them. It
// is false when the entity was not in sight.
func (t *track) at(tick, known uint32, latest bool) (r world.SeenRow, ok bool) {
	r.Ref = t.ref
	until := min(tick, known)
	if latest {
		until = known
	}
	from := t.have.older(min(t.newest-min(until, t.newest), trailTicks))
	switch {
	case from < trailTicks && t.gone.has(from):
		return r, false
	case from < trailTicks:
		r.From = t.newest - from
	case t.before == 0 || t.before > until:
		return r, false
	default:
		r.From = t.before
	}
	if to, ok := t.have.newer(from); ok && t.newest-to <= known && !t.gone.has(to) {
		r.To = t.newest - to
	}
	if from == trailTicks {
		return r, true
	}
	if before := t.have.older(from + 1); before == trailTicks {
		r.Before = t.before
	} else if !t.gone.has(before) {
		r.Before = t.newest - before
	}
	return r, true
}

// SetTrail has the client's records written down from now on, beginning with what it is known to have. Call it between
// passes. From then on every acknowledgement must be told to the Trail, too.
func (c *Client) SetTrail(t *Trail) {
	c.trail = t
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begin(c.epoch, c.nextSeq)
	for i := range c.tables {
		for _, e := range c.tables[i].entries {
			if !e.gone() && e.known != 0 {
				t.tracks = append(t.tracks, newTrack(uint32(i)<<schema.IndexBits|e.index(), e.known))
			}
		}
	}
	for i := range c.ring.slots {
		if s := &c.ring.slots[i]; s.seq != 0 { // it is under way, or lost
			a, b := c.ring.carried(s)
			t.underWay(c, s.seq, s.tick, a, b)
		}
	}
}

// Trail is what SetTrail was given; nil before.
func (c *Client) Trail() *Trail { return c.trail }

func newTrack(ref, tick uint32) track { return track{ref: ref, newest: tick, have: bitWindow{1}} }

// begin forgets everything, in a new epoch.
func (t *Trail) begin(epoch uint8, next uint64) {
	t.epoch, t.next, t.tracks = epoch, next, t.tracks[:0]
	for i := range t.slots {
		t.slots[i].seq = 0
	}
}

// restart begins a new epoch.
func (t *Trail) restart(epoch uint8, next uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begin(epoch, next)
}

// sent writes down what a datagram of a client's latest pass carried.
func (t *Trail) sent(c *Client, d Datagram) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.slot(d.Sequence, c.tick)
	for _, k := range d.carries {
		if k.ref&refEvent == 0 {
			s.refs = append(s.refs, refOf(k.ref, &c.tables[k.ref>>schema.IndexBits].entries[k.at], c.tick))
		}
	}
	t.next = d.Sequence + 1
	if c.tick-t.swept >= trailTicks {
		t.swept = c.tick
		t.tracks = slices.DeleteFunc(t.tracks, func(k track) bool { return k.gone.has(0) && c.tick-k.newest > trailTicks })
	}
}

// underWay writes down a datagram that was sent before the Trail began, in the two parts in which the ring has it.
func (t *Trail) underWay(c *Client, seq uint64, tick uint32, parts ...[]uint32) {
	s := t.slot(seq, tick)
	for _, refs := range parts {
		for _, ref := range refs {
			if ref&refEvent != 0 {
				continue
			}
			table := &c.tables[ref>>schema.IndexBits]
			if at, ok := table.find(ref & keyIndex); ok {
				s.refs = append(s.refs, refOf(ref, &table.entries[at], tick))
			}
		}
	}
}

// slot is that of a datagram of a tick, which carries nothing yet.
func (t *Trail) slot(seq uint64, tick uint32) *trailSlot {
	s := &t.slots[seq%ringSlots]
	s.seq, s.tick, s.here, s.refs = seq, tick, false, s.refs[:0]
	return s
}

// refOf is what a datagram of a tick carried of an entry.
func refOf(ref uint32, e *entry, tick uint32) trailRef {
	if e.gone() && e.since <= tick {
		return trailRef{ref: ref, tick: e.since, gone: true}
	}
	return trailRef{ref: ref, tick: tick}
}

// Ack takes an acknowledgement as it travels, like Client.Ack, at any time.
func (t *Trail) Ack(epoch uint8, newest uint16, missing uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seq := protocol.Widen(newest, t.next-1)
	if seq == 0 || epoch != t.epoch || seq >= t.next { // sequence numbers begin with 1
		return
	}
	for back := min(uint64(protocol.AckBits), seq-1); back > 0; back-- { // the oldest first, as they came most likely
		if missing>>(back-1)&1 == 0 {
			t.arrived(seq - back)
		}
	}
	t.arrived(seq)
}

// arrived applies a datagram.
func (t *Trail) arrived(seq uint64) {
	s := &t.slots[seq%ringSlots]
	if s.seq != seq || s.here {
		return
	}
	s.here = true
	at := 0
	for _, r := range s.refs {
		if at >= len(t.tracks) || t.tracks[at].ref != r.ref {
			var found bool
			if at, found = slices.BinarySearchFunc(t.tracks, r.ref, compareTrack); !found {
				if r.gone {
					continue
				}
				t.tracks = slices.Insert(t.tracks, at, newTrack(r.ref, r.tick))
			}
		}
		t.tracks[at].add(r)
		at++
	}
}

func compareTrack(t track, ref uint32) int { return int(int64(t.ref) - int64(ref)) }

// TickOf is the tick of a datagram that was acknowledged, by its sequence number as it travels; zero when it is forgotten.
func (t *Trail) TickOf(epoch uint8, newest uint16) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	seq := protocol.Widen(newest, t.next-1)
	if s := &t.slots[seq%ringSlots]; epoch == t.epoch && seq != 0 && s.seq == seq {
		return s.tick
	}
	return 0
}

// Rows appends what the client had in sight at a tick, and by which records, as far as it had received those of the tick
// known by then. Latest tells, by table, whether the newest record is shown.
func (t *Trail) Rows(dst []world.SeenRow, tick, known uint32, latest []bool) []world.SeenRow {
	t.mu.Lock()
	defer t.mu.Unlock()
	dst = slices.Grow(dst, len(t.tracks))
	for i := range t.tracks {
		k := &t.tracks[i]
		if r, ok := k.at(tick, known, latest[k.ref>>schema.IndexBits]); ok {
			dst = append(dst, r)
		}
	}
	return dst
}
