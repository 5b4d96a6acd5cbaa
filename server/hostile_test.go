package server_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// bombs are values that a careless msgpack decoder dies of.
var bombs = map[string][]byte{
	"an array of 4,294,967,295": {0xdd, 0xff, 0xff, 0xff, 0xff},
	"a map of 4,294,967,295":    {0xdf, 0xff, 0xff, 0xff, 0xff},
	"400 nested arrays":         bytes.Repeat([]byte{0xdc, 0xff, 0xff}, 400),
	"4 GB of bytes":             {0xc6, 0xff, 0xff, 0xff, 0xff},
	"4 GB of text":              {0xdb, 0xff, 0xff, 0xff, 0xff},
}

// counts is what a server has refused since an earlier moment, by name.
func counts(before, after server.Stats) (out []string) {
	for r := range after.Rejected {
		if n := after.Rejected[r] - before.Rejected[r]; n > 0 {
			out = append(out, fmt.Sprint(protocol.Reject(r), " ", n))
		}
	}
	if n := after.StaleAcks - before.StaleAcks; n > 0 {
		out = append(out, fmt.Sprint("stale_acks ", n))
	}
	return out
}

// streamCase is what a client says on the control stream, and what it is told for it.
type streamCase struct {
	name  string
	bytes []byte
	end   bool // the client ends the stream afterwards
	want  protocol.Reject
	code  protocol.CloseCode // CloseProtocol unless given
}

func (c streamCase) run(t *testing.T, s *running, conn *rawConn) protocol.Goodbye {
	t.Helper()
	if c.code == 0 {
		c.code = protocol.CloseProtocol
	}
	before := s.Stats()
	conn.write(c.bytes, c.end)
	bye := conn.goodbye()
	if bye.Code != c.code || bye.Reason == "" {
		t.Errorf("the server says %v (%q), want %v and why", bye.Code, bye.Reason, c.code)
	}
	if got, want := counts(before, s.Stats()), []string{c.want.String() + " 1"}; !slices.Equal(got, want) {
		t.Errorf("the server counts %v, want %v", got, want)
	}
	if reason := conn.wantClosed(c.code); reason != bye.Reason {
		t.Errorf("the close says %q, the goodbye said %q", reason, bye.Reason)
	}
	return bye
}

// frame is a message in its frame.
func frame(message ...byte) []byte { return protocol.AppendFrame(nil, message) }

// changed is a copy with one byte changed.
func changed(b []byte, at int, to byte) []byte {
	b = bytes.Clone(b)
	b[at] = to
	return b
}

