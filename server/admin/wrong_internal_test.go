package admin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/server"
)

// TestWhatIsOverIsForgotten by the health, after a while; its total is not.
func TestWhatIsOverIsForgotten(t *testing.T) {
	var r rise
	now := time.Unix(1_800_000_000, 0)
	if r.look(0, now); r.isRecent(now) {
		t.Error("what never happened is recent")
	}
	r.look(2, now)
	for _, at := range []struct {
		after  time.Duration
		total  uint64
		recent bool
	}{
		{0, 2, true}, {recentFor - 1, 2, true}, {recentFor, 2, false}, {2 * recentFor, 3, true}, {3 * recentFor, 3, false},
	} {
		later := now.Add(at.after)
		if r.look(at.total, later); r.isRecent(later) != at.recent || r.total != at.total {
			t.Errorf("after %v %d are recent: %v, want %v", at.after, r.total, r.isRecent(later), at.recent)
		}
	}
}

// TestRoomsOverBudgetAreOneLine however many there are.
func TestRoomsOverBudgetAreOneLine(t *testing.T) {
	const period = 10 * time.Millisecond
	var rooms []server.RoomFigures
	for i := range 300 {
		f := server.RoomFigures{}
		f.Name = fmt.Sprint("room-", i)
		for tick := range 100 {
			took := time.Millisecond
			if tick < i%10 { // a hundredth may be
				took = 2 * period
			}
			f.Recent = append(f.Recent, server.TickTimes{Step: took})
		}
		rooms = append(rooms, f)
	}
	for n, want := range map[int]string{0: "", 2: "", 3: "room room-2 is over budget: 2 %", 300: "240 rooms are over budget, the worst is room-9: 9 %"} {
		lines := overBudgetIn(rooms[:n], period)
		if got := strings.Join(lines, "|"); len(lines) > 1 || !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("of %d rooms it says %q, want %q", n, got, want)
		}
	}
}
