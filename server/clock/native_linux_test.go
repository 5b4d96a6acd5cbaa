package clock_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quicstep/quicstep/server/clock"
)

func TestNativeSleepsUntilTheDeadline(t *testing.T) {
	s := clock.Native()
	for _, d := range []time.Duration{-time.Second, 0, time.Microsecond, time.Millisecond, 10 * time.Millisecond} {
		deadline := time.Now().Add(d)
		s.SleepUntil(deadline)
		if early := time.Until(deadline); early > 0 {
			t.Errorf("a sleep of %v ended %v early", d, early)
		}
	}
}

func TestNativeSleepsOnAfterASignal(t *testing.T) {
	const pause = 20 * time.Millisecond
	thread := make(chan int)
	early := make(chan time.Duration)
	go func() {
		runtime.LockOSThread()
		thread <- unix.Gettid()
		deadline := time.Now().Add(pause)
		clock.Native().SleepUntil(deadline)
		early <- time.Until(deadline)
	}()
	tid := <-thread
	// SIGURG is what the runtime itself preempts with, so that it is handled and harmless.
	for {
		select {
		case d := <-early:
			if d > 0 {
				t.Errorf("an interrupted sleep ended %v early", d)
			}
			return
		default:
			if err := unix.Tgkill(os.Getpid(), tid, unix.SIGURG); err != nil && err != unix.ESRCH {
				t.Fatal(err)
			}
			runtime.Gosched()
		}
	}
}
