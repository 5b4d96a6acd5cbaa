package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/pong"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/cli"
)

// office is a server with an admin door, and the folder of its credentials.
type office struct {
	*program
	t       *testing.T
	dir     string
	address string
}

func openOffice(t *testing.T) *office {
	t.Helper()
	return openOfficeOf(t, "--game", "pong")
}

// openOfficeOf is one whose server is started with these words.
func openOfficeOf(t *testing.T, words ...string) *office {
	t.Helper()
	o := &office{t: t, dir: filepath.Join(t.TempDir(), "admin")}
	run(t, "admin", "init", "--admin-dir", o.dir, "--name", "ann").wantCode(cli.ExitOK)
	o.program = serve(t, append(words, "--admin-addr", "127.0.0.1:0", "--admin-dir", o.dir)...)
	o.address = o.expect(&o.stdout, `operators at (127\.0\.0\.1:\d+);`)
	return o
}

// console runs a command with ann's credentials, and wants an exit code.
func (o *office) console(code int, args ...string) *program {
	o.t.Helper()
	return o.consoleAs(filepath.Join(o.dir, "console.json"), code, args...)
}

func (o *office) consoleAs(profile string, code int, args ...string) *program {
	o.t.Helper()
	p := run(o.t, append([]string{"console", "--profile", profile, "--door", o.address}, args...)...)
	p.wantCode(code)
	return p
}

// read runs a command, and reads what it prints as JSON.
func (o *office) read(into any, args ...string) {
	o.t.Helper()
	p := o.console(cli.ExitOK, append([]string{"--json"}, args...)...)
	if err := json.Unmarshal([]byte(p.stdout.String()), into); err != nil {
		o.t.Fatalf("%v: %v\n%s", args, err, p.stdout.String())
	}
}

func (o *office) join(room string) *client.Client[pong.Steer] {
	o.t.Helper()
	pin, err := protocol.ParsePin(o.pin())
	if err != nil {
		o.t.Fatal(err)
	}
	c, err := client.Join(o.t.Context(), pong.New(), client.Config{Addr: o.addr(), Pins: [][32]byte{pin}, Room: room, Timeout: time.Minute})
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { c.Close() })
	return c
}

func TestConsoleSeesAsksAndActs(t *testing.T) {
	o := openOffice(t)
	c := o.join("court")
	var rooms struct {
		Rooms []struct {
			ID, Game, Name string
			Players        int
			P99            *int64 `json:"p99_us"`
		}
	}
	o.read(&rooms, "rooms")
	if len(rooms.Rooms) != 1 || rooms.Rooms[0].Name != "court" || rooms.Rooms[0].Game != "pong" || rooms.Rooms[0].Players != 1 || rooms.Rooms[0].P99 == nil {
		t.Errorf("the rooms are %+v", rooms)
	}
	var query struct {
		Table struct {
			Matched int
			Rows    []struct {
				ID     string
				Owner  int
				Fields struct {
					Y    float64
					Left bool
				}
			}
		}
	}
	o.read(&query, "query", "paddle", "Left=true", "Y>=10", "--room", "court")
	if query.Table.Matched != 1 || !query.Table.Rows[0].Fields.Left || query.Table.Rows[0].Owner != int(c.Player()) {
		t.Fatalf("the paddles are %+v", query)
	}
	id := query.Table.Rows[0].ID
	o.console(cli.ExitOK, "set", "paddle", id, "Y", "20.5")
	o.read(&query, "query", "paddle", "Y=20.5")
	if query.Table.Matched != 1 {
		t.Errorf("after the edit the paddles are %+v", query)
	}
	if text := o.console(cli.ExitOK, "undo", "1").stdout.String(); !strings.Contains(text, "edit 2 undoes edit 1") {
		t.Errorf("undo says %q", text)
	}
	if text := o.console(cli.ExitOK, "timeline", "paddle", id).stdout.String(); !strings.HasPrefix(text, "TICK") || !strings.Contains(text, "20.5") {
		t.Errorf("the timeline is %q", text)
	}
	var past struct {
		Table struct{ Rows []struct{ Tick int } }
	}
	o.read(&past, "timeline", "paddle", id)
	if n := len(past.Table.Rows); n < 3 || past.Table.Rows[0].Tick <= past.Table.Rows[n-1].Tick {
		t.Errorf("the timeline is %+v", past)
	}
	if text := o.console(cli.ExitOK, "sight", "1", "paddle").stdout.String(); !strings.Contains(text, "REASON") || !strings.Contains(text, id) {
		t.Errorf("sight says %q", text)
	}
	o.console(cli.ExitState, "undo", "1")
	o.console(cli.ExitState, "step", "5")
	o.console(cli.ExitOK, "freeze")
	if text := o.console(cli.ExitOK, "step", "5").stdout.String(); !strings.Contains(text, "5 ticks made") {
		t.Errorf("step says %q", text)
	}
	o.console(cli.ExitOK, "resume", "--room", "court")
	o.console(cli.ExitOK, "say", "hello")
	for _, look := range []string{"health", "room", "report", "players", "tables", "edits", "bans"} {
		if p := o.console(cli.ExitOK, look); p.stdout.String() == "" {
			t.Errorf("%s prints nothing", look)
		}
	}
	file := filepath.Join(t.TempDir(), "cpu.pprof")
	o.console(cli.ExitOK, "profile", "--for", "1s", "--out", file)
	if info, err := os.Stat(file); err != nil || info.Size() < 100 {
		t.Errorf("the profile is %v, %v", info, err)
	}
	o.console(cli.ExitOK, "kick", "1", "--reason", "be kind")
	<-c.Done()
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "be kind") {
		t.Errorf("the player was told %v", err)
	}
	var audit struct {
		Audit []struct{ Act, Who, State string }
	}
	o.read(&audit, "audit", "--lines", "3")
	if n := len(audit.Audit); n != 3 || audit.Audit[1].Act != "kick" || audit.Audit[1].State != "done" || audit.Audit[1].Who != "ann" {
		t.Errorf("the audit log ends with %+v", audit)
	}
}

