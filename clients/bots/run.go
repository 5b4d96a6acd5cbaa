package bots

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// Config is what bots are to do. The zero value is one bot on a development server on this machine, for ten seconds.
type Config struct {
	// Client is how they connect. Its PacketConn and Socket are not used: bots share a socket, and each that has an impaired
	// network has one of its own.
	Client client.Config
	// TokenOf gives each bot a token for each of its joins, by its number from 0; nil takes Client's.
	TokenOf func(bot int) ([]byte, error)
	// Clients is how many bots play; zero means 1.
	Clients int
	// Duration is for how long is measured, once all have joined and Warmup is over; zero means 10 s.
	Duration time.Duration
	// Warmup is for how long they play before that, so that clocks and leads have settled; zero means 2 s, negative none.
	Warmup time.Duration
	// JoinsPerSecond is how fast they come; zero means 100.
	JoinsPerSecond int
	// ThinksPerSecond is how often the brain of each is asked, every tick at most; zero means 10. In the ticks between
	// a bot asks for the same again, as a player does who holds a key.
	ThinksPerSecond int
	// ProbesPerSecond is how often at most each measures the time from an input to its effect; zero means 1.
	ProbesPerSecond int
	// Rooms spreads them over as many public rooms, named bots-1 and so on; zero lets the server choose.
	Rooms int
	// Impairment makes their network bad.
	Impairment Impairment
	// Server is where the server's figures are read, as in http://127.0.0.1:6060; empty leaves them out.
	Server string
	// Seed begins their chances; zero means 1, so that runs are alike.
	Seed uint64
	// Progress, if given, is called about once a second while they play.
	Progress func(Progress)
}

// Progress is how a run is going.
type Progress struct {
	// Joined of Asked bots are in.
	Asked, Joined int
	// Measured is how much of the measured time is over; zero while they join and warm up. Total is all of it.
	Measured, Total time.Duration
	// UpdatesPerS is how many new ticks each got per second, of the last second.
	UpdatesPerS float64
	// LatencyMS are the percentiles so far; zero without samples.
	LatencyMS LatencyReport
}

// The bounds of a run.
const (
	maxClients = 10_000
	maxRooms   = 10_000
	// joinPatience is for how long the last joins are waited for.
	joinPatience = 30 * time.Second
)

func (c Config) withDefaults() (Config, error) {
	for _, f := range []struct {
		name            string
		value           *int
		standard, limit int
	}{{"Clients", &c.Clients, 1, maxClients}, {"JoinsPerSecond", &c.JoinsPerSecond, 100, 100_000},
		{"ThinksPerSecond", &c.ThinksPerSecond, 10, protocol.MaxTickRate}, {"ProbesPerSecond", &c.ProbesPerSecond, 1, protocol.MaxTickRate}, {"Rooms", &c.Rooms, 0, maxRooms}} {
		if *f.value < 0 || *f.value > f.limit {
			return c, fmt.Errorf("bots: %s is %d; 0 to %d are possible", f.name, *f.value, f.limit)
		}
		if *f.value == 0 {
			*f.value = f.standard
		}
	}
	if c.Duration < 0 {
		return c, errors.New("bots: Duration can't be negative; zero means 10 s")
	}
	if c.Duration == 0 {
		c.Duration = 10 * time.Second
	}
	if c.Warmup == 0 {
		c.Warmup = 2 * time.Second
	}
	c.Warmup = max(c.Warmup, 0)
	if c.Seed == 0 {
		c.Seed = 1
	}
	if c.Client.Addr == "" {
		c.Client.Addr = "127.0.0.1:4433"
	}
	return c, c.Impairment.Check()
}

// Run lets bots join and play a game, and reports what they saw; nil for a brain takes the game's own, or random valid
// inputs. It ends after the measured time, or with ctx, and then every bot has left. A bot that can't join, or is
// disconnected, is in the report; an error means that nothing could be measured.
func Run(ctx context.Context, cfg Config, game world.Game, brain Brain) (*Report, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s, err := world.SchemaOf(game)
	if err != nil {
		return nil, err
	}
	if brain == nil {
		brain = brainOf(game, s)
	}
	r := &run{cfg: cfg, game: game, schema: s, brain: brain, latency: NewHistogram(), interval: NewHistogram(), age: NewHistogram(), errors: map[string]uint64{}}
	return r.run(ctx)
}

// run is one run.
type run struct {
	cfg    Config
	game   world.Game
	schema *schema.Schema
	brain  Brain
	bots   []*bot
	socket *client.Socket // of all bots without an impairment

	measuring measuring
	latency   *Histogram // of inputs, in microseconds
	interval  *Histogram // between new ticks, in microseconds
	age       *Histogram // of the state, in ticks

	mu     sync.Mutex
	errors map[string]uint64
}

func (r *run) run(ctx context.Context) (*Report, error) {
	var err error
	if r.socket, err = client.OpenSocket(); err != nil {
		return nil, fmt.Errorf("bots: %w", err)
	}
	defer r.socket.Close()
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var work sync.WaitGroup
	joined := make(chan struct{}, r.cfg.Clients)
	for n := range r.cfg.Clients {
		b := newBot(r, n)
		r.bots = append(r.bots, b)
		work.Go(func() { b.live(playing, joined) })
	}
	work.Go(func() { r.watch(playing) })
	err = r.measure(playing, joined)
	stop()
	work.Wait()
	if err != nil {
		return nil, err
	}
	return r.report(), nil
}

// measure waits until all have joined, or have failed to, and then for as long as is measured.
func (r *run) measure(ctx context.Context, joined <-chan struct{}) error {
	patience := time.After(time.Duration(r.cfg.Clients)*time.Second/time.Duration(r.cfg.JoinsPerSecond) + joinPatience)
	for range r.cfg.Clients {
		select {
		case <-joined:
		case <-patience:
			return fmt.Errorf("bots: after %v only %d of %d have joined, and nobody was refused; is the server overloaded?", joinPatience, r.joined(), r.cfg.Clients)
		case <-ctx.Done():
			return fmt.Errorf("bots: stopped before all had joined: %w", ctx.Err())
		}
	}
	if r.joined() == 0 {
		return fmt.Errorf("bots: none of %d could join: %w", r.cfg.Clients, r.firstError())
	}
	begun := time.Now()
	if r.cfg.Warmup > 0 {
		growHeap(ctx)
	}
	if !sleep(ctx, r.cfg.Warmup-time.Since(begun)) {
		return fmt.Errorf("bots: stopped before anything was measured: %w", ctx.Err())
	}
	if err := r.measuring.start(r); err != nil {
		return err
	}
	sleep(ctx, r.cfg.Duration)
	return r.measuring.end(r)
}

// sleep returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (r *run) joined() (n int) {
	for _, b := range r.bots {
		if b.session.Load() != nil {
			n++
		}
	}
	return n
}

// fail counts why a bot could not join, or was disconnected.
func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors[err.Error()]++
}

func (r *run) firstError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for text := range r.errors {
		return errors.New(text)
	}
	return errors.New("nobody says why")
}
