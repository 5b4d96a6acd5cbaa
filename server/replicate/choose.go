package replicate

import (
	"math/bits"
	"slices"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// record is one thing that is due: what to send of which entry.
type record struct {
	page  *world.Page // of a removal the page that the row was on; nil when there is none by now
	mask  uint64
	index uint32
	at    int32 // the entry's place
	score int32
	table uint8
	form  form
}

// form is a record's class and kind.
type form uint8

func formOf(class schema.Class, kind protocol.RecordKind) form { return form(class)<<2 | form(kind) }

func (f form) class() schema.Class       { return schema.Class(f >> 2) }
func (f form) kind() protocol.RecordKind { return protocol.RecordKind(f & 3) }

// look compares what is in sight of one table with what the client is known to have.
func (c *Client) look(scratch *Scratch, s *sight, v *world.View, seat world.Seat) {
	owned := v.OwnedIndexes(c.player, s.number)
	w := walk{
		Client: c, sight: s, Scratch: scratch, pages: v.Pages(s.number),
		tick: c.tick, rights: c.rights, player: c.player, team: c.team, breach: c.cfg.Breach,
		cells: scratch.cells, ins: scratch.ins, band: scratch.band, next: scratch.next, due: scratch.due,
	}
	defer w.giveBack()
	w.grid, w.positioned = v.Grid(s.number)
	if w.positioned {
		if !w.window(seat) && s.goners == 0 && w.ownResting(owned) {
			return
		}
		w.gather()
	} else if !w.gatherPages() && s.goners == 0 {
		return
	}
	for _, ref := range owned {
		index := ref & keyIndex
		w.ins[index>>6] |= 1 << (index & 63)
	}
	s.owned = owned
	w.run()
	w.markClean()
}

// giveBack returns the scratch space for the next table.
func (w *walk) giveBack() {
	s := w.Scratch
	s.cells, s.ins, s.band, s.next, s.due = w.cells, w.ins, w.band, w.next, w.due
}

// walk is one walk over the sorted entries and the rows in sight of a table.
type walk struct {
	*Client
	*sight
	*Scratch
	pages      []*world.Page
	grid       world.Grid
	positioned bool
	ownPending bool

	// The loops' own copies of what stands in the client and the scratch: a load less each time.
	tick   uint32
	rights uint32
	player world.Player
	team   world.TeamID
	breach Breach
	cells  []cellState
	ins    []uint64
	band   []uint64
	next   []entry
	due    []record
}

// ownResting tells whether nothing about the own rows has changed since a pass that found them all
// acknowledged.
func (w *walk) ownResting(owned []uint32) bool {
	if len(owned) == 0 && len(w.owned) == 0 {
		return true
	}
	if w.ownClean == 0 || !slices.Equal(owned, w.owned) {
		return false
	}
	for _, ref := range owned {
		index := ref & keyIndex
		p, row := w.pages[index>>6], int(index&63)
		if max(p.Dirty(row, w.player), p.Rights(row)) > w.ownClean {
			return false
		}
	}
	return true
}

// run merges rows in sight and entries; entries, stays and leaves fall out of one walk.
func (w *walk) run() {
	w.next = w.next[:0]
	w.goners = 0
	rest, band := w.entries, w.band
	for n, in := range w.ins {
		if in|band[n] == 0 {
			continue
		}
		p := w.pages[n]
		for set := in | band[n]; set != 0; set &= set - 1 {
			row := bits.TrailingZeros64(set)
			index := uint32(n<<6 | row)
			for len(rest) > 0 && rest[0].index() < index {
				w.absent(rest[0])
				rest = rest[1:]
			}
			had := len(rest) > 0 && rest[0].index() == index
			inside := in>>row&1 != 0
			switch {
			case had && (inside || !rest[0].gone()):
				w.present(rest[0], p, row)
			case had:
				w.leaving(rest[0])
			case inside:
				w.present(entry{key: index | flagGone}, p, row)
			}
			if had {
				rest = rest[1:]
			}
		}
	}
	for _, e := range rest {
		w.absent(e)
	}
	w.entries = append(w.entries[:0], w.next...)
}

// present goes on with an entity that is in sight.
func (w *walk) present(e entry, p *world.Page, row int) {
	if e.gone() {
		e = entry{key: e.key &^ (flagGone | flagDead | flagFirst | flagAgain), since: w.tick}
		if w.tick == w.first {
			e.key |= flagFirst
		}
	} else if again := e.key&flagAgain != 0; again || p.Rights(row) > e.since || w.rights > e.since && w.changedSides(p.Team(row)) {
		e.key &^= flagAgain
		if again || w.breach&BreachRights == 0 {
			e.since, e.known, e.sent = w.tick, 0, 0
		}
	}
	w.next = append(w.next, e)
	if dirty := p.Dirty(row, w.player); dirty <= e.known && e.known != 0 {
		return
	}
	w.consider(e, p, row)
}

// changedSides tells whether the player's change of team, since the pass before, changed what it is to a row of a
// team.
func (w *walk) changedSides(team world.TeamID) bool {
	return team != 0 && w.team != w.former && (team == w.team || team == w.former)
}

// consider finds what the client lacks of an entity in sight, and whether it is due.
func (w *walk) consider(e entry, p *world.Page, row int) {
	class := p.Class(row, w.player, w.team)
	r := record{page: p, index: e.index(), at: int32(len(w.next) - 1), table: uint8(w.number), form: formOf(class, protocol.Partial)}
	if full := e.known == 0; full && (w.breach&BreachFull == 0 || e.sent == 0) {
		r.form, r.mask = formOf(class, protocol.Full), w.wire.FullMask(class)
	} else {
		dirty := p.ColumnsDirty(row)
		for i, at := range w.wire.ClassColumns(class) {
			if dirty[at] > e.known {
				r.mask |= 1 << i
			}
		}
		if r.mask == 0 {
			return
		}
	}
	if e.key&flagFirst != 0 {
		w.Client.pending = true
	}
	var due bool
	r.score, due = w.isDue(e, p, row, class)
	if !due || w.breach&BreachCells == 0 {
		w.markPending(p, r.index, class)
	}
	if !due {
		return
	}
	w.add(r)
}

// add puts a record into due.
func (w *walk) add(r record) {
	w.due = append(w.due, r)
	w.classDue[r.form.class()]++
	w.kindsDue |= 1 << r.form.kind()
}

// markPending keeps the cell of a row from being skipped.
func (w *walk) markPending(p *world.Page, index uint32, class schema.Class) {
	if class == schema.Own {
		w.ownPending = true
	}
	if !w.positioned {
		w.cells[index>>6] |= cellPending
		return
	}
	if state, ok := w.stateOf(p.Place(int(index & 63))); ok {
		*state |= cellPending
	}
}

// absent goes on with an entry whose row was not found in the cells that were looked at.
func (w *walk) absent(e entry) {
	if e.gone() {
		w.leaving(e)
		return
	}
	if w.resting(&e) {
		w.next = append(w.next, e)
		return
	}
	if e.key&flagTold == 0 || w.breach&BreachElide != 0 && e.sent == 0 {
		return // the client can't have it
	}
	w.leaving(entry{key: e.key | flagGone, since: w.tick})
}

// resting tells whether the row stands in a cell that was skipped: then it is in sight as before.
func (w *walk) resting(e *entry) bool {
	n, row := e.index()>>6, int(e.index()&63)
	if int(n) >= len(w.pages) || w.pages[n].Used()>>row&1 == 0 {
		return false
	}
	if !w.positioned {
		return w.cells[n]&cellSkip != 0
	}
	state, ok := w.stateOf(w.pages[n].Place(row))
	return ok && *state&cellSkip != 0
}

// leaving goes on with an entity that is out of sight until its removal is acknowledged.
func (w *walk) leaving(e entry) {
	if e.key&flagDead != 0 {
		return
	}
	w.goners++
	w.next = append(w.next, e)
	if e.sent != 0 && w.tick-e.sent < w.pace.ackTicks() && !w.again {
		return
	}
	r := record{
		index: e.index(), at: int32(len(w.next) - 1), score: w.waited(e) + scoreNew,
		table: uint8(w.number), form: formOf(schema.Public, protocol.Removed),
	}
	if n := int(e.index() >> 6); n < len(w.pages) {
		r.page = w.pages[n]
	}
	w.add(r)
}

// markClean remembers which cells this walk found to need nothing.
func (w *walk) markClean() {
	w.ownClean = w.tick
	if w.ownPending {
		w.ownClean = 0
	}
	if !w.positioned {
		for n, state := range w.cells {
			w.markCell(&w.clean[n], state, true)
		}
		return
	}
	at, cells, had := &w.sight.at, w.cells, w.anyClean
	w.anyClean = false
	if !had && w.allAstir() {
		return // nothing was clean, and nothing is
	}
	for row := at.Cy; row < at.Cy+at.Rows; row++ {
		for column := at.Cx; column < at.Cx+at.Columns; column++ {
			state, cell := cells[0], w.grid.Cell(column, row)
			cells = cells[1:]
			if len(w.grid.Spots(row, column, column+1)) == 0 {
				continue
			}
			if state == 0 && w.grid.Stamp(cell) == w.tick {
				state = cellPending // where something stirs now it will in the next tick, too
			}
			if !had && state&cellPending != 0 {
				continue // nothing was clean, and this is not: its place is not even touched
			}
			w.markCell(w.cleanAt(column, row), state, state == 0 && w.whole(w.grid, column, row))
			w.anyClean = w.anyClean || state&cellPending == 0
		}
	}
	if had && !w.anyClean {
		clear(w.clean) // also what cells out of the window have left
	}
}

// allAstir tells whether this tick has stamped every cell of the window in which somebody stands.
func (w *walk) allAstir() bool {
	at := &w.sight.at
	for row := at.Cy; row < at.Cy+at.Rows; row++ {
		if !w.grid.Astir(row, w.tick) {
			return false
		}
	}
	return true
}

func (w *walk) markCell(clean *cleanTick, state cellState, whole bool) {
	switch {
	case state == 0:
		*clean = newCleanTick(w.tick, whole)
	case state&cellPending != 0:
		*clean = 0
	}
}
