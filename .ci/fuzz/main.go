// Command fuzz runs the fuzz targets of the module, as many at once as there are processors, each with one worker. Run it
// from the root: make fuzz TIME=20m FUZZ='State|Input'. It goes on from the inputs that it has found before, which it
// keeps where go test -fuzz keeps them, below GOCACHE/fuzz; go clean -fuzzcache forgets them. An input that fails is
// written to the package's testdata/fuzz, where go test runs it from then on.
//
// Each package is built once. go test -fuzz would build everything anew to see where inputs lead, down to the cryptography
// of the standard library; here only what is ours is built so, which takes a tenth of the time, and more inputs are tried
// in a second.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"
)

// tellEvery is how often a line tells of each target that runs.
const tellEvery = 10 * time.Second

func main() {
	length := flag.Duration("time", 2*time.Minute, "how long each target runs")
	match := flag.String("match", "", "run the targets alone whose name, as in ./protocol.FuzzState, has a match of this regular expression")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := run(ctx, *length, *match, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(2)
	}
	if failed {
		os.Exit(1)
	}
}

// run fuzzes, and tells whether something failed.
func run(ctx context.Context, length time.Duration, match string, out io.Writer) (failed bool, err error) {
	which, err := regexp.Compile(match)
	if err != nil {
		return false, fmt.Errorf("-match: %w", err)
	}
	all, err := find(".")
	if err != nil {
		return false, err
	}
	targets := slices.DeleteFunc(all, func(t *target) bool { return !which.MatchString(t.name()) })
	if len(targets) == 0 {
		return false, fmt.Errorf("no target has a match of %q", match)
	}
	bins, err := os.MkdirTemp("", "fuzz")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(bins)
	if err := build(ctx, targets, bins, out); err != nil {
		return false, err
	}
	inputs := 0
	for _, t := range targets {
		inputs += t.kept()
	}
	workers := runtime.NumCPU()
	rounds := (len(targets) + workers - 1) / workers
	fmt.Fprintf(out, "%d targets, %d at once, %v each: about %v. They go on from %d inputs that were found before\n",
		len(targets), min(workers, len(targets)), length, time.Duration(rounds)*length, inputs)
	fuzz(ctx, targets, workers, length, out)
	return table(targets, out), nil
}

// fuzz runs the targets, and tells how they get on, until all have run or ctx has ended.
func fuzz(ctx context.Context, targets []*target, workers int, length time.Duration, out io.Writer) {
	next := make(chan *target)
	var work sync.WaitGroup
	var writing sync.Mutex
	say := func(format string, args ...any) {
		writing.Lock()
		defer writing.Unlock()
		fmt.Fprintf(out, format, args...)
	}
	for range min(workers, len(targets)) {
		work.Go(func() {
			for t := range next {
				t.run(ctx, length)
				say("-- %s: %s\n", t.name(), t.state())
				if t.verdict() == broken {
					say("%s", t.log())
				}
			}
		})
	}
	told := make(chan struct{})
	ended, end := context.WithCancel(ctx)
	go func() {
		defer close(told)
		ticks := time.NewTicker(tellEvery)
		defer ticks.Stop()
		for {
			select {
			case <-ended.Done():
				return
			case <-ticks.C:
			}
			for _, t := range targets {
				if t.verdict() == running {
					say("   %s: %s\n", t.name(), t.state())
				}
			}
		}
	}()
	for _, t := range targets {
		select {
		case next <- t:
		case <-ctx.Done():
		}
	}
	close(next)
	work.Wait()
	end()
	<-told
}

// table tells what became of each target, and whether one failed.
func table(targets []*target, out io.Writer) (failed bool) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\ntime\tinputs tried\ta second\tnew\tkept\t\ttarget\t")
	for _, t := range targets {
		p := t.latest()
		rate := 0.0
		if p.elapsed > 0 {
			rate = float64(p.execs) / p.elapsed.Seconds()
		}
		fmt.Fprintf(w, "%v\t%d\t%.0f\t%d\t%d\t%s\t%s\t\n", p.elapsed, p.execs, rate, p.interesting, p.total, t.verdict(), t.name())
		failed = failed || t.verdict() == broken
	}
	w.Flush()
	if failed {
		fmt.Fprintln(out, "\nWhat failed stands above; its input is in the package's testdata/fuzz. Mend it, and commit the input: go test runs it.")
	}
	return failed
}
