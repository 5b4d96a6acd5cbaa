package snapshot_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/quicstep/quicstep/world"
	"github.com/quicstep/quicstep/world/snapshot"
)

// lengthAt is where the length's nine bytes stand.
const lengthAt = 20

// seal gives damaged bytes a length and a checksum that are right, so that they come past both.
func seal(b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) < lengthAt+9+5 {
		return b
	}
	b[lengthAt] = 0xcf
	binary.BigEndian.PutUint64(b[lengthAt+1:], uint64(len(b)))
	end := len(b) - 5
	b[end] = 0xce
	binary.BigEndian.PutUint32(b[end+1:], crc32.Checksum(b[:end], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func TestATruncatedSnapshotIsRefused(t *testing.T) {
	b := snapshot.Save(played(t, 3, 40))
	for cut := range b {
		_, err := snapshot.Decode(b[:cut])
		if cut == 0 {
			wantError(t, err, snapshot.ErrNotSnapshot)
			continue
		}
		wantError(t, err, snapshot.ErrDamaged, "cut short")
	}
	_, err := snapshot.Decode(append(bytes.Clone(b), 0))
	wantError(t, err, snapshot.ErrDamaged, "1 bytes follow")
}

func TestASealedTruncationIsRefused(t *testing.T) {
	b := snapshot.Save(played(t, 3, 40))
	for cut := lengthAt + 19; cut < len(b)-5; cut++ {
		_, err := snapshot.Decode(seal(append(bytes.Clone(b[:cut]), make([]byte, 5)...)))
		wantError(t, err, snapshot.ErrDamaged, "at byte")
	}
}

func TestAFlippedByteIsRefused(t *testing.T) {
	const seed = 5
	r := rand.New(rand.NewPCG(seed, seed))
	b := snapshot.Save(played(t, 3, 40))
	for i := range 2500 {
		at := r.IntN(len(b))
		if i < lengthAt+20 {
			at = i
		}
		bad := bytes.Clone(b)
		bad[at] ^= byte(1 + r.IntN(255))
		if _, err := snapshot.Decode(bad); err == nil {
			t.Fatalf("seed %d: byte %d as %#02x instead of %#02x is accepted", seed, at, bad[at], b[at])
		}
		if _, err := snapshot.Peek(bad); err == nil {
			t.Fatalf("seed %d: byte %d as %#02x instead of %#02x is accepted by Peek", seed, at, bad[at], b[at])
		}
		checkDecode(t, seal(bad))
	}
}

func TestWhatASnapshotIsNot(t *testing.T) {
	b := snapshot.Save(played(t, 3, 5))
	for _, other := range []string{"", "x", "\x96", "hello, this is a text and no snapshot at all", "\x96\xb1quicstep-snapshop\x01", "\xdd\xff\xff\xff\xff"} {
		_, err := snapshot.Decode([]byte(other))
		if other == "\x96" {
			wantError(t, err, snapshot.ErrDamaged, "cut short")
			continue
		}
		wantError(t, err, snapshot.ErrNotSnapshot)
	}
	next := bytes.Clone(b)
	next[lengthAt-1] = 7
	_, err := snapshot.Decode(seal(next))
	wantError(t, err, snapshot.ErrVersion, "version 7", "version 4")
	next[0] = 0x99 // A later version may have more elements.
	_, err = snapshot.Load(newHarbour(), next, world.Config{})
	wantError(t, err, snapshot.ErrVersion, "version 7", "version 4")
}

// bombs are heads that announce more than there is.
var bombs = [][]byte{
	{0xdd, 0xff, 0xff, 0xff, 0xff}, {0xdc, 0xff, 0xff}, {0xdf, 0xff, 0xff, 0xff, 0xff}, {0xdd, 0x00, 0x10, 0x00, 0x00},
	{0xdb, 0xff, 0xff, 0xff, 0xff}, {0xda, 0xff, 0xff}, {0xd9, 0xff}, {0xc6, 0xff, 0xff, 0xff, 0xff}, {0xc5, 0xff, 0xff}, {0xc4, 0xff},
	{0xc9, 0xff, 0xff, 0xff, 0xff, 0x01}, {0x9f}, {0xbf}, {0xc0}, {0xc1}, {0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	{0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0}, {0xcc, 0x01}, {0xcd, 0x00, 0x01}, {0xce, 0, 0, 0, 1}, {0xd0, 0x01}, {0xdc, 0, 1},
}

func TestBombsTakeNoMemory(t *testing.T) {
	b := snapshot.Save(played(t, 3, 8))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tried := uint64(0)
	for at := lengthAt + 18; at < len(b)-5; at += 1 + at/500 {
		for i := range 4 {
			bomb := bombs[(at*5+i)%len(bombs)]
			bad := append(bytes.Clone(b[:at]), bomb...)
			if rest := at + len(bomb); rest < len(b) {
				bad = append(bad, b[rest:]...)
			}
			checkDecode(t, seal(bad))
			tried++
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / tried; each > uint64(40*len(b)+1<<16) {
		t.Errorf("%d bytes are allocated for each of %d bombs in a snapshot of %d bytes", each, tried, len(b))
	}
}

// checkDecode decodes bytes that may be anything: what is accepted has only this one form.
func checkDecode(t *testing.T, b []byte) (world.State, bool) {
	t.Helper()
	st, err := snapshot.Decode(b)
	if err != nil {
		return st, false
	}
	if again := snapshot.Encode(st); !bytes.Equal(again, b) {
		t.Fatalf("% x\nis accepted, and written again as\n% x", b, again)
	}
	return st, true
}

func FuzzDecode(f *testing.F) {
	for _, ticks := range []int{0, 1, 30} {
		b := snapshot.Save(played(f, 3, ticks))
		f.Add(b, false)
		f.Add(b, true)
		for i, bomb := range bombs {
			at := min(lengthAt+18+i*3, len(b))
			f.Add(append(bytes.Clone(b[:at]), bomb...), true)
		}
	}
	f.Add([]byte("\x96\xb1quicstep-snapshot\x03"), false)
	f.Fuzz(func(t *testing.T, b []byte, sealed bool) {
		if sealed {
			b = seal(b)
		}
		if _, ok := checkDecode(t, b); !ok {
			return
		}
		w, err := snapshot.Load(newHarbour(), b, world.Config{History: 2})
		if err != nil {
			return
		}
		// A state that was made up may be no state that the game can be in; it still must not end the process.
		for range 3 {
			step(t, w, world.Commands{Joins: []world.Join{{Player: 1}}})
		}
		snapshot.Save(w)
	})
}
