package protocol_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

func TestStateRoundTrips(t *testing.T) {
	s := arena(t)
	var r protocol.StateReader
	for _, want := range stateSamples(s) {
		got, err := readState(&r, s, want.bytes(s))
		got.Name, got.Hex = want.Name, want.Hex
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s comes back as\n%+v, %v, want\n%+v", want.Name, got, err, want)
		}
	}
}

func TestMarginIsClampedToALimb(t *testing.T) {
	for _, c := range []struct{ margin, want int8 }{{-128, -64}, {-64, -64}, {-1, -1}, {0, 0}, {63, 63}, {127, 63}} {
		var r protocol.StateReader
		if err := r.Open(protocol.AppendStateHeader(nil, protocol.StateHeader{Margin: c.margin}), arena(t)); err != nil {
			t.Fatal(err)
		}
		if r.Header.Margin != c.want {
			t.Errorf("margin %d arrives as %d, want %d", c.margin, r.Header.Margin, c.want)
		}
	}
}

func TestStateHeaderIgnoresUnknownFlags(t *testing.T) {
	var r protocol.StateReader
	if err := r.Open(unhex(t, "01 01 0001 0768 7f 0000 40"), arena(t)); err != nil || !r.Header.OwnComplete {
		t.Errorf("a header with flags of a later revision reads as %+v, %v", r.Header, err)
	}
}

// TestNoRecordHeadIsLonger than RecordHeadMax: a datagram is made long enough for it.
func TestNoRecordHeadIsLonger(t *testing.T) {
	const last, every = schema.MaxEntities - 1, 1<<schema.MaxColumns - 1
	for name, head := range map[string][]byte{
		"partial":  protocol.AppendPartial(nil, last, every, true),
		"full":     protocol.AppendOrigin(protocol.AppendFull(nil, last, schema.MaxGeneration), protocol.MaxInsert, protocol.MaxOriginAge),
		"removed":  protocol.AppendRemoved(nil, last, protocol.MaxRemovalAge),
		"happened": protocol.AppendHappened(nil, protocol.MaxEventTicks, protocol.MaxEventNumber),
	} {
		if len(head) > protocol.RecordHeadMax {
			t.Errorf("the head of a record that is %s takes %d bytes, more than %d", name, len(head), protocol.RecordHeadMax)
		}
	}
}

// TestEveryTruncationOfAStateIsRefused cuts after each byte. A cut between two sections leaves a shorter datagram
// that is whole; everywhere else the bytes end too early.
func TestEveryTruncationOfAStateIsRefused(t *testing.T) {
	s := arena(t)
	var r protocol.StateReader
	for _, v := range stateSamples(s) {
		b := v.bytes(s)
		whole := map[int]bool{protocol.StateHeaderBytes: true}
		for i := range v.Sections {
			shorter := stateVector{Header: v.Header, Sections: v.Sections[:i]}
			whole[len(shorter.bytes(s))] = true
		}
		for cut := range b {
			_, err := readState(&r, s, b[:cut])
			if whole[cut] {
				if err != nil {
					t.Errorf("%s, cut between sections: %v", v.Name, err)
				}
				continue
			}
			wantReject(t, v.Name, err, protocol.Truncated)
		}
	}
}

