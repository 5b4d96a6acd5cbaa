package replicate_test

import (
	"testing"
	"time"

	"github.com/quicstep/quicstep/server/replicate"
)

// crowdedStage plays a crowd that fills any budget, over a path that a test changes; period and acknowledgements are 50 ms.
func crowdedStage(t *testing.T) *stage {
	s := newStage(t, newHerd(0, 1500, 200), replicate.Config{Period: tickDur, SteadyRate: true}, 1)
	s.run(50)
	return s
}

const wholeBudget = 3504

func (s *stage) wantBudget(why string, want int) {
	s.t.Helper()
	if got := s.server.BudgetBytes(); got != want {
		s.t.Errorf("%s: the budget is %d bytes, want %d", why, got, want)
	}
}

func TestAPathThatIsNotKnownBoundsNothing(t *testing.T) {
	s := crowdedStage(t)
	s.wantBudget("nothing was told", wholeBudget)
	for _, path := range []replicate.Path{{WindowBytes: 2000}, {RTT: time.Second}, {SentPackets: 31, LostPackets: 31}} {
		s.path = path
		s.run(5)
		s.wantBudget("half of it is not known", wholeBudget)
	}
}

func TestTheBudgetFollowsTheWindow(t *testing.T) {
	s := crowdedStage(t)
	s.path = replicate.Path{WindowBytes: 40_000, RTT: 200 * time.Millisecond}
	s.run(5)
	s.wantBudget("the window is wide enough", wholeBudget)
	s.path.WindowBytes = 8000
	s.run(1)
	s.wantBudget("three quarters of 8,000 bytes in four ticks", 1500)
	s.path.WindowBytes = 2504
	s.run(1)
	s.wantBudget("the window is two packets", 469)
	s.path.RTT = 20 * time.Millisecond
	s.run(100)
	s.wantBudget("a tick can't use more than the window, however short the round trip", 1878)
	s.path = replicate.Path{WindowBytes: 10, RTT: 5 * time.Second}
	s.run(1)
	s.wantBudget("there is a least", 64)
	s.path = replicate.Path{}
	s.run(100)
	s.wantBudget("what was told before still counts", 64)

	s.path = replicate.Path{WindowBytes: 100_000, RTT: 200 * time.Millisecond}
	s.run(4)
	if got := s.server.BudgetBytes(); got < 68 || got > 80 {
		t.Errorf("four round trips after the window is wide again the budget is %d bytes, want a few sixteenths more than 64", got)
	}
	s.run(200)
	s.wantBudget("the window is wide again", wholeBudget)
}

func TestLossCutsTheBudget(t *testing.T) {
	s := crowdedStage(t)
	tell := func(packets, lost int) {
		s.path.SentPackets += uint64(packets)
		s.path.LostPackets += uint64(lost)
		s.run(1)
	}
	for range 8 {
		tell(100, 10)
	}
	s.wantBudget("a tenth may be lost", wholeBudget)
	for range 12 {
		tell(100, 20)
	}
	if got := s.server.BudgetBytes(); got < 2600 || got > 2700 {
		t.Errorf("with a fifth lost the budget is %d bytes, want three quarters", got)
	}
	for range 12 {
		tell(100, 90)
	}
	s.wantBudget("a quarter is left whatever is lost", 876)
	s.path.LostPackets -= 50 // they were only late
	for range 100 {
		tell(20, 0)
	}
	s.wantBudget("nothing is lost any more", wholeBudget)
	s.path = replicate.Path{SentPackets: 10}
	for range 10 {
		tell(100, 10)
	}
	s.wantBudget("another connection counts from its own beginning", wholeBudget)
}

func TestAResumedSessionForgetsThePath(t *testing.T) {
	s := crowdedStage(t)
	s.path = replicate.Path{WindowBytes: 2504, RTT: time.Second, SentPackets: 1000, LostPackets: 500}
	s.run(2)
	s.server.Resume()
	s.wantBudget("another connection", wholeBudget)
}

// pathOf is what the connection knows of the way to a client, now and then: a window that is wide or closed, and how
// much is lost. Of half of the players nothing is known.
func (s *simulation) pathOf(p *peer) replicate.Path {
	if p.num%2 == 0 || s.r.IntN(5) > 0 {
		return replicate.Path{}
	}
	p.path.WindowBytes, p.path.RTT = uint64(s.r.IntN(1500)), time.Duration(s.r.IntN(200))*time.Millisecond
	p.path.SentPackets += uint64(s.r.IntN(60))
	p.path.LostPackets += uint64(s.loss * float64(s.r.IntN(60)))
	return p.path
}
