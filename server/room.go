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
	"github.com/quicstep/quicstep/server/contain"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// maxFailedTicks is how many ticks in a row may fail before the room closes.
const maxFailedTicks = 3

// room is one running game. Its loop's goroutine owns the world.
type room struct {
	cfg       Config
	log       *slog.Logger
	id        [16]byte
	name      string
	game      *game
	directory *directory
	counters  *counters
	fanout    *fanout
	pulse     *pulse // has its own rules
	panics    *contain.Panics
	label     string // of its goroutine, as roomWork has it
	work      roomWork

	// Touched by the loop only.
	world    *world.World
	sessions []*session // sorted by player
	last     world.Player
	joining  []*session // in the order of their players, until the next tick has them
	leaving  []world.Leave
	inputs   []world.Input // space for those of a tick
	editing  []*editing    // the edits of the tick
	lines    []spoken      // of chat, until the tick is made
	free     int           // places to give back to the directory
	empty    uint64        // periods since the last player left
	every    int           // periods that a tick takes: 1, more in slow motion, zero while the room is frozen
	since    int           // periods since the latest tick
	idle     time.Time
	warned   time.Time // when late ticks were logged last
	watching bool      // the game asks what players saw
	trace    tracer

	// Shared: each says how.
	mu      sync.Mutex
	doors   door                       // anyone knocks under mu, the loop opens
	view    atomic.Pointer[world.View] // the loop stores after each step, anyone loads
	tick    atomic.Uint64              // likewise
	stepped atomic.Int64               // likewise: when, in nanoseconds since the server's start
	players atomic.Int64               // likewise
	wanted  atomic.Int32               // anyone stores what every should be, the loop loads
	busy    atomic.Int64               // since when the loop is in a tick, as stepped; zero in between: it stores, the watchdog loads
	over    atomic.Int32               // roomRuns, until the loop ends it or the watchdog gives it up, whoever comes first
	closing chan error                 // holds one: anyone puts why the room is to close, the loop takes
	closed  chan struct{}              // closed by end
	reason  error                      // why; set before closed is
	ticks   *clock.Ticks               // anyone stops
	release func()                     // lets Run no longer wait for the loop; anyone calls, any number of times
}

// What room.over is.
const (
	roomRuns = iota
	roomEnded
	roomStuck
)

// door is what waits for the next tick. Joins and leaves are as many as there are connections, which the transport
// bounds; requests are bounded by session, lines of chat by maxLines, edits by maxEdits.
type door struct {
	joins  []*session
	leaves []*session
	asks   []asked
	lines  []spoken
	edits  []*editing
	step   *stepping // what a frozen room is to do; nil for nothing
}

// newRoom makes a room, which is not run yet.
func newRoom(s *Server, g *game, row *roomRow, seed uint64) (*room, error) {
	name := row.name
	if row.private { // the code lets anybody in
		name = "private"
	}
	r := &room{
		cfg: s.cfg, log: s.cfg.Log.With("game", row.game, "room", name, "id", fmt.Sprintf("%x", row.id[:4])),
		id: row.id, name: row.name, game: g, directory: s.directory, counters: &s.counters, fanout: s.fanout,
		pulse: newPulse(g.parts), panics: s.panics, label: fmt.Sprintf("%x", row.id[:4]),
		closing: make(chan error, 1), closed: make(chan struct{}),
	}
	var err error
	r.world, err = world.New(g.Game, world.Config{
		TickPeriodNS: s.cfg.period().Nanoseconds(), Seed: seed, EventTicks: s.cfg.eventTicks(), Sights: r.sight, MaxRows: s.cfg.Limits.MaxRows,
		Mark: r.mark,
	})
	if err != nil {
		return nil, err
	}
	r.work, r.trace = workIn(r.label), newTracer(r.label)
	r.every = 1
	r.wanted.Store(1)
	r.view.Store(r.world.View())
	return r, nil
}

// Why a room ends.
var (
	errRoomStopped = errors.New("it has ended")
	errRoomEmpty   = errors.New("nobody was there any more")
	errRoomBroken  = errors.New("it has failed")
)

// join asks the loop to let a session in at its next tick; the answer comes on session.joined, unless the room closes.
func (r *room) join(s *session) {
	r.mu.Lock()
	r.doors.joins = append(r.doors.joins, s)
	r.mu.Unlock()
}

// leave asks the loop to take a session out at its next tick, for a reason.
func (r *room) leave(s *session, why world.LeaveReason) {
	r.mu.Lock()
	s.why = why
	r.doors.leaves = append(r.doors.leaves, s)
	r.mu.Unlock()
}

