package feel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/quicstep/quicstep/clients/bots"
	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/world"
)

// Config is what is measured.
type Config struct {
	// Serve starts a server of a game, for each network one.
	Serve func(g world.Game, overStream bool) (*Server, error)
	// RoundTrips, Losses and Jitters are the networks: each with each. Losses are shares of the packets of each way; jitters
	// by how much the round trip varies.
	RoundTrips []time.Duration
	Losses     []float64
	Jitters    []time.Duration
	// Overs are what states travel over.
	Overs []Over
	// Duration is for how long each is measured, and Settle for how long is played before.
	Duration, Settle time.Duration
	// AtOnce is how many networks are played on at the same time; zero means 8.
	AtOnce int
	// Progress, if given, is told how many of all are done.
	Progress func(done, all int)
}

// Over is what states and inputs travel over.
type Over string

// What they may travel over.
const (
	Datagrams Over = "datagrams"
	Stream    Over = "stream"
)

// Full is all networks: some three minutes.
func Full() Config {
	return Config{
		RoundTrips: []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond},
		Losses:     []float64{0, 0.02, 0.05, 0.1}, Jitters: []time.Duration{0, 20 * time.Millisecond},
		Overs: []Over{Datagrams, Stream}, Duration: 15 * time.Second, Settle: 4 * time.Second,
	}
}

// Quick is a few of them, within a minute.
func Quick() Config {
	c := Full()
	c.RoundTrips = []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond}
	c.Losses, c.Jitters = []float64{0, 0.05}, c.Jitters[1:]
	c.Duration = 8 * time.Second
	return c
}

// Server is one that runs.
type Server struct {
	// Client is how to join it.
	Client client.Config
	// Made is when it made a tick.
	Made func(tick uint64) time.Time
	// Stop ends it.
	Stop func() error
}

// network is one that is played on.
type network struct {
	roundTrip, jitter time.Duration
	loss              float64
	over              Over
}

func (c *Config) networks() (all []network) {
	for _, roundTrip := range c.RoundTrips {
		for _, jitter := range c.Jitters {
			for _, loss := range c.Losses {
				for _, over := range c.Overs {
					all = append(all, network{roundTrip, jitter, loss, over})
				}
			}
		}
	}
	return all
}

// Run plays on every network and reports. An error means that one could not be played on, or that ctx has ended.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	all := cfg.networks()
	if len(all) == 0 || cfg.Serve == nil || cfg.Duration <= 0 {
		return nil, errors.New("feel: there is nothing to measure: give networks, a duration and a server")
	}
	if cfg.AtOnce <= 0 {
		cfg.AtOnce = 8
	}
	report := &Report{Begun: time.Now(), Cells: make([]Cell, len(all)), DurationS: cfg.Duration.Seconds()}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var work sync.WaitGroup
	var mu sync.Mutex
	done := 0
	places := make(chan struct{}, cfg.AtOnce)
	for i, n := range all {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		work.Go(func() {
			defer func() { <-places }()
			cell, err := cfg.play(ctx, n, uint64(i)+1)
			if err != nil {
				stop(fmt.Errorf("feel: %v round trip, %v %% loss, over %s: %w", n.roundTrip, 100*n.loss, n.over, err))
				return
			}
			mu.Lock()
			defer mu.Unlock()
			report.Cells[i] = cell
			if done++; cfg.Progress != nil {
				cfg.Progress(done, len(all))
			}
		})
	}
	work.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return report, nil
}

// play plays on one network with two players, who see each other.
func (c *Config) play(ctx context.Context, n network, seed uint64) (cell Cell, err error) {
	g := newGame()
	s, err := c.Serve(g, n.over == Stream)
	if err != nil {
		return cell, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	m := &measures{made: s.Made, spans: newSpans()}
	var players []*player
	defer func() {
		for _, p := range players {
			p.close()
		}
	}()
	for i := range 2 {
		p, err := join(ctx, g, s, n, seed<<8|uint64(i))
		if err != nil {
			return cell, err
		}
		p.measures = m
		players = append(players, p)
	}
	m.period = players[0].client.TickPeriod()
	players[0].other, players[1].other = players[1], players[0]
	playing, stop := context.WithTimeout(ctx, c.Settle+c.Duration)
	defer stop()
	m.from = time.Now().Add(c.Settle)
	var work sync.WaitGroup
	failures := make(chan error, len(players))
	for _, p := range players {
		work.Go(func() { failures <- p.play(playing) })
	}
	work.Wait()
	for range players {
		err = errors.Join(err, <-failures)
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		return cell, err
	}
	return m.cell(n, players), nil
}

// impairment is the network as a player has it.
func (n network) impairment(seed uint64) bots.Impairment {
	return bots.Impairment{Delay: n.roundTrip, Jitter: n.jitter, Loss: n.loss, Seed: seed}
}
