package server_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// wantPanics checks that so many panics are counted at one place and none elsewhere, and that the log tells of it.
func wantPanics(t *testing.T, s *server.Server, where string, want uint64) {
	t.Helper()
	for at, n := range s.Stats().Panics {
		if at == where && n != want || at != where && n != 0 {
			t.Errorf("%d panics are counted at %s, want %d at %s alone", n, at, want, where)
		}
	}
}

// TestAPanicCostsOneSession, wherever it happens, and the other player's goes on.
func TestAPanicCostsOneSession(t *testing.T) {
	for _, test := range []struct {
		where string
		spoil func(s *simulation, victim *client.Client[stride])
	}{
		{"pass", func(s *simulation, victim *client.Client[stride]) { s.server.BreakPass(victim.Player()) }},
		{"session", func(s *simulation, victim *client.Client[stride]) {
			s.server.BreakChat(victim.Player())
			victim.Say("boo")
		}},
	} {
		t.Run(test.where, func(t *testing.T) {
			log := new(logBuffer)
			cfg := server.Config{Games: []world.Game{newArena()}, Log: slog.New(slog.NewTextHandler(log, nil))}
			simulate(t, 130, calm, cfg, func(s *simulation) {
				victim, other := s.join(), s.join()
				s.wander(time.Second)
				test.spoil(s, victim)
				s.pass(2 * time.Second)
				if err := victim.Err(); !errors.Is(err, client.ErrExpired) || !strings.Contains(err.Error(), "failed in your session") {
					s.t.Errorf("the player was told %v, want ErrExpired and why", err)
				}
				if other.Err() != nil || s.server.Tick() != s.dueTicks() {
					s.t.Errorf("the other player has %v, and it is tick %d of %d", other.Err(), s.server.Tick(), s.dueTicks())
				}
				wantPanics(s.t, s.server, test.where, 1)
				if !hasAll(log.String(), "level=ERROR", "a panic was contained", "where="+test.where, "goroutine") {
					s.t.Errorf("the log does not tell: %s", log)
				}
				if got := s.server.View().Players(); len(got) != 1 || got[0] != other.Player() || s.server.Stats().Sessions != 1 {
					s.t.Errorf("the players are %v, want %d alone", got, other.Player())
				}
				again := s.join()
				s.rest()
				s.pass(2 * time.Second)
				wantSame(s.t, s.game, s.server.View(), other)
				wantSame(s.t, s.game, s.server.View(), again)
			})
		})
	}
}

// TestAPanicOfTheLoopClosesItsRoom alone.
func TestAPanicOfTheLoopClosesItsRoom(t *testing.T) {
	simulateTrap(t, server.Config{}, func(s *trapSimulation) {
		victim := s.enter("one")
		s.server.BreakLoop()
		other := s.enter("two")
		s.pass(time.Second)
		if err := victim.Err(); !errors.Is(err, client.ErrRoomClosed) || other.Err() != nil {
			s.t.Errorf("the players were told %v and %v, want ErrRoomClosed and nothing", err, other.Err())
		}
		wantPanics(s.t, s.server, "room", 1)
		if st := s.server.Stats(); st.Rooms != 1 || st.RoomsClosed != 1 || st.Sessions != 1 {
			s.t.Errorf("%d rooms and %d sessions are left, %d rooms have closed", st.Rooms, st.Sessions, st.RoomsClosed)
		}
		s.enter("one")
	})
}

func TestAPanicOnTheWayInCostsThatConnection(t *testing.T) {
	simulate(t, 131, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		plays := s.join()
		mend := s.server.BreakConnections()
		conn := s.dial(s.sockets[5])
		s.pass(time.Second)
		conn.wantClosed(protocol.CloseExpired)
		mend()
		wantPanics(s.t, s.server, "connection", 1)
		s.join()
		s.pass(time.Second)
		if plays.Err() != nil {
			s.t.Error(plays.Err())
		}
	})
}

