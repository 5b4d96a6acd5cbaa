package world

import (
	"math"
	"reflect"
	"unsafe"

	"github.com/quicstep/quicstep/protocol/schema"
)

// What is shown of others is some time old, so that there are records before and after it to go between. Client and server
// reckon it by the code in this file, so that Tx.Seen is what was on the player's screen.

// Moment is a time in ticks, in units of a 128th of a tick.
type Moment uint64

// MomentsPerTick is how many Moments a tick has.
const MomentsPerTick = 128

// MomentOf is a tick, and a part of the next one in 128ths, 0 to 127.
func MomentOf(tick uint64, part int) Moment { return Moment(tick*MomentsPerTick) + Moment(part) }

// Tick is the last whole tick that is not after the moment.
func (m Moment) Tick() uint64 { return uint64(m) / MomentsPerTick }

// Part is how much of the next tick has passed, in 128ths.
func (m Moment) Part() int { return int(m % MomentsPerTick) }

// Mode is how a table's rows are shown to those who don't own them.
type Mode uint8

// The modes. Strings, integers, bools and ids are as in the newest record that is not after the moment, or with Latest
// in the newest of all. Dead-reckoned fields are by their formula at the moment, and between two ticks on the line
// between them, in every mode.
const (
	// Interpolate shows floats between the two records around the moment. It is the default of tables with a position.
	Interpolate Mode = iota + 1
	// Extrapolate does too, and where there is no record after the moment lets floats go on as they went before, for
	// ExtrapolateTicks.
	Extrapolate
	// Latest shows the newest record, whatever the moment. It is the default of tables without a position.
	Latest
)

const (
	// GapMax is the longest time between an entity's records, in ticks, that counts as its usual one: how long it may take
	// to come from one record to the next on the screen. What rested for longer then does not slide over all of its rest.
	GapMax = 8
	// ExtrapolateTicks is for how many ticks floats go on without a record; see Extrapolate.
	ExtrapolateTicks = 8
)

// ShownAs sets how a table's rows are shown to those who don't own them; see Mode.
func ShownAs(m Mode) TableOption { return func(o *tableOptions) { o.mode = m } }

// ShownModes is how the tables of a game are shown, in their order. It seals the definition, like SchemaOf.
func ShownModes(g Game) ([]Mode, error) {
	d := g.definition()
	if err := d.seal(); err != nil {
		return nil, err
	}
	out := make([]Mode, len(d.tables))
	for i, t := range d.tables {
		out[i] = t.mode
	}
	return out, nil
}

// Record is what a client knows of an entity as of one tick, the register's (docs/protocol.md §7).
type Record struct {
	// Tick is from 1; zero is no record.
	Tick uint64
	// Class is what the client was to the row.
	Class schema.Class
	// Words are all columns of the row, a base with its whole tick; those that the class does not see mean nothing.
	Words []uint32
}

// Span is an entity's records around a moment, all of one generation. From is the newest that is not after the moment, and
// must be there; To is the one after it and Before the one before it, as far as they are known. With Latest, From is the
// newest of all, the moment that of the newest tick, and the others don't count.
type Span struct{ Before, From, To Record }

// Show makes of a row, which is as in Span.From, what is shown at a moment: it writes the floats that the class sees, and
// nothing else. Motion is that of the table's wire at the room's tick period; nil for a table without dead-reckoned fields.
//
// A float goes from From to To, angles the shorter way. It sets out at From when To came within twice the entity's usual
// gap (so one lost record is no rest), otherwise as late as that gap before To; the gap is the ticks from Before to From,
// GapMax at most, and one without Before. Without To it stays, or goes on; see Extrapolate.
func (t Table[T]) Show(row *T, m *schema.Motion, at Moment, s *Span) {
	t.def.show(unsafe.Pointer(row), m, at, s)
}

