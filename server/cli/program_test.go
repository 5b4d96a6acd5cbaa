package cli_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/quicstep/quicstep/clients/bots"
	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/pong"
)

// goEnv is a setting of the go command; empty without one.
func goEnv(name string) string {
	out, _ := exec.Command("go", "env", name).Output()
	return strings.TrimSpace(string(out))
}

// self is this test binary as a program named quicstep.
func self(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "quicstep")
	if err := os.Symlink(os.Args[0], path); err != nil {
		t.Skip(err)
	}
	t.Setenv(asProgram, "1")
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector waits a second at the end of each process
	return path
}

// process is a program that runs in a process of its own.
type process struct {
	program
	cmd *exec.Cmd
}

func startProcess(t *testing.T, path string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path, args...)}
	p.t, p.ended = t, make(chan struct{})
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = &p.stdout, &p.stderr, t.TempDir()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.cmd.Wait()
		p.code = p.cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

func TestSIGTERM(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals")
	}
	p := startProcess(t, self(t), "serve", "--addr", "127.0.0.1:0")
	session, err := client.Open(t.Context(), pong.New(), client.Config{Addr: p.addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wait()
	p.wantCode(0)
	view := session.View()
	for err == nil {
		view, err = session.Next(t.Context(), view)
	}
	if !strings.Contains(err.Error(), client.ErrShutdown.Error()) {
		t.Errorf("the player was told %v", err)
	}
}

// TestSIGHUPReadsTheCertificateAnew: newcomers see it by its new pin, and the server goes on.
func TestSIGHUPReadsTheCertificateAnew(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals")
	}
	files, fresh := certificateFiles(t), certificateFiles(t)
	p := startProcess(t, self(t), append([]string{"serve", "--addr", "127.0.0.1:0", "--auth", "none"}, files...)...)
	addr := p.addr()
	for _, i := range []int{1, 3} {
		data, err := os.ReadFile(fresh[i])
		if err == nil {
			err = os.WriteFile(files[i], data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cert, err := tls.LoadX509KeyPair(fresh[1], fresh[3])
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.expect(&p.stderr, `(certificate reloaded)`)
	session, err := client.Open(t.Context(), pong.New(), client.Config{Addr: addr, Pins: [][32]byte{sha256.Sum256(cert.Certificate[0])}})
	if err != nil {
		t.Fatal(err)
	}
	session.Close()
}

func TestCompletion(t *testing.T) {
	cases := []struct{ words, want string }{
		{"__complete _", "admin bots completion console feel gen rooms serve token version"},
		{"__complete s", "serve"},
		{"__complete --", "--config --help"},
		{"__complete serve --max-p", "--max-players"},
		{"__complete serve --log-level _", "debug error info warn"},
		{"__complete serve --log-level d", "debug"},
		{"__complete serve --log-level=d", "--log-level=debug"},
		{"__complete serve --log-level = d", "debug"},
		{"__complete serve --log-level =", "debug error info warn"},
		{"__complete serve --game p", "pong"},
		{"__complete bots --json --game a", "arena"},
		{"__complete --config x.json bots --j", "--jitter --join-rate --json"},
		{"__complete serve --addr serve", ""},
		{"__complete serve --bench _", ""},
		{"__complete completion _", "bash fish zsh"},
		{"__complete completion bash _", ""},
		{"__complete nothing --addr _", ""},
		{"__complete", "admin bots completion console feel gen rooms serve token version"},
	}
	for _, c := range cases {
		words := strings.Fields(c.words)
		for i := range words {
			words[i] = strings.TrimPrefix(words[i], "_ ")
			if words[i] == "_" {
				words[i] = ""
			}
		}
		p := run(t, words...)
		if got := strings.Join(strings.Fields(p.stdout.String()), " "); got != c.want || p.code != 0 || p.stderr.String() != "" {
			t.Errorf("%s prints %q, want %q; it exits with %d and says %q", c.words, got, c.want, p.code, p.stderr.String())
		}
	}
}

func TestCompletionInBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	path := self(t)
	const script = `set -u; source <("$1" completion bash)
		words() { COMP_WORDS=(quicstep "$@"); COMP_WORDS[0]=$program; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=(); _quicstep_complete "$program"; echo "${COMPREPLY[*]-}"; }
		program=$1
		complete -p quicstep >&2
		words s; words serve --log-level = d; words bots --du; words serve --cert /`
	cmd := exec.Command(bash, "--norc", "-c", script, "bash", path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if want := []string{"serve", "debug", "--dup --duration", ""}; !slices.Equal(sortedLines(string(out)), sortedLines(strings.Join(want, "\n")+"\n")) {
		t.Errorf("bash completes %q, want %q", out, want)
	}
	if !strings.Contains(stderr.String(), "-F _quicstep_complete") {
		t.Errorf("it is not registered: %q", stderr.String())
	}
}

// sortedLines are a text's lines, the words of each sorted.
func sortedLines(text string) (out []string) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		slices.Sort(words)
		out = append(out, strings.Join(words, " "))
	}
	return out
}

func TestTheOtherShellsTakeTheirScripts(t *testing.T) {
	for _, shell := range []string{"zsh", "fish"} {
		p := run(t, "completion", shell)
		p.wantCode(0)
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		if out, err := exec.Command(path, "-n", writeFile(t, "script", p.stdout.String())).CombinedOutput(); err != nil {
			t.Errorf("%s refuses its script: %v: %s", shell, err, out)
		}
	}
}

const ownGame = `package main

import (
	"github.com/quicstep/quicstep/server/cli"
	"github.com/quicstep/quicstep/world"
)

type Input struct{ Up bool }

type Row struct{ Height uint16 }

func main() {
	g := world.NewGame[Input]("own")
	rows := world.AddTable[Row](g, "row")
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		rows.Insert(tx, Row{}, world.Owner(p))
		return nil
	})
	g.OnInput(func(tx *world.Tx, p world.Player, in Input) {
		for id := range rows.Owned(tx, p) {
			if in.Up {
				rows.Edit(tx, id).Height++
			}
		}
	})
	cli.Main(g)
}
`

// TestAProgramOfAnotherModule builds one as anybody would: it may fetch descriptions of modules that building this one needs not.
func TestAProgramOfAnotherModule(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	t.Parallel()
	path := buildElsewhere(t)
	version := startProcess(t, path, "version")
	version.wait()
	version.wantCode(0)
	if text := version.stdout.String(); !strings.Contains(text, "example.com/own") || !strings.Contains(text, "quicstep") {
		t.Errorf("version prints %q", text)
	}
	s := startProcess(t, path, "serve", "--addr", "127.0.0.1:0")
	p := startProcess(t, path, "bots", "--addr", s.addr(), "--clients", "3", "--duration", "500ms", "--warmup", "200ms", "--json")
	p.wait()
	p.wantCode(0)
	var r bots.Report
	if err := json.Unmarshal([]byte(p.stdout.String()), &r); err != nil || r.Game != "own" || r.Clients.Joined != 3 || r.Diverged != 0 {
		t.Errorf("the report is %s, %v", p.stdout.String(), err)
	}
}

// buildElsewhere builds ownGame in a module of its own that needs this checkout.
func buildElsewhere(t *testing.T) string {
	t.Helper()
	if goCache == "" {
		t.Skip("there is no go command")
	}
	checkout := filepath.Dir(goEnv("GOMOD"))
	dir := t.TempDir()
	sums, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	module := fmt.Sprintf("module example.com/own\n\ngo 1.26\n\nrequire github.com/quicstep/quicstep v0.0.0\n\nreplace github.com/quicstep/quicstep => %s\n", checkout)
	for name, text := range map[string]string{"go.mod": module, "go.sum": string(sums), "main.go": ownGame} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-o", "own", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod -buildvcs=false", "GOWORK=off", "GOCACHE="+goCache)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return filepath.Join(dir, "own")
}
