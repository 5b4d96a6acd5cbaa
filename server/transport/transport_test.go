package transport_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

var errWrongPin = errors.New("not the pinned certificate")

// pinned returns a client's TLS configuration that accepts exactly the certificate with this pin: the pin
// takes the place of the chain to a trusted root, which InsecureSkipVerify switches off.
func pinned(pin [sha256.Size]byte) *tls.Config {
	return &tls.Config{
		NextProtos:         []string{protocol.ALPN},
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if sha256.Sum256(state.PeerCertificates[0].Raw) != pin {
				return errWrongPin
			}
			return nil
		},
	}
}

func clientConfig() *quic.Config {
	return &quic.Config{EnableDatagrams: true, InitialPacketSize: 1232}
}

// testCertificate is valid in real time and in virtual time.
func testCertificate(t *testing.T) *tls.Certificate {
	t.Helper()
	cert, err := transport.NewDevCertificate(transport.DevCertificateParams{
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		Validity:  200 * 365 * 24 * time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &cert
}

// listen listens on a free loopback port, with a certificate of its own if cfg has none.
func listen(t *testing.T, cfg transport.Config) *transport.Listener {
	t.Helper()
	if cfg.PacketConn == nil {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Certificate == nil {
		cfg.Certificate = testCertificate(t)
	}
	l, err := transport.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func tryDial(t *testing.T, l *transport.Listener, tlsConf *tls.Config, conf *quic.Config) (*quic.Conn, error) {
	t.Helper()
	conn, err := quic.DialAddr(t.Context(), l.Addr().String(), tlsConf, conf)
	if err == nil {
		t.Cleanup(func() { conn.CloseWithError(0, "") })
	}
	return conn, err
}

func dial(t *testing.T, l *transport.Listener) *quic.Conn {
	t.Helper()
	conn, err := tryDial(t, l, pinned(l.Pin()), clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// connect returns both ends of one connection.
func connect(t *testing.T, l *transport.Listener) (*quic.Conn, *transport.Conn) {
	t.Helper()
	client := dial(t, l)
	server, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

// waitAccepted waits until the listener has taken n connections: a client's handshake is complete a moment
// before the server's.
func waitAccepted(l *transport.Listener, n uint64) {
	for l.Stats().Accepted < n {
		runtime.Gosched()
	}
}

// wantClose waits until the client learns that the server closed the connection with this code, and
// returns the reason.
func wantClose(t *testing.T, client *quic.Conn, code protocol.CloseCode) string {
	t.Helper()
	<-client.Context().Done()
	cause := context.Cause(client.Context())
	closed, ok := errors.AsType[*quic.ApplicationError](cause)
	if !ok || !closed.Remote || protocol.CloseCode(closed.ErrorCode) != code {
		t.Fatalf("the client's connection ended with %v, want close code %q from the server", cause, code)
	}
	return closed.ErrorMessage
}

func TestHandshakeWithPinnedCertificate(t *testing.T) {
	l := listen(t, transport.Config{})
	client, server := connect(t, l)
	if got, want := server.RemoteAddr().(*net.UDPAddr).Port, client.LocalAddr().(*net.UDPAddr).Port; got != want {
		t.Errorf("the server sees the client on port %d, want %d", got, want)
	}
	state := client.ConnectionState().TLS
	if state.CurveID != tls.X25519 || state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != protocol.ALPN {
		t.Errorf("negotiated %v, %v, %q", state.CurveID, tls.VersionName(state.Version), state.NegotiatedProtocol)
	}
	if s := l.Stats(); s != (transport.Stats{Open: 1, Native: 1, Accepted: 1}) {
		t.Errorf("stats are %+v, want one open and accepted", s)
	}
}

func TestClientRefusesAnotherCertificate(t *testing.T) {
	l := listen(t, transport.Config{})
	pin := l.Pin()
	pin[0] ^= 1
	if _, err := tryDial(t, l, pinned(pin), clientConfig()); err == nil {
		t.Fatal("a client with another pin connected")
	} else if _, ok := errors.AsType[*quic.TransportError](err); !ok {
		t.Errorf("dial failed with %v, want a TLS alert", err)
	}
}

func TestClientWithAnotherProtocolIsRefused(t *testing.T) {
	l := listen(t, transport.Config{})
	tlsConf := pinned(l.Pin())
	tlsConf.NextProtos = []string{"quicstep/0"}
	if _, err := tryDial(t, l, tlsConf, clientConfig()); err == nil {
		t.Fatal("a client of another protocol connected")
	}
}

func TestDatagramsOfTheLargestSizeBothWays(t *testing.T) {
	client, server := connect(t, listen(t, transport.Config{}))
	up, down := make([]byte, server.MaxDatagram()), make([]byte, server.MaxDatagram())
	up[0], down[0] = 1, 2
	for range 20 {
		if err := server.SendDatagram(down); err != nil {
			t.Fatal(err)
		}
		if got, err := client.ReceiveDatagram(t.Context()); err != nil || string(got) != string(down) {
			t.Fatalf("the client got %d bytes, %v; want %d", len(got), err, len(down))
		}
		if err := client.SendDatagram(up); err != nil {
			t.Fatal(err)
		}
		if got, err := server.ReceiveDatagram(t.Context()); err != nil || string(got) != string(up) {
			t.Fatalf("the server got %d bytes, %v; want %d", len(got), err, len(up))
		}
	}
	if s := server.Stats(); s.MinRTT <= 0 || server.RTT() <= 0 || s.SentPackets < 20 || s.ReceivedBytes < 20*uint64(len(up)) || s.CongestionWindowBytes == 0 {
		t.Errorf("connection stats are %+v", s)
	}
}

func TestControlIsTheFirstStream(t *testing.T) {
	client, server := connect(t, listen(t, transport.Config{}))
	for _, text := range []string{"first", "second"} {
		stream, err := client.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if text == "first" {
			defer func() {
				buf := make([]byte, 5)
				if n, _ := stream.Read(buf); string(buf[:n]) != "reply" {
					t.Errorf("the client read %q, want the reply", buf[:n])
				}
			}()
		}
	}
	control, err := server.Control(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 16)
	if n, err := control.Read(buf); err != nil || string(buf[:n]) != "first" {
		t.Errorf("the control stream reads %q, %v", buf[:n], err)
	}
	if _, err := control.Write([]byte("reply")); err != nil {
		t.Error(err)
	}
	if again, err := server.Control(t.Context()); err != nil || again != control {
		t.Errorf("asked again, Control returned another stream (%v)", err)
	}
	if err := control.Close(); err != nil {
		t.Error(err)
	}
}

func TestControlGivesUpWithItsContext(t *testing.T) {
	_, server := connect(t, listen(t, transport.Config{}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := server.Control(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Control returned %v, want context.Canceled", err)
	}
}

func TestClientHasFewStreams(t *testing.T) {
	client, _ := connect(t, listen(t, transport.Config{MaxStreams: 2, NoWeb: true}))
	for range 2 {
		if _, err := client.OpenStream(); err != nil {
			t.Fatal(err)
		}
		if _, err := client.OpenUniStream(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.OpenStream(); err == nil {
		t.Error("a third bidirectional stream was opened")
	}
	if _, err := client.OpenUniStream(); err == nil {
		t.Error("a third unidirectional stream was opened")
	}
}
