package protocol_test

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

func TestInputRoundTrips(t *testing.T) {
	s := arena(t)
	for _, v := range inputSamples(s) {
		b := unhex(t, v.Hex)
		var in protocol.Input
		if err := protocol.ParseInput(b, s, &in); err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if again := protocol.AppendInput(nil, &in); !bytes.Equal(again, b) {
			t.Errorf("%s comes back as % x, want % x", v.Name, again, b)
		}
	}
}

func TestLags(t *testing.T) {
	for _, c := range []struct {
		tick, view uint64
		want       uint16
	}{
		{1000, 997 * 128, 384}, {1000, 996*128 + 100, 412}, {1000, 999*128 + 127, 1}, {1000, 1000 * 128, 1}, {1000, 1001 * 128, 1},
		{1000, 872*128 + 1, protocol.MaxLag}, {1000, 5, protocol.MaxLag}, {1000, 0, protocol.MaxLag},
	} {
		if got := protocol.LagOf(c.tick, c.view); got != c.want {
			t.Errorf("who sees %d in tick %d has a lag of %d, want %d", c.view, c.tick, got, c.want)
		}
	}
}

func TestTicksAndSequencesAreCutShort(t *testing.T) {
	s := arena(t)
	var in protocol.Input
	b := protocol.AppendInput(nil, &protocol.Input{HasAck: true, Newest: 1_000_007, Tick: 1_000_009})
	if err := protocol.ParseInput(b, s, &in); err != nil {
		t.Fatal(err)
	}
	if newest, tick := protocol.Widen(uint16(in.Newest), 1_000_000), protocol.Widen(uint16(in.Tick), 1_000_000); newest != 1_000_007 || tick != 1_000_009 {
		t.Errorf("widened to %d and %d, want 1000007 and 1000009", newest, tick)
	}
}

func TestEveryTruncationOfAnInputIsRefused(t *testing.T) {
	s := arena(t)
	for _, v := range inputSamples(s) {
		b := unhex(t, v.Hex)
		for cut := range b {
			var in protocol.Input
			wantReject(t, v.Name, protocol.ParseInput(b[:cut], s, &in), protocol.Truncated)
			if !reflect.ValueOf(in).IsZero() {
				t.Errorf("%s, cut at %d: %+v although it is refused", v.Name, cut, in)
			}
		}
	}
}

