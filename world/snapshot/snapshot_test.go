package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
	"github.com/quicstep/quicstep/world/snapshot"
)

func TestALoadedWorldGoesOnAlike(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 4))
	for seed := range uint64(6) {
		cmds := script(t, seed, 500)
		at := r.IntN(450)
		w := start(t, newHarbour(), seed)
		var loaded *world.World
		for i, c := range cmds {
			if i == at {
				var err error
				b := snapshot.Save(w)
				if loaded, err = snapshot.Load(newHarbour(), b, world.Config{}); err != nil {
					t.Fatalf("seed %d, tick %d: %v", seed, at, err)
				}
				if !bytes.Equal(snapshot.Save(loaded), b) {
					t.Fatalf("seed %d: the world loaded at tick %d is saved as other bytes", seed, at)
				}
			}
			v := step(t, w, c)
			if loaded == nil {
				continue
			}
			lv := step(t, loaded, c)
			if lv.Hash() != v.Hash() || lv.Tick != v.Tick {
				t.Fatalf("seed %d: loaded at tick %d, differs at tick %d", seed, at, v.Tick)
			}
		}
		if !bytes.Equal(snapshot.Save(loaded), snapshot.Save(w)) {
			t.Errorf("seed %d: loaded at tick %d, the worlds end in different snapshots", seed, at)
		}
	}
}

func TestAFreshWorldCanBeSaved(t *testing.T) {
	w := start(t, newHarbour(), 9)
	loaded, err := snapshot.Load(newHarbour(), snapshot.Save(w), world.Config{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range script(t, 9, 100) {
		if v, lv := step(t, w, c), step(t, loaded, c); v.Hash() != lv.Hash() {
			t.Fatalf("differs at tick %d: the seed of the saved world counts, not the one of Load", v.Tick)
		}
	}
}

func TestAStateComesBackAsItWas(t *testing.T) {
	for _, ticks := range []int{0, 1, 60, 300} {
		st := played(t, 3, ticks).Export()
		b := snapshot.Encode(st)
		got, err := snapshot.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := plain(got), plain(st); !reflect.DeepEqual(got, want) {
			t.Errorf("%d ticks: came back as\n%.2000s\nwas\n%.2000s", ticks, fmt.Sprint(got), fmt.Sprint(want))
		}
		if !bytes.Equal(snapshot.Encode(got), b) {
			t.Errorf("%d ticks: is encoded as other bytes the second time", ticks)
		}
		if info, err := snapshot.Peek(b); err != nil || info.Tick != st.Tick || info.Layout != st.Layout {
			t.Errorf("%d ticks: Peek says %+v, %v", ticks, info, err)
		}
	}
}

// plain makes empty slices nil, which is how they come back.
func plain(st world.State) world.State {
	for _, pages := range st.Tables {
		for i := range pages {
			for j := range pages[i].Rows {
				r := &pages[i].Rows[j]
				if len(r.Columns) == 0 {
					r.Columns = nil
				}
			}
		}
	}
	return st
}

func TestExtremesComeBackAsTheyWere(t *testing.T) {
	row := func(seed uint64) world.RowState {
		r := world.RowState{
			Owner: math.MaxUint32, Team: math.MaxUint16, Weight: world.MaxWeight, Dirty: 3, Rights: math.MaxUint32,
			Columns: []uint32{0, math.MaxUint32, 1 << 31},
			Texts:   []string{"", strings.Repeat("a", 31), strings.Repeat("b", 32), strings.Repeat("c", 255), strings.Repeat("d", 256), strings.Repeat("e", 1<<16), "\xff\x00"},
			Values:  []uint64{math.MaxUint64, math.Float64bits(math.NaN()), math.Float64bits(math.Inf(-1))},
		}
		for shift := range 64 {
			for d := uint64(0); d < 3; d++ {
				r.Values = append(r.Values, 1<<shift+d-1, -(1<<shift + d - 1))
			}
		}
		return r
	}
	st := world.State{
		Layout: math.MaxUint64, Tick: math.MaxUint64, Last: math.MaxUint32, Started: true,
		Players: []world.Seat{{Player: 1, Rights: math.MaxUint32}, {Player: math.MaxUint32, Team: 1, Pos: world.Pos{X: math.Inf(1), Y: math.Copysign(0, -1)}, Radius: 1e300}},
		Tables:  [][]world.PageState{nil, {{}, {Used: 1<<63 | 1, Changed: 7, Rows: []world.RowState{row(1), row(2)}}}},
	}
	st.Tables[1][1].Generations = [64]uint16{1, 63: schema.MaxGeneration}
	b := snapshot.Encode(st)
	got, err := snapshot.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, st) {
		t.Errorf("came back as\n%.5000s\nwas\n%.5000s", fmt.Sprint(got), fmt.Sprint(st))
	}
	if !bytes.Equal(snapshot.Append([]byte("before"), got), append([]byte("before"), b...)) {
		t.Error("Append does not append the same bytes")
	}
}

func TestAnyMsgpackLibraryReadsASnapshot(t *testing.T) {
	b := snapshot.Save(played(t, 3, 100))
	var v []any
	dec := msgpack.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&v); err != nil || len(v) != 6 || v[0] != "quicstep-snapshot" {
		t.Fatalf("%.3v, %v", v, err)
	}
	if tables := v[4].([]any)[6].([]any); len(tables) != 4 {
		t.Errorf("%d tables", len(tables))
	}
	if _, err := dec.PeekCode(); err == nil {
		t.Error("something follows the array")
	}
}

