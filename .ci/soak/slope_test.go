package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

// drift is memory that grows by so much a second, with noise that stays for a while and rooms that come and go, a megabyte each.
func drift(chance *rand.Rand, n int, perSecond float64) (x, y, rooms []float64) {
	noise := 0.0
	for i := range n {
		at, open := float64(i)*5, math.Floor(20+10*chance.NormFloat64())
		noise = 0.8*noise + 1e5*chance.NormFloat64()
		x, rooms = append(x, at), append(rooms, open)
		y = append(y, 5e7+perSecond*at+1e6*open+noise)
	}
	return x, y, rooms
}

// TestSlopesAreFoundWithTheirConfidence: of many, the true one is outside of the interval of 90 % about one time in ten.
func TestSlopesAreFoundWithTheirConfidence(t *testing.T) {
	const seed, runs, perSecond = 1, 400, 500
	t.Logf("seed %d", seed)
	chance, missed := rand.New(rand.NewPCG(seed, 0)), 0
	for range runs {
		x, y, rooms := drift(chance, 300, perSecond)
		s := slopeOf(x, y, rooms)
		if s.bottom() > perSecond || s.top() < perSecond {
			missed++
		}
		if math.Abs(s.PerSecond-perSecond) > 400 {
			t.Errorf("the slope is %.0f ± %.0f, want %d", s.PerSecond, s.Error, perSecond)
		}
		if s.Independent > float64(s.Samples)/3 {
			t.Errorf("%d samples that follow each other are worth %.0f", s.Samples, s.Independent)
		}
	}
	if missed < runs/50 || missed > runs/5 {
		t.Errorf("%d of %d intervals miss the slope, want about a tenth", missed, runs)
	}
}

func TestSlopesOfLittle(t *testing.T) {
	for n := range 3 {
		if s := slopeOf(make([]float64, n), make([]float64, n)); !math.IsInf(s.top(), 1) {
			t.Errorf("of %d samples the slope is %+v, want that nothing is known", n, s)
		}
	}
	if s := slopeOf([]float64{0, 1, 2, 3}, []float64{5, 7, 9, 11}, []float64{1, 1, 1, 1}); math.Abs(s.PerSecond-2) > 1e-9 || s.Error > 1e-6 {
		t.Errorf("of a straight line the slope is %+v, want 2", s)
	}
}
