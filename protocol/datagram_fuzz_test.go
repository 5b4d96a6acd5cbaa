package protocol_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/quicstep/quicstep/protocol"
)

// FuzzState: what is read, written again, is no longer and reads the same; what is refused has a reason.
func FuzzState(f *testing.F) {
	s := arena(f)
	for _, v := range stateSamples(s) {
		f.Add(v.bytes(s))
	}
	f.Add(crowd(s))
	const head = "01 01 0001 0768 00 0000 40 "
	for _, seed := range []string{
		"", "01", head + "00 03 01", head + "00 03 01 00 00 0000100005 08", head + "00 0b 02 7f cd ffff 0000100005 08 00 d1 0003 0f7f7f7f7f 0f",
		head + "01 03 01 01 00 0007 a0", head + "02 03 02 00 00 00 00", head + "02 03 01 00 ce 00010000", head + "03 03 01 00 00", head + "00 02 02 05 00 00 00", head + "00 02 01 ce 00100000 00", head + "01 00 01 05 01 d9 ff",
		head + "00 00 01 05 8a", head + "00 01 01 05 cd 1000", head + "00 02 01 d0 05 d1 0008", head + "00 02 01 05 dd ffffffff",
	} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r protocol.StateReader
		first, err := readState(&r, s, b)
		if err != nil {
			if reject, ok := protocol.RejectOf(err); !ok || reject == 0 {
				t.Fatalf("%v: want a rejection", err)
			}
			return
		}
		wantStateSequence(t, b, first.Header)
		again := first.bytes(s)
		if len(again) > len(b) {
			t.Fatalf("%d bytes are written as %d, want the shortest form", len(b), len(again))
		}
		second, err := readState(&r, s, again)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("% x\n%+v\ncomes back as % x\n%+v, %v", b, first, again, second, err)
		}
	})
}

// FuzzInput: what is read, written again, is no longer and reads the same; what is refused has a reason and
// leaves nothing behind.
func FuzzInput(f *testing.F) {
	s := arena(f)
	for _, v := range inputSamples(s) {
		f.Add(unhex(f, v.Hex))
	}
	for _, seed := range []string{
		"", "02", "cc02 01 01 0046 cf 0000000000000005 076c 00", "02 01 01 0046 00 076c 7f", "02 01 01 0046 00 076c 01 0000 03 041c 01",
		"02 01 02 0000 00 0000 00 00 00 28 03 0769 00 0001 00 0001 01", "02 01 04 0000 00 0000 00 00 cd 3fff cf ffffffffffffffff",
		"02 01 06 0000 00 0000 00 01 00 02 01 0768 a0 00 00 0000000000 0000000000 00 0000000000 00 00 00",
		"02 01 06 0000 00 0000 00 02", "02 01 02 0000 00 0000 00 00 03", "02 01 04 0000 00 0000 00 00 cd 4000 00",
		"02 01 01 0046 dd ffffffff 076c 00", "02 01 7f 0046 ff 076c 00", "02 01 01 0046 00 076c 01 0300 02 041c 01 00", "02 01 01 0046 00 076c 01 7f",
	} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second protocol.Input
		if err := protocol.ParseInput(b, s, &first); err != nil {
			if reject, ok := protocol.RejectOf(err); !ok || reject == 0 || !reflect.ValueOf(first).IsZero() {
				t.Fatalf("%v with %+v: want a rejection and nothing else", err, first)
			}
			return
		}
		wantInputSequence(t, b, &first)
		again := protocol.AppendInput(nil, &first)
		if len(again) > len(b) {
			t.Fatalf("%d bytes are written as %d, want the shortest form", len(b), len(again))
		}
		if err := protocol.ParseInput(again, s, &second); err != nil || !reflect.DeepEqual(vectorOf(s, &first), vectorOf(s, &second)) {
			t.Fatalf("%v comes back as %v, %v", &first, &second, err)
		}
		if third := protocol.AppendInput(nil, &second); !bytes.Equal(again, third) {
			t.Fatalf("% x, then % x", again, third)
		}
	})
}

// FuzzShort: whatever is less than 8,192 away is found again, and what is found has the short number's bits.
func FuzzShort(f *testing.F) {
	for _, near := range []uint64{0, 1, 8191, 8192, 8193, 16383, 16384, 1_000_000, protocol.MaxTick} {
		for _, offset := range []int16{-8191, -1, 0, 1, 8191} {
			f.Add(near, offset)
		}
	}
	f.Fuzz(func(t *testing.T, near uint64, offset int16) {
		near &= protocol.MaxTick
		x := near + uint64(offset)
		if offset < 0 && uint64(-int64(offset)) > near {
			x = near
		}
		got := protocol.Widen(protocol.Short(x), near)
		if offset > -8192 && offset < 8192 && got != x {
			t.Fatalf("%d near %d comes back as %d", x, near, got)
		}
		if protocol.Short(got) != protocol.Short(x) {
			t.Fatalf("%d near %d comes back as %d, of other bits", x, near, got)
		}
	})
}
