package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

const (
	// roundTrip is the longest of calm.
	roundTrip = 44 * time.Millisecond
	// backWithin is how much longer than a round trip it may take until play is back, once there is a network.
	backWithin = 100 * time.Millisecond
)

// comeback is a player who is to come back, beside one who stays.
type comeback struct {
	*simulation
	player *client.Client[stride]
	number world.Player
	joined uint64 // bytes that a join took, and the half second after it
}

// playWithComeback plays a while, then what is given, and a while more; then both players must be right, and nobody have
// left.
func playWithComeback(t *testing.T, seed uint64, g *arena, play func(*comeback)) {
	t.Helper()
	simulate(t, seed, calm, server.Config{Games: []world.Game{g}}, func(s *simulation) {
		cfg := s.config()
		cfg.Reconnect = 10 * time.Minute
		c := &comeback{simulation: s, player: s.joinAs(cfg)}
		c.number = c.player.Player()
		g.loud.Store(true) // there is something to tell a newcomer
		s.pass(200 * time.Millisecond)
		g.loud.Store(false)
		s.pass(500 * time.Millisecond)
		s.join()
		s.pass(500 * time.Millisecond)
		c.joined = s.net.carried(s.sockets[1].LocalAddr())
		s.wander(3*time.Second + time.Duration(seed)*10*time.Millisecond)
		play(c)
		s.wander(2 * time.Second)
		s.rest()
		s.pass(2 * time.Second)
		s.wantSame()
		if c.player.Player() != c.number || !c.player.Connected() {
			t.Errorf("player %d is %d afterwards, connected: %v", c.number, c.player.Player(), c.player.Connected())
		}
		if score, _ := s.game.Score.Get(s.server.View()); score.Leaves != 0 || score.Joins != 2 {
			t.Errorf("the score is %+v, want 2 joins and no leave", score)
		}
		for _, c := range s.clients {
			if st := c.Stats(); st.Replica.Orphans != 0 || st.Rejected != 0 || st.Checks.Diverged != 0 {
				t.Errorf("player %d: %+v", c.Player(), st)
			}
		}
		if st := s.server.Stats(); st.Held != 0 || st.Diverged != 0 {
			t.Errorf("%d players are held, and %d rows diverged, want none", st.Held, st.Diverged)
		}
	})
}

// moved is where rebind and Migrate bring the first player.
var moved = &net.UDPAddr{IP: net.IPv4(10, 9, 9, 9), Port: 9}

// traffic is what the network has carried for the first player.
func (c *comeback) traffic() uint64 {
	return c.net.carried(c.sockets[0].LocalAddr(), c.sockets[socketCount-1].LocalAddr(), moved)
}

// dark cuts the first player's network for a while, and returns when it is back with the latest tick before.
func (c *comeback) dark(d time.Duration) (back time.Time, tick uint64) {
	c.net.setDark(c.sockets[0].LocalAddr(), true)
	c.pass(d)
	tick = c.player.Tick()
	c.net.setDark(c.sockets[0].LocalAddr(), false)
	return time.Now(), tick
}

// wantBack waits for the next tick, which must come within a time of when the network was back, and cost less than a join.
func (c *comeback) wantBack(back time.Time, tick uint64, within time.Duration) {
	c.t.Helper()
	before := c.traffic()
	if _, err := c.player.NextTick(c.t.Context(), tick); err != nil {
		c.t.Fatal(err)
	}
	took := time.Since(back)
	c.pass(500 * time.Millisecond)
	cost := c.traffic() - before
	c.t.Logf("back after %v, %d bytes in half a second where a join took %d", took, cost, c.joined)
	if took > within {
		c.t.Errorf("play is back after %v, want %v at most", took, within)
	}
	if cost >= c.joined {
		c.t.Errorf("half a second took %d bytes, a join and half a second %d", cost, c.joined)
	}
}

