package bots_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/quicstep/quicstep/clients/bots"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

// checkGolden compares got with the file, or writes the file when the tests run with -update.
func checkGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test ./clients/bots -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is written today; if you can explain how, run go test ./clients/bots -update\n%s", path, got)
	}
}

// fullReport has every field.
func fullReport() *bots.Report {
	return &bots.Report{
		Game: "pong", Addr: "127.0.0.1:4433", Begun: "2026-11-24T18:00:00.5Z", DurationS: 60.0041, TickHz: 30,
		Clients:              bots.ClientsReport{Asked: 1500, Joined: 1499, Disconnected: 2, Rejoined: 1, Resumed: 3},
		Updates:              bots.UpdatesReport{PerClientPerS: 29.9817, IntervalMS: bots.IntervalReport{P50: 33.334, P99: 41.25, Max: 1120.5}},
		LatencyMS:            bots.LatencyReport{Samples: 1234567, P50: 61.2345, P90: 98.1, P99: 134.2, Max: 310},
		BytesPerClientS:      bots.TrafficReport{Down: 12345.6789, Up: 2345.1},
		PacketsPerClientTick: bots.TrafficReport{Down: 1.0234, Up: 1.5},
		Inputs:               bots.InputsReport{PerClientTick: 0.9987, MeanBytes: 24.5},
		BytesPerEntityUpdate: 6.789, EntitiesVisible: bots.MeanReport{Mean: 52.5},
		AgeTicks: bots.AgeReport{P50: 1, P99: 3},
		Checks:   bots.ChecksReport{Rows: 9876543, Pages: 1200, Skipped: 17, RowsPerClientS: 109.81},
		Diverged: 2,
		Divergences: []bots.Divergence{
			{Player: 7, Tick: 1234, Table: "paddles", ID: 3, Field: "y", Server: "120", Client: "119"},
			{Player: 8, Tick: 1240, Table: "names", ID: 70_000, Field: "text", Server: strings.Repeat("long ", 20), Client: "a\nb\x1b[31m"},
		},
		Events:       bots.EventsReport{Fired: 400, Late: 3},
		LoadCoreIdle: 0.0449,
		Impairment: bots.Impairment{Loss: 0.05, Delay: 100 * time.Millisecond, Spread: 50 * time.Millisecond, Jitter: 20 * time.Millisecond,
			Duplicate: 0.01, Reorder: 0.02, Seed: 7}.Report(),
		Errors: map[string]uint64{"the server or the room is full": 1, "the server does not answer": 1200},
		Server: &bots.ServerReport{CPUUSPerClientTick: 41.26, RSSMB: 84.25, DatagramsPerClientTick: 1.0125, DatagramBytesPerClientTick: 420.5, AllocsPerClientTick: 15.5,
			TickMS: bots.IntervalReport{P50: 1.2, P99: 3.4, Max: 8.91}, LateMS: bots.IntervalReport{P50: 0.1, P99: 1.25, Max: 6.5},
			PhaseUS: bots.PhaseReport{Drain: 12.5, Step: 640, Publish: 31}, Overruns: 1, Ticks: 1799, TicksExpected: 1800},
		Failed: []string{"latency_ms.p99 is 134.2, want < 120"},
	}
}

// quietReport has what is never left out.
func quietReport() *bots.Report {
	return &bots.Report{Game: "pong", Addr: "[::1]:4433", DurationS: 5, TickHz: 30,
		Clients: bots.ClientsReport{Asked: 1}, LoadCoreIdle: 0.97}
}

