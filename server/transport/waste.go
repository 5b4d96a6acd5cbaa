package transport

import (
	"time"

	"github.com/quicstep/quicstep/protocol"
)

const (
	// wasteEvery is how often a connection of a browser is asked what came that was neither a message nor a datagram, and
	// wasteBytes how much of that may come in between. Who plays sends next to nothing of it.
	wasteEvery = 2 * time.Second
	wasteBytes = 64 << 10
	// carriesBytes is what a message or a packet may take beside what it carries: headers, marks of TLS and QUIC,
	// acknowledgements.
	carriesBytes = 64
)

// untilEnd waits for the end of a connection, and brings it about when the client sends what only costs: pings without end,
// empty fragments, capsules, streams that nobody reads. The doors' own rules bound none of these. Waste tells how many such
// bytes came since the connection began; it may fall.
func (l *Listener) untilEnd(c *Conn, waste func() int64) {
	again := time.NewTicker(wasteEvery)
	defer again.Stop()
	for last := waste(); ; {
		select {
		case <-c.ctx.Done():
			return
		case <-again.C:
		}
		now := waste()
		if now-last > wasteBytes {
			l.wasteful.Add(1)
			c.Close(protocol.CloseAbuse, "too much of what is neither a message nor a datagram")
			return
		}
		last = now
	}
}
