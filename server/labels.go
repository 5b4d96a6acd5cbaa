package server

import (
	"context"
	"runtime/pprof"
)

// The work that profiles tell apart, by the label "work". What has none is QUIC's.
var (
	workTick    = work("tick")    // a room's loop
	workChoose  = work("choose")  // acknowledgements, choosing and encoding for a client
	workHand    = work("hand")    // handing datagrams to the connection
	workReceive = work("receive") // taking a datagram from the connection
	workInput   = work("input")   // parsing it, and leaving it for the tick and the next pass
)

func work(name string) context.Context {
	return pprof.WithLabels(context.Background(), pprof.Labels("work", name))
}

// label says what the goroutine works on from now on. It costs a few nanoseconds.
func label(work context.Context) { pprof.SetGoroutineLabels(work) }
