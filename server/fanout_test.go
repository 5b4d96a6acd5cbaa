package server

import (
	"testing"
	"testing/synctest"
)

// TestATurnIsNeitherLostNorDoubled: whoever asks while a pass is made gets another one after it.
func TestATurnIsNeitherLostNorDoubled(t *testing.T) {
	var turn turn
	if turn.ask() {
		t.Error("a session whose passes are not open is queued")
	}
	turn.start()
	if !turn.ask() || turn.ask() {
		t.Error("of two who ask, the first alone is to queue the session")
	}
	if !turn.begin() {
		t.Fatal("a session that was queued has no turn")
	}
	if turn.ask() {
		t.Error("a session is queued while its pass is made")
	}
	queued := 0
	put := func() { queued++ }
	if turn.finish(put); queued != 1 {
		t.Error("a session that was asked for meanwhile is not queued again")
	}
	if !turn.begin() {
		t.Fatal("a session that was queued again has no turn")
	}
	if turn.finish(put); queued != 1 {
		t.Error("a session that nobody asked for is queued again")
	}
	turn.ask()
	turn.begin()
	ended := make(chan struct{})
	go func() {
		turn.end()
		close(ended)
	}()
	turn.ask()
	turn.finish(put)
	<-ended
	if turn.begin() || turn.ask() {
		t.Error("a session that has ended has a turn")
	}
}

// TestASessionIsQueuedBeforeItsPassesEnd: after turn.end nobody may put it into the queue, which is closed then.
func TestASessionIsQueuedBeforeItsPassesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := &fanout{queue: make(chan *session)}, &session{}
		s.turn.start()
		if !s.turn.ask() || !s.turn.begin() || s.turn.ask() {
			t.Fatal("a pass that was asked for during another is begun beside it, or none is")
		}
		go f.finish(s)
		synctest.Wait() // it waits for space, which a fanout has
		if s.turn.mu.TryLock() {
			s.turn.mu.Unlock()
			t.Error("end could return before the session is in the queue")
		}
		<-f.queue
		s.turn.end()
	})
}
