package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/clock"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// Config is everything that a server can be told. Only Game is needed.
type Config struct {
	// Game is what the server runs.
	Game world.Game
	// Addr is the UDP address, "host:port"; empty means 127.0.0.1:4433. Port 0 takes a free one.
	Addr string
	// PacketConn is used instead of Addr when it is set; it stays the caller's to close.
	PacketConn net.PacketConn
	// Certificate proves who the server is; nil means the development certificate, which only clients on the
	// same machine trust, so that Addr must then be a loopback address.
	Certificate *tls.Certificate
	// AllowPublicDevelopment lets the development certificate serve other addresses, too. Clients on other machines
	// must be given its pin.
	AllowPublicDevelopment bool
	// TickRate is in Hz, up to protocol.MaxTickRate; zero means 30.
	TickRate int
	// Seed begins the room's random stream; zero means one drawn at random.
	Seed uint64
	// JoinsPerTick bounds the players who are let in, or refused by the game, in one tick; the others wait for the
	// next. Zero means 32.
	JoinsPerTick int
	// MaxPlayers bounds the players of the room; zero means 1,000.
	MaxPlayers int
	// BudgetBytes bounds the records sent to one client per tick; zero means replicate's default.
	BudgetBytes int
	// InputsPerTick bounds the inputs that one session may send in a tick's time, so that one who sends more
	// gains nothing; zero means protocol.InputsPerDatagram.
	InputsPerTick int
	// CatchUpTicks is how many late ticks run back to back before the rest is skipped; zero means 5.
	CatchUpTicks int
	// HelloTimeout is how long a new connection may take to say hello; zero means 5 s.
	HelloTimeout time.Duration
	// CloseTimeout bounds how long a connection that is being ended may take over it; zero means 1 s.
	CloseTimeout time.Duration
	// Log gets what operators want to know; nil drops it.
	Log *slog.Logger
	// Sleeper is the clock's; nil means clock.Native. Virtual time needs clock.Portable.
	Sleeper clock.Sleeper
}

func (c Config) withDefaults() (Config, error) {
	if c.Game == nil {
		return c, errors.New("server: Config.Game is missing: give it the game to run")
	}
	if c.TickRate == 0 {
		c.TickRate = 30
	}
	if c.TickRate < 0 || c.TickRate > protocol.MaxTickRate {
		return c, fmt.Errorf("server: TickRate is %d Hz; 1 to %d are possible", c.TickRate, protocol.MaxTickRate)
	}
	for _, f := range []struct {
		name     string
		value    *int
		standard int
	}{
		{"MaxPlayers", &c.MaxPlayers, 1000},
		{"JoinsPerTick", &c.JoinsPerTick, 32},
		{"InputsPerTick", &c.InputsPerTick, protocol.InputsPerDatagram},
		{"CatchUpTicks", &c.CatchUpTicks, 5},
	} {
		if *f.value < 0 {
			return c, fmt.Errorf("server: %s is %d; it can't be negative", f.name, *f.value)
		}
		if *f.value == 0 {
			*f.value = f.standard
		}
	}
	if c.HelloTimeout < 0 || c.CloseTimeout < 0 || c.BudgetBytes < 0 {
		return c, errors.New("server: HelloTimeout, CloseTimeout and BudgetBytes can't be negative; zero means the default")
	}
	if c.HelloTimeout == 0 {
		c.HelloTimeout = 5 * time.Second
	}
	if c.CloseTimeout == 0 {
		c.CloseTimeout = time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if c.Sleeper == nil {
		c.Sleeper = clock.Native()
	}
	return c, nil
}

func (c Config) period() time.Duration { return time.Second / time.Duration(c.TickRate) }

func (c Config) transport() transport.Config {
	return transport.Config{
		Addr: c.Addr, PacketConn: c.PacketConn, Certificate: c.Certificate,
		AllowPublicDevelopment: c.AllowPublicDevelopment, MaxConns: c.MaxPlayers + spareConns,
	}
}

// spareConns is how many connections there may be beside the players: those that say hello, and those that are
// told why not or that it is over.
const spareConns = 256

// ageTicks is how many ticks behind the newest a datagram may be: a second, and at least what
// acknowledgements cover.
func (c Config) ageTicks() uint32 { return uint32(max(protocol.MinAge, c.TickRate)) }
