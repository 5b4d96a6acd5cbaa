package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// bench is one run of everything.
type bench struct {
	*measure.Lab
	settings settings
	out      io.Writer
	outcome  outcome
}

// newBench builds the programs.
func newBench(ctx context.Context, s settings, out io.Writer) (*bench, error) {
	lab, err := measure.NewLab(ctx, "bench")
	if err != nil {
		return nil, err
	}
	if err := lab.Build(ctx, "./server/cmd/quicstep", "./.ci/bench/floor"); err != nil {
		lab.Close()
		return nil, err
	}
	return &bench{
		Lab: lab, settings: s, out: out,
		outcome: outcome{Machine: measure.MachineOf(ctx, lab.Root, lab.Cores), Settings: s, Begun: time.Now().UTC()},
	}, nil
}

func (b *bench) jsonPath() string { return filepath.Join(b.Dir, "bench.json") }

// run measures every cell, keeps what there is after each, and writes the document.
func (b *bench) run(ctx context.Context) error {
	cells := b.settings.cells()
	if b.Cores.Missing != "" {
		fmt.Fprintf(b.out, "not pinned: %s\nNothing of this proves anything.\n", b.Cores.Missing)
	}
	fmt.Fprintf(b.out, "%d cells, %d rounds each of quicstep, the floor and the world alone, %d s each: about %v; the figures go to %s\n",
		len(cells), b.settings.Rounds, b.settings.Seconds, (b.settings.timeOf(cells) + b.settings.restTime()).Round(time.Minute), b.jsonPath())
	failed := 0
	for i, c := range cells {
		fmt.Fprintf(b.out, "%d of %d: %v\n", i+1, len(cells), c)
		b.outcome.Cells = append(b.outcome.Cells, cellOutcome{Cell: c})
		result := &b.outcome.Cells[i]
		b.measure(ctx, result, cells[i+1:])
		if ctx.Err() != nil {
			return fmt.Errorf("stopped: %w", ctx.Err())
		}
		failed += len(result.Failed)
		if err := measure.WriteJSON(b.jsonPath(), b.outcome); err != nil {
			return err
		}
	}
	if slices.Contains(b.settings.Scenarios, networksName) {
		fmt.Fprintf(b.out, "networks, %d clients\n", b.settings.networkClients())
		b.outcome.Networks = b.measureNetworks(ctx)
	}
	if slices.Contains(b.settings.Scenarios, ownName) {
		fmt.Fprintln(b.out, "profiles of its own cost")
		b.measureOwn(ctx)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("stopped: %w", ctx.Err())
	}
	for _, n := range b.outcome.Networks {
		failed += len(n.Failed)
	}
	for _, n := range b.outcome.Own {
		failed += len(n.Failed)
	}
	if err := measure.WriteJSON(b.jsonPath(), b.outcome); err != nil {
		return err
	}
	if err := b.outcome.publish(b.folder(), b.out); err != nil {
		return err
	}
	fmt.Fprintln(b.out, "the figures of every round are in", b.jsonPath())
	if failed > 0 {
		return fmt.Errorf("%d rounds failed", failed)
	}
	return nil
}

// measure runs the rounds of a cell. One that fails is tried again, once.
func (b *bench) measure(ctx context.Context, out *cellOutcome, later []cell) {
	c, asked := out.Cell, b.settings.Rounds
	for n := 1; n <= asked && ctx.Err() == nil; n++ {
		r, err := b.round(ctx, c)
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(b.out, "  round %d of %d, again: %v\n", n, asked, err)
			r, err = b.round(ctx, c)
		}
		if ctx.Err() != nil {
			break
		}
		left := b.settings.timeOf(later) + b.settings.restTime() + time.Duration(asked-n)*b.settings.roundTime(c)
		if err != nil {
			out.Failed = append(out.Failed, err.Error())
			fmt.Fprintf(b.out, "  round %d of %d failed: %v\n", n, asked, err)
			continue
		}
		out.Rounds = append(out.Rounds, r)
		fmt.Fprintf(b.out, "  round %d of %d: quicstep %.1f µs per client and tick, floor %.1f, world alone %.1f, ratio %.2f; idle %.0f and %.0f %%, %.0f and %.0f %%%s; about %v left\n",
			n, asked, r.Quicstep.CPUUS, r.Floor.CPUUS, r.AloneUS, r.ratio(), 100*r.Quicstep.ServerIdle, 100*r.Quicstep.LoadIdle,
			100*r.Floor.ServerIdle, 100*r.Floor.LoadIdle, r.noise(b.outcome.Fastest), left.Round(time.Second))
	}
}

// noise says that other programs were busy on the same cores, or that one stayed slow; nothing when neither was so.
func (r round) noise(fastest pace) (text string) {
	if others := max(r.Quicstep.Others, r.Floor.Others); others > measure.QuietOthers {
		text = fmt.Sprintf("; other programs took %.0f %%", 100*others)
	}
	return text + r.pace().noise(fastest)
}

// folder is where the document goes: what lacks something never replaces the published one unasked.
func (b *bench) folder() string {
	if b.settings.Docs != "" {
		return b.settings.Docs
	}
	if why := b.outcome.lacking(); why != "" {
		fmt.Fprintf(b.out, "%s, so the published figures stay as they are; BENCH_DOCS=docs would replace them\n", why)
		return b.Dir
	}
	return filepath.Join(b.Root, "docs")
}
