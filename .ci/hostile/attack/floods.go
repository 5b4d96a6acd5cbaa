package attack

import (
	"context"
	"net"
	"sync"

	"github.com/quicstep/quicstep/protocol"
)

// floodPorts is from how many ports a flood comes.
const floodPorts = 500

// handshakeFlood sends the first packet of 2,000 handshakes a second from 500 ports of 253 addresses, and answers nothing:
// no Retry, no ServerHello. Each has a good ClientHello, made once, under keys of its own, so that it costs the attacker
// microseconds, and would cost the server a key exchange and a signature.
var handshakeFlood = Attack{
	Name: "handshake-flood", Says: "first packets of handshakes with a good ClientHello, from 500 ports; nothing is answered",
	PerSecond: 2000, Unit: "handshakes", Counters: []string{"transport.retries"},
	run: func(ctx context.Context, a *Attacker) error {
		made, err := newInitials(ctx, protocol.ALPN)
		if err != nil {
			return err
		}
		to, err := a.sprayer(floodPorts)
		if err != nil {
			return err
		}
		defer to.close()
		every(ctx, a.rate, func() {
			packet, err := made.packet([idBytes]byte(a.fill(make([]byte, idBytes))))
			if err == nil {
				err = to.send(packet)
			}
			a.note(err)
		})
		return nil
	},
}

// dials makes whole handshakes from everywhere at once, with all that a server may ask for, and goes without a word.
var dials = Attack{
	Name: "dials", Says: "whole handshakes from 253 addresses, Retry answered, each gone at once",
	PerSecond: 2000, Unit: "handshakes", Counters: []string{"transport.accepted"},
	run: func(ctx context.Context, a *Attacker) error {
		a.crowd(ctx, 64, func(ctx context.Context) error {
			p, err := a.dial(ctx, how{})
			if err == nil {
				p.vanish()
			}
			return err
		})
		return nil
	},
}

// garbage sends 50,000 packets a second that are nothing: random bytes, long headers of versions that nobody has (each
// asks for a version negotiation), short headers with connection IDs of nobody (each asks for a stateless reset), and
// first packets that are too short or broken.
var garbage = Attack{
	Name: "garbage", Says: "packets that are nothing: random bytes, unknown versions, unknown connections, broken first packets",
	PerSecond: 50_000, Unit: "packets", Counters: []string{"transport.packets_dropped"},
	run: func(ctx context.Context, a *Attacker) error {
		var work sync.WaitGroup
		for kind := range garbageKinds {
			sender, packets, err := a.garbage(kind)
			if err != nil {
				return err
			}
			defer sender.socket.Close()
			work.Go(func() {
				every(ctx, a.rate/garbageKinds/garbageAtOnce, func() {
					if err := sender.send(packets); err != nil {
						a.note(err)
						return
					}
					a.did.Add(garbageAtOnce)
				})
			})
		}
		work.Wait()
		return nil
	},
}

const (
	garbageKinds  = 4
	garbageAtOnce = 40
)

// garbage makes packets of one kind, and what sends them.
func (a *Attacker) garbage(kind int) (*many, []byte, error) {
	size := [garbageKinds]int{200, 1200, 60, 1232}[kind]
	b := a.fill(make([]byte, size*garbageAtOnce))
	for at := 0; at < len(b); at += size {
		switch kind {
		case 1: // a version that is to be negotiated
			copy(b[at:], []byte{0xc0, 0x1a, 0x2a, 0x3a, 0x4a, idBytes})
		case 2: // a short header
			b[at] = 0x40 | b[at]&0x3f
		case 3: // an Initial that can't be opened
			copy(b[at:], []byte{0xc3, 0, 0, 0, 1, idBytes})
			copy(b[at+6+idBytes:], []byte{idBytes, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x44, 0x80})
		}
	}
	to, err := net.ResolveUDPAddr("udp4", a.Target.Addr)
	if err != nil {
		return nil, nil, err
	}
	socket, err := a.Net.Listen()
	if err != nil {
		return nil, nil, err
	}
	sender, err := newMany(socket, to, size)
	return sender, b, err
}
