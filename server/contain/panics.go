package contain

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"runtime/debug"
	"sync"
	"time"
)

// logEvery is the least time between two stacks of the same place: one a second says it all.
const logEvery = time.Second

// Panics counts panics by where they happened. Any goroutine may use it.
type Panics struct {
	log    *slog.Logger
	mu     sync.Mutex // guards what follows; never held while anything else is done
	counts map[string]uint64
	logged map[string]time.Time
}

// NewPanics returns one that logs the stacks; nil drops them. Whoever catches a panic waits for the log: a Spool's never
// lets it wait.
func NewPanics(log *slog.Logger) *Panics {
	if log == nil {
		log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return &Panics{log: log, counts: map[string]uint64{}, logged: map[string]time.Time{}}
}

// Catch, deferred, ends a panic of the function that has deferred it: the panic is counted as of that place, of which there
// are few, and logged with its stack, one a second. Then it calls after, unless that is nil, which is to end what is broken
// now. Without a panic it does nothing.
func (p *Panics) Catch(where string, after func()) {
	if v := recover(); v != nil {
		p.note(where, v)
		if after != nil {
			after()
		}
	}
}

// note counts and logs a panic.
func (p *Panics) note(where string, value any) {
	now := time.Now()
	p.mu.Lock()
	p.counts[where]++
	last, before := p.logged[where]
	tell := !before || now.Sub(last) >= logEvery
	if tell {
		p.logged[where] = now
	}
	p.mu.Unlock()
	if tell {
		p.log.Error("a panic was contained", "where", where, "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
	}
}

// Counts are the panics by where they happened.
func (p *Panics) Counts() map[string]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}
