package protocol_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"

	"github.com/quicstep/quicstep/protocol"
)

// wantReject fails the test unless err refuses bytes for exactly this reason.
func wantReject(t *testing.T, what string, err error, want protocol.Reject) {
	t.Helper()
	if got, ok := protocol.RejectOf(err); !ok || got != want {
		t.Errorf("%s: got %v, want it refused as %v", what, err, want)
	}
}

func TestEachRejectHasACounterName(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := map[string]bool{}
	for i := range protocol.RejectCount {
		name := protocol.Reject(i).String()
		if !snake.MatchString(name) {
			t.Errorf("reject %d is called %q, want snake_case", i, name)
		}
		if seen[name] {
			t.Errorf("two rejects are called %q", name)
		}
		seen[name] = true
	}
	if got := protocol.Reject(protocol.RejectCount).String(); got != fmt.Sprintf("reject_%d", protocol.RejectCount) {
		t.Errorf("a reject of another version is called %q", got)
	}
}

func TestRejectOf(t *testing.T) {
	rejected := &protocol.RejectError{Reject: protocol.TooDeep, Detail: "nest less"}
	wantReject(t, "a wrapped rejection", fmt.Errorf("read hello: %w", rejected), protocol.TooDeep)
	if got := rejected.Error(); got != "protocol: too_deep: nest less" {
		t.Errorf("the text is %q", got)
	}
	for _, err := range []error{nil, errors.New("closed"), protocol.ErrNeedMore} {
		if got, ok := protocol.RejectOf(err); ok || got != 0 {
			t.Errorf("%v counts as %v, want no rejection", err, got)
		}
	}
}
