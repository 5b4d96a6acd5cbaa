package feel

import (
	"math"
	"time"

	"github.com/quicstep/quicstep/clients/bots"
)

// what is measured in milliseconds.
type span int

const (
	own    span = iota // from an input to the own screen
	others             // and to another's
	known              // the age of what is known
	shown              // and of what is shown of others
	spans
)

// measures are those of one network, of all its players.
type measures struct {
	made   func(tick uint64) time.Time
	period time.Duration // of a tick
	from   time.Time     // when what is measured counts
	spans  [spans]*bots.Histogram
}

func newSpans() (all [spans]*bots.Histogram) {
	for i := range all {
		all[i] = bots.NewHistogram()
	}
	return all
}

// on tells whether the measured time has begun.
func (m *measures) on(now time.Time) bool { return !now.Before(m.from) }

// add counts a time, once the measured time has begun.
func (m *measures) add(s span, took time.Duration, now time.Time) {
	if m.on(now) {
		m.spans[s].AddDuration(took)
	}
}

func (m *measures) spread(s span) Spread {
	h := m.spans[s]
	return Spread{Samples: h.Count(), P50: h.PercentileMS(50), P99: h.PercentileMS(99)}
}

// cell is what was found on a network.
func (m *measures) cell(n network, players []*player) Cell {
	c := Cell{
		RoundTripMS: ms(n.roundTrip), JitterMS: ms(n.jitter), Loss: n.loss, Over: n.over,
		OwnMS: m.spread(own), OthersMS: m.spread(others), AgeMS: m.spread(known), ShownMS: m.spread(shown),
	}
	var ticks, missing, compared, wrong, bytes, delay float64
	for _, p := range players {
		a, b := p.after, p.before
		ticks += float64(a.Tick - b.Tick)
		missing += float64(a.MissingInputs - b.MissingInputs)
		compared += float64(a.Predicted - b.Predicted)
		wrong += float64(a.Mispredicted - b.Mispredicted)
		bytes += float64(a.ReceivedBytes - b.ReceivedBytes)
		delay += ms(a.Delay) / float64(len(players))
		c.Dry += a.Dry - b.Dry
		c.Hits.Shots += p.shots
		c.Hits.Agreed += uint64(p.ended.Hits - p.began.Hits)
		if count, most := p.mispredicted(); count > p.wrong {
			c.Corrections.Largest = max(c.Corrections.Largest, most)
		}
	}
	c.DelayMS = delay
	c.Corrections.Share, c.MissingInputs = share(wrong, compared), share(missing, ticks)
	c.Hits.Share = share(float64(c.Hits.Agreed), float64(c.Hits.Shots))
	c.BytesPerS = share(bytes, ticks*m.period.Seconds())
	return c
}

// share is a part of a whole; zero of nothing.
func share(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}

func ms(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}
