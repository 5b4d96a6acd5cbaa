package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// outcome is everything that was found; it is written as JSON.
type outcome struct {
	Machine  measure.Machine
	Settings settings
	Begun    time.Time
	Lines    []line
}

// line is what the rounds of an attack gave.
type line struct {
	Attack, Says      string
	PerSecond         float64
	Unit              string
	Counters          []string
	Attacks, Controls []measured
	Failed            []string
}

const (
	// ratioMost is how much later honest players may feel an effect under attack than in the control run.
	ratioMost = 1.5
	// rateLeast is the share of a rate that has to be reached for it to count as reached.
	rateLeast = 0.9
)

func over(runs []measured, of func(measured) float64) measure.Spread {
	values := make([]float64, len(runs))
	for i, m := range runs {
		values[i] = of(m)
	}
	return measure.SpreadOf(values)
}

func p50(m measured) float64  { return m.P50 }
func p99(m measured) float64  { return m.P99 }
func rate(m measured) float64 { return m.Attack.Rate() }

// ratio is the honest players' latency under attack by that in the control runs; zero when either is not known.
func (l line) ratio() float64 {
	control := over(l.Controls, p99).Median
	if control <= 0 {
		return 0
	}
	return over(l.Attacks, p99).Median / control
}

// memoryMB is the server's at its highest, in any attack.
func (l line) memoryMB() float64 {
	return over(l.Attacks, func(m measured) float64 { return m.MemoryMB }).Max
}

// broken is which promises an attack broke; empty when all hold.
func (l line) broken(s settings) (out []string) {
	out = append(out, l.Failed...)
	for _, m := range slices.Concat(l.Attacks, l.Controls) {
		if m.Joined < s.Clients || m.Disconnected > 0 {
			out = append(out, fmt.Sprintf("of %d honest players %d came in, and %d were disconnected: %v", s.Clients, m.Joined, m.Disconnected, m.Errors))
		}
		if m.Diverged > 0 {
			out = append(out, fmt.Sprintf("%d rows of honest players diverged", m.Diverged))
		}
		if m.Trouble != "" {
			out = append(out, m.Trouble)
		}
		if m.MemoryMB > float64(s.MemoryMB) {
			out = append(out, fmt.Sprintf("the server took %.0f MB, more than %d", m.MemoryMB, s.MemoryMB))
		}
	}
	for _, m := range l.Attacks {
		for _, name := range l.Counters {
			if m.Moved[name] <= 0 {
				out = append(out, "no counter tells of it: "+name+" did not move")
			}
		}
		if m.Attack.Did == 0 {
			out = append(out, fmt.Sprintf("the attack did nothing: %v", m.Attack.Errors))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// remarks are what to know before the latencies are believed.
func (l line) remarks() (out []string) {
	all := slices.Concat(l.Attacks, l.Controls)
	least := min(over(all, func(m measured) float64 { return m.ServerIdle }).Min, over(all, func(m measured) float64 { return m.LoadIdle }).Min)
	if len(all) > 0 && least < measure.SaturatedIdle {
		out = append(out, "saturated")
	}
	if got := over(l.Attacks, rate).Median; got < rateLeast*l.PerSecond {
		out = append(out, fmt.Sprintf("rate not reached: %s of %s", measure.Grouped(got, 0), measure.Grouped(l.PerSecond, 0)))
	}
	if r := l.ratio(); r > ratioMost {
		out = append(out, fmt.Sprintf("latency above %.1f × control", ratioMost))
	}
	return out
}

// verdict is a line about the attack, for whoever watches.
func (l line) verdict(s settings) string {
	a, c := over(l.Attacks, p99), over(l.Controls, p99)
	text := fmt.Sprintf("%s: %s %s/s; honest p50 %.1f (control %.1f), p99 %.1f (%.1f) ms, %.2f ×; %.0f MB", l.Attack,
		measure.Grouped(over(l.Attacks, rate).Median, 0), l.Unit, over(l.Attacks, p50).Median, over(l.Controls, p50).Median, a.Median, c.Median, l.ratio(), l.memoryMB())
	if remarks := l.remarks(); len(remarks) > 0 {
		text += "; " + strings.Join(remarks, "; ")
	}
	for _, why := range l.broken(s) {
		text += "\n  BROKEN: " + strings.ReplaceAll(why, "\n", " ")
	}
	return text
}

// lacking is why it may not replace what is published; empty when it may.
func (o *outcome) lacking() string {
	if !o.Machine.Pinned {
		return "processes were not pinned"
	}
	for _, l := range o.Lines {
		if len(l.Failed) > 0 {
			return l.Attack + " failed"
		}
	}
	return o.Settings.left()
}
