package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// Session is one player in a game, whatever its input type is: bots and tools use it where a game's own client has a
// Client. It outlives its connections when Config.Reconnect is set. Its methods may be called from any goroutine.
type Session struct {
	game    world.Game
	cfg     Config
	schema  *schema.Schema
	sockets *sockets

	live  context.Context // ends with the session
	stop  context.CancelFunc
	work  sync.WaitGroup
	ended chan struct{} // closed once the session has ended
	once  sync.Once
	err   error // why it ended; set before ended is closed

	code string // of the private room that the session has made; touched by Open, then by run

	mu      sync.Mutex
	link    *link  // the connection now, or the latest
	joined  bool   // link is a connection that lives
	token   []byte // by which another connection goes on with the session; empty when none can
	resumed bool   // the first connection has gone on with a former process's session
	resumes uint64
	rejoins uint64
	view    *world.View   // of the link's rows; nil when they changed since
	news    chan struct{} // closed when there is a new tick; nil while nobody waits
	input   []byte        // what the player asks for
	held    uint64        // until this tick it does not change
	inbox   inbox
	former  Stats           // what connections before this one have counted
	checks  protocol.Checks // what the server says of this one
	wrong   []protocol.Diverged
}

// Open is Join for a game whose input type the caller does not know, who sends inputs as bytes.
func Open(ctx context.Context, game world.Game, cfg Config) (*Session, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Session{game: game, cfg: cfg, ended: make(chan struct{}), sockets: cfg.sockets()}
	if s.schema, err = world.SchemaOf(game); err != nil {
		return nil, err
	}
	l, err := s.first(ctx)
	if err != nil {
		s.sockets.close()
		return nil, err
	}
	s.link, s.joined = l, true
	s.live, s.stop = context.WithCancel(context.Background())
	s.work.Go(s.run)
	return s, nil
}

// first makes the session's first connection: it goes on with a former process's session, or joins.
func (s *Session) first(ctx context.Context) (*link, error) {
	if len(s.cfg.Resume) == 0 {
		return s.connect(ctx)
	}
	timed, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	hello := s.hello()
	hello.Resume = s.cfg.Resume
	l, err := newLink(timed, s)
	if err != nil {
		return nil, err
	}
	if err = l.greet(timed, hello, nil); err == nil {
		s.resumed = true
		s.keep(l)
		return l, nil
	}
	l.close(protocol.CloseAbandoned)
	if !errors.Is(err, ErrExpired) || s.cfg.OnlyResume {
		return nil, err
	}
	s.cfg.Log.Warn("the former session can't be resumed; joining anew")
	return s.connect(ctx)
}

// connect makes a connection and joins on it, within Config.Timeout.
func (s *Session) connect(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	hello := s.hello()
	if s.cfg.FetchToken != nil { // before a connection waits for its hello
		token, err := s.cfg.FetchToken(ctx)
		if err != nil {
			return nil, fmt.Errorf("get a token to join with: %w", err)
		}
		hello.Token = token
	}
	l, err := newLink(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := l.greet(ctx, hello, nil); err != nil {
		l.close(protocol.CloseNormal)
		return nil, err
	}
	if s.cfg.Private {
		s.code = l.welcome.RoomName
	}
	s.keep(l)
	return l, nil
}

// hello asks for what the configuration says; for the private room that the session has made, once it has.
func (s *Session) hello() protocol.Hello {
	cfg := s.cfg
	if s.code != "" {
		cfg.Private, cfg.Code = false, s.code
	}
	return cfg.hello(s.schema.Game, s.schema.Hash())
}

// run plays on one connection after the other, until one ends for a reason that another does not change.
func (s *Session) run() {
	defer s.sockets.close()
	for l := s.link; l != nil; {
		l = s.playOn(l)
	}
}

// lost takes note that a connection has ended, and nothing will come of what was asked.
func (s *Session) lost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joined = false
	s.inbox.fail(err)
}

// Between two tries to reconnect there is a pause: a random one, so that not everybody comes at once, of up to a bound
// that doubles from the first to the last.
const (
	pauseFirst = 200 * time.Millisecond
	pauseLast  = 5 * time.Second
)

// reconnect joins anew after a connection was lost. The error is why that is of no use, or the loss when it took too long.
func (s *Session) reconnect(lost error) (*link, error) {
	ctx, cancel := context.WithTimeout(s.live, s.cfg.Reconnect)
	defer cancel()
	for pause := pauseFirst; ; pause = min(2*pause, pauseLast) {
		timer := time.NewTimer(rand.N(pause))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, lost
		case <-timer.C:
		}
		l, err := s.connect(ctx)
		if err == nil {
			s.rejoined(l)
			return l, nil
		}
		if s.code != "" && errors.Is(err, ErrRefused) {
			s.code = "" // the room has ended meanwhile: make another
			continue
		}
		if !worthATry(err) && ctx.Err() == nil {
			return nil, err
		}
	}
}

// worthATry tells whether joining again may help.
func worthATry(err error) bool {
	return errors.Is(err, ErrUnreachable) || errors.Is(err, ErrShutdown) || errors.Is(err, ErrFull) || errors.Is(err, ErrRoomClosed)
}

