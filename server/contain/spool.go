package contain

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// Spool keeps log lines until their handler takes them, so that whoever logs never waits for a disk, a pipe or a terminal.
// One goroutine writes them, in their order.
type Spool struct {
	to       slog.Handler
	lines    chan line
	stop     chan struct{} // closed by Stop
	written  chan struct{} // closed when nothing is written any more
	ended    atomic.Bool
	dropped  atomic.Uint64
	panicked atomic.Uint64
}

// line is one that waits.
type line struct {
	to     slog.Handler
	record slog.Record
}

// NewSpool returns a spool in front of a handler, in which so many lines may wait, one at least; further ones are dropped
// and counted. Nothing is written before Start.
func NewSpool(to slog.Handler, most int) *Spool {
	return &Spool{to: to, lines: make(chan line, max(most, 1)), stop: make(chan struct{}), written: make(chan struct{})}
}

// Handler puts lines into the spool.
func (s *Spool) Handler() slog.Handler { return spooled{s, s.to} }

// Start begins to write. Call it once, and Stop after it.
func (s *Spool) Start() { go s.run() }

func (s *Spool) run() {
	defer close(s.written)
	for {
		select {
		case l := <-s.lines:
			s.write(l)
			continue
		default:
		}
		select {
		case l := <-s.lines:
			s.write(l)
		case <-s.stop:
			for {
				select {
				case l := <-s.lines:
					s.write(l)
				default:
					return
				}
			}
		}
	}
}

// write hands a line to its handler, whose panic costs the line.
func (s *Spool) write(l line) {
	defer func() {
		if recover() != nil {
			s.panicked.Add(1)
		}
	}()
	l.to.Handle(context.Background(), l.record) // its error has nobody who could be told
}

// Stop writes what waits and ends. It returns false when the handler has not taken that in the given time: then it is left
// to itself. Lines that come later are dropped and counted.
func (s *Spool) Stop(patience time.Duration) bool {
	if !s.ended.Swap(true) {
		close(s.stop)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.written:
		return true
	case <-timer.C:
		return false
	}
}

// Dropped counts the lines that were not written since the handler was too slow, or the spool had ended.
func (s *Spool) Dropped() uint64 { return s.dropped.Load() }

// Panicked counts the lines in which the handler panicked.
func (s *Spool) Panicked() uint64 { return s.panicked.Load() }

// spooled is a handler in front of a Spool.
type spooled struct {
	spool *Spool
	to    slog.Handler // with the attributes and groups of its logger
}

// Enabled asks the handler.
func (h spooled) Enabled(ctx context.Context, level slog.Level) bool { return h.to.Enabled(ctx, level) }

// Handle puts a line into the spool.
func (h spooled) Handle(_ context.Context, r slog.Record) error {
	if h.spool.ended.Load() {
		h.spool.dropped.Add(1)
		return nil
	}
	select {
	case h.spool.lines <- line{h.to, r.Clone()}:
	default:
		h.spool.dropped.Add(1)
	}
	return nil
}

// WithAttrs is the handler with attributes.
func (h spooled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return spooled{h.spool, h.to.WithAttrs(attrs)}
}

// WithGroup is the handler with a group.
func (h spooled) WithGroup(name string) slog.Handler { return spooled{h.spool, h.to.WithGroup(name)} }