func TestBadHellosAreRefusedByName(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}, Limits: server.Limits{CloseTimeout: 50 * time.Millisecond}})
	honest := join(t, s, g)
	hello := helloOf(t, g)
	cases := []streamCase{
		{name: "the stream ends within a frame", bytes: frame(hello...)[:9], end: true, want: protocol.Truncated},
		{name: "a frame header above the bound", bytes: []byte{0xc5, 0x10, 0x01}, want: protocol.Oversized},
		{name: "a frame of 4 GB", bytes: bombs["4 GB of bytes"], want: protocol.Oversized},
		{name: "no frame", bytes: []byte{0x93, 1, 2, 3}, want: protocol.WrongType},
		{name: "an unknown kind", bytes: frame(changed(hello, 1, 99)...), want: protocol.UnknownKind},
		{name: "a resync first", bytes: frame(0x92, byte(protocol.KindResync), 1), want: protocol.Unexpected},
		{name: "a line of chat first", bytes: frame(0x94, byte(protocol.KindSay), 0, 0, 0xa2, 'h', 'i'), want: protocol.Unexpected},
		{name: "a request first", bytes: frame(0x94, byte(protocol.KindRequest), 1, 0, 0xc4, 2, 0, 1), want: protocol.Unexpected},
		{name: "a server's welcome", bytes: frame(welcomeBytes(t)...), want: protocol.Unexpected},
		{name: "an empty message", bytes: frame(), want: protocol.Truncated},
		{name: "a hello cut short", bytes: frame(hello[:len(hello)-1]...), want: protocol.Truncated},
		{name: "a hello and more", bytes: frame(append(bytes.Clone(hello), 0)...), want: protocol.TrailingBytes},
		{name: "a hello of four fields", bytes: frame(changed(hello, 0, 0x94)...), want: protocol.TrailingBytes},
		{name: "a hello in a map", bytes: frame(changed(hello, 0, 0x86)...), want: protocol.WrongType},
		{name: "another version", bytes: frame(changed(hello, 2, 99)...), want: protocol.WrongVersion, code: protocol.CloseVersion},
		{name: "bomb first: an array", bytes: frame(bombs["an array of 4,294,967,295"]...), want: protocol.Truncated},
		{name: "bomb first: a map", bytes: frame(bombs["a map of 4,294,967,295"]...), want: protocol.WrongType},
		{name: "bomb first: nested arrays", bytes: frame(bombs["400 nested arrays"]...), want: protocol.WrongType},
		{name: "bomb first: bytes", bytes: frame(bombs["4 GB of bytes"]...), want: protocol.WrongType},
		{name: "bomb first: text", bytes: frame(bombs["4 GB of text"]...), want: protocol.WrongType},
		{name: "bomb within: an array", bytes: bombWithin(hello, "an array of 4,294,967,295"), want: protocol.TooManyElements},
		{name: "bomb within: a map", bytes: bombWithin(hello, "a map of 4,294,967,295"), want: protocol.TooManyElements},
		{name: "bomb within: nested arrays", bytes: bombWithin(hello, "400 nested arrays"), want: protocol.TooManyElements},
		{name: "bomb within: bytes", bytes: bombWithin(hello, "4 GB of bytes"), want: protocol.Truncated},
		{name: "bomb within: text", bytes: bombWithin(hello, "4 GB of text"), want: protocol.Truncated},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bye := c.run(t, s, s.dial(t))
			if c.code == protocol.CloseVersion && (!strings.Contains(bye.Reason, "version 99") || !strings.Contains(bye.Reason, fmt.Sprint("version ", protocol.Version))) {
				t.Errorf("the goodbye says %q, want both versions", bye.Reason)
			}
		})
	}
	wantPlaying(t, g, honest)
	if st := s.Stats(); st.Players != 1 {
		t.Errorf("%d players are in, want the honest one", st.Players)
	}
}

// bombWithin is a hello of a later version's form, with a bomb as one more field.
func bombWithin(hello []byte, bomb string) []byte {
	return frame(append(changed(hello, 0, 0x9a), bombs[bomb]...)...)
}

func welcomeBytes(t *testing.T) []byte {
	t.Helper()
	w, err := protocol.AppendWelcome(nil, protocol.Welcome{TickPeriod: time.Second, AgeMax: protocol.MinAge, EventTicks: 1})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestBadMessagesAfterTheHelloAreRefusedByName(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}, Limits: server.Limits{CloseTimeout: 50 * time.Millisecond}})
	honest := join(t, s, g)
	for _, c := range []streamCase{
		{name: "a second hello", bytes: frame(helloOf(t, g)...), want: protocol.Unexpected},
		{name: "a list", bytes: frame(0x93, byte(protocol.KindList), 1, 0xa0), want: protocol.Unexpected},
		{name: "a server's welcome", bytes: frame(welcomeBytes(t)...), want: protocol.Unexpected},
		{name: "an unknown kind", bytes: frame(0x91, 77), want: protocol.UnknownKind},
		{name: "an epoch that can't be", bytes: frame(0x92, byte(protocol.KindResync), 0xcc, 200), want: protocol.BadValue},
		{name: "the stream ends within a frame", bytes: []byte{0xc4, 9, 1}, end: true, want: protocol.Truncated},
		{name: "a frame header above the bound", bytes: []byte{0xc6, 0, 1, 0, 0}, want: protocol.Oversized},
		{name: "a bomb", bytes: frame(bombs["400 nested arrays"]...), want: protocol.WrongType},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := s.dial(t)
			conn.hello(g)
			c.run(t, s, conn)
		})
	}
	until(t, honest, "the others are gone", func(v *world.View) bool { return g.Units.Len(v) == 1 })
	wantPlaying(t, g, honest)
}

