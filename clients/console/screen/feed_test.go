package screen

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// TestActsThatCameOnTheWayInAreRefused: the server may be another one by then.
func TestActsThatCameOnTheWayInAreRefused(t *testing.T) {
	f := newFeed(console.Config{}, nil)
	var told []any
	f.tell = func(message any) { told = append(told, message) }
	for range 3 {
		f.do(effect{ask: admin.Request{Act: admin.ActDrain}})
	}
	f.refuse()
	if len(told) != 3 || told[0] != any(notConnected) || len(f.acts) != 0 {
		t.Errorf("it says %v, and %d acts wait", told, len(f.acts))
	}
}

// TestAFileThatIsThereIsNotWrittenOver, also when it came while the profile was taken.
func TestAFileThatIsThereIsNotWrittenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quicstep.pprof")
	if err := writeNew(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := writeNew(path, []byte("two")); err == nil {
		t.Error("it is written again")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "one" {
		t.Errorf("it holds %q, %v", b, err)
	}
}
