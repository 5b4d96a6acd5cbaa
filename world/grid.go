package world

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/quicstep/quicstep/protocol/schema"
)

// maxCells bounds the interest grid of one table.
const maxCells = 1 << 16

// gridShape is the interest grid of a table: squares over the range of its position, in quantised units.
type gridShape struct {
	minX, minY float64
	step       float64
	perStep    float64 // 1 / step
	side       int32   // of a cell, in steps
	nx, ny     uint32
	columns    [2][]uint8
}

func newGridShape(t *schema.Table, cell float64) (*gridShape, error) {
	x, y := &t.Fields[t.Pos[0]], &t.Fields[t.Pos[1]]
	g := &gridShape{minX: x.Min, minY: y.Min, step: x.Step}
	if x.Kind != schema.Float {
		g.minX, g.step = float64(x.Base), 1
	}
	if y.Kind != schema.Float {
		g.minY = float64(y.Base)
	}
	for axis, field := range t.Pos {
		g.columns[axis] = t.FieldColumns(field, false)
	}
	g.perStep = 1 / g.step
	if cell == 0 {
		cell = g.step * math.Ceil(float64(max(x.Top, y.Top))/32)
	}
	if !(cell >= g.step) { // not a number, too
		return nil, fmt.Errorf("%s: CellSize(%g) is below the position's step of %g; make it larger", t.Name, cell, g.step)
	}
	g.side = int32(min(cell/g.step, 1<<schema.MaxPositionBits))
	g.nx, g.ny = uint32(x.Top)/uint32(g.side)+1, uint32(y.Top)/uint32(g.side)+1
	if cells := uint64(g.nx) * uint64(g.ny); cells > maxCells {
		return nil, fmt.Errorf("%s: CellSize(%g) makes %d cells, at most %d are possible; make it larger", t.Name, cell, cells, maxCells)
	}
	return g, nil
}

// place finds the cell that a quantised position lies in.
func (g *gridShape) place(x, y int32) Place {
	return Place{X: x, Y: y, Column: uint16(uint32(x) / uint32(g.side)), Row: uint16(uint32(y) / uint32(g.side))}
}

// cellOf is the number of a place's cell.
func (g *gridShape) cellOf(p Place) uint32 { return uint32(p.Row)*g.nx + uint32(p.Column) }

// box is a rectangle of quantised units, its edges included.
type box struct{ x0, y0, x1, y1 int32 }

// box returns the rectangle around a circle, a step wider so that rounding hides nobody.
func (g *gridShape) box(at Pos, radius float64) box {
	low := func(v, origin float64) int32 { return quantiseEdge(math.Floor((v-radius-origin)/g.step) - 1) }
	high := func(v, origin float64) int32 { return quantiseEdge(math.Ceil((v+radius-origin)/g.step) + 1) }
	return box{low(at.X, g.minX), low(at.Y, g.minY), high(at.X, g.minX), high(at.Y, g.minY)}
}

func quantiseEdge(v float64) int32 {
	return int32(max(0, min(v, 1<<schema.MaxPositionBits)))
}

// cellsIn returns the columns and rows of cells that a box touches, the last ones included. A place outside
// the range was clamped to its edge, so the outermost cells stand for all that lies beyond.
func (g *gridShape) cellsIn(b box) (cx0, cy0, cx1, cy1 uint32) {
	side := uint32(g.side)
	return min(uint32(b.x0)/side, g.nx-1), min(uint32(b.y0)/side, g.ny-1),
		min(uint32(b.x1)/side, g.nx-1), min(uint32(b.y1)/side, g.ny-1)
}

// grid is one View's interest grid of one table. It is immutable: cells are replaced, never edited.
type grid struct {
	cells  [][]uint32 // per cell the indexes of its rows, sorted
	stamps []uint32   // per cell the latest tick in which anything in it changed
}

func newGrid(g *gridShape) *grid {
	n := int(g.nx * g.ny)
	return &grid{cells: make([][]uint32, n), stamps: make([]uint32, n)}
}

// crossing is a row that arrives in a cell or departs from it.
type crossing struct {
	cell, index uint32
	arrives     bool
}

// after returns the grid of the next tick: stamps as given, and rows moved.
func (g *grid) after(stamps []uint32, moves []crossing) *grid {
	next := &grid{cells: g.cells, stamps: stamps}
	if len(moves) == 0 {
		return next
	}
	next.cells = slices.Clone(g.cells)
	slices.SortFunc(moves, func(a, b crossing) int {
		return cmp.Or(cmp.Compare(a.cell, b.cell), cmp.Compare(a.index, b.index))
	})
	for len(moves) > 0 {
		n := 1
		for n < len(moves) && moves[n].cell == moves[0].cell {
			n++
		}
		next.cells[moves[0].cell] = mergeCell(next.cells[moves[0].cell], moves[:n])
		moves = moves[n:]
	}
	return next
}

// mergeCell applies the moves of one cell, sorted by index, to its rows.
func mergeCell(rows []uint32, moves []crossing) []uint32 {
	out := make([]uint32, 0, len(rows)+len(moves))
	for _, m := range moves {
		for len(rows) > 0 && rows[0] < m.index {
			out, rows = append(out, rows[0]), rows[1:]
		}
		if len(rows) > 0 && rows[0] == m.index {
			rows = rows[1:]
		}
		if m.arrives {
			out = append(out, m.index)
		}
	}
	return append(out, rows...)
}
