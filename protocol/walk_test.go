package protocol_test

import (
	"bytes"
	"encoding/hex"
	"runtime"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("bad hex in the test: %v", err)
	}
	return b
}

// wantFlatMemory fails the test when refuse allocates more than an error and its text.
func wantFlatMemory(t *testing.T, what string, refuse func()) {
	t.Helper()
	if allocs := testing.AllocsPerRun(2, refuse); allocs > 16 {
		t.Errorf("%s: %v allocations, want the error's own alone", what, allocs)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	refuse()
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<10 {
		t.Errorf("%s: %d bytes allocated, want the error's own alone", what, grown)
	}
}

// bombs are short or dense messages that kill or starve a decoder that believes them.
var bombs = []struct {
	name   string
	bytes  []byte
	reject protocol.Reject
}{
	{"array of 2³²−1", []byte{0xdd, 0xff, 0xff, 0xff, 0xff}, protocol.TooManyElements},
	{"map of 2³²−1", []byte{0xdf, 0xff, 0xff, 0xff, 0xff}, protocol.TooManyElements},
	{"map of 2³¹, whose elements are 2³²", []byte{0xdf, 0x80, 0x00, 0x00, 0x00}, protocol.TooManyElements},
	{"bin of 4 GB", []byte{0xc6, 0xff, 0xff, 0xff, 0xff}, protocol.Truncated},
	{"string of 4 GB", []byte{0xdb, 0xff, 0xff, 0xff, 0xff}, protocol.Truncated},
	{"400 nested arrays of 65,535", bytes.Repeat([]byte{0xdc, 0xff, 0xff}, 400), protocol.TooManyElements},
	{"400 nested arrays of 4,000", bytes.Repeat([]byte{0xdc, 0x0f, 0xa0}, 400), protocol.Truncated},
	{"5 million nested arrays", bytes.Repeat([]byte{0x91}, 5_000_000), protocol.TooDeep},
	{"5 million nested maps", bytes.Repeat([]byte{0x81, 0x00}, 2_500_000), protocol.TooDeep},
	{"4,097 nils", append([]byte{0xdc, 0x10, 0x01}, bytes.Repeat([]byte{0xc0}, 4097)...), protocol.TooManyElements},
	{"4,097 elements in two arrays", append([]byte{0x92, 0xdc, 0x0f, 0xff}, bytes.Repeat([]byte{0xc0}, 4096)...), protocol.TooManyElements},
}

func TestWalkRefusesBombs(t *testing.T) {
	for _, bomb := range bombs {
		_, err := protocol.Walk(bomb.bytes, protocol.WalkLimits{})
		wantReject(t, bomb.name, err, bomb.reject)
		wantFlatMemory(t, bomb.name, func() { _, _ = protocol.Walk(bomb.bytes, protocol.WalkLimits{}) })
	}
}

func TestWalkTakesOneValue(t *testing.T) {
	nils := append([]byte{0xdc, 0x10, 0x00}, bytes.Repeat([]byte{0xc0}, 4096)...)
	cases := []struct {
		name  string
		bytes string
	}{
		{"nil", "c0"}, {"false", "c2"}, {"true", "c3"},
		{"positive fixint", "7f"}, {"negative fixint", "e0"},
		{"uint8", "cc ff"}, {"uint16", "cd ffff"}, {"uint32", "ce ffffffff"}, {"uint64", "cf ffffffffffffffff"},
		{"int8", "d0 80"}, {"int16", "d1 8000"}, {"int32", "d2 80000000"}, {"int64", "d3 8000000000000000"},
		{"float", "ca 7fc00000"}, {"double", "cb 7ff8000000000000"},
		{"fixstr", "a2 6869"}, {"str8", "d9 01 61"}, {"str16", "da 0001 61"}, {"str32", "db 00000001 61"},
		{"bin8", "c4 01 00"}, {"bin16", "c5 0001 00"}, {"bin32", "c6 00000001 00"}, {"empty bin", "c4 00"},
		{"fixarray", "92 01 02"}, {"array16", "dc 0001 c0"}, {"array32", "dd 00000001 c0"}, {"empty array", "90"},
		{"fixmap", "82 01 c0 a1 61 c0"}, {"map16", "de 0001 01 c0"}, {"map32", "df 00000001 01 c0"}, {"empty map", "80"},
		{"a map in a map", "82 01 81 02 03 04 90"},
		{"eight levels", "91 91 91 91 91 91 91 90"},
		{"4,096 elements", hex.EncodeToString(nils)},
	}
	for _, c := range cases {
		b := unhex(t, c.bytes)
		for _, tail := range [][]byte{nil, {0xc1}, {0xff, 0xff}} {
			n, err := protocol.Walk(append(b[:len(b):len(b)], tail...), protocol.WalkLimits{})
			if err != nil || n != len(b) {
				t.Errorf("%s with %d bytes behind it: %d bytes, %v; want %d", c.name, len(tail), n, err, len(b))
			}
		}
		for cut := range len(b) {
			_, err := protocol.Walk(b[:cut], protocol.WalkLimits{})
			if got, _ := protocol.RejectOf(err); got != protocol.Truncated {
				t.Fatalf("%s cut at byte %d: %v, want it truncated", c.name, cut, err)
			}
		}
		if allocs := testing.AllocsPerRun(10, func() { _, _ = protocol.Walk(b, protocol.WalkLimits{}) }); allocs != 0 {
			t.Errorf("%s: %v allocations, want none", c.name, allocs)
		}
	}
}

func TestWalkRefusesForm(t *testing.T) {
	cases := []struct {
		name   string
		bytes  string
		limits protocol.WalkLimits
		reject protocol.Reject
	}{
		{"nothing", "", protocol.WalkLimits{}, protocol.Truncated},
		{"the reserved byte", "c1", protocol.WalkLimits{}, protocol.UnsupportedType},
		{"fixext1", "d4 01 00", protocol.WalkLimits{}, protocol.UnsupportedType},
		{"a 32-bit timestamp", "d6 ff 00000000", protocol.WalkLimits{}, protocol.UnsupportedType},
		{"a 96-bit timestamp", "c7 0c ff 000000000000000000000000", protocol.WalkLimits{}, protocol.UnsupportedType},
		{"ext32", "c9 ffffffff 01", protocol.WalkLimits{}, protocol.UnsupportedType},
		{"an ext within an array", "91 d4 01 00", protocol.WalkLimits{}, protocol.UnsupportedType},
		{"an array as a map's key", "81 90 00", protocol.WalkLimits{}, protocol.WrongType},
		{"a bin as a map's second key", "82 01 90 c4 00 00", protocol.WalkLimits{}, protocol.WrongType},
		{"nil as a map's key", "81 c0 00", protocol.WalkLimits{}, protocol.WrongType},
		{"nine levels", "91 91 91 91 91 91 91 91 90", protocol.WalkLimits{}, protocol.TooDeep},
		{"nine levels with a limit above ours", "91 91 91 91 91 91 91 91 90", protocol.WalkLimits{Depth: 100}, protocol.TooDeep},
		{"two levels where one is allowed", "92 00 90", protocol.WalkLimits{Depth: 1}, protocol.TooDeep},
		{"three elements where two are allowed", "93 00 00 00", protocol.WalkLimits{Elements: 2}, protocol.TooManyElements},
		{"a pair where one element is allowed", "81 00 00", protocol.WalkLimits{Elements: 1}, protocol.TooManyElements},
		{"outer elements squeezed out by an inner array", "93 92 00 00 00", protocol.WalkLimits{}, protocol.Truncated},
	}
	for _, c := range cases {
		_, err := protocol.Walk(unhex(t, c.bytes), c.limits)
		wantReject(t, c.name, err, c.reject)
	}
}

func BenchmarkWalk(b *testing.B) {
	hello, err := protocol.AppendHello(nil, protocol.Hello{Game: "pong", Token: make([]byte, 900), Room: "lobby"})
	if err != nil {
		b.Fatal(err)
	}
	dense := append([]byte{0xdc, 0x10, 0x00}, bytes.Repeat([]byte{0x05}, 4096)...)
	for name, message := range map[string][]byte{"hello": hello, "4096 integers": dense} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(message)))
			for b.Loop() {
				if _, err := protocol.Walk(message, protocol.WalkLimits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
