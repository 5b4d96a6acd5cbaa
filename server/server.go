package server

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/clock"
	"github.com/quicstep/quicstep/server/contain"
	"github.com/quicstep/quicstep/server/quota"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// logLines is how many lines of the log may wait to be written.
const logLines = 1024

// Server runs rooms of games.
type Server struct {
	cfg       Config
	games     map[string]*game
	first     *game // what a client that names none gets
	listener  *transport.Listener
	directory *directory
	counters  counters
	rules     [limits]rule // of what a session may send
	keys      keyring
	held      atomic.Int64 // sessions whose connection is lost
	heldBy    *quota.Counts
	greetings greetings
	visits    visits // has its own rules
	memory    memory
	load      load
	bans      bans
	denials   *denials // has its own mutex
	ledger    ledger
	draining  atomic.Bool
	panics    *contain.Panics
	spool     *contain.Spool // of the log; Run starts and stops it

	// Set by Run before anybody can need it.
	clock  *clock.Clock
	fanout *fanout
	rooms  sync.WaitGroup // the goroutines of rooms, but for those that were given up, and what else ends with them
	stop   context.Context

	opened atomic.Uint64 // tries to make a room, for names and seeds
}

// New checks the configuration and the games, and opens the socket: from then on clients can connect, and wait
// until Run serves them. The errors name what is wrong. A Server that is not run must be closed.
func New(cfg Config) (*Server, error) {
	s, err := newServer(cfg)
	if err != nil {
		return nil, err
	}
	how := s.cfg.transport()
	how.Web, how.Panics = s.web, s.panics
	if s.listener, err = transport.Listen(how); err != nil {
		return nil, errors.Join(err, s.bans.letGo())
	}
	return s, nil
}

// newServer is New without a socket.
func newServer(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Seed == 0 {
		id := newID()
		cfg.Seed = binary.BigEndian.Uint64(id[:])
	}
	s := &Server{cfg: cfg, games: make(map[string]*game), denials: newDenials(), heldBy: quota.NewCounts(cfg.Limits.MaxHeldPerAddress), rules: cfg.rules()}
	s.greetings.begin(cfg.Limits)
	s.visits.begin(cfg.Limits)
	s.memory.bound.Store(uint64(cfg.MemoryBytes))
	s.load.begin(cfg.Limits)
	s.spool = contain.NewSpool(cfg.Log.Handler(), logLines)
	s.cfg.Log = slog.New(s.spool.Handler())
	s.panics = contain.NewPanics(s.cfg.Log)
	for _, g := range cfg.Games {
		ours, err := newGame(g, cfg)
		if err != nil {
			return nil, err
		}
		if s.games[ours.schema.Game] != nil {
			return nil, fmt.Errorf("server: two games are named %q: give each its own name", ours.schema.Game)
		}
		s.games[ours.schema.Game] = ours
		if s.first == nil {
			s.first = ours
		}
	}
	if s.directory, err = newDirectory(); err != nil {
		return nil, err
	}
	s.bans.path = cfg.BanFile
	if err := s.bans.hold(); err != nil {
		return nil, err
	}
	if err := s.bans.load(); err != nil {
		return nil, errors.Join(err, s.bans.letGo())
	}
	return s, nil
}

// Close closes the socket of a Server that was not run, and leaves its files to others; Run does so itself.
func (s *Server) Close() error { return errors.Join(s.listener.Close(), s.bans.letGo()) }

// newID draws 128 random bits.
func newID() (id [16]byte) {
	rand.Read(id[:]) // never fails
	return id
}

// Addr is the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Pin is the SHA-256 of the server's certificate, which clients may pin.
func (s *Server) Pin() [32]byte { return s.listener.Pin() }

// trusts tells whether an address is one of Config.Trusted, to which no bound for each address applies.
func (s *Server) trusts(addr netip.Addr) bool { return s.listener.Trusts(addr) }

