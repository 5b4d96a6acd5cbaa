package transport_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// dialSocket opens a WebSocket, without a word to the test when that does not work.
func dialSocket(t *testing.T, l *transport.Listener) (*websocket.Conn, error) {
	t.Helper()
	how := pinned(l.Pin())
	how.NextProtos = nil
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: how}}
	t.Cleanup(client.CloseIdleConnections)
	ws, _, err := websocket.Dial(t.Context(), "wss://"+l.Addr().String()+"/quicstep", &websocket.DialOptions{
		HTTPClient: client, Subprotocols: []string{"quicstep.1"},
	})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(-1)
	t.Cleanup(func() { ws.CloseNow() })
	return ws, nil
}

// connectSocket returns both sides of a WebSocket.
func connectSocket(t *testing.T, l *transport.Listener) (*websocket.Conn, *transport.Conn) {
	t.Helper()
	ws, err := dialSocket(t, l)
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ws, server
}

// wantSocketClose reads until the server has closed, and returns its reason.
func wantSocketClose(t *testing.T, ws *websocket.Conn, code protocol.CloseCode) string {
	t.Helper()
	for {
		_, _, err := ws.Read(t.Context())
		if err == nil {
			continue
		}
		var closed websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != 4000+websocket.StatusCode(code) {
			t.Fatalf("the socket ended with %v, want the server's %d", err, 4000+code)
		}
		return closed.Reason
	}
}

func write(t *testing.T, ws *websocket.Conn, message ...byte) {
	t.Helper()
	if err := ws.Write(t.Context(), websocket.MessageBinary, message); err != nil {
		t.Fatal(err)
	}
}

