package client

import (
	"context"
	"net"
)

// Migrate moves the session to another socket, such as one on another network, and leaves the former one once the server
// can be reached over the new one: whether the former still works does not matter. Both stay the caller's to close, the
// former one after the session has ended. The error is ctx's, or why the session has ended; then it stays where it is, and
// makes its next connection on the new socket.
//
// A session that can be resumed (Config.Reconnect, and a game that holds its players) goes on over a new connection, which
// takes two round trips. Otherwise its connection migrates, which saves a handshake and takes some two round trips, and
// 0.2 s more when the former socket is dead. A connection can do so twice: it runs out of connection IDs, of which quic-go
// gives none back, and another Migrate waits for ctx's end. A session without a Config.PacketConn or Socket needs no call for this: its sockets follow the
// system's routes, and the server follows them.
func (s *Session) Migrate(ctx context.Context, socket net.PacketConn) error {
	if err := s.Err(); err != nil {
		return err
	}
	to := s.sockets.give(socket)
	l := s.current()
	if s.resumable() {
		l.leave(true)
		defer l.leave(false)
		return s.replaced(ctx, l)
	}
	path, err := l.conn.AddPath(to.quic)
	if err != nil {
		return explain(err)
	}
	if err = path.Probe(ctx); err == nil {
		err = path.Switch()
	}
	if err != nil {
		path.Close() // so that another may be tried in its place
		return explain(err)
	}
	return nil
}

// replaced waits until another connection has taken a connection's place.
func (s *Session) replaced(ctx context.Context, l *link) error {
	for {
		s.mu.Lock()
		now, news := s.link, s.awaited()
		s.mu.Unlock()
		if now != l {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ended:
			return s.err
		}
	}
}

// leave has the session look for another connection, whatever comes over this one, or no longer.
func (l *link) leave(leaving bool) {
	l.sending.Lock()
	defer l.sending.Unlock()
	l.leaving = leaving
	if leaving {
		l.quiet = true
		signal(l.silent)
	}
}
