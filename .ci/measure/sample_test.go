package measure

import (
	"math"
	"testing"
	"time"
)

func TestParseProcess(t *testing.T) {
	const rest = " S 1 2 3 0 -1 4194560 5 6 7 8 123 45 0 0 20 0 9 0 1000 2000 300"
	for _, name := range []string{"(floor)", "(a name)", "(a (name) of) parts)"} {
		if got, err := parseProcess("42 " + name + rest); err != nil || got != 1680*time.Millisecond {
			t.Errorf("%s took %v, %v; want 1.68s", name, got, err)
		}
	}
	for _, text := range []string{"", "42", "42 (floor", "42 (floor) S 1 2", "42 (floor) S 1 2 3 0 -1 4194560 5 6 7 8 x 45 0"} {
		if got, err := parseProcess(text); err == nil {
			t.Errorf("%q took %v, want an error", text, got)
		}
	}
}

func TestParseCores(t *testing.T) {
	const text = "cpu  999 1 1 999 1 1 1 1 0 0\n" +
		"cpu0 10 1 20 300 4 1 2 5 0 0\n" +
		"cpu12 0 0 0 100 0 0 0 0 0 0\n" +
		"cpu3 too short\nintr 1 2 3 4 5 6 7 8 9\n"
	got := parseCores(text)
	want := map[int]coreTimes{
		0:  {idle: 3040 * time.Millisecond, stolen: 50 * time.Millisecond, all: 3430 * time.Millisecond},
		12: {idle: time.Second, all: time.Second},
	}
	if len(got) != len(want) || got[0] != want[0] || got[12] != want[12] {
		t.Errorf("the cores are %+v, want %+v", got, want)
	}
}

func TestParseTheRest(t *testing.T) {
	if got := parseResident("Name:\tx\nVmRSS:\t    1234 kB\nThreads: 5\n"); got != 1234<<10 {
		t.Errorf("the memory is %d", got)
	}
	if got := ParseHighest("Name:\tx\nVmHWM:\t    1300 kB\nVmRSS:\t    1234 kB\n"); got != 1300<<10 {
		t.Errorf("the highest is %d", got)
	}
	if got := parseResident("Name:\tx\n"); got != 0 {
		t.Errorf("without a line the memory is %d", got)
	}
	if got := parseModel("processor\t: 0\nmodel name\t: An Invented: One\nmodel name\t: Another\n"); got != "An Invented: One" {
		t.Errorf("the model is %q", got)
	}
	if got := parseModel("processor : 0\n"); got != "a processor without a name" {
		t.Errorf("without a name the model is %q", got)
	}
}

// TestUsageBetweenSamples has processor time in proportion between samples, and whatever is left when they end early.
func TestUsageBetweenSamples(t *testing.T) {
	start := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	var samples []sample
	for n := range 11 { // the server takes 300 ms each second, the load 100, the hypervisor 50 of core 1
		d := time.Duration(n)
		samples = append(samples, sample{
			at: at(float64(n)), server: d * 300 * time.Millisecond, load: d * 100 * time.Millisecond, resident: int64(n) << 20,
			cores: map[int]coreTimes{
				0: {idle: d * 600 * time.Millisecond, all: d * time.Second},
				1: {idle: d * 800 * time.Millisecond, stolen: d * 50 * time.Millisecond, all: d * time.Second},
			},
		})
	}
	on := Cores{Server: 0, Load: 1, Pinned: true}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
	for _, c := range []struct{ begin, end, took float64 }{{2, 8, 6}, {2.25, 7.75, 5.5}, {0, 10, 10}, {9.5, 10.5, 0.5}} {
		u, err := usageOf(samples, at(c.begin), at(c.end), on)
		if err != nil || !near(u.Took.Seconds(), c.took) || !near(u.Server.Seconds(), 0.3*c.took) || !near(u.Load.Seconds(), 0.1*c.took) ||
			!near(u.ServerIdle, 0.6) || !near(u.LoadIdle, 0.8) || !near(u.Stolen, 0.05) || !near(u.Others, 0.1) || u.Resident != int64(math.Floor(c.end))<<20 {
			t.Errorf("from %v to %v: %+v, %v", c.begin, c.end, u, err)
		}
	}
	for _, c := range []struct{ begin, end float64 }{{-1, 5}, {5, 5}, {6, 5}, {11, 12}} {
		if u, err := usageOf(samples, at(c.begin), at(c.end), on); err == nil {
			t.Errorf("from %v to %v: %+v, want an error", c.begin, c.end, u)
		}
	}
	if _, err := usageOf(nil, at(0), at(1), on); err == nil {
		t.Error("without samples there is no error")
	}
}
