package ride_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/testutils/simnet"

	"github.com/quicstep/quicstep/protocol/ride"
)

// certificate is valid in virtual time.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// talks is what two sides say to each other over a network of 5 ms each way.
type talks struct {
	period time.Duration // of a datagram each
	answer time.Duration // by how much the client's leaves after the server's
	n      int
	ride   bool
	loss   int // one packet in so many is lost each way; zero for none
}

// sent is how many packets, and bytes of UDP payload, a side has sent.
type sent struct{ packets, bytes uint64 }

// lossyRouter loses one packet in so many.
type lossyRouter struct {
	simnet.PerfectRouter
	every atomic.Int64
	sent  atomic.Int64
}

func (r *lossyRouter) SendPacket(p simnet.Packet) error {
	if every := r.every.Load(); every > 0 && r.sent.Add(1)%every == 0 {
		return nil
	}
	return r.PerfectRouter.SendPacket(p)
}

// talk returns what each has sent for it.
func (how talks) talk(t *testing.T) (server, client sent) {
	t.Helper()
	connected(t, func(t *testing.T, router *lossyRouter, s, c *quic.Conn) {
		server, client = how.exchange(t, router, s, c)
	})
	return server, client
}

// connected connects a server and a client over a network of 5 ms each way, in virtual time.
func connected(t *testing.T, play func(t *testing.T, router *lossyRouter, s, c *quic.Conn)) {
	t.Helper()
	cert := certificate(t)
	synctest.Test(t, func(t *testing.T) {
		router := &lossyRouter{}
		sim := &simnet.Simnet{Router: router}
		link := simnet.NodeBiDiLinkSettings{Latency: 5 * time.Millisecond}
		addr := &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}
		sockets := []net.PacketConn{sim.NewEndpoint(addr, link), sim.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 2}, link)}
		if err := sim.Start(); err != nil {
			t.Fatal(err)
		}
		cfg := &quic.Config{EnableDatagrams: true, DisablePathMTUDiscovery: true}
		at, from := &quic.Transport{Conn: sockets[0]}, &quic.Transport{Conn: sockets[1]}
		ln, err := at.Listen(&tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"ride"}}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		c, err := from.Dial(t.Context(), addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"ride"}}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ln.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		play(t, router, s, c)
		c.CloseWithError(0, "")
		s.CloseWithError(0, "")
		from.Close()
		at.Close()
		for _, socket := range sockets {
			socket.Close()
		}
		sim.Close()
	})
}

func (how talks) exchange(t *testing.T, router *lossyRouter, s, c *quic.Conn) (server, client sent) {
	sides := [2]*ride.Conn{ride.New(s), ride.New(c)}
	raw := [2]*quic.Conn{s, c}
	send := func(side int) {
		var err error
		if how.ride {
			err = sides[side].Send(make([]byte, 100))
		} else {
			err = raw[side].SendDatagram(make([]byte, 100))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	got := [2]int{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	for side := range 2 {
		go func() {
			for {
				if _, err := sides[side].Receive(ctx); err != nil {
					ended <- struct{}{}
					return
				}
				got[side]++
			}
		}()
	}
	time.Sleep(time.Second) // what belongs to the handshake is over
	router.every.Store(int64(how.loss))
	before := [2]sent{sentBy(s), sentBy(c)}
	for range how.n {
		send(0)
		time.Sleep(how.answer)
		send(1)
		time.Sleep(how.period - how.answer)
	}
	server, client = sentBy(s), sentBy(c)
	server.packets, server.bytes = server.packets-before[0].packets, server.bytes-before[0].bytes
	client.packets, client.bytes = client.packets-before[1].packets, client.bytes-before[1].bytes
	cancel()
	<-ended
	<-ended
	if how.loss == 0 && (got[0] != how.n || got[1] != how.n) {
		t.Errorf("%d and %d of %d datagrams came", got[0], got[1], how.n)
	}
	return server, client
}

func sentBy(c *quic.Conn) sent {
	s := c.ConnectionStats()
	return sent{s.PacketsSent, s.BytesSent}
}

// TestAcknowledgementsRideAlong needs virtual time: there a byte and its datagram are one packet each time.
func TestAcknowledgementsRideAlong(t *testing.T) {
	const n = 1000
	for _, period := range []time.Duration{time.Second / 30, time.Second / 60} {
		how := talks{period: period, answer: period / 2, n: n, ride: true}
		server, client := how.talk(t)
		if server.packets > n*11/10 || client.packets > n*11/10 {
			t.Errorf("every %v: %d and %d packets for %d datagrams each way, want one in ten more at most", period, server.packets, client.packets, n)
		}
		how.ride = false
		server, client = how.talk(t)
		if server.packets < n*14/10 || client.packets < n*14/10 {
			t.Errorf("every %v: %d and %d packets for %d datagrams without the byte: then it is of no use", period, server.packets, client.packets, n)
		}
	}
}

// TestNoByteWithoutAnAcknowledgement: at 20 Hz an answer that comes soon is acknowledged alone before the next datagram,
// so that the server's byte would be of no use; the client's is.
func TestNoByteWithoutAnAcknowledgement(t *testing.T) {
	const n = 500
	how := talks{period: time.Second / 20, answer: 15 * time.Millisecond, n: n, ride: true}
	server, client := how.talk(t)
	how.ride = false
	bare, _ := how.talk(t)
	if server.bytes > bare.bytes+n/10 {
		t.Errorf("the server has sent %d bytes, and %d without any byte to ride on; want none more", server.bytes, bare.bytes)
	}
	if client.packets > n*11/10 {
		t.Errorf("the client has sent %d packets for %d datagrams, want one in ten more at most", client.packets, n)
	}
}

// TestALookInVainWaitsForNothing: who sends no bytes is looked for now and then, and nothing that came is late for it.
func TestALookInVainWaitsForNothing(t *testing.T) {
	connected(t, func(t *testing.T, _ *lossyRouter, s, c *quic.Conn) {
		in := ride.New(c)
		time.Sleep(time.Second) // what belongs to the handshake is over
		for n := range 600 {
			if err := s.SendDatagram(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond) // it is there
			begun := time.Now()
			if _, err := in.Receive(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begun); took != 0 {
				t.Fatalf("datagram %d was there, and received after %v", n+1, took)
			}
		}
	})
}

// TestWhatTheRideCostsUnderLoss: the byte of a lost packet is sent again, in a packet that may have to leave for it.
func TestWhatTheRideCostsUnderLoss(t *testing.T) {
	const n, loss = 2000, 20 // 5 %
	how := talks{period: time.Second / 30, answer: 15 * time.Millisecond, n: n, ride: true, loss: loss}
	server, client := how.talk(t)
	how.ride = false
	bareServer, bareClient := how.talk(t)
	t.Logf("with 5 %% loss, packets per datagram: server %.3f, client %.3f; without the ride %.3f and %.3f; bytes per datagram %.1f and %.1f, without %.1f and %.1f",
		share(server.packets, n), share(client.packets, n), share(bareServer.packets, n), share(bareClient.packets, n),
		share(server.bytes, n), share(client.bytes, n), share(bareServer.bytes, n), share(bareClient.bytes, n))
	for _, side := range []sent{server, client} {
		if side.packets > n*125/100 {
			t.Errorf("%d packets for %d datagrams, want a quarter more at most", side.packets, n)
		}
	}
	if server.packets+client.packets >= bareServer.packets+bareClient.packets {
		t.Errorf("%d packets with the ride, %d without", server.packets+client.packets, bareServer.packets+bareClient.packets)
	}
}

func share(sum uint64, n int) float64 { return float64(sum) / float64(n) }
