package server_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// tell lets the game do something in its next tick.
func (s *simulation) tell(what func(*world.Tx)) { s.game.herald.Store(&what) }

func TestEventsAreFiredOnceOrNever(t *testing.T) {
	for _, loss := range []int64{0, 100, 300} {
		t.Run(fmt.Sprintf("%d in a thousand lost", loss), func(t *testing.T) {
			w := weather{delay: 20 * time.Millisecond, jitter: 30 * time.Millisecond, lossPerMille: loss, dupPerMille: 50}
			simulate(t, 60, w, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
				c := s.join()
				s.game.resting.Store(true)
				s.pass(time.Second)
				c.Events()
				const events = 200
				fired := map[uint32]int{}
				for n := range uint32(events) {
					s.tell(func(tx *world.Tx) { s.game.Flashes.Emit(tx, flash{X: 500, Y: 500, N: n}, world.ToAll()) })
					s.pass(100 * time.Millisecond)
					for tick, f := range s.game.Flashes.In(c.Events()) {
						fired[f.N]++
						if age := s.server.Tick() - tick; age > 12 {
							t.Errorf("flash %d was fired %d ticks late, want 250 ms at most", f.N, age)
						}
					}
				}
				for n, times := range fired {
					if times != 1 {
						t.Errorf("flash %d was fired %d times", n, times)
					}
				}
				// Without loss all arrive; with 30 % lost both ways, an event has some four chances.
				if least := map[int64]int{0: events, 100: events * 98 / 100, 300: events * 85 / 100}[loss]; len(fired) < least {
					t.Errorf("%d of %d flashes were fired, want %d at least", len(fired), events, least)
				}
			})
		})
	}
}

func TestEventsAndMessagesGoToThoseWhomTheyConcern(t *testing.T) {
	simulate(t, 61, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		for range 4 {
			s.join() // players 1 and 3 are in team 2, the others in team 1
		}
		s.game.resting.Store(true)
		s.clients[3].Send(stride{DX: 2, DY: 2})
		s.pass(3 * time.Second) // and player 4 goes where the others don't see
		s.rest()
		s.pass(time.Second)
		for _, c := range []struct {
			name string
			to   []world.Recipients
			want []world.Player
		}{
			{"everybody in sight of it", nil, []world.Player{1, 2, 3}},
			{"one player", []world.Recipients{world.ToPlayer(4)}, []world.Player{4}},
			{"a team", []world.Recipients{world.ToTeam(1)}, []world.Player{2, 4}},
			{"all", []world.Recipients{world.ToAll()}, []world.Player{1, 2, 3, 4}},
		} {
			s.tell(func(tx *world.Tx) {
				s.game.Flashes.Emit(tx, flash{X: 500, Y: 500}, c.to...)
				s.game.News.Send(tx, news{Text: c.name}, c.to...)
			})
			s.pass(500 * time.Millisecond)
			var flashed, told []world.Player
			for _, player := range s.clients {
				for range s.game.Flashes.In(player.Events()) {
					flashed = append(flashed, player.Player())
				}
				for _, n := range s.game.News.In(player.Messages()) {
					if n.Text != c.name {
						t.Errorf("the news are %q, want %q", n.Text, c.name)
					}
					told = append(told, player.Player())
				}
			}
			wantTold := c.want
			if c.to == nil {
				wantTold = []world.Player{1, 2, 3, 4} // a message has no place
			}
			if !slices.Equal(flashed, c.want) || !slices.Equal(told, wantTold) {
				t.Errorf("to %s: the event reached %v, want %v; the message %v, want %v", c.name, flashed, c.want, told, wantTold)
			}
		}
	})
}

func TestMessagesArriveInOrderThroughAStorm(t *testing.T) {
	simulate(t, 62, storm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		c := s.join()
		var got []string
		for n := range 60 {
			s.tell(func(tx *world.Tx) { s.game.News.Send(tx, news{Text: fmt.Sprint(n)}) })
			s.pass(100 * time.Millisecond)
			for _, m := range s.game.News.In(c.Messages()) {
				got = append(got, m.Text)
			}
		}
		s.pass(3 * time.Second)
		for _, m := range s.game.News.In(c.Messages()) {
			got = append(got, m.Text)
		}
		for n := range 60 {
			if n >= len(got) || got[n] != fmt.Sprint(n) {
				t.Fatalf("the messages are %v, want 0 to 59", got)
			}
		}
	})
}

