package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/quicstep/quicstep/.ci/hostile/attack"
	"github.com/quicstep/quicstep/clients/bots"
	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/arena"
)

// The words by which this program is one of the processes that it starts.
const (
	honestPart  = "honest"
	attackPart  = "attack"
	controlPart = "control"
)

// Honest players join in a second, and play another one before it is measured; they measure several inputs a second.
const (
	honestJoins  = 100
	honestWarmup = time.Second
	honestProbes = 5
)

// be is one of the processes; what it has to say is JSON.
func be(ctx context.Context, part string, args []string) error {
	flags := flag.NewFlagSet(part, flag.ContinueOnError)
	addr := flags.String("addr", "", "the server's address")
	door := flags.String("admin", "", "its admin door's")
	name := flags.String("name", "", "which attack")
	trace := flags.String("trace", "", "where to write what was sent, or to read it")
	clients := flags.Int("clients", 1, "how many honest players")
	duration := flags.Duration("duration", time.Second, "for how long it is measured")
	seed := flags.Uint64("seed", 1, "begins chances")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var report any
	var err error
	switch part {
	case honestPart:
		report, err = honest(ctx, *addr, *clients, *duration)
	case attackPart:
		report, err = attackAndWrite(ctx, *name, attack.Target{Addr: *addr, Admin: *door}, *seed, *trace)
	case controlPart:
		var t *attack.Trace
		if t, err = attack.ReadTrace(*trace); err == nil {
			report, err = attack.Replay(ctx, t)
		}
	default:
		err = fmt.Errorf("%q is nothing that this program can be: it takes no arguments, the environment says what is done", part)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

// honest is bots that play by the rules, from 127.0.0.1.
func honest(ctx context.Context, addr string, clients int, duration time.Duration) (*bots.Report, error) {
	return bots.Run(ctx, bots.Config{
		Client: client.Config{Addr: addr}, Clients: clients, Duration: duration, Warmup: honestWarmup,
		JoinsPerSecond: honestJoins, ProbesPerSecond: honestProbes,
	}, arena.New(arena.Config{}), nil)
}

// attackAndWrite attacks until ctx ends, and keeps what was sent.
func attackAndWrite(ctx context.Context, name string, at attack.Target, seed uint64, path string) (attack.Report, error) {
	a, err := attackNamed(name)
	if err != nil {
		return attack.Report{}, err
	}
	trace := &attack.Trace{}
	report, err := attack.Run(ctx, a, at, 1, seed, trace)
	if err != nil {
		return report, err
	}
	return report, trace.Write(path)
}

func attackNamed(name string) (attack.Attack, error) {
	for _, a := range attack.All() {
		if a.Name == name {
			return a, nil
		}
	}
	return attack.Attack{}, fmt.Errorf("there is no attack %q", name)
}
