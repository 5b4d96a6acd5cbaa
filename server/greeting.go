package server

import (
	"net"
	"sync/atomic"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/quota"
)

// greetings bound the connections that have not said hello yet: they cost a place and give nothing.
type greetings struct {
	most      int64
	open      atomic.Int64
	byAddress *quota.Counts
}

func (g *greetings) begin(l Limits) {
	g.most, g.byAddress = int64(l.MaxGreeting), quota.NewCounts(l.MaxGreetingPerAddress)
}

// await takes a place among those of whom a hello is awaited, which leave gives back; otherwise it returns why not.
func (s *Server) await(from net.Addr) (leave func(), refused *refusal) {
	g, addr := &s.greetings, quota.AddrOf(from)
	key, bound := quota.KeyOf(addr), !s.trusts(addr)
	if bound && !g.byAddress.Take(key) {
		s.counters.greetingsRefusedAddress.Add(1)
		return nil, &refusal{protocol.CloseFull, "too many connections of your network address have not said hello: try again in a moment"}
	}
	leave = func() {
		g.open.Add(-1)
		if bound {
			g.byAddress.Give(key)
		}
	}
	if g.open.Add(1) > g.most {
		leave()
		s.counters.greetingsRefused.Add(1)
		return nil, &refusal{protocol.CloseFull, "the server is busy: try again in a moment"}
	}
	return leave, nil
}

// noHello is what a client is told that did not say hello.
func (s *Server) noHello(why string) *refusal {
	s.counters.noHello.Add(1)
	return &refusal{protocol.CloseProtocol, "no hello came in time: " + why}
}
