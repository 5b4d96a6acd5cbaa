package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// watching is one run of everything.
type watching struct {
	*measure.Lab
	settings settings
	out      io.Writer
	outcome  outcome
}

// newWatching builds the program and makes an operator's credentials.
func newWatching(ctx context.Context, s settings, out io.Writer) (*watching, error) {
	lab, err := measure.NewLab(ctx, "watch")
	if err != nil {
		return nil, err
	}
	w := &watching{Lab: lab, settings: s, out: out}
	err = w.Build(ctx, "./server/cmd/quicstep")
	if err == nil {
		var text []byte
		if text, err = exec.CommandContext(ctx, w.program(), "admin", "--admin-dir", w.adminDir(), "init").CombinedOutput(); err != nil {
			err = fmt.Errorf("make an operator's credentials: %w\n%s", err, text)
		}
	}
	if err != nil {
		w.close()
		return nil, err
	}
	w.outcome = outcome{Machine: measure.MachineOf(ctx, w.Root, w.Cores), Settings: s, Begun: time.Now().UTC()}
	return w, nil
}

func (w *watching) program() string  { return w.Program("quicstep") }
func (w *watching) adminDir() string { return filepath.Join(w.Dir, "admin") }
func (w *watching) jsonPath() string { return filepath.Join(w.Dir, "watch.json") }

// close removes all but what was measured.
func (w *watching) close() { w.Close("admin") }

// run measures every round, keeps what there is after each, and writes the page.
func (w *watching) run(ctx context.Context) error {
	s := w.settings
	if w.Cores.Missing != "" {
		fmt.Fprintf(w.out, "not pinned: %s\nNothing of this proves anything.\n", w.Cores.Missing)
	}
	fmt.Fprintf(w.out, "%d rounds with %d bots in %d rooms, %d s unwatched and %d s watched in each: about %v; the figures go to %s\n",
		s.Rounds, s.Bots, s.Rooms, s.Seconds, s.Seconds, s.timeOf(s.Rounds).Round(time.Second), w.jsonPath())
	for n := range s.Rounds {
		r, err := w.round(ctx, n)
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(w.out, "round %d of %d, again: %v\n", n+1, s.Rounds, err)
			r, err = w.round(ctx, n)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("stopped: %w", ctx.Err())
		}
		if err != nil {
			w.outcome.Failed = append(w.outcome.Failed, err.Error())
			fmt.Fprintf(w.out, "round %d of %d failed: %v\n", n+1, s.Rounds, err)
			continue
		}
		w.outcome.Rounds = append(w.outcome.Rounds, r)
		fmt.Fprintf(w.out, "round %d of %d: %s; about %v left\n", n+1, s.Rounds, r.line(), s.timeOf(s.Rounds-n-1).Round(time.Second))
		if err := measure.WriteJSON(w.jsonPath(), &w.outcome); err != nil {
			return err
		}
	}
	return w.finish()
}

// finish writes the page, and tells what holds.
func (w *watching) finish() error {
	if len(w.outcome.Rounds) == 0 {
		return fmt.Errorf("all of %d rounds failed", w.settings.Rounds)
	}
	if err := w.outcome.publish(w.folder(), w.out); err != nil {
		return err
	}
	fmt.Fprintln(w.out, w.outcome.noise())
	fmt.Fprintln(w.out, "the figures of every round are in", w.jsonPath())
	var wrong []string
	for _, p := range w.outcome.promises() {
		fmt.Fprintf(w.out, "%s: %s, at most %s: %s\n", p.what, p.is, p.most, p.verdict)
		if p.verdict == broken {
			wrong = append(wrong, p.what)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("what is promised does not hold: %s", strings.Join(wrong, ", "))
	}
	if n := len(w.outcome.Failed); n > 0 {
		return fmt.Errorf("%d rounds failed", n)
	}
	return nil
}

// folder is where the page goes: what lacks something never replaces the published one unasked.
func (w *watching) folder() string {
	if w.settings.Docs != "" {
		return w.settings.Docs
	}
	if why := w.outcome.lacking(); why != "" {
		fmt.Fprintf(w.out, "%s, so the published page stays as it is; WATCH_DOCS=docs would replace it\n", why)
		return w.Dir
	}
	return filepath.Join(w.Root, "docs")
}
