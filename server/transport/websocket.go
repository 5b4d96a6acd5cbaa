package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/plain"
	"github.com/quicstep/quicstep/server/contain"
)

const (
	// subprotocol is what a WebSocket must ask for.
	subprotocol = "quicstep.1"
	// socketCodes is added to a close code to make a WebSocket's.
	socketCodes = 4000
	// socketReason is the most bytes of a reason that a WebSocket's close frame takes.
	socketReason = 123
	// pingEvery is how often a WebSocket's round trip is measured.
	pingEvery = 2 * time.Second
	// socketWindow stands in for TCP's congestion window, which is not known.
	socketWindow = 64 << 10
)

// errClosedHere is the cause of a WebSocket's end that this side has brought about.
var errClosedHere = errors.New("this side has closed the connection")

// errBroken is the cause when one of its goroutines has panicked.
var errBroken = errors.New("the server has failed in the connection")

// errSilent is the cause when nothing was heard of the client for too long.
var errSilent = errors.New("nothing was heard of the client for too long")

// socket carries a connection over a WebSocket. A message is a frame of the control stream or a datagram, which its first
// byte tells (docs/protocol.md §2).
type socket struct {
	ws     *websocket.Conn
	conn   net.Conn // below it
	idle   time.Duration
	ctx    context.Context
	cancel context.CancelCauseFunc
	end    websocket.CloseError // how this side closes; set by whoever cancels with errClosedHere, before
	ending sync.Once
	out    outgoing
	in     incoming
	began  time.Time

	heard                          atomic.Int64 // when something came last, in nanoseconds from began
	least, latest, smooth          atomic.Int64 // round trip times in nanoseconds
	sent, sentBytes, got, gotBytes atomic.Uint64
	behind, dropped, broken        *atomic.Uint64 // the listener's
	panics                         *contain.Panics
}

func (l *Listener) newWebSocket(ws *websocket.Conn, conn net.Conn) (*Conn, *socket) {
	s := &socket{
		ws: ws, conn: conn, idle: l.cfg.IdleTimeout, began: time.Now(), panics: l.cfg.Panics,
		behind: &l.behind, dropped: &l.dropped, broken: &l.badFrames,
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.out = newOutgoing(s.ctx)
	s.in = newIncoming(s.ctx, l.cfg.StreamWindowBytes)
	ws.SetReadLimit(-1) // read bounds a message itself, and answers in the protocol's own words
	return &Conn{door: WebSocket, ctx: s.ctx, carrier: s, datagrams: s}, s
}

// run moves messages until the connection's end, for which untilEnd waits, tells the client of it, and returns when all is
// gone.
func (s *socket) run(untilEnd func(waste func() int64)) {
	var work sync.WaitGroup
	for _, part := range []func(){s.read, s.write, s.watch} {
		work.Go(func() {
			defer s.panics.Catch("websocket", func() { s.lost(errBroken) })
			part()
		})
	}
	untilEnd(s.waste)
	s.conn.SetDeadline(time.Now().Add(closeLinger)) // bounds all that follows
	if s.end.Code != 0 {
		s.ws.Close(s.end.Code, s.end.Reason)
	}
	s.ws.CloseNow()
	work.Wait()
}

func (s *socket) acceptControl(context.Context) (stream, error) { return socketStream{s}, nil }

// Send queues a datagram, unless the socket is behind: what waits there would only grow old.
func (s *socket) Send(datagram []byte) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if !s.out.datagram(datagram) {
		s.behind.Add(1)
		return ErrBehind
	}
	return nil
}

// Receive returns the next datagram.
func (s *socket) Receive(ctx context.Context) ([]byte, error) {
	select {
	case b := <-s.in.datagrams:
		return b, nil
	case <-s.ctx.Done():
		return nil, context.Cause(s.ctx)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *socket) remoteAddr() net.Addr { return s.conn.RemoteAddr() }

func (s *socket) stats() ConnStats {
	return ConnStats{
		MinRTT: time.Duration(s.least.Load()), LatestRTT: time.Duration(s.latest.Load()), SmoothedRTT: time.Duration(s.smooth.Load()),
		CongestionWindowBytes: socketWindow,
		SentBytes:             s.sentBytes.Load(), SentPackets: s.sent.Load(),
		ReceivedBytes: s.gotBytes.Load(), ReceivedPackets: s.got.Load(),
	}
}

func (s *socket) close(code protocol.CloseCode, reason string) error {
	s.ending.Do(func() {
		s.end = websocket.CloseError{Code: socketCodes + websocket.StatusCode(code), Reason: plain.Clean(reason, socketReason)}
		s.cancel(errClosedHere)
	})
	return nil
}

// lost ends the connection without a word.
func (s *socket) lost(cause error) { s.ending.Do(func() { s.cancel(cause) }) }

// read takes messages until the connection ends. What can't be one is told to whoever reads the control stream, and what
// follows it is passed over.
func (s *socket) read() {
	var message [protocol.MaxHelloFrame + protocol.MaxFrameHeader + 1]byte
	refused := false
	for {
		kind, r, err := s.ws.Reader(context.Background())
		if err != nil {
			s.readEnded(err)
			return
		}
		n, err := io.ReadFull(r, message[:])
		long := err == nil
		if !long && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			s.readEnded(err)
			return
		}
		s.heard.Store(int64(time.Since(s.began)))
		s.got.Add(1)
		s.gotBytes.Add(uint64(n))
		if !refused {
			refused = !s.take(kind, message[:n], long)
		}
		if !long {
			continue
		}
		// The end of such a message may never come: it is refused already.
		if _, err := io.Copy(io.Discard, r); err != nil {
			s.readEnded(err)
			return
		}
	}
}