func TestARequestIsAnswered(t *testing.T) {
	simulate(t, 63, storm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		c := s.join()
		s.game.resting.Store(true)
		before, _ := own(s.game, c, until(s.t, c, "the unit is here", func(v *world.View) bool { _, ok := own(s.game, c, v); return ok }))
		answer, err := client.Ask(s.t.Context(), c, s.game.Potions, potion{HP: 7})
		if err != nil || answer.HP != before.HP+7 {
			t.Errorf("the answer is %+v, %v; want %d HP", answer, err, before.HP+7)
		}
		if _, err := client.Ask(s.t.Context(), c, s.game.Potions, potion{}); !errors.Is(err, client.ErrDenied) || !strings.Contains(err.Error(), "the bottle is empty") {
			t.Errorf("a refusal is %v, want ErrDenied and the game's reason", err)
		}
		ctx, cancel := context.WithCancel(s.t.Context())
		cancel()
		if _, err := client.Ask(ctx, c, s.game.Potions, potion{HP: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("a request that was given up is %v", err)
		}
	})
}

func TestTooManyRequestsAreRefused(t *testing.T) {
	simulate(t, 64, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{OpenRequests: 4}}, func(s *simulation) {
		c := s.join()
		s.game.resting.Store(true)
		const asked = 12
		answers := make(chan error, asked)
		for range asked {
			go func() {
				_, err := client.Ask(s.t.Context(), c, s.game.Potions, potion{HP: 1})
				answers <- err
			}()
		}
		refused := 0
		for range asked {
			if err := <-answers; errors.Is(err, client.ErrDenied) && strings.Contains(err.Error(), "more than 4 requests") {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		st := s.server.Stats()
		if refused == 0 || refused > asked-4 || st.Requests != asked || st.RequestsRefused != uint64(refused) {
			t.Errorf("%d of %d requests were refused, the server counts %d of %d; want some", refused, asked, st.RequestsRefused, st.Requests)
		}
		s.pass(time.Second)
		if _, err := client.Ask(s.t.Context(), c, s.game.Potions, potion{HP: 1}); err != nil {
			t.Errorf("later a request failed with %v", err)
		}
	})
}

func TestARequestOfALostConnectionSaysSo(t *testing.T) {
	simulate(t, 65, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		c := s.join()
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		if _, err := client.Ask(s.t.Context(), c, s.game.Potions, potion{HP: 1}); !errors.Is(err, client.ErrUnreachable) {
			t.Errorf("the request failed with %v, want ErrUnreachable", err)
		}
	})
}

// heard is the chat that a player has got, a line each.
func heard(c *client.Client[stride]) (out []string) {
	for _, l := range c.Chat() {
		out = append(out, fmt.Sprintf("%d %v %s", l.From, l.Scope, l.Text))
	}
	return out
}

func TestChatReachesItsScope(t *testing.T) {
	simulate(t, 66, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		for range 4 {
			s.join()
		}
		c := s.clients
		for _, err := range []error{c[0].Say("hello"), c[1].SayTeam("psst"), c[2].Whisper(4, "you")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		s.pass(time.Second)
		for i, want := range [][]string{
			{"1 room hello"},
			{"1 room hello", "2 team psst"},
			{"1 room hello", "3 player you"},
			{"1 room hello", "2 team psst", "3 player you"},
		} {
			got := heard(c[i])
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("player %d heard %q, want %q", i+1, got, want)
			}
		}
		if err := c[0].Say(""); err == nil {
			t.Error("an empty line was taken")
		}
		if err := c[0].Say("\u200b\u202e"); err == nil {
			t.Error("a line of which nothing can be seen was taken")
		}
		c[0].Say("a\nb\u202ec")
		s.pass(time.Second)
		if got := heard(c[1]); !slices.Equal(got, []string{"1 room a bc"}) {
			t.Errorf("a line with what may not be in one comes as %q", got)
		}
	})
}

func TestChatIsModerated(t *testing.T) {
	moderate := func(_ context.Context, l server.Line) (string, error) {
		if strings.Contains(l.Text, "spam") {
			return "", fmt.Errorf("%s in %s: no advertising", l.Game, l.Room)
		}
		if l.Text == "boom" {
			panic("moderation fails")
		}
		return strings.ReplaceAll(l.Text, "darn", "****"), nil
	}
	simulate(t, 67, calm, server.Config{Games: []world.Game{newArena()}, Moderate: moderate}, func(s *simulation) {
		a, b := s.joinAs(s.in("hall")), s.joinAs(s.in("hall"))
		a.Say("darn it")
		a.Say("buy spam")
		s.pass(time.Second)
		if got := heard(b); !slices.Equal(got, []string{"1 room **** it"}) {
			t.Errorf("the other one heard %q", got)
		}
		if got := heard(a); len(got) != 2 || !slices.Contains(got, "0 player arena in hall: no advertising") {
			t.Errorf("the speaker heard %q, want the line and why the other one was not passed on", got)
		}
		a.Say("boom")
		s.pass(time.Second)
		if got := heard(a); len(got) != 1 || len(heard(b)) != 0 {
			t.Errorf("of a line that moderation fails on the speaker heard %q, want that it was not passed on", got)
		}
		if st := s.server.Stats(); st.ChatLines != 1 || st.ChatRefused != 2 {
			t.Errorf("%d lines were passed on and %d refused, want one and two", st.ChatLines, st.ChatRefused)
		}
	})
}