// TestAPanicOfAHookCostsWhatItWasAsked: the join, or the line.
func TestAPanicOfAHookCostsWhatItWasAsked(t *testing.T) {
	asked := 0
	cfg := server.Config{
		Games: []world.Game{newArena()},
		Gate: server.GateFunc(func(context.Context, server.Joining) (server.Identity, error) {
			if asked++; asked == 2 {
				panic("no such user")
			}
			return server.Identity{}, nil
		}),
		Moderate: func(_ context.Context, line server.Line) (string, error) {
			if line.Text == "boo" {
				panic("no such word")
			}
			return line.Text, nil
		},
	}
	simulate(t, 132, calm, cfg, func(s *simulation) {
		c := s.join()
		if _, err := s.tryJoin(); !errors.Is(err, client.ErrRefused) || strings.Contains(err.Error(), "no such user") {
			s.t.Errorf("whose join the gate has failed in is told %v, want ErrRefused without what it said", err)
		}
		wantPanics(s.t, s.server, "gate", 1)
		c.Say("boo")
		c.Say("hello")
		s.pass(time.Second)
		var heard []string
		for _, line := range c.Chat() {
			heard = append(heard, line.Text)
		}
		if got := strings.Join(heard, "|"); got != "this was not passed on|hello" || c.Err() != nil {
			s.t.Errorf("the player heard %q and has %v", got, c.Err())
		}
		if n := s.server.Stats().Panics["moderate"]; n != 1 {
			s.t.Errorf("%d panics of moderation are counted, want 1", n)
		}
	})
}

// brokenFiles is a page whose files can't be opened without a panic.
type brokenFiles struct{}

// Open panics.
func (brokenFiles) Open(string) (fs.File, error) { panic("no such disk") }

type brokenPage struct{ *arena }

func (brokenPage) Page() fs.FS { return brokenFiles{} }

func TestAPanicOfAPageCostsThatRequest(t *testing.T) {
	g := newArena()
	s := serve(t, server.Config{Games: []world.Game{brokenPage{g}}})
	c := join(t, s, g)
	response, body := browse(t, http.MethodGet, s.URL(), nil)
	if response.StatusCode != http.StatusInternalServerError || strings.Contains(body, "no such disk") {
		t.Errorf("a page that panics is answered by %d, %q", response.StatusCode, body)
	}
	wantPanics(t, s.Server, "http", 1)
	ticks(t, c, 5)
}

// failingLog is a log whose handler panics.
type failingLog struct{ slog.Handler }

// Handle panics.
func (failingLog) Handle(context.Context, slog.Record) error { panic("no such file") }

// WithAttrs keeps it so.
func (l failingLog) WithAttrs([]slog.Attr) slog.Handler { return l }

func TestALogThatFailsHoldsNobodyUp(t *testing.T) {
	cfg := server.Config{Games: []world.Game{newArena()}, Log: slog.New(failingLog{slog.NewTextHandler(new(logBuffer), nil)})}
	simulate(t, 133, calm, cfg, func(s *simulation) {
		c := s.join()
		s.pass(time.Second)
		if n := s.server.Stats().Panics["log"]; n < 2 || c.Err() != nil {
			s.t.Errorf("%d lines have failed, the player has %v", n, c.Err())
		}
	})
}

// fullLog is a log whose handler takes a line and never comes back, as on a pipe that nobody reads.
type fullLog struct {
	slog.Handler
	never atomic.Pointer[chan struct{}]
}

// Handle waits.
func (l *fullLog) Handle(context.Context, slog.Record) error {
	if never := l.never.Load(); never != nil {
		<-*never
	}
	return nil
}

// WithAttrs keeps it so.
func (l *fullLog) WithAttrs([]slog.Attr) slog.Handler { return l }

// TestALogThatTakesNothingHoldsNobodyUp: not the joins, of which each has a line at level debug, nor the ticks, nor the workers,
// nor the shutdown.
func TestALogThatTakesNothingHoldsNobodyUp(t *testing.T) {
	log := &fullLog{Handler: slog.NewTextHandler(new(logBuffer), &slog.HandlerOptions{Level: slog.LevelDebug})}
	simulate(t, 134, calm, server.Config{Games: []world.Game{newArena()}, Log: slog.New(log)}, func(s *simulation) {
		never := make(chan struct{})
		log.never.Store(&never)
		defer close(never)
		for range 3 {
			s.join()
		}
		for range 600 {
			s.game.tickPanics.Store(2)
			s.pass(100 * time.Millisecond)
		}
		st := s.server.Stats()
		if st.FailedTicks < 1100 || st.LogsDropped == 0 || s.server.Tick() != s.dueTicks() {
			s.t.Errorf("%d ticks failed, %d lines were dropped, and it is tick %d of %d", st.FailedTicks, st.LogsDropped, s.server.Tick(), s.dueTicks())
		}
		for _, c := range s.clients {
			if c.Err() != nil {
				s.t.Error(c.Err())
			}
		}
		before := time.Now()
		s.stop()
		<-s.ended
		if took := time.Since(before); took > 4*time.Second {
			s.t.Errorf("Run took %v to end, though the log gets one second", took)
		}
	})
}
