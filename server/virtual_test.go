package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

var (
	calm  = weather{delay: 20 * time.Millisecond, jitter: 2 * time.Millisecond}
	storm = weather{delay: 15 * time.Millisecond, jitter: 70 * time.Millisecond, lossPerMille: 100}
)

// TestEveryReplicaIsRightAfterAStorm plays 20 s with every tenth packet lost and many out of order.
func TestEveryReplicaIsRightAfterAStorm(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			simulate(t, seed, storm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
				for range 4 {
					s.join()
				}
				s.wander(20*time.Second - time.Since(s.started))
				if got, want := s.server.Tick(), s.dueTicks(); got != want {
					t.Errorf("after %v it is tick %d, want %d", time.Since(s.started), got, want)
				}
				s.net.weather.Store(&calm)
				s.rest()
				s.pass(3 * time.Second)
				s.wantSame()
				s.wantStormySigns()
			})
		})
	}
}

// wantStormySigns makes sure that the test tested something, and that nobody broke a rule meanwhile.
func (s *simulation) wantStormySigns() {
	s.t.Helper()
	var superseded uint64
	for _, c := range s.clients {
		st := c.Stats()
		superseded += st.Replica.Superseded
		if st.Rejected != 0 || st.Replica.Orphans != 0 {
			s.t.Errorf("player %d refused %d datagrams and met %d records without their entity, want none", c.Player(), st.Rejected, st.Replica.Orphans)
		}
		if u, ok := own(s.game, c, c.View()); !ok || u.X == 500 && u.Y == 500 {
			s.t.Errorf("player %d has not moved", c.Player())
		}
	}
	if s.net.dropped.Load() < 100 || superseded == 0 {
		s.t.Errorf("%d packets were lost and %d records came too late: the storm was none", s.net.dropped.Load(), superseded)
	}
	st := s.server.Stats()
	for r, n := range st.Rejected {
		if n != 0 && protocol.Reject(r) != protocol.InputTooOld {
			s.t.Errorf("the server counts %d %v, want none", n, protocol.Reject(r))
		}
	}
	if st.Overruns != 0 || st.Skipped != 0 || st.StaleAcks != 0 || st.FailedTicks != 0 || st.Clamped != 0 {
		s.t.Errorf("the stats are %+v", st)
	}
}

func TestOneInTheDarkDisturbsNobody(t *testing.T) {
	simulate(t, 3, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		lost, others := s.join(), []*client.Client[stride]{s.join(), s.join()}
		s.wander(2 * time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(100 * time.Millisecond)
		seen := lost.Stats().Tick
		for range 25 {
			s.wander(200 * time.Millisecond)
			for _, c := range others {
				if now, newest := s.server.Tick(), c.Stats().Tick; newest+2 < now {
					t.Errorf("at tick %d player %d knows tick %d", now, c.Player(), newest)
				}
			}
		}
		if got := lost.Stats().Tick; got != seen || lost.Err() != nil {
			t.Errorf("the one in the dark knows tick %d after %d, and ended with %v", got, seen, lost.Err())
		}
		if s.server.Stats().SkippedPasses == 0 {
			t.Error("no pass was skipped for the one in the dark")
		}
		s.net.setDark(s.sockets[0].LocalAddr(), false)
		s.wander(time.Second)
		if now, newest := s.server.Tick(), lost.Stats().Tick; newest+2 < now {
			t.Errorf("a second after the dark the player knows tick %d of %d", newest, now)
		}
		s.rest()
		s.pass(2 * time.Second)
		s.wantSame()
		if got, want := s.server.Tick(), s.dueTicks(); got != want {
			t.Errorf("it is tick %d, want %d", got, want)
		}
	})
}

