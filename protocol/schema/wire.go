package schema

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
)

// Append writes the schema as one msgpack array (docs/protocol.md §8):
// [game, [table…], input, [event…], [message…], [[ask, answer]…]], a table being [name, x, y, [field…]].
func (s *Schema) Append(dst []byte) []byte {
	w := writer{buf: bytes.NewBuffer(dst)}
	w.enc = msgpack.NewEncoder(w.buf)
	w.enc.UseCompactInts(true)
	w.array(6)
	w.text(s.Game)
	w.tables(s.Tables)
	w.table(s.Input)
	w.tables(s.Events)
	w.tables(s.Messages)
	w.array(len(s.Requests))
	for _, r := range s.Requests {
		w.array(2)
		w.table(r.Ask)
		w.table(r.Answer)
	}
	return w.buf.Bytes()
}

// writer writes into memory, which can't fail; any error is one of our own making.
type writer struct {
	buf *bytes.Buffer
	enc *msgpack.Encoder
}

func (w *writer) must(err error) {
	if err != nil {
		panic(fmt.Sprintf("schema: encode into memory: %v", err))
	}
}

func (w *writer) array(n int)     { w.must(w.enc.EncodeArrayLen(n)) }
func (w *writer) text(s string)   { w.must(w.enc.EncodeString(s)) }
func (w *writer) int(v int64)     { w.must(w.enc.EncodeInt(v)) }
func (w *writer) uint(v uint64)   { w.must(w.enc.EncodeUint(v)) }
func (w *writer) float(v float64) { w.must(w.enc.EncodeFloat64(v)) }

func (w *writer) tables(tables []*Table) {
	w.array(len(tables))
	for _, t := range tables {
		w.table(t)
	}
}

func (w *writer) table(t *Table) {
	w.array(4)
	w.text(t.Name)
	w.int(int64(t.Pos[0]))
	w.int(int64(t.Pos[1]))
	w.array(len(t.Fields))
	for i := range t.Fields {
		w.field(&t.Fields[i])
	}
}

// The elements of a field that is no float, those of a float, and how many more a dead-reckoned one has.
const (
	fieldElements    = 5
	floatElements    = 8
	reckonedElements = 2
)

func (w *writer) field(f *Field) {
	switch {
	case f.Kind == Float && f.Tolerance > 0:
		w.array(floatElements + reckonedElements)
	case f.Kind == Float:
		w.array(floatElements)
	default:
		w.array(fieldElements)
	}
	w.text(f.Name)
	w.uint(uint64(f.Kind))
	w.uint(uint64(f.Audience))
	if f.Kind != Float {
		w.int(f.Base)
		w.uint(f.Top)
		return
	}
	w.float(f.Min)
	w.float(f.Max)
	w.float(f.Step)
	w.float(f.OwnStep)
	if f.Wrap {
		w.uint(1)
	} else {
		w.uint(0)
	}
	if f.Tolerance > 0 {
		w.uint(uint64(f.Velocity))
		w.float(f.Tolerance)
	}
}

// Parse reads what Append wrote. The bytes must have passed protocol.Walk, which bounds their depth and
// lengths; Parse bounds the rest, and derives the columns anew.
func Parse(b []byte) (*Schema, error) {
	r := reader{dec: msgpack.NewDecoder(bytes.NewReader(b))}
	r.array(6, 6)
	parts := Schema{Game: r.text(), Tables: r.tables(), Input: r.table(), Events: r.tables(), Messages: r.tables()}
	for range r.array(0, MaxTables) {
		r.array(2, 2)
		parts.Requests = append(parts.Requests, Request{Ask: r.table(), Answer: r.table()})
	}
	if r.err != nil {
		return nil, fmt.Errorf("parse schema: %w", r.err)
	}
	s, err := New(parts)
	if err != nil {
		return nil, fmt.Errorf("parse schema: %w", err)
	}
	return s, nil
}

// reader keeps the first error and returns zeros from then on.
type reader struct {
	dec *msgpack.Decoder
	err error
}

func (r *reader) keep(err error) {
	if r.err == nil && err != nil {
		r.err = err
	}
}

func (r *reader) array(low, high int) int {
	if r.err != nil {
		return 0
	}
	n, err := r.dec.DecodeArrayLen()
	r.keep(err)
	if err == nil && (n < low || n > high) {
		r.keep(fmt.Errorf("an array has %d elements, expected %d to %d", n, low, high))
		return 0
	}
	return n
}

func (r *reader) text() string {
	if r.err != nil {
		return ""
	}
	n, err := r.dec.DecodeBytesLen()
	r.keep(err)
	if err == nil && (n < 0 || n > MaxName) {
		r.keep(fmt.Errorf("a name has %d bytes, at most %d are possible", n, MaxName))
	}
	if r.err != nil {
		return ""
	}
	b := make([]byte, n)
	r.keep(r.dec.ReadFull(b))
	return string(b)
}

func (r *reader) int() int64 {
	if r.err != nil {
		return 0
	}
	v, err := r.dec.DecodeInt64()
	r.keep(err)
	return v
}

func (r *reader) uint() uint64 {
	if r.err != nil {
		return 0
	}
	v, err := r.dec.DecodeUint64()
	r.keep(err)
	return v
}

// small reads a number that must fit in seven bits.
func (r *reader) small() uint8 {
	v := r.uint()
	if v > 0x7f {
		r.keep(fmt.Errorf("a kind or audience is %d, at most 127 is possible", v))
	}
	return uint8(v)
}

func (r *reader) float() float64 {
	if r.err != nil {
		return 0
	}
	v, err := r.dec.DecodeFloat64()
	r.keep(err)
	return v
}

func (r *reader) tables() []*Table {
	n := r.array(0, MaxTables)
	var tables []*Table
	for range n {
		if t := r.table(); t != nil {
			tables = append(tables, t)
		}
	}
	return tables
}

func (r *reader) table() *Table {
	r.array(4, 4)
	name := r.text()
	x, y := r.int(), r.int()
	n := r.array(0, MaxColumns)
	var fields []Field
	for range n {
		fields = append(fields, r.field())
	}
	count := int64(len(fields))
	if r.err == nil && (x < -1 || x >= count || y < -1 || y >= count || (x < 0) != (y < 0)) {
		r.keep(errors.New("a position names a field that is not there"))
	}
	if r.err != nil {
		return nil
	}
	t, err := NewTable(name, fields, [2]int{int(x), int(y)})
	r.keep(err)
	return t
}

func (r *reader) field() Field {
	n := r.array(fieldElements, floatElements+reckonedElements)
	f := Field{Name: r.text(), Kind: Kind(r.small()), Audience: Audience(r.small())}
	reckoned := f.Kind == Float && n == floatElements+reckonedElements
	if float := n == floatElements || reckoned; r.err == nil && (float != (f.Kind == Float) || !float && n != fieldElements) {
		r.keep(fmt.Errorf("%s: a %v has %d elements", f.Name, f.Kind, n))
	}
	if f.Kind != Float {
		f.Base, f.Top = r.int(), r.uint()
		return f
	}
	f.Min, f.Max, f.Step, f.OwnStep = r.float(), r.float(), r.float(), r.float()
	f.Wrap = r.uint() != 0
	if reckoned {
		f.Velocity, f.Tolerance = int(r.small()), r.float()
		if r.err == nil && !(f.Tolerance > 0) {
			r.keep(fmt.Errorf("%s: its tolerance is %v; it must be above 0", f.Name, f.Tolerance))
		}
	}
	return f
}
