package world

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"

	"github.com/quicstep/quicstep/protocol/schema"
)

// ID names a row of one table; zero is none. See schema.ID.
type ID = schema.ID

// Player is a player's number in its room: from 1 in the order of joining, never used again. Zero is nobody.
type Player uint32

// TeamID is a team's number; zero is no team.
type TeamID uint16

// Pos is a place in the units of the game's own coordinates.
type Pos struct{ X, Y float64 }

// Game is anything that embeds *GameOf.
type Game interface {
	definition() *definition
}

// definition is a game without its types. It is immutable once sealed, and shared by rooms and clients.
type definition struct {
	name       string
	tables     []*table
	events     []*table
	messages   []*table
	requests   []*request
	singletons []func(*Tx)
	input      *binding
	inputTable *schema.Table

	onStart func(*Tx)
	onJoin  func(*Tx, Player) error
	onLeave func(*Tx, Player, LeaveReason)
	onInput func(*Tx, Player, []byte)
	onTick  func(*Tx)
	systems []system
	onBot   func(*View, Player, *rand.Rand) ([]byte, error)
	shows   func(*View, Player, []byte) bool
	players int // the most in a room; zero: no bound of the game's own

	holdSeconds int

	errs   []error
	sealed bool
	schema *schema.Schema
	layout uint64 // the sum of the schema and of every field, also of those that never leave the server
}

// table is one table's, or event's, definition without its type.
type table struct {
	index   int
	name    string
	wire    *schema.Table
	bind    *binding
	grid    *gridShape // nil without a position
	mode    Mode
	others  uint64 // a bit per column that anybody but the owner is sent
	owner   uint64 // likewise the owner
	newRows func() any
	copyOf  func(any) any
	copyRow func(to, from any, row int)

	teleport float64 // from how much on a correction is not eased; zero for the default

	singleton bool // it has one row, which is always there
}

// GameOf is a game whose players send inputs of type I each tick. Embed a pointer to it in your own type.
type GameOf[I any] struct {
	def *definition
}

// NewGame begins a definition. The name, 1 to 64 bytes, is what clients join by. I is the input: a struct
// of plain values with net: tags like a row's, whose zero value is the neutral input. What is wrong with a
// definition is kept, and returned all at once by whatever first uses it.
func NewGame[I any](name string) *GameOf[I] {
	d := &definition{name: name, holdSeconds: HoldSecondsDefault}
	var err error
	d.inputTable, d.input, err = bindType("input", reflect.TypeFor[I](), false)
	d.fail(err)
	if err == nil && d.inputTable.Positioned() {
		d.fail(errors.New("input: pos= has no meaning in an input"))
	}
	return &GameOf[I]{def: d}
}

func (g *GameOf[I]) definition() *definition {
	if g == nil {
		panic("world: the game embeds a *world.GameOf that is nil: begin its definition with world.NewGame")
	}
	return g.def
}

// Name is the game's name.
func (g *GameOf[I]) Name() string { return g.def.name }

// OnStart sets what runs once in a room's first tick, before anybody joins.
func (g *GameOf[I]) OnStart(f func(*Tx)) {
	g.def.mustBeOpen("OnStart")
	g.def.onStart = f
}

// OnJoin sets what runs when a player joins, in the tick in which it does. An error refuses the player, who
// is told its text; whatever the callback had done by then is undone.
func (g *GameOf[I]) OnJoin(f func(*Tx, Player) error) {
	g.def.mustBeOpen("OnJoin")
	g.def.onJoin = f
}

// OnLeave sets what runs when a player leaves, and why it does. Its rows are still there, and still there afterwards
// unless the callback removes them; then nobody owns them. When the room ends, nobody leaves any more.
func (g *GameOf[I]) OnLeave(f func(*Tx, Player, LeaveReason)) {
	g.def.mustBeOpen("OnLeave")
	g.def.onLeave = f
}

// OnInput sets what a player's input does. It runs exactly once per player and tick, also with a repeated or
// the neutral input, and should write that player's rows only: it is what clients predict.
func (g *GameOf[I]) OnInput(f func(*Tx, Player, I)) {
	g.def.mustBeOpen("OnInput")
	bind := g.def.input
	g.def.onInput = func(tx *Tx, p Player, data []byte) {
		var in I
		decodeRow(bind, &in, data)
		f(tx, p, in)
	}
}

// OnTick sets what runs at the end of each tick, after every input, on the server alone.
func (g *GameOf[I]) OnTick(f func(*Tx)) {
	g.def.mustBeOpen("OnTick")
	g.def.onTick = f
}

// AppendInput writes an input as it travels and as Commands hold it. A value outside its field's range, and
// a float that is not a number, is an error that names the field.
func (g *GameOf[I]) AppendInput(dst []byte, in I) ([]byte, error) {
	if g.def.input == nil {
		return dst, g.def.err()
	}
	return appendRow(g.def.input, dst, &in)
}

// SchemaOf seals the definition and returns how it travels, or everything that is wrong with it.
func SchemaOf(g Game) (*schema.Schema, error) {
	d := g.definition()
	if err := d.seal(); err != nil {
		return nil, err
	}
	return d.schema, nil
}

// LayoutOf seals the definition and returns the sum of the schema and of every field of every row, also of
// those that never leave the server: two builds of a game with the same layout can exchange State.
func LayoutOf(g Game) (uint64, error) {
	d := g.definition()
	if err := d.seal(); err != nil {
		return 0, err
	}
	return d.layout, nil
}

