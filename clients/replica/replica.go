package replica

import (
	"fmt"
	"math/bits"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// Config is how a Replica begins; what the server's welcome said.
type Config struct {
	// Epoch is the first epoch, 0 to protocol.MaxEpoch.
	Epoch uint8
	// Tick is the server's tick at the welcome.
	Tick uint64
	// Sequence is the number of the first datagram to come, from 1.
	Sequence uint64
	// Age is how many ticks behind the newest a datagram may be; older ones are discarded. At least
	// protocol.MinAge.
	Age uint32
	// EventTicks is for how many ticks an event is worth telling; zero means 8.
	EventTicks uint32
	// Breach breaks a rule on purpose, for the test that proves that the rule is needed.
	Breach Breach
}

// Breach names a rule that is broken on purpose. Only tests have a use for it.
type Breach uint8

// The breaches.
const (
	BreachOrder Breach = 1 << iota // records are applied in the order of their arrival
	BreachTrace                    // removals leave no trace
	BreachAge                      // old datagrams are applied, traces forgotten at once
)

// Row is an entity that is here.
type Row struct {
	Generation uint16
	Class      schema.Class
	// Tick is that of the newest record of the entity: its fields are the server's at that tick.
	Tick uint32
	// Made is by which of the player's inputs an own entity was made; its Insert is zero when by none.
	Made Made
	// Words and Texts are the fields by column; those that the class does not see are zero. The tick of a base is whole.
	// They are good until the next Apply, and nobody may write to them.
	Words []uint32
	Texts []string
}

// Made is the tick of an input, and the entity's number among those that it has made, from 1.
type Made struct {
	Tick   uint32
	Insert uint16
}

// Change is what a datagram did to an entity.
type Change struct {
	Table int
	Index uint32
	// Tick is as of when: the datagram's, or that since which what was removed is out of sight.
	Tick    uint32
	Removed bool
}

// Applied is what Apply made of a datagram.
type Applied struct {
	// Header is the datagram's, with Sequence, Tick and InputTick in full width.
	Header protocol.StateHeader
	// NewEpoch: the datagram began a new epoch; every row from before is gone.
	NewEpoch bool
	// Ignored: the datagram was a duplicate, too old, or of a former epoch. It can begin a new epoch all the same.
	Ignored bool
	// Changes are in the order of the datagram, and good until the next Apply.
	Changes []Change
	// Events came for the first time, in the order in which they happened; good until the next Apply.
	Events []Event
}

// Counters count what a Replica met.
type Counters struct {
	Datagrams, Duplicates, TooOld, StaleEpoch, Records, Superseded, Orphans uint64
	// Events were fired, EventsLate came too late for it, and EventsDropped were more than are told apart.
	Events, EventsLate, EventsDropped uint64
	// TracesDropped are removals that were forgotten before their time, since there were too many.
	TracesDropped uint64
}

// Plus is the sum of two.
func (c Counters) Plus(o Counters) Counters {
	c.Datagrams += o.Datagrams
	c.Duplicates += o.Duplicates
	c.TooOld += o.TooOld
	c.StaleEpoch += o.StaleEpoch
	c.Records += o.Records
	c.Superseded += o.Superseded
	c.Orphans += o.Orphans
	c.Events += o.Events
	c.EventsLate += o.EventsLate
	c.EventsDropped += o.EventsDropped
	c.TracesDropped += o.TracesDropped
	return c
}

// Replica is what a client has. It belongs to one goroutine.
type Replica struct {
	cfg    Config
	schema *schema.Schema
	tables []registers
	traces []trace // of removals, oldest first
	reader protocol.StateReader

	epoch    uint8
	newest   uint64 // tick
	received bool   // a datagram of this epoch
	sequence uint64 // the highest received
	missing  uint64
	orphaned bool
	changes  []Change
	events   []Event
	fired    map[eventName]struct{} // those that are not too old
	counters Counters
}

// New returns an empty replica.
func New(s *schema.Schema, cfg Config) (*Replica, error) {
	if cfg.Age < protocol.MinAge {
		return nil, fmt.Errorf("replica: Age is %d ticks; at least %d are needed", cfg.Age, protocol.MinAge)
	}
	if cfg.EventTicks == 0 {
		cfg.EventTicks = 8
	}
	r := &Replica{
		cfg: cfg, schema: s, epoch: cfg.Epoch, newest: cfg.Tick, sequence: max(cfg.Sequence, 1) - 1, missing: ^uint64(0),
		fired: make(map[eventName]struct{}),
	}
	r.clear()
	return r, nil
}

func (r *Replica) clear() {
	r.tables = make([]registers, len(r.schema.Tables))
	for i, t := range r.schema.Tables {
		r.tables[i].width, r.tables[i].texts = len(t.Columns), t.Texts
	}
	r.traces, r.orphaned = nil, false
}

// Resume goes on over a new connection, with the rows as they are: the welcome's tick, and the number of the first
// datagram to come. What was received before is acknowledged no more.
func (r *Replica) Resume(tick, sequence uint64) {
	r.newest = max(r.newest, tick)
	r.sequence, r.received, r.missing = max(sequence, 1)-1, false, ^uint64(0)
}

// Apply reads a datagram and brings the rows up to it. The error is a *protocol.RejectError: then what came
// before the fault was applied, and the datagram is not acknowledged.
func (r *Replica) Apply(b []byte) (Applied, error) {
	if err := r.reader.Open(b, r.schema); err != nil {
		return Applied{Ignored: true}, err
	}
	h := r.reader.Header
	out := Applied{Ignored: true}
	if h.Epoch != r.epoch {
		if ahead := (h.Epoch - r.epoch) & protocol.MaxEpoch; ahead > protocol.MaxEpoch/2 {
			r.counters.StaleEpoch++
			return out, nil
		}
		r.epoch, r.received, r.missing, out.NewEpoch = h.Epoch, false, ^uint64(0), true
		r.clear()
	}
	h.Sequence = protocol.Widen(uint16(h.Sequence), r.sequence)
	h.Tick = protocol.Widen(uint16(h.Tick), r.newest)
	h.InputTick = protocol.Widen(uint16(h.InputTick), h.Tick)
	out.Header = h
	if h.Tick+uint64(r.cfg.Age) < r.newest && r.cfg.Breach&BreachAge == 0 {
		r.counters.TooOld++
		return out, nil
	}
	if r.has(h.Sequence) {
		r.counters.Duplicates++
		return out, nil
	}
	if h.Tick > r.newest {
		r.newest = h.Tick
		r.forgetEvents()
	}
	r.counters.Datagrams++
	out.Ignored = false
	whole, err := r.records(h.Tick)
	if whole && err == nil {
		r.acknowledge(h.Sequence)
	}
	r.forgetTraces()
	r.sortEvents()
	out.Changes, out.Events = r.changes, r.events
	return out, err
}

// records applies every record of the datagram; whole is false when one had no entity to go to.
func (r *Replica) records(at uint64) (whole bool, err error) {
	r.changes, r.events = r.changes[:0], r.events[:0]
	whole = true
	tick := uint32(at)
	var rec protocol.Record
	for r.reader.Next(&rec) {
		if rec.Kind == protocol.Happened {
			r.happened(&rec, at)
			continue
		}
		r.counters.Records++
		t := &r.tables[rec.Table]
		reg, page := t.at(rec.Index)
		if rec.Kind == protocol.Removed {
			r.remove(reg, &rec, tick)
			continue
		}
		if reg.state != unknown && tick <= reg.tick && r.cfg.Breach&BreachOrder == 0 {
			r.counters.Superseded++
			continue
		}
		if rec.Kind == protocol.Partial && (reg.state != here || reg.class != rec.Class) {
			r.counters.Orphans++
			r.orphaned, whole = true, false
			continue
		}
		r.put(t, page, reg, &rec, tick)
	}
	return whole, r.reader.Err()
}

// put writes the fields of a record into its entity's register.
func (r *Replica) put(t *registers, page *registerPage, reg *register, rec *protocol.Record, tick uint32) {
	row := int(rec.Index & pageMask)
	words, texts := page.row(t, row)
	if rec.Kind == protocol.Full {
		clear(words)
		clear(texts)
		*reg = register{state: here, gen: rec.Generation, class: rec.Class}
		page.made(row, rec, tick)
	}
	reg.tick = tick
	table := r.schema.Tables[rec.Table]
	columns := table.ClassColumns(rec.Class)
	for mask := rec.Mask; mask != 0; mask &= mask - 1 {
		at := columns[bits.TrailingZeros64(mask)]
		if c := &table.Columns[at]; c.IsText() {
			texts[c.TextAt] = r.reader.Texts[c.TextAt]
		} else {
			copy(words[at:table.Until(at)], r.reader.Words[at:])
			if c.Base {
				words[at] = schema.BaseTick(words[at], tick)
			}
		}
	}
	r.changes = append(r.changes, Change{Table: rec.Table, Index: rec.Index, Tick: tick})
}

// remove leaves a trace of an entity that is out of sight.
func (r *Replica) remove(reg *register, rec *protocol.Record, tick uint32) {
	since := tick - min(rec.Age, tick)
	if reg.state != unknown && reg.tick >= since && r.cfg.Breach&BreachOrder == 0 {
		r.counters.Superseded++
		return
	}
	if reg.state == here {
		r.changes = append(r.changes, Change{Table: rec.Table, Index: rec.Index, Tick: since, Removed: true})
	}
	*reg = register{state: gone, tick: since}
	if r.cfg.Breach&BreachTrace != 0 {
		reg.state = unknown
		return
	}
	r.traces = append(r.traces, trace{table: rec.Table, index: rec.Index, tick: since})
}

// maxTraces bounds the traces, more than honest rooms leave in the longest age. Beyond it the oldest is forgotten before its time, and
// counted: a datagram that comes very late may bring its row back until it is removed again.
const maxTraces = 1 << 18

// trace is a removal whose register may be forgotten in time.
type trace struct {
	table int
	index uint32
	tick  uint32
}

// forgetTraces drops the registers of removals that no datagram young enough can contradict.
func (r *Replica) forgetTraces() {
	n, over := 0, len(r.traces)-maxTraces
	for _, tr := range r.traces {
		if young := uint64(tr.tick)+uint64(r.cfg.Age) >= uint64(uint32(r.newest)) && r.cfg.Breach&BreachAge == 0; young && n >= over {
			break
		} else if young {
			r.counters.TracesDropped++
		}
		if reg, _ := r.tables[tr.table].at(tr.index); reg.state == gone && reg.tick == tr.tick {
			reg.state = unknown
		}
		n++
	}
	r.traces = r.traces[n:]
}

// has tells whether a datagram is known to have been received; one that is too far back to tell may be read
// twice, which changes nothing.
func (r *Replica) has(seq uint64) bool {
	if !r.received || seq > r.sequence {
		return false
	}
	back := r.sequence - seq
	return back == 0 || back <= protocol.AckBits && r.missing>>(back-1)&1 == 0
}

// acknowledge marks a datagram as received.
func (r *Replica) acknowledge(seq uint64) {
	if !r.received {
		r.received, r.sequence, r.missing = true, seq, ^uint64(0)
		return
	}
	if seq > r.sequence {
		ahead := seq - r.sequence
		// The former newest becomes one of those before. Shifts by 64 and more leave zero, which is right here.
		r.missing = r.missing<<ahead | (1<<(ahead-1) - 1)
		r.sequence = seq
		return
	}
	if back := r.sequence - seq; back >= 1 && back <= protocol.AckBits {
		r.missing &^= 1 << (back - 1)
	}
}

// Ack writes what was received into an input datagram's head.
func (r *Replica) Ack(in *protocol.Input) {
	in.Epoch, in.HasAck, in.Newest, in.Missing = r.epoch, r.received, r.sequence, r.missing
}

// Epoch is the epoch that the rows belong to.
func (r *Replica) Epoch() uint8 { return r.epoch }

// Tick is the newest tick of which a datagram was received.
func (r *Replica) Tick() uint64 { return r.newest }

// Orphaned tells whether a partial record came for an entity that is not here. That is a breach of the rules
// by one side: ask for a resync.
func (r *Replica) Orphaned() bool { return r.orphaned }

// Counters are what the Replica met so far.
func (r *Replica) Counters() Counters { return r.counters }
