package measure

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Yardsticks are taken once in yardstickEvery, each some 0.1 ms of a core; lookYardsticks of them make a look.
const (
	yardstickEvery = 100 * time.Millisecond
	lookYardsticks = 5
	yardstickWords = 1024 // 8 KiB: within the nearest cache
	yardstickLaps  = 256
)

// yardstick is a fixed piece of work, by which a core's speed is known. It keeps as many of the core's units busy as it can: these
// are what two threads of one hardware core share, and the other one may be another guest's, of which no kernel tells here.
type yardstick struct {
	words [yardstickWords]uint64
	sum   uint64
}

// take returns the processor time that it takes on the calling thread; zero where that is not known.
func (y *yardstick) take() time.Duration {
	begun := threadTime()
	var a, b, c, d uint64
	for range yardstickLaps {
		for i := 0; i+4 <= len(y.words); i += 4 {
			a += y.words[i] ^ 1
			b += y.words[i+1] ^ 2
			c += y.words[i+2] ^ 3
			d += y.words[i+3] ^ 4
		}
	}
	y.sum += a + b + c + d // so that it is wanted
	return threadTime() - begun
}

// yardsticks are those that a core took, and when.
type yardsticks struct {
	at   []time.Time
	took []time.Duration
}

// takeYardsticks takes them on a core until ctx ends, at most so many.
func (on Cores) takeYardsticks(ctx context.Context, core, most int) (out yardsticks) {
	defer on.pinThread(core)()
	var y yardstick
	for len(out.at) < most {
		out.at, out.took = append(out.at, time.Now()), append(out.took, y.take())
		select {
		case <-ctx.Done():
			return out
		case <-time.After(yardstickEvery):
		}
	}
	return out
}

// between is what one took on average from begin to end, without the tenth that took longest: the kernel did something else meanwhile.
// Zero: none was taken.
func (y yardsticks) between(begin, end time.Time) time.Duration {
	var took []time.Duration
	for i, at := range y.at {
		if !at.Before(begin) && !at.After(end) {
			took = append(took, y.took[i])
		}
	}
	slices.Sort(took)
	took = took[:len(took)-len(took)/10]
	var sum time.Duration
	for _, t := range took {
		sum += t
	}
	return sum / time.Duration(max(1, len(took)))
}

// Look takes half a second to see how fast the cores are: what the yardstick takes on each, zero where they are not pinned.
func (on Cores) Look(ctx context.Context) (server, load time.Duration) {
	if !on.Pinned {
		return 0, 0
	}
	var work sync.WaitGroup
	begun := time.Now()
	for core, took := range map[int]*time.Duration{on.Server: &server, on.Load: &load} {
		work.Go(func() { *took = on.takeYardsticks(ctx, core, lookYardsticks).between(begun, time.Now()) })
	}
	work.Wait()
	return server, load
}
