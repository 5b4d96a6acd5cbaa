package server

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
)

const (
	// inboxTicks is how far ahead of the room an input may be; one further ahead is refused.
	inboxTicks = 64
	// repeatTicks is for how many ticks a player's last input is repeated when none comes; then the neutral one.
	repeatTicks = 15
)

// inbox holds one player's inputs by their tick. The session puts, the room's loop takes.
type inbox struct {
	mu     sync.Mutex
	newest uint64       // the newest tick of which an input came; zero: none yet
	told   bool         // a report has told of those that came
	margin atomic.Int32 // the least of the inputs that came since the latest report; written under mu, read without
	taken  uint64       // the latest tick that the loop took
	due    time.Time
	period time.Duration
	budget int // inputs that may still come before the next tick
	limit  int
	starve int         // ticks since an input was taken
	last   []byte      // the latest that was
	claim  claim       // what came with it; touched by the loop only
	counts inputCounts // written under mu, read without

	late queuedInput // a newer one than any before, which came too late for its tick: is repeated next; tick zero: none

	// The first of the slots hold what waits for ticks to come, in no order. It is one input or two as a rule, in memory that is used
	// again and again: a slot for each tick would be in no cache when its turn comes.
	waiting int
	slots   [inboxTicks]queuedInput
}

// inputCounts are InputStats that are being counted. A watcher loads them and takes no lock, for which the room's loop would
// have to wait.
type inputCounts struct {
	applied, repeated, neutral, late, early, surplus atomic.Uint64
}

func (b *inbox) stats() InputStats {
	c := &b.counts
	return InputStats{
		Applied: c.applied.Load(), Repeated: c.repeated.Load(), Neutral: c.neutral.Load(), Margin: int(b.margin.Load()),
		Late: c.late.Load(), Early: c.early.Load(), Surplus: c.surplus.Load(),
	}
}

type queuedInput struct {
	tick  uint64
	data  []byte
	claim claim
}

// start begins an inbox at the tick of its player's joining.
func (b *inbox) start(tick uint64, cfg Config) {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := cfg.Limits.InputsPerTick
	b.taken, b.due, b.period, b.limit, b.budget = tick, time.Now(), cfg.period(), limit, limit
}

// put takes the inputs of a datagram, the newest first. It returns why some were not taken, zero when all were.
func (b *inbox) put(in *protocol.Input, now time.Time) protocol.Reject {
	if in.Count == 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	tick := protocol.Widen(uint16(in.Tick), b.taken)
	// Only the first can be too new, and those after the first may be old: they are there in case of loss.
	if tick > b.taken+inboxTicks {
		b.counts.early.Add(1)
		return protocol.InputTooNew
	}
	newer := tick > b.newest
	if newer {
		least := b.marginOf(tick, now)
		if !b.told && b.newest != 0 {
			least = min(least, int8(b.margin.Load()))
		}
		b.newest, b.told = tick, false
		b.margin.Store(int32(least))
	}
	if tick <= b.taken {
		b.counts.late.Add(1)
		if newer {
			b.late.set(tick, in, 0)
		}
		return protocol.InputTooOld
	}
	for i := range in.Count {
		at := tick - uint64(i)
		if at <= b.taken || at > tick {
			break
		}
		if b.find(at) < b.waiting {
			continue // a duplicate: the first that came counts
		}
		if b.budget == 0 {
			b.counts.surplus.Add(1)
			return protocol.TooManyInputs
		}
		b.budget--
		b.slots[b.waiting].set(at, in, i)
		b.waiting++
	}
	return 0
}

// find returns the slot of what waits for a tick; none does when it is the first that is free.
func (b *inbox) find(tick uint64) int {
	for i := range b.slots[:b.waiting] {
		if b.slots[i].tick == tick {
			return i
		}
	}
	return b.waiting
}

// drop frees the slots of ticks up to one. So there are always enough of them: one for each tick that an input may be ahead.
func (b *inbox) drop(tick uint64) {
	for i := b.waiting - 1; i >= 0; i-- {
		if b.slots[i].tick <= tick {
			if b.waiting--; i < b.waiting {
				b.slots[i], b.slots[b.waiting] = b.slots[b.waiting], b.slots[i]
			}
		}
	}
}

// set copies one of a datagram's inputs.
func (q *queuedInput) set(tick uint64, in *protocol.Input, i int) {
	q.tick, q.data = tick, append(q.data[:0], in.Inputs[i]...)
	q.claim = claim{tick: tick, lag: in.Lags[i], hasAck: in.HasAck, epoch: in.Epoch, newest: uint16(in.Newest), again: uint8(i)}
}

// marginOf is how long before its tick an input came, in quarters of a tick, rounded down: negative is too late.
func (b *inbox) marginOf(tick uint64, now time.Time) int8 {
	ahead := b.due.Add(time.Duration(int64(tick-b.taken)) * b.period).Sub(now)
	return int8(max(-64, min(63, math.Floor(4*float64(ahead)/float64(b.period)))))
}

// inputSource tells where a tick's input came from.
type inputSource uint8

const (
	inputSent inputSource = iota
	inputRepeated
	inputNeutral
)

// take returns the input for a tick that was due at a moment: the one sent for it, the newest one repeated, also if that came
// too late for its own, or the neutral one. It is good until the next call.
func (b *inbox) take(tick uint64, due time.Time) (data []byte, from inputSource) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken, b.due, b.budget = tick, due, b.limit
	at := b.find(tick)
	if at < b.waiting {
		b.counts.applied.Add(1)
		b.use(&b.slots[at])
		b.drop(tick)
		return b.last, inputSent
	}
	b.drop(tick)
	if b.late.tick != 0 {
		b.use(&b.late)
	}
	if b.starve++; b.starve <= repeatTicks && b.last != nil {
		b.counts.repeated.Add(1)
		return b.last, inputRepeated
	}
	b.counts.neutral.Add(1)
	return nil, inputNeutral
}

// use makes an input the last one, which gets the space of the one before. Any that came late is older, or this one.
func (b *inbox) use(q *queuedInput) {
	b.claim, b.starve = q.claim, 0
	b.last, q.data = q.data, b.last
	b.late.tick = 0
}

// stand says at which tick a room is that stands or goes slowly, when the next one is due, and how long each takes from
// then on: what comes is as early as it is by that.
func (b *inbox) stand(tick uint64, next time.Time, period time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken = tick // a tick of edits alone takes no input
	b.drop(tick)
	b.due, b.period, b.budget = next.Add(-period), period, b.limit
}

// report is what a datagram's header tells the player about its inputs, those that came since the one before.
func (b *inbox) report() (newest uint64, margin int8, any bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = true
	return b.newest, int8(b.margin.Load()), b.newest != 0
}
