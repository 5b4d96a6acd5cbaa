package world

import (
	"encoding/binary"
	"reflect"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/quicstep/quicstep/protocol/schema"
)

// A page holds 64 consecutive indexes of a table: index → (page, row) is arithmetic, and nothing migrates
// when something moves.
const (
	pageRows  = 64
	pageShift = 6
	rowMask   = pageRows - 1
)

// Page is the unit of the store: 64 rows of one table. A committed page is immutable, and anyone may read it;
// a page whose serial is the current transaction's is that transaction's own copy.
type Page struct {
	key    []byte // in the store; cap == len, since go-memdb appends to what it gets
	number uint32
	width  int // columns of a row
	serial uint64

	used   uint64 // a bit per row that is there
	edited uint64 // a bit per row that may differ from the page before; touched by the Tx only
	meta   [pageRows]rowMeta
	heavy  [pageRows]uint8 // per row its weight, less one; of one that was removed, as it was

	rows  any            // *[pageRows]T
	base  unsafe.Pointer // the first of rows
	block []uint32       // per row its words, then their dirty ticks; nil on a client
	texts []string       // the texts as they travel; nil without text columns

	origins *[pageRows]Origin // per row which input made it; nil when none has. Never edited
	motion  *schema.Motion    // how dead-reckoned fields move; nil without
	moving  uint64            // a bit per row whose base has a velocity
	bases   []uint32          // per row its base; on a client alone, a server has them among the words

	changed uint32 // the latest tick in which anything here changed that some player is told of
	sum     atomic.Uint64
}

// rowMeta is what the store knows of a row beside its fields: what replication looks at of everything near a
// client, so it lies close together.
type rowMeta struct {
	place  Place  // zero without a position
	dirty  uint32 // the latest tick in which a column changed that others than the owner are sent
	own    uint32 // likewise of those that the owner is sent
	rights uint32 // the latest tick in which generation, owner or team changed
	owner  Player
	team   TeamID
	gen    uint16
}

// Place is where the interest grid has a row: in quantised units, and the column and row of its cell.
type Place struct {
	X, Y        int32
	Column, Row uint16
}

func newPage(ts *tableState, number uint32, server bool) *Page {
	t := ts.def
	p := &Page{number: number, width: len(t.wire.Columns), rows: t.newRows()}
	p.base = rowsBase(p.rows)
	if ts.reckoning != nil {
		p.motion = ts.reckoning.motion
	}
	if !server {
		if p.motion != nil {
			p.bases = make([]uint32, pageRows*(len(t.wire.Columns)-p.motion.First))
		}
		return p
	}
	p.key = pageKey(t.index, number)
	p.block = make([]uint32, 2*pageRows*len(t.wire.Columns))
	if t.wire.Texts > 0 {
		p.texts = make([]string, pageRows*t.wire.Texts)
	}
	return p
}

// pageKey orders pages by table, then number.
func pageKey(table int, number uint32) []byte {
	key := make([]byte, 0, 4)
	key = append(key, byte(table))
	key = append(key, byte(number>>16))
	key = binary.BigEndian.AppendUint16(key, uint16(number))
	return key[:4:4]
}

// copyFor returns the page's copy for a transaction to write to.
func (p *Page) copyFor(t *table, serial uint64) *Page {
	c := &Page{
		key: p.key, number: p.number, width: p.width, serial: serial,
		used: p.used, meta: p.meta, heavy: p.heavy, changed: p.changed,
		origins: p.origins, rows: t.copyOf(p.rows), motion: p.motion, moving: p.moving, bases: slices.Clone(p.bases),
	}
	c.base = rowsBase(c.rows)
	if p.block != nil {
		c.block = make([]uint32, len(p.block))
		copy(c.block, p.block)
	}
	if p.texts != nil {
		c.texts = make([]string, len(p.texts))
		copy(c.texts, p.texts)
	}
	return c
}

// has tells whether the row is there in the ID's generation.
func (p *Page) has(id ID) bool {
	row := id.Index() & rowMask
	return p.used>>row&1 != 0 && p.meta[row].gen == id.Generation()
}

// id returns the ID of a row that is there.
func (p *Page) id(row int) ID {
	return schema.MakeID(p.number<<pageShift|uint32(row), p.meta[row].gen)
}

// row returns where a row's struct begins.
func (p *Page) row(t *table, row int) unsafe.Pointer {
	return unsafe.Add(p.base, uintptr(row)*t.bind.size)
}

// Used has a bit for each row that is there.
func (p *Page) Used() uint64 { return p.used }

// Changed is the latest tick, as 32 bits, in which anything on the page changed that some player is told of.
func (p *Page) Changed() uint32 { return p.changed }

// Dirty is the latest tick, as 32 bits, in which something changed that a player is sent of the row: it is not the same
// for the row's owner and for others.
func (p *Page) Dirty(row int, num Player) uint32 {
	m := &p.meta[row]
	if m.owner == num && num != 0 {
		return m.own
	}
	return m.dirty
}

// Latest is the latest tick, as 32 bits, in which something changed that anybody is sent of the row.
func (p *Page) Latest(row int) uint32 { return max(p.meta[row].dirty, p.meta[row].own) }

// Rights is the latest tick, as 32 bits, in which the row's generation, owner or team changed.
func (p *Page) Rights(row int) uint32 { return p.meta[row].rights }

// Generation is the row's generation, from 1.
func (p *Page) Generation(row int) uint16 { return p.meta[row].gen }

// Team is the team that the row is in; zero for none.
func (p *Page) Team(row int) TeamID { return p.meta[row].team }

// Weight is how much the row counts when a client's budget does not hold everything, 1 to MaxWeight. A row that was
// removed has its former weight until another takes its index.
func (p *Page) Weight(row int) int { return int(p.heavy[row]) + 1 }

// Class is what a player is to the row.
func (p *Page) Class(row int, num Player, team TeamID) schema.Class {
	m := &p.meta[row]
	switch {
	case m.owner == num && num != 0:
		return schema.Own
	case m.team == team && team != 0:
		return schema.Team
	}
	return schema.Public
}

// Words are the row's quantised columns. Nobody may write to them.
func (p *Page) Words(row int) []uint32 {
	at := 2 * row * p.width
	return p.block[at : at+p.width : at+p.width]
}

// ColumnsDirty are the ticks, as 32 bits, in which the row's columns last changed. Nobody may write to them.
func (p *Page) ColumnsDirty(row int) []uint32 {
	at := (2*row + 1) * p.width
	return p.block[at : at+p.width : at+p.width]
}

// Texts are the row's strings as they travel; nil for a table without. Nobody may write to them.
func (p *Page) Texts(row int) []string {
	n := len(p.texts) / pageRows
	return p.texts[row*n : row*n+n : row*n+n]
}

// Place is where the row stands. It must only be asked for tables with a position.
func (p *Page) Place(row int) Place { return p.meta[row].place }

// rowsBase is the address of the first row: rows is always a pointer to an array.
func rowsBase(rows any) unsafe.Pointer { return reflect.ValueOf(rows).UnsafePointer() }
