package client

import (
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
)

// Stats are a session's figures since it began.
type Stats struct {
	// Tick is the newest tick received; Lead by how many ticks inputs are ahead of it.
	Tick uint64
	Lead int
	// Wait is by how many eighths of a tick an input leaves after the tick that it answers.
	Wait int
	// Margin is how early the newest input that the server has came, in quarters of a tick.
	Margin int8
	// LateInputs came too late for their ticks, and MissingInputs is for how many ticks the server had none; both as far as
	// the newest datagrams tell. For a tick without one the server repeats the last.
	LateInputs, MissingInputs uint64
	// Delay is by how much later than it could be others are shown, with Config.Interpolate, and Dry how often nothing had
	// come by then.
	Delay time.Duration
	Dry   uint64
	// Predicted is for how many ticks own rows were predicted and then told by the server, Mispredicted in how many of them
	// it had something else; see Session.Mispredictions.
	Predicted, Mispredicted uint64
	// Resumes is how often the session went on over another connection; Rejoins how often the player joined anew after a
	// loss, as somebody else.
	Resumes, Rejoins uint64
	// NewTicks counts the datagrams that brought a newer tick than any before.
	NewTicks uint64
	// Sent counts input datagrams, and InputBytes what was in them; Rejected the datagrams from the server that could not
	// be read.
	Sent, InputBytes, Rejected uint64
	// SentBytes and ReceivedBytes are UDP payload, SentPackets and ReceivedPackets QUIC's; all include handshakes.
	SentBytes, ReceivedBytes, SentPackets, ReceivedPackets uint64
	// InboxDropped counts events, messages and lines of chat that nobody took.
	InboxDropped uint64
	// Replica are those of the replica.
	Replica replica.Counters
	// Checks is what the server says about the rows that this client has reported.
	Checks protocol.Checks
}

// Stats returns the session's figures.
func (s *Session) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.link.stats()
	now.Checks = s.checks
	out := s.former.plus(now)
	out.Resumes, out.Rejoins, out.InboxDropped = s.resumes, s.rejoins, s.inbox.dropped
	return out
}

// Diverged are the rows of this client that were not as the server's, as far as the server has named them.
func (s *Session) Diverged() []protocol.Diverged {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]protocol.Diverged(nil), s.wrong...)
}

// plus is the figures of two connections, the later one's where they do not add up.
func (s Stats) plus(later Stats) Stats {
	later.NewTicks += s.NewTicks
	later.Dry += s.Dry
	later.Sent += s.Sent
	later.LateInputs += s.LateInputs
	later.MissingInputs += s.MissingInputs
	later.Predicted += s.Predicted
	later.Mispredicted += s.Mispredicted
	later.InputBytes += s.InputBytes
	later.Rejected += s.Rejected
	later.SentBytes += s.SentBytes
	later.ReceivedBytes += s.ReceivedBytes
	later.SentPackets += s.SentPackets
	later.ReceivedPackets += s.ReceivedPackets
	later.Replica = later.Replica.Plus(s.Replica)
	later.Checks.Rows += s.Checks.Rows
	later.Checks.Pages += s.Checks.Pages
	later.Checks.Skipped += s.Checks.Skipped
	later.Checks.Diverged += s.Checks.Diverged
	return later
}

// stats are the figures of one connection. The caller holds the session's mu.
func (l *link) stats() Stats {
	q := l.conn.ConnectionStats()
	out := Stats{
		Tick: l.tick, Lead: l.timing.lead, Wait: l.timing.wait, Margin: l.timing.margin, LateInputs: l.timing.late, MissingInputs: l.timing.missing,
		Predicted: l.prediction.compared, Mispredicted: l.prediction.wrong,
		NewTicks: l.newTicks, Sent: l.sent, InputBytes: l.sentSize, Rejected: l.rejected,
		SentBytes: q.BytesSent, ReceivedBytes: q.BytesReceived, SentPackets: q.PacketsSent, ReceivedPackets: q.PacketsReceived,
		Replica: l.rules.Counters(),
	}
	if l.screen != nil {
		t := &l.screen.time
		out.Delay, out.Dry = time.Duration(t.behind()*float64(t.period)), t.dries
	}
	return out
}