// wantPlaying makes sure that a client's inputs still move its unit.
func wantPlaying(t *testing.T, g *arena, c *client.Client[stride]) {
	t.Helper()
	u, _ := own(g, c, until(t, c, "the own unit is here", func(v *world.View) bool { _, ok := own(g, c, v); return ok }))
	c.Send(stride{DY: 1})
	until(t, c, "the honest client's unit walks", func(v *world.View) bool { now, _ := own(g, c, v); return now.Y > u.Y })
	c.Send(stride{})
}

// input is an input datagram of one harmless input.
func input(tick uint64) *protocol.Input {
	in := &protocol.Input{Epoch: 1, Tick: tick, Count: 1}
	in.Inputs[0] = []byte{2, 2, 0}
	return in
}

func TestBadDatagramsAreRefusedByName(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	honest := join(t, s, g)
	ticks(t, honest, 150)
	conn := s.dial(t)
	conn.hello(g)
	good := func() []byte { return protocol.AppendInput(nil, input(s.Tick()+30)) }
	after := func(b []byte, more ...byte) []byte { return append(b, more...) }
	// What stands where in an input datagram: kind, epoch, flags, newest (2), missing, tick (2), count, inputs.
	for _, c := range []struct {
		name string
		make func() []byte
		want string
	}{
		{"a good one", good, ""},
		{"nothing", func() []byte { return []byte{} }, "truncated"},
		{"its kind alone", func() []byte { return []byte{2} }, "truncated"},
		{"cut within the input", func() []byte { b := good(); return b[:len(b)-1] }, "truncated"},
		{"cut within the acknowledgement", func() []byte { return good()[:4] }, "truncated"},
		{"too many bytes", func() []byte { return after(good(), make([]byte, 1300-12)...) }, "oversized"},
		{"an unknown kind", func() []byte { return changed(good(), 0, 9) }, "unknown_kind"},
		{"a server's state", func() []byte { return changed(good(), 0, 1) }, "unknown_kind"},
		{"garbage", func() []byte { return []byte{0xc1, 0xc1, 0xc1, 0xc1, 0xc1} }, "unsupported_type"},
		{"a negative kind", func() []byte { return []byte{0xe0, 0, 0} }, "bad_value"},
		{"bytes at the end", func() []byte { return after(good(), 0) }, "trailing_bytes"},
		{"an acknowledgement of what was never sent", func() []byte {
			return protocol.AppendInput(nil, &protocol.Input{Epoch: 1, HasAck: true, Newest: 5000})
		}, "ack_never_sent"},
		{"an acknowledgement of another epoch", func() []byte {
			return protocol.AppendInput(nil, &protocol.Input{Epoch: 5, HasAck: true, Newest: 1})
		}, "stale_acks"},
		{"an input of the past", func() []byte { return protocol.AppendInput(nil, input(s.Tick()-50)) }, "input_too_old"},
		{"an input of the far future", func() []byte { return protocol.AppendInput(nil, input(s.Tick()+1000)) }, "input_too_new"},
		{"nine inputs", func() []byte { return after(changed(good(), 8, 9), make([]byte, 8*3)...) }, "too_many_inputs"},
		{"an input out of its range", func() []byte { b := good(); return changed(b, len(b)-3, 5) }, "input_out_of_range"},
		{"an input far out of its range", func() []byte { b := good(); return changed(b, len(b)-1, 0x7f) }, "input_out_of_range"},
		{"a limb above 7f", func() []byte { b := good(); return changed(b, len(b)-2, 0x80) }, "wrong_type"},
		{"a tick above 7f", func() []byte { return changed(good(), 6, 0xcc) }, "wrong_type"},
		{"a bomb for its kind", func() []byte { return bombs["an array of 4,294,967,295"] }, "wrong_type"},
		{"a bomb in the middle", func() []byte { return after(good()[:5], bombs["400 nested arrays"][:900]...) }, "wrong_type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := s.Stats()
			if err := conn.SendDatagram(c.make()); err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				ticks(t, honest, 5)
			} else {
				until(t, honest, "something was counted", func(*world.View) bool { return len(counts(before, s.Stats())) > 0 })
			}
			want := []string{c.want + " 1"}[:min(1, len(c.want))]
			if got := counts(before, s.Stats()); !slices.Equal(got, want) {
				t.Errorf("the server counts %v, want %v", got, want)
			}
		})
	}
	wantPlaying(t, g, honest)
	if conn.Context().Err() != nil {
		t.Error("bad datagrams alone ended the connection")
	}
}

