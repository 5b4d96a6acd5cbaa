package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/world"
)

// What an operator does to rooms and players. Any goroutine may call these; rooms are named as for Why.

// Errors of what operators do; more say what was asked for.
var (
	// ErrResumed: the room was resumed, and makes ticks by itself again.
	ErrResumed = errors.New("the room was resumed meanwhile")
	// ErrNotFrozen: only a frozen room makes single steps.
	ErrNotFrozen = errors.New("the room is not frozen: freeze it first")
	// ErrBusy: as much of this as may be is under way in the room.
	ErrBusy = errors.New("the room has enough of this to do")
	// ErrRoomEnded: the room has closed meanwhile.
	ErrRoomEnded = errors.New("the room has closed")
)

// MaxSteps bounds the ticks of one Step, and maxEdits the edits that wait for a room's next tick.
const (
	MaxSteps = 10_000
	maxEdits = 16
)

// Room returns the figures of one room; the error wraps ErrNoRoom.
func (s *Server) Room(room string) (RoomStats, error) {
	row, err := s.directory.named(room)
	if err != nil {
		return RoomStats{}, err
	}
	return row.stats(), nil
}

// FiguresOf returns the figures of one room with what its ticks cost; the error wraps ErrNoRoom.
func (s *Server) FiguresOf(room string) (RoomFigures, error) {
	row, err := s.directory.named(room)
	if err != nil {
		return RoomFigures{}, err
	}
	return row.figures(), nil
}

// Look returns a room's state as its latest tick left it; the error wraps ErrNoRoom.
func (s *Server) Look(room string) (*world.View, error) {
	row, err := s.directory.named(room)
	if err != nil {
		return nil, err
	}
	return row.room.view.Load(), nil
}

// Kick sends a player away, who is told the reason and does not come back by itself; one that is held loses its place.
// The error wraps ErrNoRoom or ErrNoPlayer.
func (s *Server) Kick(room string, player world.Player, reason string) error {
	sess, err := s.player(room, player)
	if err == nil {
		sess.kick(reason)
	}
	return err
}

// player finds a session.
func (s *Server) player(room string, player world.Player) (*session, error) {
	row, err := s.directory.named(room)
	if err != nil {
		return nil, err
	}
	sess := s.directory.session(row.id, player)
	if sess == nil {
		return nil, fmt.Errorf("%w: %d", ErrNoPlayer, player)
	}
	return sess, nil
}

// kick ends the session for an operator.
func (s *session) kick(reason string) {
	if reason == "" {
		reason = "an operator has sent you away"
	}
	s.expel(refusal{protocol.CloseKicked, reason})
}

// expel ends the session. Of several reasons the first counts.
func (s *session) expel(why refusal) {
	select {
	case s.expelled <- why:
	default:
	}
}

// broke ends the session, in which something has panicked: what it knows can't be relied on any more.
func (s *session) broke() {
	select {
	case s.expelled <- broken:
	default:
	}
}

// Say tells a line of chat to a player of a room, or to all of them when the player is zero, as from the server itself. It
// returns to how many. The error wraps ErrNoRoom or ErrNoPlayer.
func (s *Server) Say(room string, player world.Player, text string) (int, error) {
	if player != 0 {
		sess, err := s.player(room, player)
		if err != nil {
			return 0, err
		}
		sess.tell(text)
		return 1, nil
	}
	row, err := s.directory.named(room)
	if err != nil {
		return 0, err
	}
	return tellAll(find[sessionRow](s.directory, sessionRows, byRoom, row.id[:]), text), nil
}

// SayAll is Say to everybody in every room.
func (s *Server) SayAll(text string) int {
	return tellAll(find[sessionRow](s.directory, sessionRows, byID, nil), text)
}

func tellAll(rows []*sessionRow, text string) int {
	for _, row := range rows {
		row.session.tell(text)
	}
	return len(rows)
}

// CloseRoom ends a room after its present tick; its players are told the reason, and what was in it is gone. The error
// wraps ErrNoRoom.
func (s *Server) CloseRoom(room, reason string) error {
	row, err := s.directory.named(room)
	if err != nil {
		return err
	}
	why := errors.New("an operator has closed it")
	if reason != "" {
		why = fmt.Errorf("an operator has closed it: %s", reason)
	}
	select {
	case row.room.closing <- why:
	default: // it closes already
	}
	return nil
}

// Drain lets nobody new in from now on, or, with false, again. Who plays goes on, and who has lost the connection may come
// back, so that a server is empty in the end.
func (s *Server) Drain(drain bool) { s.draining.Store(drain) }

