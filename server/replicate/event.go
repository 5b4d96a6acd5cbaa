package replicate

import (
	"slices"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

const (
	// maxEvents bounds the events that wait for a client; beyond it the oldest is dropped, and counted if it was not told.
	maxEvents = 64
	// eventAgainTicks is after how many ticks an event that is not acknowledged is told again: it has no time to lose.
	eventAgainTicks = 2
	// refEvent marks a ref of what a datagram carried as an event's.
	refEvent = 1 << 31
)

// event is an event that waits to be told, or to be acknowledged.
type event struct {
	id     uint32 // of this client's events, below refEvent
	tick   uint32
	number uint32
	kind   uint8
	sent   uint32 // the tick of the latest datagram with it; zero for none
	data   []byte
}

// gatherEvents takes what happened since the pass before, as far as this player was told of it, and drops what is no
// longer worth telling.
func (c *Client) gatherEvents(v *world.View) {
	now := uint32(v.Tick)
	c.events = slices.DeleteFunc(c.events, func(e event) bool { return e.tick+uint32(c.cfg.EventTicks) <= now })
	for _, happened := range v.Events() {
		if happened.Tick <= c.eventTick || happened.Tick+uint64(c.cfg.EventTicks) <= v.Tick {
			continue
		}
		seat, ok := happened.Seat(c.player)
		if !ok {
			continue
		}
		for n, r := range happened.Events {
			if r.To.Has(seat) && n <= protocol.MaxEventNumber {
				c.queueEvent(event{tick: uint32(happened.Tick), number: uint32(n), kind: uint8(r.Kind), data: r.Data})
			}
		}
	}
	c.eventTick = v.Tick
}

func (c *Client) queueEvent(e event) {
	if len(c.events) == maxEvents {
		if c.events[0].sent == 0 {
			c.eventsDropped++ // others were told, and most likely wait for no more than their acknowledgement
		}
		c.events = slices.Delete(c.events, 0, 1)
	}
	c.eventID = (c.eventID + 1) &^ refEvent
	e.id = c.eventID
	c.events = append(c.events, e)
}

// EventsDropped is how many events were never told because too many waited.
func (c *Client) EventsDropped() uint64 { return c.eventsDropped }

// due tells whether an event should be told in a tick.
func (e *event) due(tick uint32) bool { return e.sent == 0 || tick-e.sent >= eventAgainTicks }

// bytes is how long an event's record is, at most.
func (e *event) bytes() int { return 4 + len(e.data) }

// eventBytes is what the due events need of the budget, which is at most half of it.
func (c *Client) eventBytes(budget int) (n int) {
	for i := range c.events {
		if e := &c.events[i]; e.due(c.tick) {
			n += e.bytes()
		}
	}
	return min(n, budget/2)
}

// acknowledgeEvent drops an event that the client has.
func (c *Client) acknowledgeEvent(id uint32) {
	c.events = slices.DeleteFunc(c.events, func(e event) bool { return e.id == id })
}

// happened writes the due events into datagrams, a section for each kind, as far as so many bytes go; the first goes in any
// case, or one that is longer would wait until it is too old.
func (f *filler) happened(budget int) {
	var kinds uint64
	for i := range f.events {
		if e := &f.events[i]; e.due(f.tick) {
			kinds |= 1 << e.kind
		}
	}
	told := 0
	for kind := uint8(0); kinds>>kind != 0; kind++ {
		for i := range f.events {
			e := &f.events[i]
			if e.kind != kind || !e.due(f.tick) {
				continue
			}
			if budget -= e.bytes(); budget < 0 && told > 0 || f.full {
				return
			}
			f.event(e, int32(i))
			told++
		}
	}
	f.endSection()
}

// event writes one event, into a new datagram when the current one has no room for it.
func (f *filler) event(e *event, at int32) {
	want := formOf(schema.Public, protocol.Happened)
	for {
		mark := len(f.buf)
		if f.count == 0 || f.form != want || f.table != e.kind || f.count == protocol.SectionRecords {
			f.endSection()
			f.head, f.form, f.table = len(f.buf), want, e.kind
			f.buf = protocol.AppendSection(f.buf, protocol.Section{Table: int(e.kind), Kind: protocol.Happened})
		}
		f.buf = append(protocol.AppendHappened(f.buf, f.tick-e.tick, e.number), e.data...)
		if len(f.buf) <= f.limit {
			f.count++
			f.carried = append(f.carried, carried{ref: refEvent | e.id, at: at})
			return
		}
		f.buf = f.buf[:mark]
		if f.next(); f.full {
			return
		}
	}
}
