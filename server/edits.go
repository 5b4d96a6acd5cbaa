package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// editsKept is how many of the server's latest edits can be undone; the oldest is forgotten.
const editsKept = 1024

// Errors of Edit and Undo.
var (
	// ErrNoRow: there is no such row any more.
	ErrNoRow = errors.New("there is no such row")
	// ErrNoField: the table has no such field, or not one that leaves the server.
	ErrNoField = errors.New("the table has no such field")
	// ErrValue: the field can't have that value.
	ErrValue = errors.New("the field can't have that value")
	// ErrNoEdit: the edit is not known, or too old.
	ErrNoEdit = errors.New("there is no such edit")
	// ErrUndone: the edit was undone already.
	ErrUndone = errors.New("the edit was undone already")
	// ErrTickFailed: the game panicked in the tick of the edit, so that nothing of it has happened.
	ErrTickFailed = errors.New("the game failed in that tick, and so nothing happened")
)

// ChangedError tells why an edit was not undone: the field holds something else by now.
type ChangedError struct {
	// Holds is what the field holds, as text.
	Holds string
	// By has set it with edit Number; both are zero when the game did, at Tick or before.
	By     string
	Number uint64
	Tick   uint64
}

// Error says who changed it.
func (e *ChangedError) Error() string {
	if e.Number != 0 {
		return fmt.Sprintf("it holds %q: %s set it with edit %d in tick %d", e.Holds, e.By, e.Number, e.Tick)
	}
	return fmt.Sprintf("it holds %q: the game has changed it since, at the latest in tick %d", e.Holds, e.Tick)
}

// Change is what an Edit asks for: the field of a row is to hold a value.
type Change struct {
	// Room is named as for Why.
	Room  string
	Table string
	ID    world.ID // with a generation of zero: whichever row is there
	Field string   // as in the schema
	Value string   // as world.ParseValue reads it
	By    string   // who wants it
}

// Edit is one that has happened.
type Edit struct {
	// Number names it, from 1.
	Number uint64
	Change
	RoomID string
	At     time.Time
	Tick   uint64
	// Before and After are what the field held, as text.
	Before, After string
	// Undoes is the number of the edit that it has undone; UndoneBy is the one that has undone it. Zero: none.
	Undoes, UndoneBy uint64

	world world.Edit  // as it was carried out
	done  world.Value // what the field held afterwards
}

// editing is an edit that waits for its room's next tick.
type editing struct {
	edit world.Edit
	done chan editDone // holds one
}

type editDone struct {
	world.Edited
	tick uint64
}

// ledger keeps the latest edits.
type ledger struct {
	mu    sync.Mutex
	last  uint64
	edits []*Edit // oldest first; an Edit is replaced, never changed
}

// Edit sets a field in the room's next tick, as a command that happens before the inputs, and returns what it did. A frozen
// room makes a tick for it at once, in which nothing else happens. The error wraps ErrNoRoom, ErrNoTable, ErrNoField,
// ErrNoRow, ErrValue, ErrBusy, ErrTickFailed, ErrRoomEnded, or ctx's, and then nothing was done.
func (s *Server) Edit(ctx context.Context, c Change) (Edit, error) {
	row, err := s.directory.named(c.Room)
	if err != nil {
		return Edit{}, err
	}
	e, field, err := row.room.compose(c)
	if err != nil {
		return Edit{}, err
	}
	return s.carryOut(ctx, row, Edit{Change: c, world: e}, field)
}

// compose makes a world's edit of what was asked for.
func (r *room) compose(c Change) (e world.Edit, field *schema.Field, err error) {
	e.Table = r.game.table(c.Table)
	if e.Table < 0 {
		return e, nil, fmt.Errorf("%w %q", ErrNoTable, c.Table)
	}
	fields := r.game.schema.Tables[e.Table].Fields
	e.Field = slices.IndexFunc(fields, func(f schema.Field) bool { return f.Name == c.Field })
	if e.Field < 0 {
		return e, nil, fmt.Errorf("%w %q", ErrNoField, c.Field)
	}
	field = &fields[e.Field]
	if e.To, err = world.ParseValue(field, c.Value); err != nil {
		return e, nil, fmt.Errorf("%w: %w", ErrValue, err)
	}
	there, ok := r.view.Load().Row(e.Table, c.ID)
	if !ok {
		return e, nil, fmt.Errorf("%w: %s %v", ErrNoRow, c.Table, c.ID)
	}
	e.ID = there.ID
	return e, field, nil
}

