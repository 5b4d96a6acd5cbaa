package schema

import (
	"fmt"
	"hash/fnv"
	"slices"
)

// Limits of a definition. They hold for what FromType builds and for what Parse accepts.
const (
	// MaxTables bounds the tables of a game, and apart from them its events, its messages and its requests.
	MaxTables = 64
	// MaxColumns bounds the wire columns of a table: a change mask fits in 64 bits with one to spare.
	MaxColumns = 63
	// MaxRowBytes bounds the encoded bytes of one row for any class, so that a full record fits in a datagram.
	MaxRowBytes = 1000
	// MaxName bounds the bytes of a table's or a field's name.
	MaxName = 64
	// MaxPositionBits bounds the quantised bits of a position: a coarse part and a fine part of two limbs each.
	MaxPositionBits = 2 * fineBits
	// MaxText bounds the bytes of a string field.
	MaxText = 255
)

// ID names an entity of one table: 20 bits of index and 12 of generation. Zero is no entity. An index is
// used again after its entity is removed, under another generation; 4,095 uses later a generation returns.
type ID uint32

// IndexBits is the number of an ID's low bits that hold the index; MaxEntities is what they can tell apart.
const (
	IndexBits   = 20
	MaxEntities = 1 << IndexBits
	// MaxGeneration is the highest generation; the next one is 1 again, zero being no entity.
	MaxGeneration = 1<<(32-IndexBits) - 1
)

// MakeID returns the ID of an index, below MaxEntities, and a generation, 1 to MaxGeneration.
func MakeID(index uint32, generation uint16) ID {
	return ID(uint32(generation)<<IndexBits | index)
}

// Index returns the entity's place in its table.
func (id ID) Index() uint32 { return uint32(id) & (MaxEntities - 1) }

// Generation returns which use of the index this is; zero for no entity.
func (id ID) Generation() uint16 { return uint16(id >> IndexBits) }

// String returns "index.generation", or "none".
func (id ID) String() string {
	if id == 0 {
		return "none"
	}
	return fmt.Sprintf("%d.%d", id.Index(), id.Generation())
}

// Class is what a client is to a row, and decides which fields it may see.
type Class uint8

// The classes, in the order of what they may see.
const (
	Public Class = iota // anybody
	Team                // a player of the row's team
	Own                 // the row's owner
	Classes
)