// control is the control stream of a WebSocket, which is there from the beginning.
func control(t *testing.T, c *transport.Conn) *transport.Stream {
	t.Helper()
	s, err := c.Control(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSocketTellsFramesFromDatagrams(t *testing.T) {
	ws, server := connectSocket(t, listen(t, transport.Config{}))
	frames := [][]byte{{0xc4, 2, 'h', 'i'}, {0xc5, 0, 1, '!'}, {0xc6, 0, 0, 0, 0}}
	write(t, ws, 1, 2, 3)
	for _, f := range frames {
		write(t, ws, f...)
	}
	write(t, ws, 0x7f)
	s := control(t, server)
	got := make([]byte, 13)
	if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, bytes.Join(frames, nil)) {
		t.Errorf("the control stream has %x, %v", got, err)
	}
	for _, want := range [][]byte{{1, 2, 3}, {0x7f}} {
		if b, err := server.ReceiveDatagram(t.Context()); err != nil || !bytes.Equal(b, want) {
			t.Errorf("a datagram is %x, %v; want %x", b, err, want)
		}
	}

	if n, err := s.Write(append(protocol.AppendFrame(nil, []byte("one")), protocol.AppendFrame(nil, make([]byte, protocol.MaxFrame))...)); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	if err := server.SendDatagram([]byte{5, 6}); err != nil && !errors.Is(err, transport.ErrBehind) {
		t.Fatal(err)
	}
	for _, want := range []int{5, 5 + protocol.MaxFrame} {
		if _, b, err := ws.Read(t.Context()); err != nil || len(b) != want {
			t.Errorf("a message has %d bytes, %v; want a frame of %d", len(b), err, want)
		}
	}
	if st := server.Stats(); st.ReceivedPackets != 5 || st.ReceivedBytes != 17 || server.Door() != transport.WebSocket {
		t.Errorf("the figures of the %v are %+v", server.Door(), st)
	}
}

func TestSocketMessagesThatAreNothingAreRefused(t *testing.T) {
	l := listen(t, transport.Config{})
	binary, text := websocket.MessageBinary, websocket.MessageText
	for name, c := range map[string]struct {
		kind    websocket.MessageType
		message []byte
		want    protocol.Reject
	}{
		"text":                        {text, []byte{0xc4, 0}, protocol.WrongType},
		"nothing":                     {binary, nil, protocol.Truncated},
		"half a frame":                {binary, []byte{0xc4, 2, 1}, protocol.Truncated},
		"half a header":               {binary, []byte{0xc5, 2}, protocol.Truncated},
		"two frames":                  {binary, []byte{0xc4, 1, 1, 0xc4, 1, 1}, protocol.TrailingBytes},
		"a frame above the bound":     {binary, []byte{0xc5, 0x10, 1}, protocol.Oversized},
		"a long frame":                {binary, protocol.AppendFrame(nil, make([]byte, 1<<16)), protocol.Oversized},
		"a long datagram":             {binary, make([]byte, 1<<20), protocol.Oversized},
		"neither frame nor datagram":  {binary, []byte{0x93, 1, 2}, protocol.WrongType},
		"a long one that is neither":  {binary, bytes.Repeat([]byte{0xff}, 1<<16), protocol.WrongType},
		"a frame, and far too much":   {binary, append([]byte{0xc4, 1, 1}, make([]byte, 1<<16)...), protocol.TrailingBytes},
		"a frame of 4 GB, it says":    {binary, []byte{0xc6, 0xff, 0xff, 0xff, 0xff}, protocol.Oversized},
		"a datagram just above bound": {binary, make([]byte, protocol.MaxHelloFrame+protocol.MaxFrameHeader+1), protocol.Oversized},
	} {
		ws, server := connectSocket(t, l)
		write(t, ws, 0xc4, 1, 9)
		if err := ws.Write(t.Context(), c.kind, c.message); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s := control(t, server)
		before := make([]byte, 3)
		if _, err := io.ReadFull(s, before); err != nil {
			t.Errorf("%s: what came before it can't be read: %v", name, err)
		}
		_, err := s.Read(before)
		if why, ok := protocol.RejectOf(err); !ok || why != c.want {
			t.Errorf("%s: reading it returned %v, want %v", name, err, c.want)
		}
		server.Close(protocol.CloseProtocol, "why")
		wantSocketClose(t, ws, protocol.CloseProtocol)
	}
}

func TestSocketThatIsBehindLosesDatagramsAndGetsTheNewest(t *testing.T) {
	l := listen(t, transport.Config{})
	ws, server := connectSocket(t, l)
	datagram := make([]byte, 1000)
	sent, lost := 0, uint64(0)
	for lost < 100 { // nobody reads: the buffers of both systems fill, then ours
		binary.BigEndian.PutUint32(datagram[1:], uint32(sent))
		switch err := server.SendDatagram(datagram); {
		case err == nil:
			sent++
		case errors.Is(err, transport.ErrBehind):
			lost++
		default:
			t.Fatal(err)
		}
	}
	if got := l.Stats().DatagramsBehind; got != lost {
		t.Errorf("%d datagrams were counted as dropped, want %d", got, lost)
	}
	for n := range sent {
		_, b, err := ws.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := binary.BigEndian.Uint32(b[1:]); int(got) != n {
			t.Fatalf("datagram %d came after %d", got, n-1)
		}
	}
	for datagram[0] = 7; server.SendDatagram(datagram) != nil; { // the last one may not be counted as written yet
	}
	if _, b, err := ws.Read(t.Context()); err != nil || b[0] != 7 {
		t.Errorf("once it is read again, it brings %d bytes, %v", len(b), err)
	}
}

func TestFramesWaitForASocketThatIsBehind(t *testing.T) {
	l := listen(t, transport.Config{})
	ws, server := connectSocket(t, l)
	s := control(t, server)
	frame := protocol.AppendFrame(nil, make([]byte, 60_000))
	s.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	sent, over := 0, false
	for !over {
		n, err := s.Write(bytes.Repeat(frame, 2))
		sent += n
		over = err != nil
		if over && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the write ended with %v, want its deadline", err)
		}
	}
	if sent == 0 || sent%len(frame) != 0 {
		t.Errorf("%d bytes were taken, want some whole frames of %d", sent, len(frame))
	}
	if _, err := s.Write(frame); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a write after the deadline returned %v", err)
	}
	s.SetWriteDeadline(time.Time{})
	written := make(chan error)
	go func() {
		_, err := s.Write(frame)
		written <- err
	}()
	for range sent/len(frame) + 1 {
		if _, b, err := ws.Read(t.Context()); err != nil || len(b) != len(frame) {
			t.Fatalf("a message of %d bytes, %v", len(b), err)
		}
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func TestDeadlinesInterruptASocketsReads(t *testing.T) {
	_, server := connectSocket(t, listen(t, transport.Config{}))
	s := control(t, server)
	read := make(chan error)
	go func() {
		_, err := s.Read(make([]byte, 1))
		read <- err
	}()
	s.SetReadDeadline(time.Unix(1, 0))
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the read returned %v", err)
	}
	s.SetReadDeadline(time.Now().Add(time.Hour))
	s.SetReadDeadline(time.Time{})
	go func() {
		_, err := s.Read(make([]byte, 1))
		read <- err
	}()
	server.Close(protocol.CloseNormal, "")
	if err := <-read; err == nil || errors.Is(err, os.ErrDeadlineExceeded) || transport.EndedByClient(err) {
		t.Errorf("at the connection's end the read returned %v", err)
	}
}