func (t *table) show(row unsafe.Pointer, m *schema.Motion, at Moment, s *Span) {
	from, to, along := &s.From, &s.To, s.along(t.mode, at)
	switch {
	case t.mode == Extrapolate && to.Tick == 0:
		from, to = &s.Before, &s.From
	case to.Tick == 0 || to.Class != from.Class:
		to, along = from, 0
	}
	if from.Class != to.Class || from.Tick == 0 {
		from, to, along = &s.From, &s.From, 0
	}
	for i := range t.bind.leaves {
		l := &t.bind.leaves[i]
		if l.field == nil || l.field.Kind != schema.Float || !l.field.Visible(s.From.Class) {
			continue
		}
		if l.base != nil && s.From.Class != schema.Own {
			l.setQuantised(row, t.wire.Join(s.From.Words, l.base), false)
			continue
		}
		l.setNumber(row, l.between(l.value(t.wire, from), l.value(t.wire, to), along))
	}
	if m != nil && s.From.Class != schema.Own && t.wire.Fields[m.Members[0].Field].Visible(s.From.Class) {
		t.showReckoned(row, m, at, s)
	}
}

// along is how far a moment is on the way that floats go: from From to To, or on without To from Before to From and
// beyond.
func (s *Span) along(mode Mode, at Moment) float64 {
	switch {
	case mode == Latest:
		return 0
	case s.To.Tick != 0:
		return portion(s.SetsOut(), s.To.Tick, at)
	case mode == Extrapolate:
		at = min(at, MomentOf(s.From.Tick+ExtrapolateTicks, 0))
		return 1 + portion(s.From.Tick, s.From.Tick+s.gap(), at)
	}
	return 0
}

// SetsOut is the tick at which floats set out from From to To, which must be there.
func (s *Span) SetsOut() uint64 {
	if gap := s.gap(); s.To.Tick-s.From.Tick > 2*gap {
		return s.To.Tick - gap
	}
	return s.From.Tick
}

// gap is the usual one between the entity's records, in ticks.
func (s *Span) gap() uint64 {
	if s.Before.Tick == 0 {
		return 1
	}
	return max(1, min(s.From.Tick-s.Before.Tick, GapMax))
}

// portion is the part of the way between two ticks that is behind one at a moment; zero before, and above one afterwards.
func portion(start, end uint64, at Moment) float64 {
	if at <= MomentOf(start, 0) {
		return 0
	}
	return float64(at-MomentOf(start, 0)) / float64(MomentsPerTick*max(1, end-start))
}

// value is a float as a record tells it.
func (l *leaf) value(wire *schema.Table, r *Record) float64 {
	if r.Class == schema.Own && l.own != nil {
		return l.field.FloatOf(wire.Join(r.Words, l.own), true)
	}
	return l.field.FloatOf(wire.Join(r.Words, l.columns), false)
}

// between is what lies on the way from one value to another, angles the shorter way, and within the field's range.
func (l *leaf) between(from, to, along float64) float64 {
	if along == 0 || from == to {
		return from
	}
	f, way := l.field, to-from
	if !f.Wrap {
		return max(f.Min, min(from+float64(way*along), f.Max))
	}
	turn := f.Max - f.Min
	if way > turn/2 {
		way -= turn
	} else if way < -turn/2 {
		way += turn
	}
	at := math.Mod(from+float64(way*along)-f.Min, turn)
	if at < 0 {
		at += turn
	}
	return f.Min + at
}

// setNumber writes a float into a row.
func (l *leaf) setNumber(row unsafe.Pointer, v float64) {
	if p := unsafe.Add(row, l.offset); l.kind == reflect.Float32 {
		*(*float32)(p) = float32(v)
	} else {
		*(*float64)(p) = v
	}
}

// showReckoned writes the dead-reckoned fields of a row: at whole ticks by the base in From, from To on by that of To, and
// in between on the line. What goes farther in a tick than its velocity can carry it was put there, and jumps.
func (t *table) showReckoned(row unsafe.Pointer, m *schema.Motion, at Moment, s *Span) {
	tick, base := at.Tick(), m.Base(s.From.Words)
	next := base
	if s.To.Tick == tick+1 && s.To.Class == s.From.Class && t.mode != Latest {
		next = m.Base(s.To.Words)
	}
	along := float64(at.Part()) / MomentsPerTick
	for i, n := range t.bind.members {
		l := &t.bind.leaves[n]
		q := m.Position(base, i, uint32(tick))
		v := l.field.FloatOf(q, false)
		if along > 0 {
			then := m.Position(next, i, uint32(tick+1))
			if max(q, then)-min(q, then) <= m.Reach(i) {
				v += float64((l.field.FloatOf(then, false) - v) * along)
			}
		}
		l.setNumber(row, v)
	}
}
