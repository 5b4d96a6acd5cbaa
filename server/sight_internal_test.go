package server

import (
	"testing"
	"time"

	"github.com/quicstep/quicstep/world"
)

// looker is a client at 20 Hz that has always received the tick of five ticks ago.
type looker struct {
	gaze
	tick uint64
}

const lookerPeriod = 50 * time.Millisecond

// tells makes inputs that say that the others are shown so much later than the newest tick; ticks is for how long.
func (l *looker) tells(delay time.Duration, ticks int) *looker {
	for range ticks {
		l.tick++
		l.newest, l.refused = l.tick-5, false
		l.view(int64(world.MomentOf(l.tick, 0)), 5*world.MomentsPerTick+parts(delay, lookerPeriod), lookerPeriod)
	}
	return l
}

// behind is how far behind the newest tick the player is taken to look.
func (l *looker) behind() time.Duration {
	return time.Duration(int64(world.MomentOf(l.newest, 0))-l.at) * lookerPeriod / world.MomentsPerTick
}

func TestWhatAClientTellsIsTakenAsFarAsItCanBe(t *testing.T) {
	const ms = time.Millisecond
	near := func(a, b time.Duration) bool { return (a - b).Abs() <= 15*ms } // the mean is good to a quarter of a tick
	start := func() *looker { return (&looker{tick: 100}).tells(60*ms, 100) }
	for _, c := range []struct {
		what    string
		got     *looker
		behind  time.Duration
		refused bool
	}{
		{"as ever", start(), 60 * ms, false},
		{"a little more", start().tells(140*ms, 1), 140 * ms, false},
		{"suddenly much more: a target that is behind cover by now", start().tells(200*ms, 1), 60 * ms, true},
		{"the future", start().tells(-100*ms, 1), 60 * ms, true},
		{"more and more: the network became worse", start().tells(110*ms, 40).tells(180*ms, 40), 180 * ms, false},
		{"for long more than any buffer: to the bound and the tolerance, no farther", start().tells(600*ms, 500), 400 * ms, true},
		{"from the beginning more than any buffer", (&looker{tick: 100}).tells(700*ms, 1), 400 * ms, true},
		{"from the beginning much", (&looker{tick: 100}).tells(390*ms, 1), 390 * ms, false},
	} {
		if got := c.got.behind(); !near(got, c.behind) || c.got.refused != c.refused {
			t.Errorf("%s: taken to look %v behind, refused: %v; want %v, %v", c.what, got, c.got.refused, c.behind, c.refused)
		}
	}
	silent := &looker{tick: 100}
	silent.newest = 95
	if silent.view(int64(world.MomentOf(100, 0)), 0, lookerPeriod); !near(silent.behind(), viewDelay) || silent.refused {
		t.Errorf("a client that does not tell is taken to look %v behind", silent.behind())
	}
}

func TestARepeatedInputIsAsFarBehind(t *testing.T) {
	var b inbox
	b.start(10, Config{TickRate: 20, Limits: Limits{InputsPerTick: 8}})
	b.waiting, b.slots[0] = 1, queuedInput{tick: 11, data: []byte{1}, claim: claim{tick: 11, lag: 700, hasAck: true}}
	for tick := uint64(11); tick < 40; tick++ {
		b.take(tick, time.Time{})
		if b.claim.tick != 11 || b.claim.lag != 700 {
			t.Fatalf("in tick %d the claim is %+v", tick, b.claim)
		}
	}
}
