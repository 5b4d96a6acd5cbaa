package world

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"github.com/quicstep/quicstep/protocol/schema"
)

// State is everything that the next step reads, as plain data. Package snapshot turns it into bytes.
type State struct {
	Layout       uint64 // of the game; see LayoutOf
	Tick         uint64
	TickPeriodNS int64  // between ticks
	Last         Player // the highest player number given
	Started      bool   // OnStart has run
	Room         []byte // the room's random stream, as math/rand/v2 writes a PCG
	Players      []Seat // sorted by player
	Tables       [][]PageState
}

// PageState is one page. Rows stand in the order of the bits of Used.
type PageState struct {
	Used        uint64
	Changed     uint32
	Generations [pageRows]uint16
	Rows        []RowState
}

// RowState is one row: the exact values of its fields, numbers as bits, in the order of the Go type.
type RowState struct {
	Owner         Player
	Team          TeamID
	Weight        int      // 1 to MaxWeight
	Dirty, Rights uint32   // Dirty is the latest of Columns
	Columns       []uint32 // the columns' dirty ticks
	Base          []uint32 // of the dead-reckoned fields: its tick, then position and velocity of each
	Values        []uint64
	Texts         []string
}

// Export returns the newest committed state, from one read transaction of the store. Any goroutine may call
// it at any time; the tick does not wait.
func (w *World) Export() State {
	txn := w.store.Txn(false)
	raw, err := txn.First(storeViews, "id")
	if err != nil || raw == nil {
		panic(fmt.Sprintf("world: the store has no view: %v", err))
	}
	v := raw.(*View)
	st := State{
		Layout: v.def.layout, Tick: v.Tick, TickPeriodNS: w.state.periodNS, Last: v.last, Started: v.started,
		Room: slices.Clone(v.room), Tables: make([][]PageState, len(v.tables)),
	}
	for _, p := range v.Players() {
		seat, _ := v.Seat(p)
		st.Players = append(st.Players, seat)
	}
	for i, t := range v.def.tables {
		pages, err := txn.Get(storePages, "id_prefix", []byte{byte(i)})
		if err != nil {
			panic(fmt.Sprintf("world: read the pages of table %s: %v", t.name, err))
		}
		for raw := pages.Next(); raw != nil; raw = pages.Next() {
			st.Tables[i] = append(st.Tables[i], raw.(*Page).export(t))
		}
	}
	return st
}

func (p *Page) export(t *table) PageState {
	out := PageState{Used: p.used, Changed: p.changed}
	for row := range pageRows {
		m := &p.meta[row]
		out.Generations[row] = m.gen
		if p.used>>row&1 == 0 {
			continue
		}
		rs := RowState{Owner: m.owner, Team: m.team, Weight: p.Weight(row), Rights: m.rights, Columns: slices.Clone(p.ColumnsDirty(row))}
		for _, tick := range rs.Columns {
			rs.Dirty = max(rs.Dirty, tick)
		}
		if p.motion != nil {
			rs.Base = slices.Clone(p.motion.Base(p.Words(row)))
		}
		for i := range t.bind.leaves {
			l := &t.bind.leaves[i]
			if l.kind == reflect.String {
				rs.Texts = append(rs.Texts, *(*string)(unsafe.Add(p.row(t, row), l.offset)))
			} else {
				rs.Values = append(rs.Values, l.raw(p.row(t, row)))
			}
		}
		out.Rows = append(out.Rows, rs)
	}
	return out
}

// Restore starts a world from an exported state, to go on exactly as the exported one would have: the same
// Commands give the same hashes. The seed in cfg is not used.
func Restore(g Game, st State, cfg Config) (*World, error) {
	if cfg.TickPeriodNS == 0 {
		cfg.TickPeriodNS = st.TickPeriodNS
	}
	w, err := New(g, cfg)
	if err != nil {
		return nil, err
	}
	s := w.state
	if err := s.checkState(&st); err != nil {
		return nil, fmt.Errorf("restore game %s: %w", s.def.name, err)
	}
	if err := s.room.UnmarshalBinary(st.Room); err != nil {
		return nil, fmt.Errorf("restore game %s: the random stream: %w", s.def.name, err)
	}
	s.tick, s.last, s.started = st.Tick, st.Last, st.Started
	s.begin()
	for _, seat := range st.Players {
		s.addPlayer(Join{Player: seat.Player, User: seat.User, Role: seat.Role})
		pl := s.player(seat.Player)
		pl.team, pl.rights, pl.pos, pl.radius = seat.Team, seat.Rights, seat.Pos, seat.Radius
	}
	for i := range s.tables {
		if err := s.restoreTable(&s.tables[i], st.Tables[i]); err != nil {
			return nil, fmt.Errorf("restore game %s: table %s: %w", s.def.name, s.tables[i].def.name, err)
		}
	}
	s.last = st.Last
	w.past = newHistory(len(w.past.ring))
	w.commitRestored()
	w.ForgetHistory()
	return w, nil
}

// checkState tells why a state can't be one of the game.
func (s *state) checkState(st *State) error {
	if st.Layout != s.def.layout {
		return fmt.Errorf("the state has layout %016x, the game has %016x: a state can only be restored by the game that it was saved from", st.Layout, s.def.layout)
	}
	if len(st.Tables) != len(s.tables) {
		return fmt.Errorf("the state has %d tables, the game %d", len(st.Tables), len(s.tables))
	}
	for i := range st.Players {
		if p := st.Players[i].Player; p == 0 || p > st.Last || i > 0 && p <= st.Players[i-1].Player {
			return fmt.Errorf("player %d is out of order, or above the highest number given, %d", p, st.Last)
		}
	}
	return nil
}

