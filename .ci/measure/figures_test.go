package measure

import (
	"reflect"
	"slices"
	"testing"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{7}, Spread{7, 7, 7}},
		{[]float64{3, 1}, Spread{2, 1, 3}},
		{[]float64{5, 1, 100, 2, 4}, Spread{4, 1, 100}},
		{[]float64{4, 1, 3, 2}, Spread{2.5, 1, 4}},
	} {
		before := append([]float64(nil), c.values...)
		if got := SpreadOf(c.values); got != c.want || !reflect.DeepEqual(c.values, before) {
			t.Errorf("the spread of %v is %+v, want %+v; the values are %v afterwards", before, got, c.want, c.values)
		}
	}
}

func TestTheEnvironmentIsTheSameForAll(t *testing.T) {
	got := Environment([]string{"PATH=/bin", "GOGC=off", "QUICSTEP_TICK=60", "XDG_CACHE_HOME=/x", "GOMAXPROCS=7", "HOME=/h"}, "own")
	want := []string{"PATH=/bin", "HOME=/h", "XDG_CACHE_HOME=own", "XDG_CONFIG_HOME=own"}
	if !slices.Equal(got, want) {
		t.Errorf("the environment is %q, want %q", got, want)
	}
}
