package server_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/fnv"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/clock"
)

// weather is how bad the network is.
type weather struct {
	lossPerMille int64
	dupPerMille  int64
	delay        time.Duration // one way, at least
	jitter       time.Duration // on top of it, at most; packets overtake each other
}

// pipe is a narrow link: what comes faster than it carries waits, and is lost when too much waits.
type pipe struct {
	bytesPerSecond int
	queueBytes     int
	free           time.Time // when it has carried all that waits
}

// take puts a packet into the pipe, unless it is full.
func (p *pipe) take(bytes int, now time.Time) bool {
	p.free = later(p.free, now)
	if waiting := int(p.free.Sub(now).Seconds() * float64(p.bytesPerSecond)); waiting+bytes > p.queueBytes {
		return false
	}
	p.free = p.free.Add(time.Duration(float64(bytes) / float64(p.bytesPerSecond) * float64(time.Second)))
	return true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// network loses and delays packets by their source and count, so that a seed tells what happens.
type network struct {
	simnet.PerfectRouter
	seed    uint64
	weather atomic.Pointer[weather]
	dropped atomic.Int64
	doubled atomic.Int64
	cut     atomic.Int64 // packets lost in the dark

	mu    sync.Mutex
	dark  map[string]bool     // addresses that nothing comes from or gets to
	pipes map[string]*pipe    // by the address that they lead to
	sent  map[string]uint64   // packets by source
	drawn map[string]uint64   // delays by source and destination
	bytes map[string]uint64   // carried from and to an address
	shown map[string]net.Addr // where a source seems to be, as routers have it; and back
}

// chance draws a number for the nth packet of a source.
func (n *network) chance(what, source string, count uint64) uint64 {
	h := fnv.New64a()
	h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, n.seed), count))
	h.Write([]byte(what + source))
	v := h.Sum64()
	v ^= v >> 31
	v *= 0xbf58476d1ce4e5b9
	return v >> 16
}

// SendPacket passes a packet on, or not, or twice.
func (n *network) SendPacket(p simnet.Packet) error {
	n.translate(&p)
	from, to := p.From.String(), p.To.String()
	n.mu.Lock()
	n.sent[from]++
	w, count := n.weather.Load(), n.sent[from]
	drop := n.chance("loss", from, count)%1000 < uint64(w.lossPerMille)
	if n.dark[from] || n.dark[to] {
		drop = true
		n.cut.Add(1)
	}
	if narrow := n.pipes[to]; narrow != nil && !drop {
		drop = !narrow.take(len(p.Data), time.Now())
	}
	if !drop {
		n.bytes[from] += uint64(len(p.Data))
		n.bytes[to] += uint64(len(p.Data))
	}
	twice := n.chance("twice", from, count)%1000 < uint64(w.dupPerMille)
	n.mu.Unlock()
	if drop {
		n.dropped.Add(1)
		return nil
	}
	if twice {
		n.doubled.Add(1)
		n.PerfectRouter.SendPacket(simnet.Packet{From: p.From, To: p.To, Data: bytes.Clone(p.Data)})
	}
	return n.PerfectRouter.SendPacket(p)
}

func (n *network) delay(p simnet.Packet) time.Duration {
	path := p.From.String() + " " + p.To.String()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drawn[path]++
	w := n.weather.Load()
	d := w.delay + time.Duration(n.chance("delay", path, n.drawn[path])%uint64(w.jitter+1))
	if narrow := n.pipes[p.To.String()]; narrow != nil {
		d += max(0, time.Until(narrow.free))
	}
	return d
}

// narrow puts a pipe in front of an address; nil takes it away.
func (n *network) narrow(addr net.Addr, p *pipe) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pipes[addr.String()] = p
}

// carried is how many bytes of packets got through from and to some addresses.
func (n *network) carried(addrs ...net.Addr) (bytes uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, addr := range addrs {
		bytes += n.bytes[addr.String()]
	}
	return bytes
}

// rebind gives an address another one on the way, as a router does that has forgotten it.
func (n *network) rebind(addr, shown net.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.shown = map[string]net.Addr{"from " + addr.String(): shown, "to " + shown.String(): addr, "to " + addr.String(): &net.UDPAddr{IP: net.IPv4(10, 9, 9, 8)}}
}

// show gives an address another one from the beginning, as a router does that several share.
func (n *network) show(addr, shown net.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shown == nil {
		n.shown = map[string]net.Addr{}
	}
	n.shown["from "+addr.String()], n.shown["to "+shown.String()] = shown, addr
}

func (n *network) translate(p *simnet.Packet) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at := n.shown["from "+p.From.String()]; at != nil {
		p.From = at
	} else if at := n.shown["to "+p.To.String()]; at != nil {
		p.To = at
	}
}

func (n *network) setDark(addr net.Addr, dark bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dark[addr.String()] = dark
}

// simulation is a server and a network in virtual time.
type simulation struct {
	t       *testing.T
	net     *network
	game    *arena
	server  *server.Server
	sockets []net.PacketConn // of players, in the order of join
	spares  []net.PacketConn // likewise, to move to
	clients []*client.Client[stride]
	started time.Time // the room, once somebody has joined
	stop    context.CancelFunc
	ended   chan struct{}
	err     error
	hostile bool // somebody sends more than may be sent
}

var serverAddr = &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 4433}

// socketCount is how many players a simulation has space for.
const socketCount = 8

