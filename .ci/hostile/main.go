// Command hostile attacks a real server, quicstep serve, while honest players play on it, and compares what these feel with a
// control run in which the same packets go to sockets that discard them. make hostile runs it; the environment says what
// is done:
//
//	HOSTILE_ATTACKS    which attacks, with commas between; all of them without it
//	HOSTILE_SECONDS    for how long each run is measured: 5
//	HOSTILE_ROUNDS     how often each pair of attack and control runs: 2
//	HOSTILE_CLIENTS    how many honest players there are: 50
//	HOSTILE_MEMORY_MB  what the server's memory may be at its highest: 256
//	HOSTILE_DOCS       the folder of security.md, whose table of attacks is written, and of security.svg
//	HOSTILE_FROM       write these from the JSON of an earlier run, and attack nobody
//
// Without HOSTILE_DOCS the table in docs is replaced when nothing was left out, and otherwise printed. It exits with 1 when
// an attack breaks a promise. Read settings.go for what is run, round.go for how, and attack/ for the attacks.
package main

import (
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
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return be(ctx, args[0], args[1:])
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
		return out.publish(s, os.Stdout)
	}
	h, err := newSuite(ctx, s, os.Stdout)
	if err != nil {
		return err
	}
	defer h.close()
	return h.run(ctx)
}
