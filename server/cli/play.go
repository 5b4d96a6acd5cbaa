package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/quicstep/quicstep/clients/bots"
	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/world"
)

// botsCmd plays a game with bots.
type botsCmd struct {
	Game    string `help:"Play this game; without it the first that this program has." placeholder:"NAME" group:"game"`
	Bench   bool   `help:"Play a game's workload for measurements, as serve --bench serves it." group:"game"`
	Clients int    `help:"How many bots play." default:"1" placeholder:"N" group:"game"`
	Think   int    `help:"How often the brain of each is asked per second, every tick at most; in between it asks for the same again." default:"10" placeholder:"HZ" group:"game"`
	Seed    uint64 `help:"Begin the bots' chances, and the bad network's, with this number." default:"1" placeholder:"N" group:"game"`
	workloadFlags

	Addr     string   `help:"The server's address." default:"127.0.0.1:4433" placeholder:"HOST:PORT" group:"network"`
	Pin      []string `help:"Trust the certificate with this SHA-256, as serve prints it; may be repeated." placeholder:"HEX" group:"network"`
	Token    string   `help:"Join with this token, all of them; for a server that asks who comes." xor:"token" placeholder:"TOKEN" group:"auth"`
	TokenKey string   `help:"Join with tokens that are signed with this private key, a PEM file, for users bot-1 and so on." xor:"token" placeholder:"FILE" group:"auth"`
	issuerFlags
	JoinRate int `help:"How many join per second." default:"100" placeholder:"N" group:"network"`

	Rooms int    `help:"Spread the bots over so many public rooms, bots-1 and so on." xor:"room" placeholder:"N" group:"rooms"`
	Room  string `help:"Join this public room, which is made when it is not there." xor:"room" placeholder:"NAME" group:"rooms"`
	Code  string `help:"Join the private room that has this code." xor:"room" placeholder:"CODE" group:"rooms"`

	Duration time.Duration `help:"For how long is measured, once all have joined and the warm-up is over." default:"10s" placeholder:"TIME" group:"measure"`
	Warmup   time.Duration `help:"For how long they play before that; 0s means not at all." default:"2s" placeholder:"TIME" group:"measure"`
	Server   string        `help:"Read the server's own figures here: the address of serve --debug-addr." placeholder:"URL" group:"measure"`

	Loss    float64       `help:"The share of packets that are lost, from 0 to 1." default:"0" placeholder:"SHARE" group:"impair"`
	Delay   time.Duration `help:"What is added to the round trip." default:"0s" placeholder:"TIME" group:"impair"`
	Spread  time.Duration `help:"What is added for the last bot beyond that, and in part for those before." default:"0s" placeholder:"TIME" group:"impair"`
	Jitter  time.Duration `help:"By how much that varies." default:"0s" placeholder:"TIME" group:"impair"`
	Dup     float64       `help:"The share of packets that come twice, from 0 to 1." default:"0" placeholder:"SHARE" group:"impair"`
	Reorder float64       `help:"The share of packets that are overtaken, from 0 to 1." default:"0" placeholder:"SHARE" group:"impair"`

	JSON   bool     `name:"json" help:"Print the report as JSON." group:"judge"`
	Assert []string `help:"Fail unless this holds: a number of the JSON report, one of < <= > >= == != and a number; may be repeated." placeholder:"EXPR" group:"judge"`
	Quiet  bool     `help:"Don't tell on stderr how it is going." group:"judge"`
}

// Help is shown by bots --help.
func (botsCmd) Help() string {
	return "It exits with 1 when nothing could be measured, or an assertion does not hold. For example, 50 players with 5 % loss " +
		"for half a minute, none of whom may ever see anything wrong:\n\n" +
		"    bots --clients 50 --duration 30s --loss 0.05 --assert 'diverged==0' --assert 'latency_ms.p99<200'\n\n" +
		"Ctrl-C ends it early; what was measured by then is reported."
}

