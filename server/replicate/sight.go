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
	flagGone  = 1 << 31 // out of sight, and the client does not know it yet
	flagTold  = 1 << 30 // something was sent since the last acknowledged removal
	flagDead  = 1 << 29 // its removal is acknowledged; the next walk drops it
	flagFirst = 1 << 28 // of the epoch's first view, and not acknowledged yet
	flagAgain = 1 << 27 // the client has it wrong: the next walk begins anew with it
	keyIndex  = schema.MaxEntities - 1
)

func (e *entry) index() uint32 { return e.key & keyIndex }
func (e *entry) gone() bool    { return e.key&flagGone != 0 }

// sight is what a client sees of one table.
type sight struct {
	number      int
	wire        *schema.Table
	rowBytesMax int // of a record
	entries     []entry
	goners      int // entries that are gone and not acknowledged

	clean    []cleanTick // of the cells of the window, see cleanAt; by page for a table without a position
	columns  uint32      // of the rectangle that clean covers, a power of two; and its rows
	rows     uint32
	anyClean bool     // some cell of the window that has rows is clean; when false, all of clean is zero
	lastLook uint32   // the tick of the latest window
	ownClean uint32   // the tick of the latest pass that found nothing to send of own rows
	owned    []uint32 // the own rows of the latest pass
	at       world.Circle
	leaveR   int64
}

// cleanTick is the tick of the latest clean pass over a cell: one that looked at every entity of the cell and
// found nothing to send, all acknowledged. (A pass that sent everything is not one: what it sent may be lost.)
// Zero is none. The lowest bit tells whether the whole cell was in sight.
type cleanTick uint64

func newCleanTick(tick uint32, whole bool) cleanTick {
	t := cleanTick(tick) << 1
	if whole {
		t |= 1
	}
	return t
}

func (t cleanTick) tick() uint32 { return uint32(t >> 1) }
func (t cleanTick) whole() bool  { return t&1 != 0 }

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
func (w *walk) window(seat world.Seat) (look bool) {
	s, before := w.sight, w.sight.at
	if seat.Radius <= 0 {
		s.at, s.leaveR, w.cells = world.Circle{}, 0, w.cells[:0]
		return s.at != before
	}
	at := w.grid.Circle(seat.Pos, seat.Radius*(1+w.cfg.Hysteresis))
	at.R, s.leaveR = w.grid.Steps(seat.Radius), at.R
	s.at = at
	moved := at != before
	if at.Columns > s.columns || at.Rows > s.rows {
		s.columns, s.rows = nextPowerOfTwo(max(at.Columns, s.columns)), nextPowerOfTwo(max(at.Rows, s.rows))
		s.clean, s.anyClean = make([]cleanTick, s.columns*s.rows), false
	}
	w.cells = slices.Grow(w.cells[:0], int(at.Columns*at.Rows))[:0]
	last := s.lastLook
	s.lastLook = w.tick
	if !s.anyClean {
		w.cells = w.cells[:at.Columns*at.Rows]
		clear(w.cells)
		return true
	}
	for row := at.Cy; row < at.Cy+at.Rows; row++ {
		for column := at.Cx; column < at.Cx+at.Columns; column++ {
			had := column-before.Cx < before.Columns && row-before.Cy < before.Rows
			state := w.cellState(column, row, last, had, moved)
			w.cells = append(w.cells, state)
			look = look || state == 0
		}
	}
	return look || moved
}

// cellState tells whether nothing of a cell can have changed: since a clean pass over it when the window of
// the pass before had it, or since that pass when nobody stands in it.
func (w *walk) cellState(column, row, last uint32, had, moved bool) cellState {
	cell := w.grid.Cell(column, row)
	stamp := w.grid.Stamp(cell)
	if len(w.grid.Spots(row, column, column+1)) == 0 {
		if stamp <= last {
			return cellSkip
		}
		return 0
	}
	if !had || stamp >= w.tick {
		return 0
	}
	clean := *w.cleanAt(column, row)
	if clean != 0 && stamp <= clean.tick() && (!moved || clean.whole() && w.whole(w.grid, column, row)) {
		return cellSkip
	}
	return 0
}

// cleanAt is the place of a cell in a rectangle that repeats over the grid: the window never covers two cells
// with the same place. What it holds counts only for cells that the window of the pass before had, too.
func (s *sight) cleanAt(column, row uint32) *cleanTick {
	return &s.clean[row&(s.rows-1)*s.columns+column&(s.columns-1)]
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
func (w *walk) stateOf(place world.Place) (*cellState, bool) {
	at := &w.sight.at
	column, row := uint32(place.Column)-at.Cx, uint32(place.Row)-at.Cy
	if column >= at.Columns || row >= at.Rows {
		return nil, false
	}
	return &w.cells[row*at.Columns+column], true
}

// gather sets a bit for every row in sight in the cells that need a look.
func (w *walk) gather() {
	w.clearBits()
	at := w.sight.at
	in2, out2 := at.R*at.R, w.leaveR*w.leaveR
	for row := range at.Rows {
		states := w.cells[row*at.Columns : (row+1)*at.Columns]
		for from := uint32(0); from < at.Columns; from++ {
			to := from
			for to < at.Columns && states[to]&cellSkip == 0 {
				to++
			}
			if to > from {
				w.gatherSpots(w.grid.Spots(at.Cy+row, at.Cx+from, at.Cx+to), in2, out2)
			}
			from = to
		}
	}
}

// gatherSpots sets the bits of those within the radius, and of those in the band around it. It does without branches: who
// is where is nothing that a processor can guess.
func (w *walk) gatherSpots(spots []world.Spot, in2, out2 int64) {
	ins, band, x, y := w.ins, w.band, w.sight.at.X, w.sight.at.Y
	for i := range spots {
		s := &spots[i]
		dx, dy := int64(s.X)-x, int64(s.Y)-y
		d := dx*dx + dy*dy
		in, out := uint64((d-in2-1)>>63), uint64((d-out2-1)>>63) // all ones when within
		n, bit := s.Index>>6, uint64(1)<<(s.Index&63)
		ins[n] |= bit & in
		band[n] |= bit & out &^ in
	}
}

// gatherPages does the same for a table without a position: its pages are its cells.
func (w *walk) gatherPages() (look bool) {
	w.clearBits()
	w.cells = slices.Grow(w.cells[:0], len(w.pages))[:len(w.pages)]
	for len(w.clean) < len(w.pages) {
		w.clean = append(w.clean, 0)
	}
	for n, p := range w.pages {
		w.cells[n] = cellSkip
		if c := w.clean[n]; c == 0 || p.Changed() > c.tick() {
			w.cells[n], look = 0, true
			w.ins[n] = p.Used()
		}
	}
	return look
}

// clearBits makes room for a bit per index of the table's pages.
func (w *walk) clearBits() {
	if cap(w.ins) < len(w.pages) {
		w.ins, w.band = make([]uint64, len(w.pages)), make([]uint64, len(w.pages))
		return
	}
	w.ins, w.band = w.ins[:len(w.pages)], w.band[:len(w.pages)]
	clear(w.ins)
	clear(w.band)
}