func (d *definition) fail(err error) {
	if err != nil {
		d.errs = append(d.errs, err)
	}
}

func (d *definition) err() error {
	if len(d.errs) == 0 {
		return nil
	}
	return fmt.Errorf("game %s: %w", d.name, errors.Join(d.errs...))
}

func (d *definition) mustBeOpen(what string) {
	if d.sealed {
		panic(fmt.Sprintf("world: %s on game %s, which is in use: define everything before the first room or client", what, d.name))
	}
}

// seal makes the definition final. Rooms and clients of one process may do so at the same time as long as
// the first use has returned; New, NewReplica and SchemaOf say so.
func (d *definition) seal() error {
	if d.sealed {
		return d.err()
	}
	d.sealed = true
	if d.onInput == nil {
		d.onInput = func(*Tx, Player, []byte) {}
	}
	if len(d.errs) == 0 {
		var err error
		d.schema, err = schema.New(schema.Schema{
			Game: d.name, Tables: wires(d.tables), Input: d.inputTable,
			Events: wires(d.events), Messages: wires(d.messages), Requests: d.requestWires(),
		})
		d.fail(err)
	}
	if len(d.errs) == 0 {
		d.layout = d.layoutSum()
	}
	return d.err()
}

func (d *definition) layoutSum() uint64 {
	h := sumStart.add(d.schema.Hash())
	for _, t := range d.tables {
		for i := range t.bind.leaves {
			h = h.add(uint64(t.bind.leaves[i].kind))
		}
	}
	return uint64(h)
}

func wires(tables []*table) []*schema.Table {
	out := make([]*schema.Table, len(tables))
	for i, t := range tables {
		out[i] = t.wire
	}
	return out
}

// TableOption adjusts a table at its definition: CellSize, ShownAs, Teleport and Exact are there.
type TableOption func(*tableOptions)

type tableOptions struct {
	cell  float64 // zero for the default
	sized bool
	exact bool
	mode  Mode // zero for the default

	teleport float64 // zero for the default
}

// CellSize sets the side of the interest grid's cells, in the units of the coordinates. The default is a
// 32nd of the larger axis. Something like half of the usual view radius serves well; the grid has at most
// 65,536 cells.
func CellSize(units float64) TableOption {
	return func(o *tableOptions) { o.cell, o.sized = units, true }
}

// Exact lets the fields that are tagged reckon= travel as they are, and their velocities to the row's owner alone, who
// predicts with them: to measure what dead reckoning saves.
func Exact() TableOption { return func(o *tableOptions) { o.exact = true } }

// AddTable adds a table of rows of type T to a game under definition. T must be a struct of plain values:
// bool, integers, floats with range and step, strings with max, IDs, and arrays and structs of these. What
// is wrong with T is returned, naming the fields, by whatever first uses the game.
func AddTable[T any](g Game, name string, options ...TableOption) Table[T] {
	d := g.definition()
	d.mustBeOpen("AddTable")
	var o tableOptions
	for _, option := range options {
		option(&o)
	}
	t := newTable[T](d, name, len(d.tables), o.exact)
	if t.wire != nil && !t.wire.Positioned() && o.sized {
		d.fail(fmt.Errorf("%s: CellSize is for tables with a position: tag two fields pos=x and pos=y, or leave it out", name))
	}
	if t.wire != nil && t.wire.Positioned() {
		var err error
		t.grid, err = newGridShape(t.wire, o.cell)
		d.fail(err)
	}
	t.teleport = o.teleport
	switch t.mode = o.mode; {
	case o.mode > Latest:
		d.fail(fmt.Errorf("%s: ShownAs(%d): Interpolate, Extrapolate and Latest are possible", name, o.mode))
	case o.mode != 0:
	case t.grid != nil:
		t.mode = Interpolate
	default:
		t.mode = Latest
	}
	d.tables = append(d.tables, t)
	return Table[T]{t}
}

func newTable[T any](d *definition, name string, index int, exact bool) *table {
	t := &table{index: index, name: name}
	var err error
	t.wire, t.bind, err = bindType(name, reflect.TypeFor[T](), exact)
	d.fail(err)
	if err == nil {
		t.others, t.owner = columnsOf(t.wire, schema.Team), columnsOf(t.wire, schema.Own)
	}
	t.newRows = func() any { return new([pageRows]T) }
	t.copyOf = func(rows any) any {
		c := *rows.(*[pageRows]T)
		return &c
	}
	t.copyRow = func(to, from any, row int) { to.(*[pageRows]T)[row] = from.(*[pageRows]T)[row] }
	return t
}

// Singleton is a table with exactly one row, which is there from the room's first tick.
type Singleton[T any] struct{ rows Table[T] }

// AddSingleton adds a one-row table with its first value.
func AddSingleton[T any](g Game, name string, first T) Singleton[T] {
	s := Singleton[T]{AddTable[T](g, name)}
	s.rows.def.singleton = true
	d := g.definition()
	d.singletons = append(d.singletons, func(tx *Tx) { s.rows.Insert(tx, first) })
	return s
}

// singletonID is the first row of a table.
const singletonID = ID(1 << schema.IndexBits)

// Get returns the row; ok is false on a client that has not received it yet.
func (s Singleton[T]) Get(r Reader) (row T, ok bool) { return s.rows.Get(r, singletonID) }

// Edit returns the row to write to. The pointer is good until the callback returns.
func (s Singleton[T]) Edit(tx *Tx) *T { return s.rows.Edit(tx, singletonID) }
