package transport_test

import (
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/server/transport"
)

// BenchmarkStats is what it costs to ask a connection what it knows of its path.
func BenchmarkStats(b *testing.B) {
	conn := benchConn(b)
	b.ReportAllocs()
	for b.Loop() {
		conn.Stats()
	}
}

// benchConn is the server's end of a connection over a real socket.
func benchConn(b *testing.B) *transport.Conn {
	b.Helper()
	l, err := transport.Listen(transport.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	client, err := quic.DialAddr(b.Context(), l.Addr().String(), pinned(l.Pin()), clientConfig())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { client.CloseWithError(0, "") })
	conn, err := l.Accept(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return conn
}
