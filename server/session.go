package server

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// maxAcks bounds the acknowledgements that wait for a session's next pass; when it is full the oldest goes,
// which is as if it had been lost.
const maxAcks = 32

// session is one player in a room, over one connection after the other. It has a goroutine of its own, which runs live.
// Three work for it while it has a connection, all started and awaited by play: two read and write the control stream,
// one reads datagrams. The server's fanout sends them.
type session struct {
	// What each pass touches is together, and so is what each datagram from the client touches, so that they wait for less of the
	// memory; see fetcher. What has no other owner is touched by whoever has the turn, which has a mutex of its own.
	*connection   // replaced by live, between plays
	server        *Server
	counters      *counters
	game          *game // set by admit, as are room and who
	room          *room
	resync        atomic.Int32 // the epoch to leave, plus one: the stream reader stores, the pass takes
	dark          dark         // says itself
	asked         atomic.Bool  // of questions some may wait: whoever has put one stores, the pass takes
	revived       atomic.Bool  // something came after a silence: the datagram reader stores, the pass takes
	turn          turn
	replicate     *replicate.Client
	trail         atomic.Pointer[replicate.Trail] // the loop stores when a game asks what players saw
	acksTaken     []ack                           // those of the pass
	pathAsked     time.Time
	passed        uint64        // the tick of the latest pass
	sent          atomic.Uint64 // datagrams; the workers add
	checks        checks
	sentBytes     atomic.Uint64 // of the datagrams
	eventsDropped uint64        // of those that replicate has dropped, as many are counted
	acked         atomic.Uint64 // the newest tick, as 32 bits, that the client is known to have; the pass stores

	ackMu  sync.Mutex
	acks   []ack         // the datagram reader appends under ackMu, the pass takes all
	heard  time.Time     // when the latest datagram came; touched by the datagram reader
	meters [limits]meter // each has its own goroutine, see may
	player world.Player  // set by the loop before it answers on joined
	inbox  inbox

	id       [16]byte
	who      Identity
	why      world.LeaveReason // why it leaves; set before the room's leave
	joined   chan joinAnswer
	said     protocol.Say  // the latest line of chat; touched by the control reader
	since    time.Time     // when it joined
	resends  *rate.Limiter // of rows that are wrong
	arrivals chan *arrival // a connection's goroutine sends, live receives
	over     chan struct{} // closed when live has ended
	expelled chan refusal  // holds one: anyone puts why the session has to end, live takes
	key      key           // guarded by the server's keyring
	resumeMu sync.Mutex    // of the meter of resumes
	held     atomic.Bool   // its connection is lost; live stores
	gaze     gaze          // touched by the room's loop

	// Shared: each has a mutex of its own, or says how.
	impairing    impairing
	answers      answers
	outbox       outbox        // anyone puts, the control writer takes
	questions    chan question // anyone asks, the pass answers
	openRequests atomic.Int64  // the control reader adds, the loop takes away
}

// silentTicks is after how many ticks without a datagram one is news: the way to the client is open again, and is tried
// at once.
const silentTicks = 8

// ack is an acknowledgement that waits for the next pass, with what was reported beside it.
type ack struct {
	epoch   uint8
	newest  uint16
	missing uint64
	at      time.Time
	hasRow  bool
	row     protocol.RowReport
	hasPage bool
	page    protocol.PageReport
}

// joinAnswer is what became of a join: let in at a tick, or refused.
type joinAnswer struct {
	tick    uint64
	refusal *refusal
}

func (s *session) answer(a joinAnswer) { s.joined <- a } // it holds one, and gets one

// newSession makes the session of somebody who wants to join.
func newSession(s *Server, c *connection) *session {
	limits := s.cfg.Limits
	sess := &session{
		connection: c, server: s, id: newID(), counters: &s.counters, since: time.Now(),
		joined: make(chan joinAnswer, 1), arrivals: make(chan *arrival), over: make(chan struct{}),
		questions: make(chan question, maxQuestions), expelled: make(chan refusal, 1), outbox: newOutbox(limits.UnreadMessages),
		resends: rate.NewLimiter(rate.Limit(limits.ResendsPerSecond), limits.ResendsPerSecond),
	}
	sess.impairing.counters = &s.counters
	sess.answers.most = uint32(answersKept * limits.OpenRequests)
	return sess
}

// row is the session's row of the directory.
func (s *session) row() *sessionRow {
	return &sessionRow{id: s.id, room: s.room.id, player: s.player, session: s, conn: s.conn, joined: s.since}
}

// begin begins the session's replication.
func (s *session) begin() (err error) {
	s.replicate, err = newReplication(s.game, s.player, s.server.cfg)
	return err
}

// welcome sends the welcome of a connection: the first one's, or of one that goes on.
func (s *session) welcome(h protocol.Hello, tick uint64) error {
	cfg := s.server.cfg
	w := protocol.Welcome{
		Version: protocol.Version, Session: s.id, Room: s.room.id, Player: uint32(s.player),
		Epoch: s.replicate.Epoch(), Tick: tick, NextSequence: s.replicate.NextSequence(), TickPeriod: cfg.period(),
		AgeMax: cfg.ageTicks(), SchemaHash: s.game.schema.Hash(), EventTicks: uint32(cfg.eventTicks()), RoomName: s.room.name,
		LastRequest: s.answers.last(),
	}
	if s.game.hold > 0 {
		w.Resume = s.server.keys.latest(s)
	}
	if h.SchemaHash != w.SchemaHash {
		w.Schema = s.game.wire
	}
	message, err := protocol.AppendWelcome(nil, w)
	if err != nil {
		return err
	}
	return s.say(message, cfg.Limits.HelloTimeout)
}

