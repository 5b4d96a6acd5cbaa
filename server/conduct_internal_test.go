package server

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/world"
)

func TestAMeterDropsWarnsAndEnds(t *testing.T) {
	r := rule{perSecond: 10, burst: 20, warn: 10, end: 50}
	var m meter
	now := time.Unix(1000, 0)
	counts := map[step]int{}
	for n := range 100 {
		did := m.take(&r, 1, now)
		counts[did]++
		switch {
		case did == stepWarn && n != 29, did == stepEnd && n != 69:
			t.Errorf("the meter takes step %d at number %d", did, n+1)
		}
	}
	if counts[stepPass] != 20 || counts[stepWarn] != 1 || counts[stepEnd] != 1 || counts[stepDrop] != 78 {
		t.Errorf("of 100 at once these steps are taken: %v", counts)
	}
	if m.take(&r, 1, now.Add(-time.Second)) == stepPass {
		t.Error("a clock that goes back lets one pass")
	}
}

func TestWhatIsBeyondIsForgotten(t *testing.T) {
	r := rule{perSecond: 10, burst: 20, warn: 10, end: 50}
	for _, c := range []struct {
		name      string
		perSecond int
		want      step
	}{
		{"as much as may be", 10, stepPass},
		{"twice as much", 20, stepDrop},
		{"three times as much", 30, stepEnd},
	} {
		var m meter
		worst, passed := stepPass, 0
		for n := range 60 * c.perSecond {
			switch did := m.take(&r, 1, time.Unix(1000, int64(n)*int64(time.Second)/int64(c.perSecond))); {
			case did == stepPass:
				passed++
			case worst == stepPass || did > worst:
				worst = did
			}
		}
		if worst != c.want {
			t.Errorf("%s, for a minute: it comes to step %d, want %d", c.name, worst, c.want)
		}
		if passed < 599 || passed > 620 {
			t.Errorf("%s, for a minute: %d pass, want a minute's 600, and the burst of 20 at most", c.name, passed)
		}
	}
}

func TestEveryLimitHasItsRow(t *testing.T) {
	seen := map[string]bool{}
	for _, rate := range []int{1, 10, 30, 60, 240} {
		cfg, err := Config{Games: []world.Game{pushes()}, TickRate: rate}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		clear(seen)
		for _, r := range cfg.rules() {
			if seen[r.name] || !regexp.MustCompile(`^[a-z_]+$`).MatchString(r.name) || r.what == "" {
				t.Errorf("a limit is called %q, for %q", r.name, r.what)
			}
			seen[r.name] = true
			if r.perSecond <= 0 || r.burst < 1 || r.warn < 1 || r.end < 2*r.warn {
				t.Errorf("at %d Hz the limit %+v can't be", rate, r)
			}
		}
		// What a client sends at its worst: one datagram a tick, all of five seconds at once.
		if r := cfg.rules()[limitDatagrams]; r.perSecond < float64(2*rate) || r.burst < float64(5*rate) {
			t.Errorf("at %d Hz honest clients meet %+v", rate, r)
		}
	}
}

// flooded is a session that has sent more than is taken, and the datagram that it sends.
func flooded(t testing.TB) (*session, []byte, time.Time) {
	s := testSession(t, 10, nil)
	b, now := protocol.AppendInput(nil, &protocol.Input{Epoch: firstEpoch}), time.Now()
	var in protocol.Input
	for range 10_000 {
		s.takeDatagram(b, &in, now)
	}
	return s, b, now
}

func TestAFloodIsDroppedUnread(t *testing.T) {
	s, b, now := flooded(t)
	r := &s.server.rules[limitDatagrams]
	got := s.counters.conduct.read(&s.server.rules)[limitDatagrams]
	if want := (ConductStats{"datagrams", 10_000 - uint64(r.burst), 1, 1}); got != want {
		t.Errorf("the counters are %+v, want %+v", got, want)
	}
	select {
	case end := <-s.expelled:
		if end.code != protocol.CloseAbuse || !strings.Contains(end.reason, "at most 240 a second (limit datagrams)") {
			t.Errorf("it ends with %v, %q", end.code, end.reason)
		}
	default:
		t.Error("the session is not ended")
	}
	if said := string(s.outbox.take()); strings.Count(said, "limit datagrams") != 1 {
		t.Errorf("it is told %q, want one warning that names the limit", said)
	}
	var in protocol.Input
	if n := testing.AllocsPerRun(100, func() { s.takeDatagram(b, &in, now) }); n != 0 {
		t.Errorf("a datagram beyond the limit allocates %v times", n)
	}
}

// BenchmarkDatagramBeyondTheLimit is what one of a flood costs.
func BenchmarkDatagramBeyondTheLimit(b *testing.B) {
	s, datagram, _ := flooded(b)
	var in protocol.Input
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		s.takeDatagram(datagram, &in, time.Now())
	}
	if s.counters.conduct[limitDatagrams][stepDrop].Load() == 0 {
		b.Fatal("nothing was dropped")
	}
}
