package server

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// maxAcks bounds the acknowledgements that wait for a session's next pass; when it is full the oldest goes,
// which is as if it had been lost.
const maxAcks = 32

// session is one player's connection. Three goroutines work for it, all started and awaited by serve: one reads
// the control stream, one reads datagrams, one sends.
type session struct {
	server   *Server
	conn     *transport.Conn
	control  *transport.Stream
	id       [16]byte
	schema   *schema.Schema
	counters *counters

	player world.Player // set by the loop before it answers on joined
	joined chan joinAnswer
	inbox  inbox
	reader frameReader // touched by greet, then by the control reader

	// Touched by the sender only.
	replicate *replicate.Client

	// Shared: each says how.
	news   chan struct{} // the loop puts one when there is a new view, the sender takes
	ackMu  sync.Mutex
	acks   []ack        // the datagram reader appends under ackMu, the sender takes all
	resync atomic.Int32 // the epoch to leave, plus one: the stream reader stores, the sender takes
}

// ack is an acknowledgement that waits for the next pass.
type ack struct {
	epoch   uint8
	newest  uint16
	missing uint64
	at      time.Time
}

// joinAnswer is what became of a join: let in at a tick, or refused with a code and reason.
type joinAnswer struct {
	tick   uint64
	code   protocol.CloseCode
	reason string
}

func (s *session) answer(a joinAnswer) { s.joined <- a } // it holds one, and gets one

// wake tells the sender that there is a new view; when it has not taken the former notice, that one serves.
func (s *session) wake() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// start begins an inbox at the tick of its player's joining.
func (b *inbox) start(tick uint64, cfg Config) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken, b.due, b.period, b.limit, b.budget = tick, time.Now(), cfg.period(), cfg.InputsPerTick, cfg.InputsPerTick
}

// readDatagrams takes the client's datagrams until the connection ends.
func (s *session) readDatagrams(ctx context.Context) {
	var in protocol.Input
	for {
		b, err := s.conn.ReceiveDatagram(ctx)
		if err != nil {
			return
		}
		s.takeDatagram(b, &in, time.Now())
	}
}

// takeDatagram takes one datagram; in is scratch space.
func (s *session) takeDatagram(b []byte, in *protocol.Input, now time.Time) {
	if err := protocol.ParseInput(b, s.schema, in); err != nil {
		s.counters.reject(err)
		return
	}
	if in.HasAck {
		s.queueAck(ack{epoch: in.Epoch, newest: uint16(in.Newest), missing: in.Missing, at: now})
	}
	for _, r := range s.inbox.put(in, now) {
		s.counters.rejected[r].Add(1)
	}
}

func (s *session) queueAck(a ack) {
	s.ackMu.Lock()
	defer s.ackMu.Unlock()
	if len(s.acks) == maxAcks {
		s.acks = append(s.acks[:0], s.acks[1:]...)
		s.counters.acksDropped.Add(1)
	}
	s.acks = append(s.acks, a)
}

// readControl takes the client's stream messages until the stream ends, and returns why to close, if there is
// a reason.
func (s *session) readControl() (protocol.CloseCode, string) {
	for {
		message, err := s.reader.next()
		if err != nil {
			return s.refuse(err)
		}
		kind, err := protocol.KindOf(message)
		if err != nil {
			return s.refuse(err)
		}
		switch kind {
		case protocol.KindResync:
			m, err := protocol.ParseResync(message)
			if err != nil {
				return s.refuse(err)
			}
			s.resync.Store(int32(m.Epoch) + 1) // for the next tick: asking often brings no extra pass
		case protocol.KindGoodbye:
			return protocol.CloseNormal, ""
		default:
			s.counters.rejected[protocol.Unexpected].Add(1)
			return protocol.CloseProtocol, "a " + kind.String() + " message is not expected here"
		}
	}
}

// refuse counts what was wrong with a client's bytes and says how to close for it. Errors of the connection
// close nothing more.
func (s *session) refuse(err error) (protocol.CloseCode, string) {
	r, ok := protocol.RejectOf(err)
	if !ok {
		return protocol.CloseNormal, ""
	}
	s.counters.reject(err)
	if r == protocol.WrongVersion {
		return protocol.CloseVersion, err.Error()
	}
	return protocol.CloseProtocol, err.Error()
}
