package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/quicstep/quicstep/protocol"
)

const (
	// sessionPath is where WebTransport sessions and WebSockets are opened.
	sessionPath = "/quicstep"
	// headerBytes bounds the headers of a request; a browser's have less than 1 KiB.
	headerBytes = 16 << 10
	// closeLinger is for how long a client may take to see its goodbye, at most, before what carried it is torn down.
	closeLinger = time.Second
)

// webConn is an HTTP/3 connection, which may become one WebTransport session. Until then it keeps its place among the
// handshakes, which bounds how many of its kind there are, and Config.UpgradeTimeout for how long.
type webConn struct {
	l        *Listener
	quic     *quic.Conn
	server   *webtransport.Server
	requests atomic.Int64
	asked    atomic.Bool // for a session, which may come to nothing
	upgraded atomic.Bool
}

// serveWeb serves a connection of HTTP/3 to its end.
func (l *Listener) serveWeb(raw *quic.Conn) {
	defer endHandshake(raw.Context())
	c := &webConn{l: l, quic: raw}
	c.server = &webtransport.Server{
		H3: &http3.Server{Handler: c, MaxHeaderBytes: headerBytes},
		// Safari takes no session without each of these.
		Config: &webtransport.Config{
			MaxIncomingStreams: int64(l.cfg.MaxStreams), MaxIncomingUniStreams: int64(l.cfg.MaxStreams),
			MaxIncomingData: int64(l.cfg.ConnWindowBytes),
		},
		CheckOrigin: func(*http.Request) bool { return true }, // upgrade has done so
	}
	late := time.AfterFunc(l.cfg.UpgradeTimeout, func() { c.giveUp(&l.idle) })
	defer late.Stop()
	defer context.AfterFunc(l.stopping, func() { c.giveUp(nil) })()
	defer l.cfg.Panics.Catch("http", func() {
		raw.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeInternalError), "the server has failed")
	})
	c.server.ServeQUICConn(raw) // its error says how the client has left
	if breaksHTTP3(context.Cause(raw.Context())) {
		l.badFrames.Add(1)
	}
	raw.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
}

// breaksHTTP3 tells that the libraries have closed a connection, for what no client may send. The other codes are webConn's.
func breaksHTTP3(err error) bool {
	closed, ok := errors.AsType[*quic.ApplicationError](err)
	if !ok || closed.Remote {
		return false
	}
	switch http3.ErrCode(closed.ErrorCode) {
	case http3.ErrCodeNoError, http3.ErrCodeExcessiveLoad, http3.ErrCodeInternalError:
		return false
	}
	return true
}

// giveUp closes the connection unless it became a session.
func (c *webConn) giveUp(counter *atomic.Uint64) {
	if c.upgraded.Load() {
		return
	}
	if counter != nil {
		counter.Add(1)
	}
	c.quic.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "no session was opened")
}

// ServeHTTP answers a request over HTTP/3.
func (c *webConn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer c.l.cfg.Panics.Catch("http", func() {
		c.quic.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeInternalError), "the server has failed")
	})
	switch {
	case c.requests.Add(1) > int64(c.l.cfg.MaxRequests):
		c.l.requests.Add(1)
		c.quic.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeExcessiveLoad), "too many requests")
	case r.Method == http.MethodConnect && r.URL.Path == sessionPath:
		c.upgrade(w, r)
	default:
		whatThisIs(w, r)
	}
}

// whatThisIs answers whoever came without knowing.
func whatThisIs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.URL.Path != "/" {
		w.WriteHeader(http.StatusNotFound)
	}
	fmt.Fprintf(w, "This is a quicstep game server. Games are joined by WebTransport or WebSocket at %s, or by QUIC with ALPN %s.\n", sessionPath, protocol.ALPN)
}

func (c *webConn) upgrade(w http.ResponseWriter, r *http.Request) {
	if c.l.RefuseOrigin(w, r) {
		return
	}
	if c.asked.Swap(true) {
		c.l.requests.Add(1)
		http.Error(w, "a connection carries one session: open another one", http.StatusTooManyRequests)
		return
	}
	sess, err := c.server.Upgrade(w, r) // waits for the client's settings
	if err != nil {
		c.asked.Store(false)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.upgraded.Store(true)
	conn, waste := newWebTransport(sess, c.quic)
	// The session's end reaches the client as bytes of a stream, which would go down with the connection.
	c.l.work.Go(func() {
		c.l.untilEnd(conn, waste)
		patience := time.NewTimer(min(closeLinger, max(closeLinger/4, 3*conn.RTT())))
		defer patience.Stop()
		select {
		case <-patience.C:
			c.quic.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
		case <-c.quic.Context().Done():
		}
	})
	if refused := c.l.hand(conn, c.quic.Context()); refused != nil {
		conn.Close(refused.code, refused.reason)
		return
	}
	endHandshake(c.quic.Context())
}

// session carries a connection over a WebTransport session, which is the only one of its QUIC connection.
type session struct {
	raw  *webtransport.Session
	quic *quic.Conn
	used *atomic.Int64 // bytes of datagrams and of the control stream that were read
}

func newWebTransport(raw *webtransport.Session, conn *quic.Conn) (c *Conn, waste func() int64) {
	s := session{raw, conn, new(atomic.Int64)}
	ctx, cancel := context.WithCancelCause(context.Background())
	context.AfterFunc(raw.Context(), func() { cancel(s.why()) })
	return &Conn{door: WebTransport, ctx: ctx, carrier: s, datagrams: s}, s.waste
}

// waste is how many bytes came that nothing was made of, see untilEnd: capsules and streams that the protocol does not have.
// What carries a packet is none.
func (s session) waste() int64 {
	got := s.stats()
	return int64(got.ReceivedBytes) - carriesBytes*int64(got.ReceivedPackets) - s.used.Load()
}

// why is what has ended the session.
func (s session) why() error {
	_, err := s.raw.OpenUniStream()
	if err == nil {
		return net.ErrClosed
	}
	return err
}

func (s session) acceptControl(ctx context.Context) (stream, error) {
	raw, err := s.raw.AcceptStream(ctx)
	if err != nil {
		return nil, fmt.Errorf("wait for the control stream: %w", err)
	}
	return sessionStream{raw, s.used}, nil
}

// Send sends a datagram of the session.
func (s session) Send(datagram []byte) error { return s.raw.SendDatagram(datagram) }

// Receive returns the session's next datagram.
func (s session) Receive(ctx context.Context) ([]byte, error) {
	b, err := s.raw.ReceiveDatagram(ctx)
	s.used.Add(int64(len(b)))
	return b, err
}

func (s session) remoteAddr() net.Addr { return s.quic.RemoteAddr() }

func (s session) stats() ConnStats { return quicStats(s.quic) }

func (s session) close(code protocol.CloseCode, reason string) error {
	return s.raw.CloseWithError(webtransport.SessionErrorCode(code), reason)
}

type sessionStream struct {
	*webtransport.Stream
	used *atomic.Int64 // the session's
}

// Read reads what the client wrote.
func (s sessionStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	s.used.Add(int64(n))
	return n, err
}

func (s sessionStream) end() error {
	s.CancelRead(0)
	return s.Stream.Close()
}