func TestStatesThatAreRefused(t *testing.T) {
	s := arena(t)
	const head = "01 01 0001 0768 00 0000 40 "
	for _, c := range []struct {
		name, bytes string
		want        protocol.Reject
	}{
		{"nothing", "", protocol.Truncated},
		{"an input datagram", "02 01 00 0000 00 0000 00", protocol.UnknownKind},
		{"a kind of a later version", "03 01 0001 0768 00 0000 40", protocol.UnknownKind},
		{"a kind that is no integer", "c3 01 0001 0768 00 0000 40", protocol.WrongType},
		{"a kind below zero", "ff 01 0001 0768 00 0000 40", protocol.BadValue},
		{"an extension for a kind", "c1", protocol.UnsupportedType},
		{"a limb of the header above 7f", "01 01 8001 0768 00 0000 40", protocol.WrongType},
		{"a table that is not there", head + "02 00 01", protocol.BadValue},
		{"a table above 7f", head + "cc 00 01", protocol.WrongType},
		{"a class that is not there", head + "00 0c 01", protocol.BadValue},
		{"an event that is not there", head + "03 03 01 00 00", protocol.BadValue},
		{"events of a class that is not there", head + "00 0f 01 00 00", protocol.BadValue},
		{"a section without events", head + "00 03 00", protocol.BadValue},
		{"a count of events above 7f", head + "00 03 80", protocol.WrongType},
		{"an event of an age above 7f", head + "00 03 01 80 00 0000100005 08", protocol.WrongType},
		{"an event of a number beyond the last", head + "00 03 01 00 ce 00010000 0000100005 08", protocol.BadValue},
		{"an event of a number below zero", head + "00 03 01 00 ff 0000100005 08", protocol.BadValue},
		{"an event of a number that is a string", head + "00 03 01 00 a0 0000100005 08", protocol.WrongType},
		{"an event with a limb above 7f", head + "00 03 01 00 00 0080100005 08", protocol.WrongType},
		{"an event with a column wider than its bits", head + "00 03 01 00 00 0000100005 10", protocol.BadValue},
		{"an event with an entity of 33 bits", head + "00 03 01 00 00 1000000000 08", protocol.BadValue},
		{"an event with a text longer than its field", head + "01 03 01 00 00 0007 d9 29" + strings.Repeat("61", 41), protocol.Oversized},
		{"an event with a text that is not UTF-8", head + "01 03 01 00 00 0007 a1 ff", protocol.BadValue},
		{"a second event of columns that miss", head + "00 03 02 00 00 0000100005 08 00 01", protocol.Truncated},
		{"a section without records", head + "00 00 00", protocol.BadValue},
		{"a count above 7f", head + "00 00 80", protocol.WrongType},
		{"a gap of zero after the first", head + "00 02 02 05 00 00 00", protocol.BadValue},
		{"a first index beyond the last", head + "00 02 01 ce 00100000 00", protocol.BadValue},
		{"a further index beyond the last", head + "00 02 02 ce 000fffff 00 01 00", protocol.BadValue},
		{"a gap of 64 bits", head + "00 02 01 cf ffffffffffffffff 00", protocol.BadValue},
		{"a gap below zero", head + "00 02 01 e0 00", protocol.BadValue},
		{"a gap that is a string", head + "00 02 01 a0 00", protocol.WrongType},
		{"a removal from too long ago", head + "00 02 01 05 cd 4000", protocol.BadValue},
		{"an empty mask", head + "00 00 01 05 00", protocol.BadValue},
		{"a mask with a bit beyond the columns", head + "00 00 01 05 20 00", protocol.BadValue},
		{"a wide mask with a bit beyond the columns", head + "01 08 01 05 40 08 00", protocol.BadValue},
		{"a wide mask with a bit beyond the 64th", head + "01 08 01 05 40 40 40 40 40 40 40 40 40 40 40 01", protocol.BadValue},
		{"a wide mask that ends with nothing", head + "01 08 01 05 41 00 01", protocol.BadValue},
		{"a wide mask without an end", head + "01 08 01 05 41", protocol.Truncated},
		{"a limb of a mask above 7f", head + "00 00 01 05 8a", protocol.WrongType},
		{"generation zero", head + "00 01 01 05 00 00 0000 00 0000 00", protocol.BadValue},
		{"a generation beyond the last", head + "00 01 01 05 cd 1000 00 0000 00 0000 00", protocol.BadValue},
		{"a limb of a column above 7f", head + "00 00 01 05 0a 0080 0000", protocol.WrongType},
		{"a column wider than its bits", head + "00 00 01 05 01 02", protocol.BadValue},
		{"a text longer than its field", head + "01 00 01 05 01 d9 29 " + "61616161616161616161616161616161616161616161616161616161616161616161616161616161 61", protocol.Oversized},
		{"a text that is not UTF-8", head + "01 00 01 05 01 a1 ff", protocol.BadValue},
		{"a text of 16 bits of length", head + "01 00 01 05 01 da 0001 61", protocol.WrongType},
		{"a number for a text", head + "01 00 01 05 01 05", protocol.WrongType},
	} {
		var r protocol.StateReader
		_, err := readState(&r, s, unhex(t, c.bytes))
		wantReject(t, c.name, err, c.want)
		var rec protocol.Record
		if r.Next(&rec) {
			t.Errorf("%s: a record follows the fault", c.name)
		}
	}
}

// TestAFaultSparesTheEventsBeforeIt: what was read is good, what follows is not read.
func TestAFaultSparesTheEventsBeforeIt(t *testing.T) {
	var r protocol.StateReader
	v, err := readState(&r, arena(t), unhex(t, "01 01 0001 0768 00 0000 40 00 03 02 01 03 0000400005 08 00 ff"))
	wantReject(t, "a number below zero", err, protocol.BadValue)
	want := []eventVector{{Age: 1, Number: 3, Columns: []columnVector{{0, 0x0010_0005, ""}, {1, 8, ""}}}}
	if len(v.Sections) != 1 || !reflect.DeepEqual(v.Sections[0].Events, want) {
		t.Errorf("before the fault came %+v, want %+v", v.Sections, want)
	}
}

