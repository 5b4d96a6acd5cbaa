package transport_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// development listens with a development certificate, so that the HTTP door speaks plain HTTP.
func development(t *testing.T, cfg transport.Config) *transport.Listener {
	t.Helper()
	cfg.CacheDir = t.TempDir()
	if cfg.Addr == "" && cfg.PacketConn == nil {
		cfg.Addr = "127.0.0.1:0"
	}
	l, err := transport.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestBothPortsHaveTheSameNumber(t *testing.T) {
	l := development(t, transport.Config{})
	addr, secure := l.HTTPAddr()
	if addr == nil || addr.String() != l.Addr().String() || secure {
		t.Fatalf("the HTTP door is at %v, with TLS: %v; want plain at %v", addr, secure, l.Addr())
	}
	if _, secure := listen(t, transport.Config{}).HTTPAddr(); !secure {
		t.Error("with a certificate of its own it does without TLS")
	}

	if _, err := transport.Listen(transport.Config{Addr: l.Addr().String(), Certificate: testCertificate(t)}); err == nil {
		t.Error("the same address was taken twice")
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	if l, err := transport.Listen(transport.Config{Addr: tcp.Addr().String(), Certificate: testCertificate(t)}); err == nil {
		l.Close()
		t.Error("it listens although the TCP port is taken")
	}
}

// TestABrokenTCPPortIsTold, and costs nobody who came by UDP.
func TestABrokenTCPPortIsTold(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	l := development(t, transport.Config{HTTPListener: tcp, HTTPEnded: func(err error) { ended <- err }})
	client, server := connect(t, l)
	tcp.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) || l.Stats().HTTPEnded != 1 {
		t.Errorf("it is told %v; stats are %+v", err, l.Stats())
	}
	connect(t, l)
	if client.Context().Err() != nil || server.SendDatagram([]byte("still here")) != nil {
		t.Error("who had come by UDP is out")
	}
	if whole := development(t, transport.Config{}); whole.Close() != nil || whole.Stats().HTTPEnded != 0 {
		t.Error("a door that is shut in good order is said to be broken")
	}
}

func TestPublicDevelopmentIsForThisMachineAlone(t *testing.T) {
	l := development(t, transport.Config{Addr: "0.0.0.0:0", AllowPublicDevelopment: true})
	addr, secure := l.HTTPAddr()
	if tcp, ok := addr.(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() || secure {
		t.Errorf("the HTTP door is at %v", addr)
	}
}

func TestGivenSocketsHaveNoTCP(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	l := listen(t, transport.Config{PacketConn: socket})
	if addr, _ := l.HTTPAddr(); addr != nil {
		t.Errorf("the HTTP door is open at %v", addr)
	}
	l.Close()

	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = development(t, transport.Config{PacketConn: socket, HTTPListener: tcp})
	if addr, _ := l.HTTPAddr(); addr != tcp.Addr() {
		t.Errorf("the HTTP door is at %v, want the one that was given", addr)
	}
}

// ask sends a request to the HTTP door, and returns the status and the body.
func ask(t *testing.T, l *transport.Listener, path, host string) (int, string) {
	t.Helper()
	c := tcpTo(t, l)
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

func TestHTTPDoor(t *testing.T) {
	l := development(t, transport.Config{Origins: []string{"https://play.example.com"}})
	for _, c := range []struct {
		path, host string
		status     int
	}{
		{"/", l.Addr().String(), 200},
		{"/", "localhost:1", 200},
		{"/", "[::1]:4433", 200},
		{"/other", "localhost", 404},
		{"/quicstep", "localhost", 426},
		{"/", "play.example.com", 200},
		{"/", "rebound.example.com:4433", 403}, // a name that somebody has pointed at this machine
		{"/quicstep", "127.0.0.1.example.com", 403},
	} {
		if status, body := ask(t, l, c.path, c.host); status != c.status || body == "" {
			t.Errorf("%s of %s is answered with %d, %q; want %d", c.path, c.host, status, body, c.status)
		}
	}

	if got := l.Stats().RefusedOrigins; got != 2 {
		t.Errorf("%d were counted as refused, want 2", got)
	}

	l = development(t, transport.Config{Web: func(l *transport.Listener) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, l.Addr(), r.URL.Path) })
	}})
	if status, body := ask(t, l, "/page", "localhost"); status != 200 || body != l.Addr().String()+"/page" {
		t.Errorf("the handler's answer is %d, %q", status, body)
	}
}

