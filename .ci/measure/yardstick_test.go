package measure

import (
	"testing"
	"time"
)

func TestYardsticksBetween(t *testing.T) {
	start := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	var y yardsticks
	for n := range 20 { // one a second: 100 µs each, but for two that an interrupt made long
		took := 100 * time.Microsecond
		if n == 3 || n == 12 {
			took = time.Millisecond
		}
		y.at, y.took = append(y.at, start.Add(time.Duration(n)*time.Second)), append(y.took, took)
	}
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	for _, c := range []struct {
		from, to int
		want     time.Duration
	}{
		{0, 19, 100 * time.Microsecond}, {0, 9, 100 * time.Microsecond},
		{0, 3, 325 * time.Microsecond}, // too few to leave one out
		{20, 30, 0},
	} {
		if got := y.between(at(c.from), at(c.to)); got != c.want {
			t.Errorf("from %d to %d it took %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// TestALookTellsHowFastTheCoresAre where there are two to look at.
func TestALookTellsHowFastTheCoresAre(t *testing.T) {
	on := ChooseCores()
	server, load := on.Look(t.Context())
	if known := server > 0 && load > 0; known != on.Pinned {
		t.Errorf("on %+v the yardstick took %v and %v", on, server, load)
	}
}