func (s *Session) rejoined(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lost := s.link.stats()
	lost.Checks, s.checks = s.checks, protocol.Checks{}
	s.former = s.former.plus(lost)
	l.prediction.fields = s.link.prediction.fields
	s.link, s.joined, s.view, s.held = l, true, nil, 0
	s.rejoins++
	if l.screen != nil {
		s.inbox.events = nil // the moments that they waited for will not be shown
	}
	s.wakeUp()
}

// wakeUp tells those who wait in Next that there is something new. The caller holds mu.
func (s *Session) wakeUp() {
	if s.news != nil {
		close(s.news)
		s.news = nil
	}
}

// awaited is closed by wakeUp. The caller holds mu.
func (s *Session) awaited() <-chan struct{} {
	if s.news == nil {
		s.news = make(chan struct{})
	}
	return s.news
}

// end ends the session for a reason; the first one counts.
func (s *Session) end(err error) {
	s.once.Do(func() {
		s.err = err
		close(s.ended)
		s.stop()
	})
}

// Close leaves the game and waits until everything has ended. A server that can't be reached holds the player until its
// time is over. It may be called more than once.
func (s *Session) Close() error {
	s.end(ErrClosed)
	s.work.Wait()
	return nil
}

// Done is closed when the session has ended; Err tells why.
func (s *Session) Done() <-chan struct{} { return s.ended }

// Err is why the session ended; nil while it lives, also while it reconnects.
func (s *Session) Err() error {
	select {
	case <-s.ended:
		return s.err
	default:
		return nil
	}
}

// Connected tells whether the session is in the game now, as far as it knows; false while it reconnects, and after its
// end.
func (s *Session) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.joined
}

// Player is this player's number in the room. It stays when the session goes on over another connection; joining anew
// gives another one.
func (s *Session) Player() world.Player { return world.Player(s.current().welcome.Player) }

// Room is the name of the room, or the code of a private one: what others join it by.
func (s *Session) Room() string { return s.current().welcome.RoomName }

// TickPeriod is the time between two of the server's ticks.
func (s *Session) TickPeriod() time.Duration { return s.current().welcome.TickPeriod }

// current is the connection now, or the latest.
func (s *Session) current() *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link
}

// SendBytes sets what the player asks for, as a game's AppendInput writes it, from the next tick on.
func (s *Session) SendBytes(data []byte) error {
	if err := s.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link.prediction.on && !bytes.Equal(s.input, data) {
		s.link.prediction.changed()
	}
	s.input = data
	if screen := s.link.screen; screen != nil {
		screen.acted = screen.drawn
	}
	s.link.inputIsHere()
	return nil
}

// Hold says that what was asked for last stands for every tick before one: the session then answers each as it comes,
// without waiting for another Send. It is for who decides less often than ticks come; a Send in between still counts.
func (s *Session) Hold(before uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = before
}

// View returns the rows as they are known now: those of others in the newest tick received, the player's own as they are
// predicted at the end of the tick that the player acts in (see Timeline), unless Config.NoPrediction is set. It never
// changes; ask again for newer ones.
func (s *Session) View() *world.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.currentView()
}

// Look calls f with the rows as they are known now. They are good until f returns, and spare the copy that each View
// costs: for who looks at them, takes what is needed, and lets go. Meanwhile the session waits, and f must not call it.
func (s *Session) Look(f func(view *world.View)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.glance())
}

// glance is the rows as they are known now, good until they change. The caller holds mu.
func (s *Session) glance() *world.View {
	s.renew()
	if s.view != nil {
		return s.view
	}
	return s.link.rows.Glance(s.link.tick)
}

func (s *Session) currentView() *world.View {
	s.renew()
	if s.view == nil {
		s.view = s.link.rows.View(s.link.tick)
	}
	return s.view
}

// renew brings the link's rows up to now.
func (s *Session) renew() {
	l := s.link
	if s.view == nil {
		l.freshen()
	}
	if l.prediction.on && l.predict(time.Now()) {
		s.view = nil
	}
}

// Next waits for another tick than the one of a View and returns the rows then; nil takes the next that comes. Ticks
// rise but for a session that has joined anew. It returns an error when ctx ends or the session has.
func (s *Session) Next(ctx context.Context, after *world.View) (*world.View, error) {
	var tick uint64
	if after != nil {
		tick = after.Tick
	} else {
		tick = s.Tick()
	}
	if _, err := s.NextTick(ctx, tick); err != nil {
		return nil, err
	}
	return s.View(), nil
}

// Tick is the newest tick received; zero before the first.
func (s *Session) Tick() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link.tick
}

// NextTick waits for another tick than one, as Next does, and returns it. It leaves the rows alone until View asks for
// them, which costs less for who looks at them in some ticks only.
func (s *Session) NextTick(ctx context.Context, after uint64) (uint64, error) {
	for {
		s.mu.Lock()
		tick := s.link.tick
		if tick != after {
			s.mu.Unlock()
			return tick, nil
		}
		news := s.awaited()
		s.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-s.ended:
			return 0, s.err
		}
	}
}
