package replay_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/world"
	"github.com/quicstep/quicstep/world/replay"
	"github.com/quicstep/quicstep/world/snapshot"
)

func TestALogThatIsCutIsPlayedUpToThere(t *testing.T) {
	made := record(t, 4, 25, 1)
	for cut := made.ends[0]; cut <= len(made.log); cut++ {
		whole := 0
		for whole+1 < len(made.ends) && made.ends[whole+1] <= cut {
			whole++
		}
		rep := verify(t, made.log[:cut], newOrchard())
		if !rep.OK() || rep.Ticks != uint64(whole) {
			t.Fatalf("cut at byte %d: %v, want %d ticks", cut, rep, whole)
		}
		rest := cut - made.ends[whole]
		if rest == 0 {
			if rep.Cut != nil {
				t.Errorf("cut at byte %d, between two records: %v", cut, rep)
			}
			continue
		}
		want := replay.CutError{Offset: int64(made.ends[whole]), Tick: uint64(whole), Present: int64(rest)}
		if rep.Cut == nil || *rep.Cut != want {
			t.Fatalf("cut at byte %d: %v, want %v", cut, rep.Cut, want)
		}
		if !errors.Is(rep.Cut, io.ErrUnexpectedEOF) || !strings.Contains(rep.String(), "cut short") {
			t.Errorf("the report reads %q", rep)
		}
	}
	for cut := range made.ends[0] {
		_, err := replay.Verify(bytes.NewReader(made.log[:cut]), newOrchard())
		switch {
		case cut == 0 && errors.Is(err, replay.ErrNotReplay):
		case cut > 0 && errors.Is(err, replay.ErrDamaged) && strings.Contains(err.Error(), "cut short"):
		default:
			t.Fatalf("cut at byte %d, before the first record: %v", cut, err)
		}
	}
}

func TestAPlayerStaysWhereItStopped(t *testing.T) {
	made := record(t, 4, 5, 1)
	p, err := replay.Open(bytes.NewReader(made.log[:len(made.log)-1]), newOrchard())
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := p.Next(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		var cut *replay.CutError
		if _, err := p.Next(); !errors.As(err, &cut) || cut.Tick != 4 || p.View().Tick != 4 {
			t.Errorf("the error is %v at tick %d", err, p.View().Tick)
		}
	}
}

func TestAFlippedByteIsNoticed(t *testing.T) {
	const seed = 6
	r := rand.New(rand.NewPCG(seed, seed))
	made := record(t, 4, 25, 10)
	for range 1500 {
		at := r.IntN(len(made.log))
		bad := bytes.Clone(made.log)
		bad[at] ^= byte(1 + r.IntN(255))
		rep, err := replay.Verify(bytes.NewReader(bad), newOrchard())
		if err == nil && rep.Cut == nil {
			t.Fatalf("seed %d: byte %d as %#02x instead of %#02x: %v", seed, at, bad[at], made.log[at], rep)
		}
		if whole := uint64(len(made.ends)); rep.Ticks >= whole-1 || !rep.OK() {
			t.Fatalf("seed %d: byte %d is damaged, and %v", seed, at, rep)
		}
	}
}

