package server_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// The states of a connection, in the order of the tables (docs/protocol.md §4, *States*).
const (
	greeting = iota
	joining
	playing
	leaving

	states
)

// firstEpoch is that of a session's first welcome.
const firstEpoch = 1

var stateNames = [states]string{"greeting", "joining", "playing", "leaving"}

// deed is something that a client does, a row of the first table.
type deed struct {
	name  string
	do    func(*stranger)
	says  [states]string // what comes of it, as the document has it
	count [2]string      // what the server counts, while greeting and while playing
}

// deeds is the first table. Where several messages share a row, each is a deed.
var deeds = func() (all []deed) {
	said := func(message ...byte) func(*stranger) { return func(c *stranger) { c.put(frame(message...)) } }
	thrown := func(datagram ...byte) func(*stranger) { return func(c *stranger) { c.SendDatagram(datagram) } }
	refused := func(why string) [states]string { return [states]string{why, "waits", why, "not read"} }
	wrong := func(here string) [states]string { return [states]string{"`unexpected`, 7", "waits", here, "not read"} }
	dropped := func(why string) [states]string { return [states]string{"waits", "waits", why, "not read"} }
	all = []deed{
		{"hello", func(c *stranger) { c.put(frame(c.hello...)) }, [states]string{"taken", "waits", "`unexpected`, 7", "not read"}, [2]string{"joined", "unexpected"}},
		{"hello of another version", func(c *stranger) { c.put(frame(changed(c.hello, 2, 99)...)) },
			[states]string{"`wrong_version`, 3", "waits", "`unexpected`, 7", "not read"}, [2]string{"wrong_version", "unexpected"}},
		{"list", said(0x93, byte(protocol.KindList), 1, 0xa0), [states]string{"rooms", "waits", "`unexpected`, 7", "not read"}, [2]string{"", "unexpected"}},
		{"goodbye", said(0x93, byte(protocol.KindGoodbye), 0, 0xa0), [states]string{"the end, 0", "waits", "the end, 0", "not read"}, [2]string{"", "left"}},
		{"resync", said(0x92, byte(protocol.KindResync), firstEpoch), wrong("taken"), [2]string{"unexpected", "epoch"}},
		{"say", said(0x94, byte(protocol.KindSay), 0, 0, 0xa2, 'h', 'i'), wrong("taken"), [2]string{"unexpected", "line"}},
		{"request", said(0x94, byte(protocol.KindRequest), 1, 0, 0xc4, 2, 0, 1), wrong("answer"), [2]string{"unexpected", "request"}},
		{"a kind that nobody sends", said(0x91, 77), refused("`unknown_kind`, 7"), [2]string{"unknown_kind", "unknown_kind"}},
		{"what is no message, or has a fault", said(0x80), refused("its refusal, 7"), [2]string{"wrong_type", "wrong_type"}},
		{"what is no frame", func(c *stranger) { c.put([]byte{0x93}) }, refused("its refusal, 7"), [2]string{"wrong_type", "wrong_type"}},
		{"the end of its stream", func(c *stranger) { c.stream().Close() }, [states]string{"no hello, 7", "waits", "the end, 0", "not read"}, [2]string{"no hello", "left"}},
		{"the same after a list", func(c *stranger) { c.put(frame(0x93, byte(protocol.KindList), 1, 0xa0)); c.stream().Close() },
			[states]string{"the end, 0", "waits", "`unexpected`, 7", "not read"}, [2]string{"", "unexpected"}},
		{"the end within a frame", func(c *stranger) { c.put([]byte{0xc4, 9, 1}); c.stream().Close() }, refused("`truncated`, 7"), [2]string{"truncated", "truncated"}},
		{"a reset of its stream", func(c *stranger) { c.stream().CancelWrite(0) }, [states]string{"no hello, 7", "waits", "the end, 0", "not read"}, [2]string{"no hello", "left"}},
		{"the connection closed with code 0", func(c *stranger) { c.CloseWithError(0, "") }, [states]string{"the end", "the end", "the end", "the end"}, [2]string{"no hello", "left"}},
		{"closed with another code", func(c *stranger) { c.CloseWithError(quic.ApplicationErrorCode(protocol.CloseAbandoned), "") },
			[states]string{"the end", "the end", "held", "the end"}, [2]string{"no hello", "held"}},
		{"lost", (*stranger).lose, [states]string{"the end", "the end", "held", "the end"}, [2]string{"no hello", "held"}},
		{"input datagram", func(c *stranger) { c.SendDatagram(protocol.AppendInput(nil, input(c.server.Tick()+50))) }, dropped("taken"), [2]string{"", "input"}},
		{"datagram of another kind", thrown(1, 0, 0), dropped("dropped, `unknown_kind`"), [2]string{"", "unknown_kind"}},
		{"datagram with a fault", thrown(2), dropped("dropped, its refusal"), [2]string{"", "truncated"}},
	}
	for kind := protocol.Kind(1); kind.FromClient() || kind.FromServer(); kind++ {
		if !kind.FromClient() {
			all = append(all, deed{"a kind that a server sends", said(0x91, byte(kind)), refused("`unexpected`, 7"), [2]string{"unexpected", "unexpected"}})
		}
	}
	return all
}()

