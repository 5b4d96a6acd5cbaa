package transport

import (
	"errors"
	"io"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/webtransport-go"
)

// Stream is an ordered, reliable stream of bytes in both directions. One goroutine may read while another
// writes.
type Stream struct {
	raw  stream
	conn *Conn
}

// stream is what a door's control stream can do.
type stream interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	end() error // see Stream.Close
}

// Read reads what the client wrote; io.EOF says that the client has ended its side. A *protocol.RejectError is what a
// WebSocket makes of messages that are neither a frame nor a datagram.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.raw.Read(p)
	if l := s.conn.impaired.Load(); l != nil && n > 0 {
		l.hold(s.conn.ctx)
	}
	return n, err
}

// EndedByClient tells whether an error of Read says that the client has ended its side, or has given the stream up. Any other
// error but that of a deadline is the connection's, whose context ends a moment later.
func EndedByClient(err error) bool {
	if _, reset := errors.AsType[*quic.StreamError](err); reset {
		return true
	}
	_, reset := errors.AsType[*webtransport.StreamError](err)
	return reset || errors.Is(err, io.EOF)
}

// Write queues p, which must be whole frames (docs/protocol.md §3), to be sent, and waits for space when the client reads
// slowly. Once the connection is closed, what is still queued is dropped.
func (s *Stream) Write(p []byte) (int, error) {
	if l := s.conn.impaired.Load(); l != nil {
		l.hold(s.conn.ctx)
	}
	return s.raw.Write(p)
}

// Close ends both directions: what was written still arrives, followed by the end of the stream; what the
// client sends is no longer read. It must not be called during a Write.
func (s *Stream) Close() error { return s.raw.end() }

// SetDeadline sets when pending and later Reads and Writes give up with an error that wraps
// os.ErrDeadlineExceeded; zero means never.
func (s *Stream) SetDeadline(t time.Time) error {
	return errors.Join(s.raw.SetReadDeadline(t), s.raw.SetWriteDeadline(t))
}

// SetReadDeadline is SetDeadline for Reads alone.
func (s *Stream) SetReadDeadline(t time.Time) error { return s.raw.SetReadDeadline(t) }

// SetWriteDeadline is SetDeadline for Writes alone.
func (s *Stream) SetWriteDeadline(t time.Time) error { return s.raw.SetWriteDeadline(t) }
