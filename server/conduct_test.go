package server_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// told is what a server has said on a control stream, to its end.
type told struct {
	kinds   []protocol.Kind
	chat    []string
	answers []protocol.Answer
	bye     *protocol.Goodbye
}

// listen reads what the server says on the control stream until it ends.
func (c *rawConn) listen() <-chan told {
	out := make(chan told, 1)
	go func() {
		var all told
		var have []byte
		buf := make([]byte, 4096)
		defer func() { out <- all }()
		for {
			n, err := c.control.Read(buf)
			have = append(have, buf[:n]...)
			for {
				message, rest, split := protocol.SplitFrame(have, protocol.MaxFrame)
				if split != nil {
					break
				}
				all.take(message)
				have = rest
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

func (t *told) take(message []byte) {
	kind, _ := protocol.KindOf(message)
	t.kinds = append(t.kinds, kind)
	if line, err := protocol.ParseChat(message); err == nil {
		t.chat = append(t.chat, line.Text)
	}
	if answer, err := protocol.ParseAnswer(message); err == nil {
		t.answers = append(t.answers, answer)
	}
	if bye, err := protocol.ParseGoodbye(message); err == nil {
		t.bye = &bye
	}
}

// abuse is one way to send too much.
type abuse struct {
	limit string
	each  int // of them in each hundredth of a second
	send  func(s *simulation, conn *rawConn, n int) error
}

func datagram(in *protocol.Input) func(*simulation, *rawConn, int) error {
	return func(s *simulation, conn *rawConn, _ int) error {
		return conn.SendDatagram(protocol.AppendInput(nil, in))
	}
}

func sent(message []byte, err error) func(*simulation, *rawConn, int) error {
	return func(_ *simulation, conn *rawConn, _ int) error {
		if err != nil {
			return err
		}
		_, err := conn.control.Write(frame(message...))
		return err
	}
}

// falseReports tell that 64 rows are here of which none is.
func falseReports() func(*simulation, *rawConn, int) error {
	var newest atomic.Uint64
	return func(s *simulation, conn *rawConn, n int) error {
		if n == 0 {
			go func() {
				for {
					b, err := conn.ReceiveDatagram(context.Background())
					var r protocol.StateReader
					if err != nil || r.Open(b, s.schema()) != nil {
						return
					}
					newest.Store(r.Header.Sequence)
				}
			}()
		}
		in := &protocol.Input{Epoch: 1, HasAck: newest.Load() > 0, Newest: newest.Load(), HasPage: true}
		in.Page = protocol.PageReport{Page: 9, Here: math.MaxUint64}
		return conn.SendDatagram(protocol.AppendInput(nil, in))
	}
}

func (s *simulation) schema() *schema.Schema {
	out, err := world.SchemaOf(s.game)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// abuses are all of them but resumes, which take more than one connection.
func abuses() []abuse {
	// A resync with a field of a later version.
	long := frame(append([]byte{0x93, byte(protocol.KindResync), 99, 0xc5, 0x0f, 0xa0}, make([]byte, 4000)...)...)
	return []abuse{
		{"datagrams", 50, datagram(&protocol.Input{Epoch: 1})},
		{"malformed", 1, func(_ *simulation, conn *rawConn, _ int) error { return conn.SendDatagram([]byte{0xc1}) }},
		{"forged_acks", 1, datagram(&protocol.Input{Epoch: 1, HasAck: true, Newest: 5000})},
		{"false_reports", 1, falseReports()},
		{"messages", 4, sent(protocol.AppendSay(nil, protocol.Say{Scope: protocol.ScopeTeam, Text: "x"}))},
		{"message_bytes", 1, func(_ *simulation, conn *rawConn, _ int) error { _, err := conn.control.Write(long); return err }},
		{"resyncs", 1, sent(protocol.AppendResync(nil, protocol.Resync{Epoch: 99}))},
		{"requests", 3, func(_ *simulation, conn *rawConn, n int) error {
			return sent(protocol.AppendRequest(nil, protocol.Request{Number: uint32(n + 1), Data: []byte{0, 1}}))(nil, conn, n)
		}},
		{"chat", 1, func(_ *simulation, conn *rawConn, n int) error {
			return sent(protocol.AppendSay(nil, protocol.Say{Text: fmt.Sprint(n)}))(nil, conn, n)
		}},
		{"repeated_chat", 1, sent(protocol.AppendSay(nil, protocol.Say{Text: "buy gold"}))},
		{"refused_chat", 1, func(_ *simulation, conn *rawConn, n int) error {
			return sent(protocol.AppendSay(nil, protocol.Say{Text: fmt.Sprint("bad ", n)}))(nil, conn, n)
		}},
	}
}

// TestWhoeverGoesOnIsDisconnected floods a server in each way, beside an honest player.
func TestWhoeverGoesOnIsDisconnected(t *testing.T) {
	cfg := server.Config{Moderate: noBadWords}
	for seed, a := range abuses() {
		t.Run(a.limit, func(t *testing.T) {
			g := newArena()
			cfg := cfg
			cfg.Games = []world.Game{g}
			switch a.limit { // so that no other limit comes first
			case "repeated_chat", "refused_chat":
				cfg.Limits.ChatPerMinute = 10_000
			case "requests", "resyncs":
				cfg.Limits.MessagesPerSecond = 10_000
			case "message_bytes":
				cfg.Limits.ResyncsPerMinute = 10_000
			case "messages":
				cfg.Limits.ChatPerMinute, cfg.Limits.RepeatsPerMinute = 100_000, 100_000
			}
			simulate(t, uint64(seed), calm, cfg, func(s *simulation) { s.flood(a) })
		})
	}
}

func noBadWords(_ context.Context, line server.Line) (string, error) {
	if strings.HasPrefix(line.Text, "bad") {
		return "", errors.New("be kind")
	}
	return line.Text, nil
}

// flood has a client send too much until it is disconnected, and checks what it is told, what is counted, and that another
// player plays on.
func (s *simulation) flood(a abuse) {
	s.hostile = true
	honest := s.join()
	conn := s.dial(s.spares[0])
	conn.hello(s.game)
	said := conn.listen()
	s.pass(time.Second)
	sent := 0
	for conn.Context().Err() == nil && sent < 20_000 {
		for range a.each {
			if a.send(s, conn, sent) != nil {
				break
			}
			sent++
		}
		time.Sleep(10 * time.Millisecond)
	}
	synctest.Wait()
	heard := <-said
	name := "limit " + a.limit
	if reason := conn.wantClosed(protocol.CloseAbuse); !strings.Contains(reason, name) {
		s.t.Errorf("after %d of them the server says %q, want %q", sent, reason, name)
	}
	warned := 0
	for _, line := range heard.chat {
		if strings.Contains(line, name) {
			warned++
		}
	}
	if warned != 1 {
		s.t.Errorf("it was warned %d times, want once", warned)
	}
	for _, c := range s.server.Stats().Conduct {
		if c.Limit == a.limit && (c.Dropped == 0 || c.Warned != 1 || c.Disconnected != 1) {
			s.t.Errorf("the server counts %+v, want some dropped, one warned and one disconnected", c)
		}
		if c.Limit != a.limit && c.Disconnected > 0 {
			s.t.Errorf("the limit %q came first", c.Limit)
		}
	}
	s.pass(time.Second)
	if score, _ := s.game.Score.Get(s.server.View()); score.Leaves != 1 || honest.Err() != nil {
		s.t.Errorf("%d have left, the honest player has %v", score.Leaves, honest.Err())
	}
	wantPlaying(s.t, s.game, honest)
}

// TestWhoeverResumesAgainAndAgainIsEnded: each time costs a welcome, and whatever the client says that it has not.
func TestWhoeverResumesAgainAndAgainIsEnded(t *testing.T) {
	simulate(t, 20, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		s.hostile = true
		honest := s.join()
		conn := s.dial(s.spares[0])
		token := conn.hello(s.game).Resume
		resumed, refused := 0, 0
		for range 500 {
			next, err := conn.transport.Dial(s.t.Context(), serverAddr, pinned(s.server.Pin()), &quic.Config{EnableDatagrams: true})
			if err != nil {
				s.t.Fatal(err)
			}
			again := &rawConn{Conn: next, t: s.t}
			hello, err := protocol.AppendHello(nil, protocol.Hello{SchemaHash: s.schema().Hash(), Resume: token})
			if err != nil {
				s.t.Fatal(err)
			}
			again.write(frame(hello...), false)
			message := again.read()
			w, err := protocol.ParseWelcome(message)
			if err == nil {
				resumed++
				token = w.Resume
				continue
			}
			bye, err := protocol.ParseGoodbye(message)
			again.CloseWithError(0, "")
			if err == nil && bye.Code == protocol.CloseExpired {
				break
			}
			if refused++; err != nil || bye.Code != protocol.CloseFull || !strings.Contains(bye.Reason, "limit resumes") {
				s.t.Fatalf("resume %d: the server says %+v, %v", resumed+refused, bye, err)
			}
		}
		for _, c := range s.server.Stats().Conduct {
			if c.Limit == "resumes" && (int(c.Dropped) != refused+1 && int(c.Dropped) != refused || c.Warned != 1 || c.Disconnected != 1) {
				s.t.Errorf("%d resumes were refused, the server counts %+v", refused, c)
			}
		}
		if resumed < 20 || refused < 80 {
			s.t.Errorf("%d resumes were let in and %d refused", resumed, refused)
		}
		s.pass(time.Second)
		if score, _ := s.game.Score.Get(s.server.View()); score.Leaves != 1 {
			s.t.Errorf("%d have left, want the one", score.Leaves)
		}
		wantPlaying(s.t, s.game, honest)
	})
}