func TestAThousandBombsTakeNoMemory(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}, Limits: server.Limits{CloseTimeout: 50 * time.Millisecond, MalformedPerMinute: 1000}})
	honest := join(t, s, g)
	conn := s.dial(t)
	conn.hello(g)
	good := protocol.AppendInput(nil, input(1))
	var names []string
	for name := range bombs {
		names = append(names, name)
	}
	slices.Sort(names)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range 50 {
		for i := range 20 {
			bomb := bombs[names[(n+i)%len(names)]]
			at := i % (len(good) + 1)
			conn.SendDatagram(append(bytes.Clone(good[:at]), bomb...))
		}
		if n%2 == 0 {
			bomber := s.dial(t)
			bomber.write(bombWithin(helloOf(t, g), names[n%len(names)]), false)
			bomber.goodbye()
			bomber.close()
		}
		ticks(t, honest, 1)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
		t.Errorf("at its peak the heap grew by %d MB", grown>>20)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("%d MB stay allocated", grown>>20)
	}
	wantPlaying(t, g, honest)
}

func TestRandomDatagramsHurtNobody(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}, Limits: server.Limits{MalformedPerMinute: 1000}})
	honest := join(t, s, g)
	conn := s.dial(t)
	conn.hello(g)
	const seed = 21
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 30 {
		for range 20 {
			b := protocol.AppendInput(nil, input(s.Tick()+uint64(rng.IntN(80))))
			for range 1 + rng.IntN(4) {
				b[rng.IntN(len(b))] = byte(rng.Uint32())
			}
			conn.SendDatagram(b)
		}
		ticks(t, honest, 1)
	}
	wantPlaying(t, g, honest)
	if st := s.Stats(); st.FailedTicks != 0 || st.Players != 2 {
		t.Errorf("%d ticks failed, %d players are in; want none and 2", st.FailedTicks, st.Players)
	}
}

