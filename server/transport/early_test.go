package transport_test

import (
	"crypto/tls"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// TestNothingIsTakenBeforeTheHandshake: what a client sends early could be a copy of what it sent once already.
func TestNothingIsTakenBeforeTheHandshake(t *testing.T) {
	l, err := transport.Listen(transport.Config{Addr: "127.0.0.1:0", CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := &tls.Config{
		InsecureSkipVerify: true, NextProtos: []string{protocol.ALPN}, CurvePreferences: []tls.CurveID{tls.X25519},
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	for visit := range 2 {
		conn, err := quic.DialAddrEarly(t.Context(), l.Addr().String(), cfg, &quic.Config{EnableDatagrams: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Accept(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-conn.HandshakeComplete()
		if state := conn.ConnectionState(); state.Used0RTT || state.TLS.DidResume {
			t.Errorf("visit %d: 0-RTT was used: %v, a TLS session resumed: %v", visit+1, state.Used0RTT, state.TLS.DidResume)
		}
		conn.CloseWithError(0, "")
	}
}