// Run serves until ctx ends: then joins are refused, players are told, connections closed, and every goroutine has
// returned when Run does, within two of Limits.CloseTimeout and a tick. It returns nil then, or why it could not go on.
// A tick that does not end holds it up for Limits.StuckAfter and a fifth of it more, a log that takes nothing for a
// Limits.CloseTimeout more; the goroutine of either is left behind. Call it once.
func (s *Server) Run(ctx context.Context) error {
	end := s.begin()
	s.cfg.Log.Info("serving", "games", len(s.games), "addr", s.Addr().String(), "tick_rate", s.cfg.TickRate)

	var conns sync.WaitGroup
	err := s.accept(ctx, &conns)
	conns.Wait()
	err = errors.Join(err, s.listener.Close())
	end()
	return errors.Join(err, s.bans.letGo())
}

// begin starts what connections are served with. The function that it returns ends it, once none is served any more.
func (s *Server) begin() (end func()) {
	s.clock = clock.New(s.cfg.Sleeper)
	s.fanout = newFanout(s.cfg, s.clock)
	roomsCtx, stopRooms := context.WithCancel(context.Background())
	s.stop = roomsCtx
	s.rooms.Go(func() { s.memory.watch(roomsCtx) })
	s.rooms.Go(func() { s.load.watch(roomsCtx, s.counters.tickTime) })
	s.rooms.Go(func() { s.watchCertificate(roomsCtx) })
	s.spool.Start()
	var watch sync.WaitGroup
	stopWatch := make(chan struct{})
	watch.Go(func() { s.watchRooms(stopWatch) })
	return func() {
		stopRooms()
		s.rooms.Wait()
		close(stopWatch)
		watch.Wait()
		s.fanout.close()
		s.clock.Close()
		s.spool.Stop(s.cfg.Limits.CloseTimeout)
	}
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

// serve is the life of a connection: hello, join, welcome, play, goodbye; or hello, and over to the session that it goes
// on with. A session is its first connection's goroutine, to its end.
func (s *Server) serve(ctx context.Context, conn *transport.Conn) {
	defer s.panics.Catch("connection", func() { conn.Close(broken.code, broken.reason) })
	c := &connection{conn: conn}
	var left []byte // of the session's messages
	var h protocol.Hello
	refused := s.banned(conn.RemoteAddr(), "")
	from := s.caller(conn.RemoteAddr())
	if refused == nil {
		refused = s.mayGreet(from, time.Now())
	}
	if refused == nil {
		if h, refused = s.greet(ctx, c); refused != nil && refused.code == protocol.CloseProtocol {
			s.badHello(from, time.Now())
		}
	}
	switch {
	case refused != nil:
	case len(h.Resume) > 0:
		if refused = s.handOver(ctx, c, h); refused == nil {
			return // the session's goroutine has it now
		}
	default:
		sess := newSession(s, c)
		if refused = s.admit(ctx, sess, h); refused == nil {
			end := s.live(ctx, sess)
			refused = &end
		}
		c, left = sess.connection, sess.outbox.take()
	}
	c.bye(*refused, left, s.cfg.Limits.CloseTimeout)
}

// stopping is what players are told at a shutdown.
var stopping = refusal{protocol.CloseShutdown, "the server is stopping: come back in a moment"}

// broken is what a player is told whose session the server has failed in.
var broken = refusal{protocol.CloseExpired, "the server has failed in your session: join anew"}

// past is a deadline that ends a Read at once.
var past = time.Unix(1, 0)

// greet reads the hello; otherwise it returns why there is none.
func (s *Server) greet(ctx context.Context, c *connection) (h protocol.Hello, refused *refusal) {
	leave, refused := s.await(c.conn.RemoteAddr())
	if refused != nil {
		return h, refused
	}
	defer leave()
	hello, cancel := context.WithTimeout(ctx, s.cfg.Limits.HelloTimeout)
	defer cancel()
	control, err := c.conn.Control(hello)
	if ctx.Err() != nil {
		return h, &stopping
	}
	if err != nil {
		return h, s.noHello("open a stream and send one first")
	}
	c.control = control
	stopWaiting := context.AfterFunc(hello, func() { control.SetReadDeadline(past) })
	defer stopWaiting()
	c.reader.from = control
	for lists := 0; ; lists++ {
		message, err := c.reader.next()
		if ctx.Err() != nil {
			return h, &stopping
		}
		if _, rejected := protocol.RejectOf(err); rejected {
			return h, s.counters.refuse(err)
		}
		if err != nil && lists > 0 && hello.Err() == nil { // it has what it came for
			return h, &refusal{}
		}
		if err != nil {
			return h, s.noHello("send one first")
		}
		kind, err := protocol.KindOf(message)
		if err != nil {
			return h, s.counters.refuse(err)
		}
		switch {
		case kind == protocol.KindGoodbye:
			return h, &refusal{}
		case kind == protocol.KindList && lists == maxLists:
			return h, s.noHello("lists were asked for again and again")
		case kind == protocol.KindList:
			if refused := s.answerList(c, message); refused != nil {
				return h, refused
			}
			continue
		}
		if h, err = protocol.ParseHello(message); err != nil {
			return h, s.counters.refuse(err)
		}
		if !stopWaiting() {
			return h, s.noHello("send one first")
		}
		return h, nil
	}
}

// maxLists is how many lists a client may ask for before its hello.
const maxLists = 16

// answerList tells a client which rooms there are.
func (s *Server) answerList(c *connection, message []byte) *refusal {
	l, err := protocol.ParseList(message)
	if err != nil {
		return s.counters.refuse(err)
	}
	if refused := s.mayList(s.caller(c.conn.RemoteAddr()), time.Now()); refused != nil {
		return refused
	}
	rooms := s.directory.list(l.Game)
	answer, err := protocol.AppendRooms(nil, protocol.Rooms{Rooms: rooms[:min(len(rooms), protocol.MaxRooms)]})
	if err == nil {
		err = c.say(answer, s.cfg.Limits.HelloTimeout)
	}
	if err != nil {
		return &refusal{protocol.CloseProtocol, "the list could not be sent"}
	}
	return nil
}

// admit asks who it is, finds a room, joins it and sends the welcome.
func (s *Server) admit(ctx context.Context, sess *session, h protocol.Hello) *refusal {
	g := s.first
	if h.Game != "" {
		g = s.games[h.Game]
	}
	if g == nil {
		return &refusal{protocol.CloseRefused, fmt.Sprintf("this server does not run %q: join %q, or another server", h.Game, s.first.schema.Game)}
	}
	if ctx.Err() != nil {
		return &stopping
	}
	if s.draining.Load() {
		s.counters.drained.Add(1)
		return &drained
	}
	if refused := s.noMemory(); refused != nil {
		return refused
	}
	from := s.caller(sess.conn.RemoteAddr())
	if refused := s.mayJoin(from, time.Now()); refused != nil {
		return refused
	}
	who, refused := s.identify(ctx, sess.connection, g, &h)
	if refused != nil {
		return refused
	}
	room, refused := s.place(g, h, from)
	if refused != nil {
		return refused
	}
	sess.who = who
	sess.game, sess.room = g, room
	room.join(sess)
	var answer joinAnswer
	select {
	case answer = <-sess.joined:
	case <-room.closed:
		closed := sess.roomClosed()
		return &closed
	}
	if answer.refusal != nil {
		return answer.refusal
	}
	s.counters.joined.Add(1)
	if g.hold > 0 {
		s.keys.give(sess)
	}
	err := sess.begin()
	if err == nil {
		err = sess.welcome(h, answer.tick)
	}
	if err != nil {
		s.keys.forget(sess)
		close(sess.over)
		room.log.Debug("welcome failed", "player", sess.player, "error", err)
		s.counters.unwelcomed.Add(1)
		s.counters.gone[world.Lost].Add(1)
		room.leave(sess, world.Lost)
		return &refusal{protocol.CloseProtocol, "the welcome could not be sent"}
	}
	room.log.Debug("session joined", "player", sess.player, "tick", answer.tick, "door", sess.conn.Door().String(), "from", sess.conn.RemoteAddr().String())
	return nil
}

// placeTries is how often a place is looked for while other joins come first.
const placeTries = 16

// place finds the room that a hello asks for, or makes it, and takes a place in it.
func (s *Server) place(g *game, h protocol.Hello, from caller) (*room, *refusal) {
	for range placeTries { // another room may come first, and be full by then
		room, refused := s.directory.seat(g.schema.Game, h)
		if room != nil || refused != nil {
			return room, refused
		}
		if !s.directory.hasSpace(s.cfg.Limits.MaxRooms) {
			break
		}
		if n := g.stuck.Load(); n >= int64(s.cfg.Limits.MaxStuckRooms) {
			return nil, &refusal{protocol.CloseFull, fmt.Sprintf("no room of %s is made while %d of its rooms stand still: join another, or try later", g.schema.Game, n)}
		}
		now := time.Now()
		left, refused := s.mayOpen(from, now) // first, so that who may not uses up nothing that is for all
		if refused != nil {
			return nil, refused
		}
		if refused := s.mayMake(from, now); refused != nil {
			left()
			return nil, refused
		}
		room, err := s.open(g, h, left)
		if room == nil {
			left()
		}
		if err != nil {
			s.cfg.Log.Error("room not opened", "game", g.schema.Game, "error", err)
			return nil, &refusal{protocol.CloseRefused, "the room could not be made"}
		}
		if room != nil {
			return room, nil
		}
	}
	s.counters.roomsRefused.Add(1)
	return nil, &refusal{protocol.CloseFull, fmt.Sprintf("the server has as many rooms as it may, %d: join one of them, or try later", s.cfg.Limits.MaxRooms)}
}

// open makes a room with a place taken, and runs it; ended is called when it has ended. It returns nothing when the directory has
// no space for it.
func (s *Server) open(g *game, h protocol.Hello, ended func()) (*room, error) {
	n := s.opened.Add(1)
	row := &roomRow{id: newID(), game: g.schema.Game, name: h.Room, private: h.Join == protocol.CreatePrivate, most: g.most}
	switch {
	case row.private:
		row.name = newCode()
	case row.name == "":
		row.name = fmt.Sprintf("room-%d", n)
	}
	r, err := newRoom(s, g, row, s.cfg.Seed+n-1)
	if err != nil {
		return nil, err
	}
	row.room, row.opened = r, time.Now()
	if !s.directory.open(row, h, s.cfg.Limits.MaxRooms) {
		return nil, nil
	}
	s.counters.roomsOpened.Add(1)
	s.rooms.Add(1)
	r.release = sync.OnceFunc(func() {
		ended()
		s.rooms.Done()
	})
	r.ticks = s.clock.Add(s.cfg.period())
	go func() {
		defer r.release()
		defer r.ticks.Stop()
		r.run(s.stop)
	}()
	return r, nil
}

// play runs the session's goroutines on its connection until one side ends it, or another connection comes to go on
// with. It returns how to close, or that connection.
func (s *Server) play(ctx context.Context, sess *session) (end refusal, next *arrival) {
	live, stop := context.WithCancel(sess.conn.Context())
	var work sync.WaitGroup
	work.Go(func() {
		defer s.panics.Catch("session", sess.broke)
		sess.readDatagrams(live)
	})
	work.Go(func() {
		defer s.panics.Catch("session", sess.broke)
		sess.writeControl(live)
	})
	sess.impairing.begin(sess.conn)
	sess.turn.start()
	ended := make(chan refusal, 1)
	work.Go(func() {
		defer s.panics.Catch("session", sess.broke)
		ended <- sess.readControl(live)
	})
	select {
	case <-ctx.Done():
		end = stopping
	case <-sess.room.closed:
		end = sess.roomClosed()
	case next = <-sess.arrivals:
		sess.conn.Close(replaced.code, replaced.reason) // at once: it may be in the dark, and the new one waits
	case end = <-sess.expelled:
	case <-live.Done():
	case end = <-ended:
	}
	stop()
	// A pass may be waiting for a client in the dark, which nothing but the connection's end interrupts.
	conn := sess.conn // the timer may run while another one takes its place
	late := time.AfterFunc(s.cfg.Limits.CloseTimeout, func() { conn.Close(end.code, end.reason) })
	sess.impairing.end()           // what is to be said last is not late
	sess.control.SetDeadline(past) // ends readControl and writeControl
	sess.turn.end()
	work.Wait()
	late.Stop()
	return end, next
}
