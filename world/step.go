package world

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/hashicorp/go-memdb"
)

// Config is how a World begins.
type Config struct {
	// TickPeriodNS is the time between ticks in nanoseconds, by which dead-reckoned fields move; zero means a thirtieth of
	// a second, or that of the state which Restore is given. A state may go on at another one than it was saved at.
	TickPeriodNS int64
	// Seed begins the room's random stream. Any value will do; the same seed and Commands give the same game.
	Seed uint64
	// History is the number of ticks that View.At reaches back; zero means 128, and at least 2 are kept.
	History int
	// EventTicks is for how many ticks View.Events holds what happened; zero means 8, at most MaxEventTicks.
	EventTicks int
	// MaxRows bounds the rows of all tables together, in whole pages of 64 of a table; an Insert that needs one more page is a
	// panic, which costs the tick. Zero means that each table has its own bound, 1,048,576 rows, alone.
	MaxRows int
	// Sights tells what a player saw when it made its input for a tick, if that is known; Tx.Seen asks, at most once per
	// player and tick, in the world's goroutine, and keeps the answer. Nil: nothing is known.
	Sights func(p Player, tick uint64) (Sight, bool)
	// Mark is told, in the world's goroutine, as each part of a tick is over, by its number in PartsOf: so whoever has a clock
	// can measure them. A tick that a refused join begins anew tells them again. Nil: nobody measures.
	Mark func(part int)
}

// World is one running instance of a game: its state, and the store where each tick's end is published. It
// belongs to one goroutine, but for Latest, which anyone may call.
type World struct {
	state     *state
	store     *memdb.MemDB
	past      *history
	view      *View
	committer committer
	recent    []TickEvents // of the latest ticks, oldest first; replaced, never edited
	keepTicks uint64       // for how many ticks events are kept
	sights    sights
	tx        *Tx           // of the tick that is being made; a new one each time, so that one that is kept stays dead
	doing     atomic.Uint64 // what the step is doing, and for whom: the step stores, Doing loads
	inARow    int
	edited    []Edited // of the tick that is being made
	marks     func(part int)

	afterInputs func() // runs between a tick's inputs and OnTick, for Rehearse; nil otherwise
}

// New starts a world of a game: no rows, no players, before its first tick. It returns everything that is
// wrong with the definition. The first use of a game must have returned before another goroutine uses it.
func New(g Game, cfg Config) (*World, error) {
	d := g.definition()
	if err := d.seal(); err != nil {
		return nil, err
	}
	store, err := newStore()
	if err != nil {
		return nil, err
	}
	if cfg.History == 0 {
		cfg.History = 128
	}
	if cfg.EventTicks == 0 {
		cfg.EventTicks = 8
	}
	if cfg.EventTicks < 0 || cfg.EventTicks > MaxEventTicks {
		return nil, fmt.Errorf("world: EventTicks is %d; 1 to %d are possible", cfg.EventTicks, MaxEventTicks)
	}
	if cfg.MaxRows < 0 {
		return nil, fmt.Errorf("world: MaxRows is %d; it can't be negative, and zero means each table's own bound", cfg.MaxRows)
	}
	s, err := newState(d, true, cfg.Seed, cfg.TickPeriodNS)
	if err != nil {
		return nil, err
	}
	s.pagesMost = pagesFor(cfg.MaxRows)
	w := &World{
		state: s, store: store, past: newHistory(max(cfg.History, 2)),
		keepTicks: uint64(cfg.EventTicks), sights: sights{source: cfg.Sights}, marks: cfg.Mark,
	}
	w.view = w.newView()
	for i, t := range d.tables {
		if t.grid != nil {
			w.view.tables[i].grid = newGrid(t.grid)
		}
	}
	w.publish(w.view)
	return w, nil
}

// View is the newest View, for the world's own goroutine.
func (w *World) View() *View { return w.view }

// PanicError tells that game code panicked. The tick happened, with nothing done in it: rows, players,
// random streams and events are as before.
type PanicError struct {
	Tick     uint64
	Callback string // which callback it was: OnStart, OnJoin, OnLeave, OnRequest, OnInput, OnTick, or a system's name
	Player   Player // whose join, leave, request or input it was; zero in the others
	Value    any    // what it panicked with
	Stack    []byte
	InARow   int // how many ticks in a row have failed, from 1
}

// Error says where it happened; the stack is apart.
func (e *PanicError) Error() string {
	who := ""
	if e.Player != 0 {
		who = fmt.Sprintf(" for player %d", e.Player)
	}
	return fmt.Sprintf("tick %d: %s%s panicked: %v (the tick was undone; %d in a row)", e.Tick, e.Callback, who, e.Value, e.InARow)
}

