package world

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/quicstep/quicstep/protocol/plain"
	"github.com/quicstep/quicstep/protocol/schema"
)

// binding connects a Go row type with its wire form. It is the one place that reads and writes rows by
// offset: the offsets come from reflection on the very type that the pointers point to.
type binding struct {
	typ    reflect.Type
	wire   *schema.Table
	size   uintptr
	leaves []leaf
	pos    [2]int // the leaves that are the position; meaningless without one

	members []int // the leaves of the dead-reckoned group's positions
}

// leaf is one plain value of a row and the columns that it becomes.
type leaf struct {
	offset  uintptr
	kind    reflect.Kind
	field   *schema.Field // nil when it never leaves the server
	columns []uint8
	own     []uint8 // the owner's finer columns; nil without
	base    []uint8 // the column in a dead-reckoned base, which others than the owner are sent; nil without
	textAt  uint8
}

// bindType binds a type. Exact makes ordinary fields of those that are dead-reckoned, and their velocities the owner's.
func bindType(name string, typ reflect.Type, exact bool) (*schema.Table, *binding, error) {
	wire, leaves, err := schema.FromType(name, typ)
	if err == nil && exact {
		for i := range wire.Fields {
			f := &wire.Fields[i]
			if f.Tolerance != 0 {
				wire.Fields[f.Velocity].Audience = schema.OwnerOnly
			}
			f.Tolerance, f.Velocity = 0, 0
		}
		wire, err = schema.NewTable(name, wire.Fields, wire.Pos)
	}
	if err != nil {
		return nil, nil, err
	}
	b := &binding{typ: typ, wire: wire, size: typ.Size()}
	if wire.Group != nil {
		b.members = make([]int, len(wire.Group.Members))
	}
	for _, l := range leaves {
		out := leaf{offset: l.Offset, kind: l.Kind}
		if l.Field >= 0 {
			out.field = &wire.Fields[l.Field]
			out.columns = wire.FieldColumns(l.Field, false)
			if out.field.OwnStep > 0 {
				out.own = wire.FieldColumns(l.Field, true)
			}
			out.textAt = wire.Columns[out.columns[0]].TextAt
			out.base = b.baseColumn(l.Field, len(b.leaves))
			for axis, field := range wire.Pos {
				if l.Field == field {
					b.pos[axis] = len(b.leaves)
				}
			}
		}
		b.leaves = append(b.leaves, out)
	}
	return wire, b, nil
}

// baseColumn is the column in the dead-reckoned base that a field has, whose leaf has a place; nil without.
func (b *binding) baseColumn(field, leaf int) []uint8 {
	g := b.wire.Group
	if g == nil {
		return nil
	}
	for i, m := range g.Members {
		switch field {
		case m.Field:
			b.members[i] = leaf
			return []uint8{uint8(g.First + 1 + 2*i)}
		case m.Velocity:
			return []uint8{uint8(g.First + 2 + 2*i)}
		}
	}
	return nil
}

// quantise writes a row's columns and texts. Fields outside of their range are clamped in the row itself, so that
// game code sees what clients see; it returns how many.
func (b *binding) quantise(row unsafe.Pointer, words []uint32, texts []string) (clamped int) {
	for i := range b.leaves {
		l := &b.leaves[i]
		if l.field == nil {
			continue
		}
		if l.kind == reflect.String {
			s, cut := clampText(*(*string)(unsafe.Add(row, l.offset)), int(l.field.Top))
			texts[l.textAt] = s
			if clamped += cut; cut > 0 {
				*(*string)(unsafe.Add(row, l.offset)) = s
			}
			continue
		}
		q, over := l.quantised(row, false)
		b.wire.Split(words, l.columns, q)
		if over {
			clamped++
			l.setQuantised(row, q, false)
		}
		if l.own != nil {
			q, _ := l.quantised(row, true)
			b.wire.Split(words, l.own, q)
		}
	}
	return clamped
}

