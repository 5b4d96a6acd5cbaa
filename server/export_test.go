package server

import (
	"time"

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
