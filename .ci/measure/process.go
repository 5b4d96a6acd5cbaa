package measure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Bounds of a process.
const (
	startTimeout = 20 * time.Second
	stopTimeout  = 20 * time.Second
	troubleBytes = 4 << 10 // of what a server says
)

// Place is where programs run: on which cores, in which folder, with which environment.
type Place struct {
	Cores Cores
	Dir   string
	Env   []string
}

// Process is a program that was started.
type Process struct {
	name           string
	cmd            *exec.Cmd
	cancel         context.CancelFunc
	stdout, stderr output
	ended          chan struct{}
	err            error // set before ended is closed
}

// Start runs a program on a core. When ctx ends, it is asked to stop, and killed if it does not.
func (at Place) Start(ctx context.Context, core int, name string, args ...string) (*Process, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &Process{name: strings.Join(append([]string{name[strings.LastIndexByte(name, os.PathSeparator)+1:]}, args...), " "), cancel: cancel, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, name, args...)
	p.cmd.Dir, p.cmd.Env = at.Dir, at.Env
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = stopTimeout
	unpin := at.Cores.pinThread(core) // a process inherits the cores of the thread that starts it
	err := p.cmd.Start()
	unpin()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// PID is its number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended is closed when it has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Interrupt asks it to end, and does not wait.
func (p *Process) Interrupt() { p.cmd.Process.Signal(os.Interrupt) }

// Stop ends it, and returns when it has ended.
func (p *Process) Stop() {
	p.cancel()
	<-p.ended
}

// Err waits for its end, and returns why that was a bad one; nil when it was told to stop, and did.
func (p *Process) Err() error {
	<-p.ended
	if errors.Is(p.err, context.Canceled) {
		return nil // it has left with 0
	}
	return p.err
}

// Trouble is what a server says when something went wrong; nil when it runs and says nothing.
func (p *Process) Trouble() error {
	text := strings.TrimSpace(p.stderr.read())
	select {
	case <-p.ended:
		return fmt.Errorf("the server ended, %w: %s", p.err, text)
	default:
	}
	if text == "" {
		return nil
	}
	return fmt.Errorf("the server says: %s", text[:min(len(text), troubleBytes)])
}

// Stdout is what it has printed so far.
func (p *Process) Stdout() string { return p.stdout.read() }

// Stderr is what it has complained of so far.
func (p *Process) Stderr() string { return p.stderr.read() }

// Wait returns what it printed, when it has ended.
func (p *Process) Wait(ctx context.Context, most time.Duration) ([]byte, error) {
	select {
	case <-p.ended:
	case <-ctx.Done():
		p.Stop()
		return nil, ctx.Err()
	case <-time.After(most):
		p.Stop()
		return nil, fmt.Errorf("%s did not end within %v", p.name, most)
	}
	if p.err != nil {
		return nil, fmt.Errorf("%s: %w: %s", p.name, p.err, strings.TrimSpace(p.stderr.read()))
	}
	return []byte(p.stdout.read()), nil
}

// Expect waits until it prints what matches, and returns what the expression's group is.
func (p *Process) Expect(ctx context.Context, expression string) (string, error) {
	re := regexp.MustCompile(expression)
	late := time.After(startTimeout)
	for {
		changed := p.stdout.next()
		if found := re.FindStringSubmatch(p.stdout.read()); found != nil {
			return found[1], nil
		}
		select {
		case <-changed:
		case <-p.ended:
			return "", fmt.Errorf("%s ended: %s", p.name, strings.TrimSpace(p.stderr.read()))
		case <-ctx.Done():
			return "", ctx.Err()
		case <-late:
			return "", fmt.Errorf("%s did not say %s within %v", p.name, expression, startTimeout)
		}
	}
}

// output keeps what a process writes, and wakes those who wait for it.
type output struct {
	mu      sync.Mutex // guards what follows
	text    bytes.Buffer
	changed chan struct{} // closed, and made anew, by each write
}

// Write keeps b.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
	return o.text.Write(b)
}

func (o *output) read() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// next is closed by the next write.
func (o *output) next() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.changed
}
