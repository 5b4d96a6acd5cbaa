package snapshot

import (
	"fmt"
	"math"

	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// reader reads msgpack from memory, and only what the writer writes: integers and lengths in their shortest
// form. It keeps the first error and returns zeros from then on. A length that it returns has been compared
// with the bytes that remain.
type reader struct {
	b   []byte
	at  int
	err error
}

// failed is the reader's error, as one that wraps ErrDamaged.
func (r *reader) failed() error {
	if r.err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrDamaged, r.err)
}

func (r *reader) failf(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: %s", r.at, fmt.Sprintf(format, args...))
	}
}

// take returns the next n bytes, nil when they are not there.
func (r *reader) take(what string, n uint64) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.b)-r.at) {
		r.failf("%s needs %d bytes, %d remain", what, n, len(r.b)-r.at)
		return nil
	}
	out := r.b[r.at : r.at+int(n)]
	r.at += int(n)
	return out
}

// code returns the next byte.
func (r *reader) code(what string) byte {
	b := r.take(what, 1)
	if b == nil {
		return 0
	}
	return b[0]
}

// number reads the big-endian number of so many bytes that follows a code, and refuses it when it is below
// the lowest that needs that many.
func (r *reader) number(what string, size int, lowest uint64) uint64 {
	var v uint64
	for _, c := range r.take(what, uint64(size)) {
		v = v<<8 | uint64(c)
	}
	if r.err == nil && v < lowest {
		r.failf("%s is not in its shortest form", what)
	}
	return v
}

// uint reads an unsigned integer up to most.
func (r *reader) uint(what string, most uint64) uint64 {
	c := r.code(what)
	var v uint64
	switch {
	case c <= msgpcode.PosFixedNumHigh:
		v = uint64(c)
	case c == msgpcode.Uint8:
		v = r.number(what, 1, math.MaxInt8+1)
	case c == msgpcode.Uint16:
		v = r.number(what, 2, math.MaxUint8+1)
	case c == msgpcode.Uint32:
		v = r.number(what, 4, math.MaxUint16+1)
	case c == msgpcode.Uint64:
		v = r.number(what, 8, math.MaxUint32+1)
	default:
		r.failf("%s is no unsigned integer (code %#02x)", what, c)
	}
	if r.err == nil && v > most {
		r.failf("%s is %d, at most %d is possible", what, v, most)
	}
	if r.err != nil {
		return 0
	}
	return v
}

// int reads a signed integer.
func (r *reader) int(what string) int64 {
	if r.err != nil {
		return 0
	}
	if r.at == len(r.b) || !isNegative(r.b[r.at]) {
		return int64(r.uint(what, math.MaxInt64))
	}
	var v, highest int64
	switch c := r.code(what); c {
	case msgpcode.Int8:
		v, highest = int64(int8(r.number(what, 1, 0))), int64(int8(msgpcode.NegFixedNumLow))-1
	case msgpcode.Int16:
		v, highest = int64(int16(r.number(what, 2, 0))), math.MinInt8-1
	case msgpcode.Int32:
		v, highest = int64(int32(r.number(what, 4, 0))), math.MinInt16-1
	case msgpcode.Int64:
		v, highest = int64(r.number(what, 8, 0)), math.MinInt32-1
	default:
		v, highest = int64(int8(c)), -1
	}
	if r.err == nil && v > highest {
		r.failf("%s is not in its shortest form", what)
	}
	if r.err != nil {
		return 0
	}
	return v
}

func isNegative(c byte) bool {
	return c >= msgpcode.NegFixedNumLow || c >= msgpcode.Int8 && c <= msgpcode.Int64
}

func (r *reader) bool(what string) bool {
	c := r.code(what)
	if r.err == nil && c != msgpcode.True && c != msgpcode.False {
		r.failf("%s is neither true nor false (code %#02x)", what, c)
	}
	return c == msgpcode.True
}

func (r *reader) float(what string) float64 {
	if c := r.code(what); r.err == nil && c != msgpcode.Double {
		r.failf("%s is no 64-bit float (code %#02x)", what, c)
	}
	return math.Float64frombits(r.number(what, 8, 0))
}

// list reads how many elements an array has, each of which takes so many bytes at least.
func (r *reader) list(what string, bytesMin int, most uint64) int {
	c := r.code(what)
	var n uint64
	switch {
	case r.err != nil:
		return 0
	case msgpcode.IsFixedArray(c):
		n = uint64(c & msgpcode.FixedArrayMask)
	case c == msgpcode.Array16:
		n = r.number(what, 2, uint64(msgpcode.FixedArrayMask)+1)
	case c == msgpcode.Array32:
		n = r.number(what, 4, math.MaxUint16+1)
	default:
		r.failf("%s are no array (code %#02x)", what, c)
	}
	return r.within(what, n, bytesMin, most)
}

// array reads the head of an array that has exactly so many elements.
func (r *reader) array(what string, elements int) {
	if n := r.list(what, 1, math.MaxUint32); r.err == nil && n != elements {
		r.failf("%s has %d elements, want %d", what, n, elements)
	}
}

// text reads a string.
func (r *reader) text(what string) string {
	c := r.code(what)
	var n uint64
	switch {
	case msgpcode.IsFixedString(c):
		n = uint64(c & msgpcode.FixedStrMask)
	case c == msgpcode.Str8:
		n = r.number(what, 1, uint64(msgpcode.FixedStrMask)+1)
	case c == msgpcode.Str16:
		n = r.number(what, 2, math.MaxUint8+1)
	case c == msgpcode.Str32:
		n = r.number(what, 4, math.MaxUint16+1)
	default:
		r.failf("%s is no string (code %#02x)", what, c)
	}
	return string(r.take(what, n))
}

// bin reads bytes, which stay those of the snapshot.
func (r *reader) bin(what string, most uint64) []byte {
	c := r.code(what)
	if r.err == nil && c != msgpcode.Bin8 {
		r.failf("%s are no short bytes (code %#02x)", what, c)
	}
	return r.take(what, uint64(r.within(what, r.number(what, 1, 0), 1, most)))
}

// within returns a number of elements that lies within the limit and the bytes that remain, else zero.
func (r *reader) within(what string, n uint64, bytesMin int, most uint64) int {
	switch {
	case r.err != nil:
		return 0
	case n > most:
		r.failf("%s are %d, at most %d are possible", what, n, most)
		return 0
	case n > uint64(len(r.b)-r.at)/uint64(bytesMin):
		r.failf("%s are %d, which is more than the remaining %d bytes can hold", what, n, len(r.b)-r.at)
		return 0
	}
	return int(n)
}
