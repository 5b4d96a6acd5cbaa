package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/examples/pong"
	"github.com/quicstep/quicstep/server/cli"
	"github.com/quicstep/quicstep/world"
)

// asProgram is the environment variable by which this test binary is a program with the games below.
const asProgram = "QUICSTEP_TEST_AS_PROGRAM"

// goCache is where go build keeps its results, before the tests get a cache folder of their own.
var goCache string

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		cli.Main(games()...)
	}
	os.Exit(inOwnFolders(m))
}

// inOwnFolders runs the tests with a development certificate of their own.
func inOwnFolders(m *testing.M) int {
	dir, err := os.MkdirTemp("", "quicstep-cli")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	goCache = goEnv("GOCACHE")
	os.Setenv("XDG_CACHE_HOME", dir)
	os.Setenv("XDG_CONFIG_HOME", dir)
	code := m.Run()
	if code != 0 {
		return code
	}
	// net/http lets the goroutine of a request that was not read to its end sleep for longer than goleak waits.
	if err := goleak.Find(goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait")); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines have outlived the tests:", err)
		return 1
	}
	return 0
}

func games() []world.Game { return []world.Game{pong.New(), arena.New(arena.Config{})} }

// patience bounds how long a test waits for what must come.
const patience = time.Minute

// output keeps what a program writes, and wakes those who wait for it.
type output struct {
	mu      sync.Mutex // guards what follows
	text    bytes.Buffer
	changed chan struct{} // closed, and made anew, by each write
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
	return o.text.Write(b)
}

func (o *output) read() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.text.String(), o.changed
}

func (o *output) String() string {
	text, _ := o.read()
	return text
}

// program is a command line that runs.
type program struct {
	t              *testing.T
	stdout, stderr output
	cancel         context.CancelFunc
	ended          chan struct{}
	code           int
}

// start runs a command line with pong and arena, an empty environment and no configuration file. What is set in cfg
// stands. The test's end ends it.
func start(t *testing.T, cfg cli.Config, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{t: t, cancel: cancel, ended: make(chan struct{})}
	cfg.Name, cfg.Args, cfg.Stdout, cfg.Stderr = "quicstep", args, &p.stdout, &p.stderr
	if cfg.Games == nil {
		cfg.Games = games()
	}
	if cfg.LookupEnv == nil {
		cfg.LookupEnv = env(nil)
	}
	if cfg.Folders == nil {
		cfg.Folders = []string{}
	}
	go func() {
		defer close(p.ended)
		p.code = cli.Run(ctx, cfg)
	}()
	t.Cleanup(func() {
		cancel()
		<-p.ended
	})
	return p
}

// env is an environment of just these variables.
func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

// run runs a command line to its end.
func run(t *testing.T, args ...string) *program {
	t.Helper()
	p := start(t, cli.Config{}, args...)
	p.wait()
	return p
}

func (p *program) wait() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("it did not end\nstdout: %s\nstderr: %s", p.stdout.String(), p.stderr.String())
	}
}

func (p *program) stop() {
	p.t.Helper()
	p.cancel()
	p.wait()
}

func (p *program) wantCode(want int) {
	p.t.Helper()
	if p.code != want {
		p.t.Fatalf("it exits with %d, want %d\nstdout: %s\nstderr: %s", p.code, want, p.stdout.String(), p.stderr.String())
	}
}

// expect waits until the output matches, and returns what the expression's group is.
func (p *program) expect(o *output, expression string) string {
	p.t.Helper()
	re := regexp.MustCompile(expression)
	late := time.After(patience)
	for {
		text, changed := o.read()
		if found := re.FindStringSubmatch(text); found != nil {
			return found[len(found)-1]
		}
		select {
		case <-changed:
		case <-p.ended:
			if text, _ := o.read(); !re.MatchString(text) {
				p.t.Fatalf("it ended with %d before %s came\nstdout: %s\nstderr: %s", p.code, expression, p.stdout.String(), p.stderr.String())
			}
		case <-late:
			p.t.Fatalf("%s did not come\nstdout: %s\nstderr: %s", expression, p.stdout.String(), p.stderr.String())
		}
	}
}

// addr is where a server listens, as it says.
func (p *program) addr() string {
	p.t.Helper()
	return p.expect(&p.stdout, ` on (127\.0\.0\.1:\d+) at`)
}

func (p *program) pin() string {
	p.t.Helper()
	return p.expect(&p.stdout, `certificate ([0-9a-f]{64})`)
}

func (p *program) debugURL() string {
	p.t.Helper()
	return p.expect(&p.stdout, `figures on (http://127\.0\.0\.1:\d+)/stats`)
}

// serve starts a server on a free port.
func serve(t *testing.T, args ...string) *program {
	t.Helper()
	return start(t, cli.Config{}, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
}

// writeFile writes a file of a folder that is the test's own, and returns its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := fmt.Sprint(t.TempDir(), string(os.PathSeparator), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
