package plain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxMarks is how many combining marks may follow each other: writing systems pile up five, and a heap of them covers the
// lines above and below.
const MaxMarks = 6

// The two joiners change how the characters beside them are drawn, and are seen by that alone.
const (
	zwnj = '\u200c'
	zwj  = '\u200d'
	// joinFrom is the first character that may stand beside one: Latin, Greek, Cyrillic and Armenian letters don't join, so that
	// between them it would be invisible.
	joinFrom = '\u0590'
)

// banned are the characters that no text has. Private and unassigned ones are not alike: a private one means something
// else on every machine, while one that is not assigned yet is next year's emoji, and is let through.
var banned = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x0000, 0x001f, 1}, {0x007f, 0x009f, 1}, // control characters
		{0x00ad, 0x00ad, 1}, {0x034f, 0x034f, 1}, // soft hyphen, grapheme joiner
		{0x061c, 0x061c, 1},                      // Arabic letter mark, turns
		{0x115f, 0x1160, 1}, {0x17b4, 0x17b5, 1}, // fillers and vowels that are not seen
		{0x180e, 0x180e, 1},                      // Mongolian vowel separator
		{0x200b, 0x200b, 1}, {0x200e, 0x200f, 1}, // zero-width space, marks that turn
		{0x2028, 0x202e, 1},                      // separators of lines and paragraphs, embeddings, overrides
		{0x2060, 0x206f, 1},                      // word joiner, invisible operators, isolates
		{0x2800, 0x2800, 1}, {0x3164, 0x3164, 1}, // the empty Braille pattern, filler
		{0xe000, 0xf8ff, 1},                      // private
		{0xfdd0, 0xfdef, 1},                      // no characters
		{0xfeff, 0xfeff, 1}, {0xffa0, 0xffa0, 1}, // byte order mark, filler
		{0xfff0, 0xfffb, 1}, {0xfffe, 0xffff, 1}, // annotations, no characters
	},
	R32: []unicode.Range32{
		{0x13430, 0x1345f, 1}, // controls of hieroglyphs
		{0x1bca0, 0x1bca3, 1}, // controls of shorthand
		{0x1d173, 0x1d17a, 1}, // controls of music
		{0x1fffe, 0x1ffff, 1}, {0x2fffe, 0x2ffff, 1}, {0x3fffe, 0x3ffff, 1}, {0x4fffe, 0x4ffff, 1}, {0x5fffe, 0x5ffff, 1},
		{0x6fffe, 0x6ffff, 1}, {0x7fffe, 0x7ffff, 1}, {0x8fffe, 0x8ffff, 1}, {0x9fffe, 0x9ffff, 1}, {0xafffe, 0xaffff, 1},
		{0xbfffe, 0xbffff, 1}, {0xcfffe, 0xcffff, 1}, {0xdfffe, 0xdffff, 1},
		{0xe0000, 0xe00ff, 1}, {0xe01f0, 0xe0fff, 1}, // tags, and what is reserved for their like
		{0xefffe, 0x10ffff, 1}, // private
	},
	LatinOffset: 3,
}

// Error says what a text has that may not be in one. It never repeats the text.
type Error struct{ Why string }

// Error returns the reason, a clause for a sentence such as "the name …".
func (e *Error) Error() string { return e.Why }

// Check returns nil for a text that may travel, and else an *Error.
func Check(text string) error {
	if isASCII(text) {
		return nil
	}
	if !utf8.ValidString(text) {
		return &Error{"is not valid UTF-8"}
	}
	marks, before := 0, rune(0)
	for i, c := range text {
		switch {
		case c == zwj || c == zwnj:
			next, _ := utf8.DecodeRuneInString(text[i+len("\u200d"):])
			if before < joinFrom || isJoiner(before) || next < joinFrom || isJoiner(next) || next == utf8.RuneError {
				return &Error{fmt.Sprintf("has the joiner %U where nothing is joined: leave it out", c)}
			}
		case unicode.Is(banned, c):
			return &Error{fmt.Sprintf("has the character %U, which can't be seen or is no character: leave it out", c)}
		case unicode.Is(unicode.M, c):
			if marks++; marks > MaxMarks {
				return &Error{fmt.Sprintf("has more than %d combining marks in a row: leave some out", MaxMarks)}
			}
			if before == 0 {
				return &Error{fmt.Sprintf("begins with the combining mark %U: put a letter before it", c)}
			}
		default:
			marks = 0
		}
		before = c
	}
	// The quick answer takes no memory; what it leaves open is rare.
	if norm.NFC.QuickSpanString(text) != len(text) && !norm.NFC.IsNormalString(text) {
		return &Error{"is not in Unicode's normal form NFC: normalise it before sending"}
	}
	return nil
}

// CheckName is Check for a name, which is not empty at either end: no space is there.
func CheckName(name string) error {
	if err := Check(name); err != nil {
		return err
	}
	if strings.TrimSpace(name) != name {
		return &Error{"begins or ends with a space: leave it out"}
	}
	return nil
}

// Clean makes a text one that may travel, of at most so many bytes: control characters and separators of lines become
// spaces, invalid UTF-8 becomes U+FFFD, what else may not be there is left out, and what is too long is cut off between
// two characters. Check returns nil for the result.
func Clean(text string, most int) string {
	if isASCII(text) && len(text) <= most {
		return text
	}
	if long := 4 * most; len(text) > long {
		text = text[:long] // what follows can't be seen, so don't pay for it
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	for range 8 { // what is left out may bring together what joins
		text = cut(strip(norm.NFC.String(text)), most)
		if Check(text) == nil {
			return text
		}
	}
	return strings.Map(func(c rune) rune { // no text is known that comes here
		if c >= utf8.RuneSelf || unicode.IsControl(c) {
			return -1
		}
		return c
	}, text)
}

// CleanName is Clean for a name.
func CleanName(name string, most int) string {
	name = strings.TrimSpace(name)
	for {
		clean := strings.TrimSpace(Clean(name, most))
		if clean == name {
			return name
		}
		name = clean // what stood after a space that is gone, such as a mark, may not begin a text
	}
}

// strip leaves out what may not be in a text, each character by what stands before it.
func strip(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	marks, before := 0, rune(0)
	for i, c := range text {
		switch {
		case c == zwj || c == zwnj:
			next, _ := utf8.DecodeRuneInString(text[i+len("\u200d"):])
			if before < joinFrom || isJoiner(before) || next < joinFrom || isJoiner(next) || next == utf8.RuneError {
				continue
			}
		case unicode.IsControl(c) || c == '\u2028' || c == '\u2029':
			c, marks = ' ', 0
		case unicode.Is(banned, c):
			continue
		case unicode.Is(unicode.M, c):
			if marks++; marks > MaxMarks || before == 0 {
				continue
			}
		default:
			marks = 0
		}
		b.WriteRune(c)
		before = c
	}
	return b.String()
}

// cut shortens a text to at most so many bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

func isJoiner(c rune) bool { return c == zwj || c == zwnj }

// isASCII tells whether a text has nothing but visible ASCII and spaces, as most have.
func isASCII(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
