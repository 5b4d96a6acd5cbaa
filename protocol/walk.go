package protocol

import "github.com/vmihailenco/msgpack/v5/msgpcode"

// WalkLimits bounds what Walk accepts. The zero value is the protocol's own limits.
type WalkLimits struct {
	// Depth is how many arrays and maps may stand inside each other; zero, or more than MaxDepth, means
	// MaxDepth.
	Depth int
	// Elements is how many elements all arrays and maps may have together, keys and values counted each;
	// zero means MaxElements.
	Elements int
}

func (l WalkLimits) withDefaults() WalkLimits {
	if l.Depth <= 0 || l.Depth > MaxDepth {
		l.Depth = MaxDepth
	}
	if l.Elements <= 0 {
		l.Elements = MaxElements
	}
	return l
}

// Walk checks the one msgpack value that b starts with and returns its length in bytes; what follows it is
// the caller's to judge. After it any msgpack library can read those bytes without allocating more than a
// small multiple of them (docs/protocol.md §9): every length lies within b, nesting and elements are within
// lim, extension types are refused, and map keys are strings or integers. It does not look at what strings
// hold. It allocates nothing unless it refuses.
//
// The errors are RejectErrors: Truncated, TooDeep, TooManyElements, UnsupportedType, WrongType.
func Walk(b []byte, lim WalkLimits) (n int, err error) {
	lim = lim.withDefaults()
	var open [MaxDepth]container
	depth, elements := 0, 0
	at, owed := 0, 1 // owed values are still to come, and each takes a byte at least

	for owed > 0 {
		for depth > 0 && open[depth-1].left == 0 {
			depth--
		}
		h, reject := headOf(b[at:])
		if reject != 0 {
			return 0, headError(reject, at, len(b))
		}
		if depth > 0 {
			if open[depth-1].wantsKey() && h.form != formInt && h.form != formStr {
				return 0, rejectf(WrongType, "map key at byte %d: use a string or an integer", at)
			}
			open[depth-1].left--
		}
		at += h.size
		owed--

		switch h.form {
		case formStr, formBin:
			if h.count > uint64(len(b)-at) {
				return 0, rejectf(Truncated, "%d bytes of payload announced at byte %d, %d remain: send the whole value",
					h.count, at-h.size, len(b)-at)
			}
			at += int(h.count)
		case formArray, formMap:
			if depth == lim.Depth {
				return 0, rejectf(TooDeep, "more than %d levels at byte %d: nest less", lim.Depth, at-h.size)
			}
			children := h.count
			if h.form == formMap {
				children *= 2
			}
			if children > uint64(lim.Elements-elements) {
				return 0, rejectf(TooManyElements, "%d elements announced at byte %d, %d of %d are left: send fewer",
					children, at-h.size, lim.Elements-elements, lim.Elements)
			}
			elements += int(children)
			owed += int(children)
			if owed > len(b)-at {
				return 0, rejectf(Truncated, "%d values announced up to byte %d, %d bytes remain: send the whole value",
					owed, at, len(b)-at)
			}
			open[depth] = container{left: int(children), isMap: h.form == formMap}
			depth++
		}
	}
	return at, nil
}

// container is an array or a map that Walk is inside of.
type container struct {
	left  int // values still to come, keys and values counted each
	isMap bool
}

func (c container) wantsKey() bool { return c.isMap && c.left%2 == 0 }

// form is what a msgpack value is, whatever width it was written in.
type form uint8

const (
	formNil form = iota
	formBool
	formInt
	formFloat
	formStr
	formBin
	formArray
	formMap
)

// head is the beginning of a msgpack value.
type head struct {
	form  form
	size  int    // bytes of type and length, or of all of a number
	count uint64 // bytes of a string, elements of an array, pairs of a map: at most 2³²−1, and not to be trusted
}

// headOf reads the head of the value that b starts with. It returns Truncated or UnsupportedType when there is
// none, else zero.
func headOf(b []byte) (head, Reject) {
	if len(b) == 0 {
		return head{}, Truncated
	}
	var h head
	switch c := b[0]; {
	case msgpcode.IsFixedNum(c):
		return head{form: formInt, size: 1}, 0
	case msgpcode.IsFixedMap(c):
		return head{form: formMap, size: 1, count: uint64(c & msgpcode.FixedMapMask)}, 0
	case msgpcode.IsFixedArray(c):
		return head{form: formArray, size: 1, count: uint64(c & msgpcode.FixedArrayMask)}, 0
	case msgpcode.IsFixedString(c):
		return head{form: formStr, size: 1, count: uint64(c & msgpcode.FixedStrMask)}, 0
	case c == msgpcode.Nil:
		return head{form: formNil, size: 1}, 0
	case c == msgpcode.False, c == msgpcode.True:
		return head{form: formBool, size: 1}, 0
	case c >= msgpcode.Uint8 && c <= msgpcode.Uint64:
		h = head{form: formInt, size: 1 + 1<<(c-msgpcode.Uint8)}
	case c >= msgpcode.Int8 && c <= msgpcode.Int64:
		h = head{form: formInt, size: 1 + 1<<(c-msgpcode.Int8)}
	case c == msgpcode.Float, c == msgpcode.Double:
		h = head{form: formFloat, size: 1 + 4<<(c-msgpcode.Float)}
	case c >= msgpcode.Str8 && c <= msgpcode.Str32:
		h = head{form: formStr, size: 1 + 1<<(c-msgpcode.Str8)}
	case c >= msgpcode.Bin8 && c <= msgpcode.Bin32:
		h = head{form: formBin, size: 1 + 1<<(c-msgpcode.Bin8)}
	case c == msgpcode.Array16, c == msgpcode.Array32:
		h = head{form: formArray, size: 1 + 2<<(c-msgpcode.Array16)}
	case c == msgpcode.Map16, c == msgpcode.Map32:
		h = head{form: formMap, size: 1 + 2<<(c-msgpcode.Map16)}
	default:
		return head{}, UnsupportedType
	}
	if len(b) < h.size {
		return head{}, Truncated
	}
	if h.form >= formStr {
		h.count = bigEndian(b[1:h.size])
	}
	return h, 0
}

func headError(reject Reject, at, end int) error {
	if reject == Truncated {
		return rejectf(Truncated, "the bytes end at %d inside of the value at byte %d: send the whole value", end, at)
	}
	return rejectf(reject, "extension type or reserved byte at byte %d: use nil, bool, number, string, bin, array and map", at)
}

// integerOf returns the integer whose bytes, head and all, are b. A negative one is reported and has no value.
func integerOf(b []byte) (value uint64, negative bool) {
	switch c := b[0]; {
	case c <= msgpcode.PosFixedNumHigh:
		return uint64(c), false
	case c >= msgpcode.Uint8 && c <= msgpcode.Uint64:
		return bigEndian(b[1:]), false
	case c >= msgpcode.Int8 && c <= msgpcode.Int64 && b[1] < 0x80:
		return bigEndian(b[1:]), false
	}
	return 0, true
}

func bigEndian(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}
