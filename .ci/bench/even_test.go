package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// TestASlowedRunIsMadeAgain until it is even, or there were enough of them.
func TestASlowedRunIsMadeAgain(t *testing.T) {
	for _, c := range []struct {
		paces          []pace
		made           int
		again          int
		before, faster pace
	}{
		{paces: []pace{100}, made: 1, faster: 100},
		{paces: []pace{119}, made: 1, before: 100, faster: 100},
		{paces: []pace{90}, made: 1, before: 100, faster: 90},
		{paces: []pace{121, 100}, made: 2, again: 1, before: 100, faster: 100},
		{paces: []pace{150, 121, 95}, made: 3, again: 2, before: 100, faster: 95},
		{paces: []pace{150, 150, 150}, made: 3, again: 2, before: 100, faster: 100},
		{paces: []pace{0}, made: 1, before: 100, faster: 100}, // nothing is known of it
	} {
		b := &bench{Lab: &measure.Lab{}, out: io.Discard, outcome: outcome{Fastest: c.before}}
		made := 0
		err := b.evenly(t.Context(), "it", func() (pace, error) { made++; return c.paces[made-1], nil })
		if err != nil || made != c.made || b.outcome.Again != c.again || b.outcome.Fastest != c.faster {
			t.Errorf("paces of %v: made %d times, %d again, the fastest is %v; %v; want %+v", c.paces, made, b.outcome.Again, b.outcome.Fastest, err, c)
		}
	}
	b, broken := &bench{Lab: &measure.Lab{}, out: io.Discard, outcome: outcome{Fastest: 100}}, errors.New("broken")
	if err := b.evenly(t.Context(), "it", func() (pace, error) { return 200, broken }); err != broken || b.outcome.Again != 0 {
		t.Errorf("a run that fails is made %d times more, with %v", b.outcome.Again, err)
	}
}

// TestARunWaitsForEvenCores, but not for ever, and not before it is known how fast they are.
func TestARunWaitsForEvenCores(t *testing.T) {
	const every = 500 * time.Millisecond
	for _, c := range []struct {
		name    string
		fastest pace
		paces   []pace // what the looks find; the last one for ever
		looks   int
	}{
		{"nothing is known", 0, []pace{150}, 0},
		{"even", 100, []pace{119}, 1},
		{"slowed for a while", 100, []pace{150, 121, 110}, 3},
		{"slowed for ever", 100, []pace{150}, int(evenPatience/every) + 1},
		{"not pinned", 100, []pace{0}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			looks := 0
			awaitEven(t.Context(), c.fastest, func(context.Context) pace {
				time.Sleep(every)
				looks++
				return c.paces[min(looks, len(c.paces))-1]
			})
			if looks != c.looks {
				t.Errorf("%s: %d looks, want %d", c.name, looks, c.looks)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	awaitEven(ctx, 100, func(context.Context) pace { t.Error("there is a look after the end"); return 0 })
}

// TestSlowedRoundsAreLeftOut unless most are.
func TestSlowedRoundsAreLeftOut(t *testing.T) {
	of := func(paces ...pace) (out []round) {
		for _, p := range paces {
			out = append(out, round{Floor: measured{Pace: p}})
		}
		return out
	}
	for _, c := range []struct {
		paces, even []pace
		slowed      bool
	}{
		{[]pace{100, 110, 119}, []pace{100, 110, 119}, false},
		{[]pace{100, 130, 110}, []pace{100, 110}, false},
		{[]pace{130, 100, 130, 100}, []pace{100, 100}, false},
		{[]pace{130, 140, 100}, []pace{130, 140, 100}, true},
		{nil, nil, false},
	} {
		even, slowed := evenOf(of(c.paces...), 100)
		if !slices.Equal(even, of(c.even...)) || slowed != c.slowed {
			t.Errorf("of %v %d are even, slowed %v; want %v, %v", c.paces, len(even), slowed, c.even, c.slowed)
		}
	}
}

// TestSlowedRowsAreNotPublished unasked.
func TestSlowedRowsAreNotPublished(t *testing.T) {
	o := invented()
	o.Cells = o.Cells[:1]
	o.Networks = nil
	for i := range o.Cells[0].Rounds {
		o.Cells[0].Rounds[i].AlonePace = 121
	}
	if why := o.lacking(); !strings.Contains(why, "bench, 200 clients, 20 Hz ran on slowed cores") {
		t.Errorf("it lacks %q", why)
	}
	o.Cells = nil
	for i := range o.Own[0].Rounds {
		o.Own[0].Rounds[i].Pace = 121
	}
	if why := o.lacking(); !strings.Contains(why, "the profiles of bench, 200 clients, 20 Hz were taken on slowed cores") {
		t.Errorf("it lacks %q", why)
	}
}
