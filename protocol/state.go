package protocol

import (
	"fmt"

	"github.com/quicstep/quicstep/protocol/schema"
)

// StateHeader begins each datagram from server to client (docs/protocol.md §5.1).
type StateHeader struct {
	// Epoch is the replica's, 0 to MaxEpoch.
	Epoch uint8
	// Sequence counts the datagrams of a session, from 1; it never restarts. 14 bits travel.
	Sequence uint64
	// Tick is the tick whose state the datagram tells. 14 bits travel.
	Tick uint64
	// OwnComplete: with this datagram the client has every change up to Tick of the rows that are its own. Rows
	// that were removed, or are its own no longer, may be told of later.
	OwnComplete bool
	// ViewComplete: everything that was in sight at the epoch's first tick has been acknowledged.
	ViewComplete bool
	// HasInput tells whether InputTick and Margin mean anything.
	HasInput bool
	// InputTick is the tick of the newest input that the server has of this player. 14 bits travel.
	InputTick uint64
	// Margin is how long before its tick that input arrived, in quarters of a tick from -64 to 63; negative
	// is too late. Of several that came since the datagram before it is the least.
	Margin int8
}

// StateHeaderBytes is the length of a header.
const StateHeaderBytes = 10

const (
	flagOwnComplete  = 1 << 0
	flagViewComplete = 1 << 1
	flagHasInput     = 1 << 2
	marginBias       = 64
)

// AppendStateHeader writes a header; records follow it in sections.
func AppendStateHeader(dst []byte, h StateHeader) []byte {
	var flags byte
	if h.OwnComplete {
		flags |= flagOwnComplete
	}
	if h.ViewComplete {
		flags |= flagViewComplete
	}
	if h.HasInput {
		flags |= flagHasInput
	}
	margin := max(-marginBias, min(int(h.Margin), marginBias-1)) + marginBias
	seq, tick, input := Short(h.Sequence), Short(h.Tick), Short(h.InputTick)
	return append(dst, byte(DatagramState), h.Epoch&0x7f,
		byte(seq>>7), byte(seq&0x7f), byte(tick>>7), byte(tick&0x7f),
		flags, byte(input>>7), byte(input&0x7f), byte(margin))
}

// RecordKind says what a record does to its entity (docs/protocol.md §5.2).
type RecordKind uint8

// The kinds of records.
const (
	Partial  RecordKind = iota // the fields that changed, of an entity that the client has
	Full                       // all fields that the client may see; replaces everything
	Removed                    // the entity is out of sight since a tick
	Happened                   // an event, which is of no entity
	recordKinds
)

// String returns the kind's name.
func (k RecordKind) String() string {
	switch k {
	case Partial:
		return "partial"
	case Full:
		return "full"
	case Removed:
		return "removed"
	case Happened:
		return "happened"
	}
	return fmt.Sprintf("record kind %d", uint8(k))
}

// Section is what the records that follow have in common. Within a section records are sorted by index; events are in
// the order in which they happened.
type Section struct {
	Table int // the place among the schema's tables, or its events
	Class schema.Class
	Kind  RecordKind
}

// SectionBytes is the length of a section's head; SectionRecords the most records that one has.
const (
	SectionBytes   = 3
	SectionRecords = 127
)

// AppendSection writes a section's head with a count of zero. CountSection sets the count of the section
// whose head begins at a place.
func AppendSection(dst []byte, s Section) []byte {
	return append(dst, byte(s.Table), byte(s.Class)<<2|byte(s.Kind), 0)
}

// CountSection sets how many records, 1 to SectionRecords, the section at b[at:] has.
func CountSection(b []byte, at, records int) { b[at+2] = byte(records) }

// AppendPartial writes what comes before a partial record's fields: gap is the index less the one before in
// the section, or the index itself for the first; mask has a bit per column of the class, and wide is its table's WideMask.
func AppendPartial(dst []byte, gap uint32, mask uint64, wide bool) []byte {
	if gap <= 0x7f && (!wide || mask < maskMore) {
		return append(dst, byte(gap), byte(mask))
	}
	dst = appendUint(dst, uint64(gap))
	for ; wide && mask >= maskMore; mask >>= maskBits {
		dst = append(dst, byte(mask&(maskMore-1)|maskMore))
	}
	return append(dst, byte(mask))
}

