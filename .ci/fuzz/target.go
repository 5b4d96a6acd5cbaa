package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// verdict is what became of a target.
type verdict string

const (
	waiting verdict = "not run"
	running verdict = "runs"
	passed  verdict = "ok"
	stopped verdict = "stopped"
	broken  verdict = "FAILED"
)

// progress is what a target last said of itself.
type progress struct {
	elapsed                   time.Duration
	execs, interesting, total int
}

// target is one fuzz test.
type target struct {
	dir   string // of its package, as in ./protocol
	fuzz  string // its name
	cache string // where its package's inputs are kept
	bin   string

	mu     sync.Mutex // guards what follows
	is     verdict
	last   progress
	output bytes.Buffer
}

// name is how a target is told from others.
func (t *target) name() string { return t.dir + "." + t.fuzz }

var fuzzFunc = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// find returns the targets below a folder, in the order of their packages.
func find(root string) (targets []*target, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") && path != root) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range fuzzFunc.FindAllSubmatch(source, -1) {
			dir := "./" + filepath.ToSlash(filepath.Dir(path))
			targets = append(targets, &target{dir: dir, fuzz: string(found[1]), is: waiting})
		}
		return nil
	})
	return targets, err
}

// build builds the test of each package once, and says where its inputs are kept.
func build(ctx context.Context, targets []*target, bins string, out io.Writer) error {
	module, err := ask(ctx, "list", "-m")
	if err != nil {
		return err
	}
	cache, err := ask(ctx, "env", "GOCACHE")
	if err != nil {
		return err
	}
	built := map[string]string{}
	for _, t := range targets {
		path := module + strings.TrimPrefix(t.dir, ".")
		t.cache = filepath.Join(cache, "fuzz", filepath.FromSlash(path))
		if t.bin = built[t.dir]; t.bin != "" {
			continue
		}
		t.bin = filepath.Join(bins, strings.NewReplacer("/", "_", ".", "").Replace(t.dir)+".test")
		built[t.dir] = t.bin
		fmt.Fprintln(out, "building", t.dir)
		if _, err := ask(ctx, "test", "-vet=off", "-c", "-gcflags", module+"/...=-d=libfuzzer", "-o", t.bin, t.dir); err != nil {
			return err
		}
	}
	return nil
}

// ask runs the go command.
func ask(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	var wrong strings.Builder
	cmd.Stderr = &wrong
	b, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, wrong.String())
	}
	return strings.TrimSpace(string(b)), nil
}

// kept is how many inputs are kept of former runs.
func (t *target) kept() int {
	entries, err := os.ReadDir(filepath.Join(t.cache, t.fuzz))
	if err != nil {
		return 0 // there was none yet
	}
	return len(entries)
}

// patience is how long a target may take to end after its time.
const patience = 2 * time.Minute

// run fuzzes for a time, or until ctx ends.
func (t *target) run(ctx context.Context, length time.Duration) {
	if ctx.Err() != nil {
		return
	}
	t.become(running)
	cmd := exec.Command(t.bin, "-test.run", "^$", "-test.fuzz", "^"+t.fuzz+"$", "-test.fuzztime", length.String(),
		"-test.fuzzminimizetime", "20x", "-test.fuzzcachedir", t.cache, "-test.parallel", "1", "-test.timeout", (length + patience).String())
	// Collecting less often lets more inputs be tried.
	cmd.Dir, cmd.Env = t.dir, append(os.Environ(), "GOGC=400")
	cmd.Stdout, cmd.Stderr = t, t
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours, and handed on below
	err := cmd.Start()
	if err == nil {
		stop := context.AfterFunc(ctx, func() { cmd.Process.Signal(os.Interrupt) })
		err = cmd.Wait()
		stop()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.is = judge(err, t.output.String(), ctx.Err() != nil)
}

func (t *target) become(v verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.is = v
}

// judge says what became of a target by how it ended and what it said. Up to Go 1.26 one may fail with "context deadline
// exceeded" when its time is up (go.dev/issue/75804). No input failed then, so such an end counts as passed; an input
// that fails is always announced as written to testdata.
func judge(err error, said string, interrupted bool) verdict {
	found := strings.Contains(said, "Failing input") || strings.Contains(said, "panic:") || strings.Contains(said, "fuzzing process")
	switch {
	case err == nil && interrupted:
		return stopped
	case err == nil:
		return passed
	case found:
		return broken
	case interrupted:
		return stopped
	case deadline.MatchString(said):
		return passed
	}
	return broken
}

var deadline = regexp.MustCompile(`(?m)^ *context deadline exceeded$`)

// outputMost bounds what is kept of a target's output; the first of it tells what failed.
const outputMost = 1 << 20

// Write takes a target's output.
func (t *target) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.output.Len()+len(b) > outputMost {
		return 0, errors.New("the target says too much")
	}
	t.output.Write(b)
	if p, ok := parse(string(b)); ok {
		t.last = p
	}
	return len(b), nil
}

var said = regexp.MustCompile(`fuzz: elapsed: (\S+), execs: (\d+) \(\d+/sec\), new interesting: (\d+) \(total: (\d+)\)`)

// parse reads the last line of a target's output that tells how it gets on.
func parse(output string) (p progress, ok bool) {
	lines := said.FindAllStringSubmatch(output, -1)
	if len(lines) == 0 {
		return p, false
	}
	line := lines[len(lines)-1]
	var errs [4]error
	p.elapsed, errs[0] = time.ParseDuration(line[1])
	p.execs, errs[1] = strconv.Atoi(line[2])
	p.interesting, errs[2] = strconv.Atoi(line[3])
	p.total, errs[3] = strconv.Atoi(line[4])
	return p, errors.Join(errs[:]...) == nil
}

func (t *target) latest() progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

func (t *target) verdict() verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.is
}

func (t *target) log() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.output.String()
}

// state is a target in one line.
func (t *target) state() string {
	p := t.latest()
	return fmt.Sprintf("%s, %v, %d inputs tried, %d new, %d kept", t.verdict(), p.elapsed, p.execs, p.interesting, p.total)
}
