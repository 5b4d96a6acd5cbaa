package transport_test

import (
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/server/transport"
)

// BenchmarkStats is what it costs to ask a connection what it knows of its path.
func BenchmarkStats(b *testing.B) {
	l, err := transport.Listen(transport.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	client, err := quic.DialAddr(b.Context(), l.Addr().String(), pinned(l.Pin()), clientConfig())
	if err != nil {
		b.Fatal(err)
	}
	defer client.CloseWithError(0, "")
	conn, err := l.Accept(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		conn.Stats()
	}
}
