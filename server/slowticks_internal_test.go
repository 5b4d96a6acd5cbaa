package server

import (
	"testing"
	"time"

	"github.com/quicstep/quicstep/world"
)

// noted is a pulse of a game with one system, and the time.
type noted struct {
	*pulse
	now time.Time
}

func newNoted() *noted {
	return &noted{newPulse([]string{"joins", "flight", "tick"}), time.Unix(1000, 0)}
}

// tick makes a tick that began late by some ms, and of which each part took so many ms.
func (n *noted) tick(number uint64, late time.Duration, parts ...time.Duration) {
	const ms = time.Millisecond
	due := n.now
	n.now = n.now.Add(late * ms)
	n.begin(due, n.now)
	for i, took := range parts {
		n.now = n.now.Add(took * ms)
		n.over(i, n.now)
	}
	n.end(number)
}

func TestASlowTickIsKeptWhole(t *testing.T) {
	n := newNoted()
	n.tick(7, 2, 1, 0, 30, 3, 4, 5)
	n.inputs = 3
	n.noteSlow(&world.View{Tick: 7}, 4, false)
	got := n.slowTicks()
	if len(got) != 1 {
		t.Fatalf("%d ticks are kept", len(got))
	}
	at, ms := got[0], time.Millisecond
	if at.Tick != 7 || !at.Due.Equal(time.Unix(1000, 0)) || at.Late != 2*ms || at.Total() != 43*ms || at.Players != 4 || at.Inputs != 3 || at.Overran {
		t.Errorf("it is kept as %+v", at)
	}
	if blamed := at.Slowest(); blamed != (PartTime{"flight", 30 * ms}) || at.Parts[0] != (PartTime{"drain", ms}) || at.Parts[5] != (PartTime{"publish", 5 * ms}) {
		t.Errorf("%v is blamed of %v", blamed, at.Parts)
	}
	n.noteSlow(&world.View{Tick: 7}, 4, true)
	if got = n.slowTicks(); len(got) != 1 || !got[0].Overran {
		t.Errorf("after it overran it is kept as %+v", got)
	}
}

func TestTheLatestSlowTicksAreKept(t *testing.T) {
	n := newNoted()
	for tick := uint64(1); tick <= MaxSlowTicks+10; tick++ {
		n.tick(tick, 0, time.Duration(tick))
		n.bytes.Add(tick)
		n.noteSlow(&world.View{Tick: tick}, 0, tick%2 == 0)
	}
	got := n.slowTicks()
	if len(got) != MaxSlowTicks || got[0].Tick != 11 {
		t.Fatalf("%d are kept, the first is %+v", len(got), got[0])
	}
	for i, at := range got {
		// What was sent during a tick is told with the next one.
		if at.Tick != uint64(11+i) || at.Total() != time.Duration(at.Tick)*time.Millisecond || at.Overran != (at.Tick%2 == 0) || at.Bytes != at.Tick-1 {
			t.Errorf("number %d is %+v", i, at)
		}
	}
	v := &world.View{Tick: n.slow.last}
	if n := testing.AllocsPerRun(100, func() { v.Tick++; n.noteSlow(v, 0, false) }); n != 0 {
		t.Errorf("to note a tick allocates %v objects", n)
	}
}

// TestASlowTickIsReadWholeOrNotAtAll, by somebody who looks while the loop writes one over the other.
func TestASlowTickIsReadWholeOrNotAtAll(t *testing.T) {
	n := newNoted()
	read := make(chan struct{})
	go func() {
		defer close(read)
		for range 3000 {
			for _, at := range n.slowTicks() {
				if at.Total() != 6*time.Duration(at.Tick) || at.Players != int(at.Tick) {
					t.Errorf("it is read as %+v", at)
					return
				}
			}
		}
	}()
	for tick := uint64(1); ; tick++ {
		select {
		case <-read:
			return
		default:
		}
		n.begin(n.now, n.now)
		for i := range n.took {
			n.took[i] = time.Duration(tick)
		}
		n.noteSlow(&world.View{Tick: tick}, int(tick), false)
	}
}
