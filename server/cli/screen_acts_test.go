package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScreenActs does from the screen, against a server with bots, what TestScreen does not do: each act is asked back, has
// the effect that the server tells, and is in the audit log.
func TestScreenActs(t *testing.T) {
	path := self(t)
	o := openOfficeOf(t, "--game", "arena", "--bots", "4")
	file := filepath.Join(t.TempDir(), "cpu")
	term := openPane(t, 80, 24, path, "console", "--profile", filepath.Join(o.dir, "console.json"), "--door", o.address)
	term.want("quicstep  rooms", "4/")
	type answer = string // typed in place of what is there; empty takes that
	act := func(key string, answers []answer, tells string) {
		t.Helper()
		term.keys(key)
		for _, a := range answers {
			if a != "" {
				term.keys("C-u")
				term.types(a)
			}
			term.keys("Enter")
		}
		term.want("y yes")
		term.keys("y")
		term.want("✓ ", tells)
	}
	act("M", []answer{"to all"}, "said to 4 players")
	act("s", []answer{"2"}, "a tick takes 2 periods")
	term.want("1/2") // the page has heard of it
	act("f", nil, "stands")
	term.want("frozen")
	act("f", nil, "goes on at its normal pace")
	act("d", nil, "nobody new comes in")
	term.want("draining")
	act("d", nil, "newcomers come in again")
	act("L", []answer{"debug"}, "the log level was")
	act("P", []answer{"", "1", file}, "1 s, ")
	if info, err := os.Stat(file); err != nil || info.Size() < 100 {
		t.Errorf("the profile is %v, %v", info, err)
	}
	term.keys("B")
	term.want("no bans")
	act("n", []answer{"192.0.2.0/24", "1", "aimbot"}, "ban 1 keeps 192.0.2.0/24 out until")
	term.want("> ", "aimbot")
	act("u", nil, "is lifted")
	term.keys("BSpace", "Enter")
	term.want("PLAYER USER", "plays")
	act("S", []answer{"to the room"}, "said to 4 players")
	act("w", []answer{"to one"}, "said to 1 players")
	act("I", []answer{"", "", "0", ""}, "100ms more round trip")
	term.want("impaired")
	term.keys("i")
	term.want("BY TABLE", "! worse: +100 ms", "drone")
	act("I", nil, "is as it was")
	act("X", []answer{"new rules"}, "the room closes")

	log, err := os.ReadFile(filepath.Join(o.dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var done []string
	for _, line := range strings.Split(strings.TrimSpace(string(log)), "\n") {
		var e struct{ Who, Act, State string }
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Who != "ann" && e.Act != "admin init" {
			t.Errorf("%s: %v", line, err)
		}
		if e.State == "done" {
			done = append(done, e.Act)
		}
	}
	if got, want := strings.Join(done, " "), "admin init say slow freeze resume drain undrain log-level profile ban unban say say impair impair close"; got != want {
		t.Errorf("the log has %q, want %q", got, want)
	}
}
