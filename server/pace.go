package server

import (
	"fmt"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/world"
)

// Freeze has a room stand from its next tick on, until Resume: it makes no tick but for Step and Edit, and nothing in it happens. Players stay, get
// what they have not got yet, and their inputs of before are kept; leaves and requests wait, chat goes on, and who
// wants to join is told to try again later. The room is named as for Why; the error wraps ErrNoRoom. Any goroutine may call it.
func (s *Server) Freeze(room string) error { return s.setPace(room, 0) }

// Resume has a room go on at its normal pace; see Freeze.
func (s *Server) Resume(room string) error { return s.setPace(room, 1) }

// Slow has a room make a tick only every so many periods, 1 to protocol.MaxEvery: slow motion, in which one is normal; see
// Freeze. Clients go along with it.
func (s *Server) Slow(room string, every int) error {
	if every < 1 || every > protocol.MaxEvery {
		return fmt.Errorf("server: a tick can take 1 to %d periods, not %d", protocol.MaxEvery, every)
	}
	return s.setPace(room, every)
}

func (s *Server) setPace(room string, every int) error {
	row, err := s.directory.named(room)
	if err == nil {
		row.room.wanted.Store(int32(every))
	}
	return err
}

// beat is a period of the clock: a tick, or none while the room stands. The pace changes right after a tick, and at the
// end of a standstill a period before one: so that a client that goes by the new one from the moment when it hears of it is
// where the ticks are.
func (r *room) beat(due time.Time) error {
	if r.every == 0 {
		r.change(due)
		if stepped, step := r.steps(); stepped && r.every == 0 {
			return r.stepOnce(due, step)
		}
		if r.every == 0 {
			r.still(due)
		}
		r.stand(due)
		return nil
	}
	if r.since++; r.since < r.every {
		r.stand(due)
		return nil
	}
	r.since = 0
	err := r.step(due)
	r.change(due)
	return err
}

// stepOnce makes one tick of a frozen room.
func (r *room) stepOnce(due time.Time, step *stepping) error {
	if err := r.step(due); err != nil {
		return err
	}
	r.standAgain(due)
	if step.left <= 0 {
		step.done <- r.tick.Load()
	}
	return nil
}

// standAgain tells the players of a frozen room that it stands at the tick which it has just made.
func (r *room) standAgain(due time.Time) {
	for _, s := range r.sessions {
		s.tellPace(0)
	}
	r.expect(due)
}

// still makes a tick of the edits of a frozen room, if any wait, in which nothing else happens: what stands, stands. Whoever
// leaves waits for a tick of the game.
func (r *room) still(due time.Time) {
	r.mu.Lock()
	edits := r.doors.edits
	r.doors.edits = nil
	r.mu.Unlock()
	if len(edits) == 0 {
		return
	}
	leaving := r.leaving
	r.leaving = nil
	r.begin(due, time.Now())
	if err := r.carryOut(world.Commands{Still: true, Edits: r.take(edits)}); err != nil {
		panic(fmt.Sprintf("server: tick %d of edits alone: %v", r.tick.Load(), err)) // no game code has run
	}
	r.leaving = leaving
	r.standAgain(due)
}

// change takes the pace that is wanted.
func (r *room) change(due time.Time) {
	want := int(r.wanted.Load())
	if want == r.every {
		return
	}
	r.every = want
	if want != 0 {
		r.endSteps()
	}
	for _, s := range r.sessions {
		s.tellPace(r.every)
	}
	r.expect(due)
	r.log.Info("pace changed", "tick", r.tick.Load(), "every", want)
}

// expect tells the inboxes when the next tick is due; while the room is frozen that is always a period away.
func (r *room) expect(due time.Time) {
	period := r.cfg.period()
	next := due.Add(time.Duration(max(r.every-r.since, 1)) * period)
	for _, s := range r.sessions {
		s.inbox.stand(r.tick.Load(), next, time.Duration(max(r.every, 1))*period)
	}
}

// stand is a period without a tick: players get what they have not got yet, and say what they have.
func (r *room) stand(due time.Time) {
	r.mu.Lock()
	said := min(len(r.doors.lines), linesPerTick)
	r.lines, r.doors.lines = r.doors.lines[:said], r.doors.lines[said:]
	var joins []*session
	if r.every == 0 {
		joins, r.doors.joins = r.doors.joins, nil
	}
	r.mu.Unlock()
	for _, s := range joins {
		r.free++
		s.answer(joinAnswer{refusal: &refusal{protocol.CloseFull, "the room is frozen: try again later"}})
	}
	if r.free > 0 && r.directory.release(r.id, r.free) {
		r.free = 0
	}
	r.chat(r.view.Load())
	r.expect(due)
	for _, s := range r.sessions {
		r.fanout.wake(s)
	}
}

// tellPace tells a client how fast its room goes.
func (s *session) tellPace(every int) {
	s.outbox.setPace(protocol.AppendPace(nil, protocol.Pace{Tick: s.room.tick.Load(), Every: every}))
}