func TestAResyncBeginsANewEpoch(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	conn := s.dial(t)
	w := conn.hello(g)
	schema, _ := world.SchemaOf(g)
	var reader protocol.StateReader
	// next reads datagrams until one of an epoch brings a full record.
	next := func(epoch uint8) {
		t.Helper()
		for range patience / 10 {
			b, err := conn.ReceiveDatagram(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := reader.Open(b, schema); err != nil {
				t.Fatal(err)
			}
			var rec protocol.Record
			if reader.Header.Epoch == epoch && reader.Next(&rec) && rec.Kind == protocol.Full {
				return
			}
			if reader.Header.Epoch > epoch {
				t.Fatalf("epoch %d came, want %d", reader.Header.Epoch, epoch)
			}
		}
		t.Fatalf("no full record of epoch %d came", epoch)
	}
	next(w.Epoch)
	resync, err := protocol.AppendResync(nil, protocol.Resync{Epoch: w.Epoch})
	if err != nil {
		t.Fatal(err)
	}
	conn.write(frame(resync...), false)
	next(w.Epoch + 1)
	conn.write(frame(resync...), false) // of an epoch that is over
	ticksOf(t, conn, 20)
	next(w.Epoch + 1)
}

// ticksOf reads some datagrams over.
func ticksOf(t *testing.T, conn *rawConn, n int) {
	t.Helper()
	for range n {
		if _, err := conn.ReceiveDatagram(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingIsTakenAfterAGoodbye(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}, Limits: server.Limits{CloseTimeout: 50 * time.Millisecond}})
	conn := s.dial(t)
	conn.hello(g)
	bye := frame(0x93, byte(protocol.KindGoodbye), 0, 0xa0)
	conn.write(slices.Concat(bye, frame(0x94, byte(protocol.KindRequest), 1, 0, 0xc4, 2, 0, 1), frame(0x94, byte(protocol.KindSay), 0, 0, 0xa2, 'h', 'i')), false)
	conn.wantClosed(protocol.CloseNormal)
	if st := s.Stats(); st.Requests != 0 || st.ChatLines != 0 {
		t.Errorf("after a goodbye %d requests and %d lines were taken", st.Requests, st.ChatLines)
	}
}

func TestAGoodbyeIsALeave(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	stays := join(t, s, g)
	conn := s.dial(t)
	conn.hello(g)
	until(t, stays, "both are in", func(v *world.View) bool { return g.Units.Len(v) == 2 })
	before := s.Stats()
	bye, err := protocol.AppendGoodbye(nil, protocol.Goodbye{Reason: "it is late"})
	if err != nil {
		t.Fatal(err)
	}
	conn.write(frame(bye...), false)
	if answer := conn.goodbye(); answer.Code != protocol.CloseNormal {
		t.Errorf("the server answers %v, want %v", answer.Code, protocol.CloseNormal)
	}
	until(t, stays, "the other one is gone", func(v *world.View) bool { return g.Units.Len(v) == 1 })
	if got := counts(before, s.Stats()); len(got) > 0 {
		t.Errorf("the server counts %v, want nothing", got)
	}
}

func TestJoinsAreSpreadOverTicks(t *testing.T) {
	simulate(t, 23, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{JoinsPerTick: 2}}, func(s *simulation) {
		var conns []*rawConn
		for _, socket := range s.sockets {
			conns = append(conns, s.dial(socket))
		}
		for _, conn := range conns {
			conn.write(frame(helloOf(t, s.game)...), false)
		}
		joined := map[uint64]int{}
		for _, conn := range conns {
			w, err := protocol.ParseWelcome(conn.read())
			if err != nil {
				t.Fatal(err)
			}
			joined[w.Tick]++
		}
		if len(joined) < len(conns)/2 {
			t.Errorf("players joined in ticks %v, want two in a tick at most", joined)
		}
		for tick, n := range joined {
			if n > 2 {
				t.Errorf("%d players joined in tick %d, want two at most", n, tick)
			}
		}
	})
}

func TestWhoeverSaysNoHelloIsShownOut(t *testing.T) {
	simulate(t, 22, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{HelloTimeout: 2 * time.Second}}, func(s *simulation) {
		silent, slow := s.dial(s.sockets[4]), s.dial(s.sockets[5])
		for _, b := range frame(helloOf(t, s.game)...)[:5] {
			slow.write([]byte{b}, false)
			s.pass(300 * time.Millisecond)
		}
		s.pass(3 * time.Second)
		for _, conn := range []*rawConn{silent, slow} {
			if reason := conn.wantClosed(protocol.CloseProtocol); !strings.Contains(reason, "hello") {
				t.Errorf("the reason is %q, want what was missing", reason)
			}
		}
	})
}
