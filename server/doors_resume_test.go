package server_test

import (
	"testing"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// moveTo goes on with the session by another door, or the same one again, with the rows that the guest has.
func (c *guest) moveTo(s *running, door transport.Door, g *arena) *guest {
	c.t.Helper()
	sch, err := world.SchemaOf(g)
	if err != nil {
		c.t.Fatal(err)
	}
	hello, err := protocol.AppendHello(nil, protocol.Hello{
		Game: sch.Game, SchemaHash: sch.Hash(), Resume: c.welcome.Resume, HasReplica: true, Epoch: c.replica.Epoch(),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	next := &guest{caller: doors[door](c.t, s), t: c.t, replica: c.replica}
	next.hello(hello)
	if a, b := c.welcome, next.welcome; a.Session != b.Session || a.Player != b.Player || a.Epoch != b.Epoch || string(a.Resume) == string(b.Resume) {
		c.t.Errorf("player %d in epoch %d has become %d in %d, with the same session: %v", a.Player, a.Epoch, b.Player, b.Epoch, a.Session == b.Session)
	}
	next.replica.Resume(next.welcome.Tick, next.welcome.NextSequence)
	return next
}

// play plays some ticks, and wants one unit of the guest's own to be known.
func (c *guest) play(g *arena) {
	c.t.Helper()
	for range 30 {
		c.step(g, stride{DX: 1})
	}
	own := 0
	for _, row := range c.replica.All(0) {
		if row.Class == schema.Own {
			own++
		}
	}
	if own != 1 {
		c.t.Errorf("the client has %d units of its own, want 1", own)
	}
}

// TestSessionsMoveFromDoorToDoor goes from each door to each other and back, once over a connection that is lost, and once over one
// that still plays and is told.
func TestSessionsMoveFromDoorToDoor(t *testing.T) {
	everyDoor(t, func(t *testing.T, from transport.Door) {
		everyDoor(t, func(t *testing.T, to transport.Door) {
			g := quietArena()
			s := serve(t, server.Config{Games: []world.Game{g}})
			first := enter(t, s, from, g)
			first.play(g)
			first.leave(protocol.CloseAbandoned, "")
			second := first.moveTo(s, to, g)
			second.play(g)
			third := second.moveTo(s, from, g)
			if code, _ := second.closed(); code != protocol.CloseReplaced {
				t.Errorf("the connection that was left is told %v, want replaced", code)
			}
			third.play(g)
			st := s.Stats()
			if st.Resumed != 2 || st.ResumesRefused != 0 || st.Diverged != 0 || st.Held != 0 || g.left.Load() != 0 {
				t.Errorf("%d resumed, %d were refused, %d rows diverged, %d are held, left: %d", st.Resumed, st.ResumesRefused, st.Diverged, st.Held, g.left.Load())
			}
			if tr := st.Transport; [...]int{tr.Native, tr.WebTransport, tr.WebSocket}[from] == 0 {
				t.Errorf("nothing is open by the door that it came back by: %+v", tr)
			}
		})
	})
}
