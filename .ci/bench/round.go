package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
	"github.com/quicstep/quicstep/clients/bots"
)

// round runs quicstep, the floor with the same datagrams, and the world alone.
func (b *bench) round(ctx context.Context, c cell) (r round, err error) {
	for _, run := range []struct {
		name string
		make func() (pace, error)
	}{
		{"quicstep", func() (pace, error) { r.Quicstep, err = b.quicstep(ctx, c, extra{}); return r.Quicstep.Pace, err }},
		{"the floor", func() (pace, error) { r.Floor, err = b.floor(ctx, c, r.Quicstep.Report); return r.Floor.Pace, err }},
		{"the world alone", func() (pace, error) { err = b.alone(ctx, c, &r); return r.AlonePace, err }},
	} {
		if err := b.evenly(ctx, run.name, run.make); err != nil {
			return r, fmt.Errorf("%s: %w", run.name, err)
		}
	}
	return r, nil
}

func (b *bench) rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(b.settings.Rest):
	}
}

// extra is what a run has that others have not.
type extra struct {
	load   []string                                        // further flags of the bots
	beside func(ctx context.Context, figures string) error // is called when the load begins; figures is the server's address for them
}

// quicstep runs quicstep.
func (b *bench) quicstep(ctx context.Context, c cell, x extra) (m measured, err error) {
	workload := append([]string{"--game", "arena", "--bench"}, c.scenario().Flags...)
	args := []string{"serve", "--addr", "127.0.0.1:0", "--debug-addr", "127.0.0.1:0", "--log-level", "warn",
		"--tick", strconv.Itoa(c.HZ), "--players", strconv.Itoa(c.Clients), "--max-players", strconv.Itoa(max(c.Clients, 1000))}
	server, err := b.Place().Start(ctx, b.Cores.Server, b.Program("quicstep"), append(append(args, workload...), c.scenario().Serve...)...)
	if err != nil {
		return m, err
	}
	defer server.Stop()
	addr, err := server.Expect(ctx, ` on (127\.0\.0\.1:\d+) at`)
	if err != nil {
		return m, err
	}
	figures, err := server.Expect(ctx, `figures on (http://127\.0\.0\.1:\d+)/stats`)
	if err != nil {
		return m, err
	}
	args = []string{"bots", "--addr", addr, "--server", figures, "--clients", strconv.Itoa(c.Clients), "--think", thinks, "--json", "--quiet"}
	beside := besides(ctx, x, figures)
	m, err = b.underLoad(ctx, server, b.Program("quicstep"), slices.Concat(args, workload, b.loadFlags(), x.load)...)
	err = errors.Join(err, beside())
	if err == nil && m.Report.Server == nil {
		err = errors.New("the server told no figures")
	}
	if err == nil {
		m.Allocs, m.Skipped = m.Report.Server.AllocsPerClientTick, m.Report.Server.Overruns
	}
	return m, err
}

