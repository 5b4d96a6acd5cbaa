package main

import (
	"strings"
	"testing"
)

func TestDatagrams(t *testing.T) {
	b := make([]byte, 20)
	putState(b, 7, 1<<40)
	if tick, input, ok := parseState(b); !ok || tick != 7 || input != 1<<40 {
		t.Errorf("the state is of tick %d with input %d, %v", tick, input, ok)
	}
	if _, _, ok := parseState(b[:stateBytesMin-1]); ok {
		t.Error("a state that is too short is taken")
	}
	if number, ok := parseInput(b[8:]); !ok || number != 1<<40 {
		t.Errorf("the input is %d, %v", number, ok)
	}
	if _, ok := parseInput(b[:inputBytesMin-1]); ok {
		t.Error("an input that is too short is taken")
	}
}

func TestWrongCommands(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "serve or load"}, {"x", "serve or load"}, {"serve -hz 0", "above zero"}, {"load -per 0", "above zero"}, {"load -x", "not defined"},
	} {
		if err := run(t.Context(), strings.Fields(c.args)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.args, err, c.want)
		}
	}
}
