package transport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/quicstep/quicstep/protocol/ride"
)

const (
	// impairTimeMax bounds the delay and the jitter.
	impairTimeMax = 10 * time.Second
	// impairedMost bounds the datagrams of each way that wait on a connection that is impaired; further ones are dropped and
	// counted. It is more than 5 s of three datagrams a tick at 30 Hz.
	impairedMost = 512
)

// Impairment is how much worse a connection is made on purpose. Durations are of the round trip, half of it each way, from
// 0 to 10 s.
type Impairment struct {
	// Delay is added to the round trip, and Jitter is by how much the delay varies: evenly from Delay-Jitter to Delay+Jitter,
	// never below zero. Datagrams may change places by it; what is on the stream does not.
	Delay, Jitter time.Duration
	// Loss is the share of datagrams of each way that are lost, from 0 to 1. The stream loses nothing.
	Loss float64
	// Seed begins the chances; zero is a seed too.
	Seed uint64
}

// Check names the first field that is out of its range.
func (i Impairment) Check() error {
	switch {
	case i.Delay < 0 || i.Delay > impairTimeMax:
		return fmt.Errorf("the delay is %v: give a time from 0 to %v", i.Delay, impairTimeMax)
	case i.Jitter < 0 || i.Jitter > impairTimeMax:
		return fmt.Errorf("the jitter is %v: give a time from 0 to %v", i.Jitter, impairTimeMax)
	case !(i.Loss >= 0 && i.Loss <= 1): // NaN does not pass
		return fmt.Errorf("the loss is %v: give a share from 0 to 1", i.Loss)
	}
	return nil
}

// ImpairedStats count the datagrams of an impaired connection, both ways together.
type ImpairedStats struct {
	// Lost were lost by chance; Overflowed found as many waiting as may be, and were dropped.
	Lost, Overflowed uint64
}

// Impair makes the connection worse until ctx ends, or the connection does; what waits then comes at once, in order. It
// works in the caller's goroutine and returns when the connection is as it was. One goroutine at a time may call it. The
// error is Check's, or tells that the connection can't be impaired: that of Config.OverStream can't.
func (c *Conn) Impair(ctx context.Context, how Impairment) (ImpairedStats, error) {
	if err := how.Check(); err != nil {
		return ImpairedStats{}, err
	}
	if _, stream := c.datagrams.(*ride.Stream); stream {
		return ImpairedStats{}, errors.New("a connection with its datagrams on a stream can't be made worse")
	}
	l := newImpaired(how)
	c.impaired.Store(l)
	for {
		select {
		case <-ctx.Done():
		case <-c.ctx.Done():
		default:
			l.wait(ctx, c.ctx)
			l.flush(c.datagrams, time.Now())
			continue
		}
		break
	}
	l.end()
	l.flush(c.datagrams, time.Now())
	c.impaired.Store(nil)
	return l.counts(), nil
}

// impaired is what makes a connection worse. The sender puts what goes out, Impair's goroutine sends it; the receiver keeps
// what comes in.
type impaired struct {
	delay, jitter time.Duration // one way
	loss          float64
	over          context.Context // ends when everything comes at once again
	end           context.CancelFunc
	news          chan struct{} // holds one: something goes out that is due first

	mu      sync.Mutex // guards what follows; not held while anything is sent
	chances *rand.Rand
	out, in []delayed // by when they are due
	closed  bool      // what goes out is the sender's own again
	stats   ImpairedStats
}

// delayed is a datagram on its way.
type delayed struct {
	due   time.Time
	bytes []byte
}

func newImpaired(how Impairment) *impaired {
	l := &impaired{
		delay: how.Delay / 2, jitter: how.Jitter / 2, loss: how.Loss, news: make(chan struct{}, 1),
		chances: rand.New(rand.NewPCG(how.Seed, 0)),
	}
	l.over, l.end = context.WithCancel(context.Background())
	return l
}

// takes draws how long something takes. The caller holds mu.
func (l *impaired) takes() time.Duration {
	if l.jitter == 0 {
		return l.delay
	}
	return max(0, l.delay-l.jitter+time.Duration(l.chances.Int64N(int64(2*l.jitter+1))))
}

