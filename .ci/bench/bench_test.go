package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// TestMain lets this test binary be the world alone.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == aloneCommand {
		main()
		return
	}
	os.Exit(m.Run())
}

func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func TestSettings(t *testing.T) {
	s, err := settingsOf(env(nil))
	if err != nil || s.left() != "" {
		t.Fatalf("without an environment %q is left out; %v", s.left(), err)
	}
	if got, want := len(s.cells()), 4*2+3*2+1; got != want {
		t.Errorf("there are %d cells, want %d", got, want)
	}
	s, err = settingsOf(env(map[string]string{"BENCH_CLIENTS": "300, 500", "BENCH_HZ": "60", "BENCH_SECONDS": "20", "BENCH_ROUNDS": "7", "BENCH_SCENARIOS": "crowd,bench,idle"}))
	if err != nil {
		t.Fatal(err)
	}
	want := []cell{{"bench", 300, 60}, {"bench", 500, 60}, {"idle", 300, 60}, {"crowd", 100, 60}}
	if got := s.cells(); !slices.Equal(got, want) || s.Seconds != 20 || s.Rounds != 7 {
		t.Errorf("the settings are %+v with %v, want %v", s, got, want)
	}
}

func TestWhatLacksSomethingIsNotPublished(t *testing.T) {
	with := func(vars map[string]string) *bench {
		s, err := settingsOf(env(vars))
		if err != nil {
			t.Fatal(err)
		}
		return &bench{settings: s, Lab: &measure.Lab{Root: "root", Dir: "own"}, out: new(strings.Builder), outcome: outcome{Settings: s, Machine: measure.Machine{Pinned: true}}}
	}
	for name, value := range map[string]string{
		"BENCH_CLIENTS": "200,500", "BENCH_HZ": "20", "BENCH_SECONDS": "9", "BENCH_ROUNDS": "4", "BENCH_SCENARIOS": "bench",
	} {
		b := with(map[string]string{name: value})
		if got := b.folder(); got != "own" {
			t.Errorf("with %s=%s the document goes to %s", name, value, got)
		}
		if b.settings.Docs = "asked"; b.folder() != "asked" {
			t.Errorf("the document goes to %s, want where it is asked for", b.folder())
		}
	}
	b := with(map[string]string{"BENCH_CLIENTS": "100,200,500,1000,2000"})
	if got := b.folder(); got != filepath.Join("root", "docs") {
		t.Errorf("with more than everything the document goes to %s", got)
	}
	b.outcome.Cells = []cellOutcome{{Cell: cell{"bench", 200, 20}, Failed: []string{"x"}}}
	if got := b.folder(); got != "own" {
		t.Errorf("with a row that failed the document goes to %s", got)
	}
	b.outcome.Cells, b.outcome.Machine.Pinned = nil, false
	if got := b.folder(); got != "own" {
		t.Errorf("when nothing was pinned the document goes to %s", got)
	}
}

func TestWrongSettings(t *testing.T) {
	for name, values := range map[string][]string{
		"BENCH_CLIENTS": {"x", "0", "1,,2", "10001", "-1"}, "BENCH_HZ": {"0", "241"}, "BENCH_SECONDS": {"1,2", "1s"}, "BENCH_ROUNDS": {"1,2", "0"},
		"BENCH_SCENARIOS": {"x", "bench,"},
	} {
		for _, value := range values {
			if _, err := settingsOf(env(map[string]string{name: value})); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: %v, want an error that names it", name, value, err)
			}
		}
	}
}

// TestABenchOfTwo runs everything once, with two clients, on whatever cores there are.
func TestABenchOfTwo(t *testing.T) {
	s, err := settingsOf(env(map[string]string{"BENCH_CLIENTS": "2", "BENCH_HZ": "30", "BENCH_SECONDS": "1", "BENCH_ROUNDS": "1", "BENCH_SCENARIOS": "bench,networks"}))
	if err != nil {
		t.Fatal(err)
	}
	s.Warmup, s.Rest, s.Docs = 300*time.Millisecond, 0, t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var said strings.Builder
	b, err := newBench(ctx, s, &said)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	b.Cores = measure.Cores{Missing: "a test takes what there is"}
	if err := b.run(ctx); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	var o outcome
	err = measure.ReadJSON(b.jsonPath(), &o)
	if err != nil || len(o.Cells) != 1 || len(o.Cells[0].Rounds) != 1 {
		t.Fatalf("the outcome is %+v, %v", o, err)
	}
	r := o.Cells[0].Rounds[0]
	for name, m := range map[string]measured{"quicstep": r.Quicstep, "the floor": r.Floor} {
		report := m.Report
		if report.Clients.Joined != 2 || report.TickHz != 30 || report.Updates.PerClientPerS <= 0 ||
			report.BytesPerClientS.Down <= 0 || report.PacketsPerClientTick.Up <= 0 || report.Inputs.MeanBytes <= 0 {
			t.Errorf("the report of %s is %+v", name, report)
		}
		if runtime.GOOS == "linux" && (m.CPUUS <= 0 || m.LoadUS <= 0 || m.ResidentKB == 0) {
			t.Errorf("the figures of %s are %+v", name, m)
		}
	}
	if l := r.Floor.Report.LatencyMS; l.Samples == 0 || l.P50 <= 0 {
		t.Errorf("the floor's latency is %+v", l)
	}
	if runtime.GOOS == "linux" && (r.AloneUS <= 0 || r.ratio() == 0) {
		t.Errorf("the world alone takes %v, the ratio is %v", r.AloneUS, r.ratio())
	}
	for _, n := range o.Networks {
		if len(n.Rounds) != 1 || n.Rounds[0].Report.Clients.Joined != 2 || n.Rounds[0].Report.TickHz != float64(n.Network.HZ) {
			t.Errorf("the outcome of a network is %+v", n)
		}
	}
	text, err := os.ReadFile(filepath.Join(s.Docs, documentName))
	if err != nil || !strings.Contains(string(text), "| bench | 30 | 2 |") || strings.Count(string(text), "| round trips from 0 to 80 ms |") != 2 {
		t.Errorf("the document is\n%s\n%v", text, err)
	}
}
