package world

import (
	"fmt"
	"iter"
	"math"
	"math/bits"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/quicstep/quicstep/protocol/schema"
)

// Value is what a field of a row holds, exactly, without its Go type.
type Value struct {
	// Bits is a number: of a float the bits of its float64, of an integer its two's complement, of an ID itself, of a bool 0
	// or 1.
	Bits uint64
	// Text is a text's.
	Text string
}

// Format writes a value of a field as people read it; ParseValue reads that again.
func (v Value) Format(f *schema.Field) string {
	switch f.Kind {
	case schema.Bool:
		return strconv.FormatBool(v.Bits != 0)
	case schema.Int:
		return strconv.FormatInt(int64(v.Bits), 10)
	case schema.Float:
		return strconv.FormatFloat(math.Float64frombits(v.Bits), 'g', -1, 64)
	case schema.Text:
		return v.Text
	case schema.Entity:
		if v.Bits == 0 {
			return "none"
		}
		return ID(v.Bits).String()
	}
	return strconv.FormatUint(v.Bits, 10)
}

// ParseValue reads a value for a field. One that the field can't have is an error that says what it can have.
func ParseValue(f *schema.Field, text string) (v Value, err error) {
	switch f.Kind {
	case schema.Bool:
		var is bool
		if is, err = strconv.ParseBool(text); is {
			v.Bits = 1
		}
	case schema.Int:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		v.Bits = uint64(n)
	case schema.Float:
		var x float64
		x, err = strconv.ParseFloat(text, 64)
		v.Bits = math.Float64bits(x)
	case schema.Text:
		v.Text = text
	case schema.Entity:
		var id ID
		if text != "none" {
			id, err = ParseID(text)
		}
		v.Bits = uint64(id)
	default:
		v.Bits, err = strconv.ParseUint(text, 10, 64)
	}
	if err != nil || !fits(f, v) {
		return Value{}, fmt.Errorf("%s can't be %q: it takes %s", f.Name, text, takes(f))
	}
	return v, nil
}

// fits tells whether a field can have a value as it is.
func fits(f *schema.Field, v Value) bool {
	clamped := false
	switch f.Kind {
	case schema.Text:
		return len(v.Text) <= int(f.Top) && utf8.ValidString(v.Text)
	case schema.Float:
		x := math.Float64frombits(v.Bits)
		return x >= f.Min && x <= f.Max
	case schema.Int:
		_, clamped = f.QuantiseInt(int64(v.Bits))
	case schema.Entity:
		return v.Bits <= math.MaxUint32
	default:
		_, clamped = f.QuantiseUint(v.Bits)
	}
	return !clamped
}

// takes says which values a field can have.
func takes(f *schema.Field) string {
	switch f.Kind {
	case schema.Bool:
		return "true or false"
	case schema.Text:
		return fmt.Sprintf("a text of at most %d bytes", f.Top)
	case schema.Float:
		return fmt.Sprintf("a number from %v to %v", f.Min, f.Max)
	case schema.Entity:
		return "an ID, as in 17.2, or none"
	case schema.Int:
		return fmt.Sprintf("an integer from %d to %d", f.IntOf(0), f.IntOf(f.Top))
	}
	return fmt.Sprintf("an integer from %d to %d", uint64(f.IntOf(0)), uint64(f.IntOf(f.Top)))
}

// ParseID reads an ID as its String writes it, index.generation; the generation may be missing, and is zero then.
func ParseID(text string) (ID, error) {
	indexText, generationText, both := strings.Cut(text, ".")
	index, err := strconv.ParseUint(indexText, 10, schema.IndexBits)
	if err != nil {
		return 0, fmt.Errorf("%q is no index of a row, as in 17, nor an ID, as in 17.2", text)
	}
	generation := uint64(0)
	if both {
		if generation, err = strconv.ParseUint(generationText, 10, 16); err != nil || generation > schema.MaxGeneration {
			return 0, fmt.Errorf("%q has no generation of 1 to %d", text, schema.MaxGeneration)
		}
	}
	return schema.MakeID(uint32(index), uint16(generation)), nil
}

// fieldLeaf is the leaf that holds a field of the schema; nil when there is none.
func (b *binding) fieldLeaf(field int) *leaf {
	if field < 0 || field >= len(b.wire.Fields) {
		return nil
	}
	for i := range b.leaves {
		if b.leaves[i].field == &b.wire.Fields[field] {
			return &b.leaves[i]
		}
	}
	return nil
}

// held reads a leaf exactly.
func (l *leaf) held(row unsafe.Pointer) Value {
	switch l.kind {
	case reflect.String:
		return Value{Text: *(*string)(unsafe.Add(row, l.offset))}
	case reflect.Float32:
		return Value{Bits: math.Float64bits(float64(*(*float32)(unsafe.Add(row, l.offset))))}
	}
	return Value{Bits: l.raw(row)}
}

// setValue writes a leaf.
func (l *leaf) setValue(row unsafe.Pointer, v Value) {
	switch l.kind {
	case reflect.String:
		l.setText(row, v.Text)
	case reflect.Float32:
		*(*float32)(unsafe.Add(row, l.offset)) = float32(math.Float64frombits(v.Bits))
	default:
		l.setRaw(row, v.Bits)
	}
}

// Row is a row of a View without its Go type, for whoever knows the game by its schema alone.
type Row struct {
	ID    ID
	Owner Player
	Team  TeamID

	page *Page
	def  *table
}

// Row finds a row; a generation of zero stands for whichever is there. Ok is false when there is none.
func (v *View) Row(table int, id ID) (r Row, ok bool) {
	pages := v.tables[table].pages
	n := int(id.Index() >> pageShift)
	if n >= len(pages) || pages[n] == nil {
		return Row{}, false
	}
	row := int(id.Index() & rowMask)
	if p := pages[n]; p.used>>row&1 == 0 || id.Generation() != 0 && id.Generation() != p.meta[row].gen {
		return Row{}, false
	}
	return v.row(table, pages[n], row), true
}

// Rows iterates over the rows of a table, in the order of their indexes.
func (v *View) Rows(table int) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, p := range v.tables[table].pages {
			if p == nil {
				continue
			}
			for used := p.used; used != 0; used &= used - 1 {
				if !yield(v.row(table, p, bits.TrailingZeros64(used))) {
					return
				}
			}
		}
	}
}

func (v *View) row(table int, p *Page, row int) Row {
	return Row{ID: p.id(row), Owner: p.meta[row].owner, Team: p.meta[row].team, page: p, def: v.def.tables[table]}
}

// Len is the number of a table's rows.
func (v *View) Len(table int) (n int) {
	for _, p := range v.tables[table].pages {
		if p != nil {
			n += bits.OnesCount64(p.used)
		}
	}
	return n
}

// Value is what the row's field holds, named by its place in the schema's table.
func (r Row) Value(field int) Value {
	return r.def.bind.fieldLeaf(field).held(r.page.row(r.def, int(r.ID.Index()&rowMask)))
}

// Changed is the latest tick, as 32 bits, in which clients could tell that the field changed.
func (r Row) Changed(field int) (tick uint32) {
	dirty := r.page.ColumnsDirty(int(r.ID.Index() & rowMask))
	l := r.def.bind.fieldLeaf(field)
	for _, columns := range [][]uint8{l.columns, l.own} {
		for _, c := range columns {
			tick = max(tick, dirty[c])
		}
	}
	return tick
}