// TestAnOutageOfThreeSeconds in the middle of play: the old connection is quickest.
func TestAnOutageOfThreeSeconds(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			playWithComeback(t, seed, newArena(), func(c *comeback) {
				back, tick := c.dark(3*time.Second + time.Duration(seed)*time.Second/30) // at every phase of the server's probes
				c.wantBack(back, tick, roundTrip+2*time.Second/30)                       // an input, and the next tick; the probes alone take up to two more
			})
		})
	}
}

// TestAMoveThatIsCutShort, when the hello has come through and the welcome does not, and the caller has given it up. The server
// has left the former connection then, which is the client's own doing: its session goes on.
func TestAMoveThatIsCutShort(t *testing.T) {
	for _, given := range []time.Duration{30, 45, 60} {
		t.Run(fmt.Sprintf("given up after %d ms", given), func(t *testing.T) {
			playWithComeback(t, 9, newArena(), func(c *comeback) {
				next := c.sockets[socketCount-1].LocalAddr()
				go func() {
					time.Sleep(55 * time.Millisecond) // the hello has left, and the welcome has not come
					c.net.setDark(next, true)
				}()
				ctx, cancel := context.WithTimeout(c.t.Context(), given*time.Millisecond)
				defer cancel()
				if err := c.player.Migrate(ctx, c.sockets[socketCount-1]); !errors.Is(err, context.DeadlineExceeded) {
					c.t.Errorf("the move returned %v, want that it took too long", err)
				}
				c.pass(5 * time.Second)
				c.net.setDark(next, false)
				c.pass(5 * time.Second)
				if err := c.player.Err(); err != nil {
					c.t.Fatalf("the session has ended: %v", err)
				}
			})
		})
	}
}

// TestAnOutageThatEndsTheConnection: both sides have given it up, and the player is held.
func TestAnOutageThatEndsTheConnection(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			playWithComeback(t, seed, newArena(), func(c *comeback) {
				back, tick := c.dark(20 * time.Second)
				if st := c.server.Stats(); st.Held != 1 || c.player.Connected() || c.player.Err() != nil {
					t.Errorf("in the dark %d players are held, and this one is connected: %v, %v", st.Held, c.player.Connected(), c.player.Err())
				}
				// A try sends its packets up to 0.8 s apart, and takes two round trips.
				c.wantBack(back, tick, 2*roundTrip+800*time.Millisecond+backWithin)
				if st, srv := c.player.Stats(), c.server.Stats(); st.Resumes != 1 || st.Rejoins != 0 || srv.Resumed != 1 {
					t.Errorf("%d resumes and %d rejoins, %d resumes on the server; want 1, 0, 1", st.Resumes, st.Rejoins, srv.Resumed)
				}
			})
		})
	}
}

// TestAnAddressThatDies for good: the server can't know where its client is now, which moves to another socket.
func TestAnAddressThatDies(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			playWithComeback(t, seed, newArena(), func(c *comeback) {
				tick := c.player.Tick()
				c.net.setDark(c.sockets[0].LocalAddr(), true)
				back := time.Now()
				if err := c.player.Migrate(c.t.Context(), c.sockets[socketCount-1]); err != nil {
					t.Fatal(err)
				}
				c.wantBack(back, max(tick, c.player.Tick()), roundTrip+backWithin)
				if st := c.player.Stats(); st.Resumes != 1 {
					t.Errorf("the session was resumed %d times, want once", st.Resumes)
				}
			})
		})
	}
}