// wantHungUp waits until the server has closed a TCP connection.
func wantHungUp(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection ended with %v", err)
	}
}

func TestHalfOpenRequestsAreGivenUp(t *testing.T) {
	for _, l := range []*transport.Listener{
		development(t, transport.Config{UpgradeTimeout: 50 * time.Millisecond}),
		listen(t, transport.Config{UpgradeTimeout: 50 * time.Millisecond}),
	} {
		silent, half := tcpTo(t, l), tcpTo(t, l)
		fmt.Fprint(half, "GET /quicstep HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
		wantHungUp(t, silent)
		wantHungUp(t, half)
	}
}

func TestHTTPConnectionsAreBounded(t *testing.T) {
	l := development(t, transport.Config{MaxHTTPConns: 2})
	a, b := tcpTo(t, l), tcpTo(t, l)
	wantHungUp(t, tcpTo(t, l))
	if got := l.Stats().RefusedHTTP; got != 1 {
		t.Errorf("%d were refused, want one", got)
	}
	a.Close()
	b.Close()
	for status := 0; status != 200; { // their places are free a moment later
		c := tcpTo(t, l)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if r, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
			status = r.StatusCode
			r.Body.Close()
		}
		c.Close()
	}
}

func TestWebSocketsTakeNoPlaceOfRequests(t *testing.T) {
	l := listen(t, transport.Config{MaxHTTPConns: 1})
	connectSocket(t, l)
	for { // the place of the first is free a moment after it was accepted
		if _, err := dialSocket(t, l); err == nil {
			break
		}
	}
	if _, err := l.Accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := l.Stats().WebSocket; n != 2 {
		t.Errorf("%d WebSockets are open, want 2", n)
	}
}

func TestLongHeadersAreRefused(t *testing.T) {
	l := development(t, transport.Config{})
	c := tcpTo(t, l)
	go fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: %s\r\n\r\n", strings.Repeat("x", 64<<10))
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("64 KiB of headers are answered with %v, %v", r, err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	l := listen(t, transport.Config{})
	_, native := connect(t, l)
	ws, socket := connectSocket(t, l)
	_, session := connectSession(t, l)
	raw, _ := openHTTP3(t, l)
	half := tcpTo(t, l)
	l.Close()
	for _, c := range []*transport.Conn{native, socket, session} {
		if c.Context().Err() == nil {
			t.Errorf("a %v is open after Close", c.Door())
		}
	}
	wantSocketClose(t, ws, protocol.CloseShutdown)
	<-raw.Context().Done()
	wantHungUp(t, half)
	if s := l.Stats(); s.Open != 0 || s.Native+s.WebTransport+s.WebSocket != 0 {
		t.Errorf("the figures are %+v", s)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("the TCP port is open after Close")
	}
	wantNoServerGoroutines(t, before)
}

func TestCloseWaitsForAnswers(t *testing.T) {
	asked, ended := make(chan struct{}), false
	l := development(t, transport.Config{Web: func(*transport.Listener) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(asked)
			<-r.Context().Done()
			for range 1000 {
				runtime.Gosched()
			}
			ended = true
		})
	}})
	fmt.Fprint(tcpTo(t, l), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-asked
	l.Close()
	if !ended {
		t.Error("an answer is under way after Close")
	}
}

// wantNoServerGoroutines looks for goroutines of the listener, of which none may be left.
func wantNoServerGoroutines(t *testing.T, _ int) {
	t.Helper()
	buf := make([]byte, 1<<20)
	for tries := 0; ; tries++ {
		text := string(buf[:runtime.Stack(buf, true)])
		left := strings.Count(text, "server/transport.(*") + strings.Count(text, "websocket.(*Conn)") - strings.Count(text, "transport_test")
		if left <= 0 {
			return
		}
		if tries == 1000 {
			t.Fatalf("goroutines are left:\n%s", text)
		}
		runtime.Gosched()
	}
}
