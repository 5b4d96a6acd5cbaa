package protocol

import (
	"math"

	"github.com/quicstep/quicstep/protocol/schema"
)

// Input is each datagram from client to server (docs/protocol.md §6): what was received, and what the player
// asks for.
type Input struct {
	// Epoch is that of the client's replica, 0 to MaxEpoch.
	Epoch uint8
	// HasAck tells whether any datagram of the epoch was received yet.
	HasAck bool
	// Newest is the highest sequence number received. 14 bits travel.
	Newest uint64
	// Missing has bit i set when datagram Newest-1-i was not received, or not read.
	Missing uint64
	// Tick is the tick that the first of Inputs is for; each further one is for the tick before. 14 bits
	// travel. Without inputs it means nothing.
	Tick uint64
	// Count is how many of Inputs there are, at most InputsPerDatagram; zero only acknowledges.
	Count int
	// Inputs are rows of the schema's input as its owner sees it, the newest first.
	Inputs [InputsPerDatagram][]byte
	// Lags are how far behind its tick each input's player saw the others when it was made, in parts of a tick of which
	// there are LagsPerTick: 1 to MaxLag; zero does not tell. See LagOf.
	Lags [InputsPerDatagram]uint16
	// HasRow and HasPage tell whether there is a report of one row, and of the rows on one page.
	HasRow, HasPage bool
	Row             RowReport
	Page            PageReport
}

// RowReport is one row of the client's replica, for the server to compare (docs/protocol.md §6).
type RowReport struct {
	// Table is the place among the schema's tables.
	Table int
	Class schema.Class
	// Index is below schema.MaxEntities, Generation 1 to schema.MaxGeneration.
	Index      uint32
	Generation uint16
	// Tick is the register's: the row should be as the server's was then. 14 bits travel.
	Tick uint64
	// Columns are all that the class sees, as in a full record.
	Columns []byte
}

// PageReport tells which of 64 consecutive rows are in the client's replica, as of this datagram's acknowledgement.
type PageReport struct {
	// Table is the place among the schema's tables.
	Table int
	// Page is the first row's index divided by 64, and so below schema.MaxEntities / 64.
	Page uint32
	// Here has bit i set when the row at index Page*64+i is here.
	Here uint64
}

const (
	flagHasAck  = 1 << 0
	flagHasRow  = 1 << 1
	flagHasPage = 1 << 2

	pageBits = 6
	// pagesMax is how many pages a table has.
	pagesMax = schema.MaxEntities >> pageBits
)

// AppendInput writes an input datagram. It checks nothing: the values are the caller's own, and the rows of the schema
// that ParseInput will be given.
func AppendInput(dst []byte, in *Input) []byte {
	var flags byte
	if in.HasAck {
		flags |= flagHasAck
	}
	if in.HasRow {
		flags |= flagHasRow
	}
	if in.HasPage {
		flags |= flagHasPage
	}
	newest, tick := Short(in.Newest), Short(in.Tick)
	dst = append(dst, byte(DatagramInput), in.Epoch&0x7f, flags, byte(newest>>7), byte(newest&0x7f))
	dst = appendUint(dst, in.Missing)
	dst = append(dst, byte(tick>>7), byte(tick&0x7f), byte(in.Count))
	for i, data := range in.Inputs[:in.Count] {
		lag := in.Lags[i] & MaxLag
		dst = append(append(dst, byte(lag>>7), byte(lag&0x7f)), data...)
	}
	if r := &in.Row; in.HasRow {
		tick := Short(r.Tick)
		dst = append(dst, byte(r.Table), byte(r.Class))
		dst = appendUint(appendUint(dst, uint64(r.Index)), uint64(r.Generation))
		dst = append(append(dst, byte(tick>>7), byte(tick&0x7f)), r.Columns...)
	}
	if p := &in.Page; in.HasPage {
		dst = append(dst, byte(p.Table))
		dst = appendUint(appendUint(dst, uint64(p.Page)), p.Here)
	}
	return dst
}

// LagOf is the lag of an input for a tick whose player saw the others as of a view time, in parts of a tick of which there
// are LagsPerTick: MaxLag when that is farther back, and 1 when it is not in the past.
func LagOf(tick, view uint64) uint16 {
	at := tick * LagsPerTick
	return uint16(min(max(at, view+1)-view, MaxLag))
}

