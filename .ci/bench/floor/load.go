package main

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/quic-go/quic-go"
)

// joinPatience is for how long the last joins are waited for, and histogramMax the largest time, in microseconds. loadPercent
// is by how much of what is live the heap grows until garbage is collected, as that of bots.
const (
	joinPatience = 30 * time.Second
	histogramMax = 60_000_000
	loadPercent  = 300
)

// loader is all clients.
type loader struct {
	config
	socket    *quic.Transport // of all clients
	addr      *net.UDPAddr    // of the server
	players   []*client
	measuring atomic.Bool

	mu       sync.Mutex // guards what follows
	latency  *hdrhistogram.Histogram
	interval *hdrhistogram.Histogram
	err      error // the first
}

// client is one connection. Its goroutine plays; the loader looks at updates.
type client struct {
	loader  *loader
	conn    *quic.Conn
	sent    [256]time.Time // when Send of an input returned, by its number
	updates atomic.Uint64  // new ticks
	inputs  atomic.Uint64
}

// load lets clients join and answer, and prints what they saw.
func load(ctx context.Context, c config) error {
	debug.SetGCPercent(loadPercent)
	l := &loader{config: c, latency: hdrhistogram.New(1, histogramMax, 3), interval: hdrhistogram.New(1, histogramMax, 3)}
	addr, err := net.ResolveUDPAddr("udp", c.addr)
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	defer socket.Close()
	l.socket, l.addr = &quic.Transport{Conn: socket}, addr
	defer l.socket.Close()
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var work sync.WaitGroup
	joined := make(chan struct{}, c.clients)
	for n := range c.clients {
		p := &client{loader: l}
		l.players = append(l.players, p)
		work.Go(func() { p.live(playing, n, joined) })
	}
	report, err := l.measure(ctx, joined)
	stop()
	work.Wait()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

func (l *loader) measure(ctx context.Context, joined <-chan struct{}) (*report, error) {
	patience := time.After(time.Duration(l.clients)*time.Second/time.Duration(l.joinRate) + joinPatience)
	for range l.players {
		select {
		case <-joined:
		case <-patience:
			return nil, fmt.Errorf("not all have joined: %w", l.failure())
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := l.failure(); err != nil {
		return nil, err
	}
	wait(ctx, l.warmup)
	before, begun := l.totals(), time.Now()
	l.measuring.Store(true)
	wait(ctx, l.duration)
	l.measuring.Store(false)
	after, took := l.totals(), time.Since(begun)
	return l.report(begun, took, after.since(before)), ctx.Err()
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// fail keeps the first error.
func (l *loader) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

func (l *loader) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// note counts a time while it is measured.
func (l *loader) note(h *hdrhistogram.Histogram, d time.Duration) {
	if !l.measuring.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h.RecordValue(min(d.Microseconds(), histogramMax)) // can't be refused: it is in range
}

// live joins when its turn has come, and plays until ctx ends.
func (p *client) live(ctx context.Context, n int, joined chan<- struct{}) {
	wait(ctx, time.Duration(n)*time.Second/time.Duration(p.loader.joinRate))
	tlsConfig := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocolName}} // the server is on this machine
	conn, err := p.loader.socket.Dial(ctx, p.loader.addr, tlsConfig, quicConfig())
	if err != nil {
		p.loader.fail(fmt.Errorf("join: %w", err))
		joined <- struct{}{}
		return
	}
	defer conn.CloseWithError(0, "")
	p.conn = conn
	joined <- struct{}{}
	if err := p.play(ctx); ctx.Err() == nil {
		p.loader.fail(fmt.Errorf("disconnected: %w", err))
	}
}

// play answers each new tick with an input, and measures how long it takes until a state names it.
func (p *client) play(ctx context.Context) error {
	var tick, number, shown uint64
	var last time.Time
	input := make([]byte, p.loader.input)
	for {
		b, err := p.conn.ReceiveDatagram(ctx)
		if err != nil {
			return err
		}
		newer, echo, ok := parseState(b)
		if !ok || newer <= tick {
			continue
		}
		now := time.Now()
		if tick > 0 {
			p.loader.note(p.loader.interval, now.Sub(last))
		}
		tick, last = newer, now
		p.updates.Add(1)
		for ; shown < min(echo, number); shown++ {
			p.loader.note(p.loader.latency, now.Sub(p.sent[(shown+1)%uint64(len(p.sent))]))
		}
		number++
		binary.BigEndian.PutUint64(input, number)
		if err := p.conn.SendDatagram(input); err != nil {
			return err
		}
		p.sent[number%uint64(len(p.sent))] = time.Now()
		p.inputs.Add(1)
	}
}