// readEnded ends the connection for what reading it has returned.
func (s *socket) readEnded(err error) {
	if breaksRules(err) {
		s.broken.Add(1)
	}
	s.lost(err)
}

// breaksRules tells that a WebSocket ended by what none may send, and not by its network or its goodbye: the library has no
// other mark of it.
func breaksRules(err error) bool {
	for _, other := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, other) {
			return false
		}
	}
	_, network := errors.AsType[net.Error](err)
	return !network && websocket.CloseStatus(err) == -1
}

// waste is how many bytes came that are no messages, see untilEnd. What carries a message is none.
func (s *socket) waste() int64 {
	counted := countedBelow(s.conn)
	if counted == nil {
		return 0
	}
	return int64(counted.got.Load()) - int64(s.gotBytes.Load()) - carriesBytes*int64(s.got.Load())
}

// take takes one message. It returns false when it can't be one.
func (s *socket) take(kind websocket.MessageType, message []byte, long bool) bool {
	isDatagram, err := kindOf(kind, message, long)
	switch {
	case err != nil:
		s.in.refuse(err)
		return false
	case !isDatagram:
		s.in.frame(message)
	case !s.in.datagram(message):
		s.dropped.Add(1)
	}
	return true
}

// kindOf tells whether a message is a datagram, otherwise it is one whole frame.
func kindOf(kind websocket.MessageType, message []byte, long bool) (isDatagram bool, err error) {
	reject := func(why protocol.Reject, detail string) (bool, error) {
		return false, &protocol.RejectError{Reject: why, Detail: detail}
	}
	switch {
	case kind != websocket.MessageBinary:
		return reject(protocol.WrongType, "a text message: send binary ones")
	case len(message) == 0:
		return reject(protocol.Truncated, "an empty message: send a frame or a datagram")
	case message[0] <= 0x7f && !long:
		return true, nil
	case message[0] <= 0x7f:
		return reject(protocol.Oversized, "a datagram that no path would carry")
	}
	_, rest, err := protocol.SplitFrame(message, protocol.MaxHelloFrame)
	switch {
	case errors.Is(err, protocol.ErrNeedMore):
		return reject(protocol.Truncated, "a message with a part of a frame: send each frame as one message")
	case err != nil:
		return false, err
	case len(rest) > 0:
		return reject(protocol.TrailingBytes, "bytes behind a message's frame: send each frame as one message")
	}
	return false, nil
}

// write writes what waits until the connection ends.
func (s *socket) write() {
	for {
		messages, sizes, ok := s.out.take()
		if !ok {
			return
		}
		for _, size := range sizes {
			n := max(size, -size)
			if err := s.ws.Write(context.Background(), websocket.MessageBinary, messages[:n]); err != nil {
				s.lost(err)
				return
			}
			messages = messages[n:]
			s.out.written(size)
			s.sent.Add(1)
			s.sentBytes.Add(uint64(n))
		}
	}
}

// watch measures the round trip now and then, and ends a connection that is silent for too long.
func (s *socket) watch() {
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-again.C:
		}
		// A ping behind others would measure them, and one that can't be written ends the connection.
		if s.out.idle() {
			s.ping()
		}
		if time.Since(s.began)-time.Duration(s.heard.Load()) > s.idle {
			s.lost(errSilent)
			return
		}
		again.Reset(pingEvery)
	}
}

func (s *socket) ping() {
	ctx, cancel := context.WithTimeout(context.Background(), s.idle) // the end of another would tear the socket down in mid-word
	defer cancel()
	began := time.Now()
	if s.ws.Ping(ctx) != nil {
		return // the silence tells
	}
	s.heard.Store(int64(time.Since(s.began)))
	took := int64(time.Since(began))
	s.latest.Store(took)
	if least := s.least.Load(); least == 0 || took < least {
		s.least.Store(took)
	}
	smooth := s.smooth.Load()
	if smooth == 0 {
		smooth = took
	}
	s.smooth.Store(smooth + (took-smooth)/8)
}
