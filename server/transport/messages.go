package transport

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/quicstep/quicstep/protocol"
)

const (
	// behindBytes is how much may wait to be written to a WebSocket before its datagrams are dropped: some states.
	behindBytes = 16 << 10
	// framesBytes is how much of the control stream may wait there before its writer does: two of the longest frames.
	framesBytes = 2 * (protocol.MaxFrame + protocol.MaxFrameHeader)
	// datagramsKept is how many datagrams of a WebSocket wait to be received before further ones are dropped.
	datagramsKept = 128
)

// ErrBehind is returned for a datagram to a WebSocket that is behind. It was dropped.
var ErrBehind = errors.New("the WebSocket is behind: the datagram was dropped")

// outgoing are the messages that wait to be written to a WebSocket, in the order in which they came.
type outgoing struct {
	ctx      context.Context
	deadline *deadline     // of those who wait for space
	news     chan struct{} // holds one: something waits
	space    chan struct{} // holds one: something was written

	mu       sync.Mutex // guards what follows
	waiting  []byte
	sizes    []int // of each message in waiting; below zero for a datagram's
	spare    []byte
	sizesToo []int
	frames   int // bytes of frames that are not written yet
	all      int // bytes of all of them
}

func newOutgoing(ctx context.Context) outgoing {
	return outgoing{ctx: ctx, deadline: newDeadline(), news: make(chan struct{}, 1), space: make(chan struct{}, 1)}
}

// datagram adds one. It returns false when too much waits.
func (o *outgoing) datagram(b []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all > 0 && o.all+len(b) > behindBytes {
		return false
	}
	o.add(b, -len(b))
	return true
}

// frame adds one, and waits for space. One goroutine at a time may call it.
func (o *outgoing) frame(b []byte) error {
	for !o.tryFrame(b) {
		select {
		case <-o.space:
		case <-o.deadline.passed():
			return os.ErrDeadlineExceeded
		case <-o.ctx.Done():
			return context.Cause(o.ctx)
		}
	}
	return nil
}

func (o *outgoing) tryFrame(b []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.frames > 0 && o.frames+len(b) > framesBytes {
		return false
	}
	o.frames += len(b)
	o.add(b, len(b))
	return true
}

// add appends a message. The caller holds mu.
func (o *outgoing) add(b []byte, size int) {
	o.waiting = append(o.waiting, b...)
	o.sizes = append(o.sizes, size)
	o.all += len(b)
	tell(o.news)
}

// take waits for messages, and returns them one behind the other with their sizes; they are good until the next call. It
// returns false at the end.
func (o *outgoing) take() (messages []byte, sizes []int, ok bool) {
	select {
	case <-o.ctx.Done():
		return nil, nil, false
	case <-o.news:
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	messages, sizes = o.waiting, o.sizes
	o.waiting, o.sizes = o.spare[:0], o.sizesToo[:0]
	o.spare, o.sizesToo = messages, sizes
	return messages, sizes, true // none, when the call before took them already
}

// written counts a message as written.
func (o *outgoing) written(size int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all -= max(size, -size)
	if size > 0 {
		o.frames -= size
		tell(o.space)
	}
}

// idle tells that nothing waits.
func (o *outgoing) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all == 0
}

// incoming are the messages of a WebSocket that wait to be received.
type incoming struct {
	ctx       context.Context
	deadline  *deadline
	datagrams chan []byte
	news      chan struct{} // holds one: there is more to read, or never will be
	space     chan struct{} // holds one: something was read

	mu     sync.Mutex // guards what follows
	most   int
	bytes  []byte // of the control stream
	ended  bool   // nobody reads it any more
	reject error  // what the client has sent that can't be read, behind bytes
}

func newIncoming(ctx context.Context, most int) incoming {
	return incoming{
		ctx: ctx, deadline: newDeadline(), most: most, datagrams: make(chan []byte, datagramsKept),
		news: make(chan struct{}, 1), space: make(chan struct{}, 1),
	}
}

// datagram keeps a copy. It returns false when too many wait.
func (i *incoming) datagram(b []byte) bool {
	select {
	case i.datagrams <- append([]byte(nil), b...):
		return true
	default:
		return false
	}
}

// frame adds a frame to the control stream, and waits for space.
func (i *incoming) frame(b []byte) {
	for !i.tryFrame(b) {
		select {
		case <-i.space:
		case <-i.ctx.Done():
			return
		}
	}
}

func (i *incoming) tryFrame(b []byte) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended {
		return true
	}
	if len(i.bytes) > 0 && len(i.bytes)+len(b) > i.most {
		return false
	}
	i.bytes = append(i.bytes, b...)
	tell(i.news)
	return true
}

// refuse ends the control stream with an error.
func (i *incoming) refuse(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.reject = err
	tell(i.news)
}

func (i *incoming) read(p []byte) (int, error) {
	for {
		n, err := i.tryRead(p)
		if n > 0 || err != nil {
			return n, err
		}
		select {
		case <-i.news:
		case <-i.deadline.passed():
			return 0, os.ErrDeadlineExceeded
		case <-i.ctx.Done():
			return 0, context.Cause(i.ctx)
		}
	}
}

func (i *incoming) tryRead(p []byte) (int, error) {
	if isClosed(i.deadline.passed()) {
		return 0, os.ErrDeadlineExceeded
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.bytes) == 0 {
		return 0, i.reject
	}
	n := copy(p, i.bytes)
	i.bytes = append(i.bytes[:0], i.bytes[n:]...)
	tell(i.space)
	return n, nil
}

// end has what comes be dropped.
func (i *incoming) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ended, i.bytes = true, nil
	tell(i.space)
}

// socketStream is the control stream of a WebSocket.
type socketStream struct{ *socket }

func (s socketStream) Read(p []byte) (int, error) { return s.in.read(p) }

// Write queues frames, each as a message of its own.
func (s socketStream) Write(p []byte) (n int, err error) {
	for rest := p; len(rest) > 0; {
		_, after, err := protocol.SplitFrame(rest, protocol.MaxFrame)
		if err != nil {
			return n, err
		}
		if isClosed(s.out.deadline.passed()) {
			return n, os.ErrDeadlineExceeded
		}
		frame := rest[:len(rest)-len(after)]
		if err := s.out.frame(frame); err != nil {
			return n, err
		}
		n, rest = n+len(frame), after
	}
	return n, nil
}

func (s socketStream) SetReadDeadline(t time.Time) error  { return s.in.deadline.set(t) }
func (s socketStream) SetWriteDeadline(t time.Time) error { return s.out.deadline.set(t) }

func (s socketStream) end() error {
	s.in.end()
	return nil
}
