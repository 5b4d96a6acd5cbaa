package admin

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxAddresses bounds the addresses that wrong tokens are remembered of; past it the longest unheard of is forgotten.
const maxAddresses = 1024

// slow makes those wait who have tried wrong tokens: a few are free, then there is a pace, by address, of IPv6 by its
// network's 64 bits.
type slow struct {
	pace     rate.Limit
	burst    int
	patience time.Duration

	mu    sync.Mutex // guards what follows
	known map[netip.Prefix]*suspect
}

func newSlow(l Limits) slow {
	return slow{pace: rate.Limit(float64(l.WrongTokensPerMinute) / 60), burst: l.WrongTokens, patience: l.WrongTokenPatience, known: map[netip.Prefix]*suspect{}}
}

type suspect struct {
	pace  *rate.Limiter
	heard time.Time
}

func (s *slow) suspect(addr net.Addr, now time.Time) *suspect {
	at, _ := netip.ParseAddrPort(addr.String())
	ip, bits := at.Addr().Unmap().WithZone(""), 64
	if ip.Is4() {
		bits = 32
	}
	key, _ := ip.Prefix(bits) // the zero one for what is no address
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.known[key]
	if one == nil {
		s.forget()
		one = &suspect{pace: rate.NewLimiter(s.pace, s.burst)}
		s.known[key] = one
	}
	one.heard = now
	return one
}

// forget makes room for one more.
func (s *slow) forget() {
	if len(s.known) < maxAddresses {
		return
	}
	var oldest netip.Prefix
	var heard time.Time
	for key, one := range s.known {
		if heard.IsZero() || one.heard.Before(heard) {
			oldest, heard = key, one.heard
		}
	}
	delete(s.known, oldest)
}

// wait lets somebody wait for the turn to try a token. It tells whether it was slowed, and whether the turn has come
// within patience.
func (s *slow) wait(ctx context.Context, addr net.Addr) (slowed, mayTry bool) {
	now := time.Now()
	pace := s.suspect(addr, now).pace
	if pace.TokensAt(now) >= 1 {
		return false, true
	}
	turn := pace.ReserveN(now, 1)
	delay := turn.DelayFrom(now)
	if delay > s.patience {
		turn.CancelAt(now)
		return true, false
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true, true
	case <-ctx.Done():
		return true, false
	}
}

// wrong notes that a token of this address was wrong, which waited for nothing.
func (s *slow) wrong(addr net.Addr) {
	now := time.Now()
	s.suspect(addr, now).pace.AllowN(now, 1)
}
