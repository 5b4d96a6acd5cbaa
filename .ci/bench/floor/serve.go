package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
)

// server sends to its clients at every tick.
type server struct {
	config
	work sync.WaitGroup

	mu     sync.Mutex // guards joined
	joined []*peer    // since the latest tick

	// The loop's own.
	clients []*peer
	status  status
}

// peer is a client as the server knows it.
type peer struct {
	conn   *quic.Conn
	newest atomic.Uint64 // input number
	owed   float64       // datagrams
}

// status is printed once a second.
type status struct {
	At      time.Time `json:"at"`
	Ticks   uint64    `json:"ticks"`
	Skipped uint64    `json:"skipped"`
	Sent    uint64    `json:"sent"`
	Allocs  uint64    `json:"allocs"`
}

// serve serves until ctx ends.
func serve(ctx context.Context, c config) error {
	cert, err := certificate()
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	tlsConfig := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{protocolName}, MinVersion: tls.VersionTLS13}
	l, err := quic.ListenAddr(c.addr, tlsConfig, quicConfig())
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer l.Close()
	fmt.Println("listening", l.Addr())
	s := &server{config: c}
	ctx, stop := context.WithCancel(ctx)
	s.work.Go(func() { s.accept(ctx, l) })
	s.tick(ctx)
	stop()
	for _, p := range s.clients {
		p.conn.CloseWithError(0, "")
	}
	s.work.Wait()
	return nil
}

func (s *server) accept(ctx context.Context, l *quic.Listener) {
	for {
		conn, err := l.Accept(ctx)
		if err != nil {
			return
		}
		p := &peer{conn: conn}
		s.mu.Lock()
		s.joined = append(s.joined, p)
		s.mu.Unlock()
		s.work.Go(func() { p.read(ctx) })
	}
}

// read notes the newest input number until the connection ends.
func (p *peer) read(ctx context.Context) {
	for {
		b, err := p.conn.ReceiveDatagram(ctx)
		if err != nil {
			return
		}
		if n, ok := parseInput(b); ok && n > p.newest.Load() {
			p.newest.Store(n)
		}
	}
}

// tick sends at start + n periods; a tick that is later than a period is skipped.
func (s *server) tick(ctx context.Context) {
	start, period := time.Now(), s.period()
	buf := make([]byte, s.size)
	for n := uint64(1); ; n++ {
		if due := uint64(time.Since(start) / period); due > n {
			s.status.Skipped += due - n
			n = due
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(start.Add(time.Duration(n) * period))):
		}
		s.send(n, buf)
		s.status.Ticks++
		if n%uint64(s.hz) == 0 {
			s.report()
		}
	}
}

func (s *server) send(tick uint64, buf []byte) {
	s.mu.Lock()
	for _, p := range s.joined {
		p.owed = float64(len(s.clients)%16) / 16 // so that not all are owed one more in the same tick
		s.clients = append(s.clients, p)
	}
	s.joined = s.joined[:0]
	s.mu.Unlock()
	gone := false
	for i, p := range s.clients {
		for p.owed += s.per; p.owed >= 1; p.owed-- {
			putState(buf, tick, p.newest.Load())
			if p.conn.SendDatagram(buf) != nil {
				s.clients[i], gone = nil, true
				break
			}
			s.status.Sent++
		}
	}
	if gone {
		s.clients = slices.DeleteFunc(s.clients, func(p *peer) bool { return p == nil })
	}
}

func (s *server) report() {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(sample)
	s.status.At, s.status.Allocs = time.Now().UTC(), sample[0].Value.Uint64()
	json.NewEncoder(os.Stdout).Encode(s.status) // nobody reads it when it fails
}

// certificate is one that only this process knows.
func certificate() (cert tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return cert, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
