package server

import (
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/server/transport"
)

// fetcher has the processor load what the passes of a batch will read, step by step: each reads of all sessions what the step
// before has found, and no load waits for another. See replicate.Fetch, which says what that is good for.
type fetcher struct {
	clients []*replicate.Client
	conns   []*transport.Conn
	sum     uint64 // of what was read; nobody reads it, but without it nothing would be loaded
}

// sessions fetches the sessions themselves, whose turns have not begun: what it reads is atomic, and each in another line.
func (f *fetcher) sessions(b *batch) {
	for _, s := range b {
		if s != nil {
			f.sum += uint64(s.resync.Load()) + s.sent.Load() + s.acked.Load() + uint64(s.inbox.margin.Load())
		}
	}
}

// passes fetches what the sessions point to, when their turns have begun.
func (f *fetcher) passes(b *batch) {
	f.clients, f.conns = f.clients[:0], f.conns[:0]
	for _, s := range b {
		if s == nil {
			continue
		}
		f.clients, f.conns = append(f.clients, s.replicate), append(f.conns, s.conn)
		if len(s.acksTaken) > 0 {
			f.sum += uint64(s.acksTaken[0].epoch)
		}
	}
	f.sum += transport.Fetch(f.conns) + replicate.Fetch(f.clients)
}
