package server_test

import (
	"bytes"
	"context"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// ages collects by how many ticks a client's newest state is behind the server, as time passes.
func (s *simulation) ages(d time.Duration, clients ...*client.Client[stride]) (ages [][]int) {
	ages = make([][]int, len(clients))
	for range uint64(d / (20 * time.Millisecond)) {
		time.Sleep(20 * time.Millisecond)
		for i, c := range clients {
			ages[i] = append(ages[i], int(s.server.Tick()-c.Stats().Tick))
		}
	}
	for i := range ages {
		slices.Sort(ages[i])
	}
	return ages
}

func p99(sorted []int) int { return sorted[len(sorted)*99/100] }

// TestASlowLinkGetsTheNewestState: 20 kB/s with 64 kB of queue, where a queue that fills would make states 3 s old.
func TestASlowLinkGetsTheNewestState(t *testing.T) {
	simulate(t, 80, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		other := s.join()
		s.game.loud.Store(true) // 4 kB a tick, 120 kB/s: six times what the link carries
		s.pass(2 * time.Second)
		before := s.ages(5*time.Second, other)
		s.net.narrow(s.sockets[1].LocalAddr(), &pipe{bytesPerSecond: 20_000, queueBytes: 64 << 10})
		slow := s.join()
		s.pass(2 * time.Second)
		heap := heapNow()
		ages := s.ages(20*time.Second, slow, other)
		const roundTrip = 2 // 44 ms at most, in ticks of 33 ms, rounded up
		if got := p99(ages[0]); got > roundTrip+6 {
			t.Errorf("on the slow link the newest state is %d ticks old (p99), want the empty round trip and 6 at most: %d", got, roundTrip+6)
		}
		if got, want := p99(ages[1]), p99(before[0]); got > want {
			t.Errorf("meanwhile the other one's newest state is %d ticks old (p99), before it was %d", got, want)
		}
		if grown := heapNow() - heap; grown > 8<<20 {
			t.Errorf("the heap has grown by %d bytes", grown)
		}
		s.net.narrow(s.sockets[1].LocalAddr(), nil)
		s.rest()
		s.game.loud.Store(false)
		s.pass(time.Second)
		s.wantSame()
	})
}

// heapNow is how many bytes live on the heap.
func heapNow() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestClientsInTheDarkHoldNobodyUp: more of them than there are workers, until each has filled its connection's queue, and
// would make whoever sends to it wait.
func TestClientsInTheDarkHoldNobodyUp(t *testing.T) {
	cfg := server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{IdleTimeout: 30 * time.Second}}
	simulate(t, 82, calm, cfg, func(s *simulation) {
		other := s.join()
		s.game.loud.Store(true) // many bytes a tick: they fill the congestion window first
		s.pass(time.Second)
		before := s.ages(2*time.Second, other)
		var dark []net.Addr
		for range min(runtime.GOMAXPROCS(0)+1, len(s.sockets)-1) {
			dark = append(dark, s.sockets[len(s.clients)].LocalAddr())
			s.join()
		}
		s.pass(time.Second)
		for _, addr := range dark {
			s.net.setDark(addr, true)
		}
		s.pass(6 * time.Second)
		ages := s.ages(6*time.Second, other)
		if got, want := p99(ages[0]), p99(before[0]); got > want {
			t.Errorf("the other one's newest state is %d ticks old (p99), before it was %d", got, want)
		}
		for _, addr := range dark {
			s.net.setDark(addr, false)
		}
		s.rest()
		s.game.loud.Store(false)
		s.pass(3 * time.Second)
		s.wantSame()
	})
}

// TestWhoeverReadsNothingForTenSeconds: its QUIC stack answers, but nobody takes what it has received.
func TestWhoeverReadsNothingForTenSeconds(t *testing.T) {
	simulate(t, 81, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		other := s.join()
		deaf := s.dial(s.sockets[5])
		w := deaf.hello(s.game)
		rules, err := replica.New(s.server.View().Schema(), replica.Config{Epoch: w.Epoch, Tick: w.Tick, Sequence: w.NextSequence, Age: w.AgeMax, EventTicks: w.EventTicks})
		if err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		before := s.ages(5*time.Second, other)
		heap := heapNow()
		ages := s.ages(10*time.Second, other)
		if got, want := p99(ages[0]), p99(before[0]); got > want {
			t.Errorf("the other one's newest state is %d ticks old (p99), before it was %d", got, want)
		}
		if grown := heapNow() - heap; grown > 8<<20 {
			t.Errorf("the heap has grown by %d bytes", grown)
		}
		s.rest()
		for range 30 {
			s.drain(deaf, rules)
			s.pass(time.Second / 30)
		}
		if now := s.server.Tick(); rules.Tick()+3 < now {
			t.Errorf("a second after it began to read it knows tick %d of %d", rules.Tick(), now)
		}
		want, got := 0, 0
		for range s.game.Banners.All(s.server.View()) {
			want++
		}
		for range rules.All(2) {
			got++
		}
		if got != want || rules.Counters().Orphans != 0 {
			t.Errorf("it has %d of %d banners, and met %d records without their entity", got, want, rules.Counters().Orphans)
		}
		deaf.CloseWithError(0, "")
	})
}

// drain applies what has come to a raw client, and acknowledges it.
func (s *simulation) drain(c *rawConn, rules *replica.Replica) {
	s.t.Helper()
	now, cancel := context.WithTimeout(s.t.Context(), time.Millisecond)
	defer cancel()
	for {
		b, err := c.ReceiveDatagram(now)
		if err != nil {
			break
		}
		if _, err := rules.Apply(bytes.Clone(b)); err != nil {
			s.t.Fatal(err)
		}
	}
	var in protocol.Input
	rules.Ack(&in)
	if err := c.SendDatagram(protocol.AppendInput(nil, &in)); err != nil {
		s.t.Fatal(err)
	}
}
