package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"slices"
	"testing"

	"github.com/coder/websocket"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/webtransport-go"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// caller is a client of the protocol's bytes that came in by one of the doors.
type caller interface {
	write(frame []byte) error
	read() ([]byte, error) // the next message of the control stream
	send(datagram []byte) error
	receive() ([]byte, error) // the next datagram
	leave(code protocol.CloseCode, reason string)
	closed() (protocol.CloseCode, string) // waits for the server's close
}

// doors open each a way in.
var doors = map[transport.Door]func(t *testing.T, s *running) caller{
	transport.Native: func(t *testing.T, s *running) caller { return &nativeCaller{s.dial(t)} },
	transport.WebTransport: func(t *testing.T, s *running) caller {
		c, _, err := dialWebTransport(t, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	},
	transport.WebSocket: func(t *testing.T, s *running) caller {
		c, _, err := dialWebSocket(t, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	},
}

// everyDoor runs a test by each of them.
func everyDoor(t *testing.T, run func(t *testing.T, door transport.Door)) {
	t.Helper()
	for door := range transport.Door(len(doors)) {
		t.Run(door.String(), func(t *testing.T) { run(t, door) })
	}
}

type nativeCaller struct{ *rawConn }

func (c *nativeCaller) write(frame []byte) error {
	c.rawConn.write(frame, false)
	return nil
}

func (c *nativeCaller) read() ([]byte, error)    { return c.rawConn.read(), nil }
func (c *nativeCaller) send(b []byte) error      { return c.SendDatagram(b) }
func (c *nativeCaller) receive() ([]byte, error) { return c.ReceiveDatagram(c.t.Context()) }

func (c *nativeCaller) leave(code protocol.CloseCode, reason string) {
	c.CloseWithError(quic.ApplicationErrorCode(code), reason)
}

func (c *nativeCaller) closed() (protocol.CloseCode, string) {
	<-c.Context().Done()
	code, reason, _ := transport.PeerClose(context.Cause(c.Context()))
	return code, reason
}

// sessionCaller came by WebTransport.
type sessionCaller struct {
	t       *testing.T
	session *webtransport.Session
	control *webtransport.Stream
}

func dialWebTransport(t *testing.T, s *running, header http.Header) (*sessionCaller, *http.Response, error) {
	t.Helper()
	how := pinned(s.Pin())
	how.NextProtos = []string{"h3"}
	// A connection of its own, which outlives the session like a browser's: otherwise the close might not be sent.
	raw, err := quic.DialAddr(t.Context(), s.Addr().String(), how, &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.CloseWithError(0, "") })
	tr := &webtransport.Transport{Config: &webtransport.Config{MaxIncomingStreams: 1, MaxIncomingUniStreams: 1, MaxIncomingData: 1 << 20}}
	t.Cleanup(func() { tr.Close() })
	conn, err := tr.NewClientConn(raw)
	if err != nil {
		t.Fatal(err)
	}
	response, session, err := conn.Dial(t.Context(), "https://"+s.Addr().String()+"/quicstep", header)
	return &sessionCaller{t: t, session: session}, response, err
}

func (c *sessionCaller) write(frame []byte) (err error) {
	if c.control == nil {
		if c.control, err = c.session.OpenStream(); err != nil {
			return err
		}
	}
	_, err = c.control.Write(frame)
	return err
}

func (c *sessionCaller) read() ([]byte, error) { return readFrame(c.control) }

func readFrame(from io.Reader) ([]byte, error) {
	head := make([]byte, 0, protocol.MaxFrameHeader)
	for {
		_, size, err := protocol.ParseFrameHeader(head)
		if err == nil {
			message := make([]byte, size)
			_, err = io.ReadFull(from, message)
			return message, err
		}
		if !errors.Is(err, protocol.ErrNeedMore) {
			return nil, err
		}
		head = head[:len(head)+1]
		if _, err := io.ReadFull(from, head[len(head)-1:]); err != nil {
			return nil, err
		}
	}
}

func (c *sessionCaller) send(b []byte) error      { return c.session.SendDatagram(b) }
func (c *sessionCaller) receive() ([]byte, error) { return c.session.ReceiveDatagram(c.t.Context()) }

func (c *sessionCaller) leave(code protocol.CloseCode, reason string) {
	c.session.CloseWithError(webtransport.SessionErrorCode(code), reason)
}

func (c *sessionCaller) closed() (protocol.CloseCode, string) {
	<-c.session.Context().Done()
	_, err := c.session.OpenUniStream()
	code, reason, ok := transport.PeerClose(err)
	if !ok {
		c.t.Errorf("the session ended with %v, want the server's close", err)
	}
	return code, reason
}

// socketCaller came by WebSocket.
type socketCaller struct {
	t                *testing.T
	ws               *websocket.Conn
	frames, datagram [][]byte // that came before somebody asked for them
	err              error
}

func dialWebSocket(t *testing.T, s *running, header http.Header) (*socketCaller, *http.Response, error) {
	t.Helper()
	how := pinned(s.Pin())
	how.NextProtos = nil
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: how}}
	t.Cleanup(client.CloseIdleConnections)
	ws, response, err := websocket.Dial(t.Context(), "wss://"+s.Addr().String()+"/quicstep", &websocket.DialOptions{
		HTTPClient: client, HTTPHeader: header, Subprotocols: []string{"quicstep.1"},
	})
	if err != nil {
		return nil, response, err
	}
	t.Cleanup(func() { ws.CloseNow() })
	ws.SetReadLimit(-1)
	return &socketCaller{t: t, ws: ws}, response, nil
}

