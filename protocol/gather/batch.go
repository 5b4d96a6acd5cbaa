package gather

import (
	"net"
	"sync"

	"golang.org/x/net/ipv4"
)

// batch is copies of packets that go by one call. messages point into the arrays beside them.
type batch struct {
	n        int
	messages [maxPackets]ipv4.Message
	buffers  [maxPackets][1][]byte
	bytes    [maxPackets][maxPacketBytes]byte
	oob      [maxPackets][maxOOBBytes]byte
}

// batches are those that wait for nobody. A Conn has one that fills, and one for each goroutine that sends.
var batches = sync.Pool{New: func() any { return new(batch) }}

// add copies a packet, which is within the bounds.
func (b *batch) add(packet, oob []byte, to *net.UDPAddr) {
	i := b.n
	b.n++
	b.buffers[i][0] = b.bytes[i][:copy(b.bytes[i][:], packet)]
	m := &b.messages[i]
	m.Buffers, m.OOB, m.Addr = b.buffers[i][:], b.oob[i][:copy(b.oob[i][:], oob)], to
}
