package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/clients/feel"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// feelCmd measures what a player feels.
type feelCmd struct {
	Quick           bool          `help:"Play on a few networks only, for less than a minute." group:"measure"`
	Over            string        `help:"What states and inputs travel over: datagrams, a reliable stream, or one after the other to compare." enum:"datagrams,stream,both" default:"both" group:"measure"`
	Duration        time.Duration `help:"For how long each network is measured; 0s means 15s, and 8s with --quick." default:"0s" placeholder:"TIME" group:"measure"`
	AtOnce          int           `help:"How many networks are played on at the same time." default:"8" placeholder:"N" group:"measure"`
	Tick            int           `help:"Ticks a second, 1 to 240." default:"30" placeholder:"HZ" group:"measure"`
	Budget          int           `help:"The bytes of a tick for one player; 0 is the server's default." default:"0" placeholder:"BYTES" group:"measure"`
	LagCompensation time.Duration `help:"How far back shots are judged by what their player saw; 0s for not at all." default:"500ms" placeholder:"TIME" group:"measure"`

	JSON  bool   `name:"json" help:"Print the report as JSON, in place of a table." group:"judge"`
	SVG   string `name:"svg" help:"Write the plot to this file; empty for none." default:"feel.svg" placeholder:"FILE" group:"judge"`
	Quiet bool   `help:"Don't tell on stderr how it is going." group:"judge"`
}

// Help is shown by feel --help.
func (feelCmd) Help() string {
	return "It needs no server: for each network it starts one on a loopback address, with two players of a small game of its own, and " +
		"impairs their packets itself. The table's times are in milliseconds, at half of the samples / at 99 of 100; age is from when the " +
		"server made a tick to when it is known, or is on the screen."
}

// Run measures and reports.
func (c *feelCmd) Run(a *app) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	if !c.Quiet {
		inPlace := isTerminal(a.Stderr)
		cfg.Progress = func(done, all int) {
			line := fmt.Sprintf("%d of %d networks done\n", done, all)
			if inPlace {
				line = "\r\x1b[K" + line[:len(line)-1]
			}
			io.WriteString(a.Stderr, line)
		}
		if inPlace {
			defer io.WriteString(a.Stderr, "\n")
		}
	}
	report, err := feel.Run(a.ctx, cfg)
	if err != nil {
		return err
	}
	return c.print(a, report)
}

// config checks the flags, and is what is measured.
func (c *feelCmd) config() (feel.Config, error) {
	cfg := feel.Full()
	if c.Quick {
		cfg = feel.Quick()
	}
	for _, f := range []struct {
		name               string
		value, bottom, top int
	}{{"tick", c.Tick, 1, protocol.MaxTickRate}, {"at-once", c.AtOnce, 1, 100}, {"budget", c.Budget, 0, 1 << 20}} {
		if f.value < f.bottom || f.value > f.top {
			return cfg, usagef("--%s is %d; %d to %d are possible", f.name, f.value, f.bottom, f.top)
		}
	}
	if c.Duration < 0 || c.LagCompensation < 0 {
		return cfg, usagef("--duration %v --lag-compensation %v: neither can be less than zero", c.Duration, c.LagCompensation)
	}
	if c.Duration > 0 {
		cfg.Duration = c.Duration
	}
	if c.Over != "both" {
		cfg.Overs = []feel.Over{feel.Over(c.Over)}
	}
	cfg.AtOnce, cfg.Serve = c.AtOnce, c.serve
	return cfg, nil
}

// serve starts a server for one network.
func (c *feelCmd) serve(g world.Game, overStream bool) (*feel.Server, error) {
	lag := c.LagCompensation
	if lag == 0 {
		lag = -1
	}
	s, err := server.New(server.Config{
		Games: []world.Game{g}, Addr: "127.0.0.1:0", TickRate: c.Tick, BudgetBytes: c.Budget, LagCompensation: lag, OverStream: overStream,
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	ticks := &madeTicks{server: s, period: time.Second / time.Duration(c.Tick)}
	return &feel.Server{
		Client: client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}},
		Made:   ticks.made,
		Stop: func() error {
			stop()
			return <-ended
		},
	}, nil
}

// madeTicks tells when the only room of a server made its ticks.
type madeTicks struct {
	server *server.Server
	period time.Duration

	mu      sync.Mutex
	opened  time.Time
	skipped uint64    // ticks that were given up
	asked   time.Time // when the server told these
}

// madeEvery is how often the server is asked.
const madeEvery = 100 * time.Millisecond

func (m *madeTicks) made(tick uint64) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); now.Sub(m.asked) > madeEvery {
		m.asked, m.skipped = now, m.server.Stats().Skipped
		if rooms := m.server.Rooms(); len(rooms) > 0 {
			m.opened = rooms[0].Opened
		}
	}
	return m.opened.Add(time.Duration(tick+m.skipped) * m.period)
}

// print prints the table or the JSON, and writes the plot.
func (c *feelCmd) print(a *app, report *feel.Report) (err error) {
	write := report.WriteTable
	if c.JSON {
		write = report.WriteJSON
	}
	if err := write(a.Stdout); err != nil {
		return err
	}
	if gain := report.Gain(gainRoundTrip, gainLoss); gain > 0 && !c.JSON {
		fmt.Fprintf(a.Stdout, "\nAt %v round trip and %g %% loss the 99th percentile of the age known is %.1f times as high over a stream.\n", gainRoundTrip, 100*gainLoss, gain)
	}
	if c.SVG == "" {
		return nil
	}
	f, err := os.Create(c.SVG)
	if err != nil {
		return fmt.Errorf("write the plot: %w", err)
	}
	if err := errors.Join(report.WriteSVG(f), f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(a.Stderr, "the plot is in %s\n", c.SVG)
	return nil
}

// The network by which datagrams and a stream are compared in a line.
const (
	gainRoundTrip = 100 * time.Millisecond
	gainLoss      = 0.05
)
