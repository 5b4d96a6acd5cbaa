package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/clock"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// Config is everything that a server can be told. Only Games is needed.
type Config struct {
	// Games are what the server runs, each under its own name; a client that names none gets the first.
	Games []world.Game
	// Addr is the address, "host:port", of UDP and of TCP; empty means 127.0.0.1:4433. Port 0 takes one that is free for
	// both.
	Addr string
	// PacketConn is used instead of Addr when it is set; it stays the caller's to close. There is no TCP then.
	PacketConn net.PacketConn
	// NoWeb shuts the doors for browsers: WebTransport on the UDP port, and the TCP port with its pages and WebSockets.
	// Otherwise both are open: with a Certificate TCP speaks TLS, and without one it is plain, and for this machine alone.
	NoWeb bool
	// Origins are the pages of other servers that may use this one, as browsers write them: "https://play.example.com".
	// Its own may always, and those of this machine when Addr is a loopback address.
	Origins []string
	// WebTransportAddr is the "host:port" at which browsers are told to look for WebTransport, for servers whose TCP port
	// they reach by a proxy; empty means where they asked, and "none" that they are told of none.
	WebTransportAddr string
	// Certificate proves who the server is; nil means the development certificate, which only clients on the
	// same machine trust, so that Addr must then be a loopback address.
	Certificate *tls.Certificate
	// CertificateFile and KeyFile are PEM files that take the place of Certificate. They are read anew every minute, and by
	// ReloadCertificate: once they hold another valid pair, newcomers are shown that.
	CertificateFile, KeyFile string
	// AllowPublicDevelopment lets the development certificate serve other addresses, too. Clients on other machines
	// must be given its pin.
	AllowPublicDevelopment bool
	// Gate decides who may join. Without one everybody may, as nobody in particular: that is for development, and New
	// refuses it beside a Certificate unless AnyoneMayJoin says that it is meant.
	Gate Gate
	// AnyoneMayJoin lets a server with a Certificate go without a Gate.
	AnyoneMayJoin bool
	// Trusted are addresses to which no bound applies that is for each address, such as those of proxies and load generators;
	// the bounds for all together hold. Nil means the loopback addresses: whoever is on this machine could do worse. An
	// empty list means none.
	Trusted []netip.Prefix
	// TickRate of every room is in Hz, up to protocol.MaxTickRate; zero means 30.
	TickRate int
	// Seed begins the rooms' random streams, each with its own; zero means one drawn at random.
	Seed uint64
	// BudgetBytes bounds the records sent to one client per tick; zero means replicate's default.
	BudgetBytes int
	// SteadyRate sends every change at once, however far away. Otherwise clients are told less often of what is far from
	// where they look; see replicate.Config.
	SteadyRate bool
	// LagCompensation is how far back, at most, Tx.Seen shows a game what a player saw; zero means 500 ms, and less than
	// zero switches it off: what was seen is what is. At most 124 ticks.
	LagCompensation time.Duration
	// OverStream has states and inputs travel on a reliable stream each way, to measure what datagrams are worth. Clients must
	// have the same in their Config; others are refused. It is not for players.
	OverStream bool
	// Moderate, if given, is asked about each line of chat before anybody gets it: it returns the text to pass on, empty
	// for none, or an error that is told to the speaker. It may take its time, which only the speaker's connection waits for, and must
	// end when ctx does.
	Moderate func(ctx context.Context, line Line) (text string, err error)
	// BanFile keeps the bans, so that they survive a restart; empty keeps them in memory. One server at a time has it, by a lock
	// on a file beside it that ends in .lock: New refuses another one with ErrBanFileTaken.
	BanFile string
	// MemoryBytes bounds what the process uses: above seven tenths of it newcomers are refused as full, while those who are in
	// play on and may come back. Zero means that there is no bound. It does not have Go collect garbage sooner:
	// debug.SetMemoryLimit does, which is for the program to call, with the same number.
	MemoryBytes int64
	// Limits bound everything that could grow.
	Limits Limits
	// Log gets what operators want to know; nil drops it.
	Log *slog.Logger
	// Sleeper is the clock's; nil means clock.Native. Virtual time needs clock.Portable.
	Sleeper clock.Sleeper
}

// Line is a line of chat for Config.Moderate.
type Line struct {
	Game, Room string // where it was said
	From       world.Player
	Scope      protocol.Scope
	To         world.Player // whom a line to one player is for
	Text       string
}

// ErrNoGate is New's error for a Certificate, which is for the world, without a word on who may join.
var ErrNoGate = errors.New("server: Config.Certificate is set, and anybody could join: set Config.Gate, or Config.AnyoneMayJoin if that is meant")

