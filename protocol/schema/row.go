package schema

import (
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"

	"github.com/quicstep/quicstep/protocol/plain"
)

// What can be wrong with the bytes of a row.
var (
	// ErrTruncated means that the bytes end before the row does.
	ErrTruncated = errors.New("the bytes end inside a row")
	// ErrLimb means that a byte that should hold seven bits is above 0x7f.
	ErrLimb = errors.New("a byte of a column is no positive fixint")
	// ErrText means that a string is not written as a msgpack str of 8 bits of length or fewer.
	ErrText = errors.New("a string is no short msgpack str")
	// ErrLong means that a string has more bytes than its field allows.
	ErrLong = errors.New("a string is longer than its field allows")
	// ErrPlain means that a string has what may not be in one (docs/protocol.md §1).
	ErrPlain = errors.New("a string has a character that may not be in one, or is not in the normal form NFC")
	// ErrRange means that a value is outside its field's range, a column has bits beyond its width, or a string
	// is not UTF-8.
	ErrRange = errors.New("a value is outside its field's range")
)

// AppendLimbs writes v as n positive fixints of seven bits each, the most significant first
// (docs/protocol.md §1).
func AppendLimbs(dst []byte, v uint64, n int) []byte {
	switch n {
	case 1:
		return append(dst, byte(v)&0x7f)
	case 2:
		return append(dst, byte(v>>7)&0x7f, byte(v)&0x7f)
	case 3:
		return append(dst, byte(v>>14)&0x7f, byte(v>>7)&0x7f, byte(v)&0x7f)
	}
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(7*i))&0x7f)
	}
	return dst
}

// ParseLimbs reads n limbs.
func ParseLimbs(b []byte, n int) (v uint64, err error) {
	if len(b) < n {
		return 0, ErrTruncated
	}
	var high byte
	for _, limb := range b[:n] {
		high |= limb
		v = v<<7 | uint64(limb)
	}
	if high > 0x7f {
		return 0, ErrLimb
	}
	return v, nil
}

// AppendRow writes the columns of the class whose bits are set in mask, with the bit of the dead-reckoned group all of
// its columns. Words and texts hold the whole row.
func (t *Table) AppendRow(dst []byte, class Class, mask uint64, words []uint32, texts []string) []byte {
	columns := t.classes[class]
	for ; mask != 0; mask &= mask - 1 {
		at := columns[bits.TrailingZeros64(mask)]
		c := &t.Columns[at]
		if c.Bits == 0 {
			dst = appendText(dst, texts[c.TextAt])
			continue
		}
		w := words[at]
		switch c.Limbs {
		case 1:
			dst = append(dst, byte(w))
		case 2:
			dst = append(dst, byte(w>>7), byte(w)&0x7f)
		default:
			if c.Base {
				dst = t.appendBase(dst, words)
				continue
			}
			dst = AppendLimbs(dst, uint64(w), int(c.Limbs))
		}
	}
	return dst
}

// RowBytes is the length of what AppendRow writes.
func (t *Table) RowBytes(class Class, mask uint64, texts []string) int {
	columns, n := t.classes[class], 0
	for ; mask != 0; mask &= mask - 1 {
		c := &t.Columns[columns[bits.TrailingZeros64(mask)]]
		n += int(c.Limbs)
		if c.Bits == 0 {
			n += textBytes(texts[c.TextAt])
		}
	}
	return n
}

// ParseRow reads what AppendRow wrote into words and texts and returns the bytes consumed. Columns that are
// not in mask keep their values. The strings are copied out of b. The tick of a base is as short as it travels:
// BaseTick widens it.
func (t *Table) ParseRow(b []byte, class Class, mask uint64, words []uint32, texts []string) (n int, err error) {
	columns := t.classes[class]
	for ; mask != 0; mask &= mask - 1 {
		at := columns[bits.TrailingZeros64(mask)]
		c := &t.Columns[at]
		if c.Bits == 0 {
			text, size, err := parseText(b[n:], int(t.Fields[c.Field].Top))
			if err != nil {
				return 0, err
			}
			if texts[c.TextAt] != string(text) {
				texts[c.TextAt] = string(text)
			}
			n += size
			continue
		}
		if c.Base {
			size, err := t.parseBase(b[n:], words)
			if err != nil {
				return 0, err
			}
			n += size
			continue
		}
		w, err := ParseLimbs(b[n:], int(c.Limbs))
		if err != nil {
			return 0, err
		}
		if w>>c.Bits != 0 {
			return 0, ErrRange
		}
		words[at] = uint32(w)
		n += int(c.Limbs)
	}
	return n, nil
}

// CheckRow tells whether the bytes are exactly one whole row as its owner sees it, with every field in its range: what
// inputs and requests from outside must be before a game sees them.
func (t *Table) CheckRow(data []byte) error {
	words, texts := make([]uint32, MaxColumns), make([]string, t.Texts)
	n, err := t.ParseRow(data, Own, t.FullMask(Own), words, texts)
	if err != nil {
		return err
	}
	if n != len(data) {
		return fmt.Errorf("a row of %s has %d bytes, %d were given", t.Name, n, len(data))
	}
	if err := CheckTexts(texts); err != nil {
		return err
	}
	return t.CheckRange(Own, words)
}

// CheckTexts tells whether the texts of a row may travel; those from outside must pass it before a game sees them.
func CheckTexts(texts []string) error {
	for _, text := range texts {
		if plain.Check(text) != nil {
			return ErrPlain
		}
	}
	return nil
}

// CheckRange tells whether every field that the class sees lies within its range; bytes from outside must
// pass it before a game sees them.
func (t *Table) CheckRange(class Class, words []uint32) error {
	own := class == Own
	for i := range t.Fields {
		f := &t.Fields[i]
		columns := t.FieldColumns(i, own)
		if f.Kind == Text || !t.sees(class, &t.Columns[columns[0]]) {
			continue
		}
		top := f.Top
		if own && f.OwnStep > 0 {
			top = f.OwnTop
		}
		if t.Join(words, columns) > top {
			return ErrRange
		}
	}
	return nil
}

func appendText(dst []byte, s string) []byte {
	if len(s) < 32 {
		dst = append(dst, 0xa0|byte(len(s)))
	} else {
		dst = append(dst, 0xd9, byte(len(s)))
	}
	return append(dst, s...)
}

func textBytes(s string) int {
	if len(s) < 32 {
		return 1 + len(s)
	}
	return 2 + len(s)
}

func parseText(b []byte, most int) (text []byte, size int, err error) {
	if len(b) == 0 || len(b) == 1 && b[0] == 0xd9 {
		return nil, 0, ErrTruncated
	}
	head, n := 1, int(b[0]&0x1f)
	if b[0] == 0xd9 {
		head, n = 2, int(b[1])
	} else if b[0]&0xe0 != 0xa0 {
		return nil, 0, ErrText
	}
	if n > most {
		return nil, 0, ErrLong
	}
	if len(b) < head+n {
		return nil, 0, ErrTruncated
	}
	text = b[head : head+n]
	if !utf8.Valid(text) {
		return nil, 0, ErrRange
	}
	return text, head + n, nil
}