// Draining tells whether Drain keeps newcomers out.
func (s *Server) Draining() bool { return s.draining.Load() }

// drained is what newcomers are told.
var drained = refusal{protocol.CloseFull, "this server takes nobody new, for it is about to stop: join another, or come back later"}

// stepping is some ticks that a frozen room is to make.
type stepping struct {
	left int         // the loop counts it down under the room's mu
	done chan uint64 // holds one: the tick that it has come to
}

// StepError tells how far a Step has come that was given up.
type StepError struct {
	// Made ticks were begun, of those that were Asked for; the last of them may be under way.
	Made, Asked int
	// Tick is what the room had come to.
	Tick uint64
	// Err is why; it wraps ErrResumed, ErrRoomEnded or the context's.
	Err error
}

// Error says how many ticks were made, and why not all of them.
func (e *StepError) Error() string {
	return fmt.Sprintf("%d of %d ticks were made, up to tick %d: %v", e.Made, e.Asked, e.Tick, e.Err)
}

// Unwrap returns Err.
func (e *StepError) Unwrap() error { return e.Err }

// Step has a frozen room make some ticks, one a period, 1 to MaxSteps, and waits for them; then it stands again. It
// returns the tick that the room has come to. The error wraps ErrNoRoom, ErrNotFrozen or ErrBusy, and then nothing was done; or it
// is a *StepError, when the room was resumed or has closed meanwhile, or ctx has ended: then no further tick is made for it.
func (s *Server) Step(ctx context.Context, room string, ticks int) (uint64, error) {
	if ticks < 1 || ticks > MaxSteps {
		return 0, fmt.Errorf("server: a room steps 1 to %d ticks at a time, not %d", MaxSteps, ticks)
	}
	row, err := s.directory.named(room)
	if err != nil {
		return 0, err
	}
	r, step := row.room, &stepping{left: ticks, done: make(chan uint64, 1)}
	if r.wanted.Load() != 0 {
		return 0, ErrNotFrozen
	}
	r.mu.Lock()
	busy := r.doors.step != nil
	if !busy {
		r.doors.step = step
	}
	r.mu.Unlock()
	if busy {
		return 0, fmt.Errorf("%w: it is stepping", ErrBusy)
	}
	tick, err := r.awaitSteps(ctx, step)
	left := r.leftOf(step)
	switch {
	case err == nil && left <= 0:
		return tick, nil
	case err == nil:
		err = ErrResumed
	}
	return tick, &StepError{Made: ticks - left, Asked: ticks, Tick: tick, Err: err}
}

// awaitSteps waits until a Step is over, and returns the tick that the room has come to. When ctx ends, what is left of the Step
// is taken back.
func (r *room) awaitSteps(ctx context.Context, step *stepping) (uint64, error) {
	select {
	case tick := <-step.done:
		return tick, nil
	case <-r.closed:
		return r.tick.Load(), ErrRoomEnded
	case <-ctx.Done():
	}
	if r.withdrawSteps(step) {
		return r.tick.Load(), fmt.Errorf("nobody waits for the others: %w", ctx.Err())
	}
	select { // its last tick is being made
	case tick := <-step.done:
		return tick, nil
	case <-r.closed:
		return r.tick.Load(), ErrRoomEnded
	}
}

// withdrawSteps takes back what is left of a Step; it returns false when that is nothing.
func (r *room) withdrawSteps(step *stepping) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.doors.step != step {
		return false
	}
	r.doors.step = nil
	return true
}

// leftOf is how many ticks of a Step have not begun.
func (r *room) leftOf(step *stepping) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return step.left
}

// steps makes the tick of a frozen room that was asked for, if one was.
func (r *room) steps() (stepped bool, step *stepping) {
	r.mu.Lock()
	defer r.mu.Unlock()
	step = r.doors.step
	if step == nil {
		return false, nil
	}
	if step.left--; step.left <= 0 {
		r.doors.step = nil
	}
	return true, step
}

// overtake ends a Step that came when the room was going on already. In the tick before a standstill it stays, for then.
func (r *room) overtake() {
	if r.every != 0 && r.wanted.Load() != 0 {
		r.endSteps()
	}
}

// endSteps ends what is left of a Step, since the room goes on.
func (r *room) endSteps() {
	r.mu.Lock()
	step := r.doors.step
	r.doors.step = nil
	r.mu.Unlock()
	if step != nil {
		step.done <- r.tick.Load()
	}
}
