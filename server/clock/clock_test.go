package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/server/clock"
)

const hz30 = time.Second / 30

func TestTicksComeAtStartPlusNPeriods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(clock.Portable())
		defer c.Close()
		start := time.Now()
		ticks := c.Add(hz30)
		defer ticks.Stop()
		for n := uint64(1); n <= 30*60; n++ {
			tick := <-ticks.C()
			due := start.Add(time.Duration(n) * hz30)
			if tick.N != n || !tick.Due.Equal(due) {
				t.Fatalf("wake-up %d is tick %d due %v, want due %v", n, tick.N, tick.Due, due)
			}
			if now := time.Now(); !now.Equal(due) {
				t.Fatalf("tick %d came at %v, want %v", n, now, due)
			}
		}
	})
}

func TestTwoRoomsAtTheirOwnRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(clock.Portable())
		defer c.Close()
		fast, slow := c.Add(time.Second/60), c.Add(time.Second/20)
		var fastCount, slowCount uint64
		// A moment past ten seconds: a period of 1/60 s in whole nanoseconds is a little short.
		end := time.After(10*time.Second + time.Millisecond)
		for running := true; running; {
			select {
			case tick := <-fast.C():
				fastCount++
				if tick.N != fastCount {
					t.Fatalf("fast room got tick %d, want %d", tick.N, fastCount)
				}
			case tick := <-slow.C():
				slowCount++
				if tick.N != slowCount {
					t.Fatalf("slow room got tick %d, want %d", tick.N, slowCount)
				}
			case <-end:
				running = false
			}
		}
		if fastCount != 600 || slowCount != 200 {
			t.Errorf("in ten seconds %d and %d ticks, want 600 and 200", fastCount, slowCount)
		}
	})
}

func TestBusyRoomGetsTheNewestAndDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const period = 10 * time.Millisecond
		c := clock.New(clock.Portable())
		defer c.Close()
		start := time.Now()
		busy, other := c.Add(period), c.Add(period)
		// The busy room takes nothing for 20 ticks; the other must see each of them on time.
		for n := uint64(1); n <= 20; n++ {
			tick := <-other.C()
			if tick.N != n || !time.Now().Equal(start.Add(time.Duration(n)*period)) {
				t.Fatalf("the other room got tick %d after %v, want tick %d on time", tick.N, time.Since(start), n)
			}
		}
		synctest.Wait()
		if tick := <-busy.C(); tick.N != 20 || !tick.Due.Equal(start.Add(20*period)) {
			t.Errorf("the busy room learns of tick %d, want the newest, 20", tick.N)
		}
		if tick := <-busy.C(); tick.N != 21 {
			t.Errorf("after that it gets tick %d, want 21", tick.N)
		}
	})
}

func TestShortPeriodAddedDuringALongSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(clock.Portable())
		defer c.Close()
		c.Add(time.Hour)
		time.Sleep(time.Second)
		start := time.Now()
		short := c.Add(7 * time.Millisecond)
		if tick := <-short.C(); tick.N != 1 || time.Since(start) != 7*time.Millisecond {
			t.Errorf("tick %d after %v, want tick 1 after 7 ms", tick.N, time.Since(start))
		}
	})
}

func TestStoppedRoomHearsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.New(clock.Portable())
		defer c.Close()
		ticks := c.Add(hz30)
		time.Sleep(time.Second)
		synctest.Wait()
		ticks.Stop()
		ticks.Stop()
		time.Sleep(time.Second)
		synctest.Wait()
		select {
		case tick := <-ticks.C():
			t.Errorf("tick %d came after Stop", tick.N)
		default:
		}
		// The clock is parked now, and comes back.
		start := time.Now()
		again := c.Add(hz30)
		if tick := <-again.C(); tick.N != 1 || time.Since(start) != hz30 {
			t.Errorf("tick %d after %v, want tick 1 after %v", tick.N, time.Since(start), hz30)
		}
	})
}

func TestCloseEndsTheClock(t *testing.T) {
	// The bubble itself fails the test when a goroutine stays behind.
	synctest.Test(t, func(t *testing.T) {
		idle := clock.New(clock.Portable())
		idle.Close()
		idle.Close()

		c := clock.New(clock.Portable())
		ticks := c.Add(hz30)
		<-ticks.C()
		c.Close()
		ticks.Stop()
		late := c.Add(hz30)
		time.Sleep(time.Second)
		select {
		case tick := <-late.C():
			t.Errorf("a closed clock delivered tick %d", tick.N)
		case tick := <-ticks.C():
			t.Errorf("tick %d came after Close", tick.N)
		default:
		}
	})
}

func TestAddRefusesAPeriodThatIsNotPositive(t *testing.T) {
	c := clock.New(clock.Portable())
	defer c.Close()
	for _, period := range []time.Duration{0, -time.Second} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Add(%v) did not panic", period)
				}
			}()
			c.Add(period)
		}()
	}
}

func TestNativeClockNeverWakesEarly(t *testing.T) {
	c := clock.New(clock.Native())
	defer c.Close()
	ticks := c.Add(time.Millisecond)
	var last uint64
	for range 20 {
		tick := <-ticks.C()
		if time.Now().Before(tick.Due) {
			t.Errorf("tick %d came %v early", tick.N, time.Until(tick.Due))
		}
		if tick.N <= last {
			t.Errorf("tick %d came after tick %d", tick.N, last)
		}
		last = tick.N
	}
}
