package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
	"github.com/quicstep/quicstep/clients/bots"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

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
		t.Fatalf("%v: run go test ./.ci/bench -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is written today; if you can explain how, run go test ./.ci/bench -update\n%s", path, got)
	}
}

func TestRatio(t *testing.T) {
	r := round{Quicstep: measured{CPUUS: 100}, Floor: measured{CPUUS: 80}, AloneUS: 20}
	if got := r.ratio(); got != 1 {
		t.Errorf("100 without 20 is %v times 80, want 1", got)
	}
	if got := (round{}).ratio(); got != 0 {
		t.Errorf("without a floor the ratio is %v, want 0", got)
	}
}

// invented is an outcome with every kind of row: the figures rise with the clients, so that rows can be told apart.
func invented() *outcome {
	lookup := func(name string) (string, bool) {
		return map[string]string{"BENCH_CLIENTS": "200,500,1000"}[name], true
	}
	s, err := settingsOf(lookup)
	if err != nil {
		panic(err)
	}
	o := &outcome{
		Machine:  measure.Machine{Processor: "An Invented Processor", Kernel: "Linux 6.1", Go: "go1.26", QUIC: "v0.1.0", Commit: "0123456", Cores: 2, Pinned: true},
		Settings: s, Begun: time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC), Fastest: 100, Again: 4,
	}
	for _, c := range s.cells() {
		out := cellOutcome{Cell: c}
		for n := range 3 {
			out.Rounds = append(out.Rounds, inventedRound(c, float64(n)))
		}
		o.Cells = append(o.Cells, out)
	}
	for i, w := range networks {
		c := cell{defaultScenario, networkClients, w.HZ}
		n := networkOutcome{Network: w, Rounds: []measured{inventedRound(c, 1).Quicstep, inventedRound(c, 2).Quicstep}}
		if i == len(networks)-1 {
			n.Rounds, n.Failed = nil, []string{"nobody joined"}
		}
		o.Networks = append(o.Networks, n)
	}
	for i, c := range s.ownCells() {
		out := ownOutcome{Cell: c, Rounds: []ownRound{{Work: map[string]float64{"choose": 4, "input": 1, "hand": 3}}, {Work: map[string]float64{"choose": 4.25 + float64(i), "input": 0.5}}}}
		o.Own = append(o.Own, out)
	}
	o.Cells[1].Rounds[2].Floor.Pace = 130 // is left out
	slowed := o.Cells[2].Rounds
	slowed[0].AlonePace, slowed[1].Quicstep.Pace = 121, 150
	last := &o.Cells[len(o.Cells)-1]
	last.Rounds, last.Failed = nil, []string{"of 100 clients 99 joined\nand 0 were disconnected"}
	return o
}

func inventedRound(c cell, n float64) round {
	report := func(down float64) *bots.Report {
		return &bots.Report{
			TickHz: float64(c.HZ), Clients: bots.ClientsReport{Asked: c.Clients, Joined: c.Clients},
			Updates:   bots.UpdatesReport{PerClientPerS: float64(c.HZ), IntervalMS: bots.IntervalReport{P50: 50, P99: 60 + n}},
			LatencyMS: bots.LatencyReport{P50: 50 + n, P99: 70 + n}, BytesPerClientS: bots.TrafficReport{Down: down, Up: 1500},
			PacketsPerClientTick: bots.TrafficReport{Down: 2, Up: 1.5}, BytesPerEntityUpdate: 8,
			EntitiesVisible: bots.MeanReport{Mean: 50.5}, Inputs: bots.InputsReport{PerClientTick: 1, MeanBytes: 24},
		}
	}
	cost, idle := 60+10*n, 1-float64(c.Clients)/1000
	r := round{
		Quicstep: measured{CPUUS: cost + 20, ResidentKB: 300, Allocs: 18, ServerIdle: idle, LoadIdle: 0.5, Stolen: 0.021, Others: 0.034, Pace: 110, Report: report(5000)},
		Floor:    measured{CPUUS: cost, ResidentKB: 100, Allocs: 12, ServerIdle: idle, LoadIdle: 0.5, Pace: 120, Report: report(4800)},
		AloneUS:  20 - n, AloneLateMS: 1 + n, AlonePace: 100,
	}
	r.Quicstep.Report.Server = &bots.ServerReport{
		DatagramsPerClientTick: 1.25, DatagramBytesPerClientTick: 200, PhaseUS: bots.PhaseReport{Drain: 100, Step: 1600, Publish: 30},
		TickMS: bots.IntervalReport{P50: 1, P99: 3.5, Max: 8}, LateMS: bots.IntervalReport{P50: 0.1, P99: 1.5 + n, Max: 5},
	}
	return r
}

func TestTheDocumentIsGolden(t *testing.T) {
	o := invented()
	checkGolden(t, documentName, o.document())
	checkGolden(t, plotName, o.plot())
}

// TestThePlotIsXML holds also for outcomes without a row, or with one.
func TestThePlotIsXML(t *testing.T) {
	full := invented()
	for _, o := range []*outcome{{}, {Cells: full.Cells[:1]}, {Cells: full.Cells[len(full.Cells)-1:]}, full} {
		svg := o.plot()
		d := xml.NewDecoder(bytes.NewReader(svg))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("the plot of %d rows: %v\n%s", len(o.Cells), err, svg)
			}
		}
		if strings.Contains(string(svg), "NaN") || strings.Contains(string(svg), "Inf") {
			t.Errorf("the plot of %d rows has no place for something:\n%s", len(o.Cells), svg)
		}
	}
}

