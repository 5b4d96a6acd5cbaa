package transport_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// bareSession is a WebTransport session whose client writes HTTP/3 byte by byte.
type bareSession struct {
	raw     *quic.Conn
	connect *quic.Stream // the session's request
	server  *transport.Conn
}

// openBareSession opens one with what a browser sends at the least.
func openBareSession(t *testing.T, l *transport.Listener, dialer *quic.Transport) *bareSession {
	t.Helper()
	raw, err := dialer.Dial(t.Context(), l.Addr(), overHTTP3(l), browserConfig())
	if err != nil {
		t.Fatal(err)
	}
	settings, err := raw.OpenUniStream()
	if err != nil {
		t.Fatal(err)
	}
	settings.Write([]byte{0x00, 0x04, 4, 0x33, 1, 0x08, 1})
	connect, err := raw.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	block := []byte{0, 0}
	for _, field := range [][2]string{
		{":method", "CONNECT"}, {":protocol", "webtransport"}, {":scheme", "https"}, {":authority", "game.test"}, {":path", "/quicstep"},
	} {
		block = appendField(block, field[0], field[1])
	}
	connect.Write(append([]byte{1, 0x40, byte(len(block))}, block...))
	server, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() { // as a server reads it
		for {
			if _, err := server.ReceiveDatagram(context.Background()); err != nil {
				return
			}
		}
	}()
	return &bareSession{raw, connect, server}
}

// play sends a datagram of the session.
func (s *bareSession) play() { s.raw.SendDatagram([]byte{byte(s.connect.StreamID() / 4), 1, 2, 3}) }

// capsule is one in a frame of its own. Length is what it says, at least what is there.
func capsule(kind, length uint64, value []byte) []byte {
	b := quicvarint.Append(nil, kind)
	b = append(quicvarint.Append(b, max(length, uint64(len(value)))), value...)
	return append(quicvarint.Append([]byte{0}, uint64(len(b))), b...)
}

const endless = 1<<62 - 1

// TestCapsulesWithoutEndAreShownOut, and so is what else HTTP/3 lets a client send for ever: nobody has a use for it.
func TestCapsulesWithoutEndAreShownOut(t *testing.T) {
	cert := testCertificate(t)
	value := make([]byte, 200)
	for name, c := range map[string]struct{ first, again []byte }{
		"unknown capsules":              {nil, bytes.Repeat(capsule(0x3f, 0, nil), 40)},
		"a capsule without end":         {capsule(0x3f, endless, nil), append([]byte{0, 0x40, 200}, value...)},
		"capsules of datagrams":         {nil, capsule(0, 0, value)},
		"a goodbye without end":         {capsule(0x2843, endless, make([]byte, 2000)), append([]byte{0, 0x40, 200}, value...)},
		"says that it would open more":  {nil, capsule(0x190b4d43, 0, []byte{1})},
		"empty frames":                  {nil, make([]byte, 200)},
		"unknown frames":                {nil, append([]byte{0x21, 0x40, 200}, value...)},
		"an unknown frame of gigabytes": {quicvarint.Append([]byte{0x21}, endless), value},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, dialer, _ := virtual(t, cert, transport.Config{})
			honest, hostile := openBareSession(t, l, dialer), openBareSession(t, l, dialer)
			said := make(chan []byte, 1)
			go func() {
				all, _ := io.ReadAll(hostile.connect)
				said <- all
			}()
			hostile.connect.Write(c.first)
			piece := bytes.Repeat(c.again, 1+4000/len(c.again))
			began := time.Now()
			for hostile.server.Context().Err() == nil && time.Since(began) < 20*time.Second {
				if _, err := hostile.connect.Write(piece); err != nil {
					break
				}
				honest.play()
				time.Sleep(100 * time.Millisecond)
			}
			<-hostile.server.Context().Done()
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s: shown out after %v", name, took)
			}
			goodbye := []byte{0x68, 0x43, 4 + 52, 0, 0, 0, byte(protocol.CloseAbuse)}
			if got := <-said; !bytes.Contains(got, goodbye) {
				t.Errorf("%s: the client is told %x, want %x", name, got, goodbye)
			}
			if s := l.Stats(); s.Wasteful != 1 || honest.server.Context().Err() != nil {
				t.Errorf("%s: the figures are %+v; the honest client's session has ended with %v", name, s, context.Cause(honest.server.Context()))
			}
			<-hostile.raw.Context().Done() // it goes, too
		})
	}
}

