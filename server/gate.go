package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/world"
)

// Gate decides who may join; see Config.Gate.
type Gate interface {
	// Admit says who it is that wants to join. It is asked on the connection's goroutine, many at once, after the hello and
	// before anything is done for it; a resumed session is not asked for again. It may take Limits.HelloTimeout, and must
	// end when ctx does. The player is told the text of a *Denial; any other error is logged, and the player told to
	// try later. A panic costs this join alone.
	Admit(ctx context.Context, j Joining) (Identity, error)
}

// Counted is a Gate that counts, for Stats.Gate: totals since the start, by names of its own in snake case.
type Counted interface{ Counts() map[string]uint64 }

// GateFunc is a function that is a Gate.
type GateFunc func(ctx context.Context, j Joining) (Identity, error)

// Admit calls the function.
func (f GateFunc) Admit(ctx context.Context, j Joining) (Identity, error) { return f(ctx, j) }

// Joining is what is known of somebody who wants to join. All of it but Addr is the client's word.
type Joining struct {
	// Token is the hello's, at most protocol.MaxToken bytes; empty when it has none. Never log it.
	Token []byte
	// Addr is where the connection comes from.
	Addr netip.Addr
	// Game is the name of the game that it gets; Room and Join are the hello's.
	Game, Room string
	Join       protocol.JoinKind
}

// Identity is who a player is, as a Gate has found.
type Identity struct {
	// User names the player for bans, operators and the game: plain text of at most world.MaxUser bytes, always the same
	// for the same person; empty means nobody in particular, whom a ban by name does not hold.
	User string
	// Role is for the game, which Tx.Role tells it: plain text of at most world.MaxRole bytes; empty means none.
	Role string
	// Room is the only room that the player may join, by its name, or a private one's by its code, and the one that it gets
	// if it names none; empty means any.
	Room string
	// Game is the only game that the player may join; empty means any.
	Game string
}

// Denial is why somebody may not join.
type Denial struct {
	// Name counts it, in Stats.Denied: a word or two in snake case, of a few that a Gate has.
	Name string
	// Reason is told to the player: what is wrong and what to do, at most protocol.MaxReason bytes. It must not repeat the
	// token.
	Reason string
}

// Error is the reason.
func (d *Denial) Error() string { return d.Reason }

// undecided is what somebody is told whose join could not be decided.
var undecided = refusal{protocol.CloseRefused, "the server can't tell at the moment whether you may join: try again later"}

// identify asks the Gate who wants to join, and holds the hello against the answer. It may fill in the room.
func (s *Server) identify(ctx context.Context, c *connection, g *game, h *protocol.Hello) (Identity, *refusal) {
	if s.cfg.Gate == nil {
		return Identity{}, nil
	}
	addr, _ := addrOf(c.conn.RemoteAddr())
	j := Joining{Token: h.Token, Addr: addr, Game: g.schema.Game, Room: h.Room, Join: h.Join}
	who, err := s.askGate(ctx, c, j)
	if ctx.Err() != nil {
		return Identity{}, &stopping
	}
	if c.conn.Context().Err() != nil { // nobody is there to be told
		return Identity{}, &refusal{}
	}
	if err == nil {
		err = who.admits(j.Game, h)
	}
	var denial *Denial
	switch {
	case errors.As(err, &denial):
		s.denials.count(denial.Name)
		s.cfg.Log.Debug("join denied", "why", denial.Name, "from", addr.String())
		return Identity{}, &refusal{protocol.CloseRefused, denial.Reason}
	case err != nil:
		s.denials.count("undecided")
		if s.denials.lines.Allow() {
			s.cfg.Log.Warn("join not decided", "from", addr.String(), "error", err)
		}
		return Identity{}, &undecided
	}
	if banned := s.banned(c.conn.RemoteAddr(), who.User); banned != nil {
		return Identity{}, banned
	}
	return who, nil
}

// askGate asks within a time; a panic is an error.
func (s *Server) askGate(ctx context.Context, c *connection, j Joining) (who Identity, err error) {
	timed, cancel := context.WithTimeout(c.conn.Context(), s.cfg.Limits.HelloTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	defer s.panics.Catch("gate", func() { err = errors.New("the gate panicked") })
	who, err = s.cfg.Gate.Admit(timed, j)
	if err == nil {
		err = timed.Err() // an answer that comes too late is none
	}
	if err == nil {
		err = who.check()
	}
	return who, err
}

// check refuses an identity that a Gate should not have given.
func (i Identity) check() error {
	for _, text := range []struct {
		name, value string
		most        int
	}{
		{"User", i.User, world.MaxUser}, {"Role", i.Role, world.MaxRole}, {"Room", i.Room, protocol.MaxGameName}, {"Game", i.Game, protocol.MaxGameName},
	} {
		if len(text.value) > text.most || !utf8.ValidString(text.value) || strings.ContainsFunc(text.value, unprintable) {
			return fmt.Errorf("the gate's Identity.%s is not plain text of at most %d bytes", text.name, text.most)
		}
	}
	return nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// admits holds a hello against what the player may join; without a room, it gets the player's. The error is a *Denial.
func (i Identity) admits(game string, h *protocol.Hello) error {
	if i.Game != "" && i.Game != game {
		return &Denial{"other_game", "your token is for another game: join that one, or get a token for this"}
	}
	if i.Room == "" {
		return nil
	}
	if h.Room == "" && h.Join == protocol.JoinOrCreate {
		h.Room = i.Room
	}
	if h.Room == i.Room || h.Join == protocol.JoinPrivate && strings.EqualFold(h.Room, i.Room) {
		return nil
	}
	return &Denial{"other_room", "your token is for another room: join that one, or get a token for this"}
}

const (
	// maxDenials bounds the names by which denials are counted; others are counted as otherDenials.
	maxDenials   = 64
	otherDenials = "other"
	// denialLogs is how many lines about joins that could not be decided are logged at once, and then one a second: anybody
	// can bring them about.
	denialLogs = 8
)

// denials counts why joins were denied, by name.
type denials struct {
	lines *rate.Limiter // of the log
	mu    sync.Mutex    // guards names
	names map[string]uint64
}

func newDenials() *denials {
	return &denials{lines: rate.NewLimiter(1, denialLogs), names: map[string]uint64{}}
}

func (d *denials) count(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.names[name]; name == "" || !known && len(d.names) >= maxDenials {
		name = otherDenials
	}
	d.names[name]++
}

// read returns a copy.
func (d *denials) read() map[string]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.names)
}