func TestAnotherGamesSnapshotIsRefused(t *testing.T) {
	b := snapshot.Save(played(t, 3, 10))
	other := world.NewGame[order]("quarry")
	_, err := snapshot.Load(other, b, world.Config{})
	wantError(t, err, snapshot.ErrGame, "quarry", fmt.Sprintf("%016x", played(t, 3, 10).Export().Layout))

	st := played(t, 3, 10).Export()
	st.Layout++
	_, err = snapshot.Load(newHarbour(), snapshot.Encode(st), world.Config{})
	wantError(t, err, snapshot.ErrGame, "harbour", fmt.Sprintf("%016x", st.Layout))

	// The hash agrees, the rows don't.
	st = played(t, 3, 10).Export()
	st.Tables[1][0].Rows[0].Values = st.Tables[1][0].Rows[0].Values[1:]
	if _, err = snapshot.Load(newHarbour(), snapshot.Encode(st), world.Config{}); err == nil || !strings.Contains(err.Error(), "table gull") {
		t.Errorf("a row with too few values: %v", err)
	}
}

func wantError(t *testing.T, err, is error, says ...string) {
	t.Helper()
	if !errors.Is(err, is) {
		t.Errorf("the error is %v, want %v", err, is)
		return
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("the error does not say %q: %v", s, err)
		}
	}
}

// BenchmarkEncode and BenchmarkDecode work on 10,000 rows of the harbour's gulls.
func BenchmarkEncode(b *testing.B) {
	st := crowd(b).Export()
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = snapshot.Append(out[:0], st)
	}
	b.SetBytes(int64(len(out)))
	b.ReportMetric(float64(len(out))/10_000, "B/row")
}

func BenchmarkDecode(b *testing.B) {
	in := snapshot.Save(crowd(b))
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := snapshot.Decode(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	in := snapshot.Save(crowd(b))
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := snapshot.Load(newHarbour(), in, world.Config{}); err != nil {
			b.Fatal(err)
		}
	}
}

// crowd is a world of 10,000 gulls, some of which have moved.
func crowd(t testing.TB) *world.World {
	g := newHarbour()
	g.OnStart(func(tx *world.Tx) {
		for range 10_000 {
			g.Gulls.Insert(tx, gull{X: float32(tx.Rand().Float64() * 1000), Y: float32(tx.Rand().Float64() * 1000)})
		}
	})
	w := start(t, g, 1)
	for range 90 {
		step(t, w, world.Commands{})
	}
	return w
}
