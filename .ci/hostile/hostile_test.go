package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/.ci/hostile/attack"
	"github.com/quicstep/quicstep/clients/bots"
	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/arena"
)

// TestMain lets this test binary be the processes that the program starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		main()
		return
	}
	os.Exit(m.Run())
}

const (
	// shortAttack is for how long each attack goes on at least, and shortShare the share of its rate: what machines can do
	// that test other things meanwhile.
	shortAttack = 800 * time.Millisecond
	shortShare  = 0.2
	// shortPatience is for how long an attack goes on until it shows, and shortPlayers how many honest players there are.
	shortPatience = 30 * time.Second
	shortPlayers  = 5
)

// TestNoAttackHurtsHonestPlayers has every attack on one real server, one after the other, while a few honest players play from
// the first to the last. It says nothing of latency, which make hostile measures.
func TestNoAttackHurtsHonestPlayers(t *testing.T) {
	h := newTestSuite(t)
	s, err := h.serve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	players := startHonest(t, s)

	var late []*under // those that show late go on beside all others
	for i, a := range attack.All() {
		if a.Late {
			late = append(late, begin(t, s, a, uint64(i+1)))
		}
	}
	for i, a := range attack.All() {
		if !a.Late {
			t.Run(a.Name, func(t *testing.T) { begin(t, s, a, uint64(i+1)).wantShown(t) })
		}
	}
	for _, one := range late {
		one.wantShown(t)
	}
	report := players()
	if report.Clients.Joined != shortPlayers || report.Clients.Disconnected+report.Clients.Rejoined > 0 || report.Diverged > 0 {
		t.Errorf("of %d honest players %d came in, %d were disconnected, and %d of their rows diverged: %v",
			shortPlayers, report.Clients.Joined, report.Clients.Disconnected+report.Clients.Rejoined, report.Diverged, report.Errors)
	}
	took := s.memory() >> 20
	t.Logf("the server took %d MB", took)
	if took > defaultMemoryMB {
		t.Errorf("the server took %d MB, more than %d", took, defaultMemoryMB)
	}
}

// under is a server under an attack.
type under struct {
	*served
	attack attack.Attack
	before figures
	begun  time.Time
	end    func()
	ended  chan error
	report attack.Report // set before ended
}

func begin(t *testing.T, s *served, a attack.Attack, seed uint64) *under {
	t.Helper()
	before, err := s.figures(t.Context())
	if err != nil {
		t.Fatalf("%v; %v", err, s.alive(nil))
	}
	ctx, cancel := context.WithCancel(t.Context())
	u := &under{served: s, attack: a, before: before, begun: time.Now(), end: cancel, ended: make(chan error, 1)}
	go func() {
		var err error
		u.report, err = attack.Run(ctx, a, s.target, shortShare, seed, nil)
		u.ended <- err
	}()
	return u
}

// wantShown has the attack go on until it shows in all of its counters, ends it, and makes sure that the server is well.
func (u *under) wantShown(t *testing.T) {
	t.Helper()
	var still string
	after, shown, err := u.until(t.Context(), shortPatience, func(f figures) bool {
		for _, still = range u.attack.Counters {
			if f[still] <= u.before[still] {
				return false
			}
		}
		return time.Since(u.begun) >= shortAttack
	})
	u.end()
	if ended := <-u.ended; ended != nil {
		t.Fatal(ended)
	}
	r := u.report
	t.Logf("%d %s, %d in vain %v, in %.1f s; seed %d", r.Did, u.attack.Unit, r.Failed, r.Errors, r.Seconds, r.Seed)
	switch trouble := u.alive(after); {
	case err != nil:
		t.Fatalf("%v; %v", err, trouble)
	case trouble != nil:
		t.Fatal(trouble)
	case r.Did == 0:
		t.Error("nothing was done")
	case !shown:
		t.Errorf("it does not show in %s", still)
	}
}

// startHonest has honest players come in, and returns what ends their game and tells what became of them.
func startHonest(t *testing.T, s *served) (end func() *bots.Report) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	type result struct {
		report *bots.Report
		err    error
	}
	done := make(chan result, 1)
	go func() {
		report, err := bots.Run(ctx, bots.Config{
			Client: client.Config{Addr: s.target.Addr}, Clients: shortPlayers, Duration: time.Hour, Warmup: -1,
		}, arena.New(arena.Config{}), nil)
		done <- result{report, err}
	}()
	if _, in, err := s.until(t.Context(), time.Minute, func(f figures) bool { return f["players"] >= shortPlayers }); err != nil || !in {
		t.Fatalf("the honest players did not come in: %v", err)
	}
	return func() *bots.Report {
		cancel()
		r := <-done
		if r.err != nil {
			t.Fatal(r.err)
		}
		return r.report
	}
}

// newTestSuite builds a server.
func newTestSuite(t *testing.T) *suite {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	h, err := newSuite(t.Context(), defaults(t), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	// Clients in this process look for the pin where the server, with the suite's environment, keeps it.
	t.Setenv("XDG_CACHE_HOME", filepath.Join(h.Dir, "home"))
	return h
}