func TestSocketCloses(t *testing.T) {
	l := listen(t, transport.Config{})
	ws, server := connectSocket(t, l)
	server.Close(protocol.CloseRoomClosed, strings.Repeat("é", 100))
	if reason := wantSocketClose(t, ws, protocol.CloseRoomClosed); reason != strings.Repeat("é", 61) {
		t.Errorf("the reason is %q", reason)
	}
	if _, _, ok := transport.PeerClose(context.Cause(server.Context())); ok {
		t.Error("our own close passes for the client's")
	}
	if err := server.SendDatagram([]byte{1}); err == nil || errors.Is(err, transport.ErrBehind) {
		t.Errorf("a datagram after the end returned %v", err)
	}
	if _, err := server.ReceiveDatagram(t.Context()); err == nil {
		t.Error("a datagram was received after the end")
	}

	for name, c := range map[string]struct {
		close func(ws *websocket.Conn)
		code  protocol.CloseCode
		told  bool
	}{
		"normal":       {func(ws *websocket.Conn) { ws.Close(4000, "bye") }, protocol.CloseNormal, true},
		"abandoned":    {func(ws *websocket.Conn) { ws.Close(4010, "bye") }, protocol.CloseAbandoned, true},
		"a plain 1000": {func(ws *websocket.Conn) { ws.Close(1000, "bye") }, protocol.CloseNormal, true},
		"going away":   {func(ws *websocket.Conn) { ws.Close(1001, "bye") }, 0, false},
		"without word": {func(ws *websocket.Conn) { ws.CloseNow() }, 0, false},
	} {
		ws, server := connectSocket(t, l)
		c.close(ws)
		<-server.Context().Done()
		code, reason, told := transport.PeerClose(context.Cause(server.Context()))
		if code != c.code || told != c.told || told && reason != "bye" {
			t.Errorf("%s: the server learns %v, %q, %v", name, code, reason, told)
		}
	}
}

func TestSocketsAreAmongTheConnections(t *testing.T) {
	l := listen(t, transport.Config{MaxConns: 1})
	_, first := connectSocket(t, l)
	second, err := dialSocket(t, l)
	if err != nil {
		t.Fatal(err)
	}
	if reason := wantSocketClose(t, second, protocol.CloseFull); reason != "the server is full" {
		t.Errorf("the reason is %q", reason)
	}
	wantClose(t, dial(t, l), protocol.CloseFull)
	if s := l.Stats(); s.RefusedFull != 2 || s.WebSocket != 1 || s.Open != 1 {
		t.Errorf("the figures are %+v", s)
	}
	first.Close(protocol.CloseNormal, "")
}

func TestSocketMustAskForTheProtocol(t *testing.T) {
	l := listen(t, transport.Config{})
	how := pinned(l.Pin())
	how.NextProtos = nil
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: how}}
	defer client.CloseIdleConnections()
	ws, _, err := websocket.Dial(t.Context(), "wss://"+l.Addr().String()+"/quicstep", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = ws.Read(t.Context())
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation || !strings.Contains(err.Error(), "quicstep.1") {
		t.Errorf("it was answered with %v", err)
	}
}

func TestSocketMeasuresTheRoundTrip(t *testing.T) {
	ws, server := connectSocket(t, listen(t, transport.Config{}))
	go func() {
		for {
			if _, _, err := ws.Read(context.Background()); err != nil {
				return
			}
		}
	}()
	for server.RTT() == 0 {
		if server.Context().Err() != nil {
			t.Fatal(context.Cause(server.Context()))
		}
		runtime.Gosched()
	}
	if s := server.Stats(); s.MinRTT <= 0 || s.LatestRTT < s.MinRTT || s.CongestionWindowBytes == 0 {
		t.Errorf("the path is %+v", s)
	}
}

func TestSilentSocketIsGivenUp(t *testing.T) {
	l := listen(t, transport.Config{IdleTimeout: 100 * time.Millisecond})
	_, server := connectSocket(t, l) // who does not read answers no ping
	<-server.Context().Done()
	if _, _, told := transport.PeerClose(context.Cause(server.Context())); told {
		t.Error("silence passes for the client's word")
	}
}

// tcpTo opens a TCP connection to the HTTP door, which ends with the test.
func tcpTo(t *testing.T, l *transport.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
