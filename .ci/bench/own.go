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
	Rounds []map[string]float64 // microseconds per client and tick, by the label "work"
	Failed []string             // why rounds are missing
}

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

// ownTime is about how long they take.
func (s settings) ownTime() (sum time.Duration) {
	for _, c := range s.ownCells() {
		sum += time.Duration(s.Rounds) * s.playedTime(c.Clients)
	}
	return sum
}

// measureOwn takes the profiles, of all numbers of clients in turns.
func (b *bench) measureOwn(ctx context.Context) []ownOutcome {
	var out []ownOutcome
	for _, c := range b.settings.ownCells() {
		out = append(out, ownOutcome{Cell: c})
	}
	for n := range b.settings.Rounds {
		for i := range out {
			o := &out[i]
			work, err := b.profiled(ctx, o.Cell)
			if ctx.Err() != nil {
				return out
			}
			if err != nil {
				o.Failed = append(o.Failed, err.Error())
				fmt.Fprintf(b.out, "  round %d of %d, %v, failed: %v\n", n+1, b.settings.Rounds, o.Cell, err)
				continue
			}
			o.Rounds = append(o.Rounds, work)
			fmt.Fprintf(b.out, "  round %d of %d, %v: %.1f µs per client and tick\n", n+1, b.settings.Rounds, o.Cell, ownOf(work))
			b.rest(ctx)
		}
	}
	return out
}

// profiled runs quicstep and takes a profile of its server while all play.
func (b *bench) profiled(ctx context.Context, c cell) (work map[string]float64, err error) {
	path := filepath.Join(b.Dir, "own.pprof")
	defer os.Remove(path)
	seconds := b.settings.Seconds
	_, err = b.quicstep(ctx, c, extra{beside: func(ctx context.Context, figures string) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(b.settings.playedTime(c.Clients) - time.Duration(seconds)*time.Second - overhead - b.settings.Rest):
		}
		profile, err := measure.Get(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", figures, seconds), time.Duration(seconds)*time.Second)
		if err != nil {
			return err
		}
		return os.WriteFile(path, profile, 0o644)
	}})
	if err != nil {
		return nil, err
	}
	text, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-tags", "-unit=us", path).Output()
	if err != nil {
		return nil, fmt.Errorf("read the profile: %w", err)
	}
	work = workOf(string(text))
	if len(work) == 0 {
		return nil, fmt.Errorf("the profile has no label \"work\":\n%s", text)
	}
	for name := range work {
		work[name] /= float64(seconds * c.HZ * c.Clients)
	}
	return work, nil
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
func ownOf(work map[string]float64) (sum float64) {
	for _, name := range ownWork {
		sum += work[name]
	}
	return sum
}

const ownText = `Microseconds per client and tick that the server does for each client outside of quic-go and the kernel, by the label "work" of a CPU profile of
each round: means, since these are samples of 10 ms each, with the least and the most of the rounds in parentheses. *choose* is acknowledgements, choosing and encoding, *input* is parsing an input and leaving it for the tick. Handing a
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
	d.WriteString(" both |\n|--:|--:|--:|--:|\n")
	for _, row := range o.Own {
		fmt.Fprintf(d, "| %s |", measure.Grouped(float64(row.Cell.Clients), 0))
		for _, of := range []func(map[string]float64) float64{
			func(work map[string]float64) float64 { return work[ownWork[0]] }, func(work map[string]float64) float64 { return work[ownWork[1]] }, ownOf,
		} {
			values, sum := make([]float64, len(row.Rounds)), 0.0
			for i, work := range row.Rounds {
				values[i] = of(work)
				sum += values[i]
			}
			s := measure.SpreadOf(values)
			fmt.Fprintf(d, " %s (%s–%s) |", measure.Grouped(sum/float64(max(len(values), 1)), 1), measure.Grouped(s.Min, 1), measure.Grouped(s.Max, 1))
		}
		d.WriteString("\n")
	}
}
