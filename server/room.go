package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/clock"
	"github.com/quicstep/quicstep/world"
)

// maxFailedTicks is how many ticks in a row may fail before the room closes.
const maxFailedTicks = 3

// room is one running game. Its loop's goroutine owns the world.
type room struct {
	cfg      Config
	log      *slog.Logger
	id       [16]byte
	counters *counters

	// Touched by the loop only.
	world    *world.World
	sessions []*session // sorted by player
	last     world.Player
	joining  []*session // in the order of their players, until the next tick has them
	leaving  []world.Leave
	idle     time.Time // when the loop began to wait
	slowest  string    // the longest phase of the latest tick
	warned   time.Time // when late ticks were logged last

	// Shared: each says how.
	mu      sync.Mutex
	doors   door                       // anyone knocks under mu, the loop opens
	view    atomic.Pointer[world.View] // the loop stores after each step, anyone loads
	tick    atomic.Uint64              // likewise
	players atomic.Int64               // likewise
	logs    chan func()                // the loop puts, logging takes; when it is full the line is dropped and counted
	closed  chan struct{}              // closed by the loop when the room has closed
	reason  error                      // why; set before closed is
}

// door is what waits for the next tick. It is as long as there are connections, which the transport bounds.
type door struct {
	joins  []*session
	leaves []*session
}

func newRoom(cfg Config, id [16]byte, c *counters) (*room, error) {
	w, err := world.New(cfg.Game, world.Config{Seed: cfg.Seed})
	if err != nil {
		return nil, err
	}
	r := &room{cfg: cfg, log: cfg.Log.With("room", fmt.Sprintf("%x", id[:4])), id: id, counters: c, world: w, logs: make(chan func(), logLines), closed: make(chan struct{})}
	r.view.Store(w.View())
	return r, nil
}

// errRoomClosed is why joins are refused once the loop has ended, unless the game failed.
var errRoomClosed = errors.New("it has ended")

// join asks the loop to let a session in at its next tick; the answer comes on session.joined.
func (r *room) join(s *session) error {
	if r.isClosed() {
		return r.reason
	}
	r.mu.Lock()
	r.doors.joins = append(r.doors.joins, s)
	r.mu.Unlock()
	return nil
}

// leave asks the loop to take a session out at its next tick.
func (r *room) leave(s *session) {
	r.mu.Lock()
	r.doors.leaves = append(r.doors.leaves, s)
	r.mu.Unlock()
}

// run is the loop: it ticks until ctx ends or the game fails three times in a row.
func (r *room) run(ctx context.Context, ticks *clock.Ticks) {
	defer close(r.closed)
	defer close(r.logs)
	r.reason = errRoomClosed
	var done uint64 // of the clock's ticks
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-ticks.C():
			if t.N > done+1 {
				done = r.late(t, done)
			}
			for done < t.N {
				done++
				if err := r.step(t.Due.Add(-time.Duration(t.N-done) * r.cfg.period())); err != nil {
					r.reason = err
					tick := r.tick.Load()
					r.later(func() { r.log.Error("room closed", "tick", tick, "reason", err) })
					return
				}
			}
			r.idle = time.Now()
		}
	}
}

// late counts why ticks are late and gives up those beyond the bound. It returns the last of the clock's ticks
// that counts as done.
func (r *room) late(t clock.Tick, done uint64) uint64 {
	cause := "clock"
	if missed := t.Due.Add(-time.Duration(t.N-done-1) * r.cfg.period()); r.idle.After(missed) {
		r.counters.overruns.Add(1)
		cause = r.slowest
	} else {
		r.counters.lateWakes.Add(1)
	}
	most := uint64(r.cfg.CatchUpTicks)
	if t.N-done <= most {
		return done
	}
	skipped := t.N - done - most
	r.counters.skipped.Add(skipped)
	if r.warned.IsZero() || t.Due.Sub(r.warned) >= warnEvery {
		r.warned = t.Due
		tick := r.tick.Load()
		r.later(func() { r.log.Warn("ticks skipped", "tick", tick, "skipped", skipped, "cause", cause) })
	}
	return t.N - most
}

// warnEvery is the least time between two warnings of late ticks: one a second says it all.
const warnEvery = time.Second

