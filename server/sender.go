package server

import (
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
)

// prepare takes what came from the client, and chooses and encodes what to send of the newest tick. It works from
// immutable data. The datagrams are good until the scratch serves another session.
func (s *session) prepare(scratch *replicate.Scratch, now time.Time) []replicate.Datagram {
	s.answerQuestions()
	s.takeAcks()
	s.tellChecks(now)
	s.takeResync()
	if trail := s.trail.Load(); trail != nil && trail != s.replicate.Trail() {
		s.replicate.SetTrail(trail)
	}
	newest, margin, any := s.inbox.report()
	s.counters.passes.Add(1)
	view := s.room.view.Load()
	held := view.Tick == s.passed && s.room.wanted.Load() != 1
	s.passed = view.Tick
	datagrams := s.replicate.Pass(replicate.Pass{
		View: view, Now: now, Path: s.path(now), Held: held,
		HasInput: any, InputTick: newest, Margin: margin, Probe: s.revived.Swap(false),
	}, scratch)
	if len(datagrams) == 0 {
		s.counters.passesSkipped.Add(1)
	}
	if n := s.replicate.EventsDropped(); n != s.eventsDropped {
		s.counters.eventsDropped.Add(n - s.eventsDropped)
		s.eventsDropped = n
	}
	return datagrams
}

// hand gives datagrams to the connection. When it waits for the client, only this client's states grow old, and what is
// sent then is the newest.
func (s *session) hand(datagrams []replicate.Datagram) {
	for _, d := range datagrams {
		if err := s.conn.SendDatagram(d.Bytes); err != nil {
			s.counters.unsent.Add(1)
			return // too long for a path that shrank, or the end: what was not sent is not known
		}
		s.replicate.Sent(d)
		s.counters.datagrams.Add(1)
		s.counters.bytes.Add(uint64(len(d.Bytes)))
		s.sent.Add(1)
		s.sentBytes.Add(uint64(len(d.Bytes)))
		s.room.pulse.sent.Add(1)
		s.room.pulse.bytes.Add(uint64(len(d.Bytes)))
	}
}

// collectAcks takes what the client has acknowledged, for the pass whose turn has begun.
func (s *session) collectAcks() {
	s.ackMu.Lock()
	defer s.ackMu.Unlock()
	s.acks, s.acksTaken = s.acksTaken[:0], s.acks
}

// takeAcks takes into account what was collected.
func (s *session) takeAcks() {
	for i := range s.acksTaken {
		a := &s.acksTaken[i]
		if a.epoch != s.replicate.Epoch() {
			s.counters.staleAcks.Add(1)
			continue
		}
		fresh, err := s.replicate.Ack(a.epoch, a.newest, a.missing, a.at)
		if err != nil {
			s.counters.rejected[protocol.AckNeverSent].Add(1)
			s.may(limitAcks, 1, a.at)
			continue
		}
		s.acked.Store(uint64(s.replicate.Acked()))
		s.check(a, fresh)
	}
}

// takeResync begins a new epoch when the client asked to leave the present one.
func (s *session) takeResync() {
	switch epoch := s.resync.Swap(0); epoch {
	case 0:
	case int32(s.replicate.Epoch()) + 1:
		s.replicate.NewEpoch()
	default:
		s.counters.rejected[protocol.StaleEpoch].Add(1)
	}
}
