package client

import (
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// reef is a game with what a server can tell of: rows of one's own and of others, events, messages and a request.
type reef struct {
	*world.GameOf[swim]
	fish  world.Table[fish]
	gifts world.Table[gift]
	asks  world.Request[gift, gift]
}

type swim struct {
	DX   int8   `net:"range=-2:2"`
	Name string `net:"max=8"`
}

type gift struct{ N uint8 }

type splash struct {
	X float64 `net:"range=0:1000,step=1,pos=x"`
	Y float64 `net:"range=0:1000,step=1,pos=y"`
}

func newReef() *reef {
	g := &reef{GameOf: world.NewGame[swim]("reef")}
	g.fish = world.AddTable[fish](g, "fish")
	g.gifts = world.AddTable[gift](g, "gift")
	world.AddEvent[splash](g, "splash")
	world.AddEvent[gift](g, "given")
	world.AddMessage[gift](g, "news")
	g.asks = world.AddRequest(g, "ask", func(_ *world.Tx, _ world.Player, ask gift) (gift, error) { return ask, nil })
	g.OnInput(func(tx *world.Tx, p world.Player, in swim) {
		for id := range g.fish.Owned(tx, p) {
			row := g.fish.Edit(tx, id)
			row.X += float32(in.DX)
			row.Name = in.Name
		}
		if in.DX == 2 {
			g.gifts.Insert(tx, gift{1}, world.Owner(p))
		}
	})
	return g
}

// newHostile is a link to a server that says what a script says, without a network.
func newHostile(t *testing.T, interpolate bool) *link {
	t.Helper()
	g := newReef()
	s, err := world.SchemaOf(g)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Interpolate: interpolate, EaseTime: 100 * time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	l := &link{
		session: &Session{game: g, schema: s, cfg: cfg, ended: make(chan struct{})},
		welcome: protocol.Welcome{Player: 1, TickPeriod: time.Second / 30}, chance: rand.New(rand.NewPCG(1, 2)),
		ticked: make(chan struct{}, 1), ready: make(chan struct{}, 1), tick: 100, answered: 100,
	}
	l.session.link = l
	if l.rules, err = replica.New(s, replica.Config{Epoch: 1, Tick: 100, Sequence: 1, Age: protocol.MinAge}); err != nil {
		t.Fatal(err)
	}
	if l.rows, err = world.NewReplica(g, 1, l.welcome.TickPeriod.Nanoseconds()); err != nil {
		t.Fatal(err)
	}
	if interpolate {
		if l.screen, err = newScreen(g, s, 1, l.welcome.TickPeriod); err != nil {
			t.Fatal(err)
		}
	}
	l.timing.start(100, 20*time.Millisecond, l.welcome.TickPeriod, time.Now())
	l.startPrediction()
	return l
}

// hear takes one stream message as readControl does.
func (l *link) hear(message []byte) error {
	kind, err := protocol.KindOf(message)
	switch {
	case err != nil:
	case kind == protocol.KindDiverged:
		err = l.diverged(message)
	case kind == protocol.KindPace:
		err = l.paced(message, time.Now())
	default:
		err = l.session.took(kind, message)
	}
	return err
}

// hostileScript is bytes that say what the server says and the player does.
type hostileScript []byte

func (s *hostileScript) next() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

func (s *hostileScript) some() []byte {
	n := min(int(s.next()), len(*s))
	b := (*s)[:n]
	*s = (*s)[n:]
	return slices.Clone(b)
}

// state is a datagram with a header of the script's, and records of it or of an own row that is as it should be.
func (s *hostileScript) state(sc *schema.Schema, tick, sequence *uint64) []byte {
	*tick += uint64(s.next() % 8)
	*sequence += uint64(s.next() % 4)
	h := protocol.StateHeader{Epoch: 1, Sequence: *sequence, Tick: *tick, OwnComplete: true, HasInput: true, InputTick: *tick + uint64(s.next()%4)}
	h.Margin = int8(s.next())
	if how := s.next(); how&1 != 0 {
		h.Epoch, h.Tick = 1+how>>4, *tick-uint64(how&0xe)
	}
	d := protocol.AppendStateHeader(nil, h)
	if s.next()%2 == 0 {
		return append(d, s.some()...)
	}
	at := len(d)
	d = protocol.AppendSection(d, protocol.Section{Class: schema.Own, Kind: protocol.Full})
	d = protocol.AppendFull(d, uint32(s.next()), 1)
	// Made by an input so many ticks ago, as the nth.
	d = append(d, s.next()&0x7f, s.next()&0x7f)
	words := make([]uint32, len(sc.Tables[0].Columns))
	for i := range words {
		words[i] = uint32(s.next())
	}
	d = sc.Tables[0].AppendRow(d, schema.Own, sc.Tables[0].FullMask(schema.Own), words, []string{"ann"})
	protocol.CountSection(d, at, 1)
	return d
}

// FuzzLink: whatever a server says, and whenever, the client goes on, keeps no more than it says that it does, and sends
// nothing but the protocol.
func FuzzLink(f *testing.F) {
	f.Add([]byte{0, 0, 1, 1, 1, 4, 0, 1, 3, 5, 1, 9, 9, 9, 9, 9, 3, 2, 4, 5, 0, 1, 1, 1, 4, 0, 1, 3, 5, 1, 9, 9, 9, 9, 9, 4, 5})
	f.Add([]byte{1, 2, 5, 0x94, byte(protocol.KindChat), 0, 0, 0xa1, 'x', 2, 3, 0x93, byte(protocol.KindPace), 100, 2, 4, 3, 3, 5})
	f.Add([]byte{0, 1, 3, 0xdd, 0xff, 0xff, 2, 5, 0xdd, 0xff, 0xff, 0xff, 0xff, 3, 1, 4, 5})
	f.Add([]byte{1, 2, 10, 0x97, byte(protocol.KindDiverged), 100, 0, 5, 0xa1, 'X', 0xa1, '1', 0xa1, 6, 7, 2, 5, 0x94, byte(protocol.KindAnswer), 1, 0xc4, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			return
		}
		synctest.Test(t, func(t *testing.T) { playHostile(t, b) })
	})
}

