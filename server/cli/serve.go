package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/quicstep/quicstep/clients/bots"
	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/quota"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// The tick rates without --tick, in Hz, and where --bench tells its figures.
const (
	defaultTick      = 30
	defaultBenchTick = 20
	benchDebugAddr   = "127.0.0.1:6060"
)

// serveCmd serves games.
type serveCmd struct {
	Game    []string `help:"Serve this game; may be repeated, or a list with commas. Without it all of them are served." placeholder:"NAME" group:"game"`
	Tick    int      `help:"Ticks per second of every room; 0 means 30, or 20 with --bench." default:"0" placeholder:"HZ" group:"game"`
	Seed    uint64   `help:"Begin the rooms' random streams with this number; 0 draws one." default:"0" placeholder:"N" group:"game"`
	Bench   bool     `help:"Serve a game's workload for measurements in place of the game, and its figures at --debug-addr." group:"game"`
	Players int      `help:"Lay that workload out for so many players." default:"200" placeholder:"N" group:"game"`
	workloadFlags

	Addr                   string        `help:"Listen on this address, for UDP and TCP; port 0 takes a free one." default:"127.0.0.1:4433" placeholder:"HOST:PORT" group:"network"`
	Cert                   string        `help:"The certificate's PEM file, with its chain. Without one a development certificate is made, which clients on this machine trust." placeholder:"FILE" group:"network"`
	Key                    string        `help:"The certificate's key, a PEM file." placeholder:"FILE" group:"network"`
	AllowPublicDevelopment bool          `help:"Let the development certificate serve other machines, too; players there need its pin." group:"network"`
	Origin                 []string      `help:"Let pages of this origin use the server, beside its own; may be repeated, or a list with commas." placeholder:"https://HOST" group:"network"`
	WebTransportAddr       string        `name:"webtransport-addr" help:"Tell browsers to look for WebTransport at this address, when they reach the TCP port by a proxy; none tells of none. Without it, where they asked." placeholder:"HOST:PORT" group:"network"`
	Trusted                []string      `help:"Apply no bound for each address to this one, or to these: a proxy's, a load generator's; may be repeated, or a list with commas. Without it, the loopback addresses." placeholder:"PREFIX" group:"network"`
	NoWeb                  bool          `name:"no-web" help:"Shut the doors for browsers: WebTransport, and HTTP with its WebSockets on the TCP port." group:"network"`
	Budget                 int           `help:"The most bytes of records for one client in a tick; 0 means three full datagrams." default:"0" placeholder:"BYTES" group:"network"`
	SteadyRate             bool          `help:"Send every change at once, however far away it is; otherwise what is far is sent less often." group:"network"`
	LagCompensation        time.Duration `help:"How far back, at most, games see what a player saw, so that what hits on its screen hits; 0 switches it off." default:"500ms" placeholder:"TIME" group:"network"`

	authFlags

	MaxRooms          int           `help:"The most rooms; 0 means 100." default:"0" placeholder:"N" group:"rooms"`
	MaxPlayers        int           `help:"The most players in a room; 0 means 1,000, or what the game says." default:"0" placeholder:"N" group:"rooms"`
	EmptyRoomLifetime time.Duration `help:"For how long a room without players stays." default:"30s" placeholder:"TIME" group:"rooms"`
	IdleTimeout       time.Duration `help:"For how long a connection may be silent before it counts as lost, and its player is held." default:"15s" placeholder:"TIME" group:"rooms"`

	Bots        int    `help:"Play with so many bots in this process, for show, and print a line about it every two seconds." default:"0" placeholder:"N" group:"operate"`
	Memory      string `help:"Let the process use so much memory, as in 256MiB: Go collects garbage sooner near it, and above seven tenths newcomers are refused. Without it what GOMEMLIMIT says, else nine tenths of what the container may use, else there is no bound; nor is there with none." placeholder:"SIZE" group:"operate"`
	DebugAddr   string `help:"Tell figures at http://HOST:PORT/stats and profiles below /debug/pprof/; loopback addresses only. Off without it." placeholder:"HOST:PORT" group:"operate"`
	AdminAddr   string `help:"Open the admin door for console at this UDP address, as in 127.0.0.1:4434; admin init makes the first credentials. Shut without it." placeholder:"HOST:PORT" group:"operate"`
	AdminDir    string `help:"The admin door's folder: credentials, audit log, and the bans, which hold also while the door is shut. Without it quicstep/admin in the user's configuration folder. One server at a time has it: another is refused." placeholder:"DIR" group:"operate"`
	MetricsAddr string `help:"Tell Prometheus metrics at http://HOST:PORT/metrics, and health at /healthz and /readyz; without a host on loopback. Off without it." placeholder:"HOST:PORT" group:"operate"`
	LogLevel    string `help:"The least of what is logged: one of debug, info, warn, error." enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL" group:"operate"`
	LogFormat   string `help:"How to log to stderr: auto, text or json; auto is text on a terminal, else JSON." enum:"auto,text,json" default:"auto" placeholder:"FORMAT" group:"operate"`
}

