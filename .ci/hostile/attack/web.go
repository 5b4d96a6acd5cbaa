package attack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/quicstep/quicstep/protocol"
)

// errEnough is noted when as many are open as the attacker wants.
var errEnough = errors.New("as many as it wants are open")

// webSocket opens a WebSocket to the game; with some of an upgrade's headers, if given.
func (a *Attacker) webSocket(ctx context.Context, header http.Header) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, to string) (net.Conn, error) { return a.Net.Dial(ctx, to) },
	}}
	ws, _, err := websocket.Dial(ctx, "ws://"+a.Target.Addr+"/quicstep", &websocket.DialOptions{
		HTTPClient: client, HTTPHeader: header, Subprotocols: []string{"quicstep.1"}, CompressionMode: websocket.CompressionContextTakeover,
	})
	return ws, err
}

// webSockets does to the TCP port what can be done there: upgrades without end, headers that never end, pages of other
// origins, other host names, messages that are too long, in thousands of fragments, of no type, compressed though nothing
// was agreed, and requests for pages.
var webSockets = Attack{
	Name: "websocket", Says: "upgrades without end, headers a byte at a time, other origins, endless and compressed messages, thousands of fragments",
	PerSecond: 400, Unit: "connections", Counters: []string{"transport.refused_origins", "rejected.oversized", "rejected.wrong_type"},
	run: func(ctx context.Context, a *Attacker) error {
		a.crowd(ctx, 32, func(ctx context.Context) error {
			switch a.draw(6) {
			case 0:
				return a.slowloris(ctx)
			case 1:
				ws, err := a.webSocket(ctx, http.Header{"Origin": {"https://elsewhere.example"}})
				if err == nil {
					ws.CloseNow()
					return errors.New("a page of another origin came in")
				}
				return nil
			case 2:
				return a.rawRequest(ctx, "GET /../../etc/passwd HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n")
			}
			return a.badSocket(ctx)
		})
		return nil
	},
}

// slowloris begins a request, and goes on by a byte now and then.
func (a *Attacker) slowloris(ctx context.Context) error {
	conn, err := a.Net.Dial(ctx, a.Target.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.Write([]byte("GET /quicstep HTTP/1.1\r\nHost: " + a.Target.Addr + "\r\nX-Slow: "))
	for range 20 {
		if !wait(ctx, 100*time.Millisecond) {
			break
		}
		if _, err := conn.Write([]byte("a")); err != nil {
			return nil
		}
	}
	return nil
}

// rawRequest sends a request as it is, and reads what comes.
func (a *Attacker) rawRequest(ctx context.Context, text string) error {
	conn, err := a.Net.Dial(ctx, a.Target.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(replyTimeout))
	if _, err := conn.Write([]byte(text)); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 512))
	return err
}

// badSocket opens a WebSocket and misuses it.
func (a *Attacker) badSocket(ctx context.Context) error {
	ws, err := a.webSocket(ctx, nil)
	if err != nil {
		return err
	}
	defer ws.CloseNow()
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	hello, err := rawHello(a, "", 1)
	if err != nil {
		return err
	}
	switch a.draw(4) {
	case 0:
		err = ws.Write(ctx, websocket.MessageBinary, append([]byte{0xc5, 0xff, 0xff}, make([]byte, 1<<18)...))
	case 1:
		err = ws.Write(ctx, websocket.MessageText, []byte("hello"))
	case 2: // in fragments of a byte
		w, werr := ws.Writer(ctx, websocket.MessageBinary)
		for _, b := range protocol.AppendFrame(nil, hello) {
			if werr != nil {
				return werr
			}
			_, werr = w.Write([]byte{b})
		}
		err = w.Close()
	case 3: // datagrams without end
		if err = ws.Write(ctx, websocket.MessageBinary, protocol.AppendFrame(nil, hello)); err == nil {
			for range 500 {
				if err = ws.Write(ctx, websocket.MessageBinary, []byte{2, 0, 0, 0, 0}); err != nil {
					break
				}
			}
		}
	}
	if err == nil {
		ws.Read(ctx) // what the server says to it
	}
	return err
}