func TestInputsThatAreRefused(t *testing.T) {
	s := arena(t)
	const head = "02 01 01 0046 00 076c "
	const input = "0300 02 041c 01 "
	const rowHead, pageHead = "02 01 03 0046 00 076c 00 ", "02 01 05 0046 00 076c 00 "
	const mover = "00 2708 01 0468 1e "
	for _, c := range []struct {
		name, bytes string
		want        protocol.Reject
	}{
		{"nothing", "", protocol.Truncated},
		{"a state datagram", "01 01 0001 0768 00 0000 40", protocol.UnknownKind},
		{"a kind that is no integer", "c2 01 01 0046 00 076c 00", protocol.WrongType},
		{"an epoch above 7f", "02 80 01 0046 00 076c 00", protocol.WrongType},
		{"missing bits below zero", "02 01 01 0046 ff 076c 00", protocol.BadValue},
		{"missing bits as a float", "02 01 01 0046 cb 0000000000000000 076c 00", protocol.WrongType},
		{"missing bits as an extension", "02 01 01 0046 d4 0000 076c 00", protocol.UnsupportedType},
		{"bytes after no input", head + "00 00", protocol.TrailingBytes},
		{"bytes after an input", head + "01 " + input + "00", protocol.TrailingBytes},
		{"nine inputs", head + "09 " + strings.Repeat(input, 9), protocol.TooManyInputs},
		{"127 inputs announced", head + "7f", protocol.TooManyInputs},
		{"a count above 7f", head + "80", protocol.WrongType},
		{"a lag above 7f", head + "01 0080 02 041c 01", protocol.WrongType},
		{"a lag and nothing more", head + "01 0300", protocol.Truncated},
		{"a limb above 7f", head + "01 0000 82 041c 01", protocol.WrongType},
		{"a column wider than its bits", head + "01 0000 04 041c 01", protocol.BadValue},
		{"a value above the range", head + "01 0000 03 041c 01", protocol.InputOutOfRange},
		{"an angle above the range", head + "01 7f7f 02 0550 01", protocol.InputOutOfRange},
		{"the second one above the range", head + "02 " + input + "0000 03 041c 01", protocol.InputOutOfRange},
		{"a row report that is not there", rowHead, protocol.Truncated},
		{"a row of a table that is not there", rowHead + "02 00 28 03 0769 " + mover, protocol.BadValue},
		{"a row of a table above 7f", rowHead + "80 00 28 03 0769 " + mover, protocol.WrongType},
		{"a row of a class that is not there", rowHead + "00 03 28 03 0769 " + mover, protocol.BadValue},
		{"a row of a class above 7f", rowHead + "00 80 28 03 0769 " + mover, protocol.WrongType},
		{"a row beyond the last index", rowHead + "00 00 ce 00100000 03 0769 " + mover, protocol.BadValue},
		{"a row of an index below zero", rowHead + "00 00 ff 03 0769 " + mover, protocol.BadValue},
		{"a row of an index that is a string", rowHead + "00 00 a0 03 0769 " + mover, protocol.WrongType},
		{"a row of generation zero", rowHead + "00 00 28 00 0769 " + mover, protocol.BadValue},
		{"a row of a generation beyond the last", rowHead + "00 00 28 cd 1000 0769 " + mover, protocol.BadValue},
		{"a row of a tick above 7f", rowHead + "00 00 28 03 8769 " + mover, protocol.WrongType},
		{"a row without its last column", rowHead + "00 00 28 03 0769 00 2708 01 0468", protocol.Truncated},
		{"a row with a column wider than its bits", rowHead + "00 00 28 03 0769 02 2708 01 0468 1e", protocol.BadValue},
		{"a row with a limb above 7f", rowHead + "00 00 28 03 0769 00 a708 01 0468 1e", protocol.WrongType},
		{"a row with a text longer than its field", rowHead + "01 00 28 03 0769 d9 29" + strings.Repeat("61", 41), protocol.Oversized},
		{"bytes after a row report", rowHead + "00 00 28 03 0769 " + mover + "00", protocol.TrailingBytes},
		{"a page report that is not there", pageHead, protocol.Truncated},
		{"a page of a table that is not there", pageHead + "02 00 00", protocol.BadValue},
		{"a page beyond the last", pageHead + "00 cd 4000 00", protocol.BadValue},
		{"a page below zero", pageHead + "00 ff 00", protocol.BadValue},
		{"a page whose rows are below zero", pageHead + "00 00 ff", protocol.BadValue},
		{"a page whose rows are a bin", pageHead + "00 00 c4 00", protocol.WrongType},
		{"bytes after a page report", pageHead + "00 00 00 00", protocol.TrailingBytes},
		{"a page report behind a row report that is refused", "02 01 07 0046 00 076c 00 02 00 28 03 0769 " + mover + "00 00 00", protocol.BadValue},
	} {
		var in protocol.Input
		wantReject(t, c.name, protocol.ParseInput(unhex(t, c.bytes), s, &in), c.want)
		if !reflect.ValueOf(in).IsZero() {
			t.Errorf("%s: %+v although it is refused", c.name, in)
		}
	}
	var in protocol.Input
	wantReject(t, "1,201 bytes", protocol.ParseInput(append(unhex(t, head+"00"), make([]byte, protocol.MaxDatagram)...), s, &in), protocol.Oversized)
}

func TestAnInputMayHaveIntegersOfAnyWidth(t *testing.T) {
	s := arena(t)
	var in protocol.Input
	if err := protocol.ParseInput(unhex(t, "cc02 01 01 0046 cf 0000000000000005 076c 00"), s, &in); err != nil || in.Missing != 5 {
		t.Errorf("missing is %b, %v, want 101", in.Missing, err)
	}
}