// String returns the class's name as docs/protocol.md writes it.
func (c Class) String() string {
	switch c {
	case Public:
		return "public"
	case Team:
		return "team"
	case Own:
		return "own"
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// Schema is everything a reader must know to parse a game's datagrams. It is immutable once built.
type Schema struct {
	// Game is the game's name.
	Game string
	// Tables in the order of their definition; a table's number on the wire is its place here.
	Tables []*Table
	// Input is what a player asks for in a tick, written as its owner sees it.
	Input *Table
	// Events are what happens once, and is worth telling for a moment; in the order of their definition.
	Events []*Table
	// Messages are what arrives, in order; in the order of their definition.
	Messages []*Table
	// Requests are what players ask once and are answered, in the order of their definition.
	Requests []Request

	hash uint64
}

// Request is a kind of request: what is asked, whose name is the request's, and what is answered.
type Request struct{ Ask, Answer *Table }

// New checks the parts of a definition together and returns the schema, which s is from then on.
func New(s Schema) (*Schema, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	h := fnv.New64a()
	h.Write(s.Append(nil))
	s.hash = h.Sum64()
	return &s, nil
}

// Hash is the FNV-1a sum of the schema's msgpack bytes. Two schemas with the same hash are the same.
func (s *Schema) Hash() uint64 { return s.hash }

func (s *Schema) check() error {
	if s.Game == "" || len(s.Game) > MaxName {
		return fmt.Errorf("game name %.80q has %d bytes; give it 1 to %d", s.Game, len(s.Game), MaxName)
	}
	for _, kind := range []struct {
		name string
		n    int
	}{{"tables", len(s.Tables)}, {"events", len(s.Events)}, {"messages", len(s.Messages)}, {"requests", len(s.Requests)}} {
		if kind.n > MaxTables {
			return fmt.Errorf("game %s has %d %s; at most %d are possible", s.Game, kind.n, kind.name, MaxTables)
		}
	}
	if s.Input == nil {
		return fmt.Errorf("game %s has no input type", s.Game)
	}
	if s.Input.Group != nil {
		return fmt.Errorf("%s: %s is tagged reckon=, which is for rows of tables", s.Input.Name, s.Input.Fields[s.Input.Group.Members[0].Field].Name)
	}
	asks, answers := make([]*Table, len(s.Requests)), make([]*Table, len(s.Requests))
	for i, r := range s.Requests {
		if r.Ask == nil || r.Answer == nil {
			return fmt.Errorf("request %d of game %s has no type to ask or to answer with", i, s.Game)
		}
		asks[i], answers[i] = r.Ask, r.Answer
	}
	for _, t := range slices.Concat(s.Events, s.Messages, asks, answers) {
		if err := t.checkWhole(); err != nil {
			return err
		}
	}
	return errorsOfNames(s.Tables, s.Events, s.Messages, asks)
}

// checkWhole tells why a row of the table can't be sent whole to whoever it is for.
func (t *Table) checkWhole() error {
	for i := range t.Fields {
		if f := &t.Fields[i]; f.Audience != Everyone || f.OwnStep > 0 || f.Tolerance > 0 {
			return fmt.Errorf("%s: %s is tagged owner, team, own= or reckon=, which is for rows of tables: this travels whole to whoever it is sent to", t.Name, f.Name)
		}
	}
	return nil
}

func errorsOfNames(lists ...[]*Table) error {
	for _, tables := range lists {
		seen := make(map[string]bool, len(tables))
		for _, t := range tables {
			if seen[t.Name] {
				return fmt.Errorf("two tables, events, messages or requests are named %q; give each of a kind its own name", t.Name)
			}
			seen[t.Name] = true
		}
	}
	return nil
}

// Table is the wire form of one row type: a table's, the input's, an event's, a message's or half a request's.
type Table struct {
	// Name is unique among the tables, events, messages or requests of a game.
	Name string
	// Fields in the order of the Go type, nested structs and arrays taken apart.
	Fields []Field
	// Pos holds the places in Fields of the x and y coordinates; -1 each when the table has no position.
	Pos [2]int

	// Columns are what Fields become on the wire; derived.
	Columns []Column
	// Texts is the number of text columns; derived.
	Texts int
	// Group is the dead-reckoned fields; nil without; derived.
	Group *Group

	member  []bool // per field: it belongs to Group, as a position or a velocity
	classes [Classes][]uint8
	wide    [Classes]bool // the class sees more columns than one limb of a change mask has bits
	fields  [][]uint8     // per field, its columns for the public, most significant first
	owns    [][]uint8     // per field, its columns for the owner
}

// NewTable derives the columns and checks the limits. The error names the table and says what to change.
func NewTable(name string, fields []Field, pos [2]int) (*Table, error) {
	t := &Table{Name: name, Fields: fields, Pos: pos}
	if name == "" || len(name) > MaxName {
		return nil, fmt.Errorf("name %.80q has %d bytes; give it 1 to %d", name, len(name), MaxName)
	}
	if err := t.deriveColumns(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := t.checkPosition(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for c := range Classes {
		if size, field := t.rowBytesMax(c); size > MaxRowBytes {
			return nil, fmt.Errorf("%s: a row takes up to %d bytes on the wire for class %v, at most %d are possible (field %s goes over): shorten strings or ranges, or split the table", name, size, c, MaxRowBytes, field)
		}
	}
	return t, nil
}

// checkPosition tells what is wrong with the fields that decide who sees a row.
func (t *Table) checkPosition() error {
	if !t.Positioned() {
		return nil
	}
	x, y := &t.Fields[t.Pos[0]], &t.Fields[t.Pos[1]]
	for _, f := range []*Field{x, y} {
		if number := f.Kind == Int || f.Kind == Uint || f.Kind == Float; !number || f.Audience != Everyone || f.Wrap {
			return fmt.Errorf("%s: a coordinate must be a number that everyone sees, without wrap", f.Name)
		}
	}
	if t.Pos[0] == t.Pos[1] || x.Step != y.Step {
		return fmt.Errorf("%s: the two coordinates must be two fields of the same step", y.Name)
	}
	return nil
}

// Positioned tells whether the table has a position, so that distance decides who sees its rows.
func (t *Table) Positioned() bool { return t.Pos[0] >= 0 }

// ClassColumns returns the columns that a class sees, as places in Columns. The caller must not change it.
func (t *Table) ClassColumns(c Class) []uint8 { return t.classes[c] }

// FullMask is the change mask with every column of the class.
func (t *Table) FullMask(c Class) uint64 { return 1<<len(t.classes[c]) - 1 }

// WideMask tells whether a change mask of the class may take more than one byte: the class sees more than seven columns.
func (t *Table) WideMask(c Class) bool { return t.wide[c] }
