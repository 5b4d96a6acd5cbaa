package transport

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/ride"
)

// ErrClosed is returned by Accept after Close. It is a net.ErrClosed.
var ErrClosed = fmt.Errorf("listener: %w", net.ErrClosed)

// Listener accepts connections. Its methods may be called from anywhere.
type Listener struct {
	cfg    Config
	pin    [sha256.Size]byte
	socket net.PacketConn // nil when it is the caller's
	quic   *quic.Transport
	inner  *quic.Listener

	queue      chan *Conn    // the accept loop sends, and refuses when it is full; Accept receives
	ended      chan struct{} // closed when the accept loop has ended
	err        error         // why it ended, set before
	work       sync.WaitGroup
	closing    sync.Once
	handshakes *handshakes

	mu     sync.Mutex // guards what follows
	conns  map[*Conn]struct{}
	closed bool

	accepted, full, backlog, noDatagrams atomic.Uint64
}

// Stats counts a listener's connections since it began to listen.
type Stats struct {
	// Open is how many connections are open now.
	Open int
	// Accepted were handed over, or wait to be.
	Accepted uint64
	// RefusedFull came when MaxConns were open.
	RefusedFull uint64
	// RefusedBacklog came when Backlog connections waited for Accept.
	RefusedBacklog uint64
	// RefusedHandshakes came when MaxHandshakes were under way.
	RefusedHandshakes uint64
	// RefusedDatagrams were clients that don't take datagrams.
	RefusedDatagrams uint64
}

// Listen listens on the address of cfg and accepts connections from then on. It returns an error when the
// configuration or the address is invalid, ErrPublicDevelopment when the development certificate would be
// shown to other machines, and what went wrong with the socket or the certificate's files.
func Listen(cfg Config) (*Listener, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("configure transport: %w", err)
	}
	addr, err := cfg.address()
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Addr, err)
	}
	var cert tls.Certificate
	if cfg.Certificate != nil {
		cert = *cfg.Certificate
	} else if cert, err = LoadDevCertificate(cfg.CacheDir, time.Now()); err != nil {
		return nil, err
	}
	l := &Listener{
		cfg:        cfg,
		pin:        sha256.Sum256(cert.Certificate[0]),
		queue:      make(chan *Conn, cfg.Backlog),
		ended:      make(chan struct{}),
		handshakes: newHandshakes(cfg),
		conns:      make(map[*Conn]struct{}),
	}
	if err := l.open(addr, cert); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Addr, err)
	}
	go l.acceptLoop()
	return l, nil
}

func (l *Listener) open(addr *net.UDPAddr, cert tls.Certificate) error {
	conn := l.cfg.PacketConn
	if conn == nil {
		socket, err := net.ListenUDP("udp", addr)
		if err != nil {
			return err
		}
		l.socket, conn = socket, socket
	}
	l.quic = &quic.Transport{Conn: conn, ConnContext: l.handshakes.begin, VerifySourceAddress: l.handshakes.crowded}
	var err error
	if l.inner, err = l.quic.Listen(l.cfg.tlsConfig(cert, l.handshakes.turn), l.cfg.quicConfig()); err != nil {
		l.closeSocket()
	}
	return err
}

// Addr returns the address that the listener listens on, with its real port.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Pin returns the SHA-256 of the certificate in DER form, by which a client may know it.
func (l *Listener) Pin() [sha256.Size]byte { return l.pin }

// Accept returns the next connection. Its client may have gone since, as the connection's context tells.
// Accept returns ErrClosed after Close, the context's error when that ended, and what went wrong when the
// socket can't be read any more.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	select {
	case <-l.ended:
		return nil, l.endError()
	default:
	}
	select {
	case conn := <-l.queue:
		return conn, nil
	case <-l.ended:
		return nil, l.endError()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *Listener) endError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return fmt.Errorf("accept connections: %w", l.err)
}

// Stats returns the counters.
func (l *Listener) Stats() Stats {
	l.mu.Lock()
	open := len(l.conns)
	l.mu.Unlock()
	return Stats{
		Open:              open,
		Accepted:          l.accepted.Load(),
		RefusedFull:       l.full.Load(),
		RefusedBacklog:    l.backlog.Load(),
		RefusedHandshakes: l.handshakes.refused.Load(),
		RefusedDatagrams:  l.noDatagrams.Load(),
	}
}

// Close stops listening, closes every connection with protocol.CloseShutdown and waits until all is gone:
// connections, goroutines and, if the listener opened it, the socket. Closing twice is harmless.
func (l *Listener) Close() error {
	var err error
	l.closing.Do(func() {
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()

		l.inner.Close()
		<-l.ended
		// No connection is added any more.
		l.mu.Lock()
		for conn := range l.conns {
			l.work.Go(func() { conn.Close(protocol.CloseShutdown, "the server is shutting down") })
		}
		l.mu.Unlock()
		l.work.Wait()

		err = l.quic.Close()
		l.closeSocket()
	})
	return err
}

func (l *Listener) closeSocket() {
	if l.socket != nil {
		l.socket.Close()
	}
}

// acceptLoop takes connections from quic-go, which holds no more than 32, and never waits for anybody.
func (l *Listener) acceptLoop() {
	defer close(l.ended)
	for {
		raw, err := l.inner.Accept(context.Background())
		if err != nil {
			l.err = err
			return
		}
		l.admit(raw)
	}
}

// admit hands the connection over, or closes it with the reason why not.
func (l *Listener) admit(raw *quic.Conn) {
	conn := &Conn{raw: raw, datagrams: ride.New(raw)}
	if l.cfg.OverStream {
		conn.datagrams = ride.OverStream(raw)
	}
	switch {
	case !raw.ConnectionState().SupportsDatagrams.Remote:
		l.refuse(conn, &l.noDatagrams, protocol.CloseProtocol, "datagrams are required")
	case len(l.queue) == cap(l.queue):
		l.refuse(conn, &l.backlog, protocol.CloseFull, "the server is busy")
	case !l.add(conn):
		l.refuse(conn, &l.full, protocol.CloseFull, "the server is full")
	default:
		l.accepted.Add(1)
		endHandshake(raw.Context())
		// Has room, as was seen above: nobody else sends.
		l.queue <- conn
	}
}

// refuse closes the connection aside, so that the loop goes on. The place among the handshakes is kept
// until then, and so bounds the goroutines.
func (l *Listener) refuse(conn *Conn, counter *atomic.Uint64, code protocol.CloseCode, reason string) {
	counter.Add(1)
	l.work.Go(func() {
		conn.Close(code, reason)
		endHandshake(conn.Context())
	})
}

// add counts the connection as open until it ends. It returns false when there are too many.
func (l *Listener) add(conn *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) >= l.cfg.MaxConns {
		return false
	}
	l.conns[conn] = struct{}{}
	l.work.Add(1)
	context.AfterFunc(conn.Context(), func() {
		defer l.work.Done()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, conn)
	})
	return true
}
