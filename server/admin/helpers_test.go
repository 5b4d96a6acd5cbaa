package admin_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/clients/console"
	wire "github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/admin"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// yard is the game of these tests: everybody has a unit, and nothing happens to it.
type yard struct {
	*world.GameOf[struct{ DX int8 }]
	Units world.Table[unit]

	hurt atomic.Uint32 // what the next tick makes of every unit's HP; zero: nothing
	burn atomic.Int64  // how long the system hurt computes in each tick, as a time.Duration
}

type unit struct {
	HP     uint16
	X      float32 `net:"range=0:100,step=0.5"`
	Name   string  `net:"max=16"`
	Up     bool
	Serial uint64 // next to others' beyond what a float64 tells apart
}

func newYard() *yard {
	g := &yard{GameOf: world.NewGame[struct{ DX int8 }]("yard")}
	g.Units = world.AddTable[unit](g, "unit")
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		g.Units.Insert(tx, unit{HP: 100, X: float32(p), Name: "unit", Serial: 1<<53 + uint64(p)}, world.Owner(p))
		return nil
	})
	g.OnLeave(func(tx *world.Tx, p world.Player, _ world.LeaveReason) {
		for id := range g.Units.Owned(tx, p) {
			g.Units.Remove(tx, id)
		}
	})
	g.System("hurt", func(tx *world.Tx) {
		for begin, long := time.Now(), time.Duration(g.burn.Load()); time.Since(begin) < long; {
		}
		if hp := g.hurt.Swap(0); hp != 0 {
			for id := range g.Units.All(tx) {
				g.Units.Edit(tx, id).HP = uint16(hp)
			}
		}
	})
	return g
}

// site is a server with a door, both on free ports of loopback.
type site struct {
	*server.Server
	t      *testing.T
	game   *yard
	folder admin.Folder
	door   *admin.Door
	level  slog.LevelVar
	stop   func()
	json   bytes.Buffer // the log as JSON, and as text: read after stop
	text   bytes.Buffer
}

// log writes both.
func (s *site) log() *slog.Logger {
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	return slog.New(slog.NewMultiHandler(slog.NewJSONHandler(&s.json, all), slog.NewTextHandler(&s.text, all)))
}

