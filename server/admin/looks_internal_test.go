package admin

import (
	"testing"

	"github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server"
)

// TestWhatOnlyLooksIsWrittenDownNowhere: consoles and the door are of one mind about which acts change something.
func TestWhatOnlyLooksIsWrittenDownNowhere(t *testing.T) {
	table := acts()
	for _, act := range admin.Acts {
		if table[act].writes == act.Looks() {
			t.Errorf("%s: the door writes it down: %v, it only looks: %v", act, table[act].writes, act.Looks())
		}
	}
	if admin.MaxSights != server.MaxSights {
		t.Errorf("consoles take it that %d rows have a sight, and the server tells %d", admin.MaxSights, server.MaxSights)
	}
}
