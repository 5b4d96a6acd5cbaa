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

// talk lets two sides send a datagram each, a period long and n times, the client's some time after the server's, over a
// network of 5 ms each way. It returns how many packets each has sent for it.
func talk(t *testing.T, period time.Duration, n int, with bool) (server, client uint64) {
	t.Helper()
	cert := certificate(t)
	synctest.Test(t, func(t *testing.T) {
		sim := &simnet.Simnet{Router: &simnet.PerfectRouter{}}
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
		server, client = exchange(t, s, c, period, n, with)
		c.CloseWithError(0, "")
		s.CloseWithError(0, "")
		from.Close()
		at.Close()
		for _, socket := range sockets {
			socket.Close()
		}
		sim.Close()
	})
	return server, client
}

func exchange(t *testing.T, s, c *quic.Conn, period time.Duration, n int, with bool) (server, client uint64) {
	sides := [2]*ride.Conn{ride.New(s), ride.New(c)}
	raw := [2]*quic.Conn{s, c}
	send := func(side int) {
		var err error
		if with {
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
	before := [2]uint64{s.ConnectionStats().PacketsSent, c.ConnectionStats().PacketsSent}
	for range n {
		send(0)
		time.Sleep(period / 2)
		send(1)
		time.Sleep(period / 2)
	}
	server, client = s.ConnectionStats().PacketsSent-before[0], c.ConnectionStats().PacketsSent-before[1]
	cancel()
	<-ended
	<-ended
	if got[0] != n || got[1] != n {
		t.Errorf("%d and %d of %d datagrams came", got[0], got[1], n)
	}
	return server, client
}

// TestAcknowledgementsRideAlong needs virtual time: there a byte and its datagram are one packet each time.
func TestAcknowledgementsRideAlong(t *testing.T) {
	const n = 1000
	for _, period := range []time.Duration{time.Second / 30, time.Second / 60} {
		server, client := talk(t, period, n, true)
		if server > n*11/10 || client > n*11/10 {
			t.Errorf("every %v: %d and %d packets for %d datagrams each way, want one in ten more at most", period, server, client, n)
		}
		server, client = talk(t, period, n, false)
		if server < n*14/10 || client < n*14/10 {
			t.Errorf("every %v: %d and %d packets for %d datagrams without the byte: then it is of no use", period, server, client, n)
		}
	}
}
