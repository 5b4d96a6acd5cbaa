package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// bench is one run of everything.
type bench struct {
	settings settings
	out      io.Writer
	cores    measure.Cores
	root     string   // of the module
	dir      string   // for programs, the development certificate, and what was measured
	self     string   // this program
	env      []string // of what it starts
	outcome  outcome
}

// newBench builds the programs.
func newBench(ctx context.Context, s settings, out io.Writer) (*bench, error) {
	b := &bench{settings: s, out: out, cores: measure.ChooseCores()}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module: %w; is go on PATH?", err)
	}
	b.root = strings.TrimSpace(string(root))
	if b.dir, err = os.MkdirTemp("", "quicstep-bench-"); err != nil {
		return nil, fmt.Errorf("make a folder for the run: %w", err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", filepath.Join(b.dir, "bin")+string(os.PathSeparator), "./server/cmd/quicstep", "./.ci/bench/floor")
	build.Dir = b.root
	if text, err := build.CombinedOutput(); err != nil {
		b.close()
		return nil, fmt.Errorf("build what is measured: %w\n%s", err, text)
	}
	b.env = measure.Environment(os.Environ(), filepath.Join(b.dir, "home"))
	b.outcome = outcome{Machine: measure.MachineOf(ctx, b.root, b.cores), Settings: s, Begun: time.Now().UTC()}
	return b, nil
}

// place is where everything runs.
func (b *bench) place() measure.Place { return measure.Place{Cores: b.cores, Dir: b.dir, Env: b.env} }

func (b *bench) program(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(b.dir, "bin", name)
}

// close removes the programs and the development certificate; what was measured stays.
func (b *bench) close() {
	os.RemoveAll(filepath.Join(b.dir, "bin"))
	os.RemoveAll(filepath.Join(b.dir, "home"))
	os.Remove(b.dir) // when there is nothing else
}

func (b *bench) jsonPath() string { return filepath.Join(b.dir, "bench.json") }

// run measures every cell, keeps what there is after each, and writes the document.
func (b *bench) run(ctx context.Context) error {
	cells := b.settings.cells()
	if b.cores.Missing != "" {
		fmt.Fprintf(b.out, "not pinned: %s\nNothing of this proves anything.\n", b.cores.Missing)
	}
	fmt.Fprintf(b.out, "%d cells, %d rounds each of quicstep, the floor and the world alone, %d s each: about %v; the figures go to %s\n",
		len(cells), b.settings.Rounds, b.settings.Seconds, b.settings.timeOf(cells).Round(time.Minute), b.jsonPath())
	failed := 0
	for i, c := range cells {
		fmt.Fprintf(b.out, "%d of %d: %v\n", i+1, len(cells), c)
		result := b.measure(ctx, c, cells[i+1:])
		if ctx.Err() != nil {
			return fmt.Errorf("stopped: %w", ctx.Err())
		}
		failed += len(result.Failed)
		b.outcome.Cells = append(b.outcome.Cells, result)
		if err := b.outcome.write(b.jsonPath()); err != nil {
			return err
		}
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
func (b *bench) measure(ctx context.Context, c cell, later []cell) cellOutcome {
	out := cellOutcome{Cell: c}
	for n := 1; n <= b.settings.Rounds && ctx.Err() == nil; n++ {
		r, err := b.round(ctx, c)
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(b.out, "  round %d of %d, again: %v\n", n, b.settings.Rounds, err)
			r, err = b.round(ctx, c)
		}
		if ctx.Err() != nil {
			break
		}
		left := b.settings.timeOf(later) + time.Duration(b.settings.Rounds-n)*b.settings.roundTime(c)
		if err != nil {
			out.Failed = append(out.Failed, err.Error())
			fmt.Fprintf(b.out, "  round %d of %d failed: %v\n", n, b.settings.Rounds, err)
			continue
		}
		out.Rounds = append(out.Rounds, r)
		fmt.Fprintf(b.out, "  round %d of %d: quicstep %.1f µs per client and tick, floor %.1f, world alone %.1f, ratio %.2f; idle %.0f and %.0f %%, %.0f and %.0f %%%s; about %v left\n",
			n, b.settings.Rounds, r.Quicstep.CPUUS, r.Floor.CPUUS, r.AloneUS, r.ratio(), 100*r.Quicstep.ServerIdle, 100*r.Quicstep.LoadIdle,
			100*r.Floor.ServerIdle, 100*r.Floor.LoadIdle, r.noise(), left.Round(time.Second))
	}
	return out
}

// noise says that other programs were busy on the same cores; nothing when they were not.
func (r round) noise() string {
	if others := max(r.Quicstep.Others, r.Floor.Others); others > measure.QuietOthers {
		return fmt.Sprintf("; other programs took %.0f %%", 100*others)
	}
	return ""
}

// folder is where the document goes: what lacks something never replaces the published one unasked.
func (b *bench) folder() string {
	if b.settings.Docs != "" {
		return b.settings.Docs
	}
	if why := b.outcome.lacking(); why != "" {
		fmt.Fprintf(b.out, "%s, so the published figures stay as they are; BENCH_DOCS=docs would replace them\n", why)
		return b.dir
	}
	return filepath.Join(b.root, "docs")
}
