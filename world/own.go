package world

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"github.com/quicstep/quicstep/protocol/schema"
)

// OwnRows are a player's own rows at a tick, for predictions to be compared and drawn by. The zero value is empty, and it
// may be used again.
type OwnRows struct {
	// Tick is the tick; zero before the first use.
	Tick   uint64
	rows   []ownRow
	values []uint64 // per row those of its leaves, as raw bits
	texts  []string
}

// ownRow is one row, and where its values and texts begin.
type ownRow struct {
	table         *table
	id            ID
	origin        Origin
	values, texts int
}

// Own copies the replica's own rows as they are now, predictions included, as those of a tick.
func (r *Replica) Own(tick uint64, into *OwnRows) { into.copy(r.state, r.me, tick) }

func (o *OwnRows) copy(s *state, p Player, tick uint64) {
	o.Tick, o.rows, o.values, o.texts = tick, o.rows[:0], o.values[:0], o.texts[:0]
	s.eachOwned(p, func(ts *tableState, page *Page, row int) {
		o.rows = append(o.rows, ownRow{table: ts.def, id: page.id(row), origin: page.Origin(row), values: len(o.values), texts: len(o.texts)})
		at := page.row(ts.def, row)
		for i := range ts.def.bind.leaves {
			l := &ts.def.bind.leaves[i]
			if l.kind == reflect.String {
				o.values = append(o.values, 0)
				o.texts = append(o.texts, *(*string)(unsafe.Add(at, l.offset)))
			} else {
				o.values = append(o.values, l.raw(at))
			}
		}
	})
}

// eachOwned calls do for each row of a player's that is there; do may write to it.
func (s *state) eachOwned(p Player, do func(ts *tableState, page *Page, row int)) {
	me := s.player(p)
	if me == nil {
		return
	}
	for _, rf := range me.owned {
		ts, index := &s.tables[rf>>schema.IndexBits], rf&(schema.MaxEntities-1)
		page, row := ts.page(index>>pageShift), int(index&rowMask)
		if page != nil && page.used>>row&1 != 0 {
			do(ts, page, row)
		}
	}
}

// find returns the same row among others, by its origin or its ID; nil when it is not there.
func (o *OwnRows) find(table *table, id ID, origin Origin) *ownRow {
	for i := range o.rows {
		r := &o.rows[i]
		if r.table == table && r.origin.names(origin, r.id, id) {
			return r
		}
	}
	return nil
}

// number is a leaf's value as a number; strings have none.
func (l *leaf) numberOf(raw uint64) float64 {
	switch {
	case l.kind == reflect.Float32:
		return float64(math.Float32frombits(uint32(raw)))
	case l.kind == reflect.Float64:
		return math.Float64frombits(raw)
	case l.kind >= reflect.Int && l.kind <= reflect.Int64:
		return float64(int64(raw))
	}
	return float64(raw)
}

// Misprediction is one field of a row that was predicted otherwise than the server has it.
type Misprediction struct {
	// Tick is the tick for which it was predicted.
	Tick uint64
	// Table and Field are its names; the field is "row" for a row that was predicted and is not there, or that an input has
	// made and was not predicted.
	Table, Field string
	ID           ID
	// Predicted and Server are the values, for a person.
	Predicted, Server string
	// Size is how far they are apart, in the field's own units: an angle the shorter way, 1 for what is no number.
	Size float64
}

// Compare calls report for each field of rows that the server has which is not as predicted. Floats differ when they are
// more than their step apart: what is predicted begins with rounded values, and is not rounded itself. Fields that never
// leave the server are not compared, and nor are rows that came or went without an input of the player's.
func (o *OwnRows) Compare(predicted *OwnRows, report func(Misprediction)) {
	for i := range o.rows {
		now := &o.rows[i]
		was := predicted.find(now.table, now.id, now.origin)
		switch {
		case was != nil:
			o.compareRow(now, predicted, was, report)
		case now.origin.Insert != 0 && uint64(now.origin.Tick) == uint64(uint32(o.Tick)):
			report(Misprediction{Tick: o.Tick, Table: now.table.name, ID: now.id, Field: "row", Predicted: "none", Server: "there", Size: 1})
		}
	}
	for i := range predicted.rows {
		was := &predicted.rows[i]
		if was.origin.Insert != 0 && o.find(was.table, was.id, was.origin) == nil && uint64(was.origin.Tick) == uint64(uint32(o.Tick)) {
			report(Misprediction{Tick: o.Tick, Table: was.table.name, ID: was.id, Field: "row", Predicted: "there", Server: "none", Size: 1})
		}
	}
}