func (c Config) withDefaults() (Config, error) {
	if len(c.Games) == 0 {
		return c, errors.New("server: Config.Games is empty: give it the games to run")
	}
	if (c.Certificate != nil || c.CertificateFile != "") && c.Gate == nil && !c.AnyoneMayJoin {
		return c, ErrNoGate
	}
	if c.TickRate == 0 {
		c.TickRate = 30
	}
	if c.TickRate < 0 || c.TickRate > protocol.MaxTickRate {
		return c, fmt.Errorf("server: TickRate is %d Hz; 1 to %d are possible", c.TickRate, protocol.MaxTickRate)
	}
	if c.BudgetBytes < 0 {
		return c, errors.New("server: BudgetBytes can't be negative; zero means the default")
	}
	if c.MemoryBytes < 0 {
		return c, errors.New("server: MemoryBytes can't be negative; zero means no bound")
	}
	if c.LagCompensation == 0 {
		c.LagCompensation = 500 * time.Millisecond
	}
	if most := lagTicksMax * c.period(); c.LagCompensation > most {
		return c, fmt.Errorf("server: LagCompensation is %v; at most %v are possible at %d Hz", c.LagCompensation, most, c.TickRate)
	}
	if !webTransportAddr(c.WebTransportAddr) {
		return c, fmt.Errorf("server: WebTransportAddr is %q: write host and port, as in play.example.com:4433, or none", c.WebTransportAddr)
	}
	for _, prefix := range c.Trusted {
		if !prefix.IsValid() {
			return c, errors.New("server: a prefix in Trusted is no prefix: write it as in 192.0.2.7/32")
		}
	}
	var err error
	if c.Limits, err = c.Limits.withDefaults(c.TickRate); err != nil {
		return c, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if c.Sleeper == nil {
		c.Sleeper = clock.Native()
	}
	return c, nil
}

// noWebTransport is the WebTransportAddr of servers that don't tell of theirs.
const noWebTransport = "none"

// webTransportAddr tells whether addr can be Config.WebTransportAddr.
func webTransportAddr(addr string) bool {
	if addr == "" || addr == noWebTransport {
		return true
	}
	host, port, err := net.SplitHostPort(addr)
	n, notNumber := strconv.ParseUint(port, 10, 16)
	return err == nil && notNumber == nil && n > 0 && host != "" && isPlain(addr)
}

// lagTicksMax is how many ticks Tx.Seen can look back: a world's history less the records before and after.
const lagTicksMax = 124

func (c Config) period() time.Duration { return time.Second / time.Duration(c.TickRate) }

func (c Config) transport() transport.Config {
	return transport.Config{
		Addr: c.Addr, PacketConn: c.PacketConn, Certificate: c.Certificate,
		CertificateFile: c.CertificateFile, KeyFile: c.KeyFile,
		AllowPublicDevelopment: c.AllowPublicDevelopment, OverStream: c.OverStream, NoWeb: c.NoWeb, Origins: c.Origins, Trusted: c.Trusted,
		UpgradeTimeout: c.Limits.HelloTimeout, MaxHTTPConns: c.Limits.MaxHTTPConns, MaxHTTPConnsPerAddress: c.Limits.MaxHTTPConnsPerAddress, MaxRequests: c.Limits.MaxHTTPRequests,
		MaxConns: c.Limits.MaxConns, MaxConnsPerAddress: c.Limits.MaxConnsPerAddress,
		MaxHandshakes: c.Limits.MaxHandshakes, MaxHandshakesPerAddress: c.Limits.MaxHandshakesPerAddress,
		HandshakesPerSecondPerAddress: c.Limits.HandshakesPerSecondPerAddress, RetryAbovePerSecond: c.Limits.RetryAbovePerSecond,
		HandshakesPerSecond: c.Limits.HandshakesPerSecond, HandshakeTimeout: c.Limits.HandshakeTimeout,
		IdleTimeout: c.Limits.IdleTimeout, MaxStreams: c.Limits.MaxStreams, MovesPerMinute: c.Limits.MovesPerMinute,
		StreamWindowBytes: c.Limits.StreamWindowBytes, ConnWindowBytes: c.Limits.ConnWindowBytes,
	}
}

// ageTicks is how many ticks behind the newest a datagram may be: a second, and at least what
// acknowledgements cover.
func (c Config) ageTicks() uint32 { return uint32(max(protocol.MinAge, c.TickRate)) }

// eventAge is for how long an event is worth telling.
const eventAge = 250 * time.Millisecond

// eventTicks is the same in ticks, at least one.
func (c Config) eventTicks() int {
	return int(max(1, min((eventAge+c.period()-1)/c.period(), protocol.MaxEventTicks)))
}