func TestWhoeverStaysInTheDarkIsGivenUp(t *testing.T) {
	simulate(t, 4, calm, server.Config{Games: []world.Game{forgetful()}}, func(s *simulation) {
		lost, other := s.join(), s.join()
		s.wander(time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(20 * time.Second)
		if err := lost.Err(); !errors.Is(err, client.ErrUnreachable) {
			t.Errorf("the one in the dark was told %v, want ErrUnreachable", err)
		}
		if got := s.server.View().Players(); len(got) != 1 || got[0] != other.Player() {
			t.Errorf("the players are %v, want %d alone", got, other.Player())
		}
		s.rest()
		s.pass(time.Second)
		wantSame(t, s.game, s.server.View(), other)
	})
}

func TestInputsComeInTimeOnceTheLeadHasSettled(t *testing.T) {
	for _, delay := range []time.Duration{time.Millisecond, 40 * time.Millisecond, 150 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			simulate(t, 5, weather{delay: delay, jitter: 3 * time.Millisecond}, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
				s.join()
				s.join()
				s.wander(6 * time.Second)
				before := s.server.Stats()
				s.wander(5 * time.Second)
				after := s.server.Stats()
				if made := after.Repeated + after.Neutral - before.Repeated - before.Neutral; made != 0 {
					t.Errorf("in 5 s the server had to make up %d inputs", made)
				}
				if n := after.SkippedPasses - before.SkippedPasses; n != 0 {
					t.Errorf("in 5 s without loss %d passes were skipped", n)
				}
				for _, c := range s.clients {
					if st := c.Stats(); st.Margin < 0 || st.Margin > 12 {
						t.Errorf("player %d's inputs come %d quarters of a tick early, with a lead of %d", c.Player(), st.Margin, st.Lead)
					}
				}
			})
		})
	}
}

func TestASlowRoomCatchesUpOrSkips(t *testing.T) {
	for _, test := range []struct {
		name    string
		stall   time.Duration
		catchUp int
		skipped uint64
	}{
		{"what fits is made up for", 120 * time.Millisecond, 5, 0},
		{"what does not is skipped", 310 * time.Millisecond, 5, 9 - 5},
		{"as the bound says", 120 * time.Millisecond, 1, 3 - 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			simulate(t, 6, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{CatchUpTicks: test.catchUp}}, func(s *simulation) {
				c := s.join()
				s.pass(time.Second)
				if st := s.server.Stats(); st.Overruns != 0 || st.Skipped != 0 {
					t.Fatalf("before the stall there are %d overruns and %d skipped", st.Overruns, st.Skipped)
				}
				s.game.stall.Store(int64(test.stall))
				s.pass(time.Second)
				st := s.server.Stats()
				tick := s.server.Tick()
				if st.Overruns != 1 || st.Skipped != test.skipped || tick != s.dueTicks()-test.skipped {
					t.Errorf("%d overruns, %d skipped, tick %d of %d; want 1, %d and the rest made", st.Overruns, st.Skipped, tick, s.dueTicks(), test.skipped)
				}
				if c.Stats().Tick+2 < tick {
					t.Errorf("the client knows tick %d of %d", c.Stats().Tick, tick)
				}
			})
		})
	}
}

func TestShutdownLeavesNothingRunning(t *testing.T) {
	simulate(t, 7, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		gone, told := s.join(), []*client.Client[stride]{s.join(), s.join()}
		s.wander(time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(2 * time.Second)
		before := time.Now()
		s.stop()
		<-s.ended
		if took := time.Since(before); took > 3*time.Second {
			t.Errorf("Run took %v to end, though one second per connection is the bound", took)
		}
		for _, c := range told {
			if err := c.Err(); !errors.Is(err, client.ErrShutdown) {
				t.Errorf("player %d was told %v, want ErrShutdown", c.Player(), err)
			}
			c.Close()
		}
		gone.Close()
		synctest.Wait()
		if stacks := leftovers(); len(stacks) > 0 {
			t.Errorf("%d goroutines are left; the first is\n%s", len(stacks), stacks[0])
		}
	})
}

