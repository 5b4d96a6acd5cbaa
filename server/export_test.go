package server

import (
	"time"

	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// theRoom is the one room of a server, or the first of several.
func (s *Server) theRoom() *roomRow {
	rows := find[roomRow](s.directory, roomRows, byID, nil)
	if len(rows) == 0 {
		return &roomRow{room: &room{}}
	}
	return rows[0]
}

// View is the one room as its latest tick left it; nil without a room.
func (s *Server) View() *world.View { return s.theRoom().room.view.Load() }

// Tick is the one room's latest tick.
func (s *Server) Tick() uint64 { return s.theRoom().room.tick.Load() }

// Opened is when the one room began.
func (s *Server) Opened() time.Time { return s.theRoom().opened }

// Rows counts the rows of the directory: rooms and sessions.
func (s *Server) Rows() (rooms, sessions int) {
	return len(find[roomRow](s.directory, roomRows, byID, nil)), len(find[sessionRow](s.directory, sessionRows, byID, nil))
}

// BoundMemory changes Config.MemoryBytes, which must not have been zero.
func (s *Server) BoundMemory(bytes uint64) { s.memory.bound.Store(bytes) }

// SpendOnTicks counts a time as taken by ticks.
func (s *Server) SpendOnTicks(took time.Duration) { s.counters.step.total.Add(int64(took)) }

// BreakPass has a player's next pass panic.
func (s *Server) BreakPass(player world.Player) {
	sess := s.directory.session(s.theRoom().id, player)
	sess.questions <- question{table: -1, indexes: []uint32{0}, answer: make(chan []replicate.Why, 1)}
	sess.asked.Store(true)
}

// BreakChat has the goroutine of a player's connection panic that reads the next line of chat, once it has it.
func (s *Server) BreakChat(player world.Player) {
	s.directory.session(s.theRoom().id, player).reader.from = nil
}

// BreakLoop has the room's loop panic in its next tick.
func (s *Server) BreakLoop() {
	r := s.theRoom().room
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doors.leaves = append(r.doors.leaves, nil)
}

// BreakConnections has whoever comes meet a panic, until mend is called.
func (s *Server) BreakConnections() (mend func()) {
	list := s.bans.list.Swap(nil)
	return func() { s.bans.list.Store(list) }
}
