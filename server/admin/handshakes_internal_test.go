package admin

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
)

// TestHandshakesAtTheDoorAreBounded: in all, and in a time of each address; a place is given back once, at the login or at the
// connection's end.
func TestHandshakesAtTheDoorAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHandshakes()
		from := func(n int) *quic.ClientInfo {
			return &quic.ClientInfo{RemoteAddr: &net.UDPAddr{IP: net.IPv4(10, 0, 0, byte(n)), Port: 1}}
		}
		taken := 0
		for range 100 {
			ctx, end := context.WithCancel(t.Context())
			if here, err := h.begin(ctx, from(1)); err == nil {
				taken++
				handshakeOver(here)
			}
			end()
			synctest.Wait()
		}
		if most := 4 * handshakesPerSecondPerAddress; taken != most || h.open.Load() != 0 {
			t.Errorf("one address has begun %d of 100 at once, want %d; %d are under way", taken, most, h.open.Load())
		}
		time.Sleep(time.Second)
		if _, err := h.begin(t.Context(), from(1)); err != nil {
			t.Errorf("a second later: %v", err)
		}
		ctx, end := context.WithCancel(t.Context())
		taken = 0
		for n := range 2 * maxHandshakes {
			if _, err := h.begin(ctx, from(10+n)); err == nil {
				taken++
			}
		}
		if taken != maxHandshakes-1 {
			t.Errorf("%d of other addresses were begun beside one, want %d", taken, maxHandshakes-1)
		}
		end()
		synctest.Wait()
		if n := h.open.Load(); n != 1 {
			t.Errorf("%d are under way when all but one have ended", n)
		}
	})
}