// TestShutdownDoesNotWaitForOneInTheDark fills the queue of a client that answers no more, until the sender
// has to wait.
func TestShutdownDoesNotWaitForOneInTheDark(t *testing.T) {
	simulate(t, 9, calm, server.Config{Games: []world.Game{newArena()}, TickRate: protocol.MaxTickRate}, func(s *simulation) {
		s.join()
		other := s.join()
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.game.loud.Store(true)
		s.pass(5500 * time.Millisecond)
		if now, newest := s.server.Tick(), other.Stats().Tick; newest+12 < now {
			t.Errorf("at tick %d the other one knows tick %d", now, newest)
		}
		before := time.Now()
		s.stop()
		<-s.ended
		if took := time.Since(before); took > 2500*time.Millisecond {
			t.Errorf("Run took %v to end, though a connection has one second to close, and one for its goodbye", took)
		}
		if err := other.Err(); !errors.Is(err, client.ErrShutdown) {
			t.Errorf("the other one was told %v, want ErrShutdown", err)
		}
	})
}

func TestShutdownDoesNotWaitForAHello(t *testing.T) {
	simulate(t, 8, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{HelloTimeout: time.Minute}}, func(s *simulation) {
		silent := s.dial(s.sockets[4])
		half := s.dial(s.sockets[5])
		stream, err := half.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		stream.Write([]byte{0xc4, 100, 1})
		s.pass(time.Second)
		before := time.Now()
		s.close()
		if took := time.Since(before); took > 3*time.Second {
			t.Errorf("Run took %v to end", took)
		}
		for _, conn := range []*rawConn{silent, half} {
			conn.wantClosed(protocol.CloseShutdown)
		}
	})
}

// leftovers are the stacks of this module's goroutines, but for the tests' own.
func leftovers() (out []string) {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	for _, stack := range bytes.Split(buf, []byte("\n\n")) {
		for _, of := range []string{"quicstep/server.", "quicstep/server/", "quicstep/clients/", "quicstep/world."} {
			if bytes.Contains(stack, []byte(of)) && !bytes.Contains(stack, []byte("server_test.")) {
				out = append(out, string(stack))
				break
			}
		}
	}
	return out
}

// TestAHeldInputAnswersEveryTick: whoever decides now and then says so once.
func TestAHeldInputAnswersEveryTick(t *testing.T) {
	// At 60 Hz an input needs no wait for acknowledgements.
	simulate(t, 90, calm, server.Config{Games: []world.Game{newArena()}, TickRate: 60}, func(s *simulation) {
		c := s.join()
		s.pass(time.Second)
		if err := c.Send(stride{DX: 1}); err != nil {
			t.Fatal(err)
		}
		c.Hold(c.Tick() + 1000)
		s.pass(time.Second)
		before, sent, tick := s.server.Stats(), c.Stats().Sent, c.Tick()
		s.pass(3 * time.Second)
		after, ticks := s.server.Stats(), c.Tick()-tick
		if made := after.Repeated + after.Neutral - before.Repeated - before.Neutral; made > 1 {
			t.Errorf("the server made up %d inputs in %d ticks", made, ticks)
		}
		if n := c.Stats().Sent - sent; n < ticks-1 || n > ticks+1 {
			t.Errorf("%d inputs were sent in %d ticks", n, ticks)
		}
		for range 5 {
			if _, err := c.NextTick(context.Background(), c.Tick()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // no time passes
			at := c.Stats().Sent
			s.pass(time.Second / 120)
			if late := c.Stats().Sent - at; late != 0 {
				t.Errorf("the answer to tick %d left later than the tick came", c.Tick())
			}
		}
		looked := 0
		c.Look(func(view *world.View) {
			for range s.game.Banners.All(view) {
				looked++
			}
		})
		seen := 0
		for range s.game.Banners.All(c.View()) {
			seen++
		}
		if looked == 0 || looked != seen {
			t.Errorf("a look shows %d banners, a View %d", looked, seen)
		}
	})
}
