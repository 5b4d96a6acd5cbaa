package server

import (
	"context"
	"sync"

	"github.com/quicstep/quicstep/protocol"
)

// outbox is what waits to be written on a session's control stream. Anyone puts, the session's writer takes.
type outbox struct {
	mu      sync.Mutex
	waiting []byte // frames, one behind the other
	count   int    // of them, but for those that must not be dropped
	musts   int    // of them that must not
	most    int
	pace    []byte        // the frame that tells the room's latest pace; nil while it has always been the normal one
	paced   bool          // it waits, too
	news    chan struct{} // holds one: something waits
	taken   chan struct{} // holds one: something was taken
}

func newOutbox(most int) outbox {
	return outbox{most: most, news: make(chan struct{}, 1), taken: make(chan struct{}, 1)}
}

// put adds a message. It returns false when too many wait, unless the message must not be dropped.
func (o *outbox) put(message []byte, must bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case must:
		o.musts++
	case o.count >= o.most:
		return false
	default:
		o.count++
	}
	o.waiting = protocol.AppendFrame(o.waiting, message)
	o.tell()
	return true
}

// tell lets the writer know that something waits. The caller holds mu.
func (o *outbox) tell() {
	select {
	case o.news <- struct{}{}:
	default:
	}
}

// setPace adds the message of the room's pace. It takes the place of the one before, and so is never one too many.
func (o *outbox) setPace(message []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pace, o.paced = protocol.AppendFrame(nil, message), true
	o.tell()
}

// paceAgain adds the latest one once more: the connection that has taken it may have been lost with it.
func (o *outbox) paceAgain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pace != nil {
		o.paced = true
		o.tell()
	}
}

// take returns all that waits.
func (o *outbox) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	frames := o.waiting
	if o.paced {
		frames = append(frames, o.pace...)
	}
	o.waiting, o.count, o.musts, o.paced = nil, 0, 0, false
	select {
	case o.taken <- struct{}{}:
	default:
	}
	return frames
}

// space waits until fewer messages wait that must not be dropped than may wait of the others, or until ctx ends. One
// goroutine at a time may call it.
func (o *outbox) space(ctx context.Context) {
	for !o.hasSpace() {
		select {
		case <-ctx.Done():
			return
		case <-o.taken:
		}
	}
}

func (o *outbox) hasSpace() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.musts < o.most
}

// writeControl writes what waits for the client until ctx ends, or the stream does.
func (s *session) writeControl(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.outbox.news:
		}
		frames := s.outbox.take()
		if n, err := s.control.Write(frames); err != nil {
			s.torn = n < len(frames)
			return
		}
	}
}
