package server_test

import (
	"bytes"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// press is what a player of the trap game does: which callback of its room is to fall into the trap, zero for none.
type press struct {
	Trap uint8 `net:"range=0:9"`
}

// The traps, by the callback.
const (
	trapInput = iota + 1
	trapSystem
	trapTick
)

// pressed counts a room's ticks, and has what its OnTick or system is to fall into.
type pressed struct {
	Ticks uint32
	Trap  uint8
}

// trap is a game whose players choose what happens to their room.
type trap struct {
	*world.GameOf[press]
	Room world.Singleton[pressed]
	fall atomic.Pointer[func()] // into which whoever presses falls
}

func newTrap() *trap {
	g := &trap{GameOf: world.NewGame[press]("trap")}
	g.Room = world.AddSingleton(g, "room", pressed{})
	g.OnInput(func(tx *world.Tx, _ world.Player, in press) {
		if tx.Predicting() || in.Trap == 0 {
			return
		}
		g.Room.Edit(tx).Trap = in.Trap
		g.open(in.Trap == trapInput)
	})
	g.System("gears", func(tx *world.Tx) {
		now, _ := g.Room.Get(tx)
		g.open(now.Trap == trapSystem)
	})
	g.OnTick(func(tx *world.Tx) {
		g.Room.Edit(tx).Ticks++
		now, _ := g.Room.Get(tx)
		g.open(now.Trap == trapTick)
	})
	return g
}

func (g *trap) open(now bool) {
	if fall := g.fall.Load(); now && fall != nil {
		(*fall)()
	}
}

// fallInto sets what the trap does.
func (g *trap) fallInto(f func()) { g.fall.Store(&f) }

// trapped is a server of the trap game.
type trapped struct {
	*running
	t    *testing.T
	game *trap
	log  *logBuffer
}

// logBuffer is a log that several may write.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// String is what was written.
func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// serveTrap serves the trap game on a real socket.
func serveTrap(t *testing.T, cfg server.Config) *trapped {
	t.Helper()
	s := &trapped{t: t, game: newTrap(), log: new(logBuffer)}
	cfg.Games = []world.Game{s.game}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(s.log, nil))
	}
	s.running = serve(t, cfg)
	return s
}

// enter joins a room.
func (s *trapped) enter(room string) *client.Client[press] {
	s.t.Helper()
	c, err := s.tryEnter(room)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *trapped) tryEnter(room string) (*client.Client[press], error) {
	cfg := s.config()
	cfg.Room = room
	c, err := client.Join(s.t.Context(), s.game, cfg)
	if err == nil {
		s.t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// ticks waits for some more ticks of a player.
func (s *trapped) ticks(c *client.Client[press], n int) {
	s.t.Helper()
	v := c.View()
	for last := v.Tick + uint64(n); v.Tick < last; {
		next, err := c.Next(s.t.Context(), v)
		if err != nil {
			s.t.Fatalf("waiting for %d ticks: %v", n, err)
		}
		v = next
	}
}

// wantStuck waits until a player is told that its room has closed since it was stuck, while another one of another room
// has its ticks.
func (s *trapped) wantStuck(victim, other *client.Client[press]) {
	s.t.Helper()
	told := make(chan struct{})
	go func() {
		defer close(told)
		<-victim.Done()
	}()
	for n := 0; ; n++ {
		select {
		case <-told:
			if n < 10 {
				s.t.Errorf("the other room had %d ticks meanwhile", n)
			}
			if err := victim.Err(); !errors.Is(err, client.ErrRoomClosed) {
				s.t.Errorf("the player of the stuck room was told %v, want ErrRoomClosed", err)
			}
			return
		default:
			s.ticks(other, 1)
		}
	}
}

// within waits until something is so.
func (s *trapped) within(what string, is func() bool) {
	s.t.Helper()
	for range patience {
		if is() {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-s.t.Context().Done():
		}
	}
	s.t.Fatalf("this did not come true: %s", what)
}

// trapSimulation is a server of the trap game in virtual time.
type trapSimulation struct {
	*simulation
	game    *trap
	log     *logBuffer
	players []*client.Client[press]
}

func simulateTrap(t *testing.T, cfg server.Config, play func(*trapSimulation)) {
	t.Helper()
	s := &trapSimulation{game: newTrap(), log: new(logBuffer)}
	cfg.Games, cfg.Log = []world.Game{s.game}, slog.New(slog.NewTextHandler(s.log, nil))
	simulate(t, 120, calm, cfg, func(in *simulation) {
		s.simulation = in
		defer func() {
			for _, c := range s.players {
				c.Close()
			}
		}()
		play(s)
	})
}

// enter joins a room.
func (s *trapSimulation) enter(room string) *client.Client[press] {
	s.t.Helper()
	c, err := s.tryEnter(room)
	if err != nil {
		s.t.Fatalf("player %d can't join: %v", len(s.players)+1, err)
	}
	s.players = append(s.players, c)
	return c
}

func (s *trapSimulation) tryEnter(room string) (*client.Client[press], error) {
	cfg := s.config()
	cfg.Room, cfg.PacketConn = room, s.sockets[len(s.players)]
	return client.Join(s.t.Context(), s.game, cfg)
}