// carryOut has the room carry out an edit, and notes it.
func (s *Server) carryOut(ctx context.Context, row *roomRow, e Edit, field *schema.Field) (Edit, error) {
	done, err := row.room.edit(ctx, e.world)
	if err != nil {
		return Edit{}, err
	}
	e.ID = e.world.ID
	switch done.Outcome {
	case world.EditNoRow:
		return Edit{}, fmt.Errorf("%w: %s %v is gone", ErrNoRow, e.Table, e.ID)
	case world.EditUndone:
		return Edit{}, ErrTickFailed
	case world.EditOther:
		return Edit{}, s.ledger.blame(row, e, done.Before.Format(field))
	}
	e.RoomID, e.At, e.Tick = fmt.Sprintf("%x", row.id), time.Now(), done.tick
	e.Before, e.After, e.done = done.Before.Format(field), done.After.Format(field), done.After
	e.world.Was = done.Before
	return s.ledger.note(e), nil
}

// edit hands an edit to the loop and waits for its tick.
func (r *room) edit(ctx context.Context, e world.Edit) (editDone, error) {
	asked := &editing{edit: e, done: make(chan editDone, 1)}
	r.mu.Lock()
	busy := len(r.doors.edits) >= maxEdits
	if !busy {
		r.doors.edits = append(r.doors.edits, asked)
	}
	r.mu.Unlock()
	if busy {
		return editDone{}, fmt.Errorf("%w: %d edits wait", ErrBusy, maxEdits)
	}
	select {
	case done := <-asked.done:
		return done, nil
	case <-r.closed:
	case <-ctx.Done():
		if r.withdraw(asked) {
			return editDone{}, fmt.Errorf("wait for the room's next tick: %w", ctx.Err())
		}
		select { // its tick is being made
		case done := <-asked.done:
			return done, nil
		case <-r.closed:
		}
	}
	select { // the last tick may have had it
	case done := <-asked.done:
		return done, nil
	default:
		return editDone{}, ErrRoomEnded
	}
}

// withdraw takes an edit back; it returns false when the loop has it already.
func (r *room) withdraw(asked *editing) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := slices.Index(r.doors.edits, asked)
	if at >= 0 {
		r.doors.edits = slices.Delete(r.doors.edits, at, at+1)
	}
	return at >= 0
}

// take notes who waits for the tick's edits, and returns these.
func (r *room) take(asked []*editing) (edits []world.Edit) {
	r.editing = asked
	for _, e := range asked {
		edits = append(edits, e.edit)
	}
	return edits
}

// tellEdits tells those who wait what became of the tick's edits.
func (r *room) tellEdits(edited []world.Edited, tick uint64) {
	for i, asked := range r.editing {
		asked.done <- editDone{edited[i], tick}
	}
	r.editing = nil
}

// Undo puts back what a field held before an edit, if it still holds what the edit has put there; otherwise the error is
// a *ChangedError. It wraps ErrNoEdit, ErrUndone, or what Edit's does.
func (s *Server) Undo(ctx context.Context, number uint64, by string) (Edit, error) {
	was, ok := s.ledger.find(number)
	if !ok {
		return Edit{}, fmt.Errorf("%w: %d, or it is not among the latest %d", ErrNoEdit, number, editsKept)
	}
	if was.UndoneBy != 0 {
		return Edit{}, fmt.Errorf("%w, by edit %d", ErrUndone, was.UndoneBy)
	}
	row, err := s.directory.named(was.RoomID)
	if err != nil {
		return Edit{}, err
	}
	e := Edit{Change: was.Change, Undoes: number, world: was.world}
	e.By, e.Value = by, was.Before
	e.world.To, e.world.If, e.world.Was = was.world.Was, true, was.done
	field := &row.room.game.schema.Tables[e.world.Table].Fields[e.world.Field]
	return s.carryOut(ctx, row, e, field)
}

// Edits returns the latest edits, oldest first.
func (s *Server) Edits() (out []Edit) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	for _, e := range s.ledger.edits {
		out = append(out, *e)
	}
	return out
}

func (l *ledger) find(number uint64) (Edit, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.edits {
		if e.Number == number {
			return *e, true
		}
	}
	return Edit{}, false
}

// note gives an edit its number and keeps it.
func (l *ledger) note(e Edit) Edit {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	e.Number = l.last
	for i, was := range l.edits {
		if was.Number == e.Undoes {
			undone := *was
			undone.UndoneBy = e.Number
			l.edits[i] = &undone
		}
	}
	if len(l.edits) == editsKept {
		l.edits = slices.Delete(l.edits, 0, 1)
	}
	l.edits = append(l.edits, &e)
	return e
}

// blame finds who has changed a field since an edit that is to be undone.
func (l *ledger) blame(row *roomRow, e Edit, holds string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, later := range slices.Backward(l.edits) {
		same := later.RoomID == fmt.Sprintf("%x", row.id) && later.world.Table == e.world.Table && later.world.Field == e.world.Field && later.world.ID == e.world.ID
		if same && later.Number > e.Undoes && later.After == holds {
			return &ChangedError{Holds: holds, By: later.By, Number: later.Number, Tick: later.Tick}
		}
	}
	err := &ChangedError{Holds: holds}
	if there, ok := row.room.view.Load().Row(e.world.Table, e.world.ID); ok {
		err.Tick = uint64(there.Changed(e.world.Field))
	}
	return err
}
