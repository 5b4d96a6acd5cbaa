package world

import (
	"math/bits"
	"unsafe"

	"github.com/quicstep/quicstep/protocol/schema"
)

// columnsOf has a bit for each column of which a class is told.
func columnsOf(t *schema.Table, class schema.Class) (mask uint64) {
	for _, at := range t.ClassColumns(class) {
		for end := t.Until(at); at < end; at++ {
			mask |= 1 << at
		}
	}
	return mask
}

// reckoning is what a commit needs to know of the dead-reckoned fields of a table.
type reckoning struct {
	motion *schema.Motion
	truth  [][2][]uint8 // per member, the columns of its true position and velocity
}

func newReckoning(t *schema.Table, m *schema.Motion) *reckoning {
	if m == nil {
		return nil
	}
	r := &reckoning{motion: m}
	for _, member := range m.Members {
		r.truth = append(r.truth, [2][]uint8{t.FieldColumns(member.Field, false), t.FieldColumns(member.Velocity, false)})
	}
	return r
}

// stale tells whether a row's base no longer says where the row is at a tick: a position is off by more than its
// tolerance, something stopped or set out, or two limbs will not tell the base's tick for much longer.
func (r *reckoning) stale(t *schema.Table, words []uint32, tick uint32) bool {
	m := r.motion
	base := m.Base(words)
	if tick-base[0] >= schema.ReckonAge && m.Moves(base) {
		return true
	}
	for i := range m.Members {
		member := &m.Members[i]
		at, v := t.Join(words, r.truth[i][0]), t.Join(words, r.truth[i][1])
		if (int64(v) == member.Still) != (int64(base[2+2*i]) == member.Still) {
			return true
		}
		said := m.Position(base, i, tick)
		if max(at, said)-min(at, said) > member.Tolerance {
			return true
		}
	}
	return false
}

// rebase gives a row a new base: as it is now. It tells whether that moves.
func (r *reckoning) rebase(t *schema.Table, words []uint32, tick uint32) (moves bool) {
	base := r.motion.Base(words)
	base[0] = tick
	for i := range r.truth {
		base[1+2*i] = uint32(t.Join(words, r.truth[i][0]))
		base[2+2*i] = uint32(t.Join(words, r.truth[i][1]))
	}
	return r.motion.Moves(base)
}

// drift marks as edited what nobody edited and is no longer where its base says: that goes on moving by itself.
func (s *state) drift(ts *tableState) {
	if ts.reckoning == nil {
		return
	}
	for n := range ts.pages {
		p := ts.pages[n]
		for moving := p.moving & p.used &^ p.edited; moving != 0; moving &= moving - 1 {
			row := bits.TrailingZeros64(moving)
			if ts.reckoning.stale(ts.def.wire, p.Words(row), uint32(s.tick)) {
				p = s.write(ts, p.number)
				p.edited |= 1 << row
			}
		}
	}
}

// reckon sees to the base of a row whose true columns are in words.
func (c *pageCommit) reckon(row int, words []uint32, fresh bool) {
	if c.reckoning == nil || !fresh && !c.reckoning.stale(c.t.wire, words, c.tick) {
		return
	}
	c.page.setMoving(row, c.reckoning.rebase(c.t.wire, words, c.tick))
}

func (p *Page) setMoving(row int, moves bool) {
	p.moving &^= 1 << row
	if moves {
		p.moving |= 1 << row
	}
}

// putBase keeps the base of a row that a client was sent; without one, the row stands as it is.
func (p *Page) putBase(t *table, row int, class schema.Class, words []uint32) {
	if p.motion == nil {
		return
	}
	sees := class != schema.Own && t.wire.Fields[p.motion.Members[0].Field].Visible(class)
	if sees {
		copy(p.baseOf(row), p.motion.Base(words))
	}
	p.setMoving(row, sees && p.motion.Moves(p.baseOf(row)))
}

// baseOf is the base of a row on a client.
func (p *Page) baseOf(row int) []uint32 {
	n := len(p.bases) / pageRows
	return p.bases[row*n : row*n+n : row*n+n]
}

// reckoned has a bit for each row that moves by its base as time passes.
func (p *Page) reckoned() uint64 {
	if p.bases == nil {
		return 0
	}
	return p.moving & p.used
}

// moves tells whether a row moves by its base as time passes; on a server rows are where the game put them.
func (p *Page) moves(row int) bool { return p.bases != nil && p.moving>>row&1 != 0 }

// reckoned returns a row that moves by its base as it is at a tick.
func (t Table[T]) reckoned(p *Page, row int, tick uint64) T {
	v := p.rows.(*[pageRows]T)[row]
	t.def.bind.reckon(unsafe.Pointer(&v), p, row, uint32(tick))
	return v
}

// read returns a row as it is at a reader's tick.
func (t Table[T]) read(r Reader, p *Page, row int) T {
	if p.moves(row) {
		return t.reckoned(p, row, r.now())
	}
	return p.rows.(*[pageRows]T)[row]
}

// reckon writes the positions at a tick into a copy of a row.
func (b *binding) reckon(row unsafe.Pointer, p *Page, at int, tick uint32) {
	base := p.baseOf(at)
	for i, leaf := range b.members {
		b.leaves[leaf].setQuantised(row, p.motion.Position(base, i, tick), false)
	}
}
