package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/time/rate"

	"github.com/quicstep/quicstep/server/quota"
)

// Bounds of the door's handshakes, each of which takes some 1 ms of a core from those who play. Consoles come now and then.
const (
	// maxHandshakes are under way at once, and handshakesPerSecond are computed; the others wait for their turn.
	maxHandshakes, handshakesPerSecond = 64, 50
	// handshakesPerSecondPerAddress of one address begin, four seconds' at once.
	handshakesPerSecondPerAddress = 10
)

var errTooManyHandshakes = errors.New("too many handshakes")

// handshakes bounds those of the door. Whoever comes must show first that it receives at its address, so that nobody can be
// kept out by addresses that are invented.
type handshakes struct {
	open    atomic.Int64
	refused atomic.Uint64
	rates   *quota.Rates // of each address
	pace    *rate.Limiter
}

func newHandshakes() *handshakes {
	return &handshakes{
		rates: quota.NewRates(quota.Rate{PerSecond: handshakesPerSecondPerAddress, Burst: 4 * handshakesPerSecondPerAddress}, maxAddresses),
		pace:  rate.NewLimiter(handshakesPerSecond, 1),
	}
}

type handshakeKey struct{}

// begin takes a place for the connection of ctx, which handshakeOver or its end gives back. It is quic-go's hook for each
// new connection, before anything is computed for it; its error refuses the connection.
func (h *handshakes) begin(ctx context.Context, client *quic.ClientInfo) (context.Context, error) {
	if !h.rates.Allow(quota.KeyOf(quota.AddrOf(client.RemoteAddr)), time.Now()) {
		h.refused.Add(1)
		return nil, errTooManyHandshakes
	}
	if h.open.Add(1) > maxHandshakes {
		h.open.Add(-1)
		h.refused.Add(1)
		return nil, errTooManyHandshakes
	}
	here, over := context.WithCancel(ctx)
	context.AfterFunc(here, func() { h.open.Add(-1) })
	return context.WithValue(ctx, handshakeKey{}, over), nil
}

// handshakeOver gives back the place of a connection's context.
func handshakeOver(ctx context.Context) {
	if over, ok := ctx.Value(handshakeKey{}).(context.CancelFunc); ok {
		over()
	}
}

// turn waits until a handshake may be computed: crypto/tls's hook for each ClientHello.
func (h *handshakes) turn(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	return nil, h.pace.Wait(hello.Context())
}
