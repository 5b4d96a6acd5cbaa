package bots

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// flushMax bounds how long Close tries to send what is under way.
const flushMax = 100 * time.Millisecond

// ImpairedStats count the packets of an ImpairedConn, both ways together.
type ImpairedStats struct {
	// Packets came from either side, before anything happened to them.
	Packets uint64
	// Lost, Duplicated and Reordered are those that chance has met.
	Lost, Duplicated, Reordered uint64
	// Overflowed found the queue of their way full and were dropped.
	Overflowed uint64
	// Unsent had a delay, and were refused by the inner conn when it was over.
	Unsent uint64
}

// ImpairedConn is a net.PacketConn with a bad network. It has two goroutines; its methods may be called from anywhere.
//
// Packets longer than 2,048 bytes are cut when they are read: QUIC's are shorter. It is not a UDP socket to quic-go, which
// therefore uses neither its batches nor path MTU discovery.
type ImpairedConn struct {
	inner     net.PacketConn
	wake      chan struct{} // room for one: deliver has something new to look at
	flushed   chan struct{} // closed when deliver has ended
	work      sync.WaitGroup
	closeOnce sync.Once
	closeErr  error // after closeOnce

	mu            sync.Mutex // guards what follows; never held while the inner conn is called
	news          sync.Cond  // of mu: ready, readErr, readDeadline or closed has changed
	up, down      lane       // to the inner conn, and from it
	ready         fifo       // from the inner conn, due
	readErr       error      // the inner conn's, for the next ReadFrom
	readDeadline  time.Time
	writeDeadline time.Time
	stats         ImpairedStats
	closed        bool
}

// Impair makes the network of inner bad, which belongs to the result from now on. It panics when the Impairment does not
// pass its Check. The caller must Close the result.
func Impair(inner net.PacketConn, i Impairment) *ImpairedConn {
	if err := i.Check(); err != nil {
		panic("bots: " + err.Error())
	}
	c := &ImpairedConn{inner: inner, wake: make(chan struct{}, 1), flushed: make(chan struct{})}
	c.news.L = &c.mu
	// Halves that add up when the delay is odd.
	c.up = newLane(i, i.Delay/2, rand.NewPCG(i.Seed, 0))
	c.down = newLane(i, i.Delay-i.Delay/2, rand.NewPCG(i.Seed, 1))
	c.work.Go(c.receive)
	c.work.Go(c.deliver)
	return c
}

// ReadFrom waits for a packet that is due. An error of the inner conn is returned once for each time that it occurs; a
// deadline that has passed is os.ErrDeadlineExceeded, a closed conn net.ErrClosed.
func (c *ImpairedConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, nil, net.ErrClosed
		case passed(c.readDeadline, time.Now()):
			return 0, nil, os.ErrDeadlineExceeded
		case c.ready.first != nil:
			p := c.ready.pop()
			c.down.queued--
			n, addr := copy(b, p.bytes), p.addr
			p.free()
			return n, addr, nil
		case c.readErr != nil:
			err := c.readErr
			c.readErr = nil
			c.news.Broadcast()
			return 0, nil, err
		}
		c.news.Wait()
	}
}

// WriteTo sends a packet that has no delay at once, with the inner conn's error. One that has is queued, and so is never
// refused: what becomes of it is in the Stats only.
func (c *ImpairedConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	now := time.Now()
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return 0, net.ErrClosed
	}
	if passed(c.writeDeadline, now) {
		c.mu.Unlock()
		return 0, os.ErrDeadlineExceeded
	}
	direct, sooner := 0, false
	for range c.up.copies(&c.stats) {
		due := now.Add(c.up.wait(&c.stats))
		if !due.After(now) {
			direct++
			continue
		}
		if !c.up.reserve(&c.stats) {
			continue
		}
		p := newPacket()
		p.bytes, p.addr = append(p.bytes, b...), addr
		sooner = c.up.put(p, due) || sooner
	}
	c.mu.Unlock()
	if sooner {
		c.nudge()
	}
	for range direct {
		if n, err := c.inner.WriteTo(b, addr); err != nil {
			return n, err
		}
	}
	return len(b), nil
}

// receive takes packets from the inner conn until it is closed.
func (c *ImpairedConn) receive() {
	p := newPacket()
	defer p.free()
	for {
		n, addr, err := c.inner.ReadFrom(p.bytes[:cap(p.bytes)])
		if err == nil {
			c.arrive(p.bytes[:n], addr, time.Now())
		} else if !c.reportRead(err) {
			return
		}
	}
}

