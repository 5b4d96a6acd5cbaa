package server

import (
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/server/transport"
)

// fetch begins the turns of a batch, and has the processor load what their passes will read; see replicate.Fetch, which says what
// that is good for. Each step reads of all what the step before has found: none of them waits for another. A session that may not
// have its turn is taken out.
func (w *worker) fetch(b *batch) {
	sum := uint64(0)
	for _, s := range b {
		if s != nil { // what is read without the turn is atomic; each of them is in a line of its own
			sum += uint64(s.resync.Load()) + s.acked.Load() + uint64(s.inbox.margin.Load())
		}
	}
	w.clients, w.conns = w.clients[:0], w.conns[:0]
	for i, s := range b {
		switch {
		case s == nil:
		case s.turn.begin():
			s.collectAcks()
			w.clients, w.conns = append(w.clients, s.replicate), append(w.conns, s.conn)
		default:
			b[i] = nil
		}
	}
	for _, s := range b {
		if s != nil && len(s.acksTaken) > 0 {
			sum += uint64(s.acksTaken[0].epoch)
		}
	}
	w.fetched += sum + transport.Fetch(w.conns) + replicate.Fetch(w.clients)
}
