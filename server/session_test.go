package server

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// chunks is a stream that hands out its bytes in pieces, whose sizes are given and repeat.
type chunks struct {
	bytes []byte
	sizes []byte
	at    int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.bytes) == 0 {
		return 0, io.EOF
	}
	size := len(c.bytes)
	if len(c.sizes) > 0 {
		size = int(c.sizes[c.at%len(c.sizes)])
		c.at++
	}
	n := copy(p, c.bytes[:min(size, len(c.bytes))])
	c.bytes = c.bytes[n:]
	return n, nil
}

func TestFramesArriveInAnyPieces(t *testing.T) {
	messages := [][]byte{{1}, {}, bytes.Repeat([]byte{7}, protocol.MaxHelloFrame), {2, 3}}
	var stream []byte
	for _, m := range messages {
		stream = protocol.AppendFrame(stream, m)
	}
	for name, from := range map[string]io.Reader{
		"at once":         bytes.NewReader(stream),
		"byte by byte":    iotest.OneByteReader(bytes.NewReader(stream)),
		"end with data":   iotest.DataErrReader(bytes.NewReader(stream)),
		"in odd pieces":   &chunks{bytes: stream, sizes: []byte{1, 0, 200, 3}},
		"in large pieces": &chunks{bytes: stream, sizes: []byte{255}},
	} {
		t.Run(name, func(t *testing.T) {
			r := frameReader{from: from}
			for i, want := range messages {
				if got, err := r.next(); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("message %d has %d bytes, %v; want %d", i, len(got), err, len(want))
				}
			}
			if _, err := r.next(); !errors.Is(err, io.EOF) {
				t.Errorf("after the last message comes %v, want EOF", err)
			}
		})
	}
}

func TestAStreamThatEndsWithinAFrameIsTruncated(t *testing.T) {
	whole := protocol.AppendFrame(nil, []byte{1, 2, 3})
	for n := 1; n < len(whole); n++ {
		r := frameReader{from: bytes.NewReader(whole[:n])}
		if _, err := r.next(); rejectOf(err) != protocol.Truncated {
			t.Errorf("%d bytes of a frame end with %v, want %v", n, err, protocol.Truncated)
		}
	}
}

func TestABrokenStreamIsNoRejection(t *testing.T) {
	r := frameReader{from: iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader([]byte{0xc4, 2, 1, 1})))}
	if _, err := r.next(); !errors.Is(err, iotest.ErrTimeout) || rejectOf(err) != 0 {
		t.Errorf("the error is %v, want the stream's own", err)
	}
}

func rejectOf(err error) protocol.Reject {
	r, _ := protocol.RejectOf(err)
	return r
}

// FuzzFrames reads a stream in pieces and compares with cutting it at once.
func FuzzFrames(f *testing.F) {
	hello, err := protocol.AppendHello(nil, protocol.Hello{Game: "pong"})
	if err != nil {
		f.Fatal(err)
	}
	framed := protocol.AppendFrame(nil, hello)
	f.Add(framed, []byte{1})
	f.Add(append(bytes.Clone(framed), framed...), []byte{3, 0, 5})
	f.Add(protocol.AppendFrame(nil, make([]byte, protocol.MaxHelloFrame)), []byte{255, 1})
	f.Add([]byte{0xc5, 0x10, 0x01, 0}, []byte{1})
	f.Add([]byte{0xc6, 0xff, 0xff, 0xff, 0xff}, []byte{})
	f.Add([]byte{0xc4}, []byte{1})
	f.Add([]byte{0xdd, 0xff, 0xff, 0xff, 0xff}, []byte{2})
	f.Fuzz(func(t *testing.T, stream, sizes []byte) {
		if len(stream) > 20_000 || len(sizes) > 64 || len(sizes) > 0 && slices.Max(sizes) == 0 {
			return
		}
		r := frameReader{from: &chunks{bytes: stream, sizes: sizes}}
		for rest := stream; ; {
			want, next, err := protocol.SplitFrame(rest, protocol.MaxHelloFrame)
			got, gotErr := r.next()
			switch {
			case err == nil:
				if gotErr != nil || !bytes.Equal(got, want) {
					t.Fatalf("a message of %d bytes reads as %d bytes, %v", len(want), len(got), gotErr)
				}
				rest = next
				continue
			case errors.Is(err, protocol.ErrNeedMore) && len(rest) == 0:
				if !errors.Is(gotErr, io.EOF) {
					t.Fatalf("the end reads as %v", gotErr)
				}
			case errors.Is(err, protocol.ErrNeedMore):
				if rejectOf(gotErr) != protocol.Truncated {
					t.Fatalf("a frame cut short reads as %v", gotErr)
				}
			case rejectOf(gotErr) != rejectOf(err) || gotErr == nil:
				t.Fatalf("%v reads as %v", err, gotErr)
			}
			return
		}
	})
}

