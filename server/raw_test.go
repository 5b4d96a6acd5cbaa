package server_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/world"
)

// rawConn is a client that sends any bytes.
type rawConn struct {
	*quic.Conn
	t         *testing.T
	control   *quic.Stream
	transport *quic.Transport
}

// pinned accepts exactly the certificate with this pin.
func pinned(pin [sha256.Size]byte) *tls.Config {
	return &tls.Config{
		NextProtos:         []string{protocol.ALPN},
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if sha256.Sum256(state.PeerCertificates[0].Raw) != pin {
				return errors.New("not the pinned certificate")
			}
			return nil
		},
	}
}

func dialRaw(t *testing.T, socket net.PacketConn, addr net.Addr, pin [sha256.Size]byte) *rawConn {
	t.Helper()
	tr := &quic.Transport{Conn: socket}
	// The first packets are this large so that datagrams may be larger than the protocol allows.
	conn, err := tr.Dial(t.Context(), addr, pinned(pin), &quic.Config{EnableDatagrams: true, InitialPacketSize: 1390})
	if err != nil {
		t.Fatal(err)
	}
	c := &rawConn{Conn: conn, t: t, transport: tr}
	t.Cleanup(c.close)
	return c
}

func (c *rawConn) close() {
	c.CloseWithError(0, "")
	c.transport.Close()
}

func (s *simulation) dial(socket net.PacketConn) *rawConn {
	s.t.Helper()
	return dialRaw(s.t, socket, serverAddr, s.server.Pin())
}

// dial connects to a server on a real socket.
func (r *running) dial(t *testing.T) *rawConn {
	t.Helper()
	return dialRaw(t, listenPacket(t), r.Addr(), r.Pin())
}

// write sends bytes on the control stream; end also ends the stream.
func (c *rawConn) write(b []byte, end bool) {
	c.t.Helper()
	if c.control == nil {
		var err error
		if c.control, err = c.OpenStream(); err != nil {
			c.t.Fatal(err)
		}
	}
	if _, err := c.control.Write(b); err != nil {
		c.t.Fatal(err)
	}
	if end {
		c.control.Close()
	}
}

// hello joins properly and returns the welcome.
func (c *rawConn) hello(g world.Game) protocol.Welcome {
	c.t.Helper()
	c.write(protocol.AppendFrame(nil, helloOf(c.t, g)), false)
	w, err := protocol.ParseWelcome(c.read())
	if err != nil {
		c.t.Fatal(err)
	}
	return w
}

func helloOf(t *testing.T, g world.Game) []byte {
	t.Helper()
	s, err := world.SchemaOf(g)
	if err != nil {
		t.Fatal(err)
	}
	hello, err := protocol.AppendHello(nil, protocol.Hello{Game: s.Game, SchemaHash: s.Hash()})
	if err != nil {
		t.Fatal(err)
	}
	return hello
}

// read reads one message of the server's.
func (c *rawConn) read() []byte {
	c.t.Helper()
	message, err := c.tryRead()
	if err != nil {
		c.t.Fatalf("read a message: %v", err)
	}
	return message
}

// tryRead is read, for who may be shown out without a word.
func (c *rawConn) tryRead() ([]byte, error) {
	head := make([]byte, 0, protocol.MaxFrameHeader)
	for {
		_, size, err := protocol.ParseFrameHeader(head)
		if err == nil {
			message := make([]byte, size)
			_, err := io.ReadFull(c.control, message)
			return message, err
		}
		if !errors.Is(err, protocol.ErrNeedMore) {
			return nil, err
		}
		head = head[:len(head)+1]
		if _, err := io.ReadFull(c.control, head[len(head)-1:]); err != nil {
			return nil, err
		}
	}
}

// goodbye reads the server's goodbye.
func (c *rawConn) goodbye() protocol.Goodbye {
	c.t.Helper()
	bye, err := protocol.ParseGoodbye(c.read())
	if err != nil {
		c.t.Fatal(err)
	}
	return bye
}

// wantClosed waits until the server has closed the connection with a code, and returns its reason.
func (c *rawConn) wantClosed(code protocol.CloseCode) string {
	c.t.Helper()
	<-c.Context().Done()
	var closed *quic.ApplicationError
	if !errors.As(context.Cause(c.Context()), &closed) || !closed.Remote || protocol.CloseCode(closed.ErrorCode) != code {
		c.t.Errorf("the connection ended with %v, want the server's %v", context.Cause(c.Context()), code)
		return ""
	}
	return closed.ErrorMessage
}