// Step makes one tick: the commands' joins, leaves, requests, edits and inputs, a neutral input for every player without
// one, the game's systems and OnTick. It is the only way in which state changes. The ChangeSet and the View are good also when
// the error is a *PanicError, which is the only kind that Step returns: then the tick was undone, its joins
// are refused, and its leaves have to be asked for again.
func (w *World) Step(c Commands) (ChangeSet, *View, error) {
	defer w.enter(doingNothing, 0)
	c.sort()
	s := w.state
	s.tick++
	w.sights.startTick(c.Sights)
	var refused []Refusal
	for {
		before := s.begin()
		failed := w.run(c)
		if failed == nil {
			w.inARow = 0
			cs, view := w.commit()
			cs.Refused, cs.Sights, cs.Edited = refused, w.sights.asked, w.edited
			return cs, view, nil
		}
		s.rollback(before)
		if failed.refusal == nil {
			w.inARow++
			failed.panic.InARow = w.inARow
			cs, view := w.commit()
			cs.Refused = append(refused, c.refuseAll("the game failed while you joined")...)
			cs.Answers = c.refuseRequests("the game failed in this tick")
			cs.Edited = c.undoneEdits()
			cs.Sights = w.sights.asked
			return cs, view, failed.panic
		}
		refused = append(refused, *failed.refusal)
		c = c.withoutJoin(failed.refusal.Player)
	}
}

// failure is why a run ended early: a join that was refused, or a panic.
type failure struct {
	refusal *Refusal
	panic   *PanicError
}

// run runs the callbacks of one tick.
func (w *World) run(c Commands) (failed *failure) {
	s := w.state
	w.tx = &Tx{state: s, rand: s.roomRand, live: true, base: w.view, sights: &w.sights}
	tx := w.tx
	defer func() {
		tx.live = false
		w.sights.endRun()
		if v := recover(); v != nil {
			at := &PanicError{Tick: s.tick, Value: v, Stack: debug.Stack()}
			at.Callback, at.Player = w.Doing()
			failed = &failure{panic: at}
		}
		w.enter(doingCommit, 0)
	}()
	w.start()
	if c.Still {
		w.edits(c.Edits)
		return nil
	}
	for _, j := range c.Joins {
		w.enter(doingJoin, j.Player)
		if reason := w.join(j); reason != "" {
			return &failure{refusal: &Refusal{Player: j.Player, Reason: reason}}
		}
	}
	for _, l := range c.Leaves {
		w.enter(doingLeave, l.Player)
		w.leave(l)
	}
	w.mark(partJoins)
	for _, q := range c.Requests {
		w.enter(doingRequest, q.Player)
		w.answer(q)
	}
	w.edits(c.Edits)
	w.mark(partRequests)
	w.inputs(c.Inputs)
	if w.afterInputs != nil {
		w.afterInputs()
	}
	w.mark(partInputs)
	w.systems()
	return nil
}

func (w *World) start() {
	if w.state.started {
		return
	}
	w.enter(doingStart, 0)
	for _, insert := range w.state.def.singletons {
		insert(w.tx)
	}
	if w.state.def.onStart != nil {
		w.state.def.onStart(w.tx)
	}
	w.state.started = true
}

// join lets a player in and returns why not, if so.
func (w *World) join(j Join) (reason string) {
	s, p := w.state, j.Player
	if p <= s.last {
		return fmt.Sprintf("player number %d was given before", p)
	}
	s.addPlayer(j)
	if s.def.onJoin == nil {
		return ""
	}
	if err := s.def.onJoin(w.tx, p); err != nil {
		return err.Error()
	}
	return ""
}

func (w *World) leave(l Leave) {
	if w.state.player(l.Player) == nil {
		return
	}
	if w.state.def.onLeave != nil {
		w.state.def.onLeave(w.tx, l.Player, l.Reason)
	}
	w.state.removePlayer(l.Player)
}

// inputs runs OnInput exactly once for every player, in the order of their numbers.
func (w *World) inputs(inputs []Input) {
	s, tx := w.state, w.tx
	tx.rand = s.inputRand
	players := s.players
	for i := range players {
		p := players[i].num
		for len(inputs) > 0 && inputs[0].Player < p {
			inputs = inputs[1:]
		}
		var data []byte
		for len(inputs) > 0 && inputs[0].Player == p {
			data, inputs = inputs[0].Data, inputs[1:] // the newest of several
		}
		w.enter(doingInput, p)
		s.input.Seed(uint64(p), s.tick)
		s.making.begin(p)
		s.def.onInput(tx, p, data)
	}
	s.making.begin(0)
	tx.rand = s.roomRand
}