// run is the loop: it ticks until ctx ends, nobody has been there for a while, the game fails three times in a row, or the
// room was given up. The goroutine must be this room's own: game code may end it.
func (r *room) run(ctx context.Context) {
	label(r.work.publish.labels)
	why := errRoomBroken // unless the loop returns
	defer func() {
		if !r.over.CompareAndSwap(roomRuns, roomEnded) {
			r.returned()
			return
		}
		r.end(why)
	}()
	defer r.panics.Catch("room", nil)
	r.log.Info("room opened")
	why = r.loop(ctx)
}

// end closes the room for all who wait for it. Whoever has set over calls it.
func (r *room) end(why error) {
	r.reason = why
	r.counters.roomsClosed.Add(1)
	r.directory.close(r.id) // before its players are told, so that none of them finds it again
	r.log.Info("room closed", "tick", r.tick.Load(), "reason", why)
	close(r.closed)
}

func (r *room) loop(ctx context.Context) error {
	var done uint64 // of the clock's ticks
	for {
		select {
		case <-ctx.Done():
			return errRoomStopped
		case why := <-r.closing:
			return why
		case t := <-r.ticks.C():
			if t.N > done+1 {
				done = r.late(t, done)
			}
			for done < t.N {
				done++
				r.busy.Store(int64(time.Since(r.fanout.began)) + 1)
				err := r.beat(t.Due.Add(-time.Duration(t.N-done) * r.cfg.period()))
				r.busy.Store(0)
				if err != nil {
					return err
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
		r.game.phases.overruns.Add(1)
		cause = r.pulse.overran(r.tick.Load())
		r.pulse.noteSlow(r.view.Load(), len(r.sessions), true)
	} else {
		r.counters.lateWakes.Add(1)
		r.pulse.wakes.add(r.tick.Load())
	}
	most := uint64(r.cfg.Limits.CatchUpTicks)
	if t.N-done <= most {
		return done
	}
	skipped := t.N - done - most
	r.counters.skipped.Add(skipped)
	r.pulse.skipped.Add(skipped)
	if r.warned.IsZero() || t.Due.Sub(r.warned) >= warnEvery {
		r.warned = t.Due
		r.log.Warn("ticks skipped", "tick", r.tick.Load(), "skipped", skipped, "cause", cause)
	}
	return t.N - most
}

// warnEvery is the least time between two warnings of late ticks: one a second says it all.
const warnEvery = time.Second

// step is the tick: take what came, step the world, publish the view, hand it on. Nothing in it waits.
func (r *room) step(due time.Time) error {
	start := time.Now()
	r.counters.late.add(start.Sub(due))
	r.begin(due, start)
	r.enter(r.work.drain)
	commands := r.drain(due)
	if err := r.carryOut(commands); err != nil {
		return err
	}
	return r.lonely()
}

// begin begins to measure a tick that was due at a moment.
func (r *room) begin(due, now time.Time) {
	r.pulse.begin(due, now)
	r.trace.begin(r.world.View().Tick + 1)
}

// mark notes that a part of the world's step is over, and what follows begins.
func (r *room) mark(part int) {
	r.pulse.over(part+1, time.Now())
	r.trace.work(r.pulse.parts[part+2].name)
}

// carryOut makes a tick of its commands, which were gathered just now. The error ends the room.
func (r *room) carryOut(commands world.Commands) error {
	r.pulse.over(0, time.Now())
	r.enter(r.work.step)
	if !commands.Still {
		r.trace.work(r.pulse.parts[1].name)
	}
	changes, view, err := r.world.Step(commands)
	if r.over.Load() != roomRuns {
		return errRoomStuck // nobody is there any more to whom any of this matters
	}
	stepped := time.Now()
	r.pulse.over(r.pulse.commit(), stepped)
	r.enter(r.work.publish)
	r.view.Store(view)
	r.tick.Store(view.Tick)
	r.stepped.Store(int64(stepped.Sub(r.fanout.began)))
	r.settle(changes, view, err != nil)
	r.deliver(changes, view)
	r.tellEdits(changes.Edited, view.Tick)
	for _, s := range r.sessions {
		r.fanout.wake(s)
	}
	r.counters.clamped.Add(uint64(changes.Clamped))
	r.measure(view)
	return r.judge(err)
}

// drain gathers the tick's commands.
func (r *room) drain(due time.Time) world.Commands {
	r.mu.Lock()
	doors := r.doors
	later := min(len(doors.joins), r.cfg.Limits.JoinsPerTick)
	said := min(len(doors.lines), linesPerTick)
	r.doors = door{joins: doors.joins[later:], lines: doors.lines[said:], step: doors.step}
	r.mu.Unlock()
	if doors.step != nil {
		r.overtake()
	}

	c := world.Commands{Leaves: r.leaving, Inputs: r.inputs[:0]}
	for _, s := range doors.leaves {
		if at, ok := r.find(s.player); ok {
			r.sessions = slices.Delete(r.sessions, at, at+1)
			c.Leaves = append(c.Leaves, world.Leave{Player: s.player, Reason: s.why})
		}
	}
	for _, s := range doors.joins[:later] {
		r.last++
		s.player = r.last
		r.joining = append(r.joining, s)
		c.Joins = append(c.Joins, world.Join{Player: s.player, User: s.who.User, Role: s.who.Role})
	}
	for _, q := range doors.asks {
		c.Requests = append(c.Requests, world.Ask{Player: q.session.player, Number: q.number, Kind: q.kind, Data: q.data})
	}
	c.Edits = r.take(doors.edits)
	r.leaving, r.lines = c.Leaves, doors.lines[:said]
	tick := r.world.View().Tick + 1
	for _, s := range r.sessions {
		data, from := s.inbox.take(tick, due)
		if r.watching {
			s.look(tick)
		}
		switch from {
		case inputSent:
			r.counters.applied.Add(1)
			r.pulse.inputs++
		case inputRepeated:
			r.counters.repeated.Add(1)
		case inputNeutral:
			r.counters.neutral.Add(1)
		}
		c.Inputs = append(c.Inputs, world.Input{Player: s.player, Data: data})
	}
	r.inputs = c.Inputs
	return c
}

func (r *room) find(p world.Player) (int, bool) {
	return slices.BinarySearchFunc(r.sessions, p, func(s *session, p world.Player) int { return int(int64(s.player) - int64(p)) })
}

// settle tells joiners what became of them, gives back the places of those who are out, and keeps the leaves of a tick
// that was undone for the next.
func (r *room) settle(changes world.ChangeSet, view *world.View, failed bool) {
	if !failed {
		r.free += len(r.leaving)
		r.leaving = nil
	}
	for _, s := range r.joining {
		at := slices.IndexFunc(changes.Refused, func(f world.Refusal) bool { return f.Player == s.player })
		if at >= 0 {
			r.free++
			s.answer(joinAnswer{refusal: &refusal{protocol.CloseRefused, changes.Refused[at].Reason}})
			continue
		}
		s.inbox.start(view.Tick, r.cfg)
		if r.watching {
			s.trail.Store(new(replicate.Trail))
		}
		r.sessions = append(r.sessions, s)
		if r.every != 1 {
			s.tellPace(r.every)
		}
		s.answer(joinAnswer{tick: view.Tick})
	}
	r.joining = nil
	r.players.Store(int64(len(r.sessions)))
	if r.free > 0 && r.directory.release(r.id, r.free) {
		r.free = 0
	}
}

// lonely ends the room when nobody has been in it for long enough.
func (r *room) lonely() error {
	if len(r.sessions) > 0 {
		r.empty = 0
		return nil
	}
	r.empty += uint64(max(r.every, 1))
	if time.Duration(r.empty)*r.cfg.period() < r.cfg.Limits.EmptyRoomLifetime || !r.directory.retire(r.id) {
		return nil
	}
	return errRoomEmpty
}

// judge decides whether the room goes on after a tick that game code may have failed in.
func (r *room) judge(err error) error {
	var failed *world.PanicError
	if !errors.As(err, &failed) {
		return err
	}
	r.counters.failedTicks.Add(1)
	r.pulse.failed.Add(1)
	r.log.Error("game code panicked; the tick was undone", "tick", failed.Tick, "callback", failed.Callback,
		"player", failed.Player, "panic", fmt.Sprint(failed.Value), "in_a_row", failed.InARow, "stack", string(failed.Stack))
	if failed.InARow < maxFailedTicks {
		return nil
	}
	return fmt.Errorf("its game failed %d times in a row", failed.InARow) // what it said is for the log
}

// measure records how long the tick and its phases took.
func (r *room) measure(view *world.View) {
	r.pulse.over(r.pulse.publish(), time.Now())
	r.trace.end()
	took, c, g := r.pulse.end(view.Tick), r.counters, &r.game.phases
	c.drain.add(took.Drain)
	c.step.add(took.Step)
	c.publish.add(took.Publish)
	c.ticks.add(took.Total())
	g.drain.add(took.Drain)
	g.step.add(took.Step)
	g.publish.add(took.Publish)
	g.tick.add(took.Total())
	if took.Total() > r.cfg.period() {
		r.pulse.noteSlow(view, len(r.sessions), false)
	}
}
