package attack

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
)

// The bounds of an attacker's patience.
const (
	dialTimeout  = 3 * time.Second
	replyTimeout = 3 * time.Second
)

// careless is the TLS of who does not care whom it attacks.
func careless(alpn string) *tls.Config {
	return &tls.Config{NextProtos: []string{alpn}, InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519}}
}

// player is a connection of native QUIC, which may have joined.
type player struct {
	*quic.Conn
	socket    *Socket
	transport *quic.Transport
	control   *quic.Stream
	welcome   protocol.Welcome
	joined    time.Time
}

// how is how a player connects.
type how struct {
	to      string // the server unless given
	alpn    string // the game's unless given
	windows uint64 // of flow control, in bytes; zero: the usual ones
}

// dial connects, and says nothing.
func (a *Attacker) dial(ctx context.Context, h how) (*player, error) {
	if h.to == "" {
		h.to = a.Target.Addr
	}
	if h.alpn == "" {
		h.alpn = protocol.ALPN
	}
	to, err := net.ResolveUDPAddr("udp4", h.to)
	if err != nil {
		return nil, err
	}
	socket, err := a.Net.Listen()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	tr := &quic.Transport{Conn: socket}
	conn, err := tr.Dial(ctx, to, careless(h.alpn), &quic.Config{
		EnableDatagrams: true, EnableStreamResetPartialDelivery: true, InitialPacketSize: 1390, // more than the protocol allows
		InitialStreamReceiveWindow: h.windows, MaxStreamReceiveWindow: h.windows,
		InitialConnectionReceiveWindow: h.windows, MaxConnectionReceiveWindow: h.windows,
	})
	if err != nil {
		tr.Close()
		socket.Close()
		return nil, err
	}
	return &player{Conn: conn, socket: socket, transport: tr}, nil
}

// close says goodbye to the server's QUIC, and to nobody else.
func (p *player) close() {
	p.CloseWithError(0, "")
	p.transport.Close()
	p.socket.Close()
}

// vanish goes without a word.
func (p *player) vanish() {
	p.socket.Close()
	p.transport.Close()
}

// write writes on the control stream.
func (p *player) write(b []byte) error {
	if p.control == nil {
		var err error
		if p.control, err = p.OpenStream(); err != nil {
			return err
		}
	}
	p.control.SetWriteDeadline(time.Now().Add(replyTimeout))
	_, err := p.control.Write(b)
	return err
}

// say writes a message that an Append function of package protocol has made.
func (p *player) say(message []byte, err error) error {
	if err != nil {
		return err
	}
	return p.write(protocol.AppendFrame(nil, message))
}

// read reads the server's next message.
func (p *player) read() ([]byte, error) {
	p.control.SetReadDeadline(time.Now().Add(replyTimeout))
	head := make([]byte, 0, protocol.MaxFrameHeader)
	for {
		_, size, err := protocol.ParseFrameHeader(head)
		if err == nil {
			message := make([]byte, size)
			_, err = io.ReadFull(p.control, message)
			return message, err
		}
		if !errors.Is(err, protocol.ErrNeedMore) {
			return nil, err
		}
		head = head[:len(head)+1]
		if _, err := io.ReadFull(p.control, head[len(head)-1:]); err != nil {
			return nil, err
		}
	}
}

// errRefused is the server's goodbye in place of a welcome.
var errRefused = errors.New("refused")

// hello says hello, and waits for the welcome.
func (a *Attacker) hello(p *player, h protocol.Hello) error {
	h.Game, h.SchemaHash = a.schema.Game, a.schema.Hash()
	if err := p.say(protocol.AppendHello(nil, h)); err != nil {
		return err
	}
	message, err := p.read()
	if err != nil {
		return err
	}
	if bye, err := protocol.ParseGoodbye(message); err == nil {
		return fmt.Errorf("%w: %v", errRefused, bye.Code)
	}
	p.welcome, err = protocol.ParseWelcome(message)
	p.joined = time.Now()
	return err
}

// join connects and joins.
func (a *Attacker) join(ctx context.Context, way how, h protocol.Hello) (*player, error) {
	p, err := a.dial(ctx, way)
	if err != nil {
		return nil, err
	}
	if err := a.hello(p, h); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// tick is about the room's.
func (p *player) tick() uint64 {
	return p.welcome.Tick + uint64(time.Since(p.joined)/p.welcome.TickPeriod)
}

// input is an input datagram of a player for a tick, good if the tick is.
func (a *Attacker) input(p *player, tick uint64, count int) []byte {
	in := protocol.Input{Epoch: p.welcome.Epoch, Tick: tick, Count: count}
	for i := range count {
		in.Inputs[i] = a.steer
	}
	return protocol.AppendInput(nil, &in)
}

// playing has n players join, again whenever they are thrown out, and do something as often as the attack's rate says.
func (a *Attacker) playing(ctx context.Context, n int, do func(p *player) error) error {
	slots := make(chan *player, n)
	for range n {
		slots <- nil
	}
	a.crowd(ctx, n, func(ctx context.Context) error {
		p := <-slots
		defer func() { slots <- p }()
		if p == nil || p.Context().Err() != nil {
			if p != nil {
				p.close()
			}
			var err error
			if p, err = a.join(ctx, how{}, protocol.Hello{}); err != nil {
				wait(ctx, 100*time.Millisecond)
				return err
			}
		}
		return do(p)
	})
	for range n {
		if p := <-slots; p != nil {
			p.close()
		}
	}
	return nil
}

// damaged is a copy with some bytes changed.
func (a *Attacker) damaged(b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + a.draw(4) {
		if len(b) > 0 {
			b[a.draw(len(b))] ^= byte(1 << a.draw(8))
		}
	}
	return b
}
