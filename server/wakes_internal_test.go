package server

import "testing"

// TestLateWakesAreToldFromThoseOfLongAgo, as far as they are kept.
func TestLateWakesAreToldFromThoseOfLongAgo(t *testing.T) {
	var w lateWakes
	if n := w.since(1); n != 0 {
		t.Errorf("of a new room there are %d, want none", n)
	}
	for _, tick := range []uint64{0, 4, 9} {
		w.add(tick)
	}
	for tick, want := range map[uint64]int{1: 3, 2: 2, 5: 2, 6: 1, 10: 1, 11: 0} {
		if n := w.since(tick); n != want {
			t.Errorf("from tick %d on there are %d, want %d", tick, n, want)
		}
	}
	for tick := uint64(100); tick < 200; tick++ {
		w.add(tick)
	}
	if n := w.since(1); n != wakesKept || w.count.Load() != 103 {
		t.Errorf("of %d there are %d, want 103 and the latest %d", w.count.Load(), n, wakesKept)
	}
}
