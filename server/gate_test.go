package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// guests is a gate that lets in whom a test names by their tokens.
type guests map[string]server.Identity

func (g guests) Admit(_ context.Context, j server.Joining) (server.Identity, error) {
	who, ok := g[string(j.Token)]
	if !ok {
		return who, &server.Denial{Name: "stranger", Reason: "ask ann for a token"}
	}
	return who, nil
}

// as is how a client joins with a token.
func (r *running) as(token string) client.Config {
	cfg := r.config()
	cfg.Token = []byte(token)
	return cfg
}

// joinAs joins by a config.
func joinAs(t *testing.T, cfg client.Config, g *arena) *client.Client[stride] {
	t.Helper()
	c, err := client.Join(t.Context(), g, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// wantDenied joins, and wants to be told a text.
func wantDenied(t *testing.T, cfg client.Config, g *arena, text string) {
	t.Helper()
	c, err := client.Join(t.Context(), g, cfg)
	if err == nil {
		c.Close()
		t.Errorf("it was let in, want %q", text)
		return
	}
	if !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), text) {
		t.Errorf("it is told %v, want ErrRefused and %q", err, text)
	}
}

func TestTheGateSaysWhoComes(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}, Gate: guests{"one": {User: "ann", Role: "referee"}}})
	c := joinAs(t, s.as("one"), g)
	waitFor(func() bool { return len(s.Sessions()) > 0 }) // which follows the welcome
	if got := s.Sessions(); len(got) != 1 || got[0].User != "ann" || got[0].Player != c.Player() {
		t.Errorf("the sessions are %+v, want ann's", got)
	}
	for _, token := range []string{"", "two", "on"} {
		wantDenied(t, s.as(token), g, "ask ann for a token")
	}
	if got, want := s.Stats().Denied, map[string]uint64{"stranger": 3}; !maps.Equal(got, want) {
		t.Errorf("the denials are %v, want %v", got, want)
	}
	if n := s.Stats().Players; n != 1 {
		t.Errorf("%d players are in, want ann", n)
	}
}

// TestTheGameIsToldWhoComes, and may refuse.
func TestTheGameIsToldWhoComes(t *testing.T) {
	g := world.NewGame[stride]("club")
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		if tx.Role(p) != "member" {
			return fmt.Errorf("%s is no member", tx.User(p))
		}
		return nil
	})
	s := serve(t, server.Config{Games: []world.Game{g}, Gate: guests{"a": {User: "ann", Role: "member"}, "b": {User: "ben"}}})
	c, err := client.Join(t.Context(), g, s.as("a"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if seat, _ := s.View().Seat(c.Player()); seat.User != "ann" || seat.Role != "member" {
		t.Errorf("the seat is %+v, want ann's", seat)
	}
	if _, err := client.Join(t.Context(), g, s.as("b")); !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), "ben is no member") {
		t.Errorf("ben is told %v", err)
	}
}

// TestATokenForARoomLetsIntoNoOther, and finds its way to that without a name.
func TestATokenForARoomLetsIntoNoOther(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}, Gate: guests{
		"host": {User: "host"}, "red": {User: "ann", Room: "red"}, "chess": {User: "ben", Game: "chess"}, "arena": {User: "cid", Game: "arena"},
	}})
	private := s.as("host")
	private.Private = true
	code := joinAs(t, private, g).Room()
	blue := s.as("host")
	blue.Room = "blue"
	joinAs(t, blue, g)

	for name, ask := range map[string]func(*client.Config){
		"another room":          func(c *client.Config) { c.Room = "blue" },
		"a room that is new":    func(c *client.Config) { c.Room = "redder" },
		"a room in other cases": func(c *client.Config) { c.Room = "RED" },
		"a private room":        func(c *client.Config) { c.Private = true },
		"somebody's private":    func(c *client.Config) { c.Code = code },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := s.as("red")
			ask(&cfg)
			wantDenied(t, cfg, g, "for another room")
		})
	}
	if got := joinAs(t, s.as("red"), g).Room(); got != "red" {
		t.Errorf("without a name ann is in %q, want red", got)
	}
	named := s.as("red")
	named.Room, named.Existing = "red", true
	joinAs(t, named, g)
	wantDenied(t, s.as("chess"), g, "for another game")
	joinAs(t, s.as("arena"), g)
	if got, want := s.Stats().Denied, map[string]uint64{"other_room": 5, "other_game": 1}; !maps.Equal(got, want) {
		t.Errorf("the denials are %v, want %v", got, want)
	}
}