// webSession is a WebTransport session on a connection of its own.
type webSession struct {
	*webtransport.Session
	player *player
	over   *webtransport.Transport
}

func (s *webSession) close() {
	s.CloseWithError(0, "")
	s.over.Close()
	s.player.close()
}

// webSession opens a WebTransport session; with some headers, if given.
func (a *Attacker) webSession(ctx context.Context, header http.Header) (*webSession, error) {
	p, err := a.dial(ctx, how{alpn: http3.NextProtoH3})
	if err != nil {
		return nil, err
	}
	over := &webtransport.Transport{}
	conn, err := over.NewClientConn(p.Conn)
	if err != nil {
		p.close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	answer, s, err := conn.Dial(ctx, "https://"+a.Target.Addr+"/quicstep", header)
	if err != nil {
		p.close()
		if answer != nil {
			err = fmt.Errorf("the server answers %d", answer.StatusCode)
		}
		return nil, err
	}
	return &webSession{s, p, over}, nil
}

// webTransport does the same to HTTP/3: sessions without end, two on a connection, other origins, connections without a
// session, requests without end, streams and datagrams that belong to none.
var webTransport = Attack{
	Name: "webtransport", Says: "sessions without end, of other origins, without a hello; HTTP/3 without a session, requests without end",
	PerSecond: 200, Unit: "connections", Counters: []string{"transport.refused_origins", "transport.refused_requests"},
	run: func(ctx context.Context, a *Attacker) error {
		a.crowd(ctx, 24, func(ctx context.Context) error {
			switch a.draw(4) {
			case 0:
				s, err := a.webSession(ctx, http.Header{"Origin": {"https://elsewhere.example"}})
				if err == nil {
					s.close()
					return errors.New("a page of another origin came in")
				}
				return nil
			case 1:
				return a.manyRequests(ctx)
			case 2:
				return a.strayStreams(ctx)
			}
			s, err := a.webSession(ctx, nil)
			if err != nil {
				return err
			}
			defer s.close()
			for range 100 {
				if err := s.SendDatagram(a.fill(make([]byte, 1+a.draw(200)))); err != nil {
					return err
				}
			}
			stream, err := s.OpenStream()
			if err == nil {
				_, err = stream.Write(a.fill(make([]byte, 4000)))
			}
			return err
		})
		return nil
	},
}

// manyRequests asks for pages over HTTP/3 until the server has enough.
func (a *Attacker) manyRequests(ctx context.Context) error {
	p, err := a.dial(ctx, how{alpn: http3.NextProtoH3})
	if err != nil {
		return err
	}
	defer p.close()
	over := &http3.Transport{}
	defer over.Close()
	conn := over.NewClientConn(p.Conn)
	for range 40 {
		ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+a.Target.Addr+"/", nil)
		if err != nil {
			return err
		}
		answer, err := conn.RoundTrip(ask)
		if err != nil {
			return nil // it has enough
		}
		answer.Body.Close()
	}
	return errors.New("the server answers without end")
}

// strayStreams opens streams and sends datagrams of sessions that are not there.
func (a *Attacker) strayStreams(ctx context.Context) error {
	p, err := a.dial(ctx, how{alpn: http3.NextProtoH3})
	if err != nil {
		return err
	}
	defer p.close()
	for n := range 4 {
		s, err := p.OpenStream()
		if err != nil {
			return err
		}
		s.Write([]byte{0x40, 0x41, byte(4 * n), 1, 2, 3}) // WebTransport's stream type, and a session's number
		if err := p.SendDatagram([]byte{byte(n), 1, 2, 3}); err != nil {
			return err
		}
	}
	return nil
}
