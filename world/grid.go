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

// Spot is where a row stands, in quantised units.
type Spot struct {
	X, Y  int32
	Index uint32 // the row's
}

// grid is one View's interest grid of one table. It is immutable: lines are replaced, never edited.
type grid struct {
	lines  []line   // the rows of cells
	stamps []uint32 // per cell the latest tick in which anything in it changed
}

// line is the cells of one row, so that whoever looks at neighbours reads one piece of memory.
type line struct {
	spots  []Spot   // cell by cell, in each sorted by index
	starts []uint32 // per cell where its spots start, and where the last one's end
	astir  uint32   // the latest tick that has stamped every cell in which somebody stands
}

func newGrid(g *gridShape) *grid {
	out := &grid{lines: make([]line, g.ny), stamps: make([]uint32, g.nx*g.ny)}
	starts := make([]uint32, g.nx+1)
	for i := range out.lines {
		out.lines[i].starts = starts
	}
	return out
}

// crossing is a row that arrives in a cell or departs from it.
type crossing struct {
	cell, index uint32
	arrives     bool
}

// after returns the grid of the next tick: stamps as given, and in the lines that are stirred rows where they are now.
func (g *grid) after(shape *gridShape, tick uint32, stamps []uint32, stirred []bool, moves []crossing, pages []*Page) *grid {
	next := &grid{lines: slices.Clone(g.lines), stamps: stamps}
	slices.SortFunc(moves, func(a, b crossing) int {
		return cmp.Or(cmp.Compare(a.cell, b.cell), cmp.Compare(a.index, b.index))
	})
	for y := range next.lines {
		if !stirred[y] {
			continue
		}
		first := uint32(y) * shape.nx
		n := 0
		for n < len(moves) && moves[n].cell < first+shape.nx {
			n++
		}
		next.lines[y] = g.lines[y].after(moves[:n], first, stamps[first:first+shape.nx], tick, pages)
		moves = moves[n:]
	}
	return next
}

// after returns the line with rows where they are now; moves are those of its cells, which have the numbers from first on.
func (l *line) after(moves []crossing, first uint32, stamps []uint32, tick uint32, pages []*Page) line {
	out := line{spots: make([]Spot, 0, len(l.spots)+len(moves)), starts: make([]uint32, len(l.starts)), astir: tick}
	for x, stamp := range stamps {
		n := 0
		for n < len(moves) && moves[n].cell == first+uint32(x) {
			n++
		}
		from := len(out.spots)
		out.spots = appendCell(out.spots, l.spots[l.starts[x]:l.starts[x+1]], moves[:n])
		moves = moves[n:]
		out.starts[x+1] = uint32(len(out.spots))
		if stamp != tick && len(out.spots) > from {
			out.astir = l.astir
		}
	}
	for i := range out.spots {
		s := &out.spots[i]
		at := pages[s.Index>>pageShift].meta[s.Index&rowMask].place
		s.X, s.Y = at.X, at.Y
	}
	return out
}

// appendCell appends the spots of one cell with its moves, which are sorted by index. Where those that arrive stand is not
// known yet.
func appendCell(dst, spots []Spot, moves []crossing) []Spot {
	for _, m := range moves {
		for len(spots) > 0 && spots[0].Index < m.index {
			dst, spots = append(dst, spots[0]), spots[1:]
		}
		if len(spots) > 0 && spots[0].Index == m.index {
			spots = spots[1:]
		}
		if m.arrives {
			dst = append(dst, Spot{Index: m.index})
		}
	}
	return append(dst, spots...)
}