func TestInputsWithTextAreChecked(t *testing.T) {
	chat, _, err := schema.FromType("chat", reflect.TypeFor[struct {
		Say string `net:"max=4"`
	}]())
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.New(schema.Schema{Game: "chat", Input: chat})
	if err != nil {
		t.Fatal(err)
	}
	const head = "02 01 01 0046 00 076c 01 0000 "
	var in protocol.Input
	if err := protocol.ParseInput(unhex(t, head+"a4 68c3a921"), s, &in); err != nil || string(in.Inputs[0]) != "\xa4hé!" {
		t.Errorf("the input is %q, %v", in.Inputs[0], err)
	}
	wantReject(t, "five bytes of text", protocol.ParseInput(unhex(t, head+"a5 6868686868"), s, &in), protocol.Oversized)
	wantReject(t, "no UTF-8", protocol.ParseInput(unhex(t, head+"a1 ff"), s, &in), protocol.BadValue)
	wantReject(t, "a bin", protocol.ParseInput(unhex(t, head+"c4 01 68"), s, &in), protocol.WrongType)
	wantReject(t, "a line feed", protocol.ParseInput(unhex(t, head+"a1 0a"), s, &in), protocol.InputOutOfRange)
	wantReject(t, "an override", protocol.ParseInput(unhex(t, head+"a3 e280ae"), s, &in), protocol.InputOutOfRange)
	wantReject(t, "decomposed text", protocol.ParseInput(unhex(t, head+"a3 65cc81"), s, &in), protocol.InputOutOfRange)
}

// TestReportsNeedTables: a game without any takes no reports.
func TestReportsNeedTables(t *testing.T) {
	s, err := schema.New(schema.Schema{Game: "void", Input: arena(t).Input})
	if err != nil {
		t.Fatal(err)
	}
	var in protocol.Input
	wantReject(t, "a row", protocol.ParseInput(unhex(t, "02 01 03 0046 00 076c 00 00 00 28 03 0769"), s, &in), protocol.BadValue)
	wantReject(t, "a page", protocol.ParseInput(unhex(t, "02 01 05 0046 00 076c 00 00 00 00"), s, &in), protocol.BadValue)
}

func TestInputsIgnoreUnknownFlags(t *testing.T) {
	var in protocol.Input
	if err := protocol.ParseInput(unhex(t, "02 01 79 0046 00 076c 00"), arena(t), &in); err != nil || !in.HasAck || in.HasRow || in.HasPage {
		t.Errorf("an input with flags of a later revision reads as %+v, %v", in, err)
	}
}

func TestReadingAnInputAllocatesNothing(t *testing.T) {
	s := arena(t)
	var in protocol.Input
	for _, v := range inputSamples(s) {
		if v.Row != nil && v.Row.Table == "ship" {
			continue // its name is a string of its own
		}
		b := unhex(t, v.Hex)
		if allocs := testing.AllocsPerRun(20, func() {
			if err := protocol.ParseInput(b, s, &in); err != nil {
				t.Error(err)
			}
		}); allocs != 0 {
			t.Errorf("%s takes %v allocations, want none", v.Name, allocs)
		}
	}
	bomb := unhex(t, "02 01 01 0046 00 076c 7f ffffffffffffffff")
	wantFlatMemory(t, "a bomb", func() { protocol.ParseInput(bomb, s, &in) })
}

func TestWiden(t *testing.T) {
	for _, c := range []struct {
		short      uint16
		near, want uint64
	}{
		{0, 0, 0}, {5, 0, 5}, {16383, 0, 16383}, {16383, 1, 16383}, {16383, 16384, 16383}, {0, 16383, 16384},
		{8191, 16384, 16384 + 8191}, {8192, 16384, 8192}, {8193, 16384, 8193}, {3, 10, 3},
		{0, protocol.MaxTick, protocol.MaxTick + 1}, {16383, math.MaxUint32 + 1, math.MaxUint32},
	} {
		if got := protocol.Widen(c.short, c.near); got != c.want {
			t.Errorf("%d near %d is %d, want %d", c.short, c.near, got, c.want)
		}
	}
}