func (l *leaf) quantised(row unsafe.Pointer, own bool) (q uint64, clamped bool) {
	p := unsafe.Add(row, l.offset)
	switch l.kind {
	case reflect.Float32:
		return l.field.QuantiseFloat(float64(*(*float32)(p)), own)
	case reflect.Float64:
		return l.field.QuantiseFloat(*(*float64)(p), own)
	}
	v := loadInt(p, l.kind)
	if l.field.Kind == schema.Int {
		return l.field.QuantiseInt(int64(v))
	}
	return l.field.QuantiseUint(v)
}

// store writes what words and texts hold into a row, at the owner's step when own is set. Fields that the
// class does not see become zero; their texts are empty already.
func (b *binding) store(row unsafe.Pointer, class schema.Class, words []uint32, texts []string) {
	for i := range b.leaves {
		l := &b.leaves[i]
		if l.field == nil {
			continue
		}
		p := unsafe.Add(row, l.offset)
		if l.kind == reflect.String {
			*(*string)(p) = texts[l.textAt]
			continue
		}
		if !l.field.Visible(class) {
			l.setRaw(row, 0)
			continue
		}
		columns, own := l.columns, false
		switch {
		case class == schema.Own && l.own != nil:
			columns, own = l.own, true
		case class != schema.Own && l.base != nil:
			columns = l.base
		}
		l.setQuantised(row, b.wire.Join(words, columns), own)
	}
}

// setQuantised writes the value that a quantised one stands for into a row.
func (l *leaf) setQuantised(row unsafe.Pointer, q uint64, own bool) {
	p := unsafe.Add(row, l.offset)
	switch l.kind {
	case reflect.Float32:
		*(*float32)(p) = float32(l.field.FloatOf(q, own))
	case reflect.Float64:
		*(*float64)(p) = l.field.FloatOf(q, own)
	default:
		storeInt(p, l.kind, uint64(l.field.IntOf(q)))
	}
}

// position reads where a row of a table with a position stands.
func (b *binding) position(row unsafe.Pointer) (x, y float64) {
	return b.leaves[b.pos[0]].number(row), b.leaves[b.pos[1]].number(row)
}

// positionOf is position for a value that stands in no table.
func positionOf[T any](b *binding, row *T) (x, y float64) { return b.position(unsafe.Pointer(row)) }

func (l *leaf) number(row unsafe.Pointer) float64 {
	p := unsafe.Add(row, l.offset)
	switch l.kind {
	case reflect.Float32:
		return float64(*(*float32)(p))
	case reflect.Float64:
		return *(*float64)(p)
	}
	if l.field.Kind == schema.Int {
		return float64(int64(loadInt(p, l.kind)))
	}
	return float64(loadInt(p, l.kind))
}

// raw reads a leaf's exact bits, for hashes and snapshots; strings are not raw.
func (l *leaf) raw(row unsafe.Pointer) uint64 {
	p := unsafe.Add(row, l.offset)
	switch l.kind {
	case reflect.Float32:
		return uint64(math.Float32bits(*(*float32)(p)))
	case reflect.Float64:
		return math.Float64bits(*(*float64)(p))
	}
	return loadInt(p, l.kind)
}

func (l *leaf) setText(row unsafe.Pointer, s string) { *(*string)(unsafe.Add(row, l.offset)) = s }

func (l *leaf) setRaw(row unsafe.Pointer, v uint64) {
	p := unsafe.Add(row, l.offset)
	switch l.kind {
	case reflect.Float32:
		*(*float32)(p) = math.Float32frombits(uint32(v))
	case reflect.Float64:
		*(*float64)(p) = math.Float64frombits(v)
	default:
		storeInt(p, l.kind, v)
	}
}

// loadInt reads a bool or an integer; signed ones are sign-extended.
func loadInt(p unsafe.Pointer, kind reflect.Kind) uint64 {
	switch kind {
	case reflect.Bool, reflect.Uint8:
		return uint64(*(*uint8)(p))
	case reflect.Int8:
		return uint64(*(*int8)(p))
	case reflect.Int16:
		return uint64(*(*int16)(p))
	case reflect.Uint16:
		return uint64(*(*uint16)(p))
	case reflect.Int32:
		return uint64(*(*int32)(p))
	case reflect.Uint32:
		return uint64(*(*uint32)(p))
	case reflect.Int:
		return uint64(*(*int)(p))
	case reflect.Uint:
		return uint64(*(*uint)(p))
	}
	return *(*uint64)(p)
}

