package admin

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/quicstep/quicstep/server"
)

const (
	// recentFor is for how long the health tells of what has happened and is over.
	recentFor = 10 * time.Minute
	// lookEvery is how often it is looked whether something has, also when nobody asks.
	lookEvery = 10 * time.Second
)

// troubles are what the health is judged by beside the state of the moment: totals, and when they rose.
type troubles struct {
	mu                          sync.Mutex // guards what follows
	panics, unwritten, diverged rise
}

// rise is a total, and when it rose last, as far as somebody has looked.
type rise struct {
	total uint64
	at    time.Time // zero: it never has
}

func (r *rise) look(total uint64, now time.Time) {
	if total > r.total {
		r.total, r.at = total, now
	}
}

func (r *rise) isRecent(now time.Time) bool { return !r.at.IsZero() && now.Sub(r.at) < recentFor }

// lookAfter looks for troubles until ctx ends.
func (d *Door) lookAfter(ctx context.Context) {
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-again.C:
			d.look(now)
		}
	}
}

// look notes what has happened. A panic of the server's figures is one of the troubles.
func (d *Door) look(now time.Time) {
	defer d.panics.Catch("admin", nil)
	d.lookAt(d.cfg.Server.Stats(), now)
}

// lookAt notes what has happened by a server's figures, and returns the troubles as they are then.
func (d *Door) lookAt(s server.Stats, now time.Time) (panics, unwritten, diverged rise) {
	t := &d.troubles
	t.mu.Lock()
	defer t.mu.Unlock()
	t.panics.look(sum(s.Panics)+d.panics.Counts()["admin"], now)
	t.unwritten.look(d.audit.failed.Load(), now)
	t.diverged.look(s.Diverged, now)
	return t.panics, t.unwritten, t.diverged
}

// wrong is what an operator should look at, the gravest first. It is short however many rooms there are.
func (d *Door) wrong(s server.Stats, now time.Time) (out []string) {
	panics, unwritten, diverged := d.lookAt(s, now)
	if s.StuckRooms > 0 {
		out = append(out, fmt.Sprintf("stuck rooms: %d, which only a restart mends: drain this server; its log says where they are stuck", s.StuckRooms))
	}
	for _, one := range []struct {
		rise
		text string // with the total, and how long ago the latest was
	}{
		{panics, "%d panics outside of ticks were contained, the latest %v ago: the log has their stacks"},
		{unwritten, "%d lines of the audit log could not be written, the latest %v ago: make space on its disk"},
		{diverged, "%d rows of clients were not as they should be, the latest %v ago: the log names them"},
	} {
		if one.isRecent(now) {
			out = append(out, fmt.Sprintf(one.text, one.total, now.Sub(one.at).Round(time.Second)))
		}
	}
	return append(out, overBudgetIn(d.cfg.Server.Figures(), d.period())...)
}

// overBudgetIn counts the rooms of which too many of the latest ticks took longer than a period, and names the worst.
func overBudgetIn(rooms []server.RoomFigures, period time.Duration) []string {
	n, worst, most := 0, "", 0.0
	for i := range rooms {
		over := overBudget(&rooms[i], period)
		if over <= overShare {
			continue
		}
		if n++; over > most {
			worst, most = nameOf(rooms[i].RoomStats), over
		}
	}
	switch n {
	case 0:
		return nil
	case 1:
		return []string{fmt.Sprintf("room %s is over budget: %.0f %% of its ticks take longer than they may", worst, 100*most)}
	}
	return []string{fmt.Sprintf("%d rooms are over budget, the worst is %s: %.0f %% of its ticks take longer than they may", n, worst, 100*most)}
}

func sum(counts map[string]uint64) (n uint64) {
	for _, one := range counts {
		n += one
	}
	return n
}
