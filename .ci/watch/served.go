package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// served is a server that was started, and where to reach it.
type served struct {
	*measure.Process
	addr, figures, door string
	profile             string // the file of the operator's credentials
}

// serve starts a server on its core.
func (w *watching) serve(ctx context.Context) (*served, error) {
	p, err := w.Place().Start(ctx, w.Cores.Server, w.program(), "serve", "--game", "arena", "--addr", "127.0.0.1:0", "--debug-addr", "127.0.0.1:0",
		"--admin-addr", "127.0.0.1:0", "--admin-dir", w.adminDir(), "--log-level", "warn")
	if err != nil {
		return nil, err
	}
	s := &served{Process: p, profile: filepath.Join(w.adminDir(), "console.json")}
	for _, want := range []struct {
		expression string
		to         *string
	}{
		{` on (127\.0\.0\.1:\d+) at`, &s.addr}, {`figures on (http://127\.0\.0\.1:\d+)/stats`, &s.figures}, {`operators at (127\.0\.0\.1:\d+);`, &s.door},
	} {
		if *want.to, err = p.Expect(ctx, want.expression); err != nil {
			p.Stop()
			return nil, err
		}
	}
	return s, nil
}

// stats are those of /stats that are needed. TickUS is how many ticks took up to so many microseconds, rising.
type stats struct {
	Rooms    int        `json:"rooms"`
	Players  int        `json:"players"`
	Overruns uint64     `json:"overruns"`
	TickUS   [][2]int64 `json:"tick_us"`
}

// ticks is how many there were.
func (s stats) ticks() (n int64) {
	for _, bucket := range s.TickUS {
		n += bucket[1]
	}
	return n
}

func (s *served) stats(ctx context.Context) (out stats, err error) {
	body, err := measure.Get(ctx, s.figures+"/stats", 0)
	if err == nil {
		err = json.Unmarshal(body, &out)
	}
	return out, err
}

// takeProfile takes a CPU profile of so many seconds.
func (s *served) takeProfile(ctx context.Context, seconds int) ([]byte, error) {
	return measure.Get(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", s.figures, seconds), time.Duration(seconds)*time.Second)
}

// joinTimeout is how much longer than it should take the bots may need to join, and lookEvery how often it is looked at.
const (
	joinTimeout = time.Minute
	lookEvery   = 100 * time.Millisecond
)

// filled waits until all bots are in, in all rooms.
func (s *served) filled(ctx context.Context, want settings) error {
	for late := time.Now().Add(want.joins() + joinTimeout); ; {
		now, err := s.stats(ctx)
		if err != nil {
			return err
		}
		if now.Players == want.Bots && now.Rooms == want.Rooms {
			return nil
		}
		if time.Now().After(late) {
			return fmt.Errorf("%d of %d bots are in, in %d of %d rooms", now.Players, want.Bots, now.Rooms, want.Rooms)
		}
		pause(ctx, lookEvery)
	}
}

// between is how many microseconds a share of the ticks took at most that were made between two looks; zero when none was.
func between(before, after [][2]int64, share float64) int64 {
	former := map[int64]int64{}
	for _, bucket := range before {
		former[bucket[0]] = bucket[1]
	}
	var all int64
	made := slices.Clone(after)
	for i := range made {
		made[i][1] -= former[made[i][0]]
		all += made[i][1]
	}
	slices.SortFunc(made, func(a, b [2]int64) int { return int(a[0] - b[0]) })
	var n int64
	for _, bucket := range made {
		if n += bucket[1]; n > 0 && float64(n) >= share*float64(all) {
			return bucket[0]
		}
	}
	return 0
}
