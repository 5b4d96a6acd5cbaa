package replicate

import (
	"math/bits"
	"slices"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// entry is what the server keeps per client and entity: four words, sorted by index.
type entry struct {
	key   uint32 // index and flags
	since uint32 // the tick since when it is in sight in this way, or out of sight
	known uint32 // the latest tick that the client is known to have; zero at first
	sent  uint32 // the tick of the latest datagram with it; zero for none since
}

const (
	flagGone = 1 << 31 // out of sight, and the client does not know it yet
	flagTold = 1 << 30 // something was sent since the last acknowledged removal
	flagDead = 1 << 29 // its removal is acknowledged; the next walk drops it
	keyIndex = schema.MaxEntities - 1
)

func (e *entry) index() uint32 { return e.key & keyIndex }
func (e *entry) gone() bool    { return e.key&flagGone != 0 }

// sight is what a client sees of one table.
type sight struct {
	number  int
	wire    *schema.Table
	entries []entry
	next    []entry // the walk writes here; then they are swapped
	goners  int     // entries that are gone and not acknowledged

	// Cells that need no look; see window.
	clean    []cleanCell
	ownClean uint32   // the tick of the latest pass that found nothing to send of own rows
	owned    []uint32 // the own rows of the latest pass
	pass     uint32   // counts windows
	at       world.Circle
	leaveR   int64
	cells    []cellState // of the window of this pass
	ins      []uint64    // a bit per index: in sight
	band     []uint64    // a bit per index: beyond the radius, still within the hysteresis
}

// cleanCell remembers the latest clean pass over a cell: one that looked at every entity of the cell and found
// nothing to send, all acknowledged. (A pass that sent everything is not one: what it sent may be lost.)
type cleanCell struct {
	cell  uint32
	tick  uint32 // zero: never
	pass  uint32 // the latest pass whose window had the cell: what leaves the window begins anew
	whole bool   // the whole cell was in sight
}

// cellState is what this pass does with a cell of the window, as flags.
type cellState uint8

const (
	cellSkip    cellState = 1 << iota // nothing can have changed: entities in it are as before
	cellPending                       // something in it is to be sent or acknowledged
)

func (s *sight) find(index uint32) (int, bool) {
	return slices.BinarySearchFunc(s.entries, index, func(e entry, index uint32) int { return int(e.index()) - int(index) })
}

// window finds the cells that the client's circle touches and says which of them need no look. It returns
// whether any does.
func (s *sight) window(g world.Grid, seat world.Seat, hysteresis float64) (look bool) {
	at := g.Circle(seat.Pos, seat.Radius*(1+hysteresis))
	at.R, s.leaveR = g.Circle(seat.Pos, seat.Radius).R, at.R
	moved := at != s.at
	s.at = at
	s.pass++
	if n := nextPowerOfTwo(max(at.Columns, at.Rows)); len(s.clean) < int(n*n) {
		s.clean = make([]cleanCell, n*n)
	}
	s.cells = slices.Grow(s.cells[:0], int(at.Columns*at.Rows))[:at.Columns*at.Rows]
	for row := range at.Rows {
		for column := range at.Columns {
			var state cellState
			cell := g.Cell(at.Cx+column, at.Cy+row)
			c := s.cleanAt(at.Cx+column, at.Cy+row)
			if c.cell == cell && c.pass+1 == s.pass && c.tick != 0 && g.Stamp(cell) <= c.tick &&
				(!moved || c.whole && s.whole(g, at.Cx+column, at.Cy+row)) {
				state = cellSkip
			}
			c.pass = s.pass
			look = look || state == 0
			s.cells[row*at.Columns+column] = state
		}
	}
	return look || moved
}

// cleanAt is the place of a cell in a square that repeats over the grid: the window never covers two cells
// with the same place.
func (s *sight) cleanAt(column, row uint32) *cleanCell {
	side := uint32(1) << (bits.Len(uint(len(s.clean))) / 2)
	return &s.clean[row%side*side+column%side]
}

func nextPowerOfTwo(n uint32) uint32 { return 1 << bits.Len32(n-1) }

// whole tells whether all of a cell is within the radius.
func (s *sight) whole(g world.Grid, column, row uint32) bool {
	side := g.Side()
	x0, y0 := int64(column)*side, int64(row)*side
	dx := max(abs(x0-s.at.X), abs(x0+side-1-s.at.X))
	dy := max(abs(y0-s.at.Y), abs(y0+side-1-s.at.Y))
	return dx*dx+dy*dy <= s.at.R*s.at.R
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

// stateOf is what this pass does with the cell of a row; false when the cell is outside of the window.
func (s *sight) stateOf(g world.Grid, cell uint32) (*cellState, bool) {
	column, row := g.Column(cell)
	column, row = column-s.at.Cx, row-s.at.Cy
	if column >= s.at.Columns || row >= s.at.Rows {
		return nil, false
	}
	return &s.cells[row*s.at.Columns+column], true
}

// gather sets a bit for every row in sight in the cells that need a look.
func (s *sight) gather(g world.Grid, pages []*world.Page) {
	s.clearBits(len(pages))
	in2, out2 := s.at.R*s.at.R, s.leaveR*s.leaveR
	for row := range s.at.Rows {
		for column := range s.at.Columns {
			if s.cells[row*s.at.Columns+column]&cellSkip != 0 {
				continue
			}
			for _, index := range g.Rows(g.Cell(s.at.Cx+column, s.at.Cy+row)) {
				x, y, _ := pages[index>>6].Place(int(index & 63))
				dx, dy := int64(x)-s.at.X, int64(y)-s.at.Y
				switch d := dx*dx + dy*dy; {
				case d <= in2:
					s.ins[index>>6] |= 1 << (index & 63)
				case d <= out2:
					s.band[index>>6] |= 1 << (index & 63)
				}
			}
		}
	}
}

// gatherPages does the same for a table without a position: its pages are its cells.
func (s *sight) gatherPages(pages []*world.Page) (look bool) {
	s.clearBits(len(pages))
	s.cells = slices.Grow(s.cells[:0], len(pages))[:len(pages)]
	for len(s.clean) < len(pages) {
		s.clean = append(s.clean, cleanCell{})
	}
	for n, p := range pages {
		s.cells[n] = cellSkip
		if c := &s.clean[n]; c.tick == 0 || p.Changed() > c.tick {
			s.cells[n], look = 0, true
			s.ins[n] = p.Used()
		}
	}
	return look
}

func (s *sight) clearBits(pages int) {
	if len(s.ins) < pages {
		s.ins, s.band = make([]uint64, pages), make([]uint64, pages)
		return
	}
	clear(s.ins)
	clear(s.band)
}
