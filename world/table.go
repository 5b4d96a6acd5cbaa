package world

import (
	"iter"
	"math/bits"
	"slices"

	"github.com/quicstep/quicstep/protocol/schema"
)

// Table is the handle of a table of rows of type T: what server, clients and tests reach rows by.
type Table[T any] struct{ def *table }

// RowOption says more about a row at its insertion.
type RowOption struct {
	sets   uint8 // which of the following
	owner  Player
	team   TeamID
	weight int
}

const (
	optionOwner = 1 << iota
	optionTeam
	optionWeight
)

// Owner gives the row to a player in the room, who sees it wherever it stands, at the finer steps. A player who is not
// there is a panic, which costs the tick.
func Owner(p Player) RowOption { return RowOption{sets: optionOwner, owner: p} }

// OnTeam puts the row in a team, whose players see its team fields.
func OnTeam(t TeamID) RowOption { return RowOption{sets: optionTeam, team: t} }

// Insert adds a row at the lowest free index; of several options of a kind the last counts. In a prediction the ID is
// provisional: it is good until the next datagram. A table holds 1,048,576 rows; one more is a panic, which costs the tick.
func (t Table[T]) Insert(tx *Tx, row T, options ...RowOption) ID {
	tx.check()
	var o RowOption
	for _, opt := range options {
		if opt.sets&optionOwner != 0 {
			o.owner = opt.owner
		}
		if opt.sets&optionTeam != 0 {
			o.team = opt.team
		}
		if opt.sets&optionWeight != 0 {
			o.weight, o.sets = opt.weight, o.sets|optionWeight
		}
	}
	s := tx.state
	o.owner = s.ownerOf(t.def, o.owner)
	p, at := s.allocate(&s.tables[t.def.index])
	p.rows.(*[pageRows]T)[at] = row
	id := p.id(at)
	s.setRights(p, at, o.owner, o.team)
	p.setOrigin(at, s.making.origin(s.tick, o.owner))
	if o.sets&optionWeight != 0 && s.server {
		p.heavy[at] = s.heavy(t.def, o.weight)
	}
	s.own(ref(t.def.index, id.Index()), 0, o.owner)
	return id
}

// Get returns a copy of the row; ok is false when it is not there.
func (t Table[T]) Get(r Reader, id ID) (row T, ok bool) {
	pages, n := r.pagesOf(t.def), int(id.Index()>>pageShift)
	if n >= len(pages) {
		return row, false
	}
	p := pages[n]
	if p == nil || !p.has(id) {
		return row, false
	}
	return t.read(r, p, int(id.Index()&rowMask)), true
}

// Has tells whether the row is there.
func (t Table[T]) Has(r Reader, id ID) bool {
	pages, n := r.pagesOf(t.def), int(id.Index()>>pageShift)
	return n < len(pages) && pages[n] != nil && pages[n].has(id)
}

// Edit returns the row to write to, which is the only way to write. The pointer is good until the callback
// returns, or the row is removed. Writing to a row that is not there is a panic on the server, which costs
// the tick; in a prediction what is written to a row that is missing, or somebody else's, goes nowhere.
func (t Table[T]) Edit(tx *Tx, id ID) *T {
	p, row := tx.mustEdit(t.def, id)
	if p == nil {
		known, _ := t.Get(tx, id)
		return &known
	}
	return &p.rows.(*[pageRows]T)[row]
}

// Remove takes the row away and tells whether it was there. In a prediction it stays until the server says so.
func (t Table[T]) Remove(tx *Tx, id ID) bool {
	if tx.predicting {
		return t.Has(tx, id)
	}
	p, row := tx.edit(t.def, id)
	if p == nil {
		return false
	}
	tx.state.own(ref(t.def.index, id.Index()), p.meta[row].owner, 0)
	p.used &^= 1 << row
	p.edited &^= 1 << row
	p.meta[row].owner, p.meta[row].team = 0, 0
	var zero T
	p.rows.(*[pageRows]T)[row] = zero
	ts := &tx.state.tables[t.def.index]
	ts.hint = min(ts.hint, p.number)
	return true
}

// All iterates over the rows in the order of their indexes. Rows may be edited, removed and inserted
// meanwhile: what is removed ahead is left out, what is inserted ahead may or may not come.
func (t Table[T]) All(r Reader) iter.Seq2[ID, T] {
	return func(yield func(ID, T) bool) {
		for n := range len(r.pagesOf(t.def)) { // pages that are added meanwhile are not visited: it ends
			p := r.pagesOf(t.def)[n]
			if p == nil {
				continue
			}
			for used := p.used; used != 0; used &= used - 1 {
				row := bits.TrailingZeros64(used)
				p := r.pagesOf(t.def)[n]
				if p.used>>row&1 != 0 && !yield(p.id(row), t.read(r, p, row)) {
					return
				}
			}
		}
	}
}

