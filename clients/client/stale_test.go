package client

import (
	"slices"
	"testing"
)

func TestStaleRowsAreTakenOnceAndInOrder(t *testing.T) {
	var s stale
	type ref struct {
		table int
		index uint32
	}
	take := func() (got []ref) {
		s.take(func(table int, index uint32) { got = append(got, ref{table, index}) })
		return got
	}
	for _, r := range []ref{{2, 70}, {0, 5}, {2, 3}, {0, 5}, {2, 64}} {
		s.mark(r.table, r.index)
	}
	if got, want := take(), []ref{{0, 5}, {2, 3}, {2, 64}, {2, 70}}; !slices.Equal(got, want) {
		t.Errorf("took %v, want %v", got, want)
	}
	if got := take(); got != nil {
		t.Errorf("took %v again", got)
	}
	s.mark(1, 9)
	s.clear()
	if got := take(); got != nil {
		t.Errorf("took %v after clear", got)
	}
}
