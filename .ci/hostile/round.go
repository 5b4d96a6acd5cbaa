package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/quicstep/quicstep/.ci/hostile/attack"
	"github.com/quicstep/quicstep/.ci/measure"
	"github.com/quicstep/quicstep/clients/bots"
)

// measured is one run: honest players on a server, and an attacker, or one whose packets go to nobody.
type measured struct {
	P50, P99, IntervalP99 float64 // of the honest players, in milliseconds
	Samples               uint64
	Joined, Disconnected  int
	Diverged              uint64
	Errors                map[string]uint64 // of the honest players
	Attack                attack.Report
	MemoryMB              float64            // of the server, at its highest
	Moved                 map[string]float64 // the server's figures that moved
	LogBytes              int                // that the server has logged
	ServerIdle, LoadIdle  float64            // of the cores
	Others                float64
	Trouble               string // the server's: a panic, its end, a counter of them
}

const (
	// lateness is for how long counters of late attacks are waited for: longer than any timeout of the server's.
	lateness = 8 * time.Second
	// politeness is the attacker's and the control's: on the core that they share with honest players these go first, so that
	// what is compared is the server.
	politeness = "10"
	// roundPatience is what a run may take beyond what it should.
	roundPatience = time.Minute
)

// round lets honest players play on a fresh server, and attacks it, or nobody.
func (h *suite) round(ctx context.Context, a attack.Attack, part string, seed uint64) (m measured, err error) {
	server, err := h.serve(ctx)
	if err != nil {
		return m, err
	}
	defer server.Stop()
	before, err := server.figures(ctx)
	if err != nil {
		return m, err
	}
	duration := time.Duration(h.settings.Seconds) * time.Second
	players, err := h.Place().Start(ctx, h.Cores.Load, h.Self, honestPart, "-addr", server.target.Addr,
		"-clients", strconv.Itoa(h.settings.Clients), "-duration", duration.String())
	if err != nil {
		return m, err
	}
	defer players.Stop()
	if _, in, err := server.until(ctx, roundPatience, func(f figures) bool { return int(f["players"]) >= h.settings.Clients }); err != nil || !in {
		return m, errors.Join(errors.New("the honest players did not come in"), err)
	}
	attacker, err := h.Place().Start(ctx, h.Cores.Load, "nice", "-n", politeness, h.Self, part, "-name", a.Name,
		"-addr", server.target.Addr, "-admin", server.target.Admin, "-trace", h.tracePath(), "-seed", strconv.FormatUint(seed, 10))
	if err != nil {
		return m, err
	}
	defer attacker.Stop()
	sampler := measure.Watch(ctx, server.PID(), players.PID(), h.Cores)
	defer sampler.End()
	said, err := players.Wait(ctx, h.settings.runTime()+roundPatience)
	if err != nil {
		return m, errors.Join(fmt.Errorf("the honest players: %w", err), server.alive(nil))
	}
	var report bots.Report
	if err := json.Unmarshal(said, &report); err != nil {
		return m, fmt.Errorf("the honest players' report: %w", err)
	}
	m.of(&report)
	if err := m.used(sampler, &report); err != nil {
		return m, err
	}
	if err := m.attacked(ctx, attacker); err != nil {
		return m, errors.Join(err, server.alive(nil))
	}
	return m, m.look(ctx, server, a, part, before)
}

// of takes what honest players report.
func (m *measured) of(r *bots.Report) {
	m.P50, m.P99, m.IntervalP99, m.Samples = r.LatencyMS.P50, r.LatencyMS.P99, r.Updates.IntervalMS.P99, r.LatencyMS.Samples
	m.Joined, m.Disconnected, m.Diverged, m.Errors = r.Clients.Joined, r.Clients.Disconnected+r.Clients.Rejoined, r.Diverged, r.Errors
}

// used takes what the cores did meanwhile, where the system has accounts.
func (m *measured) used(s *measure.Sampler, r *bots.Report) error {
	if runtime.GOOS != "linux" {
		m.ServerIdle, m.LoadIdle = 1, 1
		return nil
	}
	begin, err := time.Parse(time.RFC3339Nano, r.Begun)
	if err != nil {
		return fmt.Errorf("when it was measured: %w", err)
	}
	u, err := s.Read(begin, begin.Add(time.Duration(r.DurationS*float64(time.Second))))
	m.ServerIdle, m.LoadIdle, m.Others = u.ServerIdle, u.LoadIdle, u.Others
	return err
}

// attacked ends the attack, and takes its report.
func (m *measured) attacked(ctx context.Context, attacker *measure.Process) error {
	attacker.Interrupt()
	said, err := attacker.Wait(ctx, roundPatience)
	if err != nil {
		return fmt.Errorf("the attacker: %w", err)
	}
	if err := json.Unmarshal(said, &m.Attack); err != nil {
		return fmt.Errorf("the attacker's report: %w", err)
	}
	return nil
}

// look takes what the server says of itself afterwards.
func (m *measured) look(ctx context.Context, s *served, a attack.Attack, part string, before figures) error {
	patience := time.Duration(0)
	if a.Late && part == attackPart {
		patience = lateness
	}
	after, _, err := s.until(ctx, patience, func(f figures) bool {
		for _, name := range a.Counters {
			if f[name] <= before[name] {
				return false
			}
		}
		return true
	})
	if err != nil {
		return errors.Join(err, s.alive(nil))
	}
	m.Moved = map[string]float64{}
	for name, n := range after {
		if n != before[name] {
			m.Moved[name] = n - before[name]
		}
	}
	m.MemoryMB, m.LogBytes = float64(s.memory())/(1<<20), len(s.Stderr())
	if trouble := s.alive(after); trouble != nil {
		m.Trouble = trouble.Error()
	}
	return nil
}