// TestAConnectionMoves to another socket where nobody is held, so that no other connection could take its place.
func TestAConnectionMoves(t *testing.T) {
	for seed := range uint64(3) {
		for _, dies := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed %d, the former socket dies: %v", seed, dies), func(t *testing.T) {
				playWithComeback(t, seed, forgetful(), func(c *comeback) {
					tick := c.player.Tick()
					c.net.setDark(c.sockets[0].LocalAddr(), dies)
					back := time.Now()
					if err := c.player.Migrate(c.t.Context(), c.sockets[socketCount-1]); err != nil {
						t.Fatal(err)
					}
					within := 2*roundTrip + backWithin
					if dies {
						within += 200 * time.Millisecond // until the server probes the way again, over which its first probe was not answered
					}
					c.wantBack(back, max(tick, c.player.Tick()), within)
					before := c.net.carried(c.sockets[0].LocalAddr())
					c.pass(2 * time.Second)
					if more := c.net.carried(c.sockets[0].LocalAddr()) - before; more != 0 {
						t.Errorf("%d bytes still take the former way", more)
					}
					if st := c.player.Stats(); st.Resumes != 0 || st.Rejoins != 0 || c.server.Stats().Resumed != 0 {
						t.Errorf("the connection was replaced: %d resumes, %d rejoins", st.Resumes, st.Rejoins)
					}
				})
			})
		}
	}
}

// TestMovesThatComeToNothing leave the session where it is, and free to move elsewhere.
func TestMovesThatComeToNothing(t *testing.T) {
	playWithComeback(t, 4, forgetful(), func(c *comeback) {
		move := func(to net.PacketConn) error {
			ctx, cancel := context.WithTimeout(c.t.Context(), 3*time.Second)
			defer cancel()
			return c.player.Migrate(ctx, to)
		}
		dead, next := c.sockets[socketCount-1], c.sockets[socketCount-2]
		c.net.setDark(dead.LocalAddr(), true)
		for range 4 {
			if err := move(dead); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a move to a dead socket returned %v, want the deadline", err)
			}
			c.pass(time.Second)
		}
		if err := move(next); err != nil {
			t.Errorf("after moves that came to nothing, one to a socket that works: %v", err)
		}
	})
}

// TestAnAddressThatChangesOnTheWay: a router gives the client another one, and neither side is told.
func TestAnAddressThatChangesOnTheWay(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			playWithComeback(t, seed, newArena(), func(c *comeback) {
				c.net.rebind(c.sockets[0].LocalAddr(), moved)
				synctest.Wait()
				back, tick := time.Now(), c.player.Tick()
				c.pass(roundTrip)
				c.wantBack(back, max(tick, c.player.Tick()), roundTrip+backWithin)
				c.pass(5 * time.Second)
				if st := c.player.Stats(); st.Resumes != 0 || c.server.Stats().Resumed != 0 {
					t.Errorf("the connection was replaced %d times, want it to follow", st.Resumes)
				}
			})
		})
	}
}

// restart lets another process go on with the first player's token, from a socket of its own. The first process is in the
// dark, as if it were dead.
func (c *comeback) restart(token []byte) *client.Client[stride] {
	c.t.Helper()
	cfg := c.config()
	cfg.Resume, cfg.OnlyResume, cfg.Reconnect = token, true, time.Minute
	next, err := client.Join(c.t.Context(), c.game, cfg)
	if err != nil {
		c.t.Fatalf("the next process can't go on: %v", err)
	}
	c.clients = append(c.clients, next)
	return next
}

func TestAProcessThatRestartsGoesOn(t *testing.T) {
	playWithComeback(t, 1, newArena(), func(c *comeback) {
		token := c.player.Token()
		if len(token) < 16 {
			t.Fatalf("the token has %d bytes", len(token))
		}
		if _, err := client.Ask(c.t.Context(), c.player, c.game.Potions, potion{HP: 1}); err != nil {
			t.Fatal(err)
		}
		former := c.player
		c.net.setDark(c.sockets[0].LocalAddr(), true)
		c.pass(time.Second)
		c.player = c.restart(token)
		if !c.player.Resumed() || c.player.Player() != c.number {
			t.Errorf("the next process is player %d, resumed: %v", c.player.Player(), c.player.Resumed())
		}
		c.pass(time.Second)
		if bytes.Equal(c.player.Token(), token) {
			t.Error("the token was not replaced")
		}
		// Its requests are not taken for the former process's.
		if got, err := client.Ask(c.t.Context(), c.player, c.game.Potions, potion{HP: 5}); err != nil || got.HP == 0 {
			t.Errorf("a request of the next process is answered with %+v, %v", got, err)
		}
		former.Close()
		c.clients = c.clients[1:]
		c.sockets = append(c.sockets[1:], c.sockets[0])
	})
}