// A wide mask has so many bits in each byte, the lowest first; the bit above them says that another byte follows.
const (
	maskBits = 6
	maskMore = 1 << maskBits
)

// mask reads the mask of a partial record, which has the bits of full at most.
func (c *cursor) mask(full uint64, wide bool) (mask uint64) {
	for shift, more := 0, true; more; shift += maskBits {
		bits := c.limbs(1)
		if more = wide && bits >= maskMore; more {
			bits -= maskMore
		} else if bits == 0 { // the shortest form ends with a bit that is set
			c.fail(BadValue)
		}
		if bits<<shift>>shift != bits {
			c.fail(BadValue)
		}
		mask |= bits << shift
	}
	if mask&^full != 0 {
		c.fail(BadValue)
	}
	return mask
}

// AppendFull writes what comes before a full record's fields.
func AppendFull(dst []byte, gap uint32, generation uint16) []byte {
	return appendUint(appendUint(dst, uint64(gap)), uint64(generation))
}

// AppendOrigin writes which input of its owner's has made the entity of a full own record, behind what AppendFull has
// written: the entity's number among those that it made, zero for no input, and how many ticks before the datagram's it was.
func AppendOrigin(dst []byte, insert uint16, age uint32) []byte {
	if insert == 0 || age > MaxOriginAge {
		return append(dst, 0)
	}
	return append(appendUint(dst, uint64(insert)), byte(age))
}

// AppendRemoved writes a removal: age is the datagram's tick less the tick since which the entity is out of
// sight.
func AppendRemoved(dst []byte, gap, age uint32) []byte {
	return appendUint(appendUint(dst, uint64(gap)), uint64(age))
}

// AppendHappened writes what comes before an event's columns: how many ticks before the datagram's it happened, and its
// number among the events of that tick. What is above MaxEventTicks and MaxEventNumber is cut down to them, so that it
// costs the event alone and not the datagram: of such an age it is too late for every client.
func AppendHappened(dst []byte, age, number uint32) []byte {
	return appendUint(append(dst, byte(min(age, MaxEventTicks))), uint64(min(number, MaxEventNumber)))
}

// RecordHeadMax is the most bytes that a record has before its fields: a partial one a gap and a mask of every column.
const RecordHeadMax = 5 + (schema.MaxColumns+maskBits-1)/maskBits

// Record is one record of a state datagram as it was read.
type Record struct {
	Section           // its class is Own for an event, which travels whole
	Index      uint32 // of the entity; zero for an event
	Generation uint16 // of a full record
	Mask       uint64 // of a partial one; every column of the class for a full one
	Age        uint32 // of a removal, of an event, or of the input that made the entity, in ticks before the datagram's
	Insert     uint16 // of a full own record: the entity's number among those that the input made; zero for none
	Number     uint32 // of an event, among those of its tick
	Data       []byte // of an event, its columns; within the datagram
}

// StateReader reads a state datagram from its bytes and the schema alone. It can be used again; it keeps
// scratch space, so use one per goroutine.
type StateReader struct {
	// Header is valid once Open has returned; Sequence, Tick and InputTick are as short as they travel.
	Header StateHeader
	// Words and Texts hold the fields of the record that Next read, at the places of the table's columns.
	Words [schema.MaxColumns]uint32
	Texts []string

	schema  *schema.Schema
	cursor  cursor
	section Section
	table   *schema.Table
	left    int
	index   uint32
}

