package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
)

// How a way to the server is looked for while there may be none: one handshake after the other. While the former
// connection lives it is the better probe, and what a handshake sends into the dark is sent again when the network is
// back, in vain; so a try is made beside it now and then. Once it has ended tries follow each other, the first ones
// briefly: a try sends its first packet again after pauses that double.
const (
	// besideFor is how long a try may take while the former connection lives, besidePause the pause after the first; it
	// doubles, besideDoublings times.
	besideFor       = time.Second
	besidePause     = 2 * time.Second
	besideDoublings = 2
	// tryFirst is how long the first try may take to shake hands after the end; each takes half as long again, up to
	// tryLast, which is also how long the server may take to say welcome.
	tryFirst = 300 * time.Millisecond
	tryLast  = 2 * time.Second
	// tryJitter is the longest pause between two of them.
	tryJitter = 50 * time.Millisecond
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
		case <-l.alive: // after it was looked for in vain
			until = time.Time{}
			s.away(false)
			continue
		case <-l.silent:
		}
		if !s.resumable() {
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
	if s.live.Err() == nil && s.resumable() && errors.Is(err, ErrUnreachable) {
		if until.IsZero() {
			until = time.Now().Add(s.cfg.Reconnect)
		}
		ctx, cancel := context.WithDeadline(s.live, until)
		defer cancel()
		next, failed := s.resume(ctx, l)
		if failed == nil {
			return next
		}
		if !mayRejoin(failed) {
			s.lost(err)
			s.end(err)
			return nil
		}
	}
	s.lost(err)
	if s.live.Err() == nil && s.cfg.Reconnect > 0 && (worthATry(err) || mayRejoin(err)) {
		next, failed := s.reconnect(err)
		if failed == nil {
			return next
		}
		err = failed
	}
	s.end(err)
	return nil
}

// mayRejoin tells whether joining anew may help where the session can't be resumed: it is gone, and not only out of reach.
func mayRejoin(err error) bool {
	return errors.Is(err, ErrExpired) || errors.Is(err, ErrShutdown) || errors.Is(err, ErrRoomClosed)
}

// resumable tells whether the session can go on over another connection.
func (s *Session) resumable() bool { return s.cfg.Reconnect > 0 && len(s.Token()) > 0 }

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
	for pause := tryFirst; ; pause = min(2*pause, pauseLast) {
		l, err := s.reach(ctx, former)
		if err != nil {
			return nil, err
		}
		timed, cancel := context.WithTimeout(ctx, tryLast)
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
			s.mu.Lock()
			s.token = nil
			s.mu.Unlock()
		}
		if !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrFull) {
			return nil, err
		}
		wait(ctx, tryFirst/2+rand.N(pause)) // a server that is full, or overwhelmed, has many who come back
	}
}

// wait lets a time pass, and up to tryJitter more, so that not everybody comes at once.
func wait(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause + rand.N(tryJitter))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// isBack waits for something to come over a silent connection; in vain when time is over, or the connection.
func (l *link) isBack(ctx context.Context, within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-l.alive:
		return true
	case <-timer.C:
	case <-l.live.Done():
	case <-ctx.Done():
	}
	return false
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
	l.adopt(former)
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
func (s *Session) reach(ctx context.Context, former *link) (*link, error) {
	life, beside := tryFirst, 0
	for {
		lives := former.live.Err() == nil
		tryFor, alive := life, (<-chan struct{})(nil) // once it has ended it does not come back
		if lives {
			tryFor, alive = besideFor, former.alive
		}
		began := time.Now()
		l, err := s.try(ctx, tryFor, alive)
		if err == nil || !worthATry(err) {
			return l, err
		}
		if ctx.Err() != nil {
			return nil, ErrUnreachable
		}
		if lives {
			pause := besidePause << min(beside, besideDoublings)
			beside++
			if former.isBack(ctx, pause+rand.N(pause/4)) {
				return nil, errBack
			}
			continue
		}
		wait(ctx, tryFor-time.Since(began)) // also when it was refused at once
		life = min(life+life/2, tryLast)
	}
}

// try makes a connection within a time, unless the former one is heard of again on alive.
func (s *Session) try(ctx context.Context, within time.Duration, alive <-chan struct{}) (*link, error) {
	timed, cancel := context.WithTimeout(ctx, within)
	var watching sync.WaitGroup
	back := false
	watching.Go(func() {
		select {
		case <-alive:
			back = true
			cancel()
		case <-timed.Done():
		}
	})
	l, err := newLink(timed, s)
	cancel()
	watching.Wait()
	if back {
		if err == nil {
			l.close(protocol.CloseAbandoned)
		}
		return nil, errBack
	}
	if err != nil && timed.Err() != nil && !errors.Is(err, ErrUnreachable) {
		err = ErrUnreachable
	}
	return l, err
}
