// Command floor is what a server costs that does nothing but send datagrams and read them: a stock, bare quic-go program
// without any of this module's code. Each tick the server sends every client datagrams of a given number and size; each
// client answers a new tick with one. The bench holds quicstep against it.
//
// floor serve and floor load are two processes. What load prints has the names of the bots' report.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
)

// A state datagram begins with its tick and the newest input number that the server has from this client, an input
// datagram with its number; the rest is filling.
const (
	stateBytesMin = 16
	inputBytesMin = 8
)

// protocolName is what both sides agree on in the handshake.
const protocolName = "floor"

// config is what the flags say.
type config struct {
	addr  string
	hz    int
	per   float64 // state datagrams per client and tick
	size  int     // of each, in bytes
	input int     // the size of an input datagram

	clients  int
	joinRate int
	warmup   time.Duration
	duration time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say serve or load")
	}
	var c config
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.StringVar(&c.addr, "addr", "127.0.0.1:0", "listen on, or join, this UDP address")
	flags.IntVar(&c.hz, "hz", 20, "ticks per second")
	flags.Float64Var(&c.per, "per", 1, "state datagrams per client and tick")
	flags.IntVar(&c.size, "size", 400, "bytes of a state datagram")
	flags.IntVar(&c.input, "input", 24, "bytes of an input datagram")
	flags.IntVar(&c.clients, "clients", 1, "how many clients join")
	flags.IntVar(&c.joinRate, "join-rate", 100, "how many of them per second")
	flags.DurationVar(&c.warmup, "warmup", 2*time.Second, "for how long they play before it is measured")
	flags.DurationVar(&c.duration, "duration", 10*time.Second, "for how long it is measured")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	c.size, c.input = max(c.size, stateBytesMin), max(c.input, inputBytesMin)
	if c.hz <= 0 || c.per <= 0 || c.clients <= 0 || c.joinRate <= 0 || c.duration <= 0 {
		return errors.New("--hz, --per, --clients, --join-rate and --duration must be above zero")
	}
	switch args[0] {
	case "serve":
		return serve(ctx, c)
	case "load":
		return load(ctx, c)
	}
	return fmt.Errorf("there is no %q: say serve or load", args[0])
}

func (c config) period() time.Duration { return time.Second / time.Duration(c.hz) }

// quicConfig is quic-go's own, with datagrams.
func quicConfig() *quic.Config { return &quic.Config{EnableDatagrams: true} }

func putState(b []byte, tick, input uint64) {
	binary.BigEndian.PutUint64(b, tick)
	binary.BigEndian.PutUint64(b[8:], input)
}

func parseState(b []byte) (tick, input uint64, ok bool) {
	if len(b) < stateBytesMin {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), true
}

func parseInput(b []byte) (number uint64, ok bool) {
	if len(b) < inputBytesMin {
		return 0, false
	}
	return binary.BigEndian.Uint64(b), true
}
