package transport

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/protocol"
)

// openMemory opens the HTTP door of a listener that has no other, for the bubble.
func openMemory(t *testing.T) (*Listener, *memory) {
	t.Helper()
	door := newMemory()
	cfg, err := Config{HTTPListener: door}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(cfg)
	if l.origins, err = newOrigins(cfg, true); err != nil {
		t.Fatal(err)
	}
	if l.certs, err = newCertificates(Config{CacheDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	if l.http, err = l.openHTTP(nil); err != nil {
		t.Fatal(err)
	}
	l.http.serve()
	t.Cleanup(func() {
		l.http.close()
		l.work.Wait()
	})
	return l, door
}

// bare is a WebSocket whose client writes its frames byte by byte.
type bare struct {
	net.Conn
	server *Conn
	said   chan []byte // all that the server has sent, once the connection has ended
}

func openBare(t *testing.T, l *Listener, door *memory) *bare {
	t.Helper()
	here, there := net.Pipe()
	door.conns <- there
	go io.WriteString(here, upgrade)
	r := bufio.NewReader(here)
	response, err := http.ReadResponse(r, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the upgrade is answered with %v, %v", response, err)
	}
	b := &bare{Conn: here, server: <-l.queue, said: make(chan []byte, 1)}
	go func() {
		all, _ := io.ReadAll(r)
		b.said <- all
	}()
	go func() { // as a server reads it
		for {
			if _, err := b.server.ReceiveDatagram(context.Background()); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { here.Close() })
	return b
}

// closeCode is the code of the close frame with which the server's bytes end; 0 when there is none.
func closeCode(said []byte) (code uint16) {
	for len(said) > 2 {
		n := int(said[1]) // none is longer than 125 here
		if said[0] == 0x88 && n >= 2 {
			code = binary.BigEndian.Uint16(said[2:])
		}
		said = said[min(len(said), 2+n):]
	}
	return code
}

// frameOf is a client's frame, masked with zeros.
func frameOf(first byte, payload ...byte) []byte {
	return append([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
}

// TestWhoSendsNoMessagesIsShownOut: none of these is bounded by WebSocket's own rules, and none of them ends by itself.
func TestWhoSendsNoMessagesIsShownOut(t *testing.T) {
	fragmented := bytes.Repeat(frameOf(0x00, 1), 3000)
	for name, c := range map[string]struct{ first, again []byte }{
		"pings":                  {nil, frameOf(0x89)},
		"long pings":             {nil, frameOf(0x89, make([]byte, 125)...)},
		"pongs":                  {nil, frameOf(0x8a)},
		"long pongs":             {nil, frameOf(0x8a, make([]byte, 125)...)},
		"empty fragments":        {frameOf(0x02, 1), frameOf(0x00)},
		"messages in fragments":  {nil, append(append(frameOf(0x02, 1), fragmented...), frameOf(0x80, 1)...)},
		"pings between messages": {nil, append(frameOf(0x82, 1), bytes.Repeat(frameOf(0x89), 50)...)},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, door := openMemory(t)
			honest, hostile := openBare(t, l, door), openBare(t, l, door)
			hostile.Write(c.first)
			piece := bytes.Repeat(c.again, 1+4_000/len(c.again))
			began := time.Now()
			for hostile.server.ctx.Err() == nil && time.Since(began) < time.Minute {
				if _, err := hostile.Write(piece); err != nil {
					break
				}
				honest.Write(frameOf(0x82, 1, 2, 3))
				time.Sleep(50 * time.Millisecond)
			}
			<-hostile.server.ctx.Done()
			if took := time.Since(began); took > 2*wasteEvery {
				t.Errorf("%s: shown out after %v", name, took)
			}
			if code := closeCode(<-hostile.said); code != socketCodes+uint16(protocol.CloseAbuse) {
				t.Errorf("%s: the client is told %d, want abuse", name, code)
			}
			if s := l.Stats(); s.Wasteful != 1 || s.BadFrames != 0 || honest.server.ctx.Err() != nil {
				t.Errorf("%s: the figures are %+v; the honest client's connection has ended with %v", name, s, context.Cause(honest.server.ctx))
			}
			honest.server.Close(protocol.CloseNormal, "")
		})
	}
}

// TestWhoPlaysIsNotWasteful: 240 messages a second, a ping of a proxy's now and then, and a burst after a stall.
func TestWhoPlaysIsNotWasteful(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, door := openMemory(t)
		c := openBare(t, l, door)
		for n := range 20 * 240 {
			c.Write(frameOf(0x82, make([]byte, 60)...))
			if n%2400 == 0 {
				c.Write(bytes.Repeat(frameOf(0x82, 1), 12_000))
			}
			if n%240 == 0 {
				c.Write(frameOf(0x89, 'p'))
				c.Write(frameOf(0x8a))
			}
			time.Sleep(time.Second / 240)
		}
		if s := l.Stats(); s.Wasteful != 0 || c.server.ctx.Err() != nil {
			t.Errorf("the figures are %+v, it ended with %v", s, context.Cause(c.server.ctx))
		}
		c.server.Close(protocol.CloseNormal, "")
	})
}

// TestAMessageWithoutEndIsRefused as soon as it is too long, and does not wait for its end.
func TestAMessageWithoutEndIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, door := openMemory(t)
		c := openBare(t, l, door)
		control, err := c.server.Control(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c.Write(frameOf(0x02, 1))
			for c.server.ctx.Err() == nil {
				if _, err := c.Write(bytes.Repeat(frameOf(0x00, 0), 100)); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		_, err = control.Read(make([]byte, 1))
		if why, ok := protocol.RejectOf(err); !ok || why != protocol.Oversized {
			t.Errorf("reading it returned %v, want oversized", err)
		}
		c.server.Close(protocol.CloseProtocol, "too long")
		if code := closeCode(<-c.said); code != socketCodes+uint16(protocol.CloseProtocol) {
			t.Errorf("the client is told %d", code)
		}
	})
}

