package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
)

// TestThePaceIsNeverDropped: not by a client that reads nothing, and not by a connection that is lost with it.
func TestThePaceIsNeverDropped(t *testing.T) {
	frame := func(every int) []byte {
		return protocol.AppendFrame(nil, protocol.AppendPace(nil, protocol.Pace{Tick: 5, Every: every}))
	}
	o := newOutbox(2)
	if o.paceAgain(); len(o.take()) != 0 {
		t.Error("a room that has always gone at its normal pace has one to tell")
	}
	for range 3 {
		o.put([]byte{0x90}, false)
	}
	for _, every := range []int{0, 1, 4} {
		o.setPace(protocol.AppendPace(nil, protocol.Pace{Tick: 5, Every: every}))
	}
	if frames := o.take(); !bytes.HasSuffix(frames, frame(4)) || bytes.Contains(frames, frame(1)) {
		t.Errorf("behind a full outbox waits %x, want the latest pace at the end and no other", frames)
	}
	if frames := o.take(); len(frames) != 0 {
		t.Errorf("%x waits still", frames)
	}
	if o.paceAgain(); !bytes.Equal(o.take(), frame(4)) {
		t.Error("the next connection is not told the pace")
	}
}

// TestTheEndOfAConnectionIsNotALeave: a stream ends a moment before its connection's context, which tells why.
func TestTheEndOfAConnectionIsNotALeave(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		waits bool
	}{
		{"silence", &quic.IdleTimeoutError{}, true},
		{"a close", &quic.ApplicationError{Remote: true, ErrorCode: quic.ApplicationErrorCode(protocol.CloseAbandoned)}, true},
		{"the network", errors.New("the socket is gone"), true},
		{"the stream's end", io.EOF, false},
		{"a reset", &quic.StreamError{Remote: true}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := testSession(t, 1, iotest.ErrReader(c.err))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan refusal, 1)
				go func() { ended <- s.readControl(ctx) }()
				synctest.Wait()
				if waits := len(ended) == 0; waits != c.waits {
					t.Errorf("it waits for the connection: %v, want %v", waits, c.waits)
				}
				cancel()
				if end := <-ended; end.code != protocol.CloseNormal {
					t.Errorf("it closes with %v", end)
				}
			})
		})
	}
}
