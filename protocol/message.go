package protocol

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/quicstep/quicstep/protocol/plain"
)

// Kind is the first element of every stream message (docs/protocol.md §4). Zero is no message.
type Kind uint8

// The kinds of stream messages. A number is never used again for something else.
//
//	number  kind     from             fields after the kind
//	1       hello    client           version, game, schema hash, token, room
//	2       welcome  server           version, session, room, player, epoch, tick, next sequence, tick period,
//	                                  age, schema hash, schema
//	3       goodbye  client, server   code, reason
//	4       resync   client           epoch
//	5       list     client           version, game
//	6       rooms    server           version, rooms
//	7       request  client           number, request, data
//	8       answer   server           number, data, refusal
//	9       message  server           tick, message, data
//	10      say      client           scope, player, text
//	11      chat     server           from, scope, text
//	12      checks   server           rows, pages, skipped, diverged
//	13      diverged server           tick, table, entity, field, server, client
const (
	// KindHello is a Hello, the first message of a connection.
	KindHello Kind = iota + 1
	// KindWelcome is a Welcome, the server's answer to it.
	KindWelcome
	// KindGoodbye is a Goodbye, either side's last message.
	KindGoodbye
	// KindResync is a Resync.
	KindResync
	// KindList is a List, which may stand before the hello.
	KindList
	// KindRooms is a Rooms, the answer to it.
	KindRooms
	// KindRequest is a Request.
	KindRequest
	// KindAnswer is an Answer.
	KindAnswer
	// KindMessage is a Message.
	KindMessage
	// KindSay is a Say.
	KindSay
	// KindChat is a Chat.
	KindChat
	// KindChecks is a Checks.
	KindChecks
	// KindDiverged is a Diverged.
	KindDiverged
	// KindPace is a Pace.
	KindPace

	kindEnd
)

var kindNames = [kindEnd]string{
	"message", "hello", "welcome", "goodbye", "resync", "list", "rooms", "request", "answer", "message", "say", "chat", "checks", "diverged", "pace",
}

// String returns the kind's name, "message" for zero, and "kind_N" for a number that this version does not have.
func (k Kind) String() string {
	if k >= kindEnd {
		return fmt.Sprintf("kind_%d", uint8(k))
	}
	return kindNames[k]
}

// FromClient reports whether a client sends messages of this kind. Count the others as Unexpected.
func (k Kind) FromClient() bool {
	switch k {
	case KindHello, KindGoodbye, KindResync, KindList, KindRequest, KindSay:
		return true
	}
	return false
}

// FromServer reports whether a server sends messages of this kind. Count the others as Unexpected.
func (k Kind) FromServer() bool {
	switch k {
	case KindWelcome, KindGoodbye, KindRooms, KindAnswer, KindMessage, KindChat, KindChecks, KindDiverged, KindPace:
		return true
	}
	return false
}

// KindOf returns the kind of a message, a frame's content, for the caller to choose the parser by. It looks no
// further than the kind: bytes that it accepts are still to be parsed.
//
// The errors are RejectErrors: UnknownKind for a kind that this version does not have, and what is wrong with
// the form.
func KindOf(message []byte) (Kind, error) {
	r := fields{b: message}
	r.openArray()
	n := r.uint("kind", math.MaxUint64)
	if r.err != nil {
		return 0, r.err
	}
	if n == 0 || n >= uint64(kindEnd) {
		return 0, rejectf(UnknownKind, "a message of kind %d: version %d has 1 to %d", n, Version, kindEnd-1)
	}
	return Kind(n), nil
}

// fields reads the elements of one message in their order. The first error stays, and every read after it
// returns zero, so that a parser reads all fields and asks once.
type fields struct {
	b    []byte
	kind Kind
	at   int
	left uint64 // elements still to come, as the array says
	err  error
}

// openMessage starts to read a message of a kind, which checkForm is to follow.
func openMessage(b []byte, kind Kind) *fields {
	r := &fields{b: b, kind: kind}
	r.openArray()
	if n := r.uint("kind", math.MaxUint64); r.err == nil && n != uint64(kind) {
		r.err = rejectf(Unexpected, "a message of kind %d where %s (kind %d) is read", n, kind, kind)
	}
	return r
}

// checkForm checks all of the message against its limits, fields of later versions included.
func (r *fields) checkForm(max int) {
	if r.err != nil {
		return
	}
	if len(r.b) > max {
		r.err = rejectf(Oversized, "%s of %d bytes, at most %d are taken: send less", r.kind, len(r.b), max)
		return
	}
	n, err := Walk(r.b, WalkLimits{})
	if err == nil && n < len(r.b) {
		err = rejectf(TrailingBytes, "%s ends at byte %d of %d: send one array in a frame", r.kind, n, len(r.b))
	}
	r.err = err
}

// version reads the protocol's version and refuses another than ours. It stands before checkForm, so that a
// peer of another version is told so whatever else it sent.
func (r *fields) version(peer, self string) uint {
	n := r.uint("version", math.MaxUint64)
	if r.err == nil && n != Version {
		r.err = rejectf(WrongVersion, "the %s speaks protocol version %d and this %s version %d: update the older one",
			peer, n, self, Version)
	}
	return uint(n)
}

// uint reads an integer of any width from 0 to max.
func (r *fields) uint(name string, max uint64) uint64 {
	return r.uintFrom(name, 0, max)
}