// TestWhoPlaysBySessionIsNotWasteful: the largest datagrams, 100 a second, and as much on the control stream.
func TestWhoPlaysBySessionIsNotWasteful(t *testing.T) {
	cert := testCertificate(t)
	synctest.Test(t, func(t *testing.T) {
		l, dialer, _ := virtual(t, cert, transport.Config{})
		s := openBareSession(t, l, dialer)
		stream, err := s.raw.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		stream.Write([]byte{0x40, 0x41, byte(s.connect.StreamID())})
		go io.Copy(io.Discard, control(t, s.server))
		for range 600 {
			s.raw.SendDatagram(make([]byte, 1100))
			stream.Write(make([]byte, 1000))
			time.Sleep(10 * time.Millisecond)
		}
		if n := l.Stats().Wasteful; n != 0 || s.server.Context().Err() != nil {
			t.Errorf("%d were shown out; it ended with %v", n, context.Cause(s.server.Context()))
		}
	})
}

// TestWhatHTTP3ForbidsEndsTheSession, and no other one. What the session forbids ends it; what the connection does, is
// counted, too.
func TestWhatHTTP3ForbidsEndsTheSession(t *testing.T) {
	cert := testCertificate(t)
	onRequest := func(b ...byte) func(s *bareSession) { return func(s *bareSession) { s.connect.Write(b) } }
	onStream := func(b ...byte) func(s *bareSession) {
		return func(s *bareSession) {
			stream, _ := s.raw.OpenStream()
			stream.Write(b)
		}
	}
	onUniStream := func(b ...byte) func(s *bareSession) {
		return func(s *bareSession) {
			stream, _ := s.raw.OpenUniStream()
			stream.Write(b)
		}
	}
	for name, c := range map[string]struct {
		do      func(s *bareSession)
		counted uint64
	}{
		"a capsule of HTTP/2":            {onRequest(capsule(0x190b4d3e, 0, []byte{1, 1})...), 0},
		"more streams than there can be": {onRequest(capsule(0x190b4d3f, 0, quicvarint.Append(nil, 1<<61))...), 0},
		"bytes behind a capsule's":       {onRequest(capsule(0x190b4d3d, 0, []byte{1, 1})...), 0},
		"half a capsule": {func(s *bareSession) {
			s.connect.Write(capsule(0x3f, 100, nil))
			s.connect.Close()
		}, 0},
		"trailers that are nothing": {onRequest(0x01, 3, 0xff, 0xff, 0xff), 0},
		"settings in the session":   {onRequest(0x04, 0), 1},
		"a stream that is a push":   {onUniStream(0x01, 0), 1},
		"a second control stream":   {onUniStream(0x00, 0x04, 0), 1},
		"a request without headers": {onStream(0x00, 3, 1, 2, 3), 1},
		"a session that can't be":   {onStream(0x40, 0x41, 3), 1},
		"a datagram of no session":  {func(s *bareSession) { s.raw.SendDatagram(quicvarint.Append(nil, endless)) }, 1},
		"half a datagram":           {func(s *bareSession) { s.raw.SendDatagram([]byte{0xff}) }, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, dialer, _ := virtual(t, cert, transport.Config{})
			honest, hostile := openBareSession(t, l, dialer), openBareSession(t, l, dialer)
			c.do(hostile)
			<-hostile.server.Context().Done()
			<-hostile.raw.Context().Done()
			synctest.Wait()
			if _, _, told := transport.PeerClose(context.Cause(hostile.server.Context())); told {
				t.Errorf("%s passes for the client's goodbye", name)
			}
			if s := l.Stats(); s.BadFrames != c.counted || s.Wasteful != 0 || honest.server.Context().Err() != nil {
				t.Errorf("%s: the figures are %+v; it ended with %v", name, s, context.Cause(hostile.server.Context()))
			}
			for _, end := range []func(){func() { honest.raw.CloseWithError(0x10c, "") }, func() { openBareSession(t, l, dialer).connect.Close() }} {
				end()
				time.Sleep(time.Second)
				if n := l.Stats().BadFrames; n != c.counted {
					t.Errorf("%s: a client that goes counts as one that breaks the rules", name)
				}
			}
		})
	}
}