func TestWhoeverSaysTooMuchIsNotHeard(t *testing.T) {
	simulate(t, 68, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{ChatPerMinute: 20}}, func(s *simulation) {
		s.hostile = true
		a, b := s.join(), s.join()
		for n := range 12 {
			a.Say(fmt.Sprint(n))
		}
		s.pass(time.Second)
		if n := len(heard(b)); n != 5 {
			t.Errorf("%d of 12 lines came through at once, want a quarter of the minute's 20", n)
		}
		if st := s.server.Stats(); st.ChatLimited != 7 {
			t.Errorf("%d lines were dropped, want 7", st.ChatLimited)
		}
		s.pass(3 * time.Second)
		a.Say("again")
		s.pass(time.Second)
		if got := heard(b); len(got) != 1 {
			t.Errorf("three seconds later %q came through, want one line", got)
		}
	})
}

func TestALotOfChatIsSpreadOverTicks(t *testing.T) {
	simulate(t, 71, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{ChatPerMinute: 400}}, func(s *simulation) {
		a, b := s.join(), s.join()
		s.pass(time.Second)
		const said = 100
		for n := range said {
			a.Say(fmt.Sprint(n))
		}
		s.pass(100 * time.Millisecond)
		some := heard(b)
		if len(some) == 0 || len(some) > 60 {
			t.Errorf("in three ticks %d lines of %d came through, want 16 a tick at most", len(some), said)
		}
		s.pass(time.Second)
		all := append(some, heard(b)...)
		if len(all) != said {
			t.Errorf("%d of %d lines came through", len(all), said)
		}
		for n, line := range all {
			if want := fmt.Sprint("1 room ", n); line != want {
				t.Fatalf("line %d is %q, want %q", n, line, want)
			}
		}
	})
}

// TestWhoeverDoesNotReadLosesMessages: a client that never reads its control stream, and says so to nobody.
func TestWhoeverDoesNotReadLosesMessages(t *testing.T) {
	simulate(t, 69, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{UnreadMessages: 8}}, func(s *simulation) {
		reads := s.join()
		deaf := s.dial(s.sockets[5])
		deaf.hello(s.game)
		for range 1500 {
			s.tell(func(tx *world.Tx) {
				for range 20 {
					s.game.News.Send(tx, news{Text: strings.Repeat("x", 40)})
				}
			})
			s.pass(time.Second / 30)
			reads.Messages()
		}
		st := s.server.Stats()
		if st.MessagesDropped == 0 || deaf.Context().Err() != nil {
			t.Errorf("%d messages were dropped; the connection ended with %v", st.MessagesDropped, context.Cause(deaf.Context()))
		}
		if got := reads.Stats(); reads.Err() != nil || got.Tick+2 < s.server.Tick() {
			t.Errorf("the other one knows tick %d of %d, %v", got.Tick, s.server.Tick(), reads.Err())
		}
		deaf.CloseWithError(0, "")
	})
}

// TestAnswersDoNotPileUp: a client that asks and asks, and never reads an answer.
func TestAnswersDoNotPileUp(t *testing.T) {
	limits := server.Limits{UnreadMessages: 8, MessagesPerSecond: 1e6, MessageBytesPerSecond: 1e9, RequestsPerSecond: 1e6} // its pace is another test's
	simulate(t, 70, calm, server.Config{Games: []world.Game{newArena()}, Limits: limits}, func(s *simulation) {
		reads := s.join()
		deaf := s.dial(s.sockets[5])
		deaf.hello(s.game)
		ask, err := s.game.Potions.AppendAsk(nil, potion{HP: 1})
		if err != nil {
			t.Fatal(err)
		}
		const most = 20_000
		for n := range uint32(most / 100) { // as many as the stream takes, a hundred a tick
			var requests []byte
			for i := range uint32(100) {
				request, err := protocol.AppendRequest(nil, protocol.Request{Number: 100*n + i + 1, Data: ask})
				if err != nil {
					t.Fatal(err)
				}
				requests = protocol.AppendFrame(requests, request)
			}
			deaf.control.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err = deaf.control.Write(requests); err != nil {
				break
			}
			s.pass(time.Second / 30)
		}
		if got := s.server.Stats().Requests; got < 100 || got > most*3/4 {
			t.Errorf("%d of %d requests were taken of a client that reads no answer", got, most)
		}
		if reads.Err() != nil || deaf.Context().Err() != nil {
			t.Errorf("the connections ended with %v and %v", reads.Err(), context.Cause(deaf.Context()))
		}
		deaf.CloseWithError(0, "")
		s.pass(3 * time.Second)
		if _, sessions := s.server.Rows(); sessions != 1 {
			t.Errorf("%d sessions are left, want the one that reads", sessions)
		}
	})
}
