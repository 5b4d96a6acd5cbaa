package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/quicstep/quicstep/protocol"
)

// FuzzOrigins: a page may use the server by its own address, by a listed origin, or by this machine's, and by no other
// way of writing one.
func FuzzOrigins(f *testing.F) {
	for _, seed := range []string{
		"https://play.example.com", "HTTPS://PLAY.example.com:443", "https://play.example.com.evil.test", "null", "http://localhost:3000",
		"https://[::1]:8443", "https://user@play.example.com", "https://play.example.com@evil.test", "https://127.0.0.1.evil.test", "://", "https://game.test:4433",
	} {
		f.Add("https://play.example.com", seed, "game.test:4433", true)
		f.Add(seed, seed, "localhost:4433", false)
	}
	f.Fuzz(func(t *testing.T, listed, origin, host string, loopback bool) {
		o, err := newOrigins(Config{Origins: []string{listed}}, loopback)
		if err != nil {
			return
		}
		r := &http.Request{Host: host, Header: http.Header{"Origin": {origin}}}
		o.hosts(r)
		if !o.allow(r) || origin == "" {
			return
		}
		u, err := url.Parse(strings.ToLower(origin))
		switch {
		case strings.ToLower(origin) == o.listed[0]:
		case err != nil || u.Host == "":
			t.Fatalf("%q may use the server, and is no origin", origin)
		case loopback && isLoopback(u.Host), u.Host == strings.ToLower(host) && isLoopback(u.Host):
		default:
			t.Fatalf("%q may use a server of %q that lists %q", origin, host, listed)
		}
	})
}

// FuzzSocketMessage: a WebSocket's message is a datagram, one whole frame, or refused for a reason.
func FuzzSocketMessage(f *testing.F) {
	f.Add([]byte{2, 1, 0}, false, false)
	f.Add(protocol.AppendFrame(nil, []byte{0x91, 3}), false, false)
	f.Add(append(protocol.AppendFrame(nil, []byte{0x91, 3}), 0), false, false)
	f.Add([]byte{0xc6, 0xff, 0xff, 0xff, 0xff}, true, false)
	f.Add([]byte{}, false, true)
	f.Fuzz(func(t *testing.T, message []byte, long, text bool) {
		kind := websocket.MessageBinary
		if text {
			kind = websocket.MessageText
		}
		isDatagram, err := kindOf(kind, message, long)
		switch {
		case err != nil:
			if _, ok := protocol.RejectOf(err); !ok || isDatagram {
				t.Fatalf("%v: want a rejection", err)
			}
		case text || len(message) == 0:
			t.Fatalf("%x is taken, text: %v", message, text)
		case isDatagram:
			if message[0] > 0x7f || long {
				t.Fatalf("%x is taken for a datagram", message)
			}
		default:
			if _, rest, err := protocol.SplitFrame(message, protocol.MaxHelloFrame); err != nil || len(rest) > 0 {
				t.Fatalf("%x is taken for a frame: %v", message, err)
			}
		}
	})
}

// memory is a net.Listener whose connections have no network.
type memory struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newMemory() *memory { return &memory{conns: make(chan net.Conn, 1), done: make(chan struct{})} }

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	m.once.Do(func() { close(m.done) })
	return nil
}

func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4433} }

// upgrade asks for a WebSocket.
const upgrade = "GET /quicstep HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: quicstep.1\r\n\r\n"

// FuzzHTTPDoor: whatever comes to the TCP port, in whatever pieces, as HTTP or over a WebSocket, the door goes on, and
// keeps no connection beyond its time.
func FuzzHTTPDoor(f *testing.F) {
	frame := string([]byte{0x82, 0x85, 0, 0, 0, 0, 0xc4, 3, 0x92, 4, 1})
	f.Add([]byte(upgrade+frame), uint16(0))
	f.Add([]byte(upgrade+frame+string([]byte{0x82, 0x83, 0, 0, 0, 0, 2, 1, 0})+string([]byte{0x88, 0x82, 0, 0, 0, 0, 3, 0xe8})), uint16(5))
	f.Add([]byte(upgrade+string([]byte{0x02, 0x81, 0, 0, 0, 0, 0xc4, 0x80, 0x82, 0, 0, 0, 0, 1, 0x90})), uint16(1))
	f.Add([]byte(upgrade+string([]byte{0x81, 0x81, 0, 0, 0, 0, 'x', 0x89, 0xfe, 0xff, 0xff})), uint16(100))
	f.Add([]byte(upgrade+string([]byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})), uint16(40))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /quicstep HTTP/1.1\r\nHost: evil.test\r\n\r\n"), uint16(3))
	f.Add([]byte("POST /quicstep HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, piece uint16) {
		if len(b) > 16<<10 {
			return
		}
		synctest.Test(t, func(t *testing.T) { knock(t, b, int(piece)) })
	})
}

// knock sends bytes to a door and checks that nothing of it stays.
func knock(t *testing.T, b []byte, piece int) {
	door := newMemory()
	cfg, err := Config{HTTPListener: door, UpgradeTimeout: time.Second, IdleTimeout: time.Second}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(cfg)
	if l.origins, err = newOrigins(cfg, true); err != nil {
		t.Fatal(err)
	}
	if l.http, err = l.openHTTP(nil); err != nil {
		t.Fatal(err)
	}
	l.http.serve()
	here, there := net.Pipe()
	door.conns <- there
	var work sync.WaitGroup
	work.Go(func() { io.Copy(io.Discard, here) })
	work.Go(func() {
		for len(b) > 0 {
			n := len(b)
			if piece > 0 {
				n = min(n, piece)
			}
			here.SetWriteDeadline(time.Now().Add(5 * time.Second))
			if _, err := here.Write(b[:n]); err != nil {
				return
			}
			b = b[n:]
		}
	})
	stop := make(chan struct{})
	work.Go(func() { use(t, l, stop) })
	time.Sleep(10 * time.Second)
	l.mu.Lock()
	if open := len(l.conns); open != 0 {
		t.Errorf("%d connections are open, after nothing came for so long", open)
	}
	l.mu.Unlock()
	close(stop)
	l.http.close()
	here.Close()
	work.Wait()
	l.work.Wait()
	if places := l.http.listener.open.Load(); places != 0 {
		t.Errorf("%d places are taken by nobody", places)
	}
}

// use reads all of a connection that came in.
func use(t *testing.T, l *Listener, stop <-chan struct{}) {
	var conn *Conn
	select {
	case conn = <-l.queue:
	case <-stop:
		return
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			b, err := conn.ReceiveDatagram(context.Background())
			if err != nil {
				return
			}
			if len(b) == 0 || b[0] > 0x7f {
				t.Errorf("%x is received as a datagram", b)
			}
		}
	})
	control, err := conn.Control(context.Background())
	if err != nil {
		t.Error(err)
		return
	}
	var stream []byte
	for {
		var space [512]byte
		n, err := control.Read(space[:])
		stream = append(stream, space[:n]...)
		if err != nil {
			break
		}
	}
	for len(stream) > 0 {
		var err error
		if _, stream, err = protocol.SplitFrame(stream, protocol.MaxHelloFrame); err != nil && !errors.Is(err, protocol.ErrNeedMore) {
			t.Errorf("what is read of the stream is no frames: %v", err)
		}
		if err != nil {
			break
		}
	}
	conn.Close(protocol.CloseNormal, "")
	work.Wait()
}
