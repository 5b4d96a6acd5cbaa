package server

import (
	"context"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/quota"
	"github.com/quicstep/quicstep/world"
)

// What clients are told about resuming.
var (
	expired  = refusal{protocol.CloseExpired, "the session has ended, or the token was replaced: join anew"}
	tooOften = refusal{protocol.CloseFull, "the session is resumed again and again: wait a moment (limit resumes)"}
	replaced = refusal{protocol.CloseReplaced, "another connection has resumed the session"}
)

// live is a session from its welcome to its end, over one connection after the other. It returns how to close the last.
func (s *Server) live(ctx context.Context, sess *session) refusal {
	defer close(sess.over)
	defer s.keys.forget(sess)
	left := false
	defer func() {
		if !left { // something has panicked
			sess.room.leave(sess, world.Expelled)
			s.counters.gone[world.Expelled].Add(1)
		}
	}()
	row := sess.row()
	defer func() { s.directory.exit(row) }()
	for {
		s.directory.enter(row)
		if banned := s.banned(sess.conn.RemoteAddr(), sess.who.User); banned != nil { // while it was on its way in
			sess.kick(banned.reason)
		}
		end, next := s.play(ctx, sess)
		why := sess.reasonOf(end)
		if next == nil && why == world.Lost {
			end, why, next = s.hold(ctx, sess)
		}
		for next != nil && !sess.resume(next) { // what came is lost already
			end, why, next = s.hold(ctx, sess)
		}
		if next == nil {
			s.counters.gone[why].Add(1)
			sess.room.leave(sess, why)
			left = true
			return end
		}
		row = sess.row()
	}
}

// hold waits for a client whose connection is lost. It returns what comes to go on with, or how and why the session ends.
func (s *Server) hold(ctx context.Context, sess *session) (refusal, world.LeaveReason, *arrival) {
	if sess.game.hold == 0 {
		return refusal{}, world.Lost, nil
	}
	held := s.held.Add(1)
	defer s.held.Add(-1)
	if held > int64(s.cfg.Limits.MaxHeld) {
		s.counters.holdsRefused.Add(1)
		return refusal{}, world.Lost, nil
	}
	if addr := quota.AddrOf(sess.conn.RemoteAddr()); !s.trusts(addr) {
		key := quota.KeyOf(addr)
		if !s.heldBy.Take(key) {
			s.counters.holdsRefusedAddress.Add(1)
			return refusal{}, world.Lost, nil
		}
		defer s.heldBy.Give(key)
	}
	sess.room.log.Debug("session held", "player", sess.player)
	sess.held.Store(true)
	defer sess.held.Store(false)
	patience := time.NewTimer(sess.game.hold)
	defer patience.Stop()
	select {
	case next := <-sess.arrivals:
		return refusal{}, world.Lost, next
	case <-patience.C:
		s.counters.holdsExpired.Add(1)
		return refusal{}, world.Lost, nil
	case end := <-sess.expelled:
		return end, world.Expelled, nil
	case <-sess.room.closed:
		return sess.roomClosed(), world.Expelled, nil
	case <-ctx.Done():
		return stopping, world.Stopped, nil
	}
}

// handOver brings a connection to the session that its token names, which has it from then on; otherwise it returns why
// it can't.
func (s *Server) handOver(ctx context.Context, c *connection, h protocol.Hello) *refusal {
	from, now := s.caller(c.conn.RemoteAddr()), time.Now()
	if refused := s.mayGuess(from, now); refused != nil {
		return refused
	}
	sess := s.keys.use(h.Resume, now)
	if sess == nil || h.Game != "" && h.Game != sess.game.schema.Game {
		s.wrongToken(from, now)
		return &expired
	}
	if banned := s.banned(c.conn.RemoteAddr(), sess.who.User); banned != nil {
		return banned
	}
	if !sess.mayResume(now) {
		return &tooOften
	}
	select {
	case sess.arrivals <- &arrival{c, h}: // whatever the session does, it comes to this, or to its end
		return nil
	case <-sess.over:
		s.counters.resumesRefused.Add(1)
		return &expired
	}
}

// resume goes on over a new connection, while no pass can be made: with what the client has, if it has kept the replica.
// It returns false when the connection can't take the welcome.
func (s *session) resume(a *arrival) bool {
	s.connection = a.connection
	s.ackMu.Lock()
	s.acks = s.acks[:0]
	s.ackMu.Unlock()
	s.resync.Store(0)
	s.pathAsked = time.Time{}
	s.replicate.Resume()
	if !a.hello.HasReplica || a.hello.Epoch != s.replicate.Epoch() {
		s.replicate.NewEpoch()
	}
	if err := s.welcome(a.hello, s.room.tick.Load()); err != nil {
		s.room.log.Debug("welcome failed", "player", s.player, "error", err)
		s.conn.Close(protocol.CloseProtocol, "the welcome could not be sent")
		return false
	}
	s.outbox.paceAgain()
	s.counters.resumed.Add(1)
	s.room.log.Debug("session resumed", "player", s.player, "from", s.conn.RemoteAddr().String())
	return true
}

// roomClosed is what a player of a room that has closed is told.
func (s *session) roomClosed() refusal {
	return refusal{protocol.CloseRoomClosed, s.room.reason.Error()}
}