// Run plays, reports and judges.
func (c *botsCmd) Run(a *app) error {
	assertions, err := c.assertions()
	if err != nil {
		return err
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	game, err := c.game(a)
	if err != nil {
		return err
	}
	defer setCollector(botsPercent, 0)()
	report, err := c.play(a, cfg, game)
	if err != nil {
		return explainClient(err)
	}
	return c.judge(a, report, assertions)
}

func (c *botsCmd) assertions() (out []bots.Assertion, err error) {
	for _, text := range c.Assert {
		assertion, err := bots.ParseAssertion(text)
		if err != nil {
			return nil, usageError{err}
		}
		out = append(out, assertion)
	}
	return out, nil
}

// config checks the flags, and is what the bots are to do.
func (c *botsCmd) config() (cfg bots.Config, err error) {
	for _, f := range []struct {
		name               string
		value, bottom, top int
	}{{"clients", c.Clients, 1, 10_000}, {"join-rate", c.JoinRate, 1, 100_000},
		{"think", c.Think, 1, protocol.MaxTickRate}, {"rooms", c.Rooms, 0, 10_000}} {
		if f.value < f.bottom || f.value > f.top {
			return cfg, usagef("--%s is %d; %d to %d are possible", f.name, f.value, f.bottom, f.top)
		}
	}
	if c.Duration <= 0 || c.Warmup < 0 {
		return cfg, usagef("--duration %v --warmup %v: the first must be more than zero, the second not less", c.Duration, c.Warmup)
	}
	impairment := bots.Impairment{Loss: c.Loss, Delay: c.Delay, Spread: c.Spread, Jitter: c.Jitter, Duplicate: c.Dup, Reorder: c.Reorder, Seed: c.Seed}
	if err := impairment.Check(); err != nil {
		return cfg, usageError{err}
	}
	pins, err := parsePins(c.Pin)
	if err != nil {
		return cfg, err
	}
	warmup := c.Warmup
	if warmup == 0 {
		warmup = -1 // zero means the default there
	}
	tokenOf, err := c.tokens()
	if err != nil {
		return cfg, err
	}
	return bots.Config{
		Client:  client.Config{Addr: c.Addr, Pins: pins, Room: c.Room, Code: c.Code, Token: []byte(c.Token)},
		TokenOf: tokenOf,
		Clients: c.Clients, Duration: c.Duration, Warmup: warmup, JoinsPerSecond: c.JoinRate, Rooms: c.Rooms,
		ThinksPerSecond: c.Think, Impairment: impairment, Server: c.Server, Seed: c.Seed,
	}, nil
}

func (c *botsCmd) game(a *app) (world.Game, error) {
	var names []string
	if c.Game != "" {
		names = []string{c.Game}
	}
	games, err := a.choose(names)
	if err != nil {
		return nil, err
	}
	workload, err := c.workload(c.Bench, c.Clients)
	if err != nil {
		return nil, err
	}
	if c.Bench {
		return bench(games, workload)
	}
	return games[0], nil
}

// play lets the bots play, and tells how it is going.
func (c *botsCmd) play(a *app, cfg bots.Config, game world.Game) (*bots.Report, error) {
	if !c.Quiet {
		p := &progress{w: a.Stderr, inPlace: isTerminal(a.Stderr)}
		cfg.Progress = p.show
		defer p.end()
	}
	return bots.Run(a.ctx, cfg, game, nil)
}

// judge checks the assertions and prints the report. It fails when one does not hold.
func (c *botsCmd) judge(a *app, report *bots.Report, assertions []bots.Assertion) error {
	for _, assertion := range assertions {
		if err := assertion.Check(report); err != nil {
			report.Failed = append(report.Failed, err.Error())
		}
	}
	write := report.WriteText
	if c.JSON {
		write = report.WriteJSON
	}
	if err := write(a.Stdout); err != nil {
		return err
	}
	for _, text := range report.Failed {
		fmt.Fprintf(a.Stderr, "%s: %s\n", a.Name, text)
	}
	if n := len(report.Failed); n > 0 {
		return fmt.Errorf("%d of %d assertions failed", n, len(assertions))
	}
	return nil
}

// progress is a line about a run, again and again: in place on a terminal.
type progress struct {
	w       io.Writer
	inPlace bool
	shown   bool
}

func (p *progress) show(now bots.Progress) {
	line := progressOf(now)
	if p.inPlace {
		line = "\r\x1b[K" + line
	} else {
		line += "\n"
	}
	io.WriteString(p.w, line)
	p.shown = true
}

// end leaves the terminal to what follows.
func (p *progress) end() {
	if p.inPlace && p.shown {
		io.WriteString(p.w, "\r\x1b[K")
	}
}

func progressOf(p bots.Progress) string {
	if p.Measured == 0 {
		return fmt.Sprintf("%d of %d bots joined, not measuring yet", p.Joined, p.Asked)
	}
	line := fmt.Sprintf("%d bots, %v of %v, %.1f updates/s each", p.Joined, p.Measured.Round(time.Second), p.Total, p.UpdatesPerS)
	if l := p.LatencyMS; l.Samples > 0 {
		line += fmt.Sprintf(", input to effect %.0f ms, 99 %% at most %.0f ms", l.P50, l.P99)
	}
	return line
}
