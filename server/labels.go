package server

import (
	"context"
	"runtime/pprof"
)

// The work that profiles tell apart, by the label "work". What has none is QUIC's.
var (
	workChoose  = work("choose")  // acknowledgements, choosing and encoding for a client
	workHand    = work("hand")    // handing datagrams to the connection
	workReceive = work("receive") // taking a datagram from the connection
	workImpair  = work("impair")  // holding back what goes to a client whose link is impaired on purpose
	workInput   = work("input")   // parsing it, and leaving it for the tick and the next pass
)

// roomWork is the phases of a room's tick, which have the label "work" too, as tick, and beside it "room", the first eight
// digits of the room's ID, and "phase".
type roomWork struct{ drain, step, publish phase }

// phase is one of them: its labels in profiles, and its name in traces.
type phase struct {
	name   string
	labels context.Context
}

func workIn(room string) roomWork {
	of := func(name string) phase {
		return phase{name, pprof.WithLabels(context.Background(), pprof.Labels("work", "tick", "room", room, "phase", name))}
	}
	return roomWork{of("drain"), of("step"), of("publish")}
}

// enter says that the room's loop is in a phase from now on.
func (r *room) enter(p phase) {
	label(p.labels)
	r.trace.enter(p.name)
}

func work(name string) context.Context {
	return pprof.WithLabels(context.Background(), pprof.Labels("work", name))
}

// label says what the goroutine works on from now on. It costs a few nanoseconds.
func label(work context.Context) { pprof.SetGoroutineLabels(work) }