func TestEveryRowHasEveryColumn(t *testing.T) {
	for _, block := range strings.Split(string(invented().document()), "\n\n") {
		if !strings.HasPrefix(block, "| scenario | Hz") {
			continue
		}
		rows := strings.Split(strings.TrimSpace(block), "\n")
		for _, row := range rows {
			if strings.Count(row, "|") != strings.Count(rows[0], "|") {
				t.Errorf("a row does not fit the head:\n%s\n%s", rows[0], row)
			}
		}
		if want := len(invented().Cells) + 2; len(rows) != want {
			t.Errorf("the table has %d lines, want %d", len(rows), want)
		}
	}
}

func TestRemarks(t *testing.T) {
	for _, c := range []struct {
		change func(*round)
		want   string
	}{
		{func(r *round) {}, ""},
		{func(r *round) { r.Floor.LoadIdle = 0.1 }, ""},
		{func(r *round) { r.Floor.LoadIdle = 0.0999 }, "saturated"},
		{func(r *round) { r.Quicstep.ServerIdle = 0 }, "saturated"},
		{func(r *round) { r.Quicstep.Report.Updates.PerClientPerS = 19.5 }, ""},
		{func(r *round) { r.Quicstep.Report.Updates.PerClientPerS = 19.44 }, "quicstep: 19.4 of 20 updates"},
		{func(r *round) { r.Floor.Report.Updates.PerClientPerS, r.Floor.Others = 3, 0.31 }, "floor: 3.0 of 20 updates; other programs: 31 %"},
	} {
		r := inventedRound(cell{"bench", 200, 20}, 0)
		c.change(&r)
		if got := (cellOutcome{Cell: cell{"bench", 200, 20}, Rounds: []round{r}}).remark(); got != c.want {
			t.Errorf("the remark is %q, want %q", got, c.want)
		}
	}
	if got := (cellOutcome{Failed: []string{"x"}}).remark(); got != "failed" {
		t.Errorf("without rounds the remark is %q", got)
	}
}

// TestTheFloorServesEveryTick: it sends what quicstep sent with an update, also when quicstep left ticks out.
func TestTheFloorServesEveryTick(t *testing.T) {
	for _, c := range []struct{ datagrams, updates, want float64 }{{1, 20, 1}, {1.5, 20, 1.5}, {0.5, 10, 1}, {1, 20.1, 1}, {0, 20, 1}, {1, 0, 1}} {
		report := inventedRound(cell{"bench", 200, 20}, 0).Quicstep.Report
		report.Server.DatagramsPerClientTick, report.Server.DatagramBytesPerClientTick = c.datagrams, 400*c.datagrams
		report.Updates.PerClientPerS = c.updates
		if per, size := shapeOf(report); math.Abs(per-c.want) > 1e-9 || c.datagrams > 0 && c.updates > 0 && size != 400 {
			t.Errorf("after %v datagrams a tick and %v updates a second the floor sends %v of %d bytes, want %v of 400", c.datagrams, c.updates, per, size, c.want)
		}
	}
}

func TestBytesAddUp(t *testing.T) {
	r := inventedRound(cell{"bench", 200, 20}, 0)
	s := r.Quicstep.split()
	if s.Headers != 250 || s.Records != 3750 || s.Records+s.Headers+s.QUIC != 5000 {
		t.Errorf("5,000 bytes split into %+v, want 3,750 of records, 250 of headers, the rest of QUIC", s)
	}
	// 40 packets a second of 28 bytes on top of 5,000.
	if got, want := r.Quicstep.wireBytes(), 8*6120.0/5000; math.Abs(got-want) > 1e-9 {
		t.Errorf("an update takes %v bytes on the wire, want %v", got, want)
	}
}

func TestAnOutcomeIsReadAgain(t *testing.T) {
	o, path := invented(), filepath.Join(t.TempDir(), "bench.json")
	if err := measure.WriteJSON(path, o); err != nil {
		t.Fatal(err)
	}
	var again outcome
	if err := measure.ReadJSON(path, &again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.document(), o.document()) || !bytes.Equal(again.plot(), o.plot()) {
		t.Error("the document of what was read again differs")
	}
	dir := filepath.Join(t.TempDir(), "new")
	if err := again.publish(dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, documentName)); err != nil || !bytes.Equal(text, o.document()) {
		t.Errorf("the published document differs; %v", err)
	}
}

func TestGrouped(t *testing.T) {
	for _, c := range []struct {
		x      float64
		digits int
		want   string
	}{{0, 0, "0"}, {999.6, 0, "1,000"}, {1234567.891, 2, "1,234,567.89"}, {-1234.5, 1, "−1,234.5"}, {math.NaN(), 0, "–"}, {math.Inf(1), 0, "–"}} {
		if got := measure.Grouped(c.x, c.digits); got != c.want {
			t.Errorf("%v is written %q, want %q", c.x, got, c.want)
		}
	}
}

func TestTheWorkOfAProfileIsRead(t *testing.T) {
	got := workOf(" phase: Total 40000us of 3950000us ( 1.01%)\n        30000us ( 0.76%): step\n\n" +
		" work: Total 950000us of 3950000us (24.05%)\n       480000us (12.15%): choose\n        70000us ( 1.77%): input\n\n")
	if len(got) != 2 || got["choose"] != 480_000 || got["input"] != 70_000 {
		t.Errorf("the work is %v", got)
	}
	if own := ownOf(ownRound{Work: map[string]float64{"choose": 4, "input": 1, "hand": 7}}); own != 5 {
		t.Errorf("its own is %v, want 5: handing over is quic-go's", own)
	}
	if got := workOf(""); len(got) != 0 {
		t.Errorf("nothing has %v", got)
	}
}
