package world

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/quicstep/quicstep/protocol/schema"
)

// ChangeSet is what one tick changed, as plain data in the order of tables and indexes.
type ChangeSet struct {
	Tick   uint64
	Tables []TableChanges
	// Events in the order in which they were emitted, and Messages in that in which they were sent.
	Events   []EventRecord
	Messages []MessageRecord
	// Answers are those to the tick's requests.
	Answers []Answer
	// Refused are the players whose OnJoin returned an error.
	Refused []Refusal
	// Clamped counts the fields that were outside their range and were cut down to it.
	Clamped int
	// Sights are what game code has asked for with Tx.Seen: a recording keeps them among the tick's Commands.
	Sights []Sight
	// Edited is what became of the tick's Edits, in their order.
	Edited []Edited
}

// TableChanges is what changed in one table. A row whose index was used again within the tick is both
// removed, under its former ID, and inserted.
type TableChanges struct {
	Inserted []ID
	Changed  []Change
	Removed  []ID
}

// Change is a row that was there before, with the columns whose quantised values changed as bits; zero when
// only its owner or team did.
type Change struct {
	ID      ID
	Columns uint64
}

// Refusal tells why a player was not let in.
type Refusal struct {
	Player Player
	Reason string
}

// committer turns a finished transaction into the next View. Its fields are reused from tick to tick.
type committer struct {
	words   [schema.MaxColumns]uint32
	texts   []string
	moves   []crossing
	stirred []bool // rows of the grid's cells in which somebody moved, came or went
}

// commit stamps what the transaction changed and returns it with the next View. The state's pages become
// the committed ones.
func (w *World) commit() (ChangeSet, *View) {
	s := w.state
	cs := ChangeSet{Tick: s.tick, Tables: make([]TableChanges, len(s.tables)), Events: s.events, Messages: s.posts, Answers: s.answers}
	w.keepEvents(s.events)
	next := w.newView()
	for i := range s.tables {
		ts := &s.tables[i]
		before := w.view.tables[i].grid
		s.drift(ts)
		next.tables[i] = viewTable{pages: ts.pages, grid: before}
		if len(ts.touched) == 0 {
			continue
		}
		slices.Sort(ts.touched)
		stamps := w.committer.table(s, ts, before, &cs.Tables[i], &cs.Clamped)
		if before != nil {
			next.tables[i].grid = w.committer.grid(ts, before, stamps, uint32(s.tick))
		}
	}
	w.publish(next)
	return cs, next
}

// grid is the grid of a table whose pages have been gone through.
func (c *committer) grid(ts *tableState, before *grid, stamps []uint32, tick uint32) *grid {
	if !slices.Contains(c.stirred, true) {
		return &grid{lines: before.lines, stamps: stamps}
	}
	return before.after(ts.def.grid, tick, stamps, c.stirred, c.moves, ts.pages)
}

// newView is a View of the state as it is, but for the tables.
func (w *World) newView() *View {
	s := w.state
	v := &View{
		Tick: s.tick, def: s.def, tables: make([]viewTable, len(s.tables)), past: w.past,
		players: s.players, last: s.last, started: s.started, events: w.recent,
	}
	v.room, _ = s.room.MarshalBinary() // never fails
	return v
}

// table goes through the touched pages of a table and returns the stamps of its cells.
func (c *committer) table(s *state, ts *tableState, before *grid, out *TableChanges, clamped *int) []uint32 {
	c.moves = c.moves[:0]
	var stamps []uint32
	if before != nil {
		stamps = slices.Clone(before.stamps)
		c.stirred = slices.Grow(c.stirred[:0], len(before.lines))[:len(before.lines)]
		clear(c.stirred)
	}
	c.texts = slices.Grow(c.texts[:0], ts.def.wire.Texts)[:ts.def.wire.Texts]
	out.Changed = slices.Grow(out.Changed, changedMost(ts))
	for _, n := range ts.touched {
		var old *Page
		if int(n) < len(ts.committed) {
			old = ts.committed[n]
		}
		p := pageCommit{committer: c, t: ts.def, reckoning: ts.reckoning, tick: uint32(s.tick), old: old, page: ts.pages[n], stamps: stamps, out: out}
		p.removed()
		p.edited()
		*clamped += p.clamped
	}
	return stamps
}

// changedMost is how many rows of the touched pages may have changed: those that were edited and were there before.
func changedMost(ts *tableState) (n int) {
	for _, at := range ts.touched {
		if int(at) < len(ts.committed) && ts.committed[at] != nil {
			p := ts.pages[at]
			n += bits.OnesCount64(p.edited & p.used & ts.committed[at].used)
		}
	}
	return n
}

// pageCommit is the work on one touched page.
type pageCommit struct {
	*committer
	t         *table
	reckoning *reckoning
	tick      uint32
	old       *Page // nil for a new page
	page      *Page
	stamps    []uint32
	out       *TableChanges
	clamped   int
}

// wasThere tells whether the page before had the row in the same generation.
func (c *pageCommit) wasThere(row int) bool {
	return c.old != nil && c.old.used>>row&1 != 0 && c.old.meta[row].gen == c.page.meta[row].gen
}

