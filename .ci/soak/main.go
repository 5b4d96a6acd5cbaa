// Command soak finds what a server keeps of players who are long gone. It starts quicstep serve as an operator would, and
// lets bots live on it for a long time: they join by each door, play, stall, drop, resume, move, leave and come again,
// while an operator kicks, bans, freezes, edits and closes. A first round, the warm-up, ends with everybody gone, and so
// does the second, long one: what the process holds then must be what it held after the first, nobody may be left in any
// table, and the counters must add up. The memory's slope over the long round is told with its confidence.
//
// make soak TIME=30m BOTS=200 runs it; soak -help lists what else may be set. Read bot.go for how bots live, operator.go
// for what the operator does, and checks.go for what must hold.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	s := settings{Out: os.Stdout}
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.DurationVar(&s.Time, "time", 5*time.Minute, "for how long the second round goes on")
	f.DurationVar(&s.Warmup, "warmup", 0, "for how long the first goes on; 0 means a tenth of -time, 20s at least")
	f.IntVar(&s.Bots, "bots", 200, "how many bots live at once")
	f.DurationVar(&s.Stint, "stint", 10*time.Second, "for how long a bot is in, on average, before it goes and comes again")
	f.Uint64Var(&s.Seed, "seed", 0, "begins their chances; 0 draws one")
	f.StringVar(&s.Program, "program", "bin/quicstep", "the server's program, which has the game arena")
	f.StringVar(&s.Folder, "out", "bin/soak", "the folder for soak.json, soak.svg and the server's log")
	if err := f.Parse(args); err != nil {
		return err
	}
	s, err := s.withDefaults()
	if err != nil {
		return err
	}
	return soak(ctx, s)
}
