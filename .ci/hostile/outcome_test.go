package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/.ci/hostile/attack"
	"github.com/quicstep/quicstep/.ci/measure"
)

// well is a run in which nothing happened to anybody.
func well(p99 float64) measured {
	return measured{
		P50: p99 / 2, P99: p99, Joined: 50, Attack: attack.Report{Did: 5000, Seconds: 5}, MemoryMB: 40,
		Moved: map[string]float64{"banned": 7}, ServerIdle: 0.5, LoadIdle: 0.5,
	}
}

func lineOf(attacks, controls []measured) line {
	return line{Attack: "garbage", Says: "nothing", PerSecond: 1000, Unit: "packets", Counters: []string{"banned"}, Attacks: attacks, Controls: controls}
}

func defaults(t *testing.T) settings {
	t.Helper()
	s, err := settingsOf(only("", ""))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// only is an environment with one variable.
func only(name, value string) func(string) (string, bool) {
	return func(asked string) (string, bool) {
		if asked != name {
			return "", false
		}
		return value, true
	}
}

func TestWhatBreaksAPromise(t *testing.T) {
	s := defaults(t)
	for _, c := range []struct {
		name string
		hurt func(*measured)
		want string
	}{
		{"nothing", func(*measured) {}, ""},
		{"a disconnect", func(m *measured) { m.Disconnected = 1 }, "1 were disconnected"},
		{"who does not come in", func(m *measured) { m.Joined = 49 }, "49 came in"},
		{"a divergence", func(m *measured) { m.Diverged = 2 }, "2 rows of honest players diverged"},
		{"a panic", func(m *measured) { m.Trouble = "the server counts 1 panics" }, "1 panics"},
		{"memory", func(m *measured) { m.MemoryMB = 257 }, "257 MB"},
		{"a silent counter", func(m *measured) { m.Moved = nil }, "banned did not move"},
		{"an attack that was none", func(m *measured) { m.Attack.Did = 0 }, "did nothing"},
		{"latency, which is told and no more", func(m *measured) { m.P99 = 5000 }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			hurt := well(40)
			c.hurt(&hurt)
			got := lineOf([]measured{well(40), hurt}, []measured{well(38), well(40)}).broken(s)
			if text := strings.Join(got, "; "); (c.want == "") != (text == "") || !strings.Contains(text, c.want) {
				t.Errorf("broken is %q, want %q", text, c.want)
			}
		})
	}
}

func TestWhatToKnowOfLatencies(t *testing.T) {
	slow, idle := well(40), well(40)
	slow.Attack.Did, idle.ServerIdle = 4000, 0.05
	for _, c := range []struct {
		name string
		line line
		want string
	}{
		{"nothing", lineOf([]measured{well(59)}, []measured{well(40)}), ""},
		{"the ratio", lineOf([]measured{well(61)}, []measured{well(40)}), "latency above 1.5 × control"},
		{"the rate", lineOf([]measured{slow}, []measured{well(40)}), "rate not reached: 800 of 1,000"},
		{"saturated", lineOf([]measured{well(40)}, []measured{idle}), "saturated"},
	} {
		if got := strings.Join(c.line.remarks(), "; "); got != c.want {
			t.Errorf("%s: the remarks are %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTheTableStandsBetweenItsLines(t *testing.T) {
	s := defaults(t)
	dir := t.TempDir()
	path := filepath.Join(dir, documentName)
	if err := os.WriteFile(path, []byte("before\n"+tableBegins+"old\n"+tableEnds+"after\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := outcome{
		Machine: measure.Machine{Processor: "A", Kernel: "B", Go: "C", QUIC: "D", Commit: "E", Cores: 2, Pinned: true}, Settings: s,
		Begun: time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC), Lines: []line{lineOf([]measured{well(61)}, []measured{well(40)})},
	}
	s.Docs = dir
	var said strings.Builder
	if err := o.publish(s, &said); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "| garbage | nothing | 1,000 packets | 30.5 | 61.0 | 40.0 | 1.52 | 40 | none | `banned` 7 | latency above 1.5 × control |\n"
	if !bytes.HasPrefix(text, []byte("before\n"+tableBegins)) || !bytes.HasSuffix(text, []byte(tableEnds+"after\n")) ||
		!bytes.Contains(text, []byte(want)) || bytes.Contains(text, []byte("old")) {
		t.Errorf("the document is\n%s", text)
	}
	if plot, err := os.ReadFile(filepath.Join(dir, plotName)); err != nil || !bytes.Contains(plot, []byte("garbage, attack: 61.0 ms")) {
		t.Errorf("the plot is %s, %v", plot, err)
	}
	if _, err := between([]byte("no lines"), nil); err == nil {
		t.Error("a document without the lines gets a table")
	}
	real, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := between(real, nil); err != nil {
		t.Errorf("docs/security.md: %v", err)
	}
}

func TestWhatLacksSomethingIsNotPublished(t *testing.T) {
	for name, value := range map[string]string{
		"HOSTILE_ATTACKS": "garbage,joins", "HOSTILE_SECONDS": "4", "HOSTILE_ROUNDS": "1", "HOSTILE_CLIENTS": "49", "HOSTILE_MEMORY_MB": "257",
	} {
		s, err := settingsOf(only(name, value))
		if err != nil {
			t.Fatal(err)
		}
		if o := (outcome{Settings: s, Machine: measure.Machine{Pinned: true}}); o.lacking() == "" {
			t.Errorf("with %s=%s it is published", name, value)
		}
	}
	o := outcome{Settings: defaults(t), Machine: measure.Machine{Pinned: true}}
	if why := o.lacking(); why != "" {
		t.Errorf("all of it is not published: %s", why)
	}
	if o.Machine.Pinned = false; o.lacking() == "" {
		t.Error("what was not pinned is published")
	}
	o.Machine.Pinned, o.Lines = true, []line{{Failed: []string{"x"}}}
	if o.lacking() == "" {
		t.Error("what failed is published")
	}
}

func TestWrongSettings(t *testing.T) {
	for name, values := range map[string][]string{
		"HOSTILE_SECONDS": {"x", "0", "601"}, "HOSTILE_ROUNDS": {"0"}, "HOSTILE_CLIENTS": {"-1"}, "HOSTILE_MEMORY_MB": {"1.5"}, "HOSTILE_ATTACKS": {"x", "garbage,"},
	} {
		for _, value := range values {
			_, err := settingsOf(only(name, value))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: %v, want an error that names it", name, value, err)
			}
		}
	}
}

func TestFiguresAreNamedByTheirPath(t *testing.T) {
	f := figures{}
	f.add("", map[string]any{"players": 3.0, "transport": map[string]any{"accepted": 7.0}, "at": "now", "list": []any{1.0}})
	if len(f) != 2 || f["players"] != 3 || f["transport.accepted"] != 7 {
		t.Errorf("the figures are %v", f)
	}
}