// removed lists the rows that the page before had and this one has not.
func (c *pageCommit) removed() {
	if c.old == nil {
		return
	}
	for used := c.old.used; used != 0; used &= used - 1 {
		row := bits.TrailingZeros64(used)
		if c.page.used>>row&1 != 0 && c.wasThere(row) {
			continue
		}
		c.out.Removed = append(c.out.Removed, c.old.id(row))
		c.page.changed = c.tick
		if c.stamps != nil {
			was := c.old.meta[row].place
			c.stamps[c.t.grid.cellOf(was)] = c.tick
			c.cross(was, c.old.id(row).Index(), false)
		}
	}
}

// edited compares every edited row's quantised fields once and stamps those that changed.
func (c *pageCommit) edited() {
	p := c.page
	for edited := p.edited & p.used; edited != 0; edited &= edited - 1 {
		row := bits.TrailingZeros64(edited)
		there := c.wasThere(row)
		mask := c.quantise(row, !there)
		if there && mask == 0 && p.meta[row].rights != c.tick {
			continue
		}
		told := c.stamp(&p.meta[row], mask)
		if there {
			c.out.Changed = append(c.out.Changed, Change{ID: p.id(row), Columns: mask})
		} else {
			c.out.Inserted = append(c.out.Inserted, p.id(row))
		}
		if c.stamps != nil {
			c.place(row, there, told)
		}
	}
	p.edited = 0
}

// stamp notes a row's change, and tells whether anybody but its owner is told of it.
func (c *pageCommit) stamp(m *rowMeta, mask uint64) (told bool) {
	own := mask&c.t.owner != 0
	if own {
		m.own = c.tick
	}
	if mask&c.t.others != 0 {
		m.dirty = c.tick
	}
	told = m.dirty == c.tick || m.rights == c.tick
	if told || own && m.owner != 0 {
		c.page.changed = c.tick
	}
	return told
}

// quantise writes the row's columns and returns those that changed, or all of them for a new row.
func (c *pageCommit) quantise(row int, all bool) (mask uint64) {
	p := c.page
	was, dirty := p.Words(row), p.ColumnsDirty(row)
	now := c.words[:len(was)]
	copy(now, was)
	c.clamped += c.t.bind.quantise(p.row(c.t, row), now, c.texts)
	c.reckon(row, now, all)
	for i, w := range now {
		if w != was[i] || all {
			mask |= 1 << i
			was[i], dirty[i] = w, c.tick
		}
	}
	if len(c.texts) == 0 {
		return mask
	}
	wasTexts := p.Texts(row)
	for i := range c.t.wire.Columns {
		col := &c.t.wire.Columns[i]
		if col.IsText() && (all || wasTexts[col.TextAt] != c.texts[col.TextAt]) {
			mask |= 1 << i
			wasTexts[col.TextAt], dirty[i] = c.texts[col.TextAt], c.tick
		}
	}
	return mask
}

// place puts the row into its cell and stamps the cells that it is in and was in, when it moved or there is something to
// tell of it.
func (c *pageCommit) place(row int, there, told bool) {
	p, g := c.page, c.t.grid
	words := p.Words(row)
	x := int32(c.t.wire.Join(words, g.columns[0]))
	y := int32(c.t.wire.Join(words, g.columns[1]))
	was, at := p.meta[row].place, g.place(x, y)
	p.meta[row].place = at
	wasIn, in := g.cellOf(was), g.cellOf(at)
	if told || was != at {
		c.stamps[in] = c.tick
	}
	if there && wasIn == in {
		c.stirred[at.Row] = c.stirred[at.Row] || was != at
		return
	}
	index := p.id(row).Index()
	if there {
		c.stamps[wasIn] = c.tick
		c.cross(was, index, false)
	}
	c.cross(at, index, true)
}

// cross notes a row that arrives in the cell of a place, or departs from it.
func (c *pageCommit) cross(at Place, index uint32, arrives bool) {
	c.stirred[at.Row] = true
	c.moves = append(c.moves, crossing{cell: c.t.grid.cellOf(at), index: index, arrives: arrives})
}

// publish writes the dirty pages and the View into the store, in one transaction. From then on the state's
// pages and players are the committed ones, and shared.
func (w *World) publish(next *View) {
	txn := w.store.Txn(true)
	for i := range w.state.tables {
		ts := &w.state.tables[i]
		for _, n := range ts.touched {
			if err := txn.Insert(storePages, ts.pages[n]); err != nil {
				panic(fmt.Sprintf("world: tick %d: insert page %d of table %s: %v", next.Tick, n, ts.def.name, err))
			}
		}
	}
	if err := txn.Insert(storeViews, next); err != nil {
		panic(fmt.Sprintf("world: tick %d: insert view: %v", next.Tick, err))
	}
	txn.Commit()
	w.past.put(next)
	w.view = next
	for i := range w.state.tables {
		ts := &w.state.tables[i]
		ts.committed, ts.touched = ts.pages, ts.touched[:0]
	}
	w.state.owned = 0
}