func TestConsoleExitsWithWhatWentWrong(t *testing.T) {
	o := openOffice(t)
	o.join("court")
	o.console(cli.ExitNone, "kick", "77")
	o.console(cli.ExitNone, "room", "--room", "nowhere")
	o.console(cli.ExitNone, "unban", "5")
	o.console(cli.ExitUsage, "set", "paddle", "0", "Y", "far")
	o.console(cli.ExitUsage, "query", "paddle", "Y")
	o.console(cli.ExitUsage, "ban")
	o.console(cli.ExitUsage, "rooms", "--every", "1ms")

	added := run(t, "admin", "add", "vic", "--admin-dir", o.dir)
	added.wantCode(cli.ExitOK)
	viewer := writeFile(t, "vic.json", added.stdout.String())
	o.consoleAs(viewer, cli.ExitOK, "rooms")
	if p := o.consoleAs(viewer, cli.ExitDenied, "kick", "1"); !strings.Contains(p.stderr.String(), "viewer") {
		t.Errorf("a viewer who kicks is told %q", p.stderr.String())
	}
	if p := run(t, "admin", "list", "--admin-dir", o.dir); !strings.Contains(p.stdout.String(), "vic") || !strings.Contains(p.stdout.String(), "viewer") {
		t.Errorf("the list is %q", p.stdout.String())
	}
	run(t, "admin", "revoke", "vic", "--admin-dir", o.dir).wantCode(cli.ExitOK)
	o.consoleAs(viewer, cli.ExitDenied, "rooms")
	run(t, "admin", "revoke", "vic", "--admin-dir", o.dir).wantCode(cli.ExitFailed)
	run(t, "admin", "init", "--admin-dir", o.dir).wantCode(cli.ExitFailed)
	o.consoleAs(filepath.Join(t.TempDir(), "none.json"), cli.ExitDenied, "rooms")
	start(t, cli.Config{}, "serve", "--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--admin-dir", t.TempDir()).expectCode(cli.ExitUsage)
}

// expectCode waits for the end, and wants an exit code.
func (p *program) expectCode(code int) {
	p.t.Helper()
	p.wait()
	p.wantCode(code)
}

func TestConsoleIsCompleted(t *testing.T) {
	for words, want := range map[string]string{
		"console fr":           "freeze",
		"console log-level d":  "debug",
		"console ban --rea":    "--reason",
		"console rooms --js":   "--json",
		"admin in":             "init",
		"admin add x --role o": "operator owner",
	} {
		p := run(t, append([]string{"__complete"}, strings.Split(words, " ")...)...)
		if got := strings.Join(strings.Fields(p.stdout.String()), " "); got != want {
			t.Errorf("%q is completed by %q, want %q", words, got, want)
		}
	}
}