// Help is shown by serve --help.
func (serveCmd) Help() string {
	return "Players on this machine need nothing else. For others give --addr an address that they reach, --cert and --key, and --auth-keys.\n\n" +
		"It prints where it listens, and the pin of its certificate. SIGINT and SIGTERM stop it in good order: players are " +
		"told, and it exits with 0; a second signal stops it at once."
}

// Run serves until the context ends.
func (c *serveCmd) Run(a *app) error {
	cfg, err := c.config(a)
	if err != nil {
		return err
	}
	gate, err := c.gate(a, &cfg)
	if err != nil {
		return err
	}
	s, err := server.New(cfg)
	if err != nil {
		return c.explain(err)
	}
	defer setCollector(gcPercent, cfg.MemoryBytes)()
	debug, err := c.debug(s, cfg)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	door, err := c.door(a, s, cfg)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	web, err := c.web(s, cfg, door)
	if err != nil && door != nil {
		err = errors.Join(err, door.Close())
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	var reload func(context.Context)
	if c.Cert != "" {
		reload = reloadOnSignal(s, cfg.Log)
	}
	c.announce(a, s, cfg, debug)
	warnOfNobody(a, cfg)
	if web != nil {
		fmt.Fprintf(a.Stdout, "metrics on http://%s/metrics\n", web.Addr())
	}
	if door != nil {
		fmt.Fprintf(a.Stdout, "operators at %s; to look: %s console%s --door %s rooms\n", door.Addr(), a.Name, profileFlag(c.AdminDir), nearAddr(door.Addr()))
	}

	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	var work sync.WaitGroup
	if gate != nil {
		work.Go(func() { gate.Run(ctx) })
	}
	if reload != nil {
		work.Go(func() { reload(ctx) })
	}
	if debug != nil {
		work.Go(func() { debug.run(ctx) })
	}
	if door != nil {
		work.Go(func() { operate(ctx, door, cfg.Log) })
	}
	if web != nil {
		work.Go(func() { web.Run(ctx) })
	}
	if c.Bots > 0 {
		work.Go(func() { c.play(ctx, s, cfg) })
		work.Go(func() { watch(ctx, s, a.Stdout) })
	}
	err = s.Run(ctx)
	stop()
	work.Wait()
	return err
}

// config checks the flags, and is what the server gets.
func (c *serveCmd) config(a *app) (cfg server.Config, err error) {
	if err := c.check(); err != nil {
		return cfg, err
	}
	games, err := a.choose(c.Game)
	if err != nil {
		return cfg, err
	}
	tick := c.Tick
	workload, err := c.workload(c.Bench, c.Players)
	if err != nil {
		return cfg, err
	}
	if c.Bench {
		game, err := bench(games, workload)
		if err != nil {
			return cfg, err
		}
		games = []world.Game{game}
		if tick == 0 {
			tick = defaultBenchTick
		}
		if c.DebugAddr == "" {
			c.DebugAddr = benchDebugAddr
		}
	}
	if tick == 0 {
		tick = defaultTick
	}
	for _, g := range games {
		if g, ok := g.(rated); ok {
			g.SetTickRate(tick)
		}
	}
	if err := c.certificate(); err != nil {
		return cfg, err
	}
	memory, err := c.memoryBytes()
	if err != nil {
		return cfg, err
	}
	trusted, err := c.trusted()
	if err != nil {
		return cfg, err
	}
	return server.Config{
		Games: games, Addr: c.Addr, CertificateFile: c.Cert, KeyFile: c.Key, AllowPublicDevelopment: c.AllowPublicDevelopment,
		NoWeb: c.NoWeb, Origins: c.Origin, Trusted: trusted, WebTransportAddr: c.WebTransportAddr,
		MemoryBytes: memory,
		TickRate:    tick, Seed: c.Seed, BudgetBytes: c.Budget, SteadyRate: c.SteadyRate, LagCompensation: c.lagCompensation(), Log: c.logger(a), BanFile: c.banFile(),
		Limits: server.Limits{MaxRooms: c.MaxRooms, MaxPlayers: c.MaxPlayers, EmptyRoomLifetime: c.EmptyRoomLifetime, IdleTimeout: c.IdleTimeout},
	}, nil
}

func (c *serveCmd) check() error {
	for _, f := range []struct {
		name       string
		value, top int
	}{
		{"tick", c.Tick, protocol.MaxTickRate}, {"players", c.Players, protocol.MaxPlayers}, {"max-players", c.MaxPlayers, protocol.MaxPlayers},
		{"max-rooms", c.MaxRooms, 1_000_000}, {"budget", c.Budget, 1 << 20}, {"bots", c.Bots, 10_000},
	} {
		if f.value < 0 || f.value > f.top {
			return usagef("--%s is %d; 0 to %d are possible", f.name, f.value, f.top)
		}
	}
	if c.EmptyRoomLifetime <= 0 {
		return usagef("--empty-room-lifetime is %v; give a time above zero, as in 30s", c.EmptyRoomLifetime)
	}
	if c.IdleTimeout < time.Second {
		return usagef("--idle-timeout is %v; give a second or more, as in 15s", c.IdleTimeout)
	}
	if c.LagCompensation < 0 {
		return usagef("--lag-compensation is %v; give a time, as in 500ms, or 0 for none", c.LagCompensation)
	}
	if c.DebugAddr != "" {
		if _, err := loopback(c.DebugAddr); err != nil {
			return err
		}
	}
	return c.authFlags.check()
}

// lagCompensation is the server's: there less than zero switches it off.
func (c *serveCmd) lagCompensation() time.Duration {
	if c.LagCompensation == 0 {
		return -1
	}
	return c.LagCompensation
}

// certificate tells what is wrong with the files, which the server reads.
func (c *serveCmd) certificate() error {
	switch {
	case c.Cert == "" && c.Key == "":
		return nil
	case c.Key == "":
		return usagef("--cert needs --key, the certificate's private key")
	case c.Cert == "":
		return usagef("--key needs --cert, the certificate")
	}
	if _, err := tls.LoadX509KeyPair(c.Cert, c.Key); err != nil {
		return usagef("read the certificate %s and its key %s: %w; both are PEM files", c.Cert, c.Key, err)
	}
	return nil
}

// reloadOnSignal has the server look at the certificate's files at each SIGHUP from now on; the function that it returns
// does so until ctx ends.
func reloadOnSignal(s *server.Server, log *slog.Logger) (run func(ctx context.Context)) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	return func(ctx context.Context) {
		defer signal.Stop(hup)
		for {
			select {
			case <-hup:
				if err := s.ReloadCertificate(); err != nil {
					log.Error("the certificate's files are wrong, the former certificate stays in use", "error", err)
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// trusted reads the addresses; nil without any.
func (c *serveCmd) trusted() (out []netip.Prefix, err error) {
	for _, text := range c.Trusted {
		prefix, err := quota.ParsePrefix(text)
		if err != nil {
			return nil, usagef("--trusted: %w", err)
		}
		out = append(out, prefix)
	}
	return out, nil
}

func (c *serveCmd) logger(a *app) *slog.Logger {
	var level slog.Level
	level.UnmarshalText([]byte(c.LogLevel)) // one of the flag's four, which it knows
	a.level.Set(level)
	w, options := a.Stderr, &slog.HandlerOptions{Level: &a.level}
	if c.LogFormat == "text" || c.LogFormat == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// isTerminal tells whether somebody may be looking.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// explain says what to do about a server that can't listen.
func (c *serveCmd) explain(err error) error {
	switch {
	case errors.Is(err, server.ErrBanFileTaken):
		return fmt.Errorf("%w: stop that server, or give this one a folder of its own with --admin-dir", err)
	case errors.Is(err, server.ErrNoGate):
		return usagef("--cert is for a server that others reach, and anybody could join it: give --auth-keys, a file or an address of the keys " +
			"that players' tokens are signed with, or --auth none if anybody may")
	case errors.Is(err, transport.ErrPublicDevelopment):
		return usagef("--addr %s can be reached from other machines, for which the development certificate is not meant: "+
			"give --cert and --key, or --allow-public-development and the players its pin", c.Addr)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another program listens on %s, maybe an earlier server: stop it, or choose another port with --addr; port 0 takes a free one", err, c.Addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w: this machine does not have that address: give --addr one of its own, 127.0.0.1 or 0.0.0.0 for all", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w: not allowed for this user: choose a port above 1023 with --addr", err)
	}
	return err
}

func (c *serveCmd) debug(s *server.Server, cfg server.Config) (*debugServer, error) {
	if c.DebugAddr == "" {
		return nil, nil
	}
	return listenDebug(c.DebugAddr, s, cfg)
}

// announce tells whoever started it how to join.
func (c *serveCmd) announce(a *app, s *server.Server, cfg server.Config, debug *debugServer) {
	names := make([]string, len(cfg.Games))
	for i, g := range cfg.Games {
		names[i] = nameOf(g)
	}
	pin := protocol.FormatPin(s.Pin())
	join := a.Name + " bots --addr " + nearAddr(s.Addr())
	if c.Bench {
		join += " --bench" + c.words()
	}
	if c.Cert != "" || !strings.HasPrefix(nearAddr(s.Addr()), "127.") {
		join += " --pin " + pin
	}
	if cfg.Gate != nil {
		join += " --token TOKEN"
	}
	fmt.Fprintf(a.Stdout, "%s on %s at %d ticks a second, certificate %s; to join: %s\n", strings.Join(names, ", "), s.Addr(), cfg.TickRate, pin, join)
	if url := s.URL(); url != "" {
		fmt.Fprintf(a.Stdout, "to play in a browser, open %s\n", url)
	}
	if debug != nil {
		fmt.Fprintf(a.Stdout, "figures on http://%s/stats, profiles below /debug/pprof/\n", debug.addr())
	}
}

// nearAddr is how this machine reaches a server of its own: one that listens everywhere is on loopback, too.
func nearAddr(addr net.Addr) string {
	udp, ok := addr.(*net.UDPAddr)
	if !ok || !udp.IP.IsUnspecified() {
		return addr.String()
	}
	return fmt.Sprintf("127.0.0.1:%d", udp.Port)
}

// showTime is longer than any show.
const showTime = 10 * 365 * 24 * time.Hour

// play lets bots play the first game until ctx ends.
func (c *serveCmd) play(ctx context.Context, s *server.Server, cfg server.Config) {
	pins := [][32]byte{s.Pin()}
	report, err := bots.Run(ctx, bots.Config{
		Client: client.Config{Addr: nearAddr(s.Addr()), Pins: pins}, Clients: c.Bots, Duration: showTime, Warmup: -1,
	}, cfg.Games[0], nil)
	if err != nil && ctx.Err() == nil {
		cfg.Log.Error("bots stopped", "error", err)
	}
	if report == nil {
		return
	}
	for text, times := range report.Errors {
		cfg.Log.Warn("bots had trouble", "error", text, "times", times)
	}
}
