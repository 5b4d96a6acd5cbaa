package world

import (
	"sync/atomic"

	"github.com/quicstep/quicstep/protocol/schema"
)

// View is the state as one tick left it: immutable, and good for any goroutine for as long as it is kept.
// Holding one keeps its pages in memory, so keep few.
type View struct {
	// Tick is the tick that the View shows.
	Tick uint64

	def     *definition
	tables  []viewTable
	players []player
	past    *history
	events  []TickEvents
	room    []byte // the room's random stream
	last    Player
	started bool
}

type viewTable struct {
	pages []*Page
	grid  *grid // nil without a position, and in the past
}

func (v *View) pagesOf(t *table) []*Page { return v.tables[t.index].pages }

func (v *View) now() uint64 { return v.Tick }

func (v *View) ownedBy(p Player) []uint32 {
	if pl := v.player(p); pl != nil {
		return pl.owned
	}
	return nil
}

func (v *View) player(p Player) *player {
	at, ok := findPlayer(v.players, p)
	if !ok {
		return nil
	}
	return &v.players[at]
}

func (v *View) near(t *table, b box, dst []uint32) []uint32 {
	g := v.tables[t.index].grid
	if g == nil {
		return allRows(v.pagesOf(t), dst)
	}
	cx0, cy0, cx1, cy1 := t.grid.cellsIn(b)
	for cy := cy0; cy <= cy1; cy++ {
		l := &g.lines[cy]
		for _, s := range l.spots[l.starts[cx0]:l.starts[cx1+1]] {
			dst = append(dst, s.Index)
		}
	}
	return dst
}

// At returns the rows as an earlier tick left them, for Get, All and Near; ok is false when the tick is not
// in the history, which is some seconds long. What At returns has no grid and no players.
func (v *View) At(tick uint64) (*View, bool) {
	if tick == v.Tick {
		return v, true
	}
	if tick > v.Tick || v.past == nil {
		return nil, false
	}
	return v.past.at(tick)
}

// Seat is what a View knows of a player.
type Seat struct {
	Player Player
	// User and Role are who it is; see Tx.User.
	User, Role string
	Team       TeamID
	// Rights is the latest tick, as 32 bits, in which the player's team changed.
	Rights uint32
	// Pos and Radius are what SetView said last.
	Pos    Pos
	Radius float64
}

// Seat returns what the View knows of a player; ok is false when it is not in the room.
func (v *View) Seat(p Player) (s Seat, ok bool) { return seatOf(v.players, p) }

func seatOf(players []player, p Player) (s Seat, ok bool) {
	at, ok := findPlayer(players, p)
	if !ok {
		return Seat{}, false
	}
	pl := &players[at]
	return Seat{Player: pl.num, User: pl.user, Role: pl.role, Team: pl.team, Rights: pl.rights, Pos: pl.pos, Radius: pl.radius}, true
}

// Players are the numbers of all players, in order.
func (v *View) Players() []Player {
	out := make([]Player, len(v.players))
	for i := range v.players {
		out[i] = v.players[i].num
	}
	return out
}

// OwnedIndexes are the indexes of the rows of a table that a player owns, each with the table's number in
// its upper twelve bits, sorted. Nobody may write to them.
func (v *View) OwnedIndexes(p Player, table int) []uint32 { return ownedIn(v.ownedBy(p), table) }

// The rest of View is for replication, which reads columns rather than rows: Tables, Pages, OwnedIndexes, Grid,
// Seat and Schema. Game code and clients use the tables' own methods.

// Tables is the number of tables.
func (v *View) Tables() int { return len(v.tables) }

// Pages are the pages of a table, by number. Nobody may write to them.
func (v *View) Pages(table int) []*Page { return v.tables[table].pages }

// Grid returns the interest grid of a table; ok is false when it has no position.
func (v *View) Grid(table int) (g Grid, ok bool) {
	if v.tables[table].grid == nil {
		return Grid{}, false
	}
	return Grid{shape: v.def.tables[table].grid, grid: v.tables[table].grid}, true
}

// Grid is the interest grid of one table in one View.
type Grid struct {
	shape *gridShape
	grid  *grid
}

// Circle is a player's sight of one table: in quantised units, and as the cells that it touches.
type Circle struct {
	X, Y   int64 // the centre
	R      int64 // the radius
	Cx, Cy uint32
	// Columns and Rows are how many cells the circle's square touches from (Cx, Cy) on.
	Columns, Rows uint32
}

// Circle returns the sight of a view point and radius in the units of the coordinates.
func (g Grid) Circle(at Pos, radius float64) Circle {
	s := g.shape
	c := Circle{X: g.Steps(at.X - s.minX), Y: g.Steps(at.Y - s.minY), R: g.Steps(radius)}
	edge := func(v int64) int32 { return int32(max(0, min(v, 1<<schema.MaxPositionBits))) }
	x0, y0, x1, y1 := s.cellsIn(box{edge(c.X - c.R - 1), edge(c.Y - c.R - 1), edge(c.X + c.R + 1), edge(c.Y + c.R + 1)})
	c.Cx, c.Cy, c.Columns, c.Rows = x0, y0, x1-x0+1, y1-y0+1
	return c
}

// Steps is a length of the coordinates in quantised units, within ± 2^30.
func (g Grid) Steps(length float64) int64 {
	return int64(max(-1<<30, min(length*g.shape.perStep, 1<<30)))
}

// Length is the opposite of Steps.
func (g Grid) Length(steps float64) float64 { return steps / g.shape.perStep }

// Cells is the number of cells.
func (g Grid) Cells() uint32 { return g.shape.nx * g.shape.ny }

// Cell returns the number of the cell in a column and row.
func (g Grid) Cell(column, row uint32) uint32 { return row*g.shape.nx + column }

// Side is the side of a cell in quantised units.
func (g Grid) Side() int64 { return int64(g.shape.side) }

// Spots are where those stand who are in the cells of a row from one column to before another, cell by cell and in each
// sorted by index. Nobody may write to them.
func (g Grid) Spots(row, from, to uint32) []Spot {
	l := &g.grid.lines[row]
	return l.spots[l.starts[from]:l.starts[to]]
}

// Astir tells whether a tick, as 32 bits, has stamped every cell of a row in which somebody stands. It may say no where it
// has, if nobody moved.
func (g Grid) Astir(row, tick uint32) bool {
	l := &g.grid.lines[row]
	return l.astir == tick || len(l.spots) == 0
}

// Stamp is the latest tick, as 32 bits, in which a cell saw a field change of which others than the owner are told, a row
// move, come or go, or a change of owner or team.
func (g Grid) Stamp(cell uint32) uint32 { return g.grid.stamps[cell] }

// Schema is how the game travels.
func (v *View) Schema() *schema.Schema { return v.def.schema }

// history is a ring of the latest ticks' pages. The room's goroutine writes, anyone reads.
type history struct {
	ring []atomic.Pointer[View]
}

func newHistory(ticks int) *history {
	return &history{ring: make([]atomic.Pointer[View], ticks)}
}

func (h *history) put(v *View) {
	past := &View{Tick: v.Tick, def: v.def, tables: make([]viewTable, len(v.tables))}
	for i := range v.tables {
		past.tables[i].pages = v.tables[i].pages
	}
	h.ring[v.Tick%uint64(len(h.ring))].Store(past)
}

func (h *history) at(tick uint64) (*View, bool) {
	v := h.ring[tick%uint64(len(h.ring))].Load()
	if v == nil || v.Tick != tick {
		return nil, false
	}
	return v, true
}
