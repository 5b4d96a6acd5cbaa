package protocol_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/quicstep/quicstep/protocol"
)

// seedMessages adds every kind of message and the bombs that are short enough to be changed usefully.
func seedMessages(f *testing.F) {
	for _, message := range samples {
		f.Add(encode(f, message))
	}
	for _, bomb := range bombs {
		if len(bomb.bytes) < 8192 {
			f.Add(bomb.bytes)
		}
	}
	for _, seed := range []string{
		"", "90", "91 0e", "97 01 02 a0 00 c4 00 a0 00", "97 01 01 a0 00 c4 00 a0 02", "97 01 01 a0 00 c4 00 a0 03",
		"97 cc 01 d0 01 d9 00 cf 0000000000000001 c5 0000 da 0000 cd 0000",
		"93 06 01 90", "93 06 01 91 90", "94 06 01 92 97 a161 a162 01 02 92 9100 81 a161 c0 c401ff a0 dd 00000005 a0 a0 03 04 c3 c3",
		"93 06 01 dc 0101 94", "94 07 ce ffffffff 3f c4 00", "94 08 00 c4 01 00 a1 61", "94 09 cf 001fffffffffffff 00 c4 00",
		"94 0a 02 00 a1 61", "94 0a 01 00 a1 0a", "94 0b 00 02 a0", "95 0c 00 00 00 cf 0020000000000000", "97 0d 00 3f 00 a0 a0 a0",
		"93 03 00 a2 c3 a9", "93 03 00 a1 0a", "94 03 07 a0 82 a1 61 c3 02 ca 00000000", "c1", "c7 0c ff", "d6 ff 00000000",
		"82 01 81 02 03 a1 61 90", "81 90 00", "cb 7ff8000000000000", "d3 8000000000000000", "dc 0002 c6 00000001 00 c0",
	} {
		f.Add(unhex(f, seed))
	}
}

// FuzzWalk: what Walk accepts, a library that trusts every length reads without an error, to the same end.
func FuzzWalk(f *testing.F) {
	seedMessages(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := protocol.Walk(b, protocol.WalkLimits{})
		if err != nil {
			if _, ok := protocol.RejectOf(err); !ok || n != 0 {
				t.Fatalf("%d bytes and %v: want a rejection", n, err)
			}
			return
		}
		if n < 1 || n > len(b) {
			t.Fatalf("%d bytes walked of %d", n, len(b))
		}
		reader := bytes.NewReader(b[:n])
		decoder := msgpack.NewDecoder(reader)
		decoder.SetMapDecoder(func(d *msgpack.Decoder) (any, error) { return d.DecodeUntypedMap() })
		if _, err := decoder.DecodeInterface(); err != nil {
			t.Fatalf("accepted, but msgpack says %v: %s", err, hex.EncodeToString(b[:n]))
		}
		if reader.Len() != 0 {
			t.Fatalf("msgpack leaves %d of %d bytes", reader.Len(), n)
		}
		if _, err := protocol.Walk(b[:n-1], protocol.WalkLimits{}); err == nil {
			t.Fatal("the value is whole without its last byte")
		}
	})
}

// fuzzMessage: what parses has the same values for the msgpack library, and is appended again to something that parses to the same value, and nothing but a
// rejection comes of the rest.
func fuzzMessage(f *testing.F, kind protocol.Kind) {
	seedMessages(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := decodeAs(kind, b)
		if err != nil {
			if _, ok := protocol.RejectOf(err); !ok {
				t.Fatalf("%v: want a rejection", err)
			}
			if !reflect.ValueOf(first).IsZero() {
				t.Fatalf("refused, and yet %#v", first)
			}
			return
		}
		if got, err := protocol.KindOf(b); err != nil || got != kind {
			t.Fatalf("parsed as %v, but its kind is %v, %v", kind, got, err)
		}
		wantGeneric(t, b, first)
		shortest := encode(t, first)
		if len(shortest) > len(b) {
			t.Fatalf("%d bytes are appended as %d, want the shortest form", len(b), len(shortest))
		}
		second, err := decodeAs(kind, shortest)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%#v comes back as %#v, %v", first, second, err)
		}
	})
}

func FuzzHello(f *testing.F)    { fuzzMessage(f, protocol.KindHello) }
func FuzzWelcome(f *testing.F)  { fuzzMessage(f, protocol.KindWelcome) }
func FuzzGoodbye(f *testing.F)  { fuzzMessage(f, protocol.KindGoodbye) }
func FuzzResync(f *testing.F)   { fuzzMessage(f, protocol.KindResync) }
func FuzzList(f *testing.F)     { fuzzMessage(f, protocol.KindList) }
func FuzzRooms(f *testing.F)    { fuzzMessage(f, protocol.KindRooms) }
func FuzzRequest(f *testing.F)  { fuzzMessage(f, protocol.KindRequest) }
func FuzzAnswer(f *testing.F)   { fuzzMessage(f, protocol.KindAnswer) }
func FuzzMessage(f *testing.F)  { fuzzMessage(f, protocol.KindMessage) }
func FuzzSay(f *testing.F)      { fuzzMessage(f, protocol.KindSay) }
func FuzzChat(f *testing.F)     { fuzzMessage(f, protocol.KindChat) }
func FuzzChecks(f *testing.F)   { fuzzMessage(f, protocol.KindChecks) }
func FuzzDiverged(f *testing.F) { fuzzMessage(f, protocol.KindDiverged) }
func FuzzPace(f *testing.F)     { fuzzMessage(f, protocol.KindPace) }

// FuzzFrame: a frame that is cut out is inside of the bytes and the limit, and framed again is the same
// message; what needs more has not been decided too early.
func FuzzFrame(f *testing.F) {
	for _, message := range samples {
		f.Add(protocol.AppendFrame(nil, encode(f, message)), uint16(protocol.MaxHelloFrame))
	}
	for _, seed := range []string{"", "c4", "c4 00", "c4 05 01", "c5 0002 9005", "c6 00000002 9005 c4", "c6 ffffffff", "92 04 05", "c1"} {
		f.Add(unhex(f, seed), uint16(64))
	}
	f.Fuzz(func(t *testing.T, b []byte, max uint16) {
		message, rest, err := protocol.SplitFrame(b, int(max))
		headerLen, size, headerErr := protocol.ParseFrameHeader(b)
		if errors.Is(err, protocol.ErrNeedMore) {
			if len(rest) != len(b) || headerErr == nil && (len(b) >= headerLen+size || size > int(max)) {
				t.Fatalf("needs more than %d bytes for a frame of %d + %d", len(b), headerLen, size)
			}
			return
		}
		if err != nil {
			if _, ok := protocol.RejectOf(err); !ok || message != nil || len(rest) != len(b) {
				t.Fatalf("%v with %d bytes of message: want a rejection", err, len(message))
			}
			return
		}
		if headerErr != nil || len(message) != size || size > int(max) || headerLen+size+len(rest) != len(b) {
			t.Fatalf("%d + %d + %d bytes of %d, %v", headerLen, size, len(rest), len(b), headerErr)
		}
		again, none, err := protocol.SplitFrame(protocol.AppendFrame(nil, message), int(max))
		if err != nil || len(none) != 0 || !bytes.Equal(again, message) {
			t.Fatalf("framed again: %d bytes, %d left, %v", len(again), len(none), err)
		}
	})
}
