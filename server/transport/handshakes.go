package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/time/rate"

	"github.com/quicstep/quicstep/server/quota"
)

var (
	errTooManyHandshakes = errors.New("too many handshakes")
	errTooManyOfAddress  = errors.New("too many handshakes of this address")
)

// knownAddresses bounds the addresses whose pace of handshakes is known, at some 250 bytes each.
const knownAddresses = 16 << 10

// handshakes bounds how many handshakes are under way at once, in all and of each address: a flood of them must not take
// the CPU from those who play.
type handshakes struct {
	max      int64
	pace     *rate.Limiter
	unproven *rate.Limiter // newcomers who need not show that they receive at their address
	trusts   func(netip.Addr) bool
	rates    *quota.Rates // of each address
	underWay *quota.Counts
	half     struct {
		tokens   float64
		underWay int
	} // of what an address may, see crowded

	open                      atomic.Int64
	refused, address, retries atomic.Uint64
}

func newHandshakes(cfg Config, trusts func(netip.Addr) bool) *handshakes {
	perSecond, burst := cfg.HandshakesPerSecond, cfg.burstOfAddress()
	h := &handshakes{
		max: int64(cfg.MaxHandshakes), pace: rate.NewLimiter(rate.Limit(perSecond), max(1, perSecond/50)),
		unproven: rate.NewLimiter(rate.Limit(cfg.RetryAbovePerSecond), cfg.RetryAbovePerSecond), trusts: trusts,
		rates:    quota.NewRates(quota.Rate{PerSecond: float64(cfg.HandshakesPerSecondPerAddress), Burst: burst}, knownAddresses),
		underWay: quota.NewCounts(cfg.MaxHandshakesPerAddress),
	}
	h.half.tokens, h.half.underWay = float64(burst)/2, max(1, cfg.MaxHandshakesPerAddress/2)
	return h
}

// handshake is one place among them.
type handshake struct {
	all   *handshakes
	key   netip.Prefix // of its address
	bound bool         // by what that may do
	stop  func() bool
	ended atomic.Bool
}

type handshakeKey struct{}

// begin takes a place for the connection of ctx, which quic-go ends with the connection; endHandshake or
// the end of ctx gives it back. It is quic-go's hook for each new connection, called before anything is
// computed for it; its error refuses the connection.
func (h *handshakes) begin(ctx context.Context, client *quic.ClientInfo) (context.Context, error) {
	one := &handshake{all: h}
	if addr := quota.AddrOf(client.RemoteAddr); !h.trusts(addr) {
		one.key, one.bound = quota.KeyOf(addr), true
		if !h.underWay.Take(one.key) {
			h.address.Add(1)
			return nil, errTooManyOfAddress
		}
		if !h.rates.Allow(one.key, time.Now()) {
			h.underWay.Give(one.key)
			h.address.Add(1)
			return nil, errTooManyOfAddress
		}
	}
	if h.open.Add(1) > h.max {
		one.end()
		h.refused.Add(1)
		return nil, errTooManyHandshakes
	}
	one.stop = context.AfterFunc(ctx, one.end)
	return context.WithValue(ctx, handshakeKey{}, one), nil
}

// crowded tells that a newcomer must first show that it receives at its address (QUIC's Retry, a round trip
// more), so that invented addresses can't take what is there for real ones: from a quarter of the places on, when more than
// RetryAbovePerSecond come, and from half of what its address may do on, so that whoever invents that leaves it the rest.
func (h *handshakes) crowded(from net.Addr) bool {
	crowded := h.open.Load() > h.max/4 || !h.unproven.Allow()
	if !crowded { // otherwise a flood of invented addresses would have them all known here
		if addr := quota.AddrOf(from); !h.trusts(addr) {
			key := quota.KeyOf(addr)
			crowded = h.underWay.Of(key) >= h.half.underWay || h.rates.Bucket(key).Tokens() < h.half.tokens
		}
	}
	if crowded {
		h.retries.Add(1)
	}
	return crowded
}

// admits tells whether an address may open one more connection over TCP, whose handshake has shown that it is there.
func (h *handshakes) admits(key netip.Prefix) bool {
	if h.rates.Allow(key, time.Now()) {
		return true
	}
	h.address.Add(1)
	return false
}

// turn waits until a handshake may be computed. It is crypto/tls's hook for each ClientHello, the first that a handshake
// costs; only the connection's own goroutine waits in it.
func (h *handshakes) turn(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	return nil, h.pace.Wait(hello.Context())
}

func (h *handshake) end() {
	if h.ended.Swap(true) {
		return
	}
	h.all.open.Add(-1)
	if h.bound {
		h.all.underWay.Give(h.key)
	}
}

// endHandshake gives back the place that the connection with this context has.
func endHandshake(ctx context.Context) {
	if one, ok := ctx.Value(handshakeKey{}).(*handshake); ok {
		one.stop()
		one.end()
	}
}
