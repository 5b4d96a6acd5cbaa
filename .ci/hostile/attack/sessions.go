package attack

import (
	"context"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// inputs sends inputs at a hundred times the tick rate, eight in each datagram.
var inputs = Attack{
	Name: "inputs", Says: "inputs at 100 times the tick rate, from 3 players",
	PerSecond: 3 * 100 * 30, Unit: "datagrams", Counters: []string{"rejected.too_many_inputs", `quicstep_conduct_total{limit="datagrams",step="drop"}`},
	run: func(ctx context.Context, a *Attacker) error {
		return a.playing(ctx, 3, func(p *player) error {
			return p.SendDatagram(a.input(p, p.tick()+uint64(2+a.draw(8)), protocol.InputsPerDatagram))
		})
	},
}

// acks acknowledges what it was never sent: far ahead, just ahead, everything at once, nothing at all for ever, and epochs that
// are not there yet.
var acks = Attack{
	Name: "acks", Says: "acknowledgements of what was never sent, of everything, of nothing, of other epochs",
	PerSecond: 2000, Unit: "datagrams", Counters: []string{"rejected.ack_never_sent", "stale_acks", `quicstep_conduct_total{limit="forged_acks",step="drop"}`},
	run: func(ctx context.Context, a *Attacker) error {
		return a.playing(ctx, 10, func(p *player) error {
			in := protocol.Input{Epoch: p.welcome.Epoch, HasAck: true, Newest: uint64(a.draw(1 << 14))}
			switch a.draw(4) {
			case 0:
				in.Newest = 0
			case 1:
				in.Missing = ^uint64(0)
			case 2:
				in.Epoch = uint8(a.draw(protocol.MaxEpoch))
			}
			return p.SendDatagram(protocol.AppendInput(nil, &in))
		})
	},
}

// clocks plays by a clock that is wrong: inputs for ticks long gone and far ahead, in turns, from players who claim to have
// seen the others in the future, or long ago.
var clocks = Attack{
	Name: "clocks", Says: "inputs for ticks long gone and far ahead, view times that can't be",
	PerSecond: 2000, Unit: "datagrams", Counters: []string{"rejected.input_too_old", "rejected.input_too_new"},
	run: func(ctx context.Context, a *Attacker) error {
		return a.playing(ctx, 10, func(p *player) error {
			in := protocol.Input{Epoch: p.welcome.Epoch, Tick: p.tick() + uint64(a.draw(1<<14)), Count: 1}
			in.Inputs[0] = a.steer
			in.Lags[0] = uint16(a.draw(protocol.MaxLag + 1))
			return p.SendDatagram(protocol.AppendInput(nil, &in))
		})
	},
}

// malformed takes good messages and datagrams and cuts them, makes them longer, flips bits of them, sends them again and in another order.
var malformed = Attack{
	Name: "malformed", Says: "datagrams and messages cut, too long, with bits flipped, sent again, out of order",
	PerSecond: 3000, Unit: "messages", Counters: []string{"rejected.truncated", "rejected.oversized", "rejected.trailing_bytes"},
	run: func(ctx context.Context, a *Attacker) error {
		return a.playing(ctx, 16, func(p *player) error {
			if a.draw(100) == 0 { // it ends the connection
				return a.malformedMessage(p)
			}
			good := a.input(p, p.tick()+3, 1+a.draw(4))
			switch a.draw(5) {
			case 0:
				good = good[:a.draw(len(good))]
			case 1:
				good = append(good, make([]byte, 1+a.draw(1320-len(good)))...)
			case 2:
				good = a.damaged(good)
			case 3:
				if err := p.SendDatagram(good); err != nil { // twice
					return err
				}
			case 4:
				good = a.input(p, p.tick()+3-uint64(a.draw(6)), 1)
			}
			return p.SendDatagram(good)
		})
	},
}

// malformedMessage writes one on the control stream.
func (a *Attacker) malformedMessage(p *player) error {
	message, err := protocol.AppendRequest(nil, protocol.Request{Number: 1, Data: a.rename("x")})
	if err != nil {
		return err
	}
	framed := protocol.AppendFrame(nil, message)
	switch a.draw(4) {
	case 0:
		p.write(framed[:a.draw(len(framed))])
		return p.control.Close()
	case 1:
		return p.write([]byte{0xc6, 0, 1, 0, 0})
	case 2:
		return p.write(a.damaged(framed))
	}
	return p.write(append(framed, framed...))
}

// rename is the arena's request for another name, as its wire has it.
func (a *Attacker) rename(name string) []byte {
	t := a.schema.Requests[0].Ask
	return t.AppendRow(nil, schema.Own, t.FullMask(schema.Own), make([]uint32, len(t.Columns)), []string{name})
}

// abandonedStreams is how many streams of each kind a connection tries to open.
const abandonedStreams = 20

// streams opens streams, writes a little, resets them or leaves them, before and after the hello.
var streams = Attack{
	Name: "streams", Says: "streams opened and reset, or left, as many as there may be",
	PerSecond: 3000, Unit: "streams", Counters: []string{"no_hello"},
	run: func(ctx context.Context, a *Attacker) error {
		a.crowd(ctx, 16, func(ctx context.Context) error {
			p, err := a.dial(ctx, how{})
			if err != nil {
				return err
			}
			defer p.close()
			defer a.did.Add(^uint64(0)) // the connection is no stream
			if a.draw(2) == 0 {
				if err := a.hello(p, protocol.Hello{}); err != nil {
					return err
				}
			}
			for n := range abandonedStreams {
				a.note(a.abandon(p, n))
			}
			wait(ctx, 20*time.Millisecond)
			return nil
		})
		return nil
	},
}

// abandon opens a stream, and does not go on with it.
func (a *Attacker) abandon(p *player, n int) error {
	if n%2 == 0 {
		s, err := p.OpenStream()
		if err != nil {
			return err
		}
		s.Write([]byte{0xc4})
		if n%4 == 0 {
			s.CancelWrite(7)
		}
		return nil
	}
	s, err := p.OpenUniStream()
	if err != nil {
		return err
	}
	s.Write([]byte{0xff, 0xff})
	if n%4 == 1 {
		s.CancelWrite(7)
	}
	return nil
}