// TestARecordThatIsReusedKeepsNothing: the fields of an event are not those of the entity before it.
func TestARecordThatIsReusedKeepsNothing(t *testing.T) {
	s := arena(t)
	var r protocol.StateReader
	if err := r.Open(unhex(t, "01 01 0001 0768 00 0000 40 00 01 01 28 03 00 2708 01 0468 1e 00 0b 01 01 03 0000400005 08"), s); err != nil {
		t.Fatal(err)
	}
	var rec protocol.Record
	if !r.Next(&rec) || rec.Index != 40 || rec.Generation != 3 {
		t.Fatalf("the entity reads as %+v, %v", rec, r.Err())
	}
	if !r.Next(&rec) || rec.Index != 0 || rec.Generation != 0 || rec.Class != schema.Own || rec.Age != 1 || rec.Number != 3 || len(rec.Data) != 6 {
		t.Errorf("the event reads as %+v, %v", rec, r.Err())
	}
	if r.Next(&rec) || r.Err() != nil {
		t.Errorf("behind the event comes %+v, %v", rec, r.Err())
	}
}

func TestAStateAboveTheLimitIsRefused(t *testing.T) {
	s := arena(t)
	var r protocol.StateReader
	b := make([]byte, protocol.MaxDatagram+1)
	copy(b, stateSamples(s)[0].bytes(s))
	wantReject(t, "1,201 bytes", r.Open(b, s), protocol.Oversized)
	if err := r.Open(b[:protocol.MaxDatagram], s); err != nil {
		t.Errorf("1,200 bytes: %v", err)
	}
}

// TestIntegersOfAnyWidthAreRead: a library that writes longer forms than needed is understood all the same.
func TestIntegersOfAnyWidthAreRead(t *testing.T) {
	s := arena(t)
	var r protocol.StateReader
	short, err := readState(&r, s, unhex(t, "01 01 0001 0768 00 0000 40 00 02 02 05 07 01 08"))
	if err != nil {
		t.Fatal(err)
	}
	long, err := readState(&r, s, unhex(t, "cc01 01 0001 0768 00 0000 40 00 02 02 d0 05 cf 0000000000000007 ce 00000001 d1 0008"))
	if err != nil || !reflect.DeepEqual(short, long) {
		t.Errorf("longer forms read as %+v, %v, want %+v", long, err, short)
	}
}

func TestARowWithoutColumnsCanBeFull(t *testing.T) {
	hidden, _, err := schema.FromType("hidden", reflect.TypeFor[struct {
		Code uint8 `net:"owner"`
	}]())
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.New(schema.Schema{Game: "secrets", Tables: []*schema.Table{hidden}, Input: hidden})
	if err != nil {
		t.Fatal(err)
	}
	var r protocol.StateReader
	v, err := readState(&r, s, unhex(t, "01 01 0001 0768 00 0000 40 00 01 01 05 03"))
	if err != nil || len(v.Sections) != 1 || v.Sections[0].Records[0].Generation != 3 {
		t.Errorf("a full record without columns reads as %+v, %v", v, err)
	}
	_, err = readState(&r, s, unhex(t, "01 01 0001 0768 00 0000 40 00 00 01 05 00"))
	wantReject(t, "a partial record without columns", err, protocol.BadValue)
}

// crowd is a datagram of 50 movers that move and turn.
func crowd(s *schema.Schema) []byte {
	var indexes []uint32
	for i := range uint32(50) {
		indexes = append(indexes, 3*i)
	}
	v := stateVector{Sections: []sectionVector{movers(true, indexes...)}}
	return v.bytes(s)
}

// readAll reads a datagram as a client does, without keeping anything.
func readAll(t testing.TB, r *protocol.StateReader, s *schema.Schema, b []byte) (records int) {
	if err := r.Open(b, s); err != nil {
		t.Fatal(err)
	}
	var rec protocol.Record
	for r.Next(&rec) {
		records++
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}

func TestReadingAStateAllocatesNothing(t *testing.T) {
	s := arena(t)
	var r protocol.StateReader
	crowded := crowd(s)
	readAll(t, &r, s, crowded)
	if allocs := testing.AllocsPerRun(20, func() { readAll(t, &r, s, crowded) }); allocs != 0 {
		t.Errorf("a datagram without text takes %v allocations, want none", allocs)
	}
	v := stateVector{Sections: []sectionVector{movers(false, 5), {Table: "shot", Class: "public", Kind: "happened", Events: []eventVector{
		{Age: 1, Columns: columnsOf(s.Events[shotEvent], schema.Own, "")}, {Number: 300, Columns: columnsOf(s.Events[shotEvent], schema.Own, "")},
	}}}}
	shots := v.bytes(s)
	if allocs := testing.AllocsPerRun(20, func() { readAll(t, &r, s, shots) }); allocs != 0 {
		t.Errorf("a datagram with events takes %v allocations, want none", allocs)
	}
	broken := append(crowd(s), 0x7f, 0x7f, 0x7f)
	wantFlatMemory(t, "a broken datagram", func() { readState(&r, s, broken[len(broken)-40:]) })
}

func BenchmarkReadState(b *testing.B) {
	s := arena(b)
	crowded := crowd(s)
	var r protocol.StateReader
	b.SetBytes(int64(len(crowded)))
	b.ReportAllocs()
	for b.Loop() {
		if n := readAll(b, &r, s, crowded); n != 50 {
			b.Fatalf("%d records, want 50", n)
		}
	}
}