// mayHear is the second table: when a kind of message may come from the server; one that may not is left empty.
var mayHear = map[string][states + 1]string{ // by kind, the last one is of a player who is held
	"welcome":   {joining: "once"},
	"rooms":     {greeting: "for each list"},
	"goodbye":   {"the last", "the last", "the last", "the last", ""},
	"answer":    {playing: "at any time", leaving: "what waits", states: "waits"},
	"message":   {playing: "at any time", leaving: "what waits", states: "waits"},
	"chat":      {playing: "at any time", leaving: "what waits", states: "waits"},
	"checks":    {playing: "at any time", leaving: "what waits", states: "waits"},
	"diverged":  {playing: "at any time", leaving: "what waits", states: "waits"},
	"pace":      {playing: "at any time", leaving: "what waits", states: "waits"},
	"datagrams": {playing: "each tick"},
}

// stranger is a client on its way through the states.
type stranger struct {
	*rawConn
	*simulation
	hello   []byte
	welcome protocol.Welcome

	mu       sync.Mutex // guards messages
	messages [][]byte
}

func (c *stranger) stream() *quic.Stream {
	if c.control == nil {
		var err error
		if c.control, err = c.OpenStream(); err != nil {
			c.rawConn.t.Fatal(err)
		}
		go c.hear()
	}
	return c.control
}

// hear reads what the server says until the stream ends: once the connection has, it can't be read any more.
func (c *stranger) hear() {
	for {
		message, err := c.tryRead()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.messages = append(c.messages, message)
		c.mu.Unlock()
	}
}

// put writes on the stream, whether anybody reads it or not.
func (c *stranger) put(b []byte) { c.stream().Write(b) }

// lose lets the network lose the connection.
func (c *stranger) lose() {
	c.net.setDark(c.sockets[1].LocalAddr(), true)
	c.pass(4 * time.Second)
	c.net.setDark(c.sockets[1].LocalAddr(), false)
}

// listen returns the kinds of messages that have come since the last call, and the goodbye if it is among them.
func (c *stranger) listen() (kinds []string, bye protocol.Goodbye) {
	c.mu.Lock()
	messages := c.messages
	c.messages = nil
	c.mu.Unlock()
	for _, message := range messages {
		kind, err := protocol.KindOf(message)
		if err != nil {
			c.rawConn.t.Fatal(err)
		}
		if kind == protocol.KindWelcome {
			c.welcome, err = protocol.ParseWelcome(message)
		}
		if kind == protocol.KindGoodbye {
			bye, err = protocol.ParseGoodbye(message)
		}
		if err != nil {
			c.rawConn.t.Error(err)
		}
		kinds = append(kinds, kind.String())
	}
	return kinds, bye
}

// epochs returns the epochs of the datagrams that have come.
func (c *stranger) epochs() (all []uint8) {
	schema, _ := world.SchemaOf(c.game)
	ctx, cancel := context.WithTimeout(c.rawConn.t.Context(), time.Millisecond)
	defer cancel()
	var reader protocol.StateReader
	for {
		b, err := c.ReceiveDatagram(ctx)
		if err != nil {
			return all
		}
		if err := reader.Open(b, schema); err != nil {
			c.rawConn.t.Error(err)
		}
		all = append(all, reader.Header.Epoch)
	}
}

// census is what a server has counted, by the names that deeds give it. The inputs are those of strangers.
func (w *walk) census() map[string]uint64 {
	st := w.server.Stats()
	out := map[string]uint64{"joined": st.Joined, "left": st.Left, "lost": st.Lost, "no hello": st.NoHello, "held": st.Held, "line": st.ChatLines, "request": st.Requests}
	for _, session := range w.server.Sessions() {
		if session.Player != w.clients[0].Player() {
			out["input"] += session.Inputs.Applied
		}
	}
	for r, n := range st.Rejected {
		out[protocol.Reject(r).String()] = n
	}
	return out
}