func TestADamagedRecordIsNamed(t *testing.T) {
	made := record(t, 4, 25, 10)
	bad := bytes.Clone(made.log)
	bad[made.ends[11]+8] ^= 1
	rep, err := replay.Verify(bytes.NewReader(bad), newOrchard())
	if !errors.Is(err, replay.ErrDamaged) || !strings.Contains(err.Error(), "after tick 11") || rep.Ticks != 11 {
		t.Errorf("%v, %v", rep, err)
	}
	// A record that is missing is not passed over either.
	bad = append(bytes.Clone(made.log[:made.ends[11]]), made.log[made.ends[12]:]...)
	rep, err = replay.Verify(bytes.NewReader(bad), newOrchard())
	if !errors.Is(err, replay.ErrDamaged) || !strings.Contains(err.Error(), "it is of tick 13, tick 12 was expected") || rep.Ticks != 11 {
		t.Errorf("%v, %v", rep, err)
	}
	boom := errors.New("the disk is on fire")
	_, err = replay.Verify(io.MultiReader(bytes.NewReader(made.log[:made.ends[3]+2]), broken{boom}), newOrchard())
	if !errors.Is(err, boom) {
		t.Errorf("the reader's error is %v", err)
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestOtherFilesAreRefused(t *testing.T) {
	made := record(t, 4, 5, 1)
	for _, other := range [][]byte{[]byte("hello"), []byte("a text that is rather long and has nothing to do with it"), snapshot.Save(start(t, newOrchard(), 1)), {0xc6, 0xff, 0xff, 0xff, 0xff}, {0xc6, 0, 0, 0, 1, 0xdd}} {
		if _, err := replay.Open(bytes.NewReader(other), newOrchard()); !errors.Is(err, replay.ErrNotReplay) {
			t.Errorf("%.20q: %v", other, err)
		}
	}
	next := bytes.Clone(made.log)
	next[5+1+1+len("quicstep-replay")] = 9
	_, err := replay.Open(bytes.NewReader(next), newOrchard())
	if !errors.Is(err, replay.ErrVersion) || !strings.Contains(err.Error(), "version 9") || !strings.Contains(err.Error(), "version 4") {
		t.Errorf("another version: %v", err)
	}
	if _, err = replay.Open(bytes.NewReader(made.log), world.NewGame[order]("meadow")); !errors.Is(err, snapshot.ErrGame) {
		t.Errorf("another game: %v", err)
	}
}

// seal gives every whole frame of a damaged log its right checksum, the snapshot its length too.
func seal(log []byte) []byte {
	log = bytes.Clone(log)
	for n, rest := 0, log; len(rest) >= 5 && rest[0] == 0xc6; n++ {
		size := binary.BigEndian.Uint32(rest[1:])
		if uint64(size) > uint64(len(rest)-5) || size < 5 {
			break
		}
		frame := rest[5 : 5+size]
		if n == 1 && size > 50 {
			binary.BigEndian.PutUint64(frame[21:], uint64(size))
		}
		end := len(frame) - 5
		frame[end] = 0xce
		binary.BigEndian.PutUint32(frame[end+1:], crc32.Checksum(frame[:end], crc32.MakeTable(crc32.Castagnoli)))
		rest = rest[5+size:]
	}
	return log
}

func TestBombsTakeNoMemory(t *testing.T) {
	made := record(t, 4, 3, 1)
	last := made.ends[2]
	payload := bytes.Clone(made.log[last+5 : len(made.log)])
	var logs [][]byte
	// A record, or the snapshot, of which only the length is there.
	for _, size := range [][]byte{{0xff, 0xff, 0xff, 0xff}, {0x00, 0x3f, 0xff, 0xff}, {0x3f, 0xff, 0xff, 0xff}} {
		logs = append(logs, append(append(bytes.Clone(made.log[:last]), 0xc6), size...))
		second := 5 + int(binary.BigEndian.Uint32(made.log[1:]))
		logs = append(logs, append(append(bytes.Clone(made.log[:second]), 0xc6), size...))
	}
	// A record with something large in every place, and its checksum right.
	for at := range payload {
		for _, bomb := range [][]byte{{0xdd, 0xff, 0xff, 0xff, 0xff}, {0xc6, 0xff, 0xff, 0xff, 0xff}, {0xdb, 0x7f, 0xff, 0xff, 0xff}, {0xc9, 0xff, 0xff, 0xff, 0xff, 1}, {0xff, 0xff, 0xff, 0xff, 0x0f}} {
			bad := bytes.Clone(made.log)
			copy(bad[last+5+at:], bomb)
			logs = append(logs, seal(bad))
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, log := range logs {
		if rep, err := replay.Verify(bytes.NewReader(log), newOrchard()); err == nil && rep.Cut == nil && rep.Ticks != 3 {
			t.Errorf("% x is read as %v", log[last:], rep)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / uint64(len(logs)); each > 4<<20 {
		t.Errorf("%d bytes are allocated for each of %d logs of %d bytes", each, len(logs), len(made.log))
	}
}

func FuzzVerify(f *testing.F) {
	for _, ticks := range []int{0, 1, 12} {
		log := record(f, 4, ticks, 3).log
		f.Add(log, false)
		f.Add(log, true)
		f.Add(log[:len(log)-3], false)
	}
	f.Add([]byte{0xc6, 0xff, 0xff, 0xff, 0xff}, false)
	f.Add(append([]byte{0xc6, 0, 0, 0, 23, 0x94, 0xaf}, "quicstep-replay\x02"...), false)
	f.Fuzz(func(t *testing.T, log []byte, sealed bool) {
		if sealed {
			log = seal(log)
		}
		rep, err := replay.Verify(bytes.NewReader(log), newOrchard())
		if err != nil {
			return
		}
		if rep.Cut != nil {
			log = log[:rep.Cut.Offset]
		}
		// The part that is whole is a log of its own.
		again, err := replay.Verify(bytes.NewReader(log), newOrchard())
		if err != nil || again.Cut != nil || again.Ticks != rep.Ticks || (again.First == nil) != (rep.First == nil) {
			t.Errorf("the whole part gives %v, %v; before it was %v", again, err, rep)
		}
	})
}
