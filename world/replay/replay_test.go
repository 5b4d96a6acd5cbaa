package replay_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/quicstep/quicstep/world"
	"github.com/quicstep/quicstep/world/replay"
	"github.com/quicstep/quicstep/world/snapshot"
)

func TestALongGameIsReplayedTickForTick(t *testing.T) {
	const ticks = 10_000
	made := record(t, 21, ticks, 1)
	if made.undone < 100 {
		t.Errorf("%d ticks were undone; the test wants to see some", made.undone)
	}
	for procs := 1; procs <= 2; procs++ {
		old := runtime.GOMAXPROCS(procs)
		p, err := replay.Open(bytes.NewReader(made.log), newOrchard())
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range made.hashes {
			res, err := p.Next()
			if err != nil || res.Tick != uint64(i+1) || res.Played != want || res.Differs() {
				t.Fatalf("GOMAXPROCS %d, tick %d: %+v, %v", procs, i+1, res, err)
			}
		}
		if _, err := p.Next(); err != io.EOF {
			t.Errorf("GOMAXPROCS %d: the log ends with %v", procs, err)
		}
		runtime.GOMAXPROCS(old)
	}
	t.Logf("%d bytes a tick", len(made.log)/ticks)
}

func TestVerifyCountsWhatItPlayed(t *testing.T) {
	made := record(t, 3, 400, 30)
	// However the bytes come in, what is read is the same.
	for _, r := range []io.Reader{bytes.NewReader(made.log), iotest.OneByteReader(bytes.NewReader(made.log)), iotest.DataErrReader(bytes.NewReader(made.log))} {
		rep, err := replay.Verify(r, newOrchard())
		want := replay.Report{Ticks: 400, Checked: 400 / 30, Undone: made.undone}
		if err != nil || rep != want {
			t.Errorf("the report is %v, %v, want %v", rep, err, want)
		}
		if !rep.OK() || rep.String() != "400 ticks played after tick 0, 13 compared, 4 undone: all as recorded" {
			t.Errorf("the report reads %q", rep)
		}
	}
}

