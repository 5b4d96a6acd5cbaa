package main

import (
	"math"
	"slices"
	"time"
)

// sample is the server's figures at a moment of the second round.
type sample struct {
	AtS                                         float64
	Collected                                   bool // garbage was, just before
	RSS, Heap, Goroutines, FDs                  int64
	Rooms, Players, Held                        int64
	Joined, Left, Lost, Expelled, Resumed, Sent int64
}

func sampleOf(f *figures, at time.Duration) sample {
	return sample{
		AtS: at.Seconds(), RSS: f.RSS, Heap: f.Heap, Goroutines: f.Goroutines, FDs: f.FDs, Rooms: f.Rooms, Players: f.Players, Held: f.Held,
		Joined: f.Joined, Left: f.Left, Lost: f.Lost, Expelled: f.Expelled, Resumed: f.Resumed, Sent: f.Datagrams,
	}
}

// slope is how fast something grows, in its unit per second, and how sure that is.
type slope struct {
	PerSecond float64
	// Error is the standard error, widened for what follows from the sample before.
	Error float64
	// Samples were counted, which are worth as many as Independent ones.
	Samples     int
	Independent float64
}

// sure is the quantile of the normal distribution below which 95 % are.
const sure = 1.645

// top is what the true slope is below, with a confidence of 95 %; bottom what it is above.
func (s slope) top() float64    { return s.PerSecond + sure*s.Error }
func (s slope) bottom() float64 { return s.PerSecond - sure*s.Error }

// slopeOf is the linear regression of y over x, in seconds, once what goes along with the figures beside it is taken out of
// both. What is left drifts rather than jumps about, so that neighbours tell little that is new: by as much as residuals
// follow those before them (Bartlett), the samples count for fewer.
func slopeOf(x, y []float64, beside ...[]float64) (s slope) {
	n := float64(len(x))
	s.Samples = len(x)
	known := 2 + len(beside)
	if len(x) <= known {
		s.Error = math.Inf(1)
		return s
	}
	x, y = without(x, y, beside)
	xx := product(x, x)
	if xx == 0 {
		s.Error = math.Inf(1)
		return s
	}
	s.PerSecond = product(x, y) / xx
	var squares, follow, last float64
	for i := range x {
		rest := y[i] - s.PerSecond*x[i]
		squares += rest * rest
		follow += rest * last
		last = rest
	}
	alike := 0.0
	if squares > 0 {
		alike = min(max(follow/squares, 0), 0.99)
	}
	s.Independent = n * (1 - alike) / (1 + alike)
	s.Error = math.Sqrt(squares / xx / float64(len(x)-known) * n / s.Independent)
	return s
}

// without takes out of x and y what is in line with the figures beside them, or constant.
func without(x, y []float64, beside [][]float64) (x2, y2 []float64) {
	ones := slices.Repeat([]float64{1}, len(x))
	var basis [][]float64 // each at right angles to the others
	for _, column := range append([][]float64{ones}, beside...) {
		rest := slices.Clone(column)
		for _, b := range basis {
			subtract(rest, b)
		}
		if product(rest, rest) > 1e-9*product(column, column) {
			basis = append(basis, rest)
		}
	}
	x2, y2 = slices.Clone(x), slices.Clone(y)
	for _, b := range basis {
		subtract(x2, b)
		subtract(y2, b)
	}
	return x2, y2
}

// subtract takes out of a what is in line with b.
func subtract(a, b []float64) {
	share := product(a, b) / product(b, b)
	for i := range a {
		a[i] -= share * b[i]
	}
}

func product(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// rssSlope is that of the memory after collections of garbage, which leave out at what point of its cycle the collector
// happens to be; for as many rooms and players as there are at the time.
func rssSlope(samples []sample) slope {
	var x, y, rooms, players []float64
	for _, each := range samples[min(len(samples), int(float64(len(samples))*settleShare)):] {
		if each.Collected {
			x, y = append(x, each.AtS), append(y, float64(each.RSS))
			rooms, players = append(rooms, float64(each.Rooms)), append(players, float64(each.Players))
		}
	}
	return slopeOf(x, y, rooms, players)
}

// settleShare is the first part of the second round, in which everybody comes in, whose samples the slope leaves out.
const settleShare = 0.2