// besides calls what is to be done beside a load. The function that it returns ends that, and waits for it.
func besides(ctx context.Context, x extra, figures string) (end func() error) {
	if x.beside == nil {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() { done <- x.beside(ctx, figures) }()
	return func() error { return <-done }
}

// floor gives the floor what quicstep has sent with an update, and received.
func (b *bench) floor(ctx context.Context, c cell, like *bots.Report) (m measured, err error) {
	per, size := shapeOf(like)
	shape := []string{"-hz", strconv.Itoa(c.HZ), "-per", strconv.FormatFloat(per, 'f', 4, 64),
		"-size", strconv.Itoa(size), "-input", strconv.Itoa(int(like.Inputs.MeanBytes + 0.5))}
	server, err := b.Place().Start(ctx, b.Cores.Server, b.Program("floor"), append([]string{"serve"}, shape...)...)
	if err != nil {
		return m, err
	}
	defer server.Stop()
	addr, err := server.Expect(ctx, `listening (\S+)`)
	if err != nil {
		return m, err
	}
	args := append([]string{"load", "-addr", addr, "-clients", strconv.Itoa(c.Clients)}, shape...)
	m, err = b.underLoad(ctx, server, b.Program("floor"), append(args, b.loadFlags()...)...)
	if err != nil {
		return m, err
	}
	begun, end, err := windowOf(m.Report.Begun, m.Report.DurationS)
	if err != nil {
		return m, err
	}
	allocs, skipped := floorFigures(server.Stdout(), begun, end)
	m.Allocs, m.Skipped = allocs/float64(c.HZ*c.Clients), skipped
	return m, nil
}

// shapeOf is how many datagrams a server has sent with an update, and their mean size in bytes. A server that left ticks
// out is compared with one that does not.
func shapeOf(like *bots.Report) (per float64, size int) {
	s := like.Server
	if s.DatagramsPerClientTick <= 0 || like.Updates.PerClientPerS <= 0 {
		return 1, 1
	}
	size = int(s.DatagramBytesPerClientTick/s.DatagramsPerClientTick + 0.5)
	return s.DatagramsPerClientTick / min(1, like.Updates.PerClientPerS/like.TickHz), size
}

// loadFlags are for how long and how fast, as both loads have them.
func (b *bench) loadFlags() []string {
	s := b.settings
	return []string{"--join-rate", strconv.Itoa(s.JoinRate), "--warmup", s.Warmup.String(), "--duration", (time.Duration(s.Seconds) * time.Second).String()}
}

// underLoad lets a load play on a server, and measures both over the time that the load says it measured.
func (b *bench) underLoad(ctx context.Context, server *measure.Process, program string, args ...string) (m measured, err error) {
	empty := measure.ResidentOf(server.PID())
	load, err := b.Place().Start(ctx, b.Cores.Load, program, args...)
	if err != nil {
		return m, err
	}
	defer load.Stop()
	s := measure.Watch(ctx, server.PID(), load.PID(), b.Cores)
	out, err := load.Wait(ctx, b.patience())
	if err != nil {
		s.End()
		return m, errors.Join(err, server.Trouble())
	}
	m.Report = new(bots.Report)
	if err := json.Unmarshal(out, m.Report); err != nil {
		s.End()
		return m, fmt.Errorf("the load's report: %w", err)
	}
	u, err := b.usage(s, m.Report.Begun, m.Report.DurationS)
	if err != nil {
		return m, err
	}
	joined := float64(m.Report.Clients.Joined)
	n := u.Took.Seconds() * m.Report.TickHz * joined
	m.CPUUS, m.LoadUS = float64(u.Server.Microseconds())/n, float64(u.Load.Microseconds())/n
	m.ResidentKB = float64(u.Resident-empty) / 1024 / joined
	m.ServerIdle, m.LoadIdle, m.Stolen, m.Others, m.Pace = u.ServerIdle, u.LoadIdle, u.Stolen, u.Others, paceOf(u)
	if asked := m.Report.Clients.Asked; asked != m.Report.Clients.Joined || m.Report.Clients.Disconnected > 0 {
		return m, errors.Join(fmt.Errorf("of %d clients %d joined and %d were disconnected: %v", asked, m.Report.Clients.Joined, m.Report.Clients.Disconnected, m.Report.Errors), server.Trouble())
	}
	if m.Report.Diverged > 0 {
		return m, fmt.Errorf("%d rows or pages of clients were not as the server's", m.Report.Diverged)
	}
	return m, nil
}

// patience is for how long a run may take: what it should, and as long again as joins may be late.
func (b *bench) patience() time.Duration {
	s := b.settings
	joins := time.Duration(slices.Max(s.Clients)) * time.Second / time.Duration(s.JoinRate)
	return joins + s.Warmup + time.Duration(s.Seconds)*time.Second + 2*time.Minute
}

// usage reads the sampler over a window; where the system has no accounts, there is none.
func (b *bench) usage(s *measure.Sampler, begun string, seconds float64) (measure.Usage, error) {
	begin, end, err := windowOf(begun, seconds)
	if err != nil {
		s.End()
		return measure.Usage{}, err
	}
	if runtime.GOOS != "linux" {
		s.End()
		return measure.Usage{Took: end.Sub(begin), ServerIdle: 1, LoadIdle: 1}, nil
	}
	return s.Read(begin, end)
}

func windowOf(begun string, seconds float64) (begin, end time.Time, err error) {
	if begin, err = time.Parse(time.RFC3339Nano, begun); err != nil {
		return begin, end, fmt.Errorf("when it was measured: %w", err)
	}
	return begin, begin.Add(time.Duration(seconds * float64(time.Second))), nil
}

// floorStatus is what the floor's server says once a second.
type floorStatus struct {
	At      time.Time `json:"at"`
	Skipped uint64    `json:"skipped"`
	Allocs  uint64    `json:"allocs"`
}

// floorFigures are the objects that the floor allocated in a second, and the ticks that it skipped, from the first to
// the last thing that it said in a window; zero when it said less than two.
func floorFigures(text string, begin, end time.Time) (allocsPerS float64, skipped uint64) {
	var first, last floorStatus
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		var s floorStatus
		if json.Unmarshal(lines.Bytes(), &s) != nil || s.At.Before(begin) || s.At.After(end) {
			continue
		}
		if last = s; first.At.IsZero() {
			first = s
		}
	}
	took := last.At.Sub(first.At).Seconds()
	if took <= 0 {
		return 0, 0
	}
	return float64(last.Allocs-first.Allocs) / took, last.Skipped - first.Skipped
}

// alone measures the world without a network.
func (b *bench) alone(ctx context.Context, c cell, r *round) error {
	args := append([]string{aloneCommand, "--players", strconv.Itoa(c.Clients), "--hz", strconv.Itoa(c.HZ),
		"--duration", b.settings.aloneTime().String()}, c.scenario().Flags...)
	p, err := b.Place().Start(ctx, b.Cores.Server, b.Self, args...)
	if err != nil {
		return err
	}
	defer p.Stop()
	s := measure.Watch(ctx, p.PID(), 0, b.Cores)
	out, err := p.Wait(ctx, b.patience())
	if err != nil {
		s.End()
		return err
	}
	var report aloneReport
	if err := json.Unmarshal(out, &report); err != nil {
		s.End()
		return fmt.Errorf("its report: %w", err)
	}
	u, err := b.usage(s, report.Begun, report.DurationS)
	if err != nil {
		return err
	}
	r.AloneUS, r.AloneLateMS = float64(u.Server.Microseconds())/u.Took.Seconds()/float64(c.HZ*c.Clients), report.LateMS.P99
	r.AlonePace = paceOf(measure.Usage{ServerYardstick: u.ServerYardstick}) // nothing runs on the other core
	return nil
}
