package ride_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol/ride"
)

func TestFramesArriveWholeAndInOrderWhateverIsLost(t *testing.T) {
	connected(t, func(t *testing.T, router *lossyRouter, s, c *quic.Conn) {
		from, to := ride.OverStream(s), ride.OverStream(c)
		router.every.Store(4)
		const frames = 200
		var sending sync.WaitGroup
		sending.Go(func() {
			for n := range frames {
				if err := from.Send(bytes.Repeat([]byte{byte(n)}, n*6)); err != nil {
					t.Error(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
		defer sending.Wait()
		for n := range frames {
			b, err := to.Receive(t.Context())
			if err != nil || !bytes.Equal(b, bytes.Repeat([]byte{byte(n)}, n*6)) {
				t.Fatalf("frame %d has %d bytes, want %d: %v", n, len(b), n*6, err)
			}
		}
		router.every.Store(0)
	})
}

func TestAFrameThatIsTooLongIsRefused(t *testing.T) {
	connected(t, func(t *testing.T, _ *lossyRouter, s, c *quic.Conn) {
		out, err := s.OpenUniStream()
		if err != nil {
			t.Fatal(err)
		}
		out.Write(binary.BigEndian.AppendUint16(nil, 1<<11+1))
		if b, err := ride.OverStream(c).Receive(t.Context()); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("a frame of 2,049 bytes was read as %d: %v", len(b), err)
		}
	})
}

func TestWhoWaitsForAFrameCanBeStopped(t *testing.T) {
	connected(t, func(t *testing.T, _ *lossyRouter, s, c *quic.Conn) {
		to := ride.OverStream(c)
		if err := ride.OverStream(s).Send([]byte("first")); err != nil {
			t.Fatal(err)
		}
		if b, err := to.Receive(t.Context()); err != nil || string(b) != "first" {
			t.Fatalf("the first frame is %q: %v", b, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if b, err := to.Receive(ctx); err == nil {
			t.Errorf("nothing was sent, and %q was received", b)
		}
	})
}
