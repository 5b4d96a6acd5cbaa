package replicate

import (
	"fmt"
	"math"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// Reason is why a client was not sent a row by the latest pass.
type Reason uint8

// The reasons. Which fields of Why go with each stands there.
const (
	NotInRoom      Reason = iota + 1 // the player is not in the room
	NoPass                           // no pass was made in this epoch
	NoRow                            // there is no such row
	OutOfSight                       // the row is farther away than the player sees
	Acknowledged                     // the client has the row as it is
	NotForPlayer                     // what changed are fields of owners or teams that the player is not of, or less than a step
	Unacknowledged                   // it was sent as it is, and the acknowledgement is still to come
	NotDue                           // at its distance it is sent every few ticks
	OverBudget                       // others were more urgent
	UnderWay                         // too much is under way: the pass was skipped
	Later                            // it changed, or came into sight, after the latest pass
	Unsent                           // it was chosen, and the connection did not take the datagram
)

var reasonNames = [...]string{
	"unknown", "not_in_room", "no_pass", "no_row", "out_of_sight", "acknowledged", "not_for_player", "unacknowledged",
	"not_due", "over_budget", "under_way", "later", "unsent",
}

// String returns the reason's name in snake case.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return reasonNames[0]
}

// Why is why a client was not sent a row. Fields that do not matter for the reason may be zero.
type Why struct {
	Reason Reason
	// Tick is the View's, Pass that of the latest pass, skipped or not.
	Tick, Pass uint64
	Table      int
	// ID has generation 0 when there is no such row.
	ID schema.ID
	// Weight is the row's; Own tells whether the player owns it.
	Weight int
	Own    bool
	// Distance from the viewpoint, and how far the player sees, a row that is in sight a little farther: in the units
	// of the coordinates; zero for a table without a position.
	Distance, Radius float64
	// Changed is the tick in which the row changed last. Known is the latest that the client is known to have it as of,
	// Sent that of the latest datagram with it, or with its removal; zero for none.
	Changed, Known, Sent uint64
	// Removal tells that the client may still have the row, and is told to remove it.
	Removal bool
	// Due is the tick from which on the row is sent again, Period every how many ticks at its distance.
	Due    uint64
	Period int
	// Score is weight × ticks of waiting, head start included, and Least the lowest that went, of own rows or of others.
	Score, Least float64
	// BudgetBytes is what the pass had for records; Went of so many Records that were due.
	BudgetBytes, Records, Went int
	// TicksUnderWay is how many ticks' datagrams are not acknowledged, TicksAllowed at how many passes are skipped.
	TicksUnderWay, TicksAllowed int
}

// Why tells why the latest pass did not send a row, the one of a table of the schema at an index. The view may be any
// since that pass; as long as its history goes back to it, what changed in between does not hide the reason. It reads and changes nothing; call it between passes.
func (c *Client) Why(v *world.View, table int, index uint32) Why {
	q := inquiry{client: c, view: v, sight: &c.tables[table]}
	q.Tick, q.Pass, q.Table, q.ID = v.Tick, q.wide(max(c.order.tick, uint32(c.lastPass))), table, schema.MakeID(index, 0)
	q.Reason = q.reason(index)
	return q.Why
}

// inquiry is the work on one question.
type inquiry struct {
	Why
	client *Client
	view   *world.View
	sight  *sight
	page   *world.Page // nil without the row
	row    int
	place  *sight // the sight as of the view; nil for a table without a position, and for own rows
	e      entry
	has    bool // whether there is an entry
}

// wide widens a tick against the View's; zero stays zero.
func (q *inquiry) wide(tick uint32) uint64 {
	if tick == 0 {
		return 0
	}
	return q.view.Tick - uint64(uint32(q.view.Tick)-tick)
}