// Len is the number of rows.
func (t Table[T]) Len(r Reader) int {
	n := 0
	for _, p := range r.pagesOf(t.def) {
		if p != nil {
			n += bits.OnesCount64(p.used)
		}
	}
	return n
}

// Owned iterates over the rows that a player owns, in the order of their indexes. A client knows only which
// rows are its own player's.
func (t Table[T]) Owned(r Reader, p Player) iter.Seq2[ID, T] {
	return func(yield func(ID, T) bool) {
		t.rowsOf(r, ownedIn(r.ownedBy(p), t.def.index), yield)
	}
}

// ownedIn cuts one table's refs out of a player's and makes them indexes.
func ownedIn(refs []uint32, table int) []uint32 {
	from, _ := slices.BinarySearch(refs, ref(table, 0))
	to, _ := slices.BinarySearch(refs, ref(table+1, 0))
	return refs[from:to]
}

func (t Table[T]) rowsOf(r Reader, refs []uint32, yield func(ID, T) bool) {
	for _, rf := range refs {
		index := rf & (schema.MaxEntities - 1)
		pages, n := r.pagesOf(t.def), int(index>>pageShift)
		if n >= len(pages) || pages[n] == nil {
			continue
		}
		p, row := pages[n], int(index&rowMask)
		if p.used>>row&1 != 0 && !yield(p.id(row), t.read(r, p, row)) {
			return
		}
	}
}

// Near iterates over the rows that stand within radius of a point, in the order of their indexes. In a
// transaction it sees what the tick has done so far: it asks the last grid and looks at every row that was
// edited since, so ask before editing many. A table without a position has nobody near.
func (t Table[T]) Near(r Reader, at Pos, radius float64) iter.Seq2[ID, T] {
	return func(yield func(ID, T) bool) {
		g := t.def.grid
		if g == nil || radius < 0 {
			return
		}
		found := r.near(t.def, g.box(at, radius), make([]uint32, 0, 64))
		slices.Sort(found)
		found = slices.Compact(found)
		within := found[:0]
		for _, index := range found {
			p := r.pagesOf(t.def)[index>>pageShift]
			row := int(index & rowMask)
			if p.used>>row&1 == 0 {
				continue
			}
			x, y := t.def.bind.position(p.row(t.def, row))
			if p.moves(row) {
				now := t.reckoned(p, row, r.now())
				x, y = positionOf(t.def.bind, &now)
			}
			dx, dy := x-at.X, y-at.Y
			if float64(dx*dx)+float64(dy*dy) <= float64(radius*radius) {
				within = append(within, index)
			}
		}
		t.rowsOf(r, within, yield)
	}
}

// OwnerOf is the player who owns a row; zero when nobody does, or the row is not there.
func (t Table[T]) OwnerOf(r Reader, id ID) Player {
	if !t.Has(r, id) {
		return 0
	}
	return r.pagesOf(t.def)[id.Index()>>pageShift].meta[id.Index()&rowMask].owner
}

// TeamOf is the team that a row is in; zero when it is in none, or not there. A client knows of no teams.
func (t Table[T]) TeamOf(r Reader, id ID) TeamID {
	if !t.Has(r, id) {
		return 0
	}
	return r.pagesOf(t.def)[id.Index()>>pageShift].meta[id.Index()&rowMask].team
}

// SetOwner gives a row to another player in the room, like Owner; zero takes it from everybody. A prediction leaves it as it is.
func (t Table[T]) SetOwner(tx *Tx, id ID, owner Player) {
	if p, row := tx.mustEdit(t.def, id); p != nil && !tx.predicting {
		owner = tx.state.ownerOf(t.def, owner)
		tx.state.own(ref(t.def.index, id.Index()), p.meta[row].owner, owner)
		tx.state.setRights(p, row, owner, p.meta[row].team)
	}
}

// SetTeam puts a row in another team; zero takes it out of any. A prediction leaves it as it is.
func (t Table[T]) SetTeam(tx *Tx, id ID, team TeamID) {
	if p, row := tx.mustEdit(t.def, id); p != nil && !tx.predicting {
		tx.state.setRights(p, row, p.meta[row].owner, team)
	}
}

// appendRows appends the indexes of the rows of a page whose bits are set, as far as they are there.
func appendRows(p *Page, bitset uint64, dst []uint32) []uint32 {
	for b := bitset & p.used; b != 0; b &= b - 1 {
		dst = append(dst, p.number<<pageShift|uint32(bits.TrailingZeros64(b)))
	}
	return dst
}

func allRows(pages []*Page, dst []uint32) []uint32 {
	for _, p := range pages {
		if p != nil {
			dst = appendRows(p, p.used, dst)
		}
	}
	return dst
}
