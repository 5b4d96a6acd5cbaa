package server

import (
	"context"
	"sync"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
)

// send chooses, encodes and sends for one client, whenever there is a new view. It works from immutable data:
// when the connection makes it wait, only this client's states grow old, and what it then sends is the newest.
func (s *session) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.news:
		}
		s.takeAcks()
		s.tellChecks(time.Now())
		s.takeResync()
		scratch := scratches.Get().(*replicate.Scratch)
		s.pass(scratch)
		scratches.Put(scratch)
	}
}

// scratches are what passes work in; as many as passes run at once.
var scratches = sync.Pool{New: func() any { return new(replicate.Scratch) }}

// pass sends one tick to the client, the newest.
func (s *session) pass(scratch *replicate.Scratch) {
	newest, margin, any := s.inbox.report()
	s.counters.passes.Add(1)
	datagrams := s.replicate.Pass(replicate.Pass{
		View: s.room.view.Load(), Now: time.Now(),
		HasInput: any, InputTick: newest, Margin: margin,
	}, scratch)
	if len(datagrams) == 0 {
		s.counters.passesSkipped.Add(1)
	}
	if n := s.replicate.EventsDropped(); n != s.eventsDropped {
		s.counters.eventsDropped.Add(n - s.eventsDropped)
		s.eventsDropped = n
	}
	for _, d := range datagrams {
		if err := s.conn.SendDatagram(d.Bytes); err != nil {
			s.counters.unsent.Add(1)
			return // too long for a path that shrank, or the end: what was not sent is not known
		}
		s.replicate.Sent(d)
		s.counters.datagrams.Add(1)
		s.counters.bytes.Add(uint64(len(d.Bytes)))
	}
}

func (s *session) takeAcks() {
	s.ackMu.Lock()
	s.acks, s.acksTaken = s.acksTaken[:0], s.acks
	s.ackMu.Unlock()
	for _, a := range s.acksTaken {
		if a.epoch != s.replicate.Epoch() {
			s.counters.staleAcks.Add(1)
			continue
		}
		fresh, err := s.replicate.Ack(a.epoch, a.newest, a.missing, a.at)
		if err != nil {
			s.counters.rejected[protocol.AckNeverSent].Add(1)
			continue
		}
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
