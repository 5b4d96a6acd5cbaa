package main

import (
	"fmt"
	"math"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// outcome is everything that was measured; it is written as JSON.
type outcome struct {
	Machine  measure.Machine
	Settings settings
	Begun    time.Time
	Rounds   []round
	Failed   []string // why rounds are missing
}

// round is a server that was measured unwatched and watched. FirstLineMS is from the start of console rooms until it printed
// something, FirstScreenMS from that of the terminal program until it showed a room; zero without tmux.
type round struct {
	Without, With              half
	FirstLineMS, FirstScreenMS float64
}

// half is one of the two. Times are in microseconds, shares from 0 to 1; Samples are those of the server's CPU profile.
type half struct {
	Ticks                                int64
	Overruns                             uint64
	P50US, P99US                         int64
	Samples, DoorSamples                 int64
	ServerShare                          float64 // of a core, that the server used
	ServerIdle, LoadIdle, Stolen, Others float64 // of the cores
}

// line is a round in one line.
func (r round) line() string {
	screen := "no tmux"
	if r.FirstScreenMS > 0 {
		screen = fmt.Sprintf("screen after %.0f ms", r.FirstScreenMS)
	}
	return fmt.Sprintf("tick p50 %d µs unwatched, %d watched, ratio %.2f; %d of %d samples are the door's; first line after %.0f ms, %s%s",
		r.Without.P50US, r.With.P50US, r.ratio(), r.With.DoorSamples, r.With.Samples, r.FirstLineMS, screen, r.remark())
}

// ratio is that of the round's medians; zero when there is none.
func (r round) ratio() float64 {
	if r.Without.P50US == 0 {
		return 0
	}
	return float64(r.With.P50US) / float64(r.Without.P50US)
}

// remark says that the machine had other things to do; empty when it had not.
func (r round) remark() string {
	others, idle := max(r.Without.Others, r.With.Others), min(r.Without.ServerIdle, r.With.ServerIdle, r.Without.LoadIdle, r.With.LoadIdle)
	switch {
	case others > measure.QuietOthers:
		return fmt.Sprintf("; other programs took %.0f %%", 100*others)
	case idle < measure.SaturatedIdle:
		return "; saturated"
	}
	return ""
}

// over is a figure's spread over the rounds.
func (o *outcome) over(of func(round) float64) measure.Spread {
	values := make([]float64, len(o.Rounds))
	for i, r := range o.Rounds {
		values[i] = of(r)
	}
	return measure.SpreadOf(values)
}

func without(r round) float64   { return float64(r.Without.P50US) }
func with(r round) float64      { return float64(r.With.P50US) }
func firstLine(r round) float64 { return r.FirstLineMS }

// screens is how long the terminal program took, in the rounds in which it ran; all zero without tmux.
func (o *outcome) screens() measure.Spread {
	var values []float64
	for _, r := range o.Rounds {
		if r.FirstScreenMS > 0 {
			values = append(values, r.FirstScreenMS)
		}
	}
	return measure.SpreadOf(values)
}

// ratio is that of the medians of all rounds, watched to unwatched; zero when there is none.
func (o *outcome) ratio() float64 {
	if o.over(without).Median == 0 {
		return 0
	}
	return o.over(with).Median / o.over(without).Median
}

// door is how many samples of the watched halves have the door's label, of how many.
func (o *outcome) door() (door, all int64) {
	for _, r := range o.Rounds {
		door, all = door+r.With.DoorSamples, all+r.With.Samples
	}
	return door, all
}

// share is the door's of the samples, and between what it is with a confidence of 95 %, by Wilson's interval: samples are few.
func (o *outcome) share() (share, least, most float64) {
	const z = 1.96
	door, all := o.door()
	if all == 0 {
		return 0, 0, 1
	}
	n := float64(all)
	share = float64(door) / n
	middle, reach := share+z*z/(2*n), z*math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	return share, (middle - reach) / (1 + z*z/n), (middle + reach) / (1 + z*z/n)
}

// spread is how much the unwatched medians differ by themselves, from 0: the largest to the smallest.
func (o *outcome) spread() float64 {
	s := o.over(without)
	if s.Min == 0 {
		return 0
	}
	return s.Max/s.Min - 1
}

// noise says what of the comparison is noise.
func (o *outcome) noise() string {
	s := o.over(without)
	return fmt.Sprintf("unwatched, the median tick took from %.0f to %.0f µs in rounds that were alike, %.0f %% apart: of what watched rounds differ by, less than that is noise",
		s.Min, s.Max, 100*o.spread())
}

// What is promised of a watcher.
const (
	promisedFirstMS = 1000
	promisedShare   = 0.02
	promisedRatio   = 0.10
)

// promise is one, and what came of it.
type promise struct {
	what, is, most string
	verdict        verdict
}

// verdict is what is said of a promise.
type verdict string

// The verdicts.
const (
	holds  verdict = "holds"
	broken verdict = "**does not hold**"
	unsure verdict = "can't be told from noise"
)

func verdictOf(ok bool) verdict {
	if ok {
		return holds
	}
	return broken
}

// promises are those that were measured.
func (o *outcome) promises() []promise {
	share, least, most := o.share()
	door, all := o.door()
	soon := func(what string, s measure.Spread) promise {
		return promise{what, fmt.Sprintf("%.0f ms (%.0f–%.0f)", s.Median, s.Min, s.Max), fmt.Sprintf("%d ms", promisedFirstMS), verdictOf(s.Max > 0 && s.Max < promisedFirstMS)}
	}
	out := []promise{soon("from the start of `console rooms` to its first line", o.over(firstLine))}
	if s := o.screens(); s.Max > 0 {
		out = append(out, soon("from the start of the terminal program to its first rooms", s))
	}
	samples := promise{"CPU samples of the server with the door's label", fmt.Sprintf("%.1f %% (%d of %d; with a confidence of 95 %% from %.1f to %.1f %%)", 100*share, door, all, 100*least, 100*most),
		fmt.Sprintf("%.0f %%", 100*promisedShare), verdictOf(share <= promisedShare)}
	if all == 0 || share > promisedShare && least <= promisedShare {
		samples.verdict = unsure
	}
	ticks := promise{"tick p50, watched to unwatched", fmt.Sprintf("%.2f (%.0f and %.0f µs)", o.ratio(), o.over(with).Median, o.over(without).Median),
		fmt.Sprintf("%.2f", 1+promisedRatio), verdictOf(o.ratio() > 0 && o.ratio() <= 1+promisedRatio)}
	if ticks.verdict == broken && o.ratio() > 0 && o.ratio() <= 1+o.spread() {
		ticks.verdict = unsure
	}
	return append(out, samples, ticks)
}

// lacking is why it may not replace what is published; empty when it may.
func (o *outcome) lacking() string {
	switch {
	case !o.Machine.Pinned:
		return "processes were not pinned"
	case len(o.Failed) > 0:
		return fmt.Sprintf("%d rounds failed", len(o.Failed))
	}
	return o.Settings.left()
}

func readOutcome(path string) (*outcome, error) {
	var o outcome
	if err := measure.ReadJSON(path, &o); err != nil {
		return nil, err
	}
	if len(o.Rounds) == 0 {
		return nil, fmt.Errorf("read an earlier run, %s: it has no round", path)
	}
	return &o, nil
}
