package server

import (
	"testing"
	"time"
)

// TestWhoIsInTheDark acknowledges nothing, and is sent a probe now and then; who is only slow now and then is not.
func TestWhoIsInTheDark(t *testing.T) {
	var d dark
	pass := func(sent ...bool) {
		for _, s := range sent {
			d.passed(s)
		}
	}
	pass(true, true, false, false)
	if d.is() {
		t.Error("two passes that send nothing are darkness")
	}
	pass(false)
	for range 10 {
		if !d.is() {
			t.Fatal("a probe is light")
		}
		pass(false, false, false, true)
	}
	pass(true, true, true)
	if d.is() {
		t.Error("it is dark though passes send again")
	}
	for range 10 {
		if pass(false, true, true, false); d.is() {
			t.Fatal("who is slow now and then is in the dark")
		}
	}
}

// TestAShutSessionHasNoPass, though it was in the queue: its connection is being replaced, or it has ended.
func TestAShutSessionHasNoPass(t *testing.T) {
	s := newBenchRoom(t, 3)
	s.step(time.Now()) // has all of them wait for a pass
	s.seated[1].turn.shut()
	before := s.counters.passes.Load()
	s.passes()
	if n := s.counters.passes.Load() - before; n != 2 {
		t.Errorf("%d passes were made for two sessions whose turns are open, and one whose is shut", n)
	}
	if n := s.seated[1].sent.Load(); n != 0 {
		t.Errorf("the session whose turn is shut was sent %d datagrams", n)
	}
}