func textOf(t *testing.T, r *bots.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func jsonOf(t *testing.T, r *bots.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReportGolden(t *testing.T) {
	checkGolden(t, "full.json", []byte(jsonOf(t, fullReport())))
	checkGolden(t, "full.txt", []byte(textOf(t, fullReport())))
	checkGolden(t, "quiet.json", []byte(jsonOf(t, quietReport())))
	checkGolden(t, "quiet.txt", []byte(textOf(t, quietReport())))
}

func TestTextFitsTheTerminal(t *testing.T) {
	huge := fullReport()
	huge.Addr = strings.Repeat("ä", 200)
	huge.LatencyMS.Max = math.MaxFloat64
	huge.BytesPerClientS.Down = -math.MaxFloat64
	huge.Impairment.Seed = math.MaxUint64
	for _, r := range []*bots.Report{fullReport(), quietReport(), huge, {}} {
		for line := range strings.Lines(textOf(t, r)) {
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > 80 || strings.ContainsAny(line, "\x1b\r\t") || line != strings.TrimRight(line, " ") {
				t.Errorf("the line %q is longer than 80 characters or not plain", line)
			}
		}
	}
}

func TestNumbersThatAreNotFiniteAreZero(t *testing.T) {
	r := fullReport()
	r.TickHz = math.NaN()
	r.LatencyMS.P99 = math.Inf(1)
	r.Server.RSSMB = math.Inf(-1)
	r.LoadCoreIdle = math.MaxFloat64
	var back bots.Report
	if err := json.Unmarshal([]byte(jsonOf(t, r)), &back); err != nil {
		t.Fatal(err)
	}
	if back.TickHz != 0 || back.LatencyMS.P99 != 0 || back.Server.RSSMB != 0 || back.LoadCoreIdle != math.MaxFloat64 {
		t.Errorf("they are %v, %v, %v and %v", back.TickHz, back.LatencyMS.P99, back.Server.RSSMB, back.LoadCoreIdle)
	}
	if !math.IsNaN(r.TickHz) || !math.IsInf(r.Server.RSSMB, -1) {
		t.Error("writing has changed the report")
	}
}

func TestOnlySixteenDivergencesAreShown(t *testing.T) {
	r := quietReport()
	r.Diverged, r.Checks.Rows = 40, 40
	r.Divergences = make([]bots.Divergence, 40)
	var back bots.Report
	if err := json.Unmarshal([]byte(jsonOf(t, r)), &back); err != nil {
		t.Fatal(err)
	}
	shown := strings.Count(textOf(t, r), "player 0 tick 0")
	if len(back.Divergences) != 16 || shown != 16 || back.Diverged != 40 || len(r.Divergences) != 40 {
		t.Errorf("%d and %d of %d are shown, want 16", len(back.Divergences), shown, back.Diverged)
	}
}

func TestABusyCoreIsWarnedOf(t *testing.T) {
	const warning = "the bots' own core was 9 % idle: under 10 % latency proves nothing"
	r := quietReport()
	r.LoadCoreIdle = 0.099
	if got := textOf(t, r); strings.Count(got, warning) != 1 {
		t.Errorf("there is no warning in\n%s", got)
	}
	r.LoadCoreIdle = 0.10
	if got := textOf(t, r); strings.Contains(got, "proves nothing") {
		t.Errorf("there is a warning in\n%s", got)
	}
}

func TestManyErrorsAreSummedUp(t *testing.T) {
	r := quietReport()
	r.Errors = map[string]uint64{}
	for i := range 20 {
		r.Errors[strings.Repeat("x", i+1)] = uint64(i + 1)
	}
	got := textOf(t, r)
	if !strings.Contains(got, "and 12 kinds more") || !strings.Contains(got, "        20  xxxxxxxxxxxxxxxxxxxx\n") {
		t.Errorf("the errors are\n%s", got)
	}
}

func TestASeedAloneIsNoImpairment(t *testing.T) {
	if got := (bots.Impairment{Seed: 5}).Report(); got != (bots.ImpairmentReport{}) {
		t.Errorf("it is shown as %+v", got)
	}
}

// brokenWriter takes nothing.
type brokenWriter struct{}

var errBroken = errors.New("disk full")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestErrorsOfTheWriterAreTold(t *testing.T) {
	for _, err := range []error{fullReport().WriteJSON(brokenWriter{}), fullReport().WriteText(brokenWriter{})} {
		if !errors.Is(err, errBroken) {
			t.Errorf("the error is %v, want the writer's", err)
		}
	}
}
