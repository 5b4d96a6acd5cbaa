package admin

import (
	"context"
	"fmt"
	"slices"

	"github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// defaultTimeline is how many ticks a timeline looks back when it is not told.
const defaultTimeline = 128

// tableOf finds a room's state and a table in it.
func (c *call) tableOf() (*world.View, int, error) {
	view, err := c.cfg.Server.Look(c.req.Room)
	if err != nil {
		return nil, 0, err
	}
	number := slices.IndexFunc(view.Schema().Tables, func(t *schema.Table) bool { return t.Name == c.req.Table })
	if number < 0 {
		return nil, 0, fmt.Errorf("%w %q", server.ErrNoTable, c.req.Table)
	}
	return view, number, nil
}

// timeline sends the ticks in which a row changed, the newest first, out of the history that a room keeps anyway.
func (c *call) timeline() error {
	view, number, err := c.tableOf()
	if err != nil {
		return err
	}
	id, err := world.ParseID(c.req.Row)
	if err != nil {
		return bad("%v", err)
	}
	ticks := c.req.Count
	if ticks == 0 {
		ticks = defaultTimeline
	}
	t := view.Schema().Tables[number]
	var rows []admin.Row
	for back := range min(ticks, view.Tick+1) {
		then, ok := view.At(view.Tick - back)
		if !ok {
			break
		}
		now := admin.Row{ID: c.req.Row}
		if r, ok := then.Row(number, id); ok {
			now = rowOf(t, r)
		}
		if n := len(rows); n > 0 && sameRow(rows[n-1], now) {
			n-- // it was so earlier already
			rows[n].Tick = then.Tick
			continue
		}
		now.Tick = then.Tick
		rows = append(rows, now)
	}
	return c.sendRows(view.Tick, columnsOf(t), rows, len(rows))
}

// sameRow tells whether two ticks left a row the same.
func sameRow(a, b admin.Row) bool {
	return a.ID == b.ID && a.Owner == b.Owner && a.Team == b.Team && slices.Equal(a.Values, b.Values)
}

// sight sends what a player was sent of a table or of one row, and why not the rest.
func (c *call) sight() error {
	if c.req.Player == 0 {
		return bad("sight needs a player")
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.Limits.RequestTimeout)
	defer cancel()
	var whys []replicate.Why
	var err error
	if c.req.Row == "" {
		whys, err = c.cfg.Server.Sights(ctx, c.req.Room, world.Player(c.req.Player), c.req.Table)
	} else {
		id, wrong := world.ParseID(c.req.Row)
		if wrong != nil {
			return bad("%v", wrong)
		}
		var why replicate.Why
		why, err = c.cfg.Server.Why(ctx, c.req.Room, world.Player(c.req.Player), c.req.Table, id)
		whys = []replicate.Why{why}
	}
	if err != nil {
		return err
	}
	out := make([]admin.Sight, len(whys))
	for i, y := range whys {
		out[i] = admin.Sight{ID: y.ID.String(), Reason: y.Reason.String(), Text: y.String(), Known: y.Known}
	}
	return pieces(c, out, func(a *admin.Answer, sight []admin.Sight) { a.Sight = sight }, func(s admin.Sight) int { return 64 + len(s.Text) })
}