// TestASecondConnectionEndsTheFirst, which is told and does not fight for the session.
func TestASecondConnectionEndsTheFirst(t *testing.T) {
	playWithComeback(t, 2, newArena(), func(c *comeback) {
		first := c.player
		c.player = c.restart(first.Token())
		c.pass(5 * time.Second)
		if err := first.Err(); !errors.Is(err, client.ErrReplaced) {
			t.Errorf("the first connection was told %v, want ErrReplaced", err)
		}
		if got := c.server.Stats().Resumed; got != 1 {
			t.Errorf("the session was resumed %d times, want once", got)
		}
		c.clients = c.clients[1:]
		c.sockets = append(c.sockets[1:], c.sockets[0])
	})
}

// TestARequestRunsOnceAcrossAResume: the game has acted, and the answer is lost with the connection.
func TestARequestRunsOnceAcrossAResume(t *testing.T) {
	playWithComeback(t, 3, newArena(), func(c *comeback) {
		type outcome struct {
			healed
			err error
		}
		got := make(chan outcome, 1)
		go func() {
			answer, err := client.Ask(c.t.Context(), c.player, c.game.Potions, potion{HP: 3})
			got <- outcome{answer, err}
		}()
		synctest.Wait()
		time.Sleep(calm.delay + calm.jitter) // in virtual time: it is there, and the next tick is to come
		c.dark(20 * time.Second)
		if n := c.game.heals.Load(); n != 1 || len(got) > 0 {
			c.t.Fatalf("the game has acted %d times, and %d answers have come: the test is of no use", n, len(got))
		}
		c.pass(2 * time.Second)
		if o := <-got; o.err != nil || o.HP == 0 {
			t.Errorf("the answer is %+v", o)
		}
		if st := c.server.Stats(); st.Requests != 1 || st.RequestsRepeated != 1 || c.game.heals.Load() != 1 {
			t.Errorf("of %d requests and %d repeated the game has run %d, want 1, 1 and 1", st.Requests, st.RequestsRepeated, c.game.heals.Load())
		}
	})
}

// TestHoldingEnds: the player leaves once, with a reason, and its token is good for nothing any more.
func TestHoldingEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*simulation, *client.Client[stride])
		why  world.LeaveReason
	}{
		{"when the time is over", func(s *simulation, _ *client.Client[stride]) { s.pass(40 * time.Second) }, world.Lost},
		{"when the client comes back and leaves", func(s *simulation, c *client.Client[stride]) {
			s.pass(20 * time.Second)
			cfg := s.config()
			cfg.Resume, cfg.OnlyResume = c.Token(), true
			next, err := client.Join(s.t.Context(), s.game, cfg)
			if err != nil {
				s.t.Fatal(err)
			}
			next.Close()
			s.pass(time.Second)
		}, world.Left},
	} {
		t.Run(test.name, func(t *testing.T) {
			simulate(t, 7, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
				c := s.join()
				s.join()
				s.game.left.Store(-1)
				s.pass(time.Second)
				token := c.Token()
				s.net.setDark(s.sockets[0].LocalAddr(), true)
				test.end(s, c)
				score, _ := s.game.Score.Get(s.server.View())
				if got := world.LeaveReason(s.game.left.Load()); score.Leaves != 1 || got != test.why {
					t.Errorf("%d left, with %q; want one, with %q", score.Leaves, got, test.why)
				}
				if _, sessions := s.server.Rows(); sessions != 1 {
					t.Errorf("the directory has %d sessions, want one", sessions)
				}
				cfg := s.config()
				cfg.Resume, cfg.OnlyResume = token, true
				if _, err := client.Join(s.t.Context(), s.game, cfg); !errors.Is(err, client.ErrExpired) {
					t.Errorf("going on gives %v, want ErrExpired", err)
				}
				cfg.OnlyResume = false
				if c := s.joinAs(cfg); c.Player() != 3 || c.Resumed() {
					t.Errorf("without OnlyResume it is player %d, resumed: %v; want somebody else", c.Player(), c.Resumed())
				}
			})
		})
	}
}