// readDatagrams takes the client's datagrams until the connection ends.
func (s *session) readDatagrams(ctx context.Context) {
	var in protocol.Input
	for {
		label(workReceive)
		b, err := s.conn.ReceiveDatagram(ctx)
		if err != nil {
			return
		}
		label(workInput)
		s.takeDatagram(b, &in, time.Now())
	}
}

// takeDatagram takes one datagram, which is the session's from then on; in is scratch space.
func (s *session) takeDatagram(b []byte, in *protocol.Input, now time.Time) {
	if !s.may(limitDatagrams, 1, now) {
		return
	}
	if err := protocol.ParseInput(b, s.game.schema, in); err != nil {
		s.counters.reject(err)
		s.may(limitMalformed, 1, now)
		return
	}
	if now.Sub(s.heard) > silentTicks*s.server.cfg.period() {
		s.revived.Store(true)
	}
	s.heard = now
	if in.HasAck {
		s.queueAck(in, now)
		if trail := s.trail.Load(); trail != nil {
			trail.Ack(in.Epoch, uint16(in.Newest), in.Missing)
		}
	}
	if r := s.inbox.put(in, now); r != 0 {
		s.counters.rejected[r].Add(1)
	}
}

// queueAck copies what a datagram acknowledges and reports, into space of acknowledgements before it.
func (s *session) queueAck(in *protocol.Input, now time.Time) {
	s.ackMu.Lock()
	defer s.ackMu.Unlock()
	switch n := len(s.acks); {
	case n == maxAcks:
		first := s.acks[0]
		copy(s.acks, s.acks[1:])
		s.acks[n-1] = first
		s.counters.acksDropped.Add(1)
	case n < cap(s.acks):
		s.acks = s.acks[:n+1]
	default:
		s.acks = append(s.acks, ack{})
	}
	a := &s.acks[len(s.acks)-1]
	columns := a.row.Columns[:0]
	*a = ack{
		epoch: in.Epoch, newest: uint16(in.Newest), missing: in.Missing, at: now,
		hasRow: in.HasRow, row: in.Row, hasPage: in.HasPage, page: in.Page,
	}
	a.row.Columns = append(columns, in.Row.Columns...)
}

// readControl takes the client's stream messages until the stream ends, and returns how to close.
func (s *session) readControl(ctx context.Context) refusal {
	for {
		message, err := s.reader.next()
		if _, rejected := protocol.RejectOf(err); err != nil && !rejected && !transport.EndedByClient(err) {
			<-ctx.Done() // it is the connection's end, and only its context tells whether the client has left or is lost
			return refusal{}
		}
		if err != nil {
			return *s.counters.refuse(err)
		}
		kind, err := protocol.KindOf(message)
		if err != nil {
			return *s.counters.refuse(err)
		}
		if kind == protocol.KindGoodbye {
			return refusal{}
		}
		if err := s.takeMessage(ctx, kind, message, time.Now()); err != nil {
			return *s.counters.refuse(err)
		}
	}
}

// takeMessage takes one message, unless it is beyond the limits; the error is a *protocol.RejectError.
func (s *session) takeMessage(ctx context.Context, kind protocol.Kind, message []byte, now time.Time) error {
	if !s.may(limitMessages, 1, now) || !s.may(limitBytes, len(message), now) {
		return nil
	}
	switch kind {
	case protocol.KindResync:
		return s.takeResyncRequest(message, now)
	case protocol.KindRequest:
		return s.takeRequest(ctx, message, now)
	case protocol.KindSay:
		return s.takeLine(ctx, message, now)
	}
	return &protocol.RejectError{Reject: protocol.Unexpected, Detail: "a " + kind.String() + " message is not expected here"}
}

// takeResyncRequest leaves the wish for a new epoch to the next tick: asking often brings no extra pass.
func (s *session) takeResyncRequest(message []byte, now time.Time) error {
	m, err := protocol.ParseResync(message)
	if err == nil && s.may(limitResyncs, 1, now) {
		s.resync.Store(int32(m.Epoch) + 1)
	}
	return err
}

// refuse counts what was wrong with a client's bytes and says how to close for it. Errors of the connection
// close nothing more.
func (c *counters) refuse(err error) *refusal {
	r, ok := protocol.RejectOf(err)
	if !ok {
		return &refusal{}
	}
	c.reject(err)
	if r == protocol.WrongVersion {
		return &refusal{protocol.CloseVersion, err.Error()}
	}
	return &refusal{protocol.CloseProtocol, err.Error()}
}

// reasonOf is why a session leaves that play has ended.
func (s *session) reasonOf(end refusal) world.LeaveReason {
	switch {
	case end.code == protocol.CloseShutdown:
		return world.Stopped
	case end.code != protocol.CloseNormal:
		return world.Expelled
	case s.conn.Context().Err() == nil:
		return world.Left // a goodbye, or the end of the stream
	}
	if code, _, closed := transport.PeerClose(context.Cause(s.conn.Context())); closed && code == protocol.CloseNormal {
		return world.Left
	}
	return world.Lost
}
