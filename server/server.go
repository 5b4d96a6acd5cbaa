package server

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server/clock"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// Server runs one room of one game.
type Server struct {
	cfg      Config
	schema   *schema.Schema
	wire     []byte // the schema as it travels
	listener *transport.Listener
	room     *room
	counters counters
}

// New checks the configuration and the game, and opens the socket: from then on clients can connect, and wait
// until Run serves them. The errors name what is wrong. A Server that is not run must be closed.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Seed == 0 {
		id := newID()
		cfg.Seed = binary.BigEndian.Uint64(id[:])
	}
	s := &Server{cfg: cfg}
	if s.schema, err = world.SchemaOf(cfg.Game); err != nil {
		return nil, err
	}
	if s.wire = s.schema.Append(nil); len(s.wire) > protocol.MaxSchema {
		return nil, fmt.Errorf("server: the schema of game %s has %d bytes, at most %d can be sent: shorten names or split the game", s.schema.Game, len(s.wire), protocol.MaxSchema)
	}
	if _, err := s.newReplication(1); err != nil {
		return nil, err
	}
	if s.room, err = newRoom(cfg, newID(), &s.counters); err != nil {
		return nil, err
	}
	if s.listener, err = transport.Listen(cfg.transport()); err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes the socket of a Server that was not run; Run does so itself.
func (s *Server) Close() error { return s.listener.Close() }

// newID draws 128 random bits.
func newID() (id [16]byte) {
	rand.Read(id[:]) // never fails
	return id
}

// Addr is the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Pin is the SHA-256 of the server's certificate, which clients may pin.
func (s *Server) Pin() [32]byte { return s.listener.Pin() }

// Run serves until ctx ends: then players are told, connections closed, and every goroutine has returned when
// Run does. It returns nil then, or why it could not go on. Call it once.
func (s *Server) Run(ctx context.Context) error {
	c := clock.New(s.cfg.Sleeper)
	ticks := c.Add(s.cfg.period())
	var loop, conns sync.WaitGroup
	loopCtx, stopLoop := context.WithCancel(context.Background())
	loop.Go(func() { s.room.run(loopCtx, ticks) })
	loop.Go(s.room.logging)
	s.cfg.Log.Info("serving", "game", s.schema.Game, "addr", s.Addr().String(), "tick_rate", s.cfg.TickRate)

	err := s.accept(ctx, &conns)
	conns.Wait()
	stopLoop()
	loop.Wait()
	ticks.Stop()
	c.Close()
	return errors.Join(err, s.listener.Close())
}

func (s *Server) accept(ctx context.Context, conns *sync.WaitGroup) error {
	for {
		conn, err := s.listener.Accept(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept players: %w", err)
		}
		conns.Go(func() { s.serve(ctx, conn) })
	}
}

// serve is the life of a connection: hello, join, welcome, play, goodbye.
func (s *Server) serve(ctx context.Context, conn *transport.Conn) {
	sess := &session{
		server: s, conn: conn, id: newID(), schema: s.schema, counters: &s.counters,
		joined: make(chan joinAnswer, 1), news: make(chan struct{}, 1),
	}
	code, reason := s.greet(ctx, sess)
	if code == protocol.CloseNormal && reason == "" {
		code, reason = s.play(ctx, sess)
		s.room.leave(sess)
	}
	sess.bye(code, reason, s.cfg.CloseTimeout)
}

// stopping is what players are told at a shutdown.
const stopping = "come back in a moment"

// past is a deadline that ends a Read at once.
var past = time.Unix(1, 0)

// greet reads the hello and lets the session into the room. A reason tells why not.
func (s *Server) greet(ctx context.Context, sess *session) (protocol.CloseCode, string) {
	hello, cancel := context.WithTimeout(ctx, s.cfg.HelloTimeout)
	defer cancel()
	control, err := sess.conn.Control(hello)
	if ctx.Err() != nil {
		return protocol.CloseShutdown, stopping
	}
	if err != nil {
		return protocol.CloseProtocol, "no hello came in time: open a stream and send one first"
	}
	sess.control = control
	stopWaiting := context.AfterFunc(hello, func() { control.SetReadDeadline(past) })
	sess.reader.from = control
	message, err := sess.reader.next()
	inTime := stopWaiting()
	if ctx.Err() != nil {
		return protocol.CloseShutdown, stopping
	}
	if _, rejected := protocol.RejectOf(err); err != nil && rejected {
		return sess.refuse(err)
	}
	if err != nil || !inTime {
		return protocol.CloseProtocol, "no hello came in time: send one first"
	}
	if _, err := protocol.KindOf(message); err != nil {
		return sess.refuse(err)
	}
	h, err := protocol.ParseHello(message)
	if err != nil {
		return sess.refuse(err)
	}
	if h.Game != "" && h.Game != s.schema.Game {
		return protocol.CloseRefused, fmt.Sprintf("this server runs %q, not %q: join that, or another server", s.schema.Game, h.Game)
	}
	return s.admit(sess, h)
}

