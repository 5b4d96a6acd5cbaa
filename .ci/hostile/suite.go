package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/quicstep/quicstep/.ci/hostile/attack"
	"github.com/quicstep/quicstep/.ci/measure"
)

// suite is one run of everything.
type suite struct {
	*measure.Lab
	settings settings
	out      io.Writer
	outcome  outcome
}

// newSuite builds the server and makes its admin folder.
func newSuite(ctx context.Context, s settings, out io.Writer) (*suite, error) {
	lab, err := measure.NewLab(ctx, "hostile")
	if err != nil {
		return nil, err
	}
	lab.Env = append(lab.Env, "GOGC=100") // Go's own default, so that the bound of the memory says the same on every machine
	h := &suite{
		Lab: lab, settings: s, out: out,
		outcome: outcome{Machine: measure.MachineOf(ctx, lab.Root, lab.Cores), Settings: s, Begun: time.Now().UTC()},
	}
	if err := lab.Build(ctx, "./server/cmd/quicstep"); err != nil {
		h.close()
		return nil, err
	}
	if text, err := exec.CommandContext(ctx, lab.Program("quicstep"), "admin", "--admin-dir", h.adminDir(), "init").CombinedOutput(); err != nil {
		h.close()
		return nil, fmt.Errorf("make the server's admin folder: %w\n%s", err, text)
	}
	return h, nil
}

func (h *suite) adminDir() string  { return filepath.Join(h.Dir, "admin") }
func (h *suite) tracePath() string { return filepath.Join(h.Dir, "trace") }
func (h *suite) jsonPath() string  { return filepath.Join(h.Dir, "hostile.json") }

// close removes all but what was found.
func (h *suite) close() { h.Close("admin", "trace") }

// run carries out every attack, keeps what there is after each, and writes the table.
func (h *suite) run(ctx context.Context) error {
	n := len(h.settings.Attacks)
	if h.Cores.Missing != "" {
		fmt.Fprintf(h.out, "not pinned: %s\nNo latency of this proves anything.\n", h.Cores.Missing)
	}
	fmt.Fprintf(h.out, "%d attacks on %d honest players, %d rounds of attack and control, %d s each: about %v\n",
		n, h.settings.Clients, h.settings.Rounds, h.settings.Seconds, h.settings.timeOf(n).Round(time.Second))
	broken := 0
	for i, name := range h.settings.Attacks {
		a, err := attackNamed(name)
		if err != nil {
			return err
		}
		line := h.line(ctx, a, uint64(i+1))
		if ctx.Err() != nil {
			return fmt.Errorf("stopped: %w", ctx.Err())
		}
		h.outcome.Lines = append(h.outcome.Lines, line)
		fmt.Fprintf(h.out, "%d of %d, %s\n", i+1, n, line.verdict(h.settings))
		if len(line.broken(h.settings)) > 0 {
			broken++
		}
		if err := measure.WriteJSON(h.jsonPath(), h.outcome); err != nil {
			return err
		}
	}
	if h.settings.Docs == "" && h.outcome.lacking() == "" {
		h.outcome.Settings.Docs = filepath.Join(h.Root, "docs")
	}
	if err := h.outcome.publish(h.outcome.Settings, h.out); err != nil {
		return err
	}
	fmt.Fprintln(h.out, "the figures of every run are in", h.jsonPath())
	if broken > 0 {
		return fmt.Errorf("%d of %d attacks broke a promise", broken, n)
	}
	return nil
}

// line runs the rounds of an attack: the attack, then the same packets to nobody.
func (h *suite) line(ctx context.Context, a attack.Attack, seed uint64) line {
	out := line{Attack: a.Name, Says: a.Says, PerSecond: a.PerSecond, Unit: a.Unit, Counters: a.Counters}
	for n := range h.settings.Rounds {
		for _, part := range []string{attackPart, controlPart} {
			m, err := h.round(ctx, a, part, seed+uint64(n)<<16)
			if err != nil {
				out.Failed = append(out.Failed, part+": "+err.Error())
				if part == attackPart {
					break // there is nothing to repeat
				}
				continue
			}
			if part == attackPart {
				out.Attacks = append(out.Attacks, m)
			} else {
				out.Controls = append(out.Controls, m)
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	return out
}