func (q *inquiry) reason(index uint32) Reason {
	seat, ok := q.view.Seat(q.client.player)
	if !ok {
		return NotInRoom
	}
	if q.client.lastPass == 0 && !q.client.order.held {
		return NoPass
	}
	q.find(index)
	if q.page == nil {
		q.removal()
		return NoRow
	}
	class := q.page.Class(q.row, q.client.player, seat.Team)
	q.ID, q.Weight, q.Own = schema.MakeID(index, q.page.Generation(q.row)), q.page.Weight(q.row), class == schema.Own
	q.Changed = q.wide(q.page.Dirty(q.row, q.client.player))
	if !q.inSight(seat) {
		q.removal()
		return OutOfSight
	}
	switch e := &q.e; {
	case !q.has || e.gone() || q.page.Rights(q.row) > e.since || seat.Rights > max(e.since, uint32(q.client.lastPass)):
		return q.unless(Later) // with it the client begins anew
	case e.known != 0 && q.page.Dirty(q.row, q.client.player) <= e.known:
		q.Known, q.Sent = q.wide(e.known), q.wide(e.sent)
		// What is dead-reckoned changes for its owner in each tick, while the others have it all the same.
		if latest := q.page.Latest(q.row); latest > e.known && q.sight.wire.Group == nil {
			q.Changed = q.wide(latest)
			return NotForPlayer
		}
		return Acknowledged
	}
	q.Known, q.Sent = q.wide(q.e.known), q.wide(q.e.sent)
	q.rewind()
	if q.e.known != 0 && !q.lacks(class) {
		return NotForPlayer
	}
	return q.waits(class)
}

// find looks for the row, and for what is kept of it.
func (q *inquiry) find(index uint32) {
	pages, n := q.view.Pages(q.Table), int(index>>6)
	if q.row = int(index & 63); n < len(pages) && pages[n] != nil && pages[n].Used()>>q.row&1 != 0 {
		q.page = pages[n]
	}
	at, has := q.sight.find(index)
	if q.has = has; has {
		q.e = q.sight.entries[at]
	}
}

// removal tells what became of the removal of a row that the client should not have.
func (q *inquiry) removal() {
	if q.has && q.e.key&flagDead == 0 {
		q.Removal = true
		if q.e.gone() {
			q.Sent = q.wide(q.e.sent)
		}
	}
}

// inSight works out anew whether the player sees the row.
func (q *inquiry) inSight(seat world.Seat) bool {
	grid, positioned := q.view.Grid(q.Table)
	if !positioned {
		return true
	}
	q.place = &sight{at: grid.Circle(seat.Pos, seat.Radius*(1+q.client.cfg.Hysteresis))}
	reach := q.place.at.R
	q.place.at.R = grid.Steps(seat.Radius)
	if !q.has || q.e.gone() {
		reach = q.place.at.R
	}
	place := q.page.Place(q.row)
	dx, dy := float64(int64(place.X)-q.place.at.X), float64(int64(place.Y)-q.place.at.Y)
	q.Distance, q.Radius = grid.Length(math.Hypot(dx, dy)), seat.Radius
	return q.Own || seat.Radius > 0 && dx*dx+dy*dy <= float64(reach)*float64(reach)
}

// rewind goes back to the row as the latest pass saw it, when the client lacked something of it then already: what moves
// in each tick has always changed since.
func (q *inquiry) rewind() {
	n := int(q.ID.Index() >> 6)
	then, ok := q.view.At(q.Pass)
	if !ok || q.Changed <= q.Pass {
		return
	}
	pages := then.Pages(q.Table)
	if n >= len(pages) || pages[n] == nil || pages[n].Used()>>q.row&1 == 0 || pages[n].Generation(q.row) != q.ID.Generation() {
		return
	}
	if dirty := pages[n].Dirty(q.row, q.client.player); dirty > q.e.known {
		q.page, q.Changed = pages[n], q.wide(dirty)
	}
}

// lacks tells whether anything that the player may see has changed since the client is known to have the row.
func (q *inquiry) lacks(class schema.Class) bool {
	dirty := q.page.ColumnsDirty(q.row)
	for _, at := range q.sight.wire.ClassColumns(class) {
		if dirty[at] > q.e.known {
			return true
		}
	}
	return false
}

// waits finds what a row waits for of which the client lacks something.
func (q *inquiry) waits(class schema.Class) Reason {
	dirty, pass := q.page.Dirty(q.row, q.client.player), uint32(q.Pass)
	switch sent := q.e.sent; {
	case sent == 0:
	case sent >= dirty:
		if q.Due = q.wide(sent) + uint64(q.client.pace.ackTicks()); q.Pass < q.Due {
			return Unacknowledged
		}
	case dirty > pass:
		return q.unless(Later)
	case class != schema.Own && !q.client.cfg.SteadyRate && q.place != nil && q.place.at.R != 0:
		_, period := q.place.nearness(q.page.Place(q.row))
		q.Period = int(period)
		if q.Due = q.wide(sent) + uint64(period-(sent-q.e.since+q.e.index())%period); q.Pass < q.Due {
			return NotDue
		}
	}
	return q.unless(q.crowdedOut())
}

