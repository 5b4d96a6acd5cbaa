package client

import (
	"context"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// inputHistory is how many of the latest inputs each datagram carries, so that a lost one is made good by the
// next.
const inputHistory = 3

// inputHeadMax is the most bytes that an input datagram has before its inputs.
const inputHeadMax = 17

// sentInput is an input and the tick that it was for.
type sentInput struct {
	tick uint64
	data []byte
}

// receive applies what the server sends until the connection ends.
func (c *Client[I]) receive(ctx context.Context) {
	for {
		b, err := c.conn.ReceiveDatagram(ctx)
		if err != nil {
			if ctx.Err() == nil {
				c.end(explain(err), protocol.CloseNormal)
			}
			return
		}
		if c.apply(b) {
			c.askResync()
		}
	}
}

// apply brings the rows up to a datagram, and tells whether the replica needs to begin anew.
func (c *Client[I]) apply(b []byte) (resync bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	applied, err := c.rules.Apply(b)
	if err != nil {
		c.stats.Rejected++
	}
	if applied.NewEpoch {
		c.rows.Clear()
		c.view = nil
	}
	if applied.Ignored {
		return false
	}
	for _, ch := range applied.Changes {
		row, ok := c.rules.Get(ch.Table, ch.Index)
		if !ok {
			c.rows.Remove(ch.Table, ch.Index)
			continue
		}
		c.rows.Put(ch.Table, schema.MakeID(ch.Index, row.Generation), row.Class, row.Words, row.Texts)
	}
	h := applied.Header
	if h.Tick > c.tick {
		c.tick = h.Tick
		c.timing.heard(h)
		close(c.news)
		c.news = make(chan struct{})
	}
	c.view = nil
	return c.rules.Orphaned()
}

// askResync tells the server that the replica can't be right. One request per epoch is enough: the replica is
// empty, and not orphaned, once the next one begins.
func (c *Client[I]) askResync() {
	c.mu.Lock()
	epoch := c.rules.Epoch()
	asked := c.timing.resyncAsked == int(epoch)+1
	c.timing.resyncAsked = int(epoch) + 1
	c.mu.Unlock()
	if asked {
		return
	}
	if message, err := protocol.AppendResync(nil, protocol.Resync{Epoch: epoch}); err == nil {
		c.control.Write(protocol.AppendFrame(nil, message))
	}
}

// sendInputs sends a datagram each tick: what was received, and the input for the tick that is coming. It
// waits for absolute moments, so that late ones do not add up.
func (c *Client[I]) sendInputs(ctx context.Context) {
	period := c.welcome.TickPeriod
	next := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var buf []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.conn.Context().Done():
			c.end(explain(context.Cause(c.conn.Context())), protocol.CloseNormal)
			return
		case <-timer.C:
		}
		buf = c.appendInput(buf[:0])
		// An error is the connection's end, which its context tells, or a path that shrank: then the next tick
		// tries again.
		c.conn.SendDatagram(buf)
		next = next.Add(period)
		if late := time.Since(next); late > period {
			next = next.Add(late.Truncate(period)) // a hole in time: those ticks are over
		}
		timer.Reset(time.Until(next))
	}
}

// appendInput writes the next input datagram.
func (c *Client[I]) appendInput(dst []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var in protocol.Input
	c.rules.Ack(&in)
	if tick := c.timing.next(c.tick); c.input != nil && tick > c.history[0].tick {
		copy(c.history[1:], c.history[:])
		c.history[0] = sentInput{tick: tick, data: c.input}
	}
	in.Tick = c.history[0].tick
	size := inputHeadMax
	for i, sent := range c.history {
		if sent.data == nil || sent.tick+uint64(i) != in.Tick {
			break // a gap: what is older belongs to other ticks
		}
		if size += len(sent.data); i > 0 && size > protocol.MaxDatagramPayload {
			break // the newest one has to get through
		}
		in.Inputs[in.Count] = sent.data
		in.Count++
	}
	c.stats.Sent++
	return protocol.AppendInput(dst, &in)
}
