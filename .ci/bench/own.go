package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// ownName is what BENCH_SCENARIOS calls the profiles of what is quicstep's own.
const ownName = "own"

// ownClients are how many clients they are taken with, as far as they are asked for.
var ownClients = []int{200, 500, 1000}

// ownWork are the labels "work" of what quicstep does for each client outside of quic-go and the kernel.
var ownWork = []string{"choose", "input"}

// ownOutcome is what the rounds with so many clients gave.
type ownOutcome struct {
	Cell   cell
	Rounds []ownRound
	Failed []string // why rounds are missing
	slowed bool     // too few were even, so that all of them are here
}

// ownRound is a profile: microseconds per client and tick, by the label "work".
type ownRound struct {
	Work map[string]float64
	Pace pace
}

func (r ownRound) pace() pace { return r.Pace }

// ownCells are what profiles are taken of, in order.
func (s settings) ownCells() (out []cell) {
	if !slices.Contains(s.Scenarios, ownName) {
		return nil
	}
	for _, n := range ownClients {
		if slices.Contains(s.Clients, n) {
			out = append(out, cell{defaultScenario, n, s.HZ[0]})
		}
	}
	return out
}

// forOwn are the settings of a cell's profiles: the fewer clients, the longer, so that each has as many samples of them. Of 200 clients
// a profile of 6 s has 14 samples, which is 3 to 9 µs.
func (s settings) forOwn(c cell) settings {
	s.Seconds = s.Seconds * slices.Max(ownClients) / c.Clients
	return s
}

// ownTime is about how long they take.
func (s settings) ownTime() (sum time.Duration) {
	for _, c := range s.ownCells() {
		sum += time.Duration(s.Rounds) * s.forOwn(c).playedTime(c.Clients)
	}
	return sum
}

// measureOwn takes the profiles, of all numbers of clients in turns.
func (b *bench) measureOwn(ctx context.Context) {
	for _, c := range b.settings.ownCells() {
		b.outcome.Own = append(b.outcome.Own, ownOutcome{Cell: c})
	}
	for n := range b.settings.Rounds {
		for i := range b.outcome.Own {
			o := &b.outcome.Own[i]
			var r ownRound
			err := b.evenly(ctx, "a profile", func() (_ pace, err error) { r, err = b.profiled(ctx, o.Cell); return r.Pace, err })
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				o.Failed = append(o.Failed, err.Error())
				fmt.Fprintf(b.out, "  round %d of %d, %v, failed: %v\n", n+1, b.settings.Rounds, o.Cell, err)
				continue
			}
			o.Rounds = append(o.Rounds, r)
			fmt.Fprintf(b.out, "  round %d of %d, %v: %.1f µs per client and tick%s\n", n+1, b.settings.Rounds, o.Cell, ownOf(r), r.Pace.noise(b.outcome.Fastest))
		}
	}
}

// profiled runs quicstep and takes a profile of its server while all play.
func (b *bench) profiled(ctx context.Context, c cell) (r ownRound, err error) {
	path := filepath.Join(b.Dir, "own.pprof")
	defer os.Remove(path)
	run := *b
	run.settings = b.settings.forOwn(c)
	seconds := run.settings.Seconds
	m, err := run.quicstep(ctx, c, extra{beside: func(ctx context.Context, figures string) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(run.settings.playedTime(c.Clients) - time.Duration(seconds)*time.Second - overhead - run.settings.Rest):
		}
		profile, err := measure.Get(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", figures, seconds), time.Duration(seconds)*time.Second)
		if err != nil {
			return err
		}
		return os.WriteFile(path, profile, 0o644)
	}})
	if err != nil {
		return r, err
	}
	text, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-tags", "-unit=us", path).Output()
	if err != nil {
		return r, fmt.Errorf("read the profile: %w", err)
	}
	r.Work, r.Pace = workOf(string(text)), m.Pace
	if len(r.Work) == 0 {
		return r, fmt.Errorf("the profile has no label \"work\":\n%s", text)
	}
	for name := range r.Work {
		r.Work[name] /= float64(seconds * c.HZ * c.Clients)
	}
	return r, nil
}

var (
	labelLine = regexp.MustCompile(`^ (\w+): Total `)
	valueLine = regexp.MustCompile(`^ +([\d.]+)us \( *[\d.]+%\): (\w+)`)
)

// workOf reads the values of the label "work" in what go tool pprof -tags -unit=us prints, in microseconds.
func workOf(text string) map[string]float64 {
	out := map[string]float64{}
	label := ""
	for line := range bytes.Lines([]byte(text)) {
		if m := labelLine.FindSubmatch(line); m != nil {
			label = string(m[1])
		} else if m := valueLine.FindSubmatch(line); m != nil && label == "work" {
			out[string(m[2])], _ = strconv.ParseFloat(string(m[1]), 64)
		}
	}
	return out
}

// ownOf is what quicstep's own work takes.
func ownOf(r ownRound) (sum float64) {
	for _, name := range ownWork {
		sum += r.Work[name]
	}
	return sum
}

const ownText = `Microseconds per client and tick that the server does for each client outside of quic-go and the kernel, by the label "work" of a CPU profile of
each round, as long as it takes for as many ticks of clients: means, since these are samples of 10 ms each, with the least and the most of the rounds in parentheses. *choose* is acknowledgements, choosing and encoding, *input* is parsing an input and leaving it for the tick. Handing a
datagram over and waking up for one are quic-go's.
`

// writeOwn writes the table of what is quicstep's own, if it was measured.
func (o *outcome) writeOwn(d *bytes.Buffer) {
	if len(o.Own) == 0 {
		return
	}
	d.WriteString("\n## Its own cost\n\n" + ownText + "\n| clients |")
	for _, name := range ownWork {
		fmt.Fprintf(d, " %s |", name)
	}
	d.WriteString(" both | |\n|--:|--:|--:|--:|---|\n")
	for _, row := range o.Own {
		fmt.Fprintf(d, "| %s |", measure.Grouped(float64(row.Cell.Clients), 0))
		for _, of := range []func(ownRound) float64{
			func(r ownRound) float64 { return r.Work[ownWork[0]] }, func(r ownRound) float64 { return r.Work[ownWork[1]] }, ownOf,
		} {
			values, sum := make([]float64, len(row.Rounds)), 0.0
			for i, r := range row.Rounds {
				values[i] = of(r)
				sum += values[i]
			}
			s := measure.SpreadOf(values)
			fmt.Fprintf(d, " %s (%s–%s) |", measure.Grouped(sum/float64(max(len(values), 1)), 1), measure.Grouped(s.Min, 1), measure.Grouped(s.Max, 1))
		}
		if row.slowed {
			d.WriteString(" " + slowedRemark)
		}
		d.WriteString(" |\n")
	}
}