// unless returns a reason, unless the latest pass was skipped: then that is why.
func (q *inquiry) unless(r Reason) Reason {
	if !q.client.order.held {
		return r
	}
	q.TicksUnderWay, q.TicksAllowed = q.client.ring.ticksUnderWay(), q.client.pace.bound()
	return UnderWay
}

// crowdedOut tells whether others had the budget of the latest pass.
func (q *inquiry) crowdedOut() Reason {
	o, group := &q.client.order, groupOthers
	if q.Own {
		group = groupOwn
	}
	wait := int64(min(uint32(q.Pass)-max(q.e.sent, q.e.since), scoreWaitMax)) * scoreTick
	if q.e.sent == 0 {
		near := int32(scoreTick)
		if q.place != nil && !q.Own && q.place.at.R != 0 {
			near, _ = q.place.nearness(q.page.Place(q.row))
		}
		wait += scoreNew + int64(near)
	}
	score := wait * int64(q.Weight)
	q.Score, q.Least = float64(score)/scoreTick, float64(o.least[group])/scoreTick
	q.BudgetBytes, q.Records, q.Went = int(o.budget), int(o.due), int(o.kept)
	if o.cut && score <= int64(o.least[group]) {
		return OverBudget
	}
	return Unsent
}

// String says it to people, with the numbers that decide.
func (y Why) String() string {
	switch y.Reason {
	case NotInRoom:
		return "the player is not in the room"
	case NoPass:
		return "nothing was sent to the player yet"
	case NoRow:
		return fmt.Sprintf("there is no such row at tick %d%s", y.Tick, y.removalText())
	case OutOfSight:
		if y.Radius <= 0 {
			return "the player has no view, so it sees its own rows and tables without a position alone" + y.removalText()
		}
		return fmt.Sprintf("it is %.1f away at tick %d, and the player sees %.1f far%s", y.Distance, y.Tick, y.Radius, y.removalText())
	case Acknowledged:
		return fmt.Sprintf("the client has it: it changed last at tick %d, and the client is known to have it as of tick %d", y.Changed, y.Known)
	case NotForPlayer:
		return fmt.Sprintf("what changed at tick %d is not for this player: fields of the row's owner or team, or less than the step that it sees; "+
			"the rest is known to have arrived as of tick %d", y.Changed, y.Known)
	case Unacknowledged:
		return fmt.Sprintf("it was sent at tick %d, has not changed since, and is not acknowledged yet: it is sent again at tick %d", y.Sent, y.Due)
	case NotDue:
		return fmt.Sprintf("it is %.1f away, where the player sees %.1f far, so it is sent every %d ticks: it was sent at tick %d and is due at tick %d",
			y.Distance, y.Radius, y.Period, y.Sent, y.Due)
	case OverBudget:
		return fmt.Sprintf("others were more urgent at tick %d: its score (weight %d × ticks of waiting) is %.1f, the lowest that went %.1f; "+
			"%d of %d records went into a budget of %d bytes", y.Pass, y.Weight, y.Score, y.Least, y.Went, y.Records, y.BudgetBytes)
	case UnderWay:
		return fmt.Sprintf("tick %d was skipped: the datagrams of %d ticks are not acknowledged, and at %d no more are sent", y.Pass, y.TicksUnderWay, y.TicksAllowed)
	case Later:
		return fmt.Sprintf("as of tick %d it changed, or came into sight, after the latest pass, of tick %d", y.Tick, y.Pass)
	case Unsent:
		return fmt.Sprintf("it was chosen at tick %d, and the connection did not take the datagram", y.Pass)
	}
	return "the reason is not known"
}

func (y *Why) removalText() string {
	switch {
	case !y.Removal:
		return ""
	case y.Sent == 0:
		return "; that it is gone was not sent yet"
	}
	return fmt.Sprintf("; that it is gone was sent at tick %d and is not acknowledged yet", y.Sent)
}