// push is the input of the sessions below.
type push struct {
	Force int8    `net:"range=-5:5"`
	Aim   float32 `net:"range=0:1,step=0.001"`
	Name  string  `net:"max=8"`
}

// testSession is a session without a connection, in a room at a tick.
func testSession(t testing.TB, tick uint64, control io.Reader) *session {
	t.Helper()
	cfg, err := Config{Games: []world.Game{pushes()}, Addr: "127.0.0.1:0"}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	srv := &Server{cfg: cfg, rules: cfg.rules()}
	s := &session{
		server: srv, counters: &srv.counters, outbox: newOutbox(cfg.Limits.UnreadMessages),
		connection: &connection{reader: frameReader{from: control}}, answers: answers{most: 32}, expelled: make(chan refusal, 1),
	}
	if s.game, err = newGame(cfg.Games[0], cfg); err != nil {
		t.Fatal(err)
	}
	if s.room, err = newRoom(srv, s.game, &roomRow{}, 1); err != nil {
		t.Fatal(err)
	}
	s.inbox.start(tick, cfg)
	return s
}

// pushes is a game with one request.
func pushes() *world.GameOf[push] {
	g := world.NewGame[push]("push")
	world.AddRequest(g, "more", func(_ *world.Tx, _ world.Player, ask push) (push, error) { return ask, nil })
	return g
}

func TestTheAckQueueIsBounded(t *testing.T) {
	s := testSession(t, 10, nil)
	var in protocol.Input
	for n := range uint64(maxAcks + 5) {
		s.takeDatagram(protocol.AppendInput(nil, &protocol.Input{Epoch: 1, HasAck: true, Newest: n}), &in, time.Now())
	}
	if len(s.acks) != maxAcks || s.acks[0].newest != 5 || s.counters.acksDropped.Load() != 5 {
		t.Errorf("%d wait from %d on, %d were dropped; want the newest %d", len(s.acks), s.acks[0].newest, s.counters.acksDropped.Load(), maxAcks)
	}
}

// TestATickOfAClientAllocatesNothing: its datagram, its input, its pass.
func TestATickOfAClientAllocatesNothing(t *testing.T) {
	s := testSession(t, 1, nil)
	s.player, s.pathAsked = 1, time.Now().Add(time.Hour) // it has no connection to ask
	_, view, err := s.room.world.Step(world.Commands{Joins: []world.Join{{Player: s.player}}})
	if err != nil {
		t.Fatal(err)
	}
	s.room.view.Store(view)
	if s.replicate, err = newReplication(s.game, s.player, s.server.cfg); err != nil {
		t.Fatal(err)
	}
	data, err := s.game.Game.(*world.GameOf[push]).AppendInput(nil, push{Force: 3, Aim: 0.5}) // a text would be copied
	if err != nil {
		t.Fatal(err)
	}
	var scratch replicate.Scratch
	var in protocol.Input
	out := protocol.Input{Count: 1, Epoch: firstEpoch, HasAck: true}
	out.Inputs[0] = data
	var datagram []byte
	tick, sent := view.Tick, 0
	passes := func() {
		tick++
		out.Tick, out.Newest = tick, s.replicate.NextSequence()-1
		datagram = protocol.AppendInput(datagram[:0], &out)
		s.takeDatagram(datagram, &in, time.Now())
		if _, from := s.inbox.take(tick, time.Now()); from != inputSent {
			t.Fatalf("the input of tick %d is number %d", tick, from)
		}
		s.collectAcks()
		for _, d := range s.prepare(&scratch, time.Now()) {
			s.replicate.Sent(d)
			sent++
		}
		if len(s.acksTaken) != 1 || len(s.acks) != 0 {
			t.Fatalf("%d acknowledgements were taken and %d wait; want the only one that came, taken", len(s.acksTaken), len(s.acks))
		}
	}
	for range 2 * inboxTicks { // until every slot has its space
		passes()
	}
	if allocs := testing.AllocsPerRun(200, passes); allocs != 0 {
		t.Errorf("a tick allocates %v times", allocs)
	}
	if sent < 200 {
		t.Errorf("%d datagrams were sent, that tests too little", sent)
	}
}

