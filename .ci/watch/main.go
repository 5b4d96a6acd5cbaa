// Command watch measures what somebody who watches a server costs it, and how soon he sees something. It starts quicstep
// serve with bots in many rooms, and compares the ticks without and with consoles at the admin door, in turns; it takes CPU
// profiles of both, and counts the samples that have the door's label; and it writes docs/watching.md. make watch runs it; the
// environment says what is measured:
//
//	WATCH_ROUNDS   how often each pair of unwatched and watched is measured: 5
//	WATCH_SECONDS  for how long each of the two is measured: 10
//	WATCH_DOCS     the folder for watching.md
//	WATCH_FROM     write it from the JSON of an earlier run, and measure nothing
//
// Without WATCH_DOCS the published page in docs is replaced when nothing was left out, and otherwise a folder of the run's own
// gets it. It exits with 1 when a promise does not hold. Read settings.go for what is run, round.go for how.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "watch:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	s, err := settingsOf(os.LookupEnv)
	if err != nil {
		return err
	}
	if s.From != "" {
		out, err := readOutcome(s.From)
		if err != nil {
			return err
		}
		if why := out.lacking(); why != "" && s.Docs == "" {
			return fmt.Errorf("%s: %s, so the published page stays as it is; WATCH_DOCS=docs would replace it", s.From, why)
		}
		return out.publish(cmp.Or(s.Docs, "docs"), os.Stdout)
	}
	w, err := newWatching(ctx, s, os.Stdout)
	if err != nil {
		return err
	}
	defer w.close()
	return w.run(ctx)
}
