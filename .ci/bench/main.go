// Command bench measures what quicstep costs above the packets that it sends. It runs a floor (floor/: a stock, bare
// quic-go program) and quicstep in turns, on the same cores, with the same datagrams and inputs, and the same world with
// nobody to tell; and it writes docs/benchmarks.md. make bench runs it; the environment says what is measured:
//
//	BENCH_CLIENTS    how many clients: 100,200,500,1000
//	BENCH_HZ         ticks a second: 20,30
//	BENCH_SCENARIOS  bench,exact-steady,exact,idle,crowd,networks,own
//	BENCH_SECONDS    for how long each run is measured: 10
//	BENCH_ROUNDS     how often each pair runs: 5
//	BENCH_DOCS       the folder for benchmarks.md and benchmarks.svg
//	BENCH_FROM       write these from the JSON of an earlier run, and measure nothing
//
// Without BENCH_DOCS the published figures in docs are replaced when nothing was left out, and otherwise a folder of the
// run's own gets them. Read settings.go for what is run, round.go for how, and sample.go for how it is measured.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/quicstep/quicstep/.ci/measure"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == aloneCommand {
		return alone(ctx, args[1:])
	}
	s, err := settingsOf(os.LookupEnv)
	if err != nil {
		return err
	}
	if s.From != "" {
		var out outcome
		if err := measure.ReadJSON(s.From, &out); err != nil {
			return err
		}
		if why := out.lacking(); why != "" && s.Docs == "" {
			return fmt.Errorf("%s: %s, so the published figures stay as they are; BENCH_DOCS=docs would replace them", s.From, why)
		}
		return out.publish(cmp.Or(s.Docs, "docs"), os.Stdout)
	}
	b, err := newBench(ctx, s, os.Stdout)
	if err != nil {
		return err
	}
	defer b.Close()
	return b.run(ctx)
}