func storeInt(p unsafe.Pointer, kind reflect.Kind, v uint64) {
	switch kind {
	case reflect.Bool:
		*(*bool)(p) = v != 0
	case reflect.Int8, reflect.Uint8:
		*(*uint8)(p) = uint8(v)
	case reflect.Int16, reflect.Uint16:
		*(*uint16)(p) = uint16(v)
	case reflect.Int32, reflect.Uint32:
		*(*uint32)(p) = uint32(v)
	case reflect.Int, reflect.Uint:
		*(*uint)(p) = uint(v)
	default:
		*(*uint64)(p) = v
	}
}

// clampText makes a string valid UTF-8 of at most so many bytes, cut at the start of a character.
func clampText(s string, most int) (text string, clamped int) {
	if !utf8.ValidString(s) {
		s, _ = clampText(strings.ToValidUTF8(s, "�"), most)
		return s, 1
	}
	if len(s) <= most {
		return s, 0
	}
	for most > 0 && s[most]&0xc0 == 0x80 {
		most--
	}
	return s[:most], 1
}

// appendRow writes a row of the bound type, refusing what is out of range.
func appendRow[T any](b *binding, dst []byte, row *T) ([]byte, error) {
	p := unsafe.Pointer(row)
	for i := range b.leaves {
		l := &b.leaves[i]
		if l.field == nil {
			continue
		}
		over := false
		if l.kind == reflect.String {
			text := *(*string)(unsafe.Add(p, l.offset))
			if _, cut := clampText(text, int(l.field.Top)); cut > 0 {
				return dst, l.outOfRange(p)
			}
			if err := plain.Check(text); err != nil {
				return dst, fmt.Errorf("%s %w; plain.Clean makes it fit", l.field.Name, err)
			}
		} else {
			_, over = l.quantised(p, false)
		}
		if over {
			return dst, l.outOfRange(p)
		}
	}
	return appendClamped(b, dst, row), nil
}

// outOfRange says which value of a row is not one that its field can have.
func (l *leaf) outOfRange(row unsafe.Pointer) error {
	switch f := l.field; f.Kind {
	case schema.Text:
		return fmt.Errorf("%s has %d bytes; valid UTF-8 of at most %d is possible", f.Name, len(*(*string)(unsafe.Add(row, l.offset))), f.Top)
	case schema.Float:
		return fmt.Errorf("%s is %v; its range is %v to %v", f.Name, l.number(row), f.Min, f.Max)
	default:
		return fmt.Errorf("%s is %v; its range is %d to %d", f.Name, l.number(row), f.IntOf(0), f.IntOf(f.Top))
	}
}

// appendClamped writes a row of the bound type, clamping what is out of range.
func appendClamped[T any](b *binding, dst []byte, row *T) []byte {
	words, texts := make([]uint32, len(b.wire.Columns)), make([]string, b.wire.Texts)
	b.quantise(unsafe.Pointer(row), words, texts)
	return b.wire.AppendRow(dst, schema.Own, b.wire.FullMask(schema.Own), words, texts)
}

// decodeRow reads what appendRow wrote. Bytes that are not that leave the row as it was: they were checked
// when they came in, and no bytes at all are the neutral input.
func decodeRow[T any](b *binding, row *T, data []byte) {
	if len(data) == 0 {
		return
	}
	var space [schema.MaxColumns]uint32
	words, texts := space[:len(b.wire.Columns)], make([]string, b.wire.Texts)
	if _, err := b.wire.ParseRow(data, schema.Own, b.wire.FullMask(schema.Own), words, texts); err == nil {
		b.store(unsafe.Pointer(row), schema.Own, words, texts)
	}
}