func (c *socketCaller) write(frame []byte) error {
	return c.ws.Write(c.t.Context(), websocket.MessageBinary, frame)
}

func (c *socketCaller) send(b []byte) error { return c.write(b) }

// next takes one message.
func (c *socketCaller) next() error {
	kind, b, err := c.ws.Read(c.t.Context())
	switch {
	case err != nil:
		c.err = err
	case kind != websocket.MessageBinary || len(b) == 0:
		c.t.Errorf("a message of type %v and %d bytes", kind, len(b))
	case b[0] <= 0x7f:
		c.datagram = append(c.datagram, b)
	default:
		message, rest, err := protocol.SplitFrame(b, protocol.MaxFrame)
		if err != nil || len(rest) > 0 {
			c.t.Errorf("a message is not one frame: %v, %d bytes more", err, len(rest))
		}
		c.frames = append(c.frames, message)
	}
	return c.err
}

func (c *socketCaller) take(of *[][]byte) ([]byte, error) {
	for len(*of) == 0 {
		if err := c.next(); err != nil {
			return nil, err
		}
	}
	first := (*of)[0]
	*of = (*of)[1:]
	return first, nil
}

func (c *socketCaller) read() ([]byte, error)    { return c.take(&c.frames) }
func (c *socketCaller) receive() ([]byte, error) { return c.take(&c.datagram) }

func (c *socketCaller) leave(code protocol.CloseCode, reason string) {
	c.ws.Close(4000+websocket.StatusCode(code), reason)
}

func (c *socketCaller) closed() (protocol.CloseCode, string) {
	for c.err == nil {
		c.next()
	}
	var closed websocket.CloseError
	if !errors.As(c.err, &closed) || closed.Code < 4000 {
		c.t.Errorf("the socket ended with %v, want the server's close", c.err)
	}
	return protocol.CloseCode(closed.Code - 4000), closed.Reason
}

// guest plays by the bytes, like any client that is written from docs/protocol.md.
type guest struct {
	caller
	t       *testing.T
	welcome protocol.Welcome
	replica *replica.Replica
}

