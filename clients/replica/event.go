package replica

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/quicstep/quicstep/protocol"
)

// Event is an event that came for the first time.
type Event struct {
	Tick   uint64
	Number uint32 // among the events of its tick
	Kind   int    // its place in the schema
	Data   []byte // its columns
}

// maxFired bounds the names of events that are remembered: a server tells some 64 of a tick, in up to 127 ticks. Events beyond
// are not fired, and counted.
const maxFired = 1 << 14

// eventName is what tells events apart.
type eventName struct {
	tick   uint64
	number uint32
}

// happened takes an event of a datagram of a tick: each is fired once, and none that is too old.
func (r *Replica) happened(rec *protocol.Record, tick uint64) {
	name := eventName{tick: tick - min(uint64(rec.Age), tick), number: rec.Number}
	if name.tick+uint64(r.cfg.EventTicks) <= r.newest {
		r.counters.EventsLate++
		return
	}
	if _, fired := r.fired[name]; fired {
		return
	}
	if len(r.fired) == maxFired {
		r.counters.EventsDropped++
		return
	}
	r.fired[name] = struct{}{}
	r.counters.Events++
	r.events = append(r.events, Event{Tick: name.tick, Number: rec.Number, Kind: rec.Table, Data: bytes.Clone(rec.Data)})
}

// forgetEvents forgets the names of events that are too old by now.
func (r *Replica) forgetEvents() {
	for name := range r.fired {
		if name.tick+uint64(r.cfg.EventTicks) <= r.newest {
			delete(r.fired, name)
		}
	}
}

// sortEvents puts a datagram's events into the order in which they happened.
func (r *Replica) sortEvents() {
	slices.SortFunc(r.events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Tick, b.Tick), cmp.Compare(a.Number, b.Number))
	})
}