func (o *OwnRows) compareRow(now *ownRow, predicted *OwnRows, was *ownRow, report func(Misprediction)) {
	text := 0
	for i := range now.table.bind.leaves {
		l := &now.table.bind.leaves[i]
		if l.kind == reflect.String {
			a, b := predicted.texts[was.texts+text], o.texts[now.texts+text]
			if text++; l.field != nil && a != b {
				report(Misprediction{Tick: o.Tick, Table: now.table.name, ID: now.id, Field: l.field.Name, Predicted: a, Server: b, Size: 1})
			}
			continue
		}
		a, b := predicted.values[was.values+i], o.values[now.values+i]
		if l.field == nil || a == b {
			continue
		}
		if size := l.apart(a, b); size > l.slack() {
			report(Misprediction{
				Tick: o.Tick, Table: now.table.name, ID: now.id, Field: l.field.Name, Size: size,
				Predicted: fmt.Sprint(l.numberOf(a)), Server: fmt.Sprint(l.numberOf(b)),
			})
		}
	}
}

// apart is how far two values are from each other.
func (l *leaf) apart(a, b uint64) float64 {
	if l.field.Kind == schema.Entity || l.field.Kind == schema.Bool {
		return 1
	}
	return math.Abs(l.way(l.numberOf(a), l.numberOf(b)))
}

// way is from one value to another, of an angle the shorter one.
func (l *leaf) way(from, to float64) float64 {
	way := to - from
	if l.field.Wrap {
		way = math.Remainder(way, l.field.Max-l.field.Min)
	}
	return way
}

// slack is by how much a predicted value may differ.
func (l *leaf) slack() float64 {
	if l.field.Kind == schema.Float {
		return l.field.Step
	}
	return 0
}

// Easing is by how much own rows are drawn away from where they are predicted, so that a correction shows little by
// little. The zero value is none.
type Easing struct{ rows []easedRow }

type easedRow struct {
	table  *table
	id     ID
	origin Origin
	off    []float64 // per leaf
}

// teleportShare is the part of a float's range from which on a correction is not eased, unless the game says how much.
const teleportShare = 1.0 / 64

// Teleport sets from which distance on, in the units of the fields, a row that is predicted wrongly is drawn at its right
// place at once rather than eased there: along an axis for a table with a position, of any float otherwise. The default
// is a 64th of the field's range; a negative distance eases nothing.
func Teleport(distance float64) TableOption {
	return func(o *tableOptions) { o.teleport = distance }
}

// Correct takes what was predicted for a tick and what is by now.
func (e *Easing) Correct(before, after *OwnRows) {
	rows := make([]easedRow, 0, len(after.rows))
	for i := range after.rows {
		now := &after.rows[i]
		was := before.find(now.table, now.id, now.origin)
		if was == nil {
			continue
		}
		off := make([]float64, len(now.table.bind.leaves))
		if old := e.find(now.table, now.id, now.origin); old != nil {
			copy(off, old.off)
		}
		for leaf := range off {
			l := &now.table.bind.leaves[leaf]
			if l.field == nil || l.field.Kind != schema.Float {
				continue
			}
			d := l.way(l.numberOf(after.values[now.values+leaf]), l.numberOf(before.values[was.values+leaf]))
			if now.table.teleports(l, leaf, d) {
				clear(off)
				break
			}
			off[leaf] += d
		}
		rows = append(rows, easedRow{table: now.table, id: now.id, origin: now.origin, off: off})
	}
	e.rows = rows
}

// teleports tells whether a correction of a field is too large to be eased.
func (t *table) teleports(l *leaf, at int, off float64) bool {
	if t.wire.Positioned() && at != t.bind.pos[0] && at != t.bind.pos[1] {
		return false
	}
	most := t.teleport
	if most == 0 {
		most = (l.field.Max - l.field.Min) * teleportShare
	}
	return math.Abs(off) > most
}

// Fade leaves a share, 0 to 1, of what is eased.
func (e *Easing) Fade(share float64) {
	for i := range e.rows {
		for leaf := range e.rows[i].off {
			e.rows[i].off[leaf] *= share
		}
	}
}

func (e *Easing) find(table *table, id ID, origin Origin) *easedRow {
	for i := range e.rows {
		r := &e.rows[i]
		if r.table == table && r.origin.names(origin, r.id, id) {
			return r
		}
	}
	return nil
}

// ShowOwn writes into the own rows' floats what lies between two ticks, along from 0 to 1, and what is eased. Everything
// else is as at the later tick. It counts as a prediction: Unpredict takes it back.
func (r *Replica) ShowOwn(from, to *OwnRows, along float64, e *Easing) {
	s := r.state
	r.predict()
	s.eachOwned(r.me, func(ts *tableState, page *Page, row int) {
		id, origin := page.id(row), page.Origin(row)
		b := to.find(ts.def, id, origin)
		if b == nil {
			return
		}
		a := from.find(ts.def, id, origin)
		eased := e.find(ts.def, id, origin)
		at := s.write(ts, page.number).row(ts.def, row)
		for i := range ts.def.bind.leaves {
			l := &ts.def.bind.leaves[i]
			if l.field == nil || l.field.Kind != schema.Float {
				continue
			}
			v := l.numberOf(to.values[b.values+i])
			if a != nil {
				v = l.between(l.numberOf(from.values[a.values+i]), v, along)
			}
			if eased != nil && eased.off[i] != 0 {
				v = l.between(v, v+eased.off[i], 1)
			}
			l.setNumber(at, v)
		}
	})
}
