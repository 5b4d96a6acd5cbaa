package admin

import (
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server"
)

// Captured is the latest slow ticks of rooms.
type Captured interface {
	SlowTicks(room string) (server.RoomStats, []server.SlowTick, error)
}

// capture sends the latest slow ticks of a room, or of all.
func (c *call) capture() error {
	var out []admin.Capture
	if c.req.Room != "" {
		r, ticks, err := c.cfg.Server.SlowTicks(c.req.Room)
		if err != nil {
			return err
		}
		out = append(out, captureOf(r, ticks, c.period()))
	} else {
		for _, room := range c.cfg.Server.Rooms() {
			if r, ticks, err := c.cfg.Server.SlowTicks(room.ID); err == nil { // one that has just closed is left out
				out = append(out, captureOf(r, ticks, c.period()))
			}
		}
	}
	return pieces(c, out, func(a *admin.Answer, captures []admin.Capture) { a.Captures = captures }, captureBytes)
}

// captureOf is a room's.
func captureOf(r server.RoomStats, ticks []server.SlowTick, period time.Duration) admin.Capture {
	out := admin.Capture{
		Room: r.ID, RoomName: nameOf(r), Game: r.Game, At: time.Now().UnixMilli(), Tick: r.Tick, PeriodUS: period.Microseconds(),
		Parts: []string{}, Ticks: []admin.SlowTick{},
	}
	for _, t := range ticks {
		slow := admin.SlowTick{
			Tick: t.Tick, Due: t.Due.UnixMicro(), Late: t.Late.Microseconds(), Blame: t.Slowest().Name, Overran: t.Overran,
			Players: t.Players, Entities: t.Entities, Inputs: t.Inputs, Bytes: t.Bytes,
		}
		out.Parts = out.Parts[:0]
		last := len(t.Parts) - 1
		for i, p := range t.Parts {
			us := p.Took.Microseconds()
			out.Parts, slow.Parts = append(out.Parts, p.Name), append(slow.Parts, us)
			switch i {
			case 0:
				slow.Drain = us
			case last:
				slow.Publish = us
			default:
				slow.Step += us
			}
		}
		out.Ticks = append(out.Ticks, slow)
	}
	return out
}

// captureBytes is a size for pieces.
func captureBytes(c admin.Capture) int {
	n := 256
	for _, name := range c.Parts {
		n += len(name) + 2
	}
	return n + len(c.Ticks)*(320+9*len(c.Parts))
}