// Open begins to read a datagram. The error is a *RejectError. The bytes are used until the last Next.
func (r *StateReader) Open(b []byte, s *schema.Schema) error {
	c, err := openDatagram(b, DatagramState, "state")
	if err != nil {
		return err
	}
	r.schema, r.cursor, r.left = s, c, 0
	if r.Texts == nil {
		r.Texts = make([]string, schema.MaxColumns)
	}
	h := StateHeader{Epoch: uint8(r.cursor.limbs(1)), Sequence: r.cursor.limbs(2), Tick: r.cursor.limbs(2)}
	flags := r.cursor.limbs(1)
	h.OwnComplete, h.ViewComplete, h.HasInput = flags&flagOwnComplete != 0, flags&flagViewComplete != 0, flags&flagHasInput != 0
	h.InputTick = r.cursor.limbs(2)
	h.Margin = int8(int(r.cursor.limbs(1)) - marginBias)
	r.Header = h
	return r.Err()
}

// Next reads the next record; it returns false at the end and at the first fault, which Err tells apart.
func (r *StateReader) Next(rec *Record) bool {
	c := &r.cursor
	first := r.left == 0
	if first && (c.at == len(c.b) || !r.openSection()) {
		return false
	}
	if r.section.Kind == Happened {
		return r.happened(rec)
	}
	if first {
		r.index = uint32(c.uint(schema.MaxEntities - 1))
	} else {
		gap := c.uint(schema.MaxEntities - 1)
		if gap == 0 || uint64(r.index)+gap >= schema.MaxEntities {
			c.fail(BadValue)
		}
		r.index += uint32(gap)
	}
	r.left--
	rec.Section, rec.Index = r.section, r.index
	switch r.section.Kind {
	case Removed:
		rec.Age = uint32(c.uint(MaxRemovalAge))
		return c.reject == 0
	case Full:
		rec.Generation = uint16(c.uint(schema.MaxGeneration))
		rec.Mask = r.table.FullMask(r.section.Class)
		if rec.Generation == 0 {
			c.fail(BadValue)
		}
		if rec.Insert, rec.Age = 0, 0; r.section.Class == schema.Own {
			if rec.Insert = uint16(c.uint(MaxInsert)); rec.Insert != 0 {
				rec.Age = uint32(c.limbs(1))
			}
		}
	case Partial:
		rec.Mask = c.mask(r.table.FullMask(r.section.Class), r.table.WideMask(r.section.Class))
	}
	return c.reject == 0 && r.fields(rec)
}

func (r *StateReader) openSection() bool {
	c := &r.cursor
	table, form, count := c.limbs(1), c.limbs(1), c.limbs(1)
	r.section = Section{Table: int(table), Class: schema.Class(form >> 2), Kind: RecordKind(form & 3)}
	tables := r.schema.Tables
	if r.section.Kind == Happened {
		tables = r.schema.Events
	}
	if c.reject == 0 && (int(table) >= len(tables) || r.section.Class >= schema.Classes || count == 0) {
		c.fail(BadValue)
	}
	if c.reject != 0 {
		return false
	}
	r.table, r.left = tables[table], int(count)
	return true
}

// happened reads an event.
func (r *StateReader) happened(rec *Record) bool {
	c := &r.cursor
	r.left--
	*rec = Record{Section: r.section, Age: uint32(c.limbs(1)), Number: uint32(c.uint(MaxEventNumber))}
	rec.Class = schema.Own // an event travels whole
	rec.Mask = r.table.FullMask(schema.Own)
	from := c.at
	if c.reject != 0 || !r.fields(rec) {
		return false
	}
	rec.Data = c.b[from:c.at]
	return true
}

func (r *StateReader) fields(rec *Record) bool {
	c := &r.cursor
	n, err := r.table.ParseRow(c.b[c.at:], rec.Class, rec.Mask, r.Words[:], r.Texts)
	if err != nil {
		c.fail(rejectOfRow(err))
		return false
	}
	c.at += n
	return true
}

// Err is nil, or the *RejectError of a datagram that could not be read to its end.
func (r *StateReader) Err() error {
	if r.cursor.reject == 0 {
		return nil
	}
	return rejectf(r.cursor.reject, "a state datagram of %d bytes can't be read to its end: server and client must have the same schema", len(r.cursor.b))
}