func TestARecordingCanBeginInTheMiddle(t *testing.T) {
	cmds := script(t, 5, 300)
	w := start(t, newOrchard(), 5)
	for _, c := range cmds[:120] {
		w.Step(c)
	}
	var log bytes.Buffer
	rec, err := replay.NewRecorder(&log, snapshot.Save(w), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cmds[120:] {
		_, v, err := w.Step(c)
		if err := rec.Tick(v.Tick, c, v.Hash(), err != nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	rep := verify(t, log.Bytes(), newOrchard())
	if !rep.OK() || rep.Start != 120 || rep.Ticks != 180 || rep.Checked != 180 {
		t.Errorf("the report is %v", rep)
	}
}

func TestNextGivesTheCommandsAsTheyWereRecorded(t *testing.T) {
	cmds := script(t, 8, 60)
	made := record(t, 8, 60, 7)
	p, err := replay.Open(bytes.NewReader(made.log), newOrchard())
	if err != nil {
		t.Fatal(err)
	}
	if p.Every() != 7 || p.View().Tick != 0 {
		t.Errorf("every %d, at tick %d", p.Every(), p.View().Tick)
	}
	w := start(t, newOrchard(), 8)
	for _, c := range cmds {
		changes, v, _ := w.Step(c)
		res, err := p.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(res.Commands, c) || !reflect.DeepEqual(res.Changes, changes) || p.View().Hash() != v.Hash() {
			t.Fatalf("tick %d: %+v", v.Tick, res)
		}
		if res.Checked != (v.Tick%7 == 0) || (res.Played != 0) != res.Checked {
			t.Errorf("tick %d: checked %v, hash %016x", v.Tick, res.Checked, res.Played)
		}
	}
}

func TestAChangedHashIsFoundAtItsTick(t *testing.T) {
	const seed = 13
	r := rand.New(rand.NewPCG(seed, seed))
	for range 5 {
		bad := uint64(1 + r.IntN(300))
		made := recordWith(t, 2, 300, 1, func(tick, hash uint64) uint64 {
			if tick >= bad {
				hash ^= 1 << (tick % 64)
			}
			return hash
		})
		rep := verify(t, made.log, newOrchard())
		if rep.OK() || rep.First.Tick != bad || rep.Ticks != 300 {
			t.Fatalf("seed %d: changed at tick %d, the report is %v", seed, bad, rep)
		}
		if want := made.hashes[bad-1]; rep.First.Played != want || rep.First.Recorded != want^1<<(bad%64) {
			t.Errorf("seed %d: tick %d has the hash %016x, the report is %v", seed, bad, want, rep)
		}
		if !strings.Contains(rep.String(), "the first difference is at tick") {
			t.Errorf("the report reads %q", rep)
		}
	}
}

func TestOtherRulesAreFoundAtTheNextHash(t *testing.T) {
	made := record(t, 2, 300, 20)
	rep := verify(t, made.log, newOrchardIn(weather{stormAt: 145}))
	if rep.OK() || rep.First.Tick != 160 || rep.Ticks != 300 {
		t.Errorf("the rules differ in tick 145, the report is %v", rep)
	}
}

func TestPanicsAreComparedInEveryTick(t *testing.T) {
	made := record(t, 2, 100, 50)
	rep := verify(t, made.log, newOrchardIn(weather{calm: true}))
	if rep.OK() || rep.First.Tick != 89 || !rep.First.RecordedUndone || rep.First.PlayedUndone || rep.Undone != 0 || rep.Ticks != 100 {
		t.Errorf("tick 89 panics in the recording only, the report is %v", rep)
	}
	rep = verify(t, made.log, newOrchardIn(weather{squall: 33}))
	if rep.OK() || rep.First.Tick != 33 || !rep.First.PlayedUndone || rep.First.RecordedUndone || rep.Undone != 2 {
		t.Errorf("tick 33 panics in the replay only, the report is %v", rep)
	}
}

func TestTheRecorderRefusesWhatNobodyCouldPlay(t *testing.T) {
	w := start(t, newOrchard(), 1)
	begin := func() *replay.Recorder {
		rec, err := replay.NewRecorder(io.Discard, snapshot.Save(w), 1)
		if err != nil {
			t.Fatal(err)
		}
		return rec
	}
	if err := begin().Tick(2, world.Commands{}, 0, false); err == nil || !strings.Contains(err.Error(), "tick 0 was the last one") {
		t.Errorf("a gap: %v", err)
	}
	large := world.Commands{Inputs: []world.Input{{Player: 1, Data: make([]byte, replay.MaxRecordBytes)}}}
	rec := begin()
	if err := rec.Tick(1, large, 0, false); err == nil || !strings.Contains(err.Error(), "at most 4194304") {
		t.Errorf("too large: %v", err)
	}
	if rec.Tick(1, world.Commands{}, 0, false) == nil || rec.Flush() == nil || rec.Close() == nil {
		t.Error("a recorder that has failed goes on")
	}
	rec = begin()
	if rec.Close() != nil || rec.Tick(1, world.Commands{}, 0, false) == nil {
		t.Error("a closed recorder goes on")
	}
	if _, err := replay.NewRecorder(io.Discard, []byte("no snapshot"), 1); !errors.Is(err, snapshot.ErrNotSnapshot) {
		t.Errorf("no snapshot: %v", err)
	}
	if _, err := replay.NewRecorder(io.Discard, snapshot.Save(w), -1); err == nil {
		t.Error("a hash every -1 ticks")
	}
}

// full is a disk with so many bytes left.
type full struct{ left int }

var errFull = errors.New("the disk is full")

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.left {
		return f.left, errFull
	}
	f.left -= len(b)
	return len(b), nil
}

func TestTheRecorderTellsWhenTheWriterFails(t *testing.T) {
	w := start(t, newOrchard(), 1)
	rec, err := replay.NewRecorder(&full{left: 20_000}, snapshot.Save(w), 1)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, v, _ := w.Step(world.Commands{})
		err = rec.Tick(v.Tick, world.Commands{}, v.Hash(), false)
	}
	if !errors.Is(err, errFull) || !errors.Is(rec.Flush(), errFull) || !errors.Is(rec.Close(), errFull) {
		t.Errorf("the error is %v", err)
	}
}

func TestAnyMsgpackLibraryReadsALog(t *testing.T) {
	made := record(t, 3, 50, 10)
	dec := msgpack.NewDecoder(bytes.NewReader(made.log))
	for n := range 52 {
		b, err := dec.DecodeBytes()
		if err != nil {
			t.Fatal(err)
		}
		var v []any
		if err := msgpack.Unmarshal(b, &v); err != nil {
			t.Fatalf("frame %d: %v", n, err)
		}
		if want := map[int]int{0: 4, 1: 6}[n]; len(v) != max(want, 4) && len(v) != 5 {
			t.Errorf("frame %d has %d elements", n, len(v))
		}
	}
	if _, err := dec.PeekCode(); err != io.EOF {
		t.Errorf("more than the head, the snapshot and 50 records: %v", err)
	}
}

func BenchmarkTick(b *testing.B) {
	w := start(b, newOrchard(), 1)
	rec, err := replay.NewRecorder(io.Discard, snapshot.Save(w), 1)
	if err != nil {
		b.Fatal(err)
	}
	c := script(b, 1, 200)[150]
	b.ReportAllocs()
	for tick := uint64(1); b.Loop(); tick++ {
		if err := rec.Tick(tick, c, 1, false); err != nil {
			b.Fatal(err)
		}
	}
}
