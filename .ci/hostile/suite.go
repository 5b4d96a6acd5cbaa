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

	"github.com/quicstep/quicstep/.ci/hostile/attack"
	"github.com/quicstep/quicstep/.ci/measure"
)

// suite is one run of everything.
type suite struct {
	settings settings
	out      io.Writer
	cores    measure.Cores
	root     string   // of the module
	dir      string   // for the server, its folders, traces, and what was found
	self     string   // this program
	env      []string // of what it starts
	outcome  outcome
}

// newSuite builds the server and makes its admin folder.
func newSuite(ctx context.Context, s settings, out io.Writer) (*suite, error) {
	h := &suite{settings: s, out: out, cores: measure.ChooseCores()}
	var err error
	if h.self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module: %w; is go on PATH?", err)
	}
	h.root = strings.TrimSpace(string(root))
	if h.dir, err = os.MkdirTemp("", "quicstep-hostile-"); err != nil {
		return nil, fmt.Errorf("make a folder for the run: %w", err)
	}
	h.env = measure.Environment(os.Environ(), filepath.Join(h.dir, "home"))
	for _, c := range [][]string{
		{"go", "build", "-buildvcs=false", "-o", h.program("quicstep"), "./server/cmd/quicstep"},
		{h.program("quicstep"), "admin", "--admin-dir", h.adminDir(), "init"},
	} {
		command := exec.CommandContext(ctx, c[0], c[1:]...)
		command.Dir = h.root
		if text, err := command.CombinedOutput(); err != nil {
			h.close()
			return nil, fmt.Errorf("%s: %w\n%s", strings.Join(c, " "), err, text)
		}
	}
	h.outcome = outcome{Machine: measure.MachineOf(ctx, h.root, h.cores), Settings: s, Begun: time.Now().UTC()}
	return h, nil
}

func (h *suite) place() measure.Place { return measure.Place{Cores: h.cores, Dir: h.dir, Env: h.env} }

func (h *suite) program(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(h.dir, "bin", name)
}

func (h *suite) adminDir() string  { return filepath.Join(h.dir, "admin") }
func (h *suite) tracePath() string { return filepath.Join(h.dir, "trace") }
func (h *suite) jsonPath() string  { return filepath.Join(h.dir, "hostile.json") }

// close removes all but what was found.
func (h *suite) close() {
	for _, name := range []string{"bin", "home", "admin", "trace"} {
		os.RemoveAll(filepath.Join(h.dir, name))
	}
	os.Remove(h.dir) // when there is nothing else
}

// run carries out every attack, keeps what there is after each, and writes the table.
func (h *suite) run(ctx context.Context) error {
	n := len(h.settings.Attacks)
	if h.cores.Missing != "" {
		fmt.Fprintf(h.out, "not pinned: %s\nNo latency of this proves anything.\n", h.cores.Missing)
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
		if err := h.outcome.write(h.jsonPath()); err != nil {
			return err
		}
	}
	if h.settings.Docs == "" && h.outcome.lacking() == "" {
		h.outcome.Settings.Docs = filepath.Join(h.root, "docs")
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