// enter says hello by a door and reads the welcome.
func enter(t *testing.T, s *running, door transport.Door, g *arena) *guest {
	t.Helper()
	c := &guest{caller: doors[door](t, s), t: t}
	c.hello(helloOf(t, g))
	sch, err := world.SchemaOf(g)
	if err != nil {
		t.Fatal(err)
	}
	c.replica, err = replica.New(sch, replica.Config{
		Epoch: c.welcome.Epoch, Tick: c.welcome.Tick, Sequence: c.welcome.NextSequence, Age: c.welcome.AgeMax, EventTicks: c.welcome.EventTicks,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// hello says it and reads the welcome.
func (c *guest) hello(message []byte) {
	c.t.Helper()
	err := c.write(protocol.AppendFrame(nil, message))
	if err == nil {
		message, err = c.read()
	}
	if err == nil {
		c.welcome, err = protocol.ParseWelcome(message)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// step takes one datagram, and answers it with an acknowledgement and an input for some ticks later.
func (c *guest) step(g *arena, in stride) {
	c.t.Helper()
	b, err := c.receive()
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.replica.Apply(b); err != nil {
		c.t.Fatal(err)
	}
	row, err := g.AppendInput(nil, in)
	if err != nil {
		c.t.Fatal(err)
	}
	out := protocol.Input{Tick: c.replica.Tick() + 10, Count: 1}
	out.Inputs[0] = row
	c.replica.Ack(&out)
	if err := c.send(protocol.AppendInput(nil, &out)); err != nil {
		c.t.Fatal(err)
	}
}

// goodbye reads messages up to the server's goodbye.
func (c *guest) goodbye() protocol.Goodbye {
	c.t.Helper()
	for {
		message, err := c.read()
		if err != nil {
			c.t.Fatal(err)
		}
		if kind, _ := protocol.KindOf(message); kind == protocol.KindGoodbye {
			bye, err := protocol.ParseGoodbye(message)
			if err != nil {
				c.t.Fatal(err)
			}
			return bye
		}
	}
}

func TestTheSameProtocolByEachDoor(t *testing.T) {
	everyDoor(t, func(t *testing.T, door transport.Door) {
		g := quietArena()
		s := serve(t, server.Config{Games: []world.Game{g}})
		c := enter(t, s, door, g)
		for n := 0; n < 200; n++ {
			c.step(g, stride{DX: 1})
		}
		own := 0
		for _, row := range c.replica.All(0) {
			if row.Class == schema.Own {
				own++
			}
		}
		if own != 1 {
			t.Errorf("the client has %d units of its own, want 1", own)
		}
		st := s.Stats()
		if st.Applied < 100 || st.Diverged != 0 || st.Datagrams < 200 {
			t.Errorf("of 200 inputs %d were applied, %d rows diverged, %d datagrams were sent", st.Applied, st.Diverged, st.Datagrams)
		}
		st.Rejected[protocol.InputTooOld] = 0 // on a machine that is busy
		if got := counts(server.Stats{}, st); len(got) > 0 {
			t.Errorf("the server refused %v", got)
		}
		tr := st.Transport
		if got, want := []int{tr.Native, tr.WebTransport, tr.WebSocket}, make([]int, 3); tr.Open != 1 {
			t.Errorf("%d connections are open, want one", tr.Open)
		} else if want[door] = 1; !slices.Equal(got, want) {
			t.Errorf("the open connections by door are %v, want %v", got, want)
		}
		c.leave(protocol.CloseNormal, "done")
		for g.left.Load() != int32(world.Left) {
			runtime.Gosched()
		}
	})
}

func TestEachDoorTellsTheEnd(t *testing.T) {
	everyDoor(t, func(t *testing.T, door transport.Door) {
		g := quietArena()
		s := serve(t, server.Config{Games: []world.Game{g}})
		c := enter(t, s, door, g)
		c.step(g, stride{})
		go s.cancel()
		if bye := c.goodbye(); bye.Code != protocol.CloseShutdown {
			t.Errorf("the goodbye says %v, want shutdown", bye.Code)
		}
		if code, reason := c.closed(); code != protocol.CloseShutdown || reason == "" {
			t.Errorf("the close says %v (%q), want shutdown and why", code, reason)
		}
		s.stop(t)
	})
}

func TestPagesOfOtherOriginsAreRefused(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}, Origins: []string{"https://play.example.com"}})
	addr := s.Addr().String()
	refused := uint64(0)
	for origin, want := range map[string]bool{
		"":                              true,
		"https://play.example.com":      true,
		"https://" + addr:               true,
		"http://localhost:5173":         true,
		"http://127.0.0.1:80":           true,
		"https://example.com":           false,
		"https://evil.play.example.com": false,
		"http://play.example.com":       false,
		"https://play.example.com:444":  false,
		"http://localhost.example.com":  false,
		"null":                          false,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		_, r1, err1 := dialWebTransport(t, s, header)
		_, r2, err2 := dialWebSocket(t, s, header)
		for _, got := range []struct {
			door     string
			response *http.Response
			err      error
		}{{"webtransport", r1, err1}, {"websocket", r2, err2}} {
			if (got.err == nil) != want {
				t.Errorf("%s: a page of %q got %v, want in: %v", got.door, origin, got.err, want)
			}
			if got.err != nil && (got.response == nil || got.response.StatusCode != http.StatusForbidden) {
				t.Errorf("%s: a page of %q was not told that it is forbidden: %v", got.door, origin, got.response)
			}
			if !want {
				refused++
			}
		}
	}
	if got := s.Stats().Transport.RefusedOrigins; got != refused {
		t.Errorf("%d origins were refused, want %d", got, refused)
	}
}