// walk goes through the table, beside an honest player.
type walk struct {
	*simulation
	transport *quic.Transport
	gate      chan struct{} // who has the token "wait" waits for it
}

// come is a connection that has said as much as brings it to a state.
func (w *walk) come(state int) *stranger {
	w.t.Helper()
	conn, err := w.transport.Dial(w.t.Context(), serverAddr, pinned(w.server.Pin()), &quic.Config{EnableDatagrams: true, KeepAlivePeriod: time.Second / 2})
	if err != nil {
		w.t.Fatal(err)
	}
	c := &stranger{rawConn: &rawConn{Conn: conn, t: w.t}, simulation: w.simulation, hello: helloOf(w.t, w.game)}
	switch {
	case state == joining:
		hello, err := protocol.AppendHello(nil, protocol.Hello{Token: []byte("wait")})
		if err != nil {
			w.t.Fatal(err)
		}
		c.put(frame(hello...))
	case state > joining:
		c.put(frame(c.hello...))
	}
	w.pass(200 * time.Millisecond)
	if state > joining {
		w.wantHeard(c, joining, "welcome")
	}
	if state == leaving {
		c.put(frame(0x93, byte(protocol.KindGoodbye), 0, 0xa0))
		w.pass(100 * time.Millisecond)
	}
	c.epochs()
	return c
}

// wantHeard checks that what has come may come in a state, and that certain kinds have.
func (w *walk) wantHeard(c *stranger, state int, want ...string) (bye protocol.Goodbye) {
	w.t.Helper()
	kinds, bye := c.listen()
	for n, kind := range kinds {
		if mayHear[kind][state] == "" {
			w.t.Errorf("while it is %s the server says %s", stateNames[state], kind)
		}
		if kind == "goodbye" && n+1 < len(kinds) {
			w.t.Errorf("after its goodbye the server says %v", kinds[n+1:])
		}
	}
	for _, kind := range want {
		if !slices.Contains(kinds, kind) {
			w.t.Errorf("while it is %s the server says %v, want %s", stateNames[state], kinds, kind)
		}
	}
	return bye
}

// cell does a deed in a state, and checks what comes of it. What waits comes to be while the connection plays.
func (w *walk) cell(d deed, state int) {
	c := w.come(state)
	before := w.census()
	d.do(c)
	says, count := d.says[state], ""
	if w.pass(time.Second); says != "waits" {
		w.pass(time.Second)
	}
	if state == greeting || state == playing {
		count = d.count[state/playing]
	}
	if waits := says == "waits"; waits {
		w.wantCounted(before, "")
		if n := len(c.epochs()); n > 0 || context.Cause(c.Context()) != nil {
			w.t.Errorf("before the welcome %d datagrams come, and %v", n, context.Cause(c.Context()))
		}
		if state == greeting {
			c.put(frame(c.hello...))
			state = joining
		} else {
			w.gate <- struct{}{}
		}
		w.pass(2 * time.Second)
		says, count = d.says[playing], "joined, "+d.count[1]
	}
	if epochs := c.epochs(); len(epochs) > 0 && epochs[len(epochs)-1] != firstEpoch {
		before["epoch"]-- // one more since
	}
	w.wantCounted(before, count)
	w.wantSaid(c, state, says)
	if says == "held" {
		w.wantHeld(c)
	}
	c.CloseWithError(0, "")
	w.pass(500 * time.Millisecond)
}

// wantSaid checks what the server says, and how the connection has ended.
func (w *walk) wantSaid(c *stranger, state int, says string) {
	w.t.Helper()
	if says == "the end" || says == "held" { // the client has closed
		return
	}
	code := uint64(0)
	end := regexp.MustCompile(`, (\d+)$`).FindStringSubmatch(says)
	if end != nil {
		code, _ = strconv.ParseUint(end[1], 10, 32)
	}
	if end == nil && says != "not read" {
		if err := context.Cause(c.Context()); err != nil {
			w.t.Errorf("the connection has ended: %v", err)
		}
		if c.control != nil && state != joining && says != "taken" {
			w.wantHeard(c, state, map[string][]string{"rooms": {"rooms"}, "answer": {"answer"}}[says]...)
		}
		return
	}
	var bye protocol.Goodbye
	if state == joining { // the welcome comes before
		_, bye = c.listen()
	} else {
		bye = w.wantHeard(c, state, "goodbye")
	}
	var closed *quic.ApplicationError
	if !errors.As(context.Cause(c.Context()), &closed) || !closed.Remote || uint64(closed.ErrorCode) != code || uint64(bye.Code) != code {
		w.t.Errorf("the connection ends with %v and the goodbye %v, want %d", context.Cause(c.Context()), bye.Code, code)
	}
}

