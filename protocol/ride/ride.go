// Package ride sends datagrams so that QUIC's acknowledgements ride along with them. QUIC sends an acknowledgement of
// its own for nearly each packet that carries nothing but a datagram, since it waits for a packet with other frames; a
// byte on a stream of its own, written just before each datagram, is such a frame. docs/protocol.md §2 states what both
// sides may expect. It serves server and client alike, so it stands beside the protocol.
package ride

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	// readEvery is how many datagrams come between two looks at the peer's bytes: QUIC keeps each by itself until it is read, so
	// that few of them are found sooner than many. After a look in vain it is readSeldom, which is still far fewer than its
	// window holds.
	readEvery  = 16
	readSeldom = 256
	// readPatience bounds such a look; a well-behaved peer's bytes are there already.
	readPatience = time.Millisecond
	// ackDelay is for how long QUIC holds an acknowledgement back (RFC 9000, max_ack_delay): then it has left alone, and
	// nothing is there to ride along.
	ackDelay = 25 * time.Millisecond
)

// Conn is the datagrams of a connection. One goroutine may send while another receives.
type Conn struct {
	quic  *quic.Conn
	began time.Time
	owed  atomic.Int64 // since when an acknowledgement waits for a ride, in nanoseconds from began; zero: none does

	// Touched by the sender only.
	out   *quic.SendStream
	tried bool // out was opened, or could not be

	// Touched by the receiver only.
	in    *quic.ReceiveStream
	until int // datagrams to come before the next look
	bytes [2 * readSeldom]byte
}

// rideByte is what is written before each datagram.
var rideByte [1]byte

// New begins with a connection whose handshake is over.
func New(conn *quic.Conn) *Conn { return &Conn{quic: conn, began: time.Now(), until: readEvery} }

// Send sends a copy of a datagram, once and without notice whether it arrives, and the byte before it when an
// acknowledgement may wait for it. It blocks when 32 are queued, for as
// long as the peer is dark. Whatever becomes of the byte before it only makes the packets more.
func (c *Conn) Send(datagram []byte) error {
	if !c.tried {
		c.tried = true
		c.out, _ = c.quic.OpenUniStream()
	}
	if since := c.owed.Swap(0); since != 0 && c.out != nil && time.Since(c.began)-time.Duration(since) < ackDelay {
		c.out.TryWriteAll(rideByte[:])
	}
	return c.quic.SendDatagram(datagram)
}

// Fetch has the processor load what Send will read first. Whoever sends may call it. The number means nothing: without it, nothing
// would be loaded.
func (c *Conn) Fetch() uint64 { return uint64(c.owed.Load()) }

// FetchStream does the same with the stream, which Fetch has to find.
func (c *Conn) FetchStream() uint64 {
	if c.out == nil {
		return 0
	}
	return uint64(c.out.StreamID())
}

// Receive returns the next datagram, which is the caller's. When 128 wait, further ones are dropped. It returns an error
// when ctx or the connection has ended.
func (c *Conn) Receive(ctx context.Context) ([]byte, error) {
	if c.until--; c.until <= 0 {
		c.until = readSeldom
		if c.discard() {
			c.until = readEvery
		}
	}
	b, err := c.quic.ReceiveDatagram(ctx)
	if err == nil {
		c.owed.CompareAndSwap(0, int64(time.Since(c.began)))
	}
	return b, err
}

// discard reads what the peer has written, so that its window stays open. It tells whether there was something.
func (c *Conn) discard() bool {
	if c.in == nil {
		var err error
		if c.in, err = c.quic.AcceptUniStream(ended); err != nil {
			c.in = nil
			return false
		}
	}
	c.in.SetReadDeadline(time.Now().Add(readPatience))
	n, _ := c.in.Read(c.bytes[:])
	return n > 0
}

// ended is a context that waits for nothing.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
