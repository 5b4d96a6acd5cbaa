package server

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/quota"
)

// visits bound what one address does on the way in, unless it is one of Config.Trusted. Its methods may be called from anywhere.
type visits struct {
	joins, lists, rooms, tokens, hellos *quota.Rates
	open                                *quota.Counts // rooms that it has made
}

// visitsKnown is how many addresses are remembered for each bound.
const visitsKnown = 4096

func (v *visits) begin(l Limits) {
	paced := func(perMinute int) *quota.Rates {
		return quota.NewRates(quota.Rate{PerSecond: float64(perMinute) / 60, Burst: perMinute}, visitsKnown)
	}
	v.joins, v.lists, v.rooms = paced(l.JoinsPerMinutePerAddress), paced(l.ListsPerMinutePerAddress), paced(l.RoomsPerMinutePerAddress)
	v.tokens, v.hellos = paced(l.WrongTokensPerMinutePerAddress), paced(l.BadHellosPerMinutePerAddress)
	v.open = quota.NewCounts(l.MaxRoomsPerAddress)
}

// caller is an address on its way in; the zero one is trusted.
type caller struct {
	key   netip.Prefix
	bound bool
}

func (s *Server) caller(from net.Addr) caller {
	addr := quota.AddrOf(from)
	return caller{quota.KeyOf(addr), !s.trusts(addr)}
}

// slower is what a caller is told who does too much of something.
func slower(what string) *refusal {
	return &refusal{protocol.CloseFull, "too many " + what + " from your network address: try again in a minute"}
}

// mayJoin counts a join, and returns why there may be no more of the caller's.
func (s *Server) mayJoin(c caller, now time.Time) *refusal {
	if !c.bound || s.visits.joins.Allow(c.key, now) {
		return nil
	}
	s.counters.joinsRefusedAddress.Add(1)
	return slower("joins")
}

// mayList counts a list of rooms, and returns why the caller gets no more of them.
func (s *Server) mayList(c caller, now time.Time) *refusal {
	if !c.bound || s.visits.lists.Allow(c.key, now) {
		return nil
	}
	s.counters.listsRefusedAddress.Add(1)
	return slower("lists of rooms")
}

// mayGuess returns why no token of the caller's is looked at, after too many wrong ones; wrongToken counts one.
func (s *Server) mayGuess(c caller, now time.Time) *refusal {
	if !c.bound || s.visits.tokens.May(c.key, now) {
		return nil
	}
	s.counters.tokensRefusedAddress.Add(1)
	return slower("wrong tokens")
}

func (s *Server) wrongToken(c caller, now time.Time) {
	s.counters.resumesRefused.Add(1)
	if c.bound {
		s.visits.tokens.Charge(c.key, now)
	}
}

// mayGreet returns why no hello of the caller's is read, after too many that could not be; badHello counts one.
func (s *Server) mayGreet(c caller, now time.Time) *refusal {
	if !c.bound || s.visits.hellos.May(c.key, now) {
		return nil
	}
	s.counters.hellosRefusedAddress.Add(1)
	return slower("bad hellos")
}

func (s *Server) badHello(c caller, now time.Time) {
	if c.bound {
		s.visits.hellos.Charge(c.key, now)
	}
}

// mayOpen takes the caller's share of one more room, which left gives back when it has ended, or returns why there is none.
func (s *Server) mayOpen(c caller, now time.Time) (left func(), refused *refusal) {
	if !c.bound {
		return func() {}, nil
	}
	if !s.visits.open.Take(c.key) {
		s.counters.roomsRefusedAddress.Add(1)
		return nil, &refusal{protocol.CloseFull, fmt.Sprintf("your network address has made as many rooms as it may, %d: join one of them, or try later", s.cfg.Limits.MaxRoomsPerAddress)}
	}
	left = func() { s.visits.open.Give(c.key) }
	if !s.visits.rooms.Allow(c.key, now) {
		left()
		s.counters.roomsRefusedAddress.Add(1)
		return nil, slower("new rooms")
	}
	return left, nil
}
