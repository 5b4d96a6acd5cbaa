package server_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
)

// TestARoomThatIsStuckIsGivenUp whatever its game does, and other rooms go on meanwhile.
func TestARoomThatIsStuckIsGivenUp(t *testing.T) {
	for name, fall := range map[string]func(until func() bool){
		"it waits": waitFor, "it spins": spin, "it allocates": hoard,
	} {
		t.Run(name, func(t *testing.T) {
			var free atomic.Bool
			s := serveTrap(t, server.Config{Limits: server.Limits{StuckAfter: 1500 * time.Millisecond}})
			defer free.Store(true)
			s.game.fallInto(func() { fall(free.Load) })
			victim, other := s.enter("one"), s.enter("two")
			s.ticks(victim, 5)
			if err := victim.Send(press{Trap: trapTick}); err != nil {
				t.Fatal(err)
			}
			s.wantStuck(victim, other)
			if st := s.Stats(); st.StuckRooms != 1 || st.RoomsStuck != 1 || st.Rooms != 1 {
				t.Errorf("%d rooms are stuck, %d were, %d are open; want one each", st.StuckRooms, st.RoomsStuck, st.Rooms)
			}
			s.within("the log tells where it is stuck", func() bool {
				return hasAll(s.log.String(), "a room is stuck", "game=trap", "room=one", "callback=OnTick", "trap_test.go")
			})
			again := s.enter("one") // which is made anew
			s.ticks(again, 5)
			free.Store(true)
			s.within("the room has returned", func() bool { return s.Stats().StuckRooms == 0 })
			s.ticks(other, 5)
			if st := s.Stats(); st.RoomsStuck != 1 || st.Rooms != 2 || again.Err() != nil {
				t.Errorf("after it has returned %d rooms were stuck, %d are open, and a player has %v", st.RoomsStuck, st.Rooms, again.Err())
			}
		})
	}
}

func hasAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// waitFor waits until something is so.
func waitFor(is func() bool) {
	for !is() {
		<-time.After(time.Millisecond)
	}
}

// spin computes until something is so.
func spin(is func() bool) {
	for n := uint64(1); !is(); n = n*2862933555777941757 + 3037000493 {
		if n == 0 {
			return
		}
	}
}

// hoard allocates until something is so, some 16 MB at a time: what it lets go is collected, what it does not let go would end
// the process.
func hoard(is func() bool) {
	var held [256][]byte
	for n := 0; !is(); n++ {
		held[n%len(held)] = make([]byte, 64<<10)
	}
}

// TestTheLogSaysWhereARoomIsStuck: callback, system, player, and the stack.
func TestTheLogSaysWhereARoomIsStuck(t *testing.T) {
	for _, test := range []struct {
		name string
		trap uint8
		want []string
	}{
		{"an input", trapInput, []string{"callback=OnInput", "player=2"}},
		{"a system", trapSystem, []string{"callback=gears", "player=0"}},
		{"the tick", trapTick, []string{"callback=OnTick", "player=0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			simulateTrap(t, server.Config{}, func(s *trapSimulation) {
				t := s.t
				free := make(chan struct{})
				s.game.fallInto(func() { <-free })
				first, second := s.enter("one"), s.enter("one")
				s.pass(time.Second)
				second.Send(press{Trap: test.trap})
				s.pass(4900 * time.Millisecond)
				if first.Err() != nil || s.server.Stats().RoomsStuck != 0 {
					t.Errorf("before its time the room was given up: %v", first.Err())
				}
				s.pass(1500 * time.Millisecond)
				for _, c := range []*client.Client[press]{first, second} {
					if err := c.Err(); !errors.Is(err, client.ErrRoomClosed) || !strings.Contains(err.Error(), "did not come to an end of a tick") {
						t.Errorf("player %d was told %v", c.Player(), err)
					}
				}
				if log := s.log.String(); !hasAll(log, append(test.want, "level=ERROR", "a room is stuck", "game=trap", "room=one", "tick=", "trap_test.go")...) {
					t.Errorf("the log does not say %q and where: %s", test.want, log)
				}
				close(free)
				s.pass(time.Second)
				if st := s.server.Stats(); st.StuckRooms != 0 || st.Rooms != 0 || st.Sessions != 0 {
					t.Errorf("at the end %d rooms are stuck, %d open, with %d sessions", st.StuckRooms, st.Rooms, st.Sessions)
				}
			})
		})
	}
}

// TestWhoWaitsForAStuckRoomIsTold: joins, edits and steps.
func TestWhoWaitsForAStuckRoomIsTold(t *testing.T) {
	simulateTrap(t, server.Config{}, func(s *trapSimulation) {
		t := s.t
		free := make(chan struct{})
		s.game.fallInto(func() { <-free })
		s.enter("one").Send(press{Trap: trapTick})
		s.pass(time.Second)
		var work sync.WaitGroup
		work.Go(func() {
			if _, err := s.tryEnter("one"); !errors.Is(err, client.ErrRoomClosed) {
				t.Errorf("who was on the way in is told %v, want ErrRoomClosed", err)
			}
		})
		change := server.Change{Table: "room", ID: 0, Field: "Ticks", Value: "1"}
		work.Go(func() {
			if _, err := s.server.Edit(t.Context(), change); !errors.Is(err, server.ErrRoomEnded) {
				t.Errorf("an edit is answered by %v, want ErrRoomEnded", err)
			}
		})
		work.Go(func() {
			hasty, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := s.server.Edit(hasty, change); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a hasty edit is answered by %v, want its own deadline", err)
			}
		})
		s.pass(7 * time.Second)
		work.Wait()
		close(free)
	})
}

