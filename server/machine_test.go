package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server/clock"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

const (
	// machineRate is the tick rate of the machine: at it the clock wakes for nothing but ticks.
	machineRate = 200
	machineTick = time.Second / machineRate
	// machineHold is for how long a player is held there, and machineClose how long a close may take.
	machineHold  = 4 * machineTick
	machineClose = 2 * machineTick
	machineHello = 8 * machineTick
	machineEmpty = 2 * machineTick
	// machineSteps bounds what happens in one run.
	machineSteps = 60
	guestCount   = 3
)

// machine is a server without sockets, an honest player in its room, and guests who do whatever a script says.
type machine struct {
	t      *testing.T
	script script
	stage  *stage
	server *Server
	ctx    context.Context
	stop   context.CancelFunc
	conns  sync.WaitGroup
	honest *guest
	steer  []byte // what the honest player asks for
	rest   []byte // what asks for nothing
	guests [guestCount]*visitor
	all    []*guest
	tokens [][]byte
}

// visitor is a guest who may be deaf, and stops in the midst of a message.
type visitor struct {
	*guest
	deaf    bool
	corked  bool
	pending []byte
	last    []byte // datagram
}

// script is what happens, byte by byte; it is zeros behind its end.
type script []byte

func (s *script) next() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

// some takes up to n bytes more than it says.
func (s *script) some() []byte {
	n := min(int(s.next()), len(*s))
	b := (*s)[:n]
	*s = (*s)[n:]
	return slices.Clone(b)
}

// lasting is a certificate that is valid in virtual time.
var lasting = sync.OnceValue(func() *tls.Certificate {
	cert, err := transport.NewDevCertificate(transport.DevCertificateParams{
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), Validity: 200 * 365 * 24 * time.Hour,
	})
	if err != nil {
		panic(err)
	}
	return &cert
})

// idle is a socket that nothing comes to.
type idle struct {
	net.PacketConn
	once sync.Once
	done chan struct{}
}

func newIdle() *idle { return &idle{done: make(chan struct{})} }

func (i *idle) ReadFrom([]byte) (int, net.Addr, error) {
	<-i.done
	return 0, nil, net.ErrClosed
}

func (i *idle) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }

func (i *idle) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4433} }

func (i *idle) SetReadDeadline(time.Time) error { return i.Close() }

func (i *idle) Close() error {
	i.once.Do(func() { close(i.done) })
	return nil
}

// newMachine starts the server and lets the honest player in.
func newMachine(t *testing.T, b []byte) *machine {
	m := &machine{t: t, script: b, stage: newStage()}
	cfg := Config{
		Games: []world.Game{m.stage}, TickRate: machineRate, Seed: 1, Sleeper: clock.Portable(),
		Limits: Limits{
			MaxConns: 16, MaxHeld: 2, MaxRooms: 4, MaxPlayers: 4, EmptyRoomLifetime: machineEmpty, CloseTimeout: machineClose,
			HelloTimeout: machineHello, UnreadMessages: 8, OpenRequests: 4, ChatPerMinute: 100_000,
		},
	}
	var err error
	if m.server, err = newServer(cfg); err != nil {
		t.Fatal(err)
	}
	how := m.server.cfg.transport()
	how.Certificate, how.PacketConn, how.HTTPListener = lasting(), newIdle(), nil
	if m.server.listener, err = transport.Listen(how); err != nil {
		t.Fatal(err)
	}
	m.server.first.hold = machineHold
	m.ctx, m.stop = context.WithCancel(context.Background())
	if m.steer, err = m.stage.AppendInput(nil, push{Force: 3, Aim: 0.5, Name: "ann"}); err != nil {
		t.Fatal(err)
	}
	if m.rest, err = m.stage.AppendInput(nil, push{}); err != nil {
		t.Fatal(err)
	}
	return m
}

// play runs the script, and then lets everything come to rest and end.
func (m *machine) play() {
	end := m.server.begin()
	m.honest = m.come()
	m.honest.say(protocol.AppendHello(nil, protocol.Hello{Game: "stage", Room: "hall"}))
	m.pass(2)
	if !m.honest.joined {
		m.t.Fatal("the honest player is not let in")
	}
	stopped := false
	for steps := 0; len(m.script) > 0 && steps < machineSteps && !stopped; steps++ {
		stopped = m.step()
	}
	if !stopped {
		m.settle()
	}
	m.stop()
	m.conns.Wait()
	end()
	if err := m.server.listener.Close(); err != nil {
		m.t.Error(err)
	}
	m.wantNobody()
}

// come is a new connection, which is served.
func (m *machine) come() *guest {
	g, conn := come(m.t, m.server.first)
	m.all = append(m.all, g)
	m.conns.Go(func() { m.server.serve(m.ctx, conn) })
	return g
}

// pass lets ticks pass. The honest player plays, the guests listen unless they are deaf.
func (m *machine) pass(ticks int) {
	for range ticks {
		time.Sleep(machineTick)
		synctest.Wait()
		m.honest.hear()
		if m.honest.joined {
			m.honest.far.Datagram(protocol.AppendInput(nil, m.honest.input(3, m.steer)))
		}
		for _, v := range m.guests {
			if v != nil && !v.deaf {
				v.hear()
				m.note(v)
			}
		}
		synctest.Wait()
		if err := m.honest.far.Err(); err != nil {
			m.t.Fatalf("the honest player is disturbed: %v", err)
		}
	}
}

