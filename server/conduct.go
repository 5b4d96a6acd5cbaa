package server

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
)

// What a session may send. Each limit is a row of one table. What is beyond it is dropped; who goes on is warned once, and
// who still goes on is disconnected with the limit's name. What was beyond is forgotten as fast as the limit lets
// pass, so that twice as much as may be sent only loses what is too much.

// limit is a row's place in the table.
type limit uint8

const (
	limitDatagrams limit = iota
	limitMalformed
	limitAcks
	limitReports
	limitMessages
	limitBytes
	limitResyncs
	limitRequests
	limitChat
	limitRepeats
	limitRefused
	limitResumes

	limits
)

// ConductLimits is how many limits there are on what a session sends.
const ConductLimits = int(limits)

// rule is a row of the table.
type rule struct {
	name string // in figures, metrics and reasons
	what string // what there is too much of
	// perSecond of them may come on average, burst at once.
	perSecond, burst float64
	// With so many beyond that, and not forgotten, the session is warned, and disconnected.
	warn, end float64
}

// rules is the table. Malformed datagrams, acknowledgements of what was never sent, false reports and the like never come
// from a client that is right: their limits are for the damage that a client's bug, or ours, may do.
func (c Config) rules() [limits]rule {
	l := c.Limits
	minute := func(n int) float64 { return float64(n) / 60 }
	datagrams, messages, bytes := float64(l.DatagramsPerSecond), float64(l.MessagesPerSecond), float64(l.MessageBytesPerSecond)
	requests, reports := float64(l.RequestsPerSecond), float64(l.ResendsPerSecond)
	malformed, acks, resyncs := float64(l.MalformedPerMinute), float64(l.ForgedAcksPerMinute), float64(l.ResyncsPerMinute)
	chat := float64(max(1, l.ChatPerMinute/4))
	repeats, refused, resumes := float64(max(1, l.RepeatsPerMinute/2)), float64(max(1, l.RefusedChatPerMinute/2)), float64(max(1, l.ResumesPerMinute/3))
	return [limits]rule{
		// A client sends one a tick. After a stall a connection hands over what has waited, of which there are 128 at most.
		limitDatagrams: {"datagrams", "datagrams", datagrams, 2 * datagrams, datagrams, 5 * datagrams},
		limitMalformed: {"malformed", "datagrams that can't be read", minute(l.MalformedPerMinute), malformed, malformed, 4 * malformed},
		limitAcks:      {"forged_acks", "acknowledgements of what was never sent", minute(l.ForgedAcksPerMinute), acks, acks, 4 * acks},
		limitReports:   {"false_reports", "reports of rows that are not as they should be", reports, 4 * reports, 8 * reports, 80 * reports},
		limitMessages:  {"messages", "messages", messages, 4 * messages, 2 * messages, 10 * messages},
		limitBytes:     {"message_bytes", "bytes of messages", bytes, 4 * bytes, 4 * bytes, 16 * bytes},
		limitResyncs:   {"resyncs", "resyncs", minute(l.ResyncsPerMinute), resyncs, resyncs, 4 * resyncs},
		limitRequests:  {"requests", "requests", requests, 2 * requests, 4 * requests, 20 * requests},
		limitChat:      {"chat", "lines of chat", minute(l.ChatPerMinute), chat, chat, 8 * chat},
		limitRepeats:   {"repeated_chat", "lines of chat that were said just before", minute(l.RepeatsPerMinute), repeats, repeats, 8 * repeats},
		limitRefused:   {"refused_chat", "lines of chat that may not be said", minute(l.RefusedChatPerMinute), refused, refused, 4 * refused},
		limitResumes:   {"resumes", "resumes", minute(l.ResumesPerMinute), resumes, resumes, 4 * resumes},
	}
}

// String says the limit for people.
func (r *rule) String() string {
	if r.perSecond >= 1 {
		return fmt.Sprintf("at most %.0f a second", r.perSecond)
	}
	return fmt.Sprintf("at most %.0f a minute", 60*r.perSecond)
}

// step is what is done about what was sent.
type step uint8

const (
	stepDrop step = iota
	stepWarn
	stepEnd
	stepPass // is not counted

	steps = int(stepPass)
)

// meter is what a session has sent of what a rule is about. One goroutine at a time touches it.
type meter struct {
	left    float64 // may still come
	beyond  float64 // came beyond, and is not forgotten
	at      time.Time
	reached step // of warn and end
}

// take counts n more and says what is to be done about them; a step beyond dropping is said once.
func (m *meter) take(r *rule, n float64, now time.Time) step {
	if earned := now.Sub(m.at).Seconds() * r.perSecond; earned > 0 {
		m.left, m.beyond, m.at = min(r.burst, m.left+earned), max(0, m.beyond-earned), now
	}
	if m.left >= n {
		m.left -= n
		return stepPass
	}
	m.beyond += n
	switch {
	case m.beyond >= r.end && m.reached < stepEnd:
		m.reached = stepEnd
		return stepEnd
	case m.beyond >= r.warn && m.reached < stepWarn:
		m.reached = stepWarn
		return stepWarn
	}
	return stepDrop
}

// may tells whether n more of what a limit is about are within it. A datagram costs no more than this when they are not.
// Each limit's caller is one goroutine at a time: the datagram reader for datagrams and what is malformed; who has the
// turn for acknowledgements and reports; the control reader for what comes on the stream; mayResume for resumes.
func (s *session) may(l limit, n int, now time.Time) bool {
	step := s.meters[l].take(&s.server.rules[l], float64(n), now)
	if step == stepPass {
		return true
	}
	s.counters.conduct[l][stepDrop].Add(1)
	if step != stepDrop {
		s.climb(l, step)
	}
	return false
}

// climb warns a session, or ends it.
func (s *session) climb(l limit, step step) {
	r := &s.server.rules[l]
	s.counters.conduct[l][step].Add(1)
	if step == stepWarn {
		s.room.log.Debug("session warned", "player", s.player, "limit", r.name)
		s.tell(fmt.Sprintf("you send too many %s: %v; who goes on is disconnected (limit %s)", r.what, r, r.name))
		return
	}
	s.room.log.Debug("session disconnected", "player", s.player, "limit", r.name)
	s.expel(refusal{protocol.CloseAbuse, fmt.Sprintf("you sent too many %s, also after a warning: %v (limit %s)", r.what, r, r.name)})
}

// mayResume tells whether one more connection may go on with the session; the goroutine of any may ask.
func (s *session) mayResume(now time.Time) bool {
	s.resumeMu.Lock()
	defer s.resumeMu.Unlock()
	return s.may(limitResumes, 1, now)
}

// ConductStats are what became of what sessions sent beyond one of the limits.
type ConductStats struct {
	// Limit is its name.
	Limit string
	// Dropped went no further. Warned and Disconnected are the sessions that went on.
	Dropped, Warned, Disconnected uint64
}

// conductCounters are by limit and step.
type conductCounters [limits][steps]atomic.Uint64

func (c *conductCounters) read(rules *[limits]rule) (out [ConductLimits]ConductStats) {
	for l := range out {
		out[l] = ConductStats{
			Limit: rules[l].name, Dropped: c[l][stepDrop].Load(), Warned: c[l][stepWarn].Load(), Disconnected: c[l][stepEnd].Load(),
		}
	}
	return out
}