func playHostile(t *testing.T, b []byte) {
	script := hostileScript(b)
	l := newHostile(t, script.next()%2 != 0)
	s := l.session
	tick, sequence := uint64(100), uint64(1)
	for len(script) > 0 {
		switch script.next() % 8 {
		case 0:
			l.apply(script.state(s.schema, &tick, &sequence), 20*time.Millisecond, time.Now())
		case 1:
			l.apply(script.some(), 20*time.Millisecond, time.Now())
		case 2:
			l.hear(script.some()) // an error ends a connection, and nothing else
		case 3:
			time.Sleep(time.Duration(script.next()) * time.Millisecond)
		case 4:
			wantInput(t, l)
		case 5:
			s.View()
			s.Draw(func(*world.View) {})
			s.Shown()
			s.Timeline()
			s.Mispredictions()
		case 6:
			data, err := s.game.(*reef).AppendInput(nil, swim{DX: int8(script.next()%5) - 2, Name: "ann"})
			if err == nil {
				err = s.SendBytes(data)
			}
			if err != nil {
				t.Fatal(err)
			}
			s.Hold(uint64(script.next()))
		case 7:
			s.mu.Lock()
			s.inbox.open(0, []byte{1})
			s.mu.Unlock()
			s.Events()
		}
		in := &s.inbox
		if len(in.events) > maxKept || len(in.messages) > maxKept || len(in.lines) > maxKept || len(s.wrong) > maxDiverged {
			t.Fatalf("%d events, %d messages, %d lines and %d divergences are kept", len(in.events), len(in.messages), len(in.lines), len(s.wrong))
		}
	}
}

// wantInput checks that what the client sends next is an input datagram of the game.
func wantInput(t *testing.T, l *link) {
	t.Helper()
	var in protocol.Input
	b := l.appendInput(nil, time.Now())
	if err := protocol.ParseInput(b, l.session.schema, &in); err != nil || len(b) > protocol.MaxDatagramPayload {
		t.Fatalf("the client sends %d bytes, which are refused: %v: %x", len(b), err, b)
	}
}
