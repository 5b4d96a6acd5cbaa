package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/webtransport-go"

	"github.com/quicstep/quicstep/protocol"
)

const (
	// socketCodes is added to a close code to make a WebSocket's (docs/protocol.md §2).
	socketCodes = 4000
	// linger is how long a close may take to be sent.
	linger = 200 * time.Millisecond
)

// openWay opens one of the doors for browsers, by chance.
func (b *bot) openWay(ctx context.Context) (way, error) {
	if b.chance.IntN(2) == 0 {
		return dialSocket(ctx, b.run.server.addr)
	}
	return dialWebTransport(ctx, b.run.server.addr, b.run.server.pin, b.address)
}

// socketWay is a WebSocket.
type socketWay struct {
	ws   *websocket.Conn
	tcp  *net.TCPConn // below it
	pool *http.Transport
}

func dialSocket(ctx context.Context, addr string) (way, error) {
	w := &socketWay{}
	w.pool = &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, addr)
		if err == nil {
			w.tcp = conn.(*net.TCPConn)
		}
		return conn, err
	}}
	var err error
	w.ws, _, err = websocket.Dial(ctx, "ws://"+addr+"/quicstep", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: w.pool}, Subprotocols: []string{"quicstep.1"},
	})
	if err != nil {
		w.pool.CloseIdleConnections()
		return nil, fmt.Errorf("open a WebSocket: %w", err)
	}
	w.ws.SetReadLimit(-1)
	return w, nil
}

func (w *socketWay) write(frame []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), joinTimeout)
	defer cancel()
	return w.ws.Write(ctx, websocket.MessageBinary, frame)
}

func (w *socketWay) send(datagram []byte) error { return w.write(datagram) }

func (w *socketWay) read(frame, datagram func([]byte)) error {
	for {
		_, b, err := w.ws.Read(context.Background())
		switch {
		case err != nil:
			return err
		case len(b) > 0 && b[0] <= 0x7f:
			datagram(b)
		default:
			message, _, err := protocol.SplitFrame(b, protocol.MaxFrame)
			if err != nil {
				return err
			}
			frame(message)
		}
	}
}

// cut does nothing: who does not read a TCP connection is a slow reader, and that is another act.
func (w *socketWay) cut(bool) {}

func (w *socketWay) close(code protocol.CloseCode) {
	w.ws.Close(socketCodes+websocket.StatusCode(code), "")
	w.pool.CloseIdleConnections()
}

// kill resets the connection.
func (w *socketWay) kill() {
	w.tcp.SetLinger(0)
	w.tcp.Close()
	w.ws.CloseNow()
	w.pool.CloseIdleConnections()
}

// sessionWay is a WebTransport session.
type sessionWay struct {
	line    *line
	quic    *quic.Transport
	conn    *quic.Conn
	dialer  *webtransport.Transport
	session *webtransport.Session
	control *webtransport.Stream
	writing sync.Mutex // held while a frame is written
}

// pinned accepts exactly the certificate with this pin.
func pinned(pin [sha256.Size]byte) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"h3"},
		// The certificate is checked against the pin in place of the authorities; nothing goes unchecked.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if sha256.Sum256(state.PeerCertificates[0].Raw) != pin {
				return errors.New("not the pinned certificate")
			}
			return nil
		},
	}
}

func dialWebTransport(ctx context.Context, addr string, pin [sha256.Size]byte, address int) (_ way, err error) {
	w := &sessionWay{}
	if w.line, err = openLine(address); err != nil {
		return nil, err
	}
	w.quic = &quic.Transport{Conn: w.line}
	defer func() {
		if err != nil {
			w.free()
			err = fmt.Errorf("open WebTransport: %w", err)
		}
	}()
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	cfg := &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true, InitialPacketSize: 1232}
	if w.conn, err = w.quic.Dial(ctx, to, pinned(pin), cfg); err != nil {
		return nil, err
	}
	w.dialer = &webtransport.Transport{Config: &webtransport.Config{MaxIncomingStreams: 1, MaxIncomingUniStreams: 1, MaxIncomingData: 1 << 20}}
	client, err := w.dialer.NewClientConn(w.conn)
	if err != nil {
		return nil, err
	}
	if _, w.session, err = client.Dial(ctx, "https://"+addr+"/quicstep", nil); err != nil {
		return nil, err
	}
	w.control, err = w.session.OpenStreamSync(ctx)
	return w, err
}

func (w *sessionWay) write(frame []byte) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	w.control.SetWriteDeadline(time.Now().Add(joinTimeout))
	_, err := w.control.Write(frame)
	return err
}

func (w *sessionWay) send(datagram []byte) error { return w.session.SendDatagram(datagram) }

func (w *sessionWay) read(frame, datagram func([]byte)) error {
	var datagrams sync.WaitGroup
	defer datagrams.Wait()
	datagrams.Go(func() {
		for {
			b, err := w.session.ReceiveDatagram(w.session.Context())
			if err != nil {
				return
			}
			datagram(b)
		}
	})
	err := readFrames(bufio.NewReader(w.control), frame)
	<-w.session.Context().Done() // the stream's end alone is not the session's
	if _, closed := w.session.OpenUniStream(); closed != nil {
		err = closed // which says why
	}
	return err
}

// readFrames hands over the messages of a control stream until it ends.
func readFrames(from io.Reader, take func([]byte)) error {
	var in []byte
	buf := make([]byte, 4<<10)
	for {
		message, rest, err := protocol.SplitFrame(in, protocol.MaxFrame)
		switch {
		case err == nil:
			take(message)
			in = rest
			continue
		case !errors.Is(err, protocol.ErrNeedMore):
			return err
		}
		n, err := from.Read(buf)
		in = append(in, buf[:n]...)
		if err != nil {
			return err
		}
	}
}

func (w *sessionWay) cut(dark bool) { w.line.cut(dark) }

func (w *sessionWay) close(code protocol.CloseCode) {
	w.session.CloseWithError(webtransport.SessionErrorCode(code), "")
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-w.conn.Context().Done():
	case <-timer.C: // until the close is sent
	}
	w.free()
}

func (w *sessionWay) kill() {
	w.line.cut(true)
	w.free()
}

// free gives back everything that was opened.
func (w *sessionWay) free() {
	if w.session != nil {
		w.session.CloseWithError(0, "")
	}
	if w.dialer != nil {
		w.dialer.Close()
	}
	if w.conn != nil {
		w.conn.CloseWithError(0, "")
	}
	w.quic.Close()
	w.line.Close()
}
