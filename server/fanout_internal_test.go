package server

import "testing"

// TestWhoIsInTheDark acknowledges nothing, and is sent a probe now and then; who is only slow now and then is not.
func TestWhoIsInTheDark(t *testing.T) {
	var d dark
	pass := func(sent ...bool) {
		for _, s := range sent {
			d.passed(s)
		}
	}
	pass(true, true, false, false)
	if d.is() {
		t.Error("two passes that send nothing are darkness")
	}
	pass(false)
	for range 10 {
		if !d.is() {
			t.Fatal("a probe is light")
		}
		pass(false, false, false, true)
	}
	pass(true, true, true)
	if d.is() {
		t.Error("it is dark though passes send again")
	}
	for range 10 {
		if pass(false, true, true, false); d.is() {
			t.Fatal("who is slow now and then is in the dark")
		}
	}
}