// ParseInput reads an input datagram into in; its Inputs and its row report lie within b, each input checked against the
// fields' ranges. Newest and the ticks are as short as they travel. The error is a *RejectError; in is zero then.
func ParseInput(b []byte, s *schema.Schema, in *Input) error {
	*in = Input{}
	c, err := openDatagram(b, DatagramInput, "input")
	if err != nil {
		return err
	}
	if err := c.input(s, in); err != nil {
		*in = Input{}
		return err
	}
	return nil
}

// input reads what follows the kind.
func (c *cursor) input(s *schema.Schema, in *Input) error {
	in.Epoch = uint8(c.limbs(1))
	flags := c.limbs(1)
	in.HasAck, in.HasRow, in.HasPage = flags&flagHasAck != 0, flags&flagHasRow != 0, flags&flagHasPage != 0
	in.Newest = c.limbs(2)
	in.Missing = c.uint(math.MaxUint64)
	in.Tick = c.limbs(2)
	in.Count = int(c.limbs(1))
	if err := c.inputs(s.Input, in); err != nil {
		return err
	}
	if in.HasRow {
		c.rowReport(s, &in.Row)
	}
	if in.HasPage {
		in.Page = PageReport{Table: c.table(s), Page: uint32(c.uint(pagesMax - 1)), Here: c.uint(math.MaxUint64)}
	}
	if c.reject == 0 && c.at < len(c.b) {
		c.reject = TrailingBytes
	}
	if c.reject != 0 {
		return rejectf(c.reject, "an input datagram of %d bytes can't be read to its end: client and server must have the same schema", len(c.b))
	}
	return nil
}

// inputs reads as many as Count says. The error is for those that are well formed; the cursor keeps the others.
func (c *cursor) inputs(t *schema.Table, in *Input) error {
	if c.reject != 0 {
		return nil
	}
	if in.Count > InputsPerDatagram {
		return rejectf(TooManyInputs, "a datagram has %d inputs, at most %d are possible: send the newest ones", in.Count, InputsPerDatagram)
	}
	var words [schema.MaxColumns]uint32
	var texts []string
	if t.Texts > 0 {
		texts = make([]string, t.Texts)
	}
	for i := range in.Count {
		in.Lags[i] = uint16(c.limbs(2))
		if c.reject != 0 {
			return nil
		}
		n, err := t.ParseRow(c.b[c.at:], schema.Own, t.FullMask(schema.Own), words[:], texts)
		if err != nil {
			c.fail(rejectOfRow(err))
			return nil
		}
		if t.CheckRange(schema.Own, words[:]) != nil || schema.CheckTexts(texts) != nil {
			return rejectf(InputOutOfRange, "input %d of a datagram has a field outside of its range, or a text that may not travel: make it fit before sending", i)
		}
		in.Inputs[i] = c.b[c.at : c.at+n : c.at+n]
		c.at += n
	}
	return nil
}

// table reads the number of a table.
func (c *cursor) table(s *schema.Schema) int {
	n := int(c.limbs(1))
	if c.reject == 0 && n >= len(s.Tables) {
		c.fail(BadValue)
	}
	return n
}

// rowReport reads a report of one row; its Columns lie within the datagram.
func (c *cursor) rowReport(s *schema.Schema, r *RowReport) {
	*r = RowReport{
		Table: c.table(s), Class: schema.Class(c.limbs(1)), Index: uint32(c.uint(schema.MaxEntities - 1)),
		Generation: uint16(c.uint(schema.MaxGeneration)), Tick: c.limbs(2),
	}
	if c.reject == 0 && (r.Class >= schema.Classes || r.Generation == 0) {
		c.fail(BadValue)
	}
	if c.reject != 0 {
		return
	}
	var words [schema.MaxColumns]uint32
	t := s.Tables[r.Table]
	var texts []string
	if t.Texts > 0 {
		texts = make([]string, t.Texts)
	}
	n, err := t.ParseRow(c.b[c.at:], r.Class, t.FullMask(r.Class), words[:], texts)
	if err != nil {
		c.fail(rejectOfRow(err))
		return
	}
	r.Columns = c.b[c.at : c.at+n : c.at+n]
	c.at += n
}
