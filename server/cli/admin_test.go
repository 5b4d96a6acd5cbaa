package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/server/cli"
)

// TestAProfileIsWrittenForOneUser alone, into a file that was not there.
func TestAProfileIsWrittenForOneUser(t *testing.T) {
	o := openOffice(t)
	file := filepath.Join(t.TempDir(), "ben.json")
	p := run(t, "admin", "add", "ben", "--role", "operator", "--admin-dir", o.dir, "--out", file)
	p.wantCode(cli.ExitOK)
	if text := p.stdout.String() + p.stderr.String(); !strings.Contains(text, file) || strings.Contains(text, "token") {
		t.Errorf("it says %q", text)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want mode 0600", info, err)
	}
	o.consoleAs(file, cli.ExitOK, "health")

	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p = run(t, "admin", "add", "cid", "--admin-dir", o.dir, "--out", file)
	p.wantCode(cli.ExitUsage)
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) || !strings.Contains(p.stderr.String(), "is there already") {
		t.Errorf("a file that was there is %q, %v; it says %q", after, err, p.stderr.String())
	}
	none := filepath.Join(t.TempDir(), "ben2.json")
	run(t, "admin", "add", "ben", "--admin-dir", o.dir, "--out", none).wantCode(cli.ExitFailed) // who has credentials already
	if _, err := os.Stat(none); err == nil {
		t.Error("a profile that was not made has left a file")
	}
	if list := run(t, "admin", "list", "--admin-dir", o.dir).stdout.String(); strings.Contains(list, "cid") || strings.Count(list, "ben") != 1 {
		t.Errorf("the list is %q", list)
	}
	var audit struct {
		Audit []struct {
			Act, Who, State string
			On              map[string]string
		}
	}
	o.read(&audit, "audit")
	added := 0
	for _, l := range audit.Audit {
		if l.Act == "admin add" && l.On["name"] == "ben" && l.State == "done" && l.Who != "" {
			added++
		}
	}
	if added != 1 {
		t.Errorf("the audit log is %+v", audit)
	}
}

// TestInitSaysWhatToDoNext, in commands that work as they stand.
func TestInitSaysWhatToDoNext(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "the door's")
	p := run(t, "admin", "init", "--admin-dir", dir)
	p.wantCode(cli.ExitOK)
	quoted := func(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }
	for _, want := range []string{
		"quicstep serve --admin-addr 127.0.0.1:4434 --admin-dir " + quoted(dir) + ",",
		"quicstep console --profile " + quoted(filepath.Join(dir, "console.json")) + " rooms",
	} {
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("it says %q, want %q in it", p.stdout.String(), want)
		}
	}
	p = run(t, "admin", "init", "--admin-dir", dir)
	p.wantCode(cli.ExitFailed)
	if text := p.stderr.String(); !strings.Contains(text, "remove credentials.json") || strings.Contains(text, "remove the folder") {
		t.Errorf("a second time it says %q", text)
	}
	o := openOffice(t)
	if want := "console --profile " + filepath.Join(o.dir, "console.json") + " --door " + o.address + " rooms"; !strings.Contains(o.stdout.String(), want) {
		t.Errorf("the server says %q, want %q in it", o.stdout.String(), want)
	}
}

// TestTwoServersDoNotShareBans: the second says what to do.
func TestTwoServersDoNotShareBans(t *testing.T) {
	o := openOffice(t)
	second := serve(t, "--game", "pong", "--admin-dir", o.dir)
	second.expectCode(cli.ExitFailed)
	if text := second.stderr.String(); !strings.Contains(text, "another server") || !strings.Contains(text, "--admin-dir") {
		t.Errorf("it says %q", text)
	}
	o.stop()
	serve(t, "--game", "pong", "--admin-dir", o.dir).addr()
}

// TestConsoleTellsWhatIsNotThereFromWhatIsWrong by the exit code.
func TestConsoleTellsWhatIsNotThereFromWhatIsWrong(t *testing.T) {
	o := openOffice(t)
	o.join("court")
	o.console(cli.ExitNone, "query", "paddle", "--row", "900")
	o.console(cli.ExitUsage, "query", "paddle", "--row", "17x")
	o.console(cli.ExitOK, "query", "paddle", "--row", "0")
	o.console(cli.ExitUsage, "slow", "100")
	if p := o.console(cli.ExitUsage, "say", strings.Repeat("x", 300)); !strings.Contains(p.stderr.String(), "at most 256") {
		t.Errorf("a line that is too long is answered by %q", p.stderr.String())
	}
}
