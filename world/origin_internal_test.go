package world

import "testing"

// TestAnIDThatIsGivenAgainNamesAnotherRow: a predicted row's ID may come again, for what another input made.
func TestAnIDThatIsGivenAgainNamesAnotherRow(t *testing.T) {
	first, second := Origin{Tick: 5, Insert: 1}, Origin{Tick: 6, Insert: 1}
	for _, c := range []struct {
		a, b     Origin
		ida, idb ID
		same     bool
	}{
		{first, first, 1, 2, true},
		{first, second, 1, 1, false},
		{first, Origin{}, 1, 1, true},
		{Origin{}, Origin{}, 1, 1, true},
		{Origin{}, Origin{}, 1, 2, false},
	} {
		if got := c.a.names(c.b, c.ida, c.idb); got != c.same {
			t.Errorf("%v with ID %d and %v with ID %d: the same row is %v, want %v", c.a, c.ida, c.b, c.idb, got, c.same)
		}
	}
}