// TestFramesThatMayNotBeEndTheirSocket, which is counted, and no other one.
func TestFramesThatMayNotBeEndTheirSocket(t *testing.T) {
	for name, frame := range map[string][]byte{
		"not masked":                     {0x82, 1, 7},
		"a ping that is not masked":      {0x89, 0},
		"a ping that is too long":        append([]byte{0x89, 0xfe, 0, 126, 0, 0, 0, 0}, make([]byte, 126)...),
		"a ping in fragments":            frameOf(0x09),
		"bits that mean nothing":         frameOf(0xf2, 1),
		"an unknown kind":                frameOf(0x83, 1),
		"an unknown kind of control":     frameOf(0x8b),
		"the rest of nothing":            frameOf(0x80, 1),
		"a message within another":       append(frameOf(0x02, 1), frameOf(0x82, 1)...),
		"less than nothing":              {0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
		"half a code to close with":      frameOf(0x88, 3),
		"a code that none may send":      frameOf(0x88, 0x03, 0xed),
		"a code that is none":            frameOf(0x88, 0, 0, 'x'),
		"a close that is not masked":     {0x88, 2, 3, 0xe8},
		"a close of more than a control": append([]byte{0x88, 0xfe, 0xff, 0xff, 0, 0, 0, 0}, make([]byte, 200)...),
	} {
		synctest.Test(t, func(t *testing.T) {
			l, door := openMemory(t)
			honest, hostile := openBare(t, l, door), openBare(t, l, door)
			hostile.Write(frame)
			<-hostile.said
			<-hostile.server.ctx.Done()
			if _, _, told := PeerClose(context.Cause(hostile.server.ctx)); told {
				t.Errorf("%s passes for the client's goodbye", name)
			}
			if s := l.Stats(); s.BadFrames != 1 || s.Wasteful != 0 || honest.server.ctx.Err() != nil {
				t.Errorf("%s: the figures are %+v; it ended with %v", name, s, context.Cause(hostile.server.ctx))
			}
			honest.Close() // without a word, which breaks no rule
			<-honest.server.ctx.Done()
			if n := l.Stats().BadFrames; n != 1 {
				t.Errorf("%s: a lost connection counts as one that breaks the rules", name)
			}
		})
	}
}