// TestAFullServerIsNotStormed by those who would come back: their pauses grow, and are random.
func TestAFullServerIsNotStormed(t *testing.T) {
	plainOnly(t)
	g := newArena()
	g.SetHoldSeconds(300)
	simulate(t, 15, calm, server.Config{Games: []world.Game{g}, Limits: server.Limits{MaxConns: 2}}, func(s *simulation) {
		cfg := s.config()
		cfg.Reconnect = 10 * time.Minute
		c := s.joinAs(cfg)
		s.join()
		s.pass(time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(20 * time.Second)
		third := s.join()
		s.net.setDark(s.sockets[0].LocalAddr(), false)
		s.pass(2 * time.Minute)
		if tries := s.server.Stats().Transport.RefusedFull; tries < 20 || tries > 100 {
			t.Errorf("in two minutes it has tried %d times to come back, want about every 2.6 s", tries)
		}
		third.Close()
		s.pass(8 * time.Second)
		if st := c.Stats(); !c.Connected() || c.Player() != 1 || st.Resumes != 1 {
			t.Errorf("with a place free it is player %d, connected: %v, after %d resumes", c.Player(), c.Connected(), st.Resumes)
		}
	})
}

// TestAnExpiredSessionJoinsAnew, by itself, as Config.Reconnect says.
func TestAnExpiredSessionJoinsAnew(t *testing.T) {
	g := newArena()
	g.SetHoldSeconds(1)
	simulate(t, 8, calm, server.Config{Games: []world.Game{g}}, func(s *simulation) {
		cfg := s.config()
		cfg.Reconnect = time.Minute
		c := s.joinAs(cfg)
		s.join()
		s.pass(time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(25 * time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), false)
		s.pass(5 * time.Second)
		if st := c.Stats(); c.Player() != 3 || !c.Connected() || st.Rejoins != 1 || st.Resumes != 0 {
			t.Errorf("it is player %d, connected: %v, after %d rejoins and %d resumes", c.Player(), c.Connected(), st.Rejoins, st.Resumes)
		}
		if st := s.server.Stats(); st.HoldsExpired != 1 || st.ResumesRefused != 1 {
			t.Errorf("%d holds have expired, %d resumes were refused; want 1 and 1", st.HoldsExpired, st.ResumesRefused)
		}
		s.rest()
		s.pass(time.Second)
		s.wantSame()
	})
}

func TestAForgedTokenIsNobodys(t *testing.T) {
	var logged lines
	cfg := server.Config{Games: []world.Game{newArena()}, Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	simulate(t, 9, calm, cfg, func(s *simulation) {
		c := s.join()
		token := c.Token()
		for _, forged := range [][]byte{{0}, token[:len(token)-1], append(token[:len(token)-1:len(token)-1], token[len(token)-1]^1)} {
			cfg := s.config()
			cfg.Resume, cfg.OnlyResume = forged, true
			if _, err := client.Join(s.t.Context(), s.game, cfg); !errors.Is(err, client.ErrExpired) {
				t.Errorf("a forged token gives %v, want ErrExpired", err)
			}
		}
		if got := s.server.Stats().ResumesRefused; got != 3 || c.Err() != nil {
			t.Errorf("%d resumes were refused, want 3; the owner has %v", got, c.Err())
		}
		text := logged.text()
		for _, form := range []string{fmt.Sprintf("%x", token), string(token), fmt.Sprint(token)} {
			if strings.Contains(text, form) {
				t.Errorf("the log has the token:\n%s", text)
			}
		}
	})
}

func TestSoManyAreHeldAndNoMore(t *testing.T) {
	simulate(t, 10, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{MaxHeld: 1}}, func(s *simulation) {
		for range 3 {
			s.join()
		}
		s.pass(time.Second)
		for i := range 2 {
			s.net.setDark(s.sockets[i].LocalAddr(), true)
		}
		s.pass(20 * time.Second)
		st := s.server.Stats()
		if st.Held != 1 || st.HoldsRefused != 1 || st.Players != 2 {
			t.Errorf("%d are held and %d were not, %d players; want 1, 1, 2", st.Held, st.HoldsRefused, st.Players)
		}
	})
}

// TestOneAddressDoesNotHoldEveryPlace: of two players of one address one is held, and a third of another is, too.
func TestOneAddressDoesNotHoldEveryPlace(t *testing.T) {
	for _, c := range []struct {
		trusted                []netip.Prefix
		held, refused, players uint64
	}{
		{nil, 2, 1, 2},
		{[]netip.Prefix{netip.MustParsePrefix("10.0.1.1/32")}, 3, 0, 3},
	} {
		cfg := server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{MaxHeldPerAddress: 1}, Trusted: c.trusted}
		simulate(t, 10, calm, cfg, func(s *simulation) {
			neighbour := &net.UDPAddr{IP: net.IPv4(10, 0, 1, 1), Port: 5001}
			s.net.rebind(s.sockets[1].LocalAddr(), neighbour)
			for range 3 {
				s.join()
			}
			s.pass(time.Second)
			for _, addr := range []net.Addr{s.sockets[0].LocalAddr(), neighbour, s.sockets[2].LocalAddr()} {
				s.net.setDark(addr, true)
			}
			s.pass(20 * time.Second)
			st := s.server.Stats()
			if st.Held != c.held || st.HoldsRefusedAddress != c.refused || uint64(st.Players) != c.players {
				t.Errorf("trusting %v, %d are held and %d were not, %d players; want %+v", c.trusted, st.Held, st.HoldsRefusedAddress, st.Players, c)
			}
		})
	}
}