// TestAnEditThatAStuckTickHasTakenIsGivenUp, though whoever asked would have waited no longer.
func TestAnEditThatAStuckTickHasTakenIsGivenUp(t *testing.T) {
	simulateTrap(t, server.Config{}, func(s *trapSimulation) {
		t := s.t
		free := make(chan struct{})
		fallen := atomic.Bool{}
		s.game.fallInto(func() {
			if fallen.Load() {
				<-free
			}
		})
		s.enter("one").Send(press{Trap: trapTick})
		s.pass(time.Second)
		done := make(chan struct{})
		go func() {
			defer close(done)
			hasty, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := s.server.Edit(hasty, server.Change{Table: "room", Field: "Ticks", Value: "1"}); !errors.Is(err, server.ErrRoomEnded) {
				t.Errorf("the edit is answered by %v, want ErrRoomEnded", err)
			}
		}()
		synctest.Wait() // it waits for the tick
		fallen.Store(true)
		s.pass(7 * time.Second)
		<-done
		close(free)
	})
}

// TestAShutdownDoesNotWaitForAStuckRoom for ever.
func TestAShutdownDoesNotWaitForAStuckRoom(t *testing.T) {
	simulateTrap(t, server.Config{}, func(s *trapSimulation) {
		t := s.t
		free := make(chan struct{})
		defer close(free)
		s.game.fallInto(func() { <-free })
		c := s.enter("one")
		c.Send(press{Trap: trapTick})
		s.pass(time.Second)
		before := time.Now()
		s.stop()
		<-s.ended
		if took := time.Since(before); took < 3*time.Second || took > 8*time.Second {
			t.Errorf("Run took %v to end, want the rest of StuckAfter", took)
		}
		if err := c.Err(); !errors.Is(err, client.ErrShutdown) {
			t.Errorf("the player was told %v, want ErrShutdown", err)
		}
		if !strings.Contains(s.log.String(), "a room is stuck") {
			t.Errorf("the log does not tell: %s", s.log)
		}
	})
}

// TestAGameWhoseRoomsGetStuckMakesNoMore of them than may be: each may take a core.
func TestAGameWhoseRoomsGetStuckMakesNoMore(t *testing.T) {
	simulateTrap(t, server.Config{}, func(s *trapSimulation) {
		t := s.t
		free := make(chan struct{})
		s.game.fallInto(func() { <-free })
		well := s.enter("well")
		for _, room := range []string{"one", "two"} {
			s.enter(room).Send(press{Trap: trapTick})
		}
		s.pass(7 * time.Second)
		if st := s.server.Stats(); st.StuckRooms != 2 {
			t.Fatalf("%d rooms are stuck, want 2", st.StuckRooms)
		}
		if _, err := s.tryEnter("three"); !errors.Is(err, client.ErrFull) || !strings.Contains(err.Error(), "stand still") {
			t.Errorf("who needs another room is told %v, want ErrFull and why", err)
		}
		if other := s.enter("well"); other.Err() != nil || well.Err() != nil {
			t.Errorf("the players of the room that is well have %v and %v", well.Err(), other.Err())
		}
		close(free)
		s.pass(time.Second)
		s.enter("three")
	})
}

// TestARoomOutOfBudgetCostsItself: each of its ticks takes three periods, all the time. It skips what it can't make up for; the
// other room makes each tick when it is due.
func TestARoomOutOfBudgetCostsItself(t *testing.T) {
	simulateTrap(t, server.Config{Limits: server.Limits{MaxTickLoad: 100}}, func(s *trapSimulation) {
		s.game.fallInto(func() { time.Sleep(100 * time.Millisecond) })
		slow := s.enter("one")
		slow.Send(press{Trap: trapTick})
		s.pass(time.Second)
		well := s.enter("two")
		opened := time.Now()
		tick := well.View().Tick
		for range 20 {
			s.pass(time.Second)
			due := tick + uint64(time.Since(opened)/(time.Second/30))
			if got := well.View().Tick; got+3 < due {
				t.Errorf("%v after it was opened the other room's player knows tick %d of %d", time.Since(opened), got, due)
			}
		}
		for _, f := range s.server.Figures() {
			switch {
			case f.Name == "two" && (f.Overruns != 0 || f.Skipped != 0 || f.LateWakes != 0):
				t.Errorf("the other room has %d overruns, %d skipped ticks and %d late wake-ups", f.Overruns, f.Skipped, f.LateWakes)
			case f.Name == "one" && (f.Overruns < 30 || f.Skipped < 300 || f.Made < 190):
				t.Errorf("the slow room made %d ticks, with %d overruns and %d skipped", f.Made, f.Overruns, f.Skipped)
			}
		}
		if st := s.server.Stats(); st.RoomsStuck != 0 || slow.Err() != nil || slow.View().Tick < 190 {
			t.Errorf("%d rooms were given up; the slow room's player has %v and tick %d", st.RoomsStuck, slow.Err(), slow.View().Tick)
		}
	})
}

// TestAGameThatEndsItsGoroutineClosesItsRoom, as runtime.Goexit does.
func TestAGameThatEndsItsGoroutineClosesItsRoom(t *testing.T) {
	simulateTrap(t, server.Config{}, func(s *trapSimulation) {
		t := s.t
		s.game.fallInto(runtime.Goexit)
		c, other := s.enter("one"), s.enter("two")
		c.Send(press{Trap: trapInput})
		s.pass(time.Second)
		if err := c.Err(); !errors.Is(err, client.ErrRoomClosed) || other.Err() != nil {
			t.Errorf("the players were told %v and %v, want ErrRoomClosed and nothing", err, other.Err())
		}
		if st := s.server.Stats(); st.Rooms != 1 || st.RoomsStuck != 0 {
			t.Errorf("%d rooms are open, %d were stuck", st.Rooms, st.RoomsStuck)
		}
	})
}