// reportRead hands an error to the reader, waits until it is taken, and tells whether to read on. Without the wait an
// error that stays would be read in a loop.
func (c *ImpairedConn) reportRead(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readErr = err
	c.news.Broadcast()
	for c.readErr != nil && !c.closed {
		c.news.Wait()
	}
	return !c.closed
}

// arrive queues the copies of a packet from the inner conn; the bytes stay the caller's.
func (c *ImpairedConn) arrive(bytes []byte, addr net.Addr, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range c.down.copies(&c.stats) {
		due := now.Add(c.down.wait(&c.stats))
		if !c.down.reserve(&c.stats) {
			continue
		}
		p := newPacket()
		p.bytes, p.addr = append(p.bytes, bytes...), addr
		if !due.After(now) {
			c.ready.push(p)
			c.news.Broadcast()
		} else if c.down.put(p, due) {
			c.nudge()
		}
	}
}

// deliver passes on what has waited long enough, until the conn is closed.
func (c *ImpairedConn) deliver() {
	defer close(c.flushed)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		outbox, next, closed := c.step(time.Now())
		for p := outbox.pop(); p != nil; p = outbox.pop() {
			c.send(p)
		}
		if closed {
			return
		}
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		select {
		case <-c.wake:
		case <-timer.C:
		}
	}
}

// step makes ready what is due from the inner conn, and returns what is due to it with the moment of the next step;
// zero when there is none. On a closed conn everything is due that was under way to the inner one.
func (c *ImpairedConn) step(now time.Time) (outbox fifo, next time.Time, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := c.up.due(now, c.closed); p != nil; p = c.up.due(now, c.closed) {
		c.up.queued--
		outbox.push(p)
	}
	for p := c.down.due(now, false); p != nil; p = c.down.due(now, false) {
		c.ready.push(p)
	}
	if c.ready.first != nil || passed(c.readDeadline, now) {
		c.news.Broadcast()
	}
	next = earlier(c.up.next(), c.down.next())
	if !passed(c.readDeadline, now) {
		next = earlier(next, c.readDeadline)
	}
	return outbox, next, c.closed
}

func (c *ImpairedConn) send(p *packet) {
	if _, err := c.inner.WriteTo(p.bytes, p.addr); err != nil {
		c.mu.Lock()
		c.stats.Unsent++
		c.mu.Unlock()
	}
	p.free()
}

// nudge makes deliver take a step, now or after the one that it is in.
func (c *ImpairedConn) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Close sends at once what is under way to the inner conn, so that a goodbye is not lost, drops what is under way from
// it, closes it and waits for the goroutines. An inner conn whose writes get stuck has 0.1 s for that. Closing again
// returns the same.
func (c *ImpairedConn) Close() error {
	c.closeOnce.Do(func() {
		c.mu.Lock()
		c.closed = true
		c.news.Broadcast()
		c.mu.Unlock()
		c.nudge()
		select {
		case <-c.flushed:
		case <-time.After(flushMax):
		}
		c.closeErr = c.inner.Close()
		c.work.Wait()
	})
	return c.closeErr
}

// Stats are the figures since the start.
func (c *ImpairedConn) Stats() ImpairedStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// LocalAddr is the inner conn's.
func (c *ImpairedConn) LocalAddr() net.Addr { return c.inner.LocalAddr() }

// SetDeadline sets both deadlines.
func (c *ImpairedConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline bounds ReadFrom, also one that waits already; zero means no bound.
func (c *ImpairedConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.readDeadline = t
	c.news.Broadcast()
	c.nudge()
	return nil
}

// SetWriteDeadline bounds WriteTo; zero means no bound. Packets that are under way reach the inner conn all the same.
func (c *ImpairedConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.writeDeadline = t
	return nil
}

// SetReadBuffer sets the size in bytes of the inner conn's buffer; errors.ErrUnsupported when it has none.
func (c *ImpairedConn) SetReadBuffer(bytes int) error {
	if inner, ok := c.inner.(interface{ SetReadBuffer(int) error }); ok {
		return inner.SetReadBuffer(bytes)
	}
	return errors.ErrUnsupported
}

// SetWriteBuffer sets the size in bytes of the inner conn's buffer; errors.ErrUnsupported when it has none.
func (c *ImpairedConn) SetWriteBuffer(bytes int) error {
	if inner, ok := c.inner.(interface{ SetWriteBuffer(int) error }); ok {
		return inner.SetWriteBuffer(bytes)
	}
	return errors.ErrUnsupported
}

// passed tells whether a deadline, zero for none, is over.
func passed(deadline, now time.Time) bool {
	return !deadline.IsZero() && !now.Before(deadline)
}

// earlier is the first of two moments, zero being none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