// wantHeld checks that a lost player may come back, and hears then what was said meanwhile.
func (w *walk) wantHeld(former *stranger) {
	w.t.Helper()
	if err := w.clients[0].Say("where are you?"); err != nil {
		w.t.Fatal(err)
	}
	w.pass(time.Second)
	hello, err := protocol.AppendHello(nil, protocol.Hello{Resume: former.welcome.Resume})
	if err != nil {
		w.t.Fatal(err)
	}
	c := w.come(greeting)
	c.put(frame(hello...))
	w.pass(time.Second)
	kinds, _ := c.listen()
	if c.welcome.Session != former.welcome.Session || !slices.Equal(kinds, []string{"welcome", "chat"}) {
		w.t.Errorf("who comes back is told %v of session %x, want that it is %x and what was said", kinds, c.welcome.Session, former.welcome.Session)
	}
	c.put(frame(0x93, byte(protocol.KindGoodbye), 0, 0xa0))
	w.pass(time.Second)
}

// wantCounted checks what the server has counted since.
func (w *walk) wantCounted(before map[string]uint64, want string) {
	w.t.Helper()
	var got []string
	after := w.census()
	after["epoch"] = 0
	for _, name := range slices.Sorted(maps.Keys(after)) {
		for range after[name] - before[name] {
			got = append(got, name)
		}
	}
	wanted := slices.DeleteFunc(strings.Split(want, ", "), func(s string) bool { return s == "" })
	slices.Sort(wanted)
	if !slices.Equal(got, wanted) {
		w.t.Errorf("the server counts %v, want %v", got, wanted)
	}
}

// TestEachMessageInEachState walks the table of the document: all that a client can do, in each state.
func TestEachMessageInEachState(t *testing.T) {
	var gate chan struct{} // the bubble's
	wait := server.GateFunc(func(ctx context.Context, j server.Joining) (who server.Identity, err error) {
		if string(j.Token) != "wait" {
			return who, nil
		}
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return who, ctx.Err()
	})
	cfg := server.Config{
		Gate:   wait,
		Limits: server.Limits{IdleTimeout: 2 * time.Second, HelloTimeout: 20 * time.Second, CloseTimeout: 500 * time.Millisecond, BadHellosPerMinutePerAddress: 1000},
	}
	for state, name := range stateNames {
		t.Run(name, func(t *testing.T) {
			cfg.Games = []world.Game{quietArena()}
			simulate(t, uint64(900+state), calm, cfg, func(s *simulation) {
				gate = make(chan struct{})
				w := &walk{simulation: s, transport: &quic.Transport{Conn: s.sockets[1]}, gate: gate}
				defer w.transport.Close()
				s.join()
				s.pass(5 * time.Second)
				for _, d := range deeds {
					s.t.Log(d.name)
					w.cell(d, state)
				}
			})
		})
	}
}

// rowsBelow returns the cells of a document's table by the header's beginning, without the header.
func rowsBelow(t *testing.T, header string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n"+header+"\n")
	if !found {
		t.Fatalf("docs/protocol.md has no table %s", header)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	return rows[1:]
}

// TestDocumentHasTheStates: the tables that are tested are the document's.
func TestDocumentHasTheStates(t *testing.T) {
	var want [][]string
	for _, d := range deeds {
		row := append([]string{d.name}, d.says[:]...)
		if n := len(want); n == 0 || !slices.Equal(want[n-1], row) {
			want = append(want, row)
		}
	}
	got := rowsBelow(t, "| from the client | greeting | joining | playing | leaving |")
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !slices.Equal(got[i], want[i]) {
			t.Fatalf("row %d of docs/protocol.md is not the test's:\n%q\n%q", i+1, got[min(i, len(got)):], want[min(i, len(want)):])
		}
	}
	says := map[string][states + 1]string{}
	for _, row := range rowsBelow(t, "| from the server | greeting | joining | playing | leaving | held |") {
		for kind := range strings.SplitSeq(row[0], ", ") {
			says[kind] = [states + 1]string(row[1:])
		}
	}
	if !maps.Equal(says, mayHear) {
		t.Errorf("docs/protocol.md says of the server\n%q\nwant\n%q", says, mayHear)
	}
}
