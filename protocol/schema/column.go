package schema

import (
	"fmt"
	"strconv"
)

const (
	fineBits = 14 // two limbs: the fine part of a position
	wordBits = 32 // the widest column
)

// Column is one value on the wire: a field, or a part of one. It has its own bit in the change mask and
// its own dirty tick, so a mover whose coarse position stands still sends the fine part alone.
type Column struct {
	// Field is the place in Table.Fields.
	Field uint8
	// Shift and Bits cut the column out of the field's quantised value. Bits is zero for text.
	Shift, Bits uint8
	// Limbs is the number of bytes that the column takes; zero for text.
	Limbs uint8
	// Own marks a column at the owner's finer step.
	Own bool
	// Base marks a column of the dead-reckoned group. The first of them, the base's tick, stands for all; its Limbs
	// are those of the whole group.
	Base bool
	// TextAt is the place among the row's texts, for a text column.
	TextAt uint8
}

// IsText tells whether the column holds a string.
func (c *Column) IsText() bool { return c.Bits == 0 }

// deriveColumns splits the fields into columns and numbers them for each class.
func (t *Table) deriveColumns() error {
	t.Columns, t.Texts = nil, 0
	t.fields = make([][]uint8, len(t.Fields))
	t.owns = make([][]uint8, len(t.Fields))
	if len(t.Fields) > MaxColumns {
		return fmt.Errorf("%d fields, at most %d are possible (field %s is one too many): split the table", len(t.Fields), MaxColumns, t.Fields[MaxColumns].Name)
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		if err := f.check(); err != nil {
			return err
		}
		if err := t.addColumns(i, false); err != nil {
			return err
		}
		if f.OwnStep > 0 {
			if err := t.addColumns(i, true); err != nil {
				return err
			}
		}
	}
	if err := t.deriveGroup(); err != nil {
		return err
	}
	return t.classColumns()
}

func (t *Table) addColumns(field int, own bool) error {
	f := &t.Fields[field]
	if f.Kind == Text {
		t.addColumn(Column{Field: uint8(field), TextAt: uint8(t.Texts)})
		t.Texts++
		return nil
	}
	width, low := f.bits(own), wordBits
	if t.Pos[0] == field || t.Pos[1] == field {
		low = fineBits
		if width > MaxPositionBits && !own {
			return fmt.Errorf("%s: a position may have 2^%d steps, this range has %d; make step larger", f.Name, MaxPositionBits, f.Top)
		}
	}
	if width > low {
		t.addColumn(Column{Field: uint8(field), Shift: uint8(low), Bits: uint8(width - low), Own: own})
		width = low
	}
	t.addColumn(Column{Field: uint8(field), Bits: uint8(width), Own: own})
	return nil
}

func (t *Table) addColumn(c Column) {
	c.Limbs = (c.Bits + 6) / 7
	at := uint8(len(t.Columns))
	t.Columns = append(t.Columns, c)
	if c.Own {
		t.owns[c.Field] = append(t.owns[c.Field], at)
	} else {
		t.fields[c.Field] = append(t.fields[c.Field], at)
	}
}

func (t *Table) classColumns() error {
	if len(t.Columns) > MaxColumns {
		over := t.Columns[MaxColumns]
		return fmt.Errorf("the fields need %d columns on the wire, at most %d are possible (field %s is one too many): split the table", len(t.Columns), MaxColumns, t.Fields[over.Field].Name)
	}
	for class := range Classes {
		t.classes[class] = nil
		for i := range t.Columns {
			if t.sees(class, &t.Columns[i]) && (!t.Columns[i].Base || i == t.Group.First) {
				t.classes[class] = append(t.classes[class], uint8(i))
			}
		}
		t.wide[class] = len(t.classes[class]) > 7
	}
	return nil
}

// sees is the rule of rights: which columns of a row a class is ever sent.
func (t *Table) sees(class Class, c *Column) bool {
	f := &t.Fields[c.Field]
	switch {
	case c.Base:
		return class != Own && f.Visible(class)
	case t.member[c.Field] && class != Own:
		return false // it gets the base
	case f.OwnStep > 0:
		return c.Own == (class == Own)
	}
	return f.Visible(class)
}

// Until returns the end of the columns that travel under the bit of one: of the whole group for its first, else of the
// column alone.
func (t *Table) Until(at uint8) uint8 {
	if t.Columns[at].Base {
		return uint8(len(t.Columns))
	}
	return at + 1
}

// FieldColumns returns the columns that hold a field, the most significant first: at the owner's step when
// own is set and the field has one.
func (t *Table) FieldColumns(field int, own bool) []uint8 {
	if own && len(t.owns[field]) > 0 {
		return t.owns[field]
	}
	return t.fields[field]
}

// Split writes a quantised value into the columns of a field.
func (t *Table) Split(words []uint32, columns []uint8, q uint64) {
	for _, at := range columns {
		c := &t.Columns[at]
		words[at] = uint32(q >> c.Shift & (1<<c.Bits - 1))
	}
}

// Join reads a quantised value from the columns of a field.
func (t *Table) Join(words []uint32, columns []uint8) uint64 {
	var q uint64
	for _, at := range columns {
		q |= uint64(words[at]) << t.Columns[at].Shift
	}
	return q
}

// ValueText is the value, as a person reads it, of the field that a column belongs to, from a row's columns and texts.
func (t *Table) ValueText(column uint8, words []uint32, texts []string) string {
	c := &t.Columns[column]
	f := &t.Fields[c.Field]
	columns := t.FieldColumns(int(c.Field), c.Own)
	if c.Base {
		columns = []uint8{column}
		if int(column) == t.Group.First {
			return fmt.Sprintf("based on tick %d mod %d", words[column]&tickMask, tickMask+1)
		}
	}
	if f.Kind == Text {
		return texts[t.Columns[columns[0]].TextAt]
	}
	switch q := t.Join(words, columns); f.Kind {
	case Bool:
		return strconv.FormatBool(q != 0)
	case Float:
		return strconv.FormatFloat(f.FloatOf(q, c.Own), 'g', -1, 64)
	case Entity:
		return ID(q).String()
	case Uint:
		return strconv.FormatUint(uint64(f.IntOf(q)), 10)
	default:
		return strconv.FormatInt(f.IntOf(q), 10)
	}
}

// RowBytesMax is the length of the longest full row of any class.
func (t *Table) RowBytesMax() int {
	most := 0
	for c := range Classes {
		size, _ := t.rowBytesMax(c)
		most = max(most, size)
	}
	return most
}

// rowBytesMax is the longest full row of a class, and the field with which it passes MaxRowBytes, if any does.
func (t *Table) rowBytesMax(class Class) (size int, over string) {
	for _, at := range t.classes[class] {
		c := &t.Columns[at]
		f := &t.Fields[c.Field]
		size += int(c.Limbs)
		if c.IsText() {
			size += 2 + int(f.Top)
		}
		if size > MaxRowBytes && over == "" {
			over = f.Name
		}
	}
	return size, over
}