// TestATokenForAPrivateRoom is for its code.
func TestATokenForAPrivateRoom(t *testing.T) {
	g := quietArena()
	var room atomic.Value // the code that ann's token is for
	gate := server.GateFunc(func(_ context.Context, j server.Joining) (server.Identity, error) {
		if string(j.Token) == "host" {
			return server.Identity{User: "host"}, nil
		}
		return server.Identity{User: "ann", Room: room.Load().(string)}, nil
	})
	s := serve(t, server.Config{Games: []world.Game{g}, Gate: gate})
	private := s.as("host")
	private.Private = true
	code := joinAs(t, private, g).Room()
	room.Store(code)
	in := s.as("in")
	in.Code = strings.ToLower(code)
	if got := joinAs(t, in, g).Room(); got != code {
		t.Errorf("ann is in %q, want the private room", got)
	}
}

// syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestAGateThatFails costs the joins that it fails: it panics, errs, says what can't be, or does not end.
func TestAGateThatFails(t *testing.T) {
	g := quietArena()
	var log syncBuffer
	s := serve(t, server.Config{
		Games: []world.Game{g}, Log: slog.New(slog.NewTextHandler(&log, nil)), Limits: server.Limits{HelloTimeout: time.Second},
		Gate: server.GateFunc(func(ctx context.Context, j server.Joining) (server.Identity, error) {
			switch string(j.Token) {
			case "panic":
				panic("the gate's hinges")
			case "err":
				return server.Identity{}, errors.New("no keys")
			case "never":
				<-ctx.Done()
				return server.Identity{User: "late"}, nil
			case "control":
				return server.Identity{User: "a\x1b[2Jb"}, nil
			case "hidden":
				return server.Identity{User: "a\u202eb"}, nil
			case "long":
				return server.Identity{User: strings.Repeat("a", world.MaxUser+1)}, nil
			case "role":
				return server.Identity{Role: strings.Repeat("a", world.MaxRole+1)}, nil
			}
			return server.Identity{User: strings.Repeat("a", world.MaxUser), Role: strings.Repeat("a", world.MaxRole)}, nil
		}),
	})
	good := joinAs(t, s.as("good"), g)
	failing := []string{"panic", "err", "never", "control", "hidden", "long", "role"}
	for _, token := range failing {
		wantDenied(t, s.as(token), g, "try again later")
	}
	if got := s.Stats().Denied["undecided"]; got != uint64(len(failing)) {
		t.Errorf("%d joins are undecided, want %d", got, len(failing))
	}
	for _, want := range []string{"hinges", "no keys", "Identity.User", "Identity.Role"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not tell of %q", want)
		}
	}
	wantPlaying(t, g, good)
}

// TestDenialsAreBounded by name, for a gate that makes them up.
func TestDenialsAreBounded(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{
		Games: []world.Game{g},
		Gate: server.GateFunc(func(_ context.Context, j server.Joining) (server.Identity, error) {
			return server.Identity{}, fmt.Errorf("wrapped: %w", &server.Denial{Name: string(j.Token), Reason: strings.Repeat("no ", 200)})
		}),
	})
	hello := func(token string) []byte {
		b, err := protocol.AppendHello(nil, protocol.Hello{Game: "arena", Token: []byte(token)})
		if err != nil {
			t.Fatal(err)
		}
		return protocol.AppendFrame(nil, b)
	}
	for i := range 70 {
		c := s.dial(t)
		token := fmt.Sprint("name", i)
		if i == 0 {
			token = ""
		}
		c.write(hello(token), false)
		if bye := c.goodbye(); bye.Code != protocol.CloseRefused || len(bye.Reason) > protocol.MaxReason {
			t.Fatalf("it is told %v, %q", bye.Code, bye.Reason)
		}
		c.close()
	}
	denied, all := s.Stats().Denied, uint64(0)
	for _, n := range denied {
		all += n
	}
	if all != 70 || len(denied) > 65 || denied["other"] < 6 {
		t.Errorf("of 70 denials %d are counted by %d names, %d as others", all, len(denied), denied["other"])
	}
}

// TestACertificateNeedsAWordOnWhoMayJoin, and the development certificate does not.
func TestACertificateNeedsAWordOnWhoMayJoin(t *testing.T) {
	cfg := server.Config{Games: []world.Game{quietArena()}, Addr: "127.0.0.1:0", Certificate: certificate()}
	if s, err := server.New(cfg); !errors.Is(err, server.ErrNoGate) {
		t.Errorf("without a gate New returned %v", err)
		if err == nil {
			s.Close()
		}
	}
	said, gated, development := cfg, cfg, cfg
	said.AnyoneMayJoin = true
	gated.Gate = guests{}
	development.Certificate = nil
	for name, cfg := range map[string]server.Config{"said": said, "gated": gated, "development": development} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			s, err := server.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
		})
	}
}
