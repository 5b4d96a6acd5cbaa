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
	select {
	case o.news <- struct{}{}:
	default:
	}
	return true
}

// take returns all that waits.
func (o *outbox) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	frames := o.waiting
	o.waiting, o.count, o.musts = nil, 0, 0
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
