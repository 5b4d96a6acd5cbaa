package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/quicstep/quicstep/.ci/hostile/attack"
	"github.com/quicstep/quicstep/.ci/measure"
)

// honestAddr is where honest players come from: to it, and to no attacker, the bounds for each address do not apply.
const honestAddr = "127.0.0.1/32"

// goMemory is what a server that may take so many MB is told that Go may: the program itself comes on top.
func goMemory(most int) int { return most - max(1, most/8) }

// served is a server that was started, and where to reach it.
type served struct {
	*measure.Process
	target         attack.Target
	stats, metrics string // addresses
}

// serve starts a server on its core, with all its doors open.
func (h *suite) serve(ctx context.Context) (*served, error) {
	p, err := h.Place().Start(ctx, h.Cores.Server, h.Program("quicstep"), "serve", "--game", "arena", "--addr", "127.0.0.1:0",
		"--trusted", honestAddr,
		"--debug-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0",
		"--admin-addr", "127.0.0.1:0", "--admin-dir", h.adminDir(), "--log-format", "json", "--memory", fmt.Sprintf("%dMiB", goMemory(h.settings.MemoryMB)))
	if err != nil {
		return nil, err
	}
	s := &served{Process: p}
	for _, want := range []struct {
		expression string
		to         *string
	}{
		{` on (127\.0\.0\.1:\d+) at`, &s.target.Addr}, {`figures on (http://127\.0\.0\.1:\d+/stats)`, &s.stats},
		{`metrics on (http://127\.0\.0\.1:\d+/metrics)`, &s.metrics}, {`operators at (127\.0\.0\.1:\d+);`, &s.target.Admin},
	} {
		if *want.to, err = p.Expect(ctx, want.expression); err != nil {
			p.Stop()
			return nil, err
		}
	}
	return s, nil
}

// figures are the server's by name: those of /stats by their path, as in transport.accepted, and those of /metrics as they
// stand there, labels and all.
type figures map[string]float64

// figures reads them.
func (s *served) figures(ctx context.Context) (figures, error) {
	out := figures{}
	body, err := measure.Get(ctx, s.stats, 0)
	if err != nil {
		return nil, err
	}
	var stats map[string]any
	if err := json.Unmarshal(body, &stats); err != nil {
		return nil, fmt.Errorf("read the server's figures: %w", err)
	}
	out.add("", stats)
	if body, err = measure.Get(ctx, s.metrics, 0); err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(strings.NewReader(string(body))); lines.Scan(); {
		name, value, ok := cutLast(lines.Text())
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil && strings.HasPrefix(name, "quicstep_") {
			out[name] = n
		}
	}
	return out, nil
}

func cutLast(line string) (before, after string, ok bool) {
	at := strings.LastIndexByte(line, ' ')
	if at < 0 {
		return line, "", false
	}
	return line[:at], line[at+1:], true
}

func (f figures) add(prefix string, object map[string]any) {
	for name, value := range object {
		switch value := value.(type) {
		case float64:
			f[prefix+name] = value
		case map[string]any:
			f.add(prefix+name+".", value)
		}
	}
}

// lookEvery is how often figures are read that are waited for.
const lookEvery = 100 * time.Millisecond

// until reads figures until they are as they should be, and returns the latest with whether they are.
func (s *served) until(ctx context.Context, patience time.Duration, ok func(figures) bool) (f figures, is bool, err error) {
	for late := time.Now().Add(patience); ; {
		if f, err = s.figures(ctx); err != nil {
			return f, false, err
		}
		if is = ok(f); is || time.Now().After(late) {
			return f, is, nil
		}
		select {
		case <-ctx.Done():
			return f, false, ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// alive says how a server has ended, or that it panicked; nil when it is well.
func (s *served) alive(f figures) error {
	text := s.Stderr()
	for _, sign := range []string{"panic: ", "fatal error: ", "goroutine stack exceeds", `panicked`} {
		if at := strings.Index(text, sign); at >= 0 {
			return fmt.Errorf("the server's log has %q: %.500s", strings.TrimSpace(sign), text[at:])
		}
	}
	for name, n := range f {
		if n > 0 && (strings.Contains(name, "panic") || name == "failed_ticks") {
			return fmt.Errorf("the server counts %v %s", n, name)
		}
	}
	select {
	case <-s.Ended():
		return errors.New("the server has ended")
	default:
		return nil
	}
}

// memory is the server's at its highest, in bytes; zero where the system does not tell.
func (s *served) memory() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	if err != nil {
		return 0
	}
	return measure.ParseHighest(string(text))
}
