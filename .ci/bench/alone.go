package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/quicstep/quicstep/clients/bots"
	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/server/clock"
	"github.com/quicstep/quicstep/world"
)

// aloneCommand is the word by which this program is a world with players and inputs, and nobody who is told.
const aloneCommand = "alone"

// inputTicks is for how many ticks inputs are thought out beforehand, so that bots take no time. warmTicks are made, one after
// the other, before it is measured: then the world's history is full, and its heap grows no more.
const (
	inputTicks = 64
	warmTicks  = 1000
)

// aloneReport is what it prints; the times are named as in the bots' report.
type aloneReport struct {
	Begun     string  `json:"begun"`
	DurationS float64 `json:"duration_s"`
	Ticks     uint64  `json:"ticks"`
	Skipped   uint64  `json:"skipped"`
	// LateMS is how late ticks began, in milliseconds.
	LateMS struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
	} `json:"late_ms"`
}

func alone(ctx context.Context, args []string) error {
	var w world.Workload
	var hz int
	var duration time.Duration
	flags := flag.NewFlagSet(aloneCommand, flag.ContinueOnError)
	flags.IntVar(&w.Players, "players", 200, "how many players")
	flags.Float64Var(&w.Idle, "idle", 0, "as serve has it")
	flags.BoolVar(&w.Crowd, "crowd", false, "as serve has it")
	flags.BoolVar(&w.Exact, "exact", false, "as serve has it")
	flags.IntVar(&hz, "hz", 20, "ticks per second")
	flags.DurationVar(&duration, "duration", 5*time.Second, "for how long it is measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := w.Check(); err != nil {
		return err
	}
	game := arena.New(arena.Config{}).Bench(w).(*arena.Arena)
	game.SetTickRate(hz)
	room, inputs, err := joined(game, w.Players)
	if err != nil {
		return err
	}
	report, err := stepFor(ctx, room, inputs, time.Second/time.Duration(hz), duration)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

// joined is a world in which all have joined and played for some ticks, and the commands of these.
func joined(game world.Game, players int) (*world.World, []world.Commands, error) {
	room, err := world.New(game, world.Config{Seed: 1})
	if err != nil {
		return nil, nil, err
	}
	var joins world.Commands
	for p := range players {
		joins.Joins = append(joins.Joins, world.Join{Player: world.Player(p + 1)})
	}
	_, view, err := room.Step(joins)
	if err != nil {
		return nil, nil, err
	}
	chance := rand.New(rand.NewPCG(1, 1))
	inputs := make([]world.Commands, inputTicks)
	for i := range inputs {
		for _, p := range view.Players() {
			data, _, err := world.BotInput(game, view, p, chance)
			if err != nil {
				return nil, nil, fmt.Errorf("the input of player %d: %w", p, err)
			}
			inputs[i].Inputs = append(inputs[i].Inputs, world.Input{Player: p, Data: data})
		}
		if _, view, err = room.Step(inputs[i]); err != nil {
			return nil, nil, err
		}
	}
	return room, inputs, nil
}

// stepFor steps a world when its ticks are due, as a server does.
func stepFor(ctx context.Context, room *world.World, inputs []world.Commands, period, duration time.Duration) (*aloneReport, error) {
	c := clock.New(clock.Native())
	defer c.Close()
	for n := range warmTicks {
		if _, _, err := room.Step(inputs[n%inputTicks]); err != nil {
			return nil, err
		}
	}
	ticks := c.Add(period)
	begun, report, late := time.Now(), &aloneReport{}, bots.NewHistogram()
	for time.Since(begun) < duration {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case tick := <-ticks.C():
			late.AddDuration(time.Since(tick.Due))
			report.Skipped += tick.N - report.Ticks - report.Skipped - 1
		}
		if _, _, err := room.Step(inputs[report.Ticks%inputTicks]); err != nil {
			return nil, err
		}
		report.Ticks++
	}
	report.Begun, report.DurationS = begun.UTC().Format(time.RFC3339Nano), time.Since(begun).Seconds()
	report.LateMS.P50, report.LateMS.P99 = late.PercentileMS(50), late.PercentileMS(99)
	return report, nil
}
