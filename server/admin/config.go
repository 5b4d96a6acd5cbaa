package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// DefaultAddr is where the door is without another address.
const DefaultAddr = "127.0.0.1:4434"

// defaultTickRate is the server's own default, in Hz.
const defaultTickRate = 30

// Server is what the door works on: a *server.Server. Rooms are named as it says.
type Server interface {
	Watched
	Paced
	Peopled
	Edited
	Sighted
	Captured
}

// Watched is what a server tells of itself; none of it makes a room wait.
type Watched interface {
	Stats() server.Stats
	Rooms() []server.RoomStats
	Room(room string) (server.RoomStats, error)
	Figures() []server.RoomFigures
	FiguresOf(room string) (server.RoomFigures, error)
	Games() []server.GameFigures
	Sessions() []server.SessionStats
	Look(room string) (*world.View, error)
	Draining() bool
}

// Paced is the pace and the end of rooms, and the server's own.
type Paced interface {
	Freeze(room string) error
	Step(ctx context.Context, room string, ticks int) (tick uint64, err error)
	Slow(room string, every int) error
	Resume(room string) error
	CloseRoom(room, reason string) error
	Drain(drain bool)
}

// Peopled is the players.
type Peopled interface {
	Kick(room string, player world.Player, reason string) error
	AddressOf(room string, player uint32) (netip.Prefix, error)
	Ban(server.Ban) (ban server.Ban, away int, err error)
	Unban(number uint64) (server.Ban, error)
	Bans() []server.Ban
	Say(room string, player world.Player, text string) (int, error)
	SayAll(text string) int
	Impair(room string, player world.Player, i server.Impairment) error
}

// Edited is the state.
type Edited interface {
	Edit(ctx context.Context, c server.Change) (server.Edit, error)
	Undo(ctx context.Context, number uint64, by string) (server.Edit, error)
	Edits() []server.Edit
}

// Sighted is what players were sent.
type Sighted interface {
	Why(ctx context.Context, room string, player world.Player, table string, id world.ID) (replicate.Why, error)
	Sights(ctx context.Context, room string, player world.Player, table string) ([]replicate.Why, error)
}

// Config is all that the door can be told. Server and Folder are needed.
type Config struct {
	Server Server
	// Folder has the credentials, the certificate and the audit log.
	Folder Folder
	// Addr is the door's UDP address; empty means DefaultAddr. Other machines reach it only when it says so.
	Addr string
	// PacketConn is used instead of Addr when it is set; it stays the caller's to close.
	PacketConn net.PacketConn
	// TickRate is the server's, in Hz, up to protocol.MaxTickRate; zero means 30.
	TickRate int
	// Level is the log's, for whoever wants to see more; nil: it can't be changed.
	Level *slog.LevelVar
	// Limits bound everything that could grow.
	Limits Limits
	// Log gets who comes in and what is refused; nil drops it.
	Log *slog.Logger
}

// Limits are the door's bounds. Zero means the default; a negative number is an error.
type Limits struct {
	// MaxConns bounds the connections, before and after the login; zero means 32. One more is closed as full.
	MaxConns int
	// MaxArrivingPerAddress bounds the connections of an address that have not logged in yet, so that one which sends nothing
	// does not take all places; zero means 8. One more is closed as full.
	MaxArrivingPerAddress int
	// MaxConnsPerCredential bounds the consoles of one credential, so that none takes all places; zero means 8. One more is
	// refused as full.
	MaxConnsPerCredential int
	// MaxRequests bounds the requests and subscriptions of a connection at a time; zero means 16. The client can't open more.
	MaxRequests int
	// WrongTokens is how many wrong tokens of an address are answered at once; zero means 10. Then every try from there waits
	// for its turn, of which there are WrongTokensPerMinute, zero means 60; whoever would wait longer than WrongTokenPatience,
	// zero means 10 s, is refused without a look at the token.
	WrongTokens, WrongTokensPerMinute int
	WrongTokenPatience                time.Duration
	// ActsPerSecond bounds the acts of a connection that are written down, as many at once; zero means 20. One more is
	// refused.
	ActsPerSecond int
	// ReadsPerSecond bounds what is read by one credential in all its consoles, each answer of a subscription counted, as many
	// at once; zero means 100. SightsPerSecond bounds what of these is asked of a player's next pass (sight), likewise; zero
	// means 20. One more is refused, and ends its subscription. The terminal program asks for 14 a second at its fastest, 4 of
	// them sights: a map with four tables through a player's eyes.
	ReadsPerSecond, SightsPerSecond int
	// HelloTimeout bounds the login; zero means 5 s. RequestTimeout bounds how long a request may take to come, an act to
	// wait for its room, and an answer to be taken; zero means 10 s.
	HelloTimeout, RequestTimeout time.Duration
}

func (c Config) withDefaults() (Config, error) {
	if c.Server == nil || c.Folder == "" {
		return c, errors.New("admin: Config needs a Server and a Folder")
	}
	if c.Addr == "" {
		c.Addr = DefaultAddr
	}
	var err error
	if c.TickRate, err = tickRate(c.TickRate); err != nil {
		return c, fmt.Errorf("admin: Config.%w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	c.Limits, err = c.Limits.withDefaults()
	return c, err
}

// tickRate is a server's tick rate in Hz, which zero leaves to the default.
func tickRate(hz int) (int, error) {
	if hz < 0 || hz > protocol.MaxTickRate {
		return 0, fmt.Errorf("TickRate is %d Hz; 1 to %d are possible, and zero means %d", hz, protocol.MaxTickRate, defaultTickRate)
	}
	return cmp.Or(hz, defaultTickRate), nil
}

func (l Limits) withDefaults() (Limits, error) {
	for _, f := range []struct {
		name     string
		value    *int
		standard int
	}{
		{"MaxConns", &l.MaxConns, 32}, {"MaxArrivingPerAddress", &l.MaxArrivingPerAddress, 8}, {"MaxConnsPerCredential", &l.MaxConnsPerCredential, 8},
		{"MaxRequests", &l.MaxRequests, 16}, {"WrongTokens", &l.WrongTokens, 10},
		{"WrongTokensPerMinute", &l.WrongTokensPerMinute, 60}, {"ActsPerSecond", &l.ActsPerSecond, 20},
		{"ReadsPerSecond", &l.ReadsPerSecond, 100}, {"SightsPerSecond", &l.SightsPerSecond, 20},
	} {
		if *f.value < 0 {
			return l, fmt.Errorf("admin: Limits.%s is %d; it can't be negative, and zero means %d", f.name, *f.value, f.standard)
		}
		if *f.value == 0 {
			*f.value = f.standard
		}
	}
	for _, f := range []struct {
		name     string
		value    *time.Duration
		standard time.Duration
	}{
		{"WrongTokenPatience", &l.WrongTokenPatience, 10 * time.Second}, {"HelloTimeout", &l.HelloTimeout, 5 * time.Second},
		{"RequestTimeout", &l.RequestTimeout, 10 * time.Second},
	} {
		if *f.value < 0 {
			return l, fmt.Errorf("admin: Limits.%s is %v; it can't be negative, and zero means %v", f.name, *f.value, f.standard)
		}
		if *f.value == 0 {
			*f.value = f.standard
		}
	}
	return l, nil
}