// put keeps a datagram in a queue until it is due, unless it is lost. It tells whether it is now the first. The caller
// holds mu.
func (l *impaired) put(queue *[]delayed, bytes []byte, now time.Time) (first bool) {
	switch {
	case l.loss > 0 && l.chances.Float64() < l.loss:
		l.stats.Lost++
		return false
	case len(*queue) >= impairedMost:
		l.stats.Overflowed++
		return false
	}
	d := delayed{now.Add(l.takes()), bytes}
	at := len(*queue)
	for at > 0 && (*queue)[at-1].due.After(d.due) {
		at--
	}
	*queue = append(*queue, delayed{})
	copy((*queue)[at+1:], (*queue)[at:])
	(*queue)[at] = d
	return at == 0
}

// pop takes the first datagram of a queue when it is due, or everything comes at once. The caller holds mu.
func (l *impaired) pop(queue *[]delayed, now time.Time) []byte {
	q := *queue
	if len(q) == 0 || q[0].due.After(now) && l.over.Err() == nil {
		return nil
	}
	bytes := q[0].bytes
	q[0].bytes = nil
	*queue = q[1:]
	return bytes
}

// send takes a copy of what goes out. It returns false when it is over, and the caller has to send it itself.
func (l *impaired) send(bytes []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if l.put(&l.out, append([]byte(nil), bytes...), time.Now()) {
		tell(l.news)
	}
	return true
}

// wait waits until something that goes out may be due, or one of the contexts ends.
func (l *impaired) wait(ctx, conn context.Context) {
	l.mu.Lock()
	var due <-chan time.Time
	if len(l.out) > 0 {
		timer := time.NewTimer(time.Until(l.out[0].due))
		defer timer.Stop()
		due = timer.C
	}
	l.mu.Unlock()
	select {
	case <-due:
	case <-l.news:
	case <-ctx.Done():
	case <-conn.Done():
	}
}

// flush sends what is due; once it is over everything, and hands what goes out back to the sender.
func (l *impaired) flush(to datagrams, now time.Time) {
	for {
		l.mu.Lock()
		bytes := l.pop(&l.out, now)
		if bytes == nil {
			l.closed = l.over.Err() != nil
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		to.Send(bytes) // what it does not take is lost, as on a bad line
	}
}

// receive returns the next datagram that has come in and is due; ok is false when it is over and none waits any more.
func (l *impaired) receive(ctx context.Context, from datagrams) (bytes []byte, ok bool, err error) {
	for {
		l.mu.Lock()
		bytes := l.pop(&l.in, time.Now())
		var due time.Time
		if len(l.in) > 0 {
			due = l.in[0].due
		}
		l.mu.Unlock()
		if bytes != nil {
			return bytes, true, nil
		}
		if l.over.Err() != nil {
			return nil, false, nil
		}
		if bytes, err = l.await(ctx, from, due); err != nil {
			return nil, true, err
		}
		if bytes != nil {
			l.arrived(bytes)
		}
	}
}

// await waits for a datagram to come in until a moment, zero for as long as it takes, or until it is over; then it returns
// none.
func (l *impaired) await(ctx context.Context, from datagrams, until time.Time) ([]byte, error) {
	var stop context.CancelFunc
	patient := ctx
	if until.IsZero() {
		patient, stop = context.WithCancel(ctx)
	} else {
		patient, stop = context.WithDeadline(ctx, until)
	}
	defer stop()
	defer context.AfterFunc(l.over, stop)()
	bytes, err := from.Receive(patient)
	if err != nil && patient.Err() != nil && ctx.Err() == nil {
		return nil, nil
	}
	return bytes, err
}

// arrived keeps what has come in.
func (l *impaired) arrived(bytes []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(&l.in, bytes, time.Now())
}

// hold has something on the stream come later: all that is behind it waits as well, so that it stays in order.
func (l *impaired) hold(conn context.Context) {
	l.mu.Lock()
	timer := time.NewTimer(l.takes())
	l.mu.Unlock()
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.over.Done():
	case <-conn.Done():
	}
}

func (l *impaired) counts() ImpairedStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}
