package attack

import (
	"bytes"
	"context"

	"github.com/coder/websocket"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/admin"
)

// charges are values that a careless msgpack decoder dies of.
var charges = [][]byte{
	{0xdd, 0xff, 0xff, 0xff, 0xff},                          // an array of 4,294,967,295
	{0xdf, 0xff, 0xff, 0xff, 0xff},                          // a map of as many
	{0xc6, 0xff, 0xff, 0xff, 0xff},                          // 4 GB of bytes
	{0xdb, 0xff, 0xff, 0xff, 0xff},                          // 4 GB of text
	{0xc9, 0xff, 0xff, 0xff, 0xff, 1},                       // an extension of 4 GB
	bytes.Repeat([]byte{0xdc, 0xff, 0xff}, 360),             // 360 nested arrays of 65,535
	bytes.Repeat([]byte{0x91}, 1150),                        // arrays in arrays
	bytes.Repeat([]byte{0x81, 0xa1, 0x61}, 370),             // maps in maps
	append([]byte{0xdc, 0x0f, 0xff}, make([]byte, 1100)...), // more elements than it has
}

// bombs lays such values before every door: in a hello and behind one, in datagrams, in WebSocket messages, in streams and
// datagrams of WebTransport, at the admin door.
var bombs = Attack{
	Name: "bombs", Says: "msgpack that claims to be gigabytes, or thousands of arrays deep, at every door",
	PerSecond: 400, Unit: "bombs",
	Counters: []string{"rejected.wrong_type", "rejected.too_many_elements", "rejected.truncated", `quicstep_admin_refused_total{cause="none"}`},
	run: func(ctx context.Context, a *Attacker) error {
		a.crowd(ctx, 24, func(ctx context.Context) error {
			charge := charges[a.draw(len(charges))]
			switch a.draw(6) {
			case 0:
				return a.bombAdmin(ctx, charge)
			case 1:
				return a.bombSocket(ctx, charge)
			case 2:
				return a.bombSession(ctx, charge)
			case 3:
				return a.bombHello(ctx, charge)
			}
			return a.bombPlayer(ctx, charge)
		})
		return nil
	},
}

// within is a message of some kind whose fields are a bomb.
func within(kind protocol.Kind, charge []byte) []byte {
	return protocol.AppendFrame(nil, append([]byte{0x9a, byte(kind)}, charge...))
}

func (a *Attacker) bombHello(ctx context.Context, charge []byte) error {
	p, err := a.dial(ctx, how{})
	if err != nil {
		return err
	}
	defer p.close()
	// A hello of a later version's form, with one more field.
	hello, err := rawHello(a, "x", 1)
	if err != nil {
		return err
	}
	if err := p.write(protocol.AppendFrame(nil, append(append([]byte{0x9a}, hello[1:]...), charge...))); err != nil {
		return err
	}
	_, err = p.read() // the goodbye
	return err
}

func (a *Attacker) bombPlayer(ctx context.Context, charge []byte) error {
	p, err := a.join(ctx, how{}, protocol.Hello{})
	if err != nil {
		return err
	}
	defer p.close()
	good := a.input(p, p.tick()+3, 1)
	for at := range len(good) {
		b := append(bytes.Clone(good[:at]), charge...)
		if err := p.SendDatagram(b[:min(len(b), protocol.MaxDatagram)]); err != nil {
			return err
		}
	}
	if err := p.write(within(protocol.KindRequest, charge)); err != nil {
		return err
	}
	_, err = p.read()
	return err
}

func (a *Attacker) bombAdmin(ctx context.Context, charge []byte) error {
	p, err := a.dial(ctx, how{to: a.Target.Admin, alpn: admin.ALPN})
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.write(protocol.AppendFrame(nil, append([]byte{0x83, 0xa7}, charge...))); err != nil {
		return err
	}
	_, err = p.read()
	if p.Context().Err() != nil {
		return nil // closed, with the reason
	}
	return err
}

func (a *Attacker) bombSocket(ctx context.Context, charge []byte) error {
	ws, err := a.webSocket(ctx, nil)
	if err != nil {
		return err
	}
	defer ws.CloseNow()
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageBinary, within(protocol.KindHello, charge)); err != nil {
		return err
	}
	ws.Read(ctx) // the goodbye
	return nil
}

func (a *Attacker) bombSession(ctx context.Context, charge []byte) error {
	s, err := a.webSession(ctx, nil)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.SendDatagram(charge[:min(len(charge), 1000)]); err != nil {
		return err
	}
	stream, err := s.OpenStream()
	if err != nil {
		return err
	}
	_, err = stream.Write(within(protocol.KindHello, charge))
	return err
}
