package server

import (
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// Stats are a server's figures since its start.
type Stats struct {
	// Tick is the room's latest tick; Players are those in it.
	Tick    uint64
	Players int
	// RoomClosed tells that game code failed too often: nobody can join any more.
	RoomClosed bool
	// Overruns are wake-ups that found the room still busy; LateWakes those that came a tick or more late to a room
	// that was waiting, which is the machine's doing. Skipped are ticks that were given up for either.
	Overruns, LateWakes, Skipped uint64
	// FailedTicks are ticks that were undone because game code panicked.
	FailedTicks uint64
	// Clamped are row fields that were outside of their range.
	Clamped uint64
	// Repeated and Neutral are inputs that the server made up for a player of whom none had come.
	Repeated, Neutral uint64
	// StaleAcks are acknowledgements of a former epoch; AcksDropped those that found a session's queue full.
	StaleAcks, AcksDropped uint64
	// Datagrams, DatagramBytes and Passes count what was sent and chosen; SkippedPasses those in which too much
	// was under way to a client already.
	Datagrams, DatagramBytes, Passes, SkippedPasses uint64
	// Unsent counts the datagrams that the connection did not take: too long for a path that shrank, or at its end.
	Unsent uint64
	// Rejected counts refused bytes by their reason; protocol.Reject names them.
	Rejected [protocol.RejectCount]uint64
	// LogsDropped counts the room's log lines that were not written because the handler was too slow.
	LogsDropped uint64
	// Drain, Step and Publish are the parts of a tick: taking the inputs, the step with its commit, handing on.
	Drain, Step, Publish Phase
	// Transport are the listener's.
	Transport transport.Stats
}

// Phase is the time that a part of the tick took.
type Phase struct {
	Count      uint64
	Total, Max time.Duration
}

// Mean is the average; zero before the first.
func (p Phase) Mean() time.Duration {
	if p.Count == 0 {
		return 0
	}
	return p.Total / time.Duration(p.Count)
}

// counters are what the server's goroutines count; each is added to atomically.
type counters struct {
	overruns, skipped, failedTicks, clamped, repeated, neutral      atomic.Uint64
	staleAcks, acksDropped, datagrams, bytes, passes, passesSkipped atomic.Uint64
	unsent, lateWakes, logsDropped                                  atomic.Uint64
	rejected                                                        [protocol.RejectCount]atomic.Uint64
	drain, step, publish                                            phaseCounter
}

func (c *counters) reject(err error) {
	if r, ok := protocol.RejectOf(err); ok {
		c.rejected[r].Add(1)
	}
}

// phaseCounter is written by the loop alone.
type phaseCounter struct {
	count      atomic.Uint64
	total, max atomic.Int64
}

func (p *phaseCounter) add(d time.Duration) {
	p.count.Add(1)
	p.total.Add(int64(d))
	if int64(d) > p.max.Load() {
		p.max.Store(int64(d))
	}
}

func (p *phaseCounter) read() Phase {
	return Phase{Count: p.count.Load(), Total: time.Duration(p.total.Load()), Max: time.Duration(p.max.Load())}
}

// Stats returns the figures as they are now. Any goroutine may call it.
func (s *Server) Stats() Stats {
	c := &s.counters
	out := Stats{
		Tick: s.room.tick.Load(), Players: int(s.room.players.Load()),
		Overruns: c.overruns.Load(), Skipped: c.skipped.Load(), FailedTicks: c.failedTicks.Load(),
		Clamped: c.clamped.Load(), Repeated: c.repeated.Load(), Neutral: c.neutral.Load(),
		StaleAcks: c.staleAcks.Load(), AcksDropped: c.acksDropped.Load(),
		Datagrams: c.datagrams.Load(), DatagramBytes: c.bytes.Load(),
		Unsent: c.unsent.Load(), LogsDropped: c.logsDropped.Load(), LateWakes: c.lateWakes.Load(), RoomClosed: s.room.isClosed(),
		Passes: c.passes.Load(), SkippedPasses: c.passesSkipped.Load(),
		Drain: c.drain.read(), Step: c.step.read(), Publish: c.publish.read(),
		Transport: s.listener.Stats(),
	}
	for i := range out.Rejected {
		out.Rejected[i] = c.rejected[i].Load()
	}
	return out
}