// open starts a server and its door; a folder without credentials gets ann's, an owner's.
func open(t *testing.T, folder admin.Folder, limits admin.Limits) *site {
	t.Helper()
	s := &site{t: t, game: newYard(), folder: folder}
	if _, err := os.Stat(folder.Profile()); err != nil {
		if err := folder.Init("ann", admin.DefaultAddr, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	limits.HelloTimeout, limits.RequestTimeout = time.Minute, time.Minute
	limits.ReadsPerSecond = cmp.Or(limits.ReadsPerSecond, 100_000) // these tests ask until something is so
	log := s.log()
	cert, err := transport.NewDevCertificate(transport.DevCertificateParams{NotBefore: time.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	s.Server, err = server.New(server.Config{
		Games: []world.Game{s.game}, Addr: "127.0.0.1:0", Certificate: &cert, Gate: server.GateFunc(byName), TickRate: 100, Seed: 1, BanFile: folder.BanFile(), Log: log,
		Limits: server.Limits{MaxTickLoad: 100}, // the machine that tests is busy with other things
	})
	if err != nil {
		t.Fatal(err)
	}
	s.door, err = admin.Listen(admin.Config{Server: s.Server, Folder: folder, Addr: "127.0.0.1:0", TickRate: 100, Level: &s.level, Limits: limits, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 2)
	go func() { ran <- s.Run(ctx) }()
	go func() { ran <- s.door.Run(ctx) }()
	stopped := false
	s.stop = func() {
		if cancel(); !stopped {
			stopped = true
			if err := errors.Join(<-ran, <-ran); err != nil {
				t.Errorf("it ended with %v", err)
			}
		}
	}
	t.Cleanup(s.stop)
	return s
}

func newFolder(t *testing.T) admin.Folder {
	t.Helper()
	return admin.Folder(filepath.Join(t.TempDir(), "admin"))
}

// as comes in by a profile; by ann's when it is nil.
func (s *site) as(p *wire.Profile) *console.Client {
	s.t.Helper()
	c, err := s.try(p)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// joinRoom joins the room that a configuration says.
func (s *site) joinRoom(cfg client.Config) *player {
	s.t.Helper()
	cfg.Addr, cfg.Pins, cfg.Timeout = s.Addr().String(), [][32]byte{s.Pin()}, time.Minute
	c, err := client.Join(s.t.Context(), s.game, cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

func (s *site) try(p *wire.Profile) (*console.Client, error) {
	return console.Open(s.t.Context(), console.Config{Profile: p, ProfileFile: s.folder.Profile(), Addr: s.door.Addr().String(), Timeout: time.Minute})
}

// add makes credentials.
func (s *site) add(name string, role admin.Role, expires time.Time) *wire.Profile {
	s.t.Helper()
	p, err := s.folder.Add(name, role, expires, s.door.Addr().String(), time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return &p
}

// player is a headless player.
type player = client.Client[struct{ DX int8 }]

func (s *site) join() *player {
	s.t.Helper()
	c, err := s.tryJoin()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

func (s *site) tryJoin() (*player, error) { return s.tryJoinAs("") }

// tryJoinAs joins as a user.
func (s *site) tryJoinAs(user string) (*player, error) {
	return client.Join(s.t.Context(), s.game, client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}, Timeout: time.Minute, Token: []byte(user)})
}

// byName is a gate that believes everybody.
func byName(_ context.Context, j server.Joining) (server.Identity, error) {
	return server.Identity{User: string(j.Token)}, nil
}

// until waits, tick by tick, for something to become true of what a player sees.
func until(t *testing.T, c *player, what string, is func(*world.View) bool) {
	t.Helper()
	v := c.View()
	for range 3000 {
		if is(v) {
			return
		}
		next, err := c.Next(t.Context(), v)
		if err != nil {
			t.Fatalf("waiting for this: %s: %v", what, err)
		}
		v = next
	}
	t.Fatalf("this did not come true: %s", what)
}

// do asks, and must be answered.
func do(t *testing.T, c *console.Client, r wire.Request) wire.Answer {
	t.Helper()
	a, err := c.Do(t.Context(), r)
	if err != nil {
		t.Fatalf("%s: %v", r.Act, err)
	}
	return a
}

// wantRefusal asks, and must be refused with a code.
func wantRefusal(t *testing.T, c *console.Client, r wire.Request, code string) {
	t.Helper()
	_, err := c.Do(t.Context(), r)
	var refused *console.RefusedError
	if !errors.As(err, &refused) || refused.Code != code || refused.Text == "" {
		t.Errorf("%+v is answered by %v, want a refusal for %s", r, err, code)
	}
}

// auditLine is a line of the audit log.
type auditLine struct {
	At                                      time.Time
	ID, Who, Role, From, Act, State, Result string
	On                                      map[string]string
}

// audited reads the log.
func (s *site) audited() (out []auditLine) {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(string(s.folder), "audit.jsonl"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		var l auditLine
		if err := json.Unmarshal([]byte(line), &l); line != "" && err != nil {
			s.t.Fatalf("%q: %v", line, err)
		}
		out = append(out, l)
	}
	return out
}

// wantAudited finds the two lines of the latest act of a kind.
func (s *site) wantAudited(act wire.Act, who, state string) auditLine {
	s.t.Helper()
	lines := s.audited()
	n := len(lines)
	if n < 2 || lines[n-1].Act != string(act) || lines[n-1].State != state || lines[n-1].Who != who || lines[n-1].From == "" ||
		lines[n-2].State != "asked" || lines[n-2].ID != lines[n-1].ID {
		s.t.Errorf("the audit log ends with %+v, want %s by %s, %s", lines[max(0, n-2):], act, who, state)
	}
	return lines[n-1]
}
