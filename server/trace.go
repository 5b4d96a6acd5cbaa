package server

import (
	"context"
	"runtime/trace"
)

// tracer marks a room's ticks in a runtime trace, while one is taken: each is a task that is named for its room, the phases are
// regions in it, and the parts of the step regions in that. The room's loop alone touches it. Without a trace it costs a load a
// tick, and no memory.
type tracer struct {
	name        string // of its tasks
	ctx         context.Context
	task        *trace.Task // nil without a trace
	phase, part *trace.Region
}

// newTracer makes one for a room that has this label.
func newTracer(label string) tracer { return tracer{name: "room " + label} }

// begin begins a tick; the one before may have had no end.
func (t *tracer) begin(tick uint64) {
	t.end()
	if !trace.IsEnabled() {
		return
	}
	t.ctx, t.task = trace.NewTask(context.Background(), t.name)
	trace.Logf(t.ctx, "tick", "%d", tick)
}

// enter begins a phase, and so ends the one before.
func (t *tracer) enter(phase string) {
	if t.task == nil {
		return
	}
	t.leave()
	t.phase = trace.StartRegion(t.ctx, phase)
}

// work begins a part of the present phase, and so ends the one before.
func (t *tracer) work(part string) {
	if t.task == nil {
		return
	}
	if t.part != nil {
		t.part.End()
	}
	t.part = trace.StartRegion(t.ctx, part)
}

// leave ends the phase, after its part: regions end in the opposite order of their beginnings.
func (t *tracer) leave() {
	if t.part != nil {
		t.part.End()
	}
	if t.phase != nil {
		t.phase.End()
	}
	t.part, t.phase = nil, nil
}

// end ends the tick, if one is under way.
func (t *tracer) end() {
	if t.task == nil {
		return
	}
	t.leave()
	t.task.End()
	t.ctx, t.task = nil, nil
}