// TestARoomClosesWithAPlayerHeld: nobody can come back to it.
func TestARoomClosesWithAPlayerHeld(t *testing.T) {
	simulate(t, 11, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		c := s.join()
		s.join()
		s.pass(time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(20 * time.Second)
		s.game.tickPanics.Store(3)
		s.pass(time.Second)
		if st, _ := s.server.Rows(); st != 0 || s.server.Stats().Held != 0 {
			t.Errorf("%d rooms are left, %d players held", st, s.server.Stats().Held)
		}
		cfg := s.config()
		cfg.Resume, cfg.OnlyResume = c.Token(), true
		if _, err := client.Join(s.t.Context(), s.game, cfg); !errors.Is(err, client.ErrExpired) {
			t.Errorf("going on gives %v, want ErrExpired", err)
		}
	})
}

func TestShutdownDoesNotWaitForWhoIsHeld(t *testing.T) {
	simulate(t, 12, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		held := s.join()
		s.join()
		s.pass(time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(18 * time.Second)
		if got := s.server.Stats().Held; got != 1 {
			t.Fatalf("%d players are held, want one", got)
		}
		before := time.Now()
		s.stop()
		<-s.ended
		if took := time.Since(before); took > 3*time.Second {
			t.Errorf("Run took %v to end", took)
		}
		held.Close()
		s.clients[1].Close()
		synctest.Wait()
		if stacks := leftovers(); len(stacks) > 0 {
			t.Errorf("%d goroutines are left; the first is\n%s", len(stacks), stacks[0])
		}
	})
}
