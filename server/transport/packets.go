package transport

import (
	"sync/atomic"

	"github.com/quic-go/quic-go/qlog"
	"github.com/quic-go/quic-go/qlogwriter"
)

// packetCounter counts the packets that quic-go drops before they come to any connection. It is quic-go's log of events,
// of which it takes no others.
type packetCounter struct{ dropped atomic.Uint64 }

// RecordEvent counts a drop. Any goroutine may call it.
func (c *packetCounter) RecordEvent(e qlogwriter.Event) {
	if _, ok := e.(qlog.PacketDropped); ok {
		c.dropped.Add(1)
	}
}

// Close does nothing: the counter stays readable.
func (c *packetCounter) Close() error { return nil }
