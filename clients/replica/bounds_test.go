package replica_test

import (
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

const (
	// sectionRecords is how many records a section may have, and sections how many of these the test's datagrams have.
	sectionRecords = 127
	sections       = 2
	perDatagram    = sections * sectionRecords
	// What a replica remembers at most.
	maxFired, maxTraces = 1 << 14, 1 << 18
)

// flood is a server that says more than any honest one has to say.
type flood struct {
	t *testing.T
	*replica.Replica
	seq uint64
}

func newFlood(t *testing.T) *flood {
	t.Helper()
	row, _, err := schema.FromType("row", reflect.TypeFor[row]())
	if err != nil {
		t.Fatal(err)
	}
	bang, _, _ := schema.FromType("bang", reflect.TypeFor[struct{}]())
	input, _, _ := schema.FromType("input", reflect.TypeFor[struct{}]())
	s, err := schema.New(schema.Schema{Game: "game", Tables: []*schema.Table{row}, Events: []*schema.Table{bang}, Input: input})
	if err != nil {
		t.Fatal(err)
	}
	r, err := replica.New(s, replica.Config{Epoch: 1, Tick: 1000, Sequence: 1, Age: protocol.MinAge, EventTicks: 10})
	if err != nil {
		t.Fatal(err)
	}
	return &flood{t: t, Replica: r}
}

// send gives the replica a datagram of a tick, whose records are written by their number from first on.
func (f *flood) send(tick uint64, kind protocol.RecordKind, first, count int, write func(b []byte, n, nth int) []byte) {
	f.t.Helper()
	f.seq++
	d := protocol.AppendStateHeader(nil, protocol.StateHeader{Epoch: 1, Sequence: f.seq, Tick: tick})
	for nth := 0; nth < count; {
		at := len(d)
		d = protocol.AppendSection(d, protocol.Section{Kind: kind})
		in := min(sectionRecords, count-nth)
		for i := range in {
			d = write(d, first+nth+i, i)
		}
		protocol.CountSection(d, at, in)
		nth += in
	}
	if _, err := f.Apply(d); err != nil {
		f.t.Fatal(err)
	}
}

// number appends a compact integer of any size in five bytes or one, which a receiver takes.
func number(b []byte, n int) []byte {
	if n < 128 {
		return append(b, byte(n))
	}
	return binary.BigEndian.AppendUint32(append(b, 0xce), uint32(n))
}

func TestEventsWithoutEndAreBounded(t *testing.T) {
	f := newFlood(t)
	event := func(b []byte, n, _ int) []byte { return number(append(b, byte(n>>16)), n&0xffff) }
	fire := func(tick uint64, count int) {
		for n := 0; n < count; n += perDatagram / 2 {
			f.send(tick, protocol.Happened, n, min(perDatagram/2, count-n), event)
		}
	}
	fire(1001, maxFired+300)
	if c := f.Counters(); c.Events != maxFired || c.EventsDropped != 300 {
		t.Errorf("%d events were fired and %d dropped, want %d and 300", c.Events, c.EventsDropped, maxFired)
	}
	fire(1001, 1)
	if c := f.Counters(); c.Events != maxFired || c.EventsDropped != 300 {
		t.Errorf("one that was fired already counts: %+v", c)
	}
	fire(1011, 5)
	fire(1011, 5)
	if c := f.Counters(); c.Events != maxFired+5 || c.EventsDropped != 300 {
		t.Errorf("when the others are over %d events are fired and %d dropped, want five more", c.Events, c.EventsDropped)
	}
}

func TestRemovalsWithoutEndAreBounded(t *testing.T) {
	f := newFlood(t)
	remove := func(b []byte, n, nth int) []byte {
		if nth > 0 {
			n = 1
		}
		return append(number(b, n), 0)
	}
	const beyond = 100
	for n := 0; n < maxTraces+beyond; n += perDatagram {
		f.send(1010, protocol.Removed, n, min(perDatagram, maxTraces+beyond-n), remove)
	}
	if c := f.Counters(); c.TracesDropped != beyond {
		t.Errorf("%d traces are forgotten before their time, want %d", c.TracesDropped, beyond)
	}
	insert := func(b []byte, n, _ int) []byte { return append(number(b, n), 1, 0, 7) }
	for at, want := range map[int]bool{0: true, beyond - 1: true, beyond: false, maxTraces: false} {
		f.send(1005, protocol.Full, at, 1, insert)
		if _, here := f.Get(0, uint32(at)); here != want {
			t.Errorf("a late record brings row %d back: %v, want %v", at, here, want)
		}
	}
	f.send(1010+protocol.MinAge+1, protocol.Full, 5, 1, insert)
	if c := f.Counters(); c.TracesDropped != beyond {
		t.Errorf("those whose time has come are counted, too: %d", c.TracesDropped)
	}
}
