package main

import (
	"bytes"
	"context"
	"flag"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

var update = flag.Bool("update", false, "write the golden page in testdata anew")

func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func TestSettings(t *testing.T) {
	s, err := settingsOf(env(nil))
	if err != nil || s.left() != "" || s.Bots != 100 || s.Rooms != 20 || s.Rounds != 5 {
		t.Fatalf("without an environment the settings are %+v, %v; %q is left out", s, err, s.left())
	}
	for name, values := range map[string][]string{"WATCH_ROUNDS": {"x", "0", "101", "-1"}, "WATCH_SECONDS": {"301", "1s"}} {
		for _, value := range values {
			if _, err := settingsOf(env(map[string]string{name: value})); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: %v, want an error that names it", name, value, err)
			}
		}
	}
}

func TestWhatLacksSomethingIsNotPublished(t *testing.T) {
	with := func(vars map[string]string) *watching {
		s, err := settingsOf(env(vars))
		if err != nil {
			t.Fatal(err)
		}
		return &watching{Lab: &measure.Lab{Root: "root", Dir: "own"}, settings: s, out: new(strings.Builder), outcome: outcome{Settings: s, Machine: measure.Machine{Pinned: true}}}
	}
	for name, value := range map[string]string{"WATCH_ROUNDS": "4", "WATCH_SECONDS": "9"} {
		w := with(map[string]string{name: value})
		if got := w.folder(); got != "own" {
			t.Errorf("with %s=%s the page goes to %s", name, value, got)
		}
		if w.settings.Docs = "asked"; w.folder() != "asked" {
			t.Errorf("the page goes to %s, want where it is asked for", w.folder())
		}
	}
	w := with(map[string]string{"WATCH_ROUNDS": "7"})
	if got := w.folder(); got != filepath.Join("root", "docs") {
		t.Errorf("with more than everything the page goes to %s", got)
	}
	if w.outcome.Failed = []string{"x"}; w.folder() != "own" {
		t.Errorf("with a round that failed the page goes to %s", w.folder())
	}
	if w.outcome.Failed, w.outcome.Machine.Pinned = nil, false; w.folder() != "own" {
		t.Errorf("when nothing was pinned the page goes to %s", w.folder())
	}
}

