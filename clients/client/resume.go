package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
)

// How a way to the server is looked for while there may be none. A try that has sent its first packet into the dark
// sends the next ones after pauses that double, so others begin meanwhile: the first that is answered serves.
const (
	// tryEvery is the pause between the beginnings of two tries, of which up to half is cut off at random; after tryHard
	// it is trySlow.
	tryEvery = 100 * time.Millisecond
	tryHard  = 5 * time.Second
	trySlow  = time.Second
	// tryFor is how long a try may take to shake hands, and then again to be welcomed.
	tryFor = 2 * time.Second
	// triesOpen bounds the tries that are open at once.
	triesOpen = 16
)

// Token is by which another process can go on with the session (Config.Resume), while the server holds it: after this
// one has ended without Close. Whoever has it has the player: keep it as you would a password. It is replaced when the
// session goes on over another connection; the one before is good for 30 s more, unless the new one is used. It is nil
// when the game holds nobody.
func (s *Session) Token() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]byte(nil), s.token...)
}

// Resumed tells whether Join went on with the session of Config.Resume; otherwise the player has joined anew.
func (s *Session) Resumed() bool { return s.resumed }

// keep takes what a welcome says of the session.
func (s *Session) keep(l *link) {
	token := l.welcome.Resume
	s.mu.Lock()
	s.token = token
	s.inbox.asked = max(s.inbox.asked, l.welcome.LastRequest)
	s.mu.Unlock()
	if len(token) > 0 {
		s.cfg.OnToken(s.Token())
	}
}

// playOn plays on a connection until it ends, or a better one is found. It returns the one to go on with; nil when the
// session has ended.
func (s *Session) playOn(l *link) *link {
	played := make(chan struct{})
	s.work.Go(func() {
		defer close(played)
		l.play(s.live)
	})
	var until time.Time
	for {
		select {
		case <-played:
			return s.goOn(l, until)
		case <-l.silent:
		}
		if s.cfg.Reconnect == 0 || len(s.Token()) == 0 {
			continue
		}
		s.away(true)
		until = time.Now().Add(s.cfg.Reconnect)
		ctx, cancel := context.WithDeadline(s.live, until)
		next, err := s.resume(ctx, l)
		cancel()
		switch {
		case err == nil:
			<-played
			return next
		case errors.Is(err, errBack):
			until = time.Time{}
			s.away(false)
		case !errors.Is(err, ErrUnreachable):
			l.end(err) // the server will not have it any more
		}
	}
}

// goOn finds a connection after one that has ended; nil when that is of no use, and the session has ended. It has been
// looked for already when there is a time until which to do so.
func (s *Session) goOn(l *link, until time.Time) *link {
	err := l.err
	s.away(true)
	if s.live.Err() == nil && s.cfg.Reconnect > 0 && len(s.Token()) > 0 && errors.Is(err, ErrUnreachable) {
		if until.IsZero() {
			until = time.Now().Add(s.cfg.Reconnect)
		}
		ctx, cancel := context.WithDeadline(s.live, until)
		defer cancel()
		next, failed := s.resume(ctx, l)
		if failed == nil {
			return next
		}
		if !errors.Is(failed, ErrExpired) {
			s.lost(err)
			s.end(err)
			return nil
		}
	}
	s.lost(err)
	if s.live.Err() == nil && s.cfg.Reconnect > 0 && (worthATry(err) || errors.Is(err, ErrExpired)) {
		next, failed := s.reconnect(err)
		if failed == nil {
			return next
		}
		err = failed
	}
	s.end(err)
	return nil
}

// away notes whether the server can be reached.
func (s *Session) away(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joined = !away
}

// errBack: the connection that was thought lost is not.
var errBack = errors.New("the connection is back")

