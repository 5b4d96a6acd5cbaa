package protocol

import (
	"errors"
	"math"

	"github.com/quicstep/quicstep/protocol/schema"
)

// shortBits is the width of ticks and sequence numbers on datagrams: two limbs.
const shortBits = 14

// Short cuts a tick or a sequence number down to what a datagram carries (docs/protocol.md §1).
func Short(v uint64) uint16 { return uint16(v & (1<<shortBits - 1)) }

// Widen returns the number closest to near whose low 14 bits are short: ± 8,192 can be told apart. It is
// never below zero.
func Widen(short uint16, near uint64) uint64 {
	diff := int64(short) - int64(Short(near))
	switch half := int64(1) << (shortBits - 1); {
	case diff >= half:
		diff -= 1 << shortBits
	case diff < -half:
		diff += 1 << shortBits
	}
	if diff < 0 && uint64(-diff) > near {
		diff += 1 << shortBits
	}
	return near + uint64(diff)
}

// cursor reads a datagram from front to back and keeps the first rejection.
type cursor struct {
	b      []byte
	at     int
	reject Reject
}

func (c *cursor) fail(r Reject) {
	if c.reject == 0 {
		c.reject = r
	}
	c.at = len(c.b)
}

// limbs reads n bytes of seven bits each.
func (c *cursor) limbs(n int) uint64 {
	v, err := schema.ParseLimbs(c.b[c.at:], n)
	if err != nil {
		c.fail(rejectOfRow(err))
		return 0
	}
	c.at += n
	return v
}

// uint reads any msgpack unsigned integer up to most.
func (c *cursor) uint(most uint64) uint64 {
	if c.at < len(c.b) && c.b[c.at] <= 0x7f { // the usual case: a positive fixint
		v := uint64(c.b[c.at])
		c.at++
		if v > most {
			c.fail(BadValue)
		}
		return v
	}
	h, reject := headOf(c.b[c.at:])
	if reject == 0 && h.form != formInt {
		reject = WrongType
	}
	if reject != 0 {
		c.fail(reject)
		return 0
	}
	v, negative := integerOf(c.b[c.at : c.at+h.size])
	if negative || v > most {
		c.fail(BadValue)
		return 0
	}
	c.at += h.size
	return v
}

// rejectOfRow names what schema found wrong with a row's bytes.
func rejectOfRow(err error) Reject {
	switch {
	case errors.Is(err, schema.ErrTruncated):
		return Truncated
	case errors.Is(err, schema.ErrRange):
		return BadValue
	case errors.Is(err, schema.ErrLong):
		return Oversized
	}
	return WrongType
}

// DatagramKind is the first byte of a datagram.
type DatagramKind uint8

// The kinds of datagrams.
const (
	DatagramState DatagramKind = 1 // server to client
	DatagramInput DatagramKind = 2 // client to server
)

// openDatagram checks size and kind.
func openDatagram(b []byte, kind DatagramKind, what string) (cursor, error) {
	c := cursor{b: b}
	if len(b) > MaxDatagram {
		return c, rejectf(Oversized, "a datagram has %d bytes, at most %d are possible: send less in one", len(b), MaxDatagram)
	}
	if got := c.uint(math.MaxUint64); c.reject != 0 || got != uint64(kind) {
		if c.reject == 0 {
			c.fail(UnknownKind)
		}
		return c, rejectf(c.reject, "this is no %s datagram of %d bytes: its first byte should be %d", what, len(b), kind)
	}
	return c, nil
}
