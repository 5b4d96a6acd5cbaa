package server

import (
	"errors"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// guest is a client without a network, who hears what the server says and checks that it is the protocol.
type guest struct {
	t       testing.TB
	game    *game
	far     *transport.Far
	heard   []byte // of the stream, as far as it is no whole frame yet
	welcome protocol.Welcome
	joined  bool
	bye     *protocol.Goodbye
	rules   *replica.Replica // nil until the welcome
	former  *guest           // whose replica is kept when the welcome says that its session goes on
	liar    bool             // it has claimed a replica that it has not: what it gets can't be judged
}

// come opens a connection, which is to be served.
func come(t testing.TB, g *game) (*guest, *transport.Conn) {
	conn, far := transport.Pipe(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1})
	return &guest{t: t, game: g, far: far}, conn
}

// say writes a message; what is wrong with it is for the server to find.
func (g *guest) say(message []byte, err error) {
	if err == nil {
		g.far.Write(protocol.AppendFrame(nil, message))
	}
}

// hear reads all that the server has said.
func (g *guest) hear() {
	g.heard = append(g.heard, g.far.Read()...)
	for {
		message, rest, err := protocol.SplitFrame(g.heard, protocol.MaxFrame)
		if errors.Is(err, protocol.ErrNeedMore) {
			break
		}
		if err == nil {
			err = g.take(message)
		}
		if err != nil {
			g.t.Fatalf("the server says what can't be read: %v: %x", err, message)
		}
		g.heard = rest
	}
	for _, b := range g.far.Datagrams() {
		if g.rules == nil {
			if !g.joined {
				g.t.Fatalf("a datagram comes before the welcome: %x", b)
			}
			continue
		}
		if applied, err := g.rules.Apply(b); err != nil || g.rules.Orphaned() && !g.liar {
			g.t.Fatalf("a datagram can't be read: %v, orphaned: %v, %+v: %x", err, g.rules.Orphaned(), applied.Header, b)
		}
	}
}

// take takes one message.
func (g *guest) take(message []byte) error {
	kind, err := protocol.KindOf(message)
	if err != nil {
		return err
	}
	if g.bye != nil {
		return errors.New("it comes after the goodbye")
	}
	if !g.joined && kind != protocol.KindWelcome && kind != protocol.KindRooms && kind != protocol.KindGoodbye {
		return errors.New("it comes before the welcome")
	}
	switch kind {
	case protocol.KindWelcome:
		if g.joined {
			return errors.New("it is the second welcome")
		}
		g.joined = true
		if g.welcome, err = protocol.ParseWelcome(message); err == nil {
			err = g.begin()
		}
	case protocol.KindGoodbye:
		var bye protocol.Goodbye
		bye, err = protocol.ParseGoodbye(message)
		g.bye = &bye
	case protocol.KindRooms:
		_, err = protocol.ParseRooms(message)
	case protocol.KindAnswer:
		_, err = protocol.ParseAnswer(message)
	case protocol.KindMessage:
		_, err = protocol.ParseMessage(message)
	case protocol.KindChat:
		_, err = protocol.ParseChat(message)
	case protocol.KindChecks:
		_, err = protocol.ParseChecks(message)
	case protocol.KindDiverged:
		_, err = protocol.ParseDiverged(message)
	case protocol.KindPace:
		_, err = protocol.ParsePace(message)
	default:
		err = errors.New("it is for the server alone")
	}
	return err
}

// begin begins a replica, unless that of the former connection goes on.
func (g *guest) begin() (err error) {
	w := g.welcome
	if f := g.former; f != nil && f.welcome.Session == w.Session && f.rules.Epoch() == w.Epoch {
		g.rules = f.rules
		g.rules.Resume(w.Tick, w.NextSequence)
		return nil
	}
	g.rules, err = replica.New(g.game.schema, replica.Config{
		Epoch: w.Epoch, Tick: w.Tick, Sequence: w.NextSequence, Age: w.AgeMax, EventTicks: w.EventTicks,
	})
	return err
}

// input is a datagram that acknowledges what was received, with an input for the tick that is so far ahead.
func (g *guest) input(ahead uint64, data []byte) *protocol.Input {
	in := &protocol.Input{Tick: ahead}
	if g.rules != nil {
		g.rules.Ack(in)
		in.Tick += g.rules.Tick()
		g.rules.Report(in, rand.New(rand.NewPCG(in.Tick, 1)))
	}
	if data != nil {
		in.Count, in.Inputs[0], in.Lags[0] = 1, data, 1
	}
	return in
}

// wantFarewell checks how the server has ended the connection: with a code and a reason, those of its goodbye.
func (g *guest) wantFarewell() {
	g.t.Helper()
	var closed *quic.ApplicationError
	if !errors.As(g.far.Err(), &closed) || closed.Remote {
		return // the client has ended it
	}
	code := protocol.CloseCode(closed.ErrorCode)
	if code != protocol.CloseNormal && closed.ErrorMessage == "" {
		g.t.Errorf("the connection is closed with %v and no reason", code)
	}
	if g.bye != nil && (g.bye.Code != code || g.bye.Reason != closed.ErrorMessage) {
		g.t.Errorf("the goodbye says %v, %q and the connection %v, %q", g.bye.Code, g.bye.Reason, code, closed.ErrorMessage)
	}
}
