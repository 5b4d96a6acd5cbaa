package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"

	"github.com/quic-go/quic-go"
	"golang.org/x/time/rate"
)

var errTooManyHandshakes = errors.New("too many handshakes")

// handshakes bounds how many handshakes are under way at once: a flood of them must not take the CPU from
// those who play.
type handshakes struct {
	max     int64
	pace    *rate.Limiter
	open    atomic.Int64
	refused atomic.Uint64
}

func newHandshakes(cfg Config) *handshakes {
	perSecond := cfg.HandshakesPerSecond
	return &handshakes{max: int64(cfg.MaxHandshakes), pace: rate.NewLimiter(rate.Limit(perSecond), max(1, perSecond/50))}
}

// handshake is one place among them.
type handshake struct {
	all   *handshakes
	stop  func() bool
	ended atomic.Bool
}

type handshakeKey struct{}

// begin takes a place for the connection of ctx, which quic-go ends with the connection; endHandshake or
// the end of ctx gives it back. It is quic-go's hook for each new connection, called before anything is
// computed for it; its error refuses the connection.
func (h *handshakes) begin(ctx context.Context, _ *quic.ClientInfo) (context.Context, error) {
	if h.open.Add(1) > h.max {
		h.open.Add(-1)
		h.refused.Add(1)
		return nil, errTooManyHandshakes
	}
	one := &handshake{all: h}
	one.stop = context.AfterFunc(ctx, one.end)
	return context.WithValue(ctx, handshakeKey{}, one), nil
}

// crowded tells that a newcomer must first show that it receives at its address (QUIC's Retry, a round trip
// more): from a quarter of the places on, so that invented addresses can't take them all.
func (h *handshakes) crowded(net.Addr) bool { return h.open.Load() > h.max/4 }

// turn waits until a handshake may be computed. It is crypto/tls's hook for each ClientHello, the first that a handshake
// costs; only the connection's own goroutine waits in it.
func (h *handshakes) turn(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	return nil, h.pace.Wait(hello.Context())
}

func (h *handshake) end() {
	if !h.ended.Swap(true) {
		h.all.open.Add(-1)
	}
}

// endHandshake gives back the place that the connection with this context has.
func endHandshake(ctx context.Context) {
	if one, ok := ctx.Value(handshakeKey{}).(*handshake); ok {
		one.stop()
		one.end()
	}
}
