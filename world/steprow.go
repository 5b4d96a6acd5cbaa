package world

import (
	"math"
	"reflect"
	"strconv"
	"unsafe"

	"github.com/quicstep/quicstep/protocol/schema"
)

// client is a replica of a player's, with what a server would have told it by now. At the edges, the player's own rows are
// others than the server's.
func (s *stepCaser) client(p Player, edge bool) (*Replica, error) {
	r, err := NewReplica(s.game, p, s.TickPeriodNS)
	if err != nil {
		return nil, err
	}
	tell(r, s.view, func(t *schema.Table, words []uint32) []uint32 {
		if !edge {
			return words
		}
		return s.toEdges(t, words)
	})
	return r, nil
}

// toEdges makes of a row's columns others: each number the lowest, the highest, the one next to these, anything, or as it is.
func (s *stepCaser) toEdges(t *schema.Table, words []uint32) []uint32 {
	words = append([]uint32(nil), words...)
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Kind == schema.Text || f.Kind == schema.Entity {
			continue
		}
		top := f.Top
		if f.OwnStep > 0 {
			top = f.OwnTop
		}
		var q uint64
		switch s.chance.IntN(8) {
		case 0:
		case 1:
			q = min(1, top)
		case 2:
			q = top
		case 3:
			q = top - min(1, top)
		case 4, 5:
			if q = s.chance.Uint64(); top < math.MaxUint64 {
				q %= top + 1
			}
		default:
			continue
		}
		t.Split(words, t.FieldColumns(i, f.OwnStep > 0), q)
	}
	return words
}

// rows are the replica's own rows as they are now, for a case that began with a tick.
func (s *stepCaser) rows(r *Replica, first uint64) []StepRow {
	out := []StepRow{}
	r.state.eachOwned(r.me, func(ts *tableState, page *Page, row int) {
		made := StepRow{Table: ts.def.name, ID: page.id(row), Fields: ts.def.bind.fields(page.row(ts.def, row))}
		if o := page.Origin(row); o.Insert != 0 && uint64(o.Tick) >= first {
			made.Made = &o
		}
		out = append(out, made)
	})
	return out
}

// fields are the values of a row's fields, in the order of the schema.
func (b *binding) fields(row unsafe.Pointer) []any {
	out := make([]any, 0, len(b.leaves))
	for i := range b.leaves {
		if l := &b.leaves[i]; l.field != nil {
			out = append(out, l.plain(row))
		}
	}
	return out
}

// plain is a leaf's value as JSON has it: integers that a double does not hold are strings.
func (l *leaf) plain(row unsafe.Pointer) any {
	const exact = 1<<53 - 1
	p := unsafe.Add(row, l.offset)
	switch {
	case l.kind == reflect.String:
		return *(*string)(p)
	case l.kind == reflect.Float32:
		return *(*float32)(p)
	case l.kind == reflect.Float64:
		return *(*float64)(p)
	case l.kind == reflect.Bool:
		return loadInt(p, l.kind) != 0
	case l.field.Kind == schema.Int:
		v := int64(loadInt(p, l.kind))
		if v < -exact || v > exact {
			return strconv.FormatInt(v, 10)
		}
		return v
	}
	v := loadInt(p, l.kind)
	if v > exact {
		return strconv.FormatUint(v, 10)
	}
	return v
}
