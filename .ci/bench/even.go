package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// A machine that others share changes its speed, from one minute to the next and without a word: another guest runs on the other
// thread of a hardware core. A yardstick, taken on both cores while anything is measured, tells. A run in which a core was slowed is
// made again.
const (
	// slowedFrom is by what factor the yardstick takes longer than in the fastest run, on a core that counts as slowed.
	slowedFrom = 1.2
	// evenPatience is for how long a run waits until no core is slowed, and evenTries how often it is made.
	evenPatience = 30 * time.Second
	evenTries    = 3
)

// slowedRemark is said of a row of which too few rounds were even.
const slowedRemark = "slowed"

// pace is what the yardstick took in a run, in microseconds: on the core that took longer. Zero is not known.
type pace float64

func paceOf(u measure.Usage) pace {
	return pace(max(u.ServerYardstick, u.LoadYardstick).Seconds() * 1e6)
}

// slowed tells whether a core was slow, when it was fastest at another time.
func (p pace) slowed(fastest pace) bool { return fastest > 0 && p > slowedFrom*fastest }

// noise says that a core was slowed; nothing when none was.
func (p pace) noise(fastest pace) string {
	if !p.slowed(fastest) {
		return ""
	}
	return fmt.Sprintf("; a core was slowed, %.2f times", float64(p/fastest))
}

// pace is that of the run in which a core was slowest.
func (r round) pace() pace { return max(r.Quicstep.Pace, r.Floor.Pace, r.AlonePace) }

// evenOf are those in which no core was slowed. When they are less than half, it is all of them, and they are slowed.
func evenOf[R paced](all []R, fastest pace) (even []R, slowed bool) {
	even = slices.DeleteFunc(slices.Clone(all), func(r R) bool { return r.pace().slowed(fastest) })
	if 2*len(even) < len(all) {
		return all, true
	}
	return even, false
}

// paced is a round of any kind.
type paced interface{ pace() pace }

// even is the outcome with the rounds that count.
func (o *outcome) even() *outcome {
	out := *o
	out.Cells, out.Own = slices.Clone(o.Cells), slices.Clone(o.Own)
	for i := range out.Cells {
		c := &out.Cells[i]
		c.Rounds, c.slowed = evenOf(c.Rounds, o.Fastest)
	}
	for i := range out.Own {
		c := &out.Own[i]
		c.Rounds, c.slowed = evenOf(c.Rounds, o.Fastest)
	}
	return &out
}

// evenly makes a run when no core is slowed, and again when one was slowed meanwhile, evenTries times at most.
func (b *bench) evenly(ctx context.Context, name string, run func() (pace, error)) error {
	for n := 1; ; n++ {
		awaitEven(ctx, b.outcome.Fastest, b.look)
		p, err := run()
		b.rest(ctx)
		if err != nil {
			return err
		}
		if p > 0 && (p < b.outcome.Fastest || b.outcome.Fastest == 0) {
			b.outcome.Fastest = p
		}
		if !p.slowed(b.outcome.Fastest) || n == evenTries {
			return ctx.Err()
		}
		b.outcome.Again++
		fmt.Fprintf(b.out, "  %s, again: a core was slowed, %.2f times\n", name, float64(p/b.outcome.Fastest))
	}
}

// look is how fast the cores are now.
func (b *bench) look(ctx context.Context) pace {
	server, load := b.Cores.Look(ctx)
	return paceOf(measure.Usage{ServerYardstick: server, LoadYardstick: load})
}

// awaitEven looks until no core is slowed, or for evenPatience.
func awaitEven(ctx context.Context, fastest pace, look func(context.Context) pace) {
	for begun := time.Now(); fastest > 0 && ctx.Err() == nil; {
		if !look(ctx).slowed(fastest) || time.Since(begun) > evenPatience {
			return
		}
	}
}