// admit joins the room and sends the welcome.
func (s *Server) admit(sess *session, h protocol.Hello) (protocol.CloseCode, string) {
	if err := s.room.join(sess); err != nil {
		return protocol.CloseRoomClosed, err.Error()
	}
	var answer joinAnswer
	select {
	case answer = <-sess.joined:
	case <-s.room.closed:
		return protocol.CloseRoomClosed, s.room.reason.Error()
	}
	if answer.reason != "" {
		return answer.code, answer.reason
	}
	if err := sess.welcome(h, answer.tick); err != nil {
		s.cfg.Log.Debug("welcome failed", "player", sess.player, "error", err)
		s.room.leave(sess)
		return protocol.CloseProtocol, "the welcome could not be sent"
	}
	s.cfg.Log.Debug("session joined", "player", sess.player, "tick", answer.tick, "from", sess.conn.RemoteAddr().String())
	return protocol.CloseNormal, ""
}

// firstEpoch and firstSequence are where a new session's replication begins.
const (
	firstEpoch    = 1
	firstSequence = 1
)

func (s *Server) newReplication(p world.Player) (*replicate.Client, error) {
	return replicate.NewClient(s.schema, p, firstEpoch, firstSequence, replicate.Config{
		Period: s.cfg.period(), BudgetBytes: s.cfg.BudgetBytes,
	})
}

func (s *session) welcome(h protocol.Hello, tick uint64) error {
	cfg := s.server.cfg
	var err error
	if s.replicate, err = s.server.newReplication(s.player); err != nil {
		return err
	}
	w := protocol.Welcome{
		Version: protocol.Version, Session: s.id, Room: s.server.room.id, Player: uint32(s.player),
		Epoch: firstEpoch, Tick: tick, NextSequence: firstSequence, TickPeriod: cfg.period(),
		AgeMax: cfg.ageTicks(), SchemaHash: s.schema.Hash(),
	}
	if h.SchemaHash != s.schema.Hash() {
		w.Schema = s.server.wire
	}
	message, err := protocol.AppendWelcome(nil, w)
	if err != nil {
		return err
	}
	s.control.SetWriteDeadline(time.Now().Add(cfg.HelloTimeout))
	_, err = s.control.Write(protocol.AppendFrame(nil, message))
	return err
}

// play runs the session's goroutines until one side ends it, and returns how to close.
func (s *Server) play(ctx context.Context, sess *session) (protocol.CloseCode, string) {
	live, stop := context.WithCancel(sess.conn.Context())
	var work sync.WaitGroup
	work.Go(func() { sess.readDatagrams(live) })
	work.Go(func() { sess.send(live) })
	type ending struct {
		code   protocol.CloseCode
		reason string
	}
	ended := make(chan ending, 1)
	work.Go(func() {
		code, reason := sess.readControl()
		ended <- ending{code, reason}
	})
	var end ending
	select {
	case <-ctx.Done():
		end = ending{protocol.CloseShutdown, stopping}
	case <-s.room.closed:
		end = ending{protocol.CloseRoomClosed, s.room.reason.Error()}
	case <-live.Done():
	case end = <-ended:
	}
	stop()
	sess.control.SetReadDeadline(past) // ends readControl
	// The sender may be waiting for a client in the dark, which nothing but the connection's end interrupts.
	late := time.AfterFunc(s.cfg.CloseTimeout, func() { sess.conn.Close(end.code, end.reason) })
	work.Wait()
	late.Stop()
	return end.code, end.reason
}

// bye says goodbye on the stream, gives the client a moment to close, and closes.
func (s *session) bye(code protocol.CloseCode, reason string, patience time.Duration) {
	defer s.conn.Close(code, reason)
	if s.control == nil || s.conn.Context().Err() != nil {
		return
	}
	message, err := protocol.AppendGoodbye(nil, protocol.Goodbye{Code: code, Reason: reason})
	if err != nil {
		return
	}
	s.control.SetWriteDeadline(time.Now().Add(patience))
	if _, err := s.control.Write(protocol.AppendFrame(nil, message)); err != nil {
		return
	}
	s.control.Close()
	patient, cancel := context.WithTimeout(s.conn.Context(), patience)
	defer cancel()
	<-patient.Done()
}
