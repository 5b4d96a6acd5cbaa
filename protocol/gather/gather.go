// Package gather reads and writes the packets of a UDP socket many at a time, for a quic.Transport that many connections go
// through. A system call, and waking who waits for its result, cost a packet more than QUIC's encryption does; on Linux one
// call can be for many packets (recvmmsg, sendmmsg). So a read waits Rest for more to come, and what is written waits until
// all goroutines that can run have had a turn.
package gather

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
)

// Rest is how long a read lets packets come together, after one that left none behind. A packet that comes after a longer
// silence is read at once.
const Rest = time.Millisecond

const (
	maxPackets = 48 // sent by one call; the one that makes them so many sends them

	// maxPacketBytes is less than a full packet of QUIC. So what is larger alone needs the kernel's answer: a probe of the
	// path's size, and several packets that the kernel is to part (GSO).
	maxPacketBytes = 1199
	maxOOBBytes    = 128

	// turns is how often all goroutines that can run have a turn before what waits is sent. In the first a connection packs
	// its packet, in the second it writes it.
	turns = 2
)

// Conn is a UDP socket whose packets are read and written many at a time. It is for quic-go, which finds ReadBatch and
// WriteMsgUDP by their names. On other systems than Linux it is the socket as it was.
type Conn struct {
	*net.UDPConn
	calls calls
	off   bool // as the socket was

	rests bool // whether the next read does; of the one goroutine that reads

	unsent atomic.Uint64
	wake   chan struct{} // of the sender, which ends when it is closed
	ended  chan struct{} // closed by the sender

	mu     sync.Mutex // guards what follows
	batch  *batch     // what waits; nil when nothing does
	closed bool
}

// calls are the system's. They are ipv4's for a socket of IPv6, too.
type calls interface {
	ReadBatch(into []ipv4.Message, flags int) (int, error)
	WriteBatch(from []ipv4.Message, flags int) (int, error)
}

// New returns a Conn of a socket, which is the Conn's to close from now on.
func New(socket *net.UDPConn) *Conn {
	return newConn(socket, ipv4.NewPacketConn(socket), runtime.GOOS != "linux")
}

func newConn(socket *net.UDPConn, calls calls, off bool) *Conn {
	c := &Conn{UDPConn: socket, calls: calls, off: off, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go c.sender()
	return c
}

// Unsent is how many packets the system refused to send after they had waited. To QUIC they are lost.
func (c *Conn) Unsent() uint64 { return c.unsent.Load() }

// ReadBatch waits for packets and reads as many as there are, and len(into) at most. One goroutine may call it.
func (c *Conn) ReadBatch(into []ipv4.Message, flags int) (int, error) {
	if c.rests {
		time.Sleep(Rest)
	}
	n, err := c.calls.ReadBatch(into, flags)
	c.rests = n < len(into) && !c.off
	return n, err
}

// WriteMsgUDP sends a packet, together with those of others that are ready to. It keeps neither packet nor oob. An error of
// one that waited is counted, see Unsent.
func (c *Conn) WriteMsgUDP(packet, oob []byte, to *net.UDPAddr) (n, oobn int, err error) {
	if len(packet) > maxPacketBytes || len(oob) > maxOOBBytes || c.off || !c.add(packet, oob, to) {
		c.flush() // what was written before goes before
		return c.UDPConn.WriteMsgUDP(packet, oob, to)
	}
	return len(packet), len(oob), nil
}

// add has a packet wait. It returns false when the Conn is closed.
func (c *Conn) add(packet, oob []byte, to *net.UDPAddr) bool {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return false
	}
	if c.batch == nil {
		c.batch = batches.Get().(*batch)
		select {
		case c.wake <- struct{}{}:
		default: // it was woken already, and has not looked yet
		}
	}
	var full *batch
	if c.batch.add(packet, oob, to); c.batch.n == maxPackets {
		full, c.batch = c.batch, nil
	}
	c.mu.Unlock()

	c.send(full)
	return true
}

// sender sends what waits, after all others that can run.
func (c *Conn) sender() {
	defer close(c.ended)
	for range c.wake {
		for range turns {
			runtime.Gosched()
		}
		c.flush()
	}
}

// flush sends what waits.
func (c *Conn) flush() {
	c.mu.Lock()
	waiting := c.batch
	c.batch = nil
	c.mu.Unlock()

	c.send(waiting)
}

// send sends a batch, if there is one. A packet that the system refuses takes no other with it.
func (c *Conn) send(b *batch) {
	if b == nil {
		return
	}
	for rest := b.messages[:b.n]; len(rest) > 0; {
		n, err := c.calls.WriteBatch(rest, 0)
		if err != nil { // about the first of the rest
			c.unsent.Add(1)
			n = 1
		}
		rest = rest[n:]
	}
	b.n = 0
	batches.Put(b)
}

// Close sends what waits, and closes the socket.
func (c *Conn) Close() error {
	c.mu.Lock()
	again := c.closed
	c.closed = true
	c.mu.Unlock()

	if !again {
		close(c.wake) // nobody adds any more, and the sender still does what it was woken for
	}
	<-c.ended
	return c.UDPConn.Close()
}