// TestStreamsOfTheWrongKindTakeNothing: a client can open few of them, and who fills them with what nobody reads is shown
// out.
func TestStreamsOfTheWrongKindTakeNothing(t *testing.T) {
	cert := testCertificate(t)
	const ofSession, uniOfSession, unknown = 0x41, 0x54, 0x21
	for name, c := range map[string]struct {
		kind    uint64
		session uint64 // to add to the session's own
		uni     bool
		out     uint64 // clients who are shown out for filling them
	}{
		"streams of the session":          {ofSession, 0, false, 1},
		"one-way streams of the session":  {uniOfSession, 0, true, 1},
		"streams of no session":           {ofSession, 400, false, 1},
		"one-way streams of no session":   {uniOfSession, 400, true, 1},
		"one-way streams of unknown kind": {unknown, 0, true, 0}, // the client is told to stop
	} {
		open := func(s *bareSession) (stream interface {
			io.WriteCloser
			CancelWrite(quic.StreamErrorCode)
		}, err error) {
			if c.uni {
				stream, err = s.raw.OpenUniStream()
			} else {
				stream, err = s.raw.OpenStream()
			}
			if err == nil {
				stream.Write(quicvarint.Append(quicvarint.Append(nil, c.kind), uint64(s.connect.StreamID())+c.session))
			}
			return stream, err
		}
		synctest.Test(t, func(t *testing.T) {
			l, dialer, _ := virtual(t, cert, transport.Config{})
			honest, hostile := openBareSession(t, l, dialer), openBareSession(t, l, dialer)
			controlOf := func(s *bareSession) *transport.Stream {
				stream, _ := s.raw.OpenStream()
				stream.Write(append(quicvarint.Append(quicvarint.Append(nil, ofSession), uint64(s.connect.StreamID())), "control"...))
				return control(t, s.server)
			}
			read := make([]byte, 7)
			if _, err := io.ReadFull(controlOf(hostile), read); err != nil || string(read) != "control" {
				t.Fatalf("%s: the control stream has %q, %v", name, read, err)
			}
			playOn := func(players ...*bareSession) {
				for range 25 {
					for _, p := range players {
						p.play()
					}
					time.Sleep(200 * time.Millisecond)
				}
			}
			opened := 0
			for stream, err := open(hostile); err == nil && opened < 100; stream, err = open(hostile) {
				stream.CancelWrite(1)
				opened++
				playOn(honest, hostile)
			}
			if opened > 8 || hostile.server.Context().Err() != nil {
				t.Errorf("%s: %d were opened and given up; the session has ended with %v", name, opened, context.Cause(hostile.server.Context()))
			}

			full := openBareSession(t, l, dialer)
			for stream, err := open(full); err == nil; stream, err = open(full) {
				go stream.Write(make([]byte, 1<<20))
			}
			playOn(honest, full)
			if s := l.Stats(); s.Wasteful != c.out || (full.server.Context().Err() != nil) != (c.out == 1) || honest.server.Context().Err() != nil {
				t.Errorf("%s: the figures are %+v; the honest client's session has ended with %v", name, s, context.Cause(honest.server.Context()))
			}
		})
	}
}
