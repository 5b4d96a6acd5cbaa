package transport

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
)

const (
	// pipeWindow is how many bytes of the stream wait each way until they are read.
	pipeWindow = 64 << 10
	// pipeIn and pipeOut are how many datagrams wait: further ones from the client are dropped, and whoever sends further
	// ones to it waits, as with QUIC.
	pipeIn, pipeOut = 128, 32
)

// Far is the client's end of a Pipe. Its methods may be called from anywhere, and none of them waits.
type Far struct {
	addr   net.Addr
	ctx    context.Context
	cancel context.CancelCauseFunc
	opened chan struct{} // closed once the client has used the stream
	begin  sync.Once
	up     *half // what the client writes
	down   *half // what it is to read
	in     chan []byte
	out    chan []byte
}

// Pipe returns a connection as if a client had come in by QUIC itself, with no network under it, and the client's end.
// Nothing is lost on it, and nothing takes time. It is for tests of what serves connections, which can have thousands of
// them in a second.
func Pipe(addr net.Addr) (*Conn, *Far) {
	f := &Far{addr: addr, opened: make(chan struct{}), in: make(chan []byte, pipeIn), out: make(chan []byte, pipeOut)}
	f.ctx, f.cancel = context.WithCancelCause(context.Background())
	f.up, f.down = newHalf(f.ctx), newHalf(f.ctx)
	return &Conn{door: Native, ctx: f.ctx, carrier: (*near)(f), datagrams: (*near)(f)}, f
}

// Write writes on the control stream, as far as there is space in its window, and returns how much that was.
func (f *Far) Write(b []byte) int {
	n, _ := f.up.tryWrite(b)
	f.begin.Do(func() { close(f.opened) })
	return n
}

// End ends the client's side of the stream.
func (f *Far) End() { f.finish(io.EOF, false) }

// Abandon gives the client's side up: what the server has not read by then is lost.
func (f *Far) Abandon() { f.finish(&quic.StreamError{Remote: true}, true) }

func (f *Far) finish(why error, drop bool) {
	f.up.finish(why, drop)
	f.begin.Do(func() { close(f.opened) })
}

// Datagram sends one, which is the connection's from then on.
func (f *Far) Datagram(b []byte) {
	select {
	case f.in <- b:
	default:
	}
}

// Read returns what the server has written on the stream since the last call.
func (f *Far) Read() []byte { return f.down.takeAll() }

// Datagrams returns those that the server has sent since the last call.
func (f *Far) Datagrams() (out [][]byte) {
	for {
		select {
		case b := <-f.out:
			out = append(out, b)
		default:
			return out
		}
	}
}

// Close closes the connection as a client does; Lose is how it ends when nothing is heard of the client any more.
func (f *Far) Close(code protocol.CloseCode, reason string) {
	f.cancel(&quic.ApplicationError{Remote: true, ErrorCode: quic.ApplicationErrorCode(code), ErrorMessage: reason})
}

// Lose ends the connection without a word.
func (f *Far) Lose() { f.cancel(&quic.IdleTimeoutError{}) }

// Err is how the connection ended: a *quic.ApplicationError when one side has closed it, whose Remote is the client; nil
// while it lives.
func (f *Far) Err() error { return context.Cause(f.ctx) }

// near is a Pipe as the server sees it.
type near Far

func (n *near) acceptControl(ctx context.Context) (stream, error) {
	select {
	case <-n.opened:
		return pipeStream{n}, nil
	case <-n.ctx.Done():
		return nil, context.Cause(n.ctx)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (n *near) remoteAddr() net.Addr { return n.addr }

func (n *near) stats() ConnStats { return ConnStats{} }

func (n *near) close(code protocol.CloseCode, reason string) error {
	n.cancel(&quic.ApplicationError{ErrorCode: quic.ApplicationErrorCode(code), ErrorMessage: reason})
	return nil
}

// Send queues a copy of a datagram, and waits while too many are.
func (n *near) Send(datagram []byte) error {
	select {
	case n.out <- append([]byte(nil), datagram...):
		return nil
	case <-n.ctx.Done():
		return context.Cause(n.ctx)
	}
}

// Receive returns the next datagram.
func (n *near) Receive(ctx context.Context) ([]byte, error) {
	select {
	case b := <-n.in:
		return b, nil
	case <-n.ctx.Done():
		return nil, context.Cause(n.ctx)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// pipeStream is the control stream of a Pipe.
type pipeStream struct{ *near }

func (s pipeStream) Read(p []byte) (int, error)         { return s.up.read(p) }
func (s pipeStream) Write(p []byte) (int, error)        { return s.down.write(p) }
func (s pipeStream) SetReadDeadline(t time.Time) error  { return s.up.deadline.set(t) }
func (s pipeStream) SetWriteDeadline(t time.Time) error { return s.down.deadline.set(t) }

func (s pipeStream) end() error {
	s.up.finish(io.ErrClosedPipe, true)
	s.down.finish(io.EOF, false)
	return nil
}

// half is one direction of a Pipe's stream.
type half struct {
	ctx      context.Context
	deadline *deadline
	news     chan struct{} // holds one: there is something to read
	space    chan struct{} // holds one: something was read

	mu    sync.Mutex // guards what follows
	bytes []byte
	end   error // behind bytes; nil while there is none
}

func newHalf(ctx context.Context) *half {
	return &half{ctx: ctx, deadline: newDeadline(), news: make(chan struct{}, 1), space: make(chan struct{}, 1)}
}

func (h *half) tryWrite(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.end != nil {
		return 0, io.ErrClosedPipe
	}
	n := min(len(b), pipeWindow-len(h.bytes))
	h.bytes = append(h.bytes, b[:n]...)
	tell(h.news)
	return n, nil
}

func (h *half) write(b []byte) (n int, err error) {
	for {
		if isClosed(h.deadline.passed()) {
			return n, os.ErrDeadlineExceeded
		}
		if h.ctx.Err() != nil {
			return n, context.Cause(h.ctx)
		}
		more, err := h.tryWrite(b[n:])
		if n += more; err != nil || n == len(b) {
			return n, err
		}
		select {
		case <-h.space:
		case <-h.deadline.passed():
		case <-h.ctx.Done():
		}
	}
}

func (h *half) finish(why error, drop bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if drop {
		h.bytes = nil
	}
	if h.end == nil {
		h.end = why
	}
	tell(h.news)
}

func (h *half) read(p []byte) (int, error) {
	for {
		if isClosed(h.deadline.passed()) {
			return 0, os.ErrDeadlineExceeded
		}
		if h.ctx.Err() != nil {
			return 0, context.Cause(h.ctx)
		}
		if n, err := h.tryRead(p); n > 0 || err != nil {
			return n, err
		}
		select {
		case <-h.news:
		case <-h.deadline.passed():
		case <-h.ctx.Done():
		}
	}
}

func (h *half) tryRead(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.bytes) == 0 {
		return 0, h.end
	}
	n := copy(p, h.bytes)
	h.bytes = append(h.bytes[:0], h.bytes[n:]...)
	return n, nil
}

// takeAll is what there is to read.
func (h *half) takeAll() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.bytes
	h.bytes = nil
	tell(h.space)
	return b
}