// note keeps the tokens that guests were told.
func (m *machine) note(v *visitor) {
	if token := v.welcome.Resume; len(token) > 0 && !slices.ContainsFunc(m.tokens, func(t []byte) bool { return bytes.Equal(t, token) }) {
		m.tokens = append(m.tokens, token)
	}
}

// settle ends the guests, whatever they do, and checks what is left: the honest player, who has what the server has, and
// then nobody.
func (m *machine) settle() {
	for _, g := range m.all {
		if g != m.honest {
			g.far.Lose()
		}
	}
	m.steer = m.rest
	m.pass(int(machineHold/machineTick) + 4)
	if held, keys := m.server.held.Load(), len(m.server.keys.keys); held != 0 || keys != 1 {
		m.t.Errorf("%d players are held and %d tokens known, after those that were held have left", held, keys)
	}
	m.pass(5)
	m.wantSame()
	m.honest.say(protocol.AppendGoodbye(nil, protocol.Goodbye{}))
	time.Sleep(machineClose + machineEmpty + 4*machineTick)
	synctest.Wait()
	m.honest.hear()
	if bye := m.honest.bye; bye == nil || bye.Code != protocol.CloseNormal {
		m.t.Errorf("the honest player is told %+v", bye)
	}
	if rooms := len(find[roomRow](m.server.directory, roomRows, byID, nil)); rooms != 0 {
		m.t.Errorf("%d rooms are open without a player", rooms)
	}
	if joins, leaves := m.stage.joins.Load(), m.stage.leaves.Load(); joins != leaves {
		m.t.Errorf("%d players came into the game and %d left it", joins, leaves)
	}
}

// wantSame checks that the honest player has each row as the server has it.
func (m *machine) wantSame() {
	m.t.Helper()
	rows := find[roomRow](m.server.directory, roomRows, byName, nameKey("stage", "hall", false))
	if len(rows) != 1 {
		m.t.Fatal("the honest player's room is gone")
	}
	view, me := rows[0].room.view.Load(), world.Player(m.honest.welcome.Player)
	seat, ok := view.Seat(me)
	if !ok || m.honest.rules.Tick()+2 < view.Tick {
		m.t.Fatalf("the honest player is in: %v, and knows tick %d of %d", ok, m.honest.rules.Tick(), view.Tick)
	}
	for table := range view.Tables() {
		for n, p := range view.Pages(table) {
			for row := range 64 {
				index := uint32(n*64 + row)
				got, here := m.honest.rules.Get(table, index)
				if want := p != nil && p.Used()>>row&1 != 0; here != want {
					m.t.Errorf("row %d of table %d is here: %v, want %v", index, table, here, want)
				} else if want {
					m.wantRow(table, p, row, seat, got.Class, got.Words, got.Texts)
				}
			}
		}
	}
}

func (m *machine) wantRow(table int, p *world.Page, row int, seat world.Seat, class schema.Class, words []uint32, texts []string) {
	m.t.Helper()
	ours := m.server.first.schema.Tables[table]
	if want := p.Class(row, world.Player(m.honest.welcome.Player), seat.Team); class != want {
		m.t.Errorf("row %d of table %d is of class %v, want %v", row, table, class, want)
	}
	got := ours.AppendRow(nil, class, ours.FullMask(class), words, texts)
	if want := ours.AppendRow(nil, class, ours.FullMask(class), p.Words(row), p.Texts(row)); !bytes.Equal(got, want) {
		m.t.Errorf("row %d of table %d is %x, want %x", row, table, got, want)
	}
}

// wantNobody checks what holds at the end, however it came.
func (m *machine) wantNobody() {
	m.t.Helper()
	s := m.server
	if sessions := len(find[sessionRow](s.directory, sessionRows, byID, nil)); sessions != 0 {
		m.t.Errorf("%d sessions are left", sessions)
	}
	if rooms := len(find[roomRow](s.directory, roomRows, byID, nil)); rooms != 0 {
		m.t.Errorf("%d rooms are left", rooms)
	}
	if held, by, keys := s.held.Load(), s.heldBy.Known(), len(s.keys.keys); held != 0 || by != 0 || keys != 0 {
		m.t.Errorf("%d players are held, of %d addresses, and %d tokens known", held, by, keys)
	}
	c := &s.counters
	if failed := c.failedTicks.Load(); failed != 0 {
		m.t.Errorf("%d ticks failed", failed)
	}
	if asked, refused, handled := c.requests.Load(), c.requestsRefused.Load(), uint64(m.stage.handled.Load()); handled > asked || refused > asked {
		m.t.Errorf("%d requests came, the game has seen %d, and %d were refused", asked, handled, refused)
	}
	resumed, welcomes := c.resumed.Load(), uint64(0)
	for _, g := range m.all {
		if g.far.Err() == nil {
			m.t.Error("a connection is left open")
		}
		g.hear()
		g.wantFarewell()
		if g.joined {
			welcomes++
		}
	}
	if in := uint64(m.stage.joins.Load()) + resumed; welcomes > in {
		m.t.Errorf("%d were welcomed, though %d came in and %d came back", welcomes, in-resumed, resumed)
	}
}

// FuzzServe: whatever clients do, in whatever order, the server goes on, says goodbye once and why, keeps nothing of them,
// and who plays beside them has what the server has.
func FuzzServe(f *testing.F) {
	for _, seed := range scenes {
		f.Add(slices.Concat(seed...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			return
		}
		synctest.Test(t, func(t *testing.T) { newMachine(t, b).play() })
	})
}