func (s *state) restoreTable(ts *tableState, pages []PageState) error {
	if len(pages) > schema.MaxEntities/pageRows {
		return fmt.Errorf("%d pages, at most %d are possible", len(pages), schema.MaxEntities/pageRows)
	}
	for i := range pages {
		if err := s.restorePage(ts, s.grow(ts), &pages[i]); err != nil {
			return fmt.Errorf("page %d: %w", i, err)
		}
	}
	return nil
}

func (s *state) restorePage(ts *tableState, p *Page, from *PageState) error {
	t, rows := ts.def, from.Rows
	for row := range pageRows {
		if from.Generations[row] > schema.MaxGeneration {
			return fmt.Errorf("row %d has generation %d, at most %d is possible", row, from.Generations[row], schema.MaxGeneration)
		}
		p.meta[row].gen = from.Generations[row]
		if from.Used>>row&1 == 0 {
			continue
		}
		if len(rows) == 0 {
			return fmt.Errorf("row %d is missing", row)
		}
		rs := &rows[0]
		rows = rows[1:]
		if err := t.bind.restore(p.row(t, row), rs); err != nil {
			return fmt.Errorf("row %d: %w", row, err)
		}
		if len(rs.Columns) != len(t.wire.Columns) {
			return fmt.Errorf("row %d has %d columns, the game has %d", row, len(rs.Columns), len(t.wire.Columns))
		}
		if rs.Weight < 1 || rs.Weight > MaxWeight {
			return fmt.Errorf("row %d has weight %d, 1 to %d are possible", row, rs.Weight, MaxWeight)
		}
		p.heavy[row] = uint8(rs.Weight - 1)
		m := rowMeta{rights: rs.Rights, owner: rs.Owner, team: rs.Team, gen: from.Generations[row]}
		for i, tick := range rs.Columns {
			if t.others>>i&1 != 0 {
				m.dirty = max(m.dirty, tick)
			}
			if t.owner>>i&1 != 0 {
				m.own = max(m.own, tick)
			}
		}
		p.meta[row] = m
		copy(p.ColumnsDirty(row), rs.Columns)
		t.bind.quantise(p.row(t, row), p.Words(row), p.Texts(row))
		if err := p.restoreBase(t, row, rs.Base, uint32(s.tick)); err != nil {
			return fmt.Errorf("row %d: %w", row, err)
		}
		p.used |= 1 << row
		s.own(ref(t.index, p.id(row).Index()), 0, rs.Owner)
	}
	if len(rows) > 0 {
		return fmt.Errorf("%d rows too many", len(rows))
	}
	p.changed = from.Changed
	return nil
}

// restoreBase writes the base of a row's dead-reckoned fields.
func (p *Page) restoreBase(t *table, row int, base []uint32, tick uint32) error {
	if p.motion == nil {
		if len(base) > 0 {
			return fmt.Errorf("it has a base, and the game reckons none of its fields")
		}
		return nil
	}
	words := p.motion.Base(p.Words(row))
	if len(base) != len(words) {
		return fmt.Errorf("its base has %d values, the game's has %d", len(base), len(words))
	}
	for i, w := range base[1:] {
		if c := &t.wire.Columns[p.motion.First+1+i]; uint64(w)>>c.Bits != 0 {
			return fmt.Errorf("its base has a value of more than %d bits for %s", c.Bits, t.wire.Fields[c.Field].Name)
		}
	}
	if base[0] > tick {
		return fmt.Errorf("its base is of tick %d, which is yet to come", base[0])
	}
	copy(words, base)
	p.setMoving(row, p.motion.Moves(words))
	return nil
}

// restore writes exact values into a row.
func (b *binding) restore(row unsafe.Pointer, rs *RowState) error {
	values, texts := rs.Values, rs.Texts
	for i := range b.leaves {
		l := &b.leaves[i]
		switch {
		case l.kind == reflect.String && len(texts) > 0:
			*(*string)(unsafe.Add(row, l.offset)), texts = texts[0], texts[1:]
		case l.kind != reflect.String && len(values) > 0:
			l.setRaw(row, values[0])
			values = values[1:]
		default:
			return fmt.Errorf("it has fewer values than the game's row")
		}
	}
	if len(values)+len(texts) > 0 {
		return fmt.Errorf("it has more values than the game's row")
	}
	return nil
}

// commitRestored publishes restored pages as they are: nothing is stamped anew but the grid's cells.
func (w *World) commitRestored() {
	s := w.state
	v := w.newView()
	for i := range s.tables {
		ts := &s.tables[i]
		v.tables[i].pages = ts.pages
		if g := ts.def.grid; g != nil {
			v.tables[i].grid = restoreGrid(ts, g, uint32(s.tick))
		}
	}
	w.publish(v)
}

func restoreGrid(ts *tableState, g *gridShape, tick uint32) *grid {
	empty, all := newGrid(g), slices.Repeat([]bool{true}, int(g.ny))
	var moves []crossing
	for _, p := range ts.pages {
		for _, index := range appendRows(p, p.used, nil) {
			row := int(index & rowMask)
			words := p.Words(row)
			x := int32(ts.def.wire.Join(words, g.columns[0]))
			y := int32(ts.def.wire.Join(words, g.columns[1]))
			p.meta[row].place = g.place(x, y)
			moves = append(moves, crossing{cell: g.cellOf(p.meta[row].place), index: index, arrives: true})
		}
	}
	for i := range empty.stamps {
		empty.stamps[i] = tick
	}
	return empty.after(g, tick, empty.stamps, all, moves, ts.pages)
}
