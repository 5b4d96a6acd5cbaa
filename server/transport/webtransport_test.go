package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// overHTTP3 is a client's TLS for HTTP/3.
func overHTTP3(l *transport.Listener) *tls.Config {
	how := pinned(l.Pin())
	how.NextProtos = []string{http3.NextProtoH3}
	return how
}

func browserConfig() *quic.Config {
	return &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true}
}

func dialSession(t *testing.T, l *transport.Listener) (*http.Response, *webtransport.Session, error) {
	t.Helper()
	// A connection of its own, which outlives the session like a browser's: otherwise the close might not be sent.
	raw, err := tryDial(t, l, overHTTP3(l), browserConfig())
	if err != nil {
		t.Fatal(err)
	}
	tr := &webtransport.Transport{}
	t.Cleanup(func() { tr.Close() })
	conn, err := tr.NewClientConn(raw)
	if err != nil {
		t.Fatal(err)
	}
	return conn.Dial(t.Context(), "https://"+l.Addr().String()+"/quicstep", nil)
}

// connectSession returns both sides of a WebTransport session.
func connectSession(t *testing.T, l *transport.Listener) (*webtransport.Session, *transport.Conn) {
	t.Helper()
	_, client, err := dialSession(t, l)
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

// sessionEnd waits until a session has ended on the client's side, and returns why.
func sessionEnd(client *webtransport.Session) error {
	<-client.Context().Done()
	_, err := client.OpenUniStream()
	return err
}

// wantSessionClose waits until the server has closed, and returns its reason.
func wantSessionClose(t *testing.T, client *webtransport.Session, code protocol.CloseCode) string {
	t.Helper()
	err := sessionEnd(client)
	closed, ok := errors.AsType[*webtransport.SessionError](err)
	if !ok || !closed.Remote || protocol.CloseCode(closed.ErrorCode) != code {
		t.Fatalf("the session ended with %v, want the server's %v", err, code)
	}
	return closed.Message
}

func TestSessionCarriesStreamAndDatagrams(t *testing.T) {
	client, server := connectSession(t, listen(t, transport.Config{}))
	stream, err := client.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	s := control(t, server)
	got := make([]byte, 5)
	if _, err := io.ReadFull(s, got); err != nil || string(got) != "hello" {
		t.Fatalf("the control stream has %q, %v", got, err)
	}
	if _, err := s.Write([]byte("welcome")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 7)
	if _, err := io.ReadFull(stream, answer); err != nil || string(answer) != "welcome" {
		t.Fatalf("the client reads %q, %v", answer, err)
	}
	largest := make([]byte, server.MaxDatagram())
	if err := server.SendDatagram(largest); err != nil {
		t.Fatal(err)
	}
	if b, err := client.ReceiveDatagram(t.Context()); err != nil || len(b) != len(largest) {
		t.Errorf("a datagram of %d bytes came, %v", len(b), err)
	}
	if err := client.SendDatagram([]byte("input")); err != nil {
		t.Fatal(err)
	}
	if b, err := server.ReceiveDatagram(t.Context()); err != nil || string(b) != "input" {
		t.Errorf("a datagram is %q, %v", b, err)
	}
	port := client.LocalAddr().(*net.UDPAddr).Port
	if server.Door() != transport.WebTransport || server.RTT() == 0 || server.RemoteAddr().(*net.UDPAddr).Port != port {
		t.Errorf("it is %v from %v with a round trip of %v", server.Door(), server.RemoteAddr(), server.RTT())
	}
	stream.CancelWrite(1)
	if _, err := s.Read(got); !transport.EndedByClient(err) {
		t.Errorf("after the client has given the stream up, a read returned %v", err)
	}
}

func TestSessionCloses(t *testing.T) {
	l := listen(t, transport.Config{})
	client, server := connectSession(t, l)
	server.Close(protocol.CloseRoomClosed, "x"+strings.Repeat("é", 1000))
	if reason := wantSessionClose(t, client, protocol.CloseRoomClosed); reason != "x"+strings.Repeat("é", (protocol.MaxReason-1)/2) {
		t.Errorf("the reason has %d bytes", len(reason))
	}
	if _, _, ok := transport.PeerClose(context.Cause(server.Context())); ok {
		t.Error("our own close passes for the client's")
	}

	client, server = connectSession(t, l)
	client.CloseWithError(webtransport.SessionErrorCode(protocol.CloseAbandoned), "bye")
	<-server.Context().Done()
	if code, reason, ok := transport.PeerClose(context.Cause(server.Context())); !ok || code != protocol.CloseAbandoned || reason != "bye" {
		t.Errorf("the server learns %v, %q, %v", code, reason, ok)
	}
	for l.Stats().Open > 0 { // the connections go, too
		runtime.Gosched()
	}
}

func TestSessionsAreAmongTheConnections(t *testing.T) {
	l := listen(t, transport.Config{MaxConns: 1})
	connectSession(t, l)
	_, second, err := dialSession(t, l)
	if err != nil {
		t.Fatal(err)
	}
	wantSessionClose(t, second, protocol.CloseFull)
	if s := l.Stats(); s.RefusedFull != 1 || s.WebTransport != 1 || s.Open != 1 {
		t.Errorf("the figures are %+v", s)
	}
}

// request asks something over an HTTP/3 connection.
func request(t *testing.T, conn *http3.ClientConn, method, url string, header http.Header) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	response, err := conn.RoundTrip(r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// openHTTP3 connects like a browser that has not asked for a session yet.
func openHTTP3(t *testing.T, l *transport.Listener) (*quic.Conn, *http3.ClientConn) {
	t.Helper()
	raw, err := tryDial(t, l, overHTTP3(l), browserConfig())
	if err != nil {
		t.Fatal(err)
	}
	return raw, (&http3.Transport{EnableDatagrams: true}).NewClientConn(raw)
}

func TestHTTP3WithoutASession(t *testing.T) {
	l := listen(t, transport.Config{})
	_, conn := openHTTP3(t, l)
	url := "https://" + l.Addr().String()
	response, body, err := request(t, conn, http.MethodGet, url+"/", http.Header{})
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(body, "quicstep game server") {
		t.Errorf("it answers %v, %q, %v", response, body, err)
	}
	response, _, err = request(t, conn, http.MethodGet, url+"/quicstep", http.Header{})
	if err != nil || response.StatusCode != http.StatusNotFound {
		t.Errorf("a request that is no session is answered with %v, %v", response, err)
	}
	response, _, err = request(t, conn, http.MethodGet, url+"/", http.Header{"X-Long": {strings.Repeat("x", 20<<10)}})
	if err == nil && response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("20 KiB of headers are answered with %v", response.StatusCode)
	}
}

func TestHTTP3RequestsAreBounded(t *testing.T) {
	l := listen(t, transport.Config{MaxRequests: 3})
	raw, conn := openHTTP3(t, l)
	for range 3 {
		if _, _, err := request(t, conn, http.MethodGet, "https://"+l.Addr().String()+"/", http.Header{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := request(t, conn, http.MethodGet, "https://"+l.Addr().String()+"/", http.Header{}); err == nil {
		t.Error("a fourth request was answered")
	}
	<-raw.Context().Done()
	if s := l.Stats(); s.RefusedRequests != 1 {
		t.Errorf("the figures are %+v, want one refused", s)
	}
}

func TestHTTP3WithoutASessionIsGivenUp(t *testing.T) {
	l := listen(t, transport.Config{UpgradeTimeout: 50 * time.Millisecond, MaxHandshakes: 1})
	raw, _ := openHTTP3(t, l)
	if _, err := tryDial(t, l, overHTTP3(l), browserConfig()); err == nil {
		t.Error("a second one was let in, where one handshake may be under way")
	}
	<-raw.Context().Done()
	if s := l.Stats(); s.Idle != 1 || s.RefusedHandshakes == 0 || s.Open != 0 {
		t.Errorf("the figures are %+v", s)
	}
	for { // its place is free again a moment later
		if conn, err := tryDial(t, l, pinned(l.Pin()), clientConfig()); err == nil {
			conn.CloseWithError(0, "")
			break
		}
	}
}

// appendField appends a header's field to a block of QPACK, without any table.
func appendField(b []byte, name, value string) []byte {
	if len(name) < 7 {
		b = append(b, 0x20|byte(len(name)))
	} else {
		b = append(b, 0x27, byte(len(name)-7))
	}
	b = append(b, name...)
	b = append(b, byte(len(value)))
	return append(b, value...)
}

// TestSessionsThatNeverBeginAreGivenUp: a client that asks for a session, and keeps back the settings that it needs.
func TestSessionsThatNeverBeginAreGivenUp(t *testing.T) {
	l := listen(t, transport.Config{UpgradeTimeout: 50 * time.Millisecond})
	raw, err := tryDial(t, l, overHTTP3(l), browserConfig())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := raw.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	block := []byte{0, 0}
	for _, field := range [][2]string{
		{":method", "CONNECT"}, {":protocol", "webtransport"}, {":scheme", "https"}, {":authority", l.Addr().String()}, {":path", "/quicstep"},
	} {
		block = appendField(block, field[0], field[1])
	}
	if _, err := stream.Write(append([]byte{1, 0x40, byte(len(block))}, block...)); err != nil {
		t.Fatal(err)
	}
	<-raw.Context().Done()
	if closed, ok := errors.AsType[*quic.ApplicationError](context.Cause(raw.Context())); !ok || !closed.Remote || l.Stats().Idle != 1 {
		t.Errorf("it ended with %v, and %d were counted", context.Cause(raw.Context()), l.Stats().Idle)
	}
}

func TestOneSessionForEachConnection(t *testing.T) {
	l := listen(t, transport.Config{})
	tr := &webtransport.Transport{TLSClientConfig: overHTTP3(l), QUICConfig: browserConfig()}
	defer tr.Close()
	raw, err := tryDial(t, l, overHTTP3(l), browserConfig())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tr.NewClientConn(raw)
	if err != nil {
		t.Fatal(err)
	}
	url := "https://" + l.Addr().String() + "/quicstep"
	if _, _, err := conn.Dial(t.Context(), url, nil); err != nil {
		t.Fatal(err)
	}
	response, _, err := conn.Dial(t.Context(), url, nil)
	if err == nil || response != nil && response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a second session was answered with %v, %v", response, err)
	}
}

func TestNoWeb(t *testing.T) {
	l := listen(t, transport.Config{NoWeb: true})
	connect(t, l)
	if _, err := tryDial(t, l, overHTTP3(l), browserConfig()); err == nil {
		t.Error("HTTP/3 was taken")
	}
	if addr, _ := l.HTTPAddr(); addr != nil {
		t.Errorf("the HTTP door is open at %v", addr)
	}
}
