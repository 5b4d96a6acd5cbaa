package attack

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// Attack is one way to do harm.
type Attack struct {
	// Name is what it is asked for by, Says what it does.
	Name, Says string
	// PerSecond is how many of Unit it tries to do in a second.
	PerSecond float64
	Unit      string
	// Counters are those of the server in which it shows: each must have moved. They are named as Figures names them.
	Counters []string
	// Late attacks show only when a timeout of the server's is over.
	Late bool

	run func(context.Context, *Attacker) error
}

// All are the attacks, in the order in which they run.
func All() []Attack {
	return []Attack{
		handshakeFlood, dials, garbage, halfOpen, slowReaders, malformed, bombs, streams, inputs, acks, tokens, joins, rooms, doorProbe,
		names, clocks, migrations, webSockets, webTransport,
	}
}

// Target is what is attacked.
type Target struct {
	// Addr is the server's address, for UDP and TCP, and Admin that of its admin door.
	Addr, Admin string
}

// Report is what an attack did.
type Report struct {
	// Did is how many of the attack's unit were done in Seconds; Failed how many were tried in vain, which is as it should be.
	Did, Failed uint64
	Seconds     float64
	// Packets and Bytes were sent, in UDP packets and in writes to TCP.
	Packets, Bytes uint64
	// Errors are those of what failed, by how often; at most errorsKept of them.
	Errors map[string]uint64
	// Seed begins the attack's chances.
	Seed uint64
}

// Rate is how many of the attack's unit were done in a second.
func (r Report) Rate() float64 {
	if r.Seconds <= 0 {
		return 0
	}
	return float64(r.Did) / r.Seconds
}

// errorsKept bounds the texts of errors that a report has.
const errorsKept = 16

// Attacker carries out one attack.
type Attacker struct {
	Target Target
	Net    *Network
	schema *schema.Schema
	steer  []byte // an input that any ship may have
	rate   float64

	did, failed atomic.Uint64
	mu          sync.Mutex // guards what follows
	chance      *rand.Rand
	inVain      map[string]uint64
}

// Run carries out an attack until ctx ends, at its rate times share, and says what was done. Trace, if given, gets what was
// sent.
func Run(ctx context.Context, a Attack, at Target, share float64, seed uint64, trace *Trace) (Report, error) {
	game := arena.New(arena.Config{})
	s, err := world.SchemaOf(game)
	if err != nil {
		return Report{}, err
	}
	steer, err := game.AppendInput(nil, arena.Steer{})
	if err != nil {
		return Report{}, err
	}
	one := &Attacker{
		Target: at, Net: &Network{trace: trace}, schema: s, steer: steer, rate: a.PerSecond * share,
		chance: rand.New(rand.NewPCG(seed, 0)), inVain: map[string]uint64{},
	}
	begun := time.Now()
	if trace != nil {
		trace.begun = begun
	}
	err = a.run(ctx, one)
	if err != nil && ctx.Err() == nil {
		return Report{}, fmt.Errorf("the attack %s: %w", a.Name, err)
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	return Report{
		Did: one.did.Load(), Failed: one.failed.Load(), Seconds: time.Since(begun).Seconds(),
		Packets: one.Net.packets.Load(), Bytes: one.Net.bytes.Load(), Errors: one.inVain, Seed: seed,
	}, nil
}

// note counts something that was done, if only to be refused, or was tried in vain.
func (a *Attacker) note(err error) {
	if err == nil || errors.Is(err, errRefused) {
		a.did.Add(1)
		return
	}
	a.failed.Add(1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if text := err.Error(); a.inVain[text] > 0 || len(a.inVain) < errorsKept {
		a.inVain[text]++
	}
}

// draw is a number below n.
func (a *Attacker) draw(n int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.chance.IntN(n)
}

// fill fills b with chance.
func (a *Attacker) fill(b []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range b {
		b[i] = byte(a.chance.Uint32())
	}
	return b
}

// paceEvery is how often something that is paced is looked after.
const paceEvery = time.Millisecond

// every does something perSecond times a second until ctx ends, several times in a row when it is late, and leaves out
// what it can't make up for within a tenth of a second.
func every(ctx context.Context, perSecond float64, do func()) {
	tick := time.NewTicker(paceEvery)
	defer tick.Stop()
	begun, done := time.Now(), 0
	for ctx.Err() == nil {
		due := 1 + int(time.Since(begun).Seconds()*perSecond)
		done = max(done, due-int(perSecond/10)-1)
		for ; done < due && ctx.Err() == nil; done++ {
			do()
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// crowd has n do something at the same time, and again whenever it is done, all together as often as the attack's rate says, until
// ctx ends. What they return is noted.
func (a *Attacker) crowd(ctx context.Context, n int, do func(ctx context.Context) error) {
	var work sync.WaitGroup
	for range n {
		work.Go(func() {
			every(ctx, a.rate/float64(n), func() {
				if err := do(ctx); ctx.Err() == nil {
					a.note(err)
				}
			})
		})
	}
	work.Wait()
}

// wait returns false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
