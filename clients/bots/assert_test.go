package bots_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/clients/bots"
)

func mustParse(t *testing.T, text string) bots.Assertion {
	t.Helper()
	a, err := bots.ParseAssertion(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAssertions(t *testing.T) {
	cases := []struct{ text, want string }{
		{"latency_ms.p99<135", ""},
		{"latency_ms.p99<134.2", "latency_ms.p99 is 134.2, want < 134.2"},
		{"latency_ms.p99<=134.2", ""},
		{"latency_ms.p99 > 134.2", "latency_ms.p99 is 134.2, want > 134.2"},
		{" latency_ms.p99 >= 134.2 ", ""},
		{"diverged==0", "diverged is 2, want == 0"},
		{"diverged == 2", ""},
		{"diverged!=2", "diverged is 2, want != 2"},
		{"clients.joined>=1499", ""},
		{"server.overruns<1", "server.overruns is 1, want < 1"},
		{"server.tick_ms.max<8.9", "server.tick_ms.max is 8.91, want < 8.9"},
		{"impairment.delay_ms==1e2", ""},
		{"tick_hz>-1", ""},
		// As the report writes it: the field is 61.2345.
		{"latency_ms.p50==61.235", ""},
	}
	for _, c := range cases {
		err := mustParse(t, c.text).Check(fullReport())
		if got := messageOf(err); got != c.want {
			t.Errorf("%s gives %q, want %q", c.text, got, c.want)
		}
	}
}

func messageOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestWhatWasNotMeasuredFails(t *testing.T) {
	// All of these would hold for a zero.
	cases := []struct{ text, reason string }{
		{"server.overruns==0", "the server was not asked"},
		{"server.tick_ms.p99<10", "the server was not asked"},
		{"impairment.loss==0", "the network was left as it is"},
		{"latency_ms.p99<120", "there are no samples"},
		{"updates.interval_ms.p99<50", "nobody joined"},
		{"bytes_per_client_s.down<9000", "nobody joined"},
		{"age_ticks.p99<=4", "no update came"},
		{"bytes_per_entity_update<12", "no update came"},
		{"diverged==0", "nothing was compared"},
	}
	for _, c := range cases {
		err := mustParse(t, c.text).Check(quietReport())
		if got := messageOf(err); !strings.Contains(got, "has no value: "+c.reason) {
			t.Errorf("%s gives %q, want the reason %q", c.text, got, c.reason)
		}
	}
	for _, text := range []string{"clients.joined==0", "latency_ms.samples==0", "checks.rows==0", "load_core_idle>0.9"} {
		if err := mustParse(t, text).Check(quietReport()); err != nil {
			t.Errorf("%s was counted: %v", text, err)
		}
	}
	idle := fullReport()
	idle.Server.Ticks = 0
	if got := messageOf(mustParse(t, "server.tick_ms.max<10").Check(idle)); !strings.Contains(got, "no tick") {
		t.Errorf("a server without a tick gives %q", got)
	}
	broken := fullReport()
	broken.TickHz = math.NaN()
	if got := messageOf(mustParse(t, "tick_hz<40").Check(broken)); !strings.Contains(got, "NaN") {
		t.Errorf("a number that is none gives %q", got)
	}
	if (bots.Assertion{}).Check(fullReport()) == nil {
		t.Error("the zero Assertion holds")
	}
}

func TestMalformedAssertions(t *testing.T) {
	for _, text := range []string{
		"", " ", "latency_ms.p99", "latency_ms.p99<", "<120", "latency_ms.p99=120", "latency_ms.p99<<120",
		"latency_ms.p99<12O", "latency_ms.p99<NaN", "latency_ms.p99<inf", "latency_ms.p99<1e999", "latency_ms.p99<1 2",
		"latency_ms.p99 < 120 ms", "latency_ms.p99=<120",
	} {
		_, err := bots.ParseAssertion(text)
		if got := messageOf(err); !strings.Contains(got, "latency_ms.p99<120") {
			t.Errorf("%q gives %q, want an error with an example", text, got)
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	cases := []struct{ text, path, near string }{
		{"latency.p99<120", "latency.p99", "near it are latency_ms.p99"},
		{"latency_ms<120", "latency_ms", "latency_ms.p50"},
		{"latency_ms.<120", "latency_ms.", "latency_ms.p50"},
		{"server.tick<5", "server.tick", "near it are server.ticks"},
		{"overruns==0", "overruns", "near it are server.overruns"},
		{"divergd==0", "divergd", "near it are diverged"},
		{"game==1", "game", "there are duration_s, tick_hz, "},
		{"divergences.tick==1", "divergences.tick", "there are "},
		{"quux<1", "quux", "there are duration_s, tick_hz, "},
	}
	for _, c := range cases {
		_, err := bots.ParseAssertion(c.text)
		if got := messageOf(err); !strings.Contains(got, "no number "+c.path+";") || !strings.Contains(got, c.near) {
			t.Errorf("%s gives %q, want %q in it", c.text, got, c.near)
		}
	}
}

func TestEveryNumberOfTheReportCanBeAsserted(t *testing.T) {
	var fields map[string]any
	if err := json.Unmarshal([]byte(jsonOf(t, fullReport())), &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "errors") // its names are texts
	numbers := map[string]float64{}
	flatten(numbers, "", fields)
	for path, value := range numbers {
		a := mustParse(t, path+"!=-1")
		if err := a.Check(fullReport()); err != nil {
			t.Error(err)
		}
		got := messageOf(mustParse(t, path+"==-1").Check(fullReport()))
		if text, _ := json.Marshal(value); !strings.HasPrefix(got, path+" is "+string(text)+", want") && value < 1e6 {
			t.Errorf("%s is %v in JSON, and the assertion says %q", path, value, got)
		}
	}
	// The other way round: whatever the paths are, the JSON form has them.
	_, err := bots.ParseAssertion("quux<1")
	_, list, _ := strings.Cut(messageOf(err), "there are ")
	paths := strings.Split(list, ", ")
	slices.Sort(paths)
	if len(paths) != len(numbers) || len(slices.Compact(paths)) != len(numbers) {
		t.Errorf("there are %d paths and %d numbers", len(paths), len(numbers))
	}
}

func flatten(dst map[string]float64, prefix string, fields map[string]any) {
	for name, value := range fields {
		switch value := value.(type) {
		case map[string]any:
			flatten(dst, prefix+name+".", value)
		case float64:
			dst[prefix+name] = value
		}
	}
}

func FuzzParseAssertion(f *testing.F) {
	for _, seed := range []string{
		"latency_ms.p99<120", "diverged == 0", "server.tick_ms.max<=8.9e0", "latency.p99<1", "<", "a.b.c!=0x1p-2",
		"diverged>=-0", "latency_ms.p99=120", "\x00<1", "diverged<1_0",
	} {
		f.Add(seed)
	}
	report := fullReport()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 {
			return
		}
		a, err := bots.ParseAssertion(text)
		if err != nil {
			if a != (bots.Assertion{}) || !strings.Contains(err.Error(), "assertion") {
				t.Fatalf("%q gives %v with %q", text, a, err)
			}
			return
		}
		again, err := bots.ParseAssertion(a.String())
		if err != nil || again != a {
			t.Fatalf("%q is %q, which is read as %q, %v", text, a, again, err)
		}
		if err := a.Check(report); err != nil && !strings.Contains(err.Error(), "want ") {
			t.Fatalf("%q gives %q", text, err)
		}
	})
}
