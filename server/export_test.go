package server

import "github.com/quicstep/quicstep/world"

// View is the room as its latest tick left it.
func (s *Server) View() *world.View { return s.room.view.Load() }
