package admin

import (
	"context"
	"net"
	"time"

	"github.com/quicstep/quicstep/server/quota"
)

// maxAddresses bounds the addresses that wrong tokens are remembered of; past it the longest unheard of is forgotten.
const maxAddresses = 1024

// slow makes those wait who have tried wrong tokens: a few are free, then there is a pace, by address.
type slow struct {
	pace     *quota.Rates
	patience time.Duration
}

func newSlow(l Limits) slow {
	return slow{
		pace:     quota.NewRates(quota.Rate{PerSecond: float64(l.WrongTokensPerMinute) / 60, Burst: l.WrongTokens}, maxAddresses),
		patience: l.WrongTokenPatience,
	}
}

// wait lets somebody wait for the turn to try a token. It tells whether it was slowed, and whether the turn has come
// within patience.
func (s *slow) wait(ctx context.Context, addr net.Addr) (slowed, mayTry bool) {
	now := time.Now()
	pace := s.pace.Bucket(quota.KeyOf(quota.AddrOf(addr)))
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

// wrong notes that a token of this address was wrong, which waited for nothing: of those that are tried at once, each.
func (s *slow) wrong(addr net.Addr) {
	s.pace.Charge(quota.KeyOf(quota.AddrOf(addr)), time.Now())
}