// resume goes on with the session over a new connection, and ends the former one once it can. The error is errBack when
// that is heard of again first, ErrExpired when the server does not know the session any more.
func (s *Session) resume(ctx context.Context, former *link) (*link, error) {
	for {
		l, err := s.reach(ctx, former.again)
		if err != nil {
			return nil, err
		}
		timed, cancel := context.WithTimeout(ctx, tryFor)
		err = l.greet(timed, s.helloAgain(former), former)
		cancel()
		if err == nil {
			former.end(errReplacedByUs)
			s.keep(l)
			s.goneOn(l, former)
			return l, nil
		}
		l.close(protocol.CloseAbandoned)
		if errors.Is(err, ErrExpired) {
			s.cfg.Log.Warn("the session has expired; joining anew", "player", former.welcome.Player)
		}
		if !worthATry(err) {
			return nil, err
		}
	}
}

// errReplacedByUs is why a connection has ended that another one took the place of.
var errReplacedByUs = errors.New("the session goes on over another connection")

// helloAgain is the hello of a connection that goes on with the session and its replica.
func (s *Session) helloAgain(former *link) protocol.Hello {
	h := s.hello()
	s.mu.Lock()
	defer s.mu.Unlock()
	h.Resume, h.HasReplica, h.Epoch = s.token, true, former.rules.Epoch()
	return h
}

// goneOn puts a connection in the place of the former one, and asks again what has no answer yet.
func (s *Session) goneOn(l, former *link) {
	s.mu.Lock()
	before := former.stats()
	before.Replica = replica.Counters{} // these go on
	s.former = s.former.plus(before)
	s.link, s.joined, s.view = l, true, nil
	s.resumes++
	again := s.inbox.again()
	s.wakeUp()
	s.mu.Unlock()
	for _, message := range again {
		if l.write(message) != nil {
			return // the next connection asks again
		}
	}
}

// reach makes a connection as soon as there is a way to the server. It gives up when ctx ends, with errBack when the
// former connection is heard of again, and when trying is of no use.
func (s *Session) reach(ctx context.Context, again <-chan struct{}) (*link, error) {
	tries := &tries{session: s, came: make(chan try)}
	ctx, cancel := context.WithCancel(ctx)
	defer tries.work.Wait()
	defer cancel()
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for open := 0; ; {
		select {
		case <-ctx.Done():
			return nil, ErrUnreachable
		case <-again:
			return nil, errBack
		case <-timer.C:
			pause := tryEvery
			if time.Since(began) > tryHard {
				pause = trySlow
			}
			timer.Reset(pause - rand.N(pause/2))
			if open < triesOpen {
				open++
				tries.begin(ctx)
			}
		case t := <-tries.came:
			open--
			if t.err == nil || !worthATry(t.err) {
				return t.link, t.err
			}
		}
	}
}

// tries are attempts to shake hands, side by side.
type tries struct {
	session *Session
	came    chan try // each sends one, unless all are given up
	work    sync.WaitGroup
}

// try is what became of one.
type try struct {
	link *link
	err  error
}

func (t *tries) begin(ctx context.Context) {
	t.work.Go(func() {
		timed, cancel := context.WithTimeout(ctx, tryFor)
		defer cancel()
		l, err := newLink(timed, t.session)
		select {
		case t.came <- try{l, err}:
		case <-ctx.Done():
			if err == nil {
				l.close(protocol.CloseAbandoned)
			}
		}
	})
}

// Migrate moves the session to another socket, such as one on another network, and leaves the former one as soon as the
// server can be reached over the new one: the connection goes on, at another address. Both sockets stay the caller's to
// close, the former one after the session has ended. The error is why the server could not be reached, or ctx's; then
// the session stays where it is, and looks for its next connection on the new socket.
//
// A session without Config.PacketConn needs no call for this: its sockets follow the system's routes, and the server
// follows them.
func (s *Session) Migrate(ctx context.Context, socket net.PacketConn) error {
	if err := s.Err(); err != nil {
		return err
	}
	path, err := s.current().conn.AddPath(s.sockets.give(socket))
	if err == nil {
		err = path.Probe(ctx)
	}
	if err == nil {
		err = path.Switch()
	}
	if err != nil {
		return explain(err)
	}
	return nil
}