func (r *fields) uintFrom(name string, min, max uint64) uint64 {
	h, ok := r.next(name, formInt)
	if !ok {
		return 0
	}
	value, negative := integerOf(r.b[r.at-h.size : r.at])
	if negative || value < min || value > max {
		r.err = rejectf(BadValue, "%s's %s is out of range: %d to %d", r.kind, name, min, max)
		return 0
	}
	return value
}

// text reads a string of at most max bytes that may travel (docs/protocol.md §1).
func (r *fields) text(name string, max int) string { return r.checked(name, max, plain.Check) }

// title reads a string that is a name.
func (r *fields) title(name string, max int) string { return r.checked(name, max, plain.CheckName) }

func (r *fields) checked(name string, max int, check func(string) error) string {
	text := string(r.payload(name, formStr, max))
	if r.err != nil {
		return ""
	}
	if err := check(text); err != nil {
		r.err = rejectf(BadValue, "%s's %s %v", r.kind, name, err)
		return ""
	}
	return text
}

// bytes reads a bin of at most max bytes and returns a copy, nil when it is empty.
func (r *fields) bytes(name string, max int) []byte {
	return append([]byte(nil), r.payload(name, formBin, max)...)
}

// id reads a bin of exactly 16 bytes.
func (r *fields) id(name string) (id [16]byte) {
	b := r.payload(name, formBin, len(id))
	if r.err == nil && len(b) != len(id) {
		r.err = rejectf(BadValue, "%s's %s has %d bytes: send %d", r.kind, name, len(b), len(id))
	}
	copy(id[:], b)
	return id
}

// payload reads a string or bin of at most max bytes; it shares the message's memory.
func (r *fields) payload(name string, want form, max int) []byte {
	h, ok := r.next(name, want)
	if !ok {
		return nil
	}
	if h.count > uint64(max) {
		r.err = rejectf(Oversized, "%s's %s has %d bytes: send at most %d", r.kind, name, h.count, max)
		return nil
	}
	n := int(h.count)
	if n > len(r.b)-r.at {
		r.err = rejectf(Truncated, "%s's %s has %d bytes, %d remain: send the whole message", r.kind, name, n, len(r.b)-r.at)
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

// next reads the head of the next element, which has to be of the form, and moves past it.
func (r *fields) next(name string, want form) (h head, ok bool) {
	if r.err != nil {
		return head{}, false
	}
	if r.left == 0 {
		r.err = rejectf(MissingField, "%s ends before its %s: send all fields", r.kind, name)
		return head{}, false
	}
	h, reject := headOf(r.b[r.at:])
	if reject != 0 {
		r.err = headError(reject, r.at, len(r.b))
		return head{}, false
	}
	if h.form != want {
		r.err = rejectf(WrongType, "%s's %s starts with byte %02x: send %s", r.kind, name, r.b[r.at], formNames[want])
		return head{}, false
	}
	r.left--
	r.at += h.size
	return h, true
}

var formNames = [...]string{formInt: "an integer", formStr: "a string", formBin: "a bin", formArray: "an array"}

func (r *fields) openArray() {
	h, reject := headOf(r.b)
	switch {
	case reject != 0:
		r.err = headError(reject, 0, len(r.b))
	case h.form != formArray:
		r.err = rejectf(WrongType, "a message starts with byte %02x: send an array [kind, fields...]", r.b[0])
	default:
		r.at, r.left = h.size, h.count
	}
}

// array reads the head of an array of at most max elements. The reads after it take these; left is the caller's to set,
// before them and after.
func (r *fields) array(name string, max int) (n int) {
	h, ok := r.next(name, formArray)
	if !ok {
		return 0
	}
	if h.count > uint64(max) {
		r.err = rejectf(Oversized, "%s's %s has %d elements: send at most %d", r.kind, name, h.count, max)
		return 0
	}
	return int(h.count)
}

// appendHead appends an array of n elements, at most 15, and its first one, the kind.
func appendHead(dst []byte, kind Kind, n int) []byte {
	return append(dst, msgpcode.FixedArrayLow|byte(n), byte(kind))
}

// appendArray appends the head of an array of n elements, at most 65,535.
func appendArray(dst []byte, n int) []byte {
	if n <= int(msgpcode.FixedArrayMask) {
		return append(dst, msgpcode.FixedArrayLow|byte(n))
	}
	return binary.BigEndian.AppendUint16(append(dst, msgpcode.Array16), uint16(n))
}

// appendUint appends an integer in its shortest form.
func appendUint(dst []byte, v uint64) []byte {
	switch {
	case v <= uint64(msgpcode.PosFixedNumHigh):
		return append(dst, byte(v))
	case v <= math.MaxUint8:
		return append(dst, msgpcode.Uint8, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, msgpcode.Uint16), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, msgpcode.Uint32), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, msgpcode.Uint64), v)
}

// appendText appends a string in its shortest form.
func appendText(dst []byte, s string) []byte {
	switch n := len(s); {
	case n <= int(msgpcode.FixedStrMask):
		dst = append(dst, msgpcode.FixedStrLow|byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, msgpcode.Str8, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, msgpcode.Str16), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, msgpcode.Str32), uint32(n))
	}
	return append(dst, s...)
}

// appendBin appends bytes in their shortest form.
func appendBin(dst, b []byte) []byte {
	switch n := len(b); {
	case n <= math.MaxUint8:
		dst = append(dst, msgpcode.Bin8, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, msgpcode.Bin16), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, msgpcode.Bin32), uint32(n))
	}
	return append(dst, b...)
}
