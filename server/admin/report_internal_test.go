package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/server"
)

func TestAReportSaysWhatToDo(t *testing.T) {
	const period = 10 * time.Millisecond
	// room has 100 ticks, so many of which were too slow, and overruns of these parts.
	// So many wake-ups came late in their time.
	room := func(slow int, lateWakes int, overruns ...server.PartFigures) *server.RoomFigures {
		f := &server.RoomFigures{LateWakes: uint64(lateWakes), RecentLateWakes: lateWakes, Parts: overruns}
		f.ID, f.Name = strings.Repeat("0", 32), "lobby"
		for i := range 100 {
			tick := server.TickTimes{Step: time.Millisecond}
			if i < slow {
				tick.Step, tick.Overran = 2*period, true
			}
			f.Recent = append(f.Recent, tick)
		}
		for _, p := range overruns {
			f.Overruns += p.Overruns
		}
		return f
	}
	part := func(name string, overruns uint64) server.PartFigures {
		return server.PartFigures{Name: name, Overruns: overruns, Max: 2 * period}
	}
	for name, test := range map[string]struct {
		room   *server.RoomFigures
		do     string
		blames string
	}{
		"a system":         {room(5, 0, part("commit", 1), part("flight", 9)), "fix", "flight"},
		"OnTick":           {room(5, 0, part("tick", 3)), "fix", "tick"},
		"too many players": {room(5, 0, part("inputs", 9), part("flight", 1)), "split", "inputs"},
		"too many rows":    {room(5, 2, part("commit", 9)), "split", "commit"},
		"the machine":      {room(5, 10, part("flight", 3)), "move", "flight"},
		"long ago":         {room(1, 0, part("flight", 3)), "watch", "flight"},
	} {
		a, ok := adviceFor(test.room, period)
		if !ok || a.Do != test.do || a.Part != test.blames || a.Text == "" {
			t.Errorf("%s: %+v, want %s for %s", name, a, test.do, test.blames)
		}
	}
	if a, _ := adviceFor(room(5, 0, part("commit", 1), part("flight", 9)), period); a.Share != 0.9 || a.Over != 0.05 || a.Overruns != 10 || !strings.Contains(a.Text, "flight took the most in 90 %") {
		t.Errorf("%+v", a)
	}
	past := room(0, 0, part("flight", 3))
	past.LateWakes = 40
	waked := room(0, 1)
	for name, f := range map[string]*server.RoomFigures{"overruns and late wakes of long ago": past, "one late wake": waked} {
		if a, ok := adviceFor(f, period); !ok || a.Do != "watch" {
			t.Errorf("of %s it says %+v, want watch", name, a)
		}
	}
	if a, _ := adviceFor(past, period); !strings.HasPrefix(a.Text, "nothing to do") || !strings.Contains(a.Text, "3 overran, and 40 wake-ups") {
		t.Errorf("%+v", a)
	}
	if a, ok := adviceFor(room(0, 0), period); ok {
		t.Errorf("of a room without an overrun it says %+v", a)
	}
	private := room(5, 0, part("tick", 3))
	private.Private, private.Name = true, "SECRETCD"
	if a, _ := adviceFor(private, period); a.RoomName != "00000000" {
		t.Errorf("a private room is called %q", a.RoomName)
	}
}