func TestWhatHoldsIsToldOfTheRounds(t *testing.T) {
	o, err := readOutcome("testdata/watch.json")
	if err != nil {
		t.Fatal(err)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.0005 {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	near("the ratio of medians", o.ratio(), 112./104)
	share, least, most := o.share()
	near("the door's share", share, 3./750)
	near("its least", least, 0.00136)
	near("its most", most, 0.01169)
	near("the spread of what is alike", o.spread(), 0.2)
	for _, p := range o.promises() {
		if p.verdict != holds {
			t.Errorf("%s, at most %s, does not hold with %s", p.what, p.most, p.is)
		}
	}
	o.Rounds[1].FirstLineMS, o.Rounds[2].FirstScreenMS = 1000, 1200
	for i := range o.Rounds {
		o.Rounds[i].With.DoorSamples, o.Rounds[i].With.P50US = 20, 130
	}
	for _, p := range o.promises() {
		if p.verdict != broken {
			t.Errorf("%s, at most %s, holds with %s", p.what, p.most, p.is)
		}
	}
	for i := range o.Rounds {
		o.Rounds[i].With.P50US = 122
	}
	if p := o.promises()[3]; p.verdict != unsure {
		t.Errorf("a ratio of %s, where what is alike differs by 20 %%, is said to be: %s", p.is, p.verdict)
	}
	o.Rounds = o.Rounds[:1]
	o.Rounds[0].With.Samples, o.Rounds[0].With.DoorSamples = 37, 2
	if p := o.promises()[2]; p.verdict != unsure {
		t.Errorf("2 of 37 samples are said to be: %s", p.verdict)
	}
	if bare := (&outcome{}); bare.ratio() != 0 || bare.spread() != 0 {
		t.Error("without rounds there is a ratio")
	}
	for _, p := range (&outcome{}).promises() {
		if p.verdict == holds {
			t.Errorf("without a round %s holds", p.what)
		}
	}
}

func TestThePageIsGolden(t *testing.T) {
	o, err := readOutcome("testdata/watch.json")
	if err != nil {
		t.Fatal(err)
	}
	got, path := o.document(), filepath.Join("testdata", documentName)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test ./.ci/watch -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is written today; if you can explain how, run go test ./.ci/watch -update\n%s", path, got)
	}
}

func TestTicksBetweenTwoLooks(t *testing.T) {
	before := [][2]int64{{100, 50}, {900, 1}}
	after := [][2]int64{{50, 1}, {100, 54}, {200, 5}, {900, 1}}
	for share, want := range map[float64]int64{0: 50, 0.1: 50, 0.5: 100, 0.51: 200, 0.99: 200, 1: 200} {
		if got := between(before, after, share); got != want {
			t.Errorf("%v of the ticks took up to %d µs, want %d", share, got, want)
		}
	}
	if got := between(after, after, 0.5); got != 0 {
		t.Errorf("without a tick the median is %d", got)
	}
}

// TestSamplesAreCountedByTheirLabel, in a profile that the runtime takes of this test.
func TestSamplesAreCountedByTheirLabel(t *testing.T) {
	var taken bytes.Buffer
	if err := pprof.StartCPUProfile(&taken); err != nil {
		t.Fatal(err)
	}
	x := 0
	for _, work := range []string{"admin", "tick"} {
		pprof.Do(t.Context(), pprof.Labels("work", work, "room", "ab"), func(context.Context) {
			for began := time.Now(); time.Since(began) < 300*time.Millisecond; x++ {
			}
		})
	}
	pprof.StopCPUProfile()
	got, err := samplesBy(taken.Bytes(), "work")
	if err != nil || got["admin"] == 0 || got["tick"] == 0 || len(got) > 3 {
		t.Errorf("the samples are %v, %v", got, err)
	}
	if got, err := samplesBy(taken.Bytes(), "room"); err != nil || got["ab"] == 0 || got["admin"] != 0 {
		t.Errorf("by room the samples are %v, %v", got, err)
	}
	for n := range taken.Len() {
		samplesBy(taken.Bytes()[:n], "work") // must not panic
	}
	if _, err := samplesBy([]byte("none"), "work"); err == nil {
		t.Error("anything is a profile")
	}
	for _, wrong := range [][]byte{{0x12, 5, 1}, {0x80}, {0x13}, {0x12, 4, 0x1a, 2, 8, 9}} {
		if err := fields(wrong, func(number int, _ uint64, b []byte) error {
			_, _, err := sampleOf(b, nil, "work")
			return err
		}); err == nil {
			t.Errorf("%x is a profile", wrong)
		}
	}
}

// TestAWatchOfTwo runs everything once, with two bots in two rooms, on whatever cores there are.
func TestAWatchOfTwo(t *testing.T) {
	s, err := settingsOf(env(map[string]string{"WATCH_ROUNDS": "1", "WATCH_SECONDS": "1"}))
	if err != nil {
		t.Fatal(err)
	}
	s.Bots, s.Rooms, s.Warmup, s.Docs = 2, 2, 0, t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var said strings.Builder
	w, err := newWatching(ctx, s, &said)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	w.Cores = measure.Cores{Missing: "a test takes what there is"}
	if err := w.run(ctx); err != nil && !strings.Contains(err.Error(), "does not hold") { // the machine is busy with other tests
		t.Fatalf("%v\n%s", err, said.String())
	}
	o, err := readOutcome(w.jsonPath())
	if err != nil || len(o.Rounds) != 1 {
		t.Fatalf("the outcome is %+v, %v\n%s", o, err, said.String())
	}
	r := o.Rounds[0]
	for name, h := range map[string]half{"unwatched": r.Without, "watched": r.With} {
		if h.Ticks == 0 || h.P50US == 0 || h.P99US < h.P50US || runtime.GOOS == "linux" && h.ServerShare <= 0 {
			t.Errorf("%s it is %+v", name, h)
		}
	}
	if r.Without.DoorSamples != 0 || r.FirstLineMS <= 0 {
		t.Errorf("the round is %+v", r)
	}
	if text, err := os.ReadFile(filepath.Join(s.Docs, documentName)); err != nil || !strings.Contains(string(text), "| 1 | ") {
		t.Errorf("the page is\n%s\n%v", text, err)
	}
}