// simulate runs play in virtual time, with a server that runs already. Everything ends with it: the bubble
// fails the test when a goroutine is left.
func simulate(t *testing.T, seed uint64, w weather, cfg server.Config, play func(*simulation)) {
	t.Helper()
	t.Logf("seed %d", seed)
	certificate()
	synctest.Test(t, func(t *testing.T) {
		catchUp()
		s := &simulation{t: t, ended: make(chan struct{})}
		s.game, _ = cfg.Games[0].(*arena) // nil with another game
		s.net = &network{seed: seed, dark: map[string]bool{}, pipes: map[string]*pipe{}, sent: map[string]uint64{}, drawn: map[string]uint64{}, bytes: map[string]uint64{}}
		s.net.weather.Store(&w)
		sim := &simnet.Simnet{Router: s.net}
		link := simnet.NodeBiDiLinkSettings{LatencyFunc: s.net.delay}
		socket := sim.NewEndpoint(serverAddr, link)
		for i := range socketCount {
			s.sockets = append(s.sockets, sim.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 1, byte(i+1)), Port: 5000}, link))
		}
		for i := range socketCount {
			s.spares = append(s.spares, sim.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 2, byte(i+1)), Port: 5000}, link))
		}
		if err := sim.Start(); err != nil {
			t.Fatal(err)
		}
		all := slices.Concat(s.sockets, s.spares, []net.PacketConn{socket})
		defer func() {
			for _, c := range all {
				c.Close()
			}
			sim.Close()
		}()
		if cfg.CertificateFile == "" {
			cfg.Certificate = certificate()
		}
		cfg.PacketConn, cfg.Sleeper, cfg.Seed = socket, clock.Portable(), seed
		cfg.AnyoneMayJoin = cfg.Gate == nil
		var err error
		if s.server, err = server.New(cfg); err != nil {
			t.Fatal(err)
		}
		s.run()
		defer s.close()
		play(s)
		if !s.hostile {
			s.wantNobodyLimited()
		}
	})
}

// wantNobodyLimited makes sure that players on bad networks are never taken for others.
func (s *simulation) wantNobodyLimited() {
	s.t.Helper()
	for _, c := range s.server.Stats().Conduct {
		if (c.Dropped > 0 && !strings.HasSuffix(c.Limit, "chat")) || c.Warned > 0 || c.Disconnected > 0 {
			s.t.Errorf("honest players met the limit %+v", c)
		}
	}
}

// loaded is when this process began, more or less.
var loaded = time.Now()

// catchUp brings a bubble, which begins in the year 2000, to the day after. quic-go counts from a moment at which the
// process began, and takes zero for long ago: before it, the bare notes that it keeps of a path's probes are sent in the
// future, and a connection that has a probe under way and meets its timeout tries again and again at that moment.
func catchUp() { time.Sleep(time.Until(loaded.Truncate(24 * time.Hour).Add(48 * time.Hour))) }

func (s *simulation) run() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.started = stop, time.Now()
	go func() {
		defer close(s.ended)
		s.err = s.server.Run(ctx)
	}()
}

// close ends the server, then the clients. It may be called more than once.
func (s *simulation) close() {
	s.stop()
	<-s.ended
	if s.err != nil {
		s.t.Errorf("Run returned %v, want nil", s.err)
	}
	for _, c := range s.clients {
		c.Close()
	}
}

// config is how the next player connects.
func (s *simulation) config() client.Config {
	return client.Config{Addr: serverAddr.String(), Pins: [][32]byte{s.server.Pin()}, PacketConn: s.sockets[len(s.clients)]}
}

// tryJoin lets one more player join.
func (s *simulation) tryJoin() (*client.Client[stride], error) {
	return client.Join(s.t.Context(), s.game, s.config())
}

func (s *simulation) join() *client.Client[stride] {
	s.t.Helper()
	return s.joinAs(s.config())
}

func (s *simulation) joinAs(cfg client.Config) *client.Client[stride] {
	s.t.Helper()
	c, err := client.Join(s.t.Context(), s.game, cfg)
	if err != nil {
		s.t.Fatalf("player %d can't join: %v", len(s.clients)+1, err)
	}
	if len(s.clients) == 0 {
		s.started = s.server.Opened()
	}
	s.clients = append(s.clients, c)
	return c
}

// pass lets time pass, up to the middle between two ticks, and until everybody waits for what comes next.
func (s *simulation) pass(d time.Duration) {
	const period = time.Second / 30
	until := time.Since(s.started) + d
	until = until/period*period + period/2
	time.Sleep(until - time.Since(s.started))
	synctest.Wait()
}

// dueTicks is how many ticks should have been by now, at 30 Hz.
func (s *simulation) dueTicks() uint64 { return uint64(time.Since(s.started) / (time.Second / 30)) }

// wander sends every client somewhere else for a while.
func (s *simulation) wander(d time.Duration) {
	s.t.Helper()
	for step := range uint64(d / (200 * time.Millisecond)) {
		for i, c := range s.clients {
			n := s.net.chance("stride", s.sockets[i].LocalAddr().String(), step)
			if err := c.Send(stride{DX: int8(n%5) - 2, DY: int8(n/5%5) - 2}); err != nil {
				s.t.Fatal(err)
			}
		}
		s.pass(200 * time.Millisecond)
	}
}

// rest makes everything stand still.
func (s *simulation) rest() {
	s.game.resting.Store(true)
	for _, c := range s.clients {
		c.Send(stride{})
	}
}

func (s *simulation) wantSame() {
	s.t.Helper()
	for _, c := range s.clients {
		wantSame(s.t, s.game, s.server.View(), c)
	}
}