// FuzzSession feeds a session with stream messages, datagrams and ticks, without a connection.
func FuzzSession(f *testing.F) {
	g := pushes()
	data, err := g.AppendInput(nil, push{Force: 3, Aim: 0.5, Name: "ann"})
	if err != nil {
		f.Fatal(err)
	}
	datagram := func(in protocol.Input) []byte {
		for i := range in.Count {
			in.Inputs[i] = data
		}
		b := protocol.AppendInput(nil, &in)
		return append([]byte{byte(len(b))}, b...)
	}
	resync := protocol.AppendFrame(nil, []byte{0x92, byte(protocol.KindResync), 1})
	f.Add(resync, datagram(protocol.Input{Epoch: 1, HasAck: true, Newest: 3, Missing: 1 << 60, Tick: 103, Count: 3}))
	f.Add([]byte{}, slices.Concat(datagram(protocol.Input{Tick: 110, Count: 8}), []byte{0}, datagram(protocol.Input{Tick: 111, Count: 8}), []byte{0, 0}))
	f.Add(protocol.AppendFrame(nil, []byte{0x91, 77}), datagram(protocol.Input{Tick: 90, Count: 1}))
	f.Add([]byte{0xdd, 0xff, 0xff, 0xff, 0xff}, []byte{5, 0xdd, 0xff, 0xff, 0xff, 0xff, 0, 3, 2, 1})
	f.Fuzz(func(t *testing.T, control, datagrams []byte) {
		const start = 100
		s := testSession(t, start, bytes.NewReader(control))
		if end := s.readControl(t.Context()); end.code != protocol.CloseNormal && end.reason == "" {
			t.Fatalf("the session ends with %v and no reason", end.code)
		}
		var in protocol.Input
		tick, now := uint64(start), time.Unix(1000, 0)
		for len(datagrams) > 0 {
			n := min(int(datagrams[0]), len(datagrams)-1)
			b := datagrams[1 : 1+n]
			datagrams = datagrams[1+n:]
			if n > 0 {
				now = now.Add(time.Millisecond)
				s.takeDatagram(b, &in, now)
				continue
			}
			tick++
			data, from := s.inbox.take(tick, now)
			if from == inputNeutral != (data == nil) {
				t.Fatalf("tick %d takes %v from %d", tick, data, from)
			}
			if data != nil {
				if err := s.game.schema.Input.CheckRow(data); err != nil {
					t.Fatalf("tick %d takes what is no input: %v", tick, err)
				}
			}
		}
		wantSane(t, s, tick)
	})
}

// wantSane checks what holds for a session whatever came.
func wantSane(t *testing.T, s *session, tick uint64) {
	t.Helper()
	for i := range s.inbox.waiting {
		if at := s.inbox.slots[i].tick; at <= tick || at > tick+inboxTicks || s.inbox.find(at) != i {
			t.Errorf("input %d of %d waits for tick %d at tick %d", i, s.inbox.waiting, at, tick)
		}
	}
	if newest, _, any := s.inbox.report(); any && newest > tick+inboxTicks {
		t.Errorf("tick %d is reported at tick %d", newest, tick)
	}
	if s.inbox.budget < 0 || s.inbox.budget > s.inbox.limit || len(s.acks) > maxAcks {
		t.Errorf("the budget is %d of %d, %d acknowledgements wait", s.inbox.budget, s.inbox.limit, len(s.acks))
	}
}

func TestBombsAllocateNothingToSpeakOf(t *testing.T) {
	hello, err := protocol.AppendHello(nil, protocol.Hello{Game: "push"})
	if err != nil {
		t.Fatal(err)
	}
	hello[0] = 0x98
	s := testSession(t, 10, nil)
	var in protocol.Input
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 1000 {
		for _, bomb := range [][]byte{
			{0xdd, 0xff, 0xff, 0xff, 0xff}, {0xdf, 0xff, 0xff, 0xff, 0xff}, {0xc6, 0xff, 0xff, 0xff, 0xff}, bytes.Repeat([]byte{0xdc, 0xff, 0xff}, 300),
		} {
			if _, err := protocol.ParseHello(append(bytes.Clone(hello), bomb...)); err == nil {
				t.Fatal("a bomb is taken for a hello")
			}
			s.takeDatagram(bomb, &in, time.Now())
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 8000; each > 4096 {
		t.Errorf("refusing a bomb allocates %d bytes", each)
	}
}
