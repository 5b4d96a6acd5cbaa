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
	protocol.Section
	at    int32 // the entry's place
	bytes int32
	score int32
	mask  uint64
	page  *world.Page // nil for a removal
}

// look compares what is in sight of one table with what the client is known to have.
func (c *Client) look(s *sight, v *world.View, seat world.Seat) {
	pages := v.Pages(s.number)
	owned := v.OwnedIndexes(c.player, s.number)
	g, positioned := v.Grid(s.number)
	w := walk{Client: c, sight: s, pages: pages, grid: g, positioned: positioned}
	if positioned {
		if !s.window(g, seat, c.cfg.Hysteresis) && s.goners == 0 && w.ownResting(owned) {
			return
		}
		s.gather(g, pages)
	} else if !s.gatherPages(pages) && s.goners == 0 {
		return
	}
	for _, ref := range owned {
		index := ref & keyIndex
		s.ins[index>>6] |= 1 << (index & 63)
	}
	s.owned = owned
	w.run()
	w.markClean()
}

// walk is one walk over the sorted entries and the rows in sight of a table.
type walk struct {
	*Client
	*sight
	pages      []*world.Page
	grid       world.Grid
	positioned bool
	ownPending bool
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
		if max(p.Dirty(row), p.Rights(row)) > w.ownClean {
			return false
		}
	}
	return true
}

// run merges rows in sight and entries; entries, stays and leaves fall out of one walk.
func (w *walk) run() {
	w.sight.next = w.sight.next[:0]
	w.goners = 0
	rest := w.entries
	for n, p := range w.pages {
		set := w.ins[n] | w.band[n]
		for ; set != 0; set &= set - 1 {
			row := bits.TrailingZeros64(set)
			index := uint32(n<<6 | row)
			for len(rest) > 0 && rest[0].index() < index {
				w.absent(rest[0])
				rest = rest[1:]
			}
			had := len(rest) > 0 && rest[0].index() == index
			inside := w.ins[n]>>row&1 != 0
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
	w.entries, w.sight.next = w.sight.next, w.entries
}

// present goes on with an entity that is in sight.
func (w *walk) present(e entry, p *world.Page, row int) {
	if e.gone() {
		e = entry{key: e.key &^ (flagGone | flagDead), since: w.tick}
	} else if rights := max(p.Rights(row), w.rights); rights > e.since && w.cfg.Breach&BreachRights == 0 {
		e.since, e.known, e.sent = w.tick, 0, 0
	}
	w.sight.next = append(w.sight.next, e)
	if dirty := p.Dirty(row); dirty <= e.known && e.known != 0 {
		return
	}
	w.consider(&w.sight.next[len(w.sight.next)-1], p, row)
}

// consider finds what the client lacks of an entity in sight, and whether it is due.
func (w *walk) consider(e *entry, p *world.Page, row int) {
	class := p.Class(row, w.player, w.team)
	r := record{Section: protocol.Section{Table: w.number, Class: class}, page: p, at: int32(len(w.sight.next) - 1)}
	if full := e.known == 0; full && (w.cfg.Breach&BreachFull == 0 || e.sent == 0) {
		r.Kind, r.mask = protocol.Full, w.wire.FullMask(class)
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
	if e.known == 0 && e.since <= w.first {
		w.Client.pending = true
	}
	due := w.isDue(e, p, row, class, &r.score)
	if !due || w.cfg.Breach&BreachCells == 0 {
		w.markPending(p, e.index(), class)
	}
	if !due {
		return
	}
	r.bytes = recordHeadTypical + int32(w.wire.RowBytes(class, r.mask, p.Texts(row)))
	w.Client.due = append(w.Client.due, r)
}

// recordHeadTypical is what a record is expected to have before its fields, for the budget's arithmetic.
const recordHeadTypical = 3

// markPending keeps the cell of a row from being skipped.
func (w *walk) markPending(p *world.Page, index uint32, class schema.Class) {
	if class == schema.Own {
		w.ownPending = true
	}
	if !w.positioned {
		w.cells[index>>6] |= cellPending
		return
	}
	_, _, cell := p.Place(int(index & 63))
	if state, ok := w.stateOf(w.grid, cell); ok {
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
		w.sight.next = append(w.sight.next, e)
		return
	}
	if e.key&flagTold == 0 || w.cfg.Breach&BreachElide != 0 && e.sent == 0 {
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
	_, _, cell := w.pages[n].Place(row)
	state, ok := w.stateOf(w.grid, cell)
	return ok && *state&cellSkip != 0
}

// leaving goes on with an entity that is out of sight until its removal is acknowledged.
func (w *walk) leaving(e entry) {
	if e.key&flagDead != 0 {
		return
	}
	w.goners++
	w.sight.next = append(w.sight.next, e)
	if e.sent != 0 && w.tick-e.sent < w.pace.ackTicks() {
		return
	}
	w.Client.due = append(w.Client.due, record{
		Section: protocol.Section{Table: w.number, Kind: protocol.Removed},
		at:      int32(len(w.sight.next) - 1), bytes: recordHeadTypical, score: scoreRemoved,
	})
}

// markClean remembers which cells this walk found to need nothing.
func (w *walk) markClean() {
	w.ownClean = w.tick
	if w.ownPending {
		w.ownClean = 0
	}
	for i, state := range w.cells {
		if state == cellSkip {
			continue
		}
		place, cell, whole := w.placeOf(uint32(i))
		*place = cleanCell{cell: cell, pass: w.sight.pass}
		if state == 0 {
			place.tick, place.whole = w.tick, whole
		}
	}
}

// placeOf is where the clean tick of a cell of the window is kept, the cell's number, and whether all of it is
// in sight.
func (w *walk) placeOf(i uint32) (place *cleanCell, cell uint32, whole bool) {
	if !w.positioned {
		return &w.clean[i], i, true
	}
	column, row := w.sight.at.Cx+i%w.sight.at.Columns, w.sight.at.Cy+i/w.sight.at.Columns
	return w.cleanAt(column, row), w.grid.Cell(column, row), w.whole(w.grid, column, row)
}
