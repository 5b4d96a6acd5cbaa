package replicate_test

import (
	"slices"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// link is a slow one with a long queue: what does not fit the queue is lost.
type link struct {
	bytesPerSecond float64
	queueBytes     float64
	delay          time.Duration // one way
	free           time.Duration // when the queue will be empty
	under          []underWay
}

type underWay struct {
	at    time.Duration
	bytes []byte
}

func (l *link) send(now time.Duration, b []byte) {
	start := max(now, l.free)
	if (start-now).Seconds()*l.bytesPerSecond+float64(len(b)) > l.queueBytes {
		return
	}
	l.free = start + time.Duration(float64(len(b))/l.bytesPerSecond*float64(time.Second))
	l.under = append(l.under, underWay{l.free + l.delay, slices.Clone(b)})
}

func (l *link) arrived(now time.Duration) (out [][]byte) {
	for len(l.under) > 0 && l.under[0].at <= now {
		out = append(out, l.under[0].bytes)
		l.under = l.under[1:]
	}
	return out
}

// slowLink plays 40 virtual seconds of a crowd that fills the budget, over a link of 20 kB/s with a queue of
// 64 kB, and returns the ages of the newest state at the client, sorted, after the first ten seconds.
func slowLink(t *testing.T, period time.Duration, budget int) (ages []time.Duration, rep *replica.Replica) {
	t.Helper()
	const roundTrip = 50 * time.Millisecond
	g := newCrowd(2000, sightRadius, 400)
	w, err := world.New(g, world.Config{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, view, _ := w.Step(world.Commands{Joins: []world.Join{{Player: 1}}})
	server, err := replicate.NewClient(view.Schema(), 1, 1, 1, replicate.Config{Period: period, BudgetBytes: budget, SteadyRate: true})
	if err != nil {
		t.Fatal(err)
	}
	if rep, err = replica.New(view.Schema(), replica.Config{Epoch: 1, Tick: view.Tick, Sequence: 1, Age: age}); err != nil {
		t.Fatal(err)
	}
	down := &link{bytesPerSecond: 20_000, queueBytes: 64_000, delay: roundTrip / 2}
	up := &link{bytesPerSecond: 1e9, queueBytes: 1e9, delay: roundTrip / 2}
	var scratch replicate.Scratch
	sentAt := map[uint64]time.Duration{}
	start := time.Unix(0, 0)
	for now := time.Duration(0); now < 40*time.Second; now += time.Millisecond {
		for _, b := range up.arrived(now) {
			var in protocol.Input
			if err := protocol.ParseInput(b, view.Schema(), &in); err == nil && in.HasAck {
				server.Ack(in.Epoch, uint16(in.Newest), in.Missing, start.Add(now))
			}
		}
		for _, b := range down.arrived(now) {
			if _, err := rep.Apply(b); err != nil {
				t.Fatal(err)
			}
		}
		if now%period < time.Millisecond {
			_, view, _ = w.Step(world.Commands{})
			sentAt[view.Tick] = now
			for _, d := range server.Pass(replicate.Pass{View: view, Now: start.Add(now)}, &scratch) {
				down.send(now, d.Bytes)
				server.Sent(d)
			}
			var in protocol.Input
			rep.Ack(&in)
			up.send(now, protocol.AppendInput(nil, &in))
		}
		if now > 10*time.Second {
			ages = append(ages, now-sentAt[rep.Tick()])
		}
	}
	slices.Sort(ages)
	return ages, rep
}

func TestASlowLinkGetsFreshStates(t *testing.T) {
	for _, c := range []struct {
		period time.Duration
		budget int
	}{{50 * time.Millisecond, 2400}, {50 * time.Millisecond, 3504}, {time.Second / 30, 3504}} {
		ages, rep := slowLink(t, c.period, c.budget)
		p50, p99 := ages[len(ages)/2], ages[len(ages)*99/100]
		t.Logf("period %v, budget %d: age p50 %v, p99 %v; %d datagrams", c.period, c.budget, p50, p99, rep.Counters().Datagrams)
		if most := 50*time.Millisecond + 6*c.period; p99 > most {
			t.Errorf("period %v, budget %d: the newest state is %v old (p99), at most the round trip and six ticks, %v, are allowed", c.period, c.budget, p99, most)
		}
		if rep.Counters().Datagrams < 200 {
			t.Errorf("only %d datagrams arrived: the link is hardly used", rep.Counters().Datagrams)
		}
	}
}