// step is the tick: take the inputs, step the world, publish the view, hand it on. Nothing in it waits.
func (r *room) step(due time.Time) error {
	start := time.Now()
	commands := r.drain(due)
	drained := time.Now()
	changes, view, err := r.world.Step(commands)
	stepped := time.Now()
	r.view.Store(view)
	r.tick.Store(view.Tick)
	r.settle(changes, view, err != nil)
	for _, s := range r.sessions {
		s.wake()
	}
	r.counters.clamped.Add(uint64(changes.Clamped))
	r.measure(drained.Sub(start), stepped.Sub(drained), time.Since(stepped))
	return r.judge(err)
}

// drain gathers the tick's commands.
func (r *room) drain(due time.Time) world.Commands {
	r.mu.Lock()
	doors := r.doors
	later := min(len(doors.joins), r.cfg.JoinsPerTick)
	r.doors = door{joins: doors.joins[later:]}
	r.mu.Unlock()

	c := world.Commands{Leaves: r.leaving}
	for _, s := range doors.leaves {
		if at, ok := r.find(s.player); ok {
			r.sessions = slices.Delete(r.sessions, at, at+1)
			c.Leaves = append(c.Leaves, world.Leave{Player: s.player})
		}
	}
	for _, s := range doors.joins[:later] {
		if len(r.sessions)+len(r.joining) >= r.cfg.MaxPlayers {
			s.answer(joinAnswer{code: protocol.CloseFull, reason: fmt.Sprintf("the room is full: it has %d players; try again later", r.cfg.MaxPlayers)})
			continue
		}
		r.last++
		s.player = r.last
		r.joining = append(r.joining, s)
		c.Joins = append(c.Joins, world.Join{Player: s.player})
	}
	r.leaving = c.Leaves
	tick := r.world.View().Tick + 1
	for _, s := range r.sessions {
		data, from := s.inbox.take(tick, due)
		switch from {
		case inputRepeated:
			r.counters.repeated.Add(1)
		case inputNeutral:
			r.counters.neutral.Add(1)
		}
		c.Inputs = append(c.Inputs, world.Input{Player: s.player, Data: data})
	}
	return c
}

func (r *room) find(p world.Player) (int, bool) {
	return slices.BinarySearchFunc(r.sessions, p, func(s *session, p world.Player) int { return int(int64(s.player) - int64(p)) })
}

// settle tells joiners what became of them, and keeps the leaves of a tick that was undone for the next.
func (r *room) settle(changes world.ChangeSet, view *world.View, failed bool) {
	if !failed {
		r.leaving = nil
	}
	for _, s := range r.joining {
		at := slices.IndexFunc(changes.Refused, func(f world.Refusal) bool { return f.Player == s.player })
		if at >= 0 {
			s.answer(joinAnswer{code: protocol.CloseRefused, reason: changes.Refused[at].Reason})
			continue
		}
		s.inbox.start(view.Tick, r.cfg)
		r.sessions = append(r.sessions, s)
		s.answer(joinAnswer{tick: view.Tick})
	}
	r.joining = nil
	r.players.Store(int64(len(r.sessions)))
}

// judge decides whether the room goes on after a tick that game code may have failed in.
func (r *room) judge(err error) error {
	var failed *world.PanicError
	if !errors.As(err, &failed) {
		return err
	}
	r.counters.failedTicks.Add(1)
	r.later(func() {
		r.log.Error("game code panicked; the tick was undone", "tick", failed.Tick, "callback", failed.Callback,
			"player", failed.Player, "panic", failed.Value, "in_a_row", failed.InARow, "stack", string(failed.Stack))
	})
	if failed.InARow < maxFailedTicks {
		return nil
	}
	return fmt.Errorf("its game failed %d times in a row", failed.InARow) // what it said is for the log
}

// logLines is how many log lines may wait to be written.
const logLines = 64

// later has a log line written by another goroutine: a handler may block, and the tick does not wait.
func (r *room) later(write func()) {
	select {
	case r.logs <- write:
	default:
		r.counters.logsDropped.Add(1)
	}
}

// logging writes the loop's log lines until the loop has ended.
func (r *room) logging() {
	for write := range r.logs {
		write()
	}
}

// measure records how long the phases of a tick took.
func (r *room) measure(drain, step, publish time.Duration) {
	r.counters.drain.add(drain)
	r.counters.step.add(step)
	r.counters.publish.add(publish)
	r.slowest = "step"
	if longest := max(drain, step, publish); longest == drain {
		r.slowest = "drain"
	} else if longest == publish {
		r.slowest = "publish"
	}
}

// isClosed tells whether the room has closed. Anyone may ask.
func (r *room) isClosed() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}
