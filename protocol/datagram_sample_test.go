package protocol_test

import (
	"encoding/hex"
	"fmt"
	"math/bits"
	"reflect"
	"testing"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// The rows of the game that the datagrams of the tests and of testdata/wire are about.
type (
	arenaMover struct {
		X       float32 `net:"range=0:3000,step=0.1,pos=x"`
		Y       float32 `net:"range=0:3000,step=0.1,pos=y"`
		Heading float32 `net:"range=0:360,step=3,wrap"`
	}
	arenaShip struct {
		Name   string `net:"max=40"`
		Alive  bool
		Hull   int16 `net:"range=-100:100"`
		Score  uint64
		Aim    float64 `net:"range=-1:1,step=0.1,own"`
		Ammo   uint16  `net:"range=0:500,owner"`
		Plan   int8    `net:"range=0:9,team"`
		Target schema.ID
	}
	arenaSteer struct {
		DX   int8    `net:"range=-1:1"`
		Turn float32 `net:"range=-180:180,step=0.5,wrap"`
		Fire bool
	}
	arenaShot struct {
		From  schema.ID
		Power uint8 `net:"range=1:10"`
	}
	arenaTaunt struct {
		By   uint8
		Line string `net:"max=40"`
	}
	arenaGong struct{}
)

// The places of the tables in the arena, and of its events.
const (
	moverTable = 0
	shipTable  = 1

	shotEvent  = 0
	tauntEvent = 1
	gongEvent  = 2
)

// What the arena tells, and is asked, beside its rows.
type (
	arenaVerdict struct {
		Winner string `net:"max=16"`
		Rounds uint8
	}
	arenaBuy    struct{ Item uint8 }
	arenaBought struct{ Left uint16 }
)

// arena is the schema that the tests' datagrams are written in.
func arena(t testing.TB) *schema.Schema {
	t.Helper()
	row := func(name string, row any) *schema.Table {
		table, _, err := schema.FromType(name, reflect.TypeOf(row))
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	s, err := schema.New(schema.Schema{
		Game:     "arena",
		Tables:   []*schema.Table{row("mover", arenaMover{}), row("ship", arenaShip{})},
		Input:    row("steer", arenaSteer{}),
		Events:   []*schema.Table{row("shot", arenaShot{}), row("taunt", arenaTaunt{}), row("gong", arenaGong{})},
		Messages: []*schema.Table{row("verdict", arenaVerdict{})},
		Requests: []schema.Request{{Ask: row("buy", arenaBuy{}), Answer: row("buy's answer", arenaBought{})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stateVector is a state datagram as other languages read it. Sequence, tick and input tick are as they travel.
type stateVector struct {
	Name     string          `json:"name"`
	Header   stateHeader     `json:"header"`
	Sections []sectionVector `json:"sections"`
	Hex      string          `json:"hex"`
}

type stateHeader struct {
	Epoch        uint8  `json:"epoch"`
	Sequence     uint16 `json:"sequence"`
	Tick         uint16 `json:"tick"`
	OwnComplete  bool   `json:"ownComplete"`
	ViewComplete bool   `json:"viewComplete"`
	HasInput     bool   `json:"hasInput"`
	InputTick    uint16 `json:"inputTick"`
	Margin       int8   `json:"margin"`
}

// sectionVector has records, or events: its table is the name of an event then, and its class public, which means
// nothing.
type sectionVector struct {
	Table   string         `json:"table"`
	Class   string         `json:"class"`
	Kind    string         `json:"kind"`
	Records []recordVector `json:"records,omitempty"`
	Events  []eventVector  `json:"events,omitempty"`
}

// recordVector is one record; its columns are in the order of the mask's bits.
type recordVector struct {
	Index      uint32         `json:"index"`
	Generation uint16         `json:"generation,omitempty"`
	Insert     uint16         `json:"insert,omitempty"`
	Mask       uint64         `json:"mask,omitempty"`
	Age        uint32         `json:"age,omitempty"`
	Columns    []columnVector `json:"columns,omitempty"`
}

// eventVector is one event with all its columns.
type eventVector struct {
	Age     uint32         `json:"age"`
	Number  uint32         `json:"number"`
	Columns []columnVector `json:"columns,omitempty"`
}

// columnVector is a column's place in the table and its word, or its text.
type columnVector struct {
	Column uint8  `json:"column"`
	Word   uint32 `json:"word"`
	Text   string `json:"text,omitempty"`
}

// readState reads a whole state datagram. The reader may have been used before.
func readState(r *protocol.StateReader, s *schema.Schema, b []byte) (v stateVector, err error) {
	if err := r.Open(b, s); err != nil {
		return v, err
	}
	h := r.Header
	v.Header = stateHeader{
		h.Epoch, uint16(h.Sequence), uint16(h.Tick), h.OwnComplete, h.ViewComplete, h.HasInput, uint16(h.InputTick), h.Margin,
	}
	v.Sections = []sectionVector{}
	var rec protocol.Record
	last, previous := protocol.Section{}, uint32(0)
	for r.Next(&rec) {
		happened := rec.Kind == protocol.Happened
		tables := s.Tables
		if happened {
			tables, rec.Class = s.Events, schema.Public
		}
		n := len(v.Sections)
		if n == 0 || rec.Section != last || !happened && rec.Index <= previous || v.Sections[n-1].count() == protocol.SectionRecords {
			last = rec.Section
			v.Sections = append(v.Sections, sectionVector{Table: tables[rec.Table].Name, Class: rec.Class.String(), Kind: rec.Kind.String()})
			n++
		}
		previous = rec.Index
		if sec := &v.Sections[n-1]; happened {
			columns := columnsRead(r, tables[rec.Table], schema.Own, rec.Mask)
			sec.Events = append(sec.Events, eventVector{Age: rec.Age, Number: rec.Number, Columns: columns})
		} else {
			sec.Records = append(sec.Records, recordOf(r, tables[rec.Table], &rec))
		}
	}
	return v, r.Err()
}

func (sec *sectionVector) count() int { return len(sec.Records) + len(sec.Events) }

func recordOf(r *protocol.StateReader, t *schema.Table, rec *protocol.Record) recordVector {
	if rec.Kind == protocol.Removed {
		return recordVector{Index: rec.Index, Age: rec.Age}
	}
	v := recordVector{Index: rec.Index, Mask: rec.Mask}
	if rec.Kind == protocol.Full {
		v = recordVector{Index: rec.Index, Generation: rec.Generation, Insert: rec.Insert, Age: rec.Age}
	}
	v.Columns = columnsRead(r, t, rec.Class, rec.Mask)
	return v
}

// columnsRead are the columns of the record that was read last, in the order of the mask.
func columnsRead(r *protocol.StateReader, t *schema.Table, class schema.Class, mask uint64) (read []columnVector) {
	columns := t.ClassColumns(class)
	for ; mask != 0; mask &= mask - 1 {
		first := columns[bits.TrailingZeros64(mask)]
		for at := first; at < t.Until(first); at++ {
			c := columnVector{Column: at}
			if t.Columns[at].IsText() {
				c.Text = r.Texts[t.Columns[at].TextAt]
			} else {
				c.Word = r.Words[at]
			}
			read = append(read, c)
		}
	}
	return read
}

// bytes writes the datagram that the vector describes.
func (v *stateVector) bytes(s *schema.Schema) []byte {
	h := v.Header
	b := protocol.AppendStateHeader(nil, protocol.StateHeader{
		Epoch: h.Epoch, Sequence: uint64(h.Sequence), Tick: uint64(h.Tick), OwnComplete: h.OwnComplete,
		ViewComplete: h.ViewComplete, HasInput: h.HasInput, InputTick: uint64(h.InputTick), Margin: h.Margin,
	})
	for _, sec := range v.Sections {
		b = sec.appendTo(b, s)
	}
	return b
}

// section finds the numbers behind the names.
func (sec *sectionVector) section(s *schema.Schema) protocol.Section {
	tables := s.Tables
	if sec.Kind == protocol.Happened.String() {
		tables = s.Events
	}
	for table := range tables {
		for class := range schema.Classes {
			for kind := protocol.Partial; kind <= protocol.Happened; kind++ {
				if tables[table].Name == sec.Table && class.String() == sec.Class && kind.String() == sec.Kind {
					return protocol.Section{Table: table, Class: class, Kind: kind}
				}
			}
		}
	}
	panic(fmt.Sprintf("no section is %+v", sec))
}

func (sec *sectionVector) appendTo(b []byte, s *schema.Schema) []byte {
	head := sec.section(s)
	at := len(b)
	b = protocol.AppendSection(b, head)
	for i := range sec.Events {
		t, e := s.Events[head.Table], &sec.Events[i]
		b = appendColumns(protocol.AppendHappened(b, e.Age, e.Number), t, schema.Own, t.FullMask(schema.Own), e.Columns)
	}
	last := uint32(0)
	for i := range sec.Records {
		t, r := s.Tables[head.Table], &sec.Records[i]
		gap := r.Index - last
		last = r.Index
		switch head.Kind {
		case protocol.Removed:
			b = protocol.AppendRemoved(b, gap, r.Age)
		case protocol.Full:
			if b = protocol.AppendFull(b, gap, r.Generation); head.Class == schema.Own {
				b = protocol.AppendOrigin(b, r.Insert, r.Age)
			}
			b = appendColumns(b, t, head.Class, t.FullMask(head.Class), r.Columns)
		default:
			b = appendColumns(protocol.AppendPartial(b, gap, r.Mask, t.WideMask(head.Class)), t, head.Class, r.Mask, r.Columns)
		}
	}
	protocol.CountSection(b, at, sec.count())
	return b
}

func appendColumns(b []byte, t *schema.Table, class schema.Class, mask uint64, columns []columnVector) []byte {
	words, texts := make([]uint32, len(t.Columns)), make([]string, t.Texts)
	for _, c := range columns {
		if column := t.Columns[c.Column]; column.IsText() {
			texts[column.TextAt] = c.Text
		} else {
			words[c.Column] = c.Word
		}
	}
	return t.AppendRow(b, class, mask, words, texts)
}

// inputVector is an input datagram as other languages read it.
type inputVector struct {
	Name    string            `json:"name"`
	Epoch   uint8             `json:"epoch"`
	HasAck  bool              `json:"hasAck"`
	Newest  uint16            `json:"newest"`
	Missing string            `json:"missing"` // 16 hexadecimal digits: bit i is datagram newest-1-i
	Tick    uint16            `json:"tick"`
	Inputs  []string          `json:"inputs"` // rows of the schema's input in hexadecimal, the newest first
	Lags    []uint16          `json:"lags"`   // of each
	Row     *rowReportVector  `json:"row,omitempty"`
	Page    *pageReportVector `json:"page,omitempty"`
	Hex     string            `json:"hex"`
}

type rowReportVector struct {
	Table      string `json:"table"`
	Class      string `json:"class"`
	Index      uint32 `json:"index"`
	Generation uint16 `json:"generation"`
	Tick       uint16 `json:"tick"`
	Columns    string `json:"columns"` // all that the class sees, in hexadecimal
}

type pageReportVector struct {
	Table string `json:"table"`
	Page  uint32 `json:"page"`
	Here  string `json:"here"` // 16 hexadecimal digits: bit i is the row at index page*64+i
}

func vectorOf(s *schema.Schema, in *protocol.Input) inputVector {
	v := inputVector{
		Epoch: in.Epoch, HasAck: in.HasAck, Newest: uint16(in.Newest), Missing: fmt.Sprintf("%016x", in.Missing), Tick: uint16(in.Tick),
		Inputs: []string{}, Lags: in.Lags[:in.Count],
	}
	for _, data := range in.Inputs[:in.Count] {
		v.Inputs = append(v.Inputs, hex.EncodeToString(data))
	}
	if r := &in.Row; in.HasRow {
		v.Row = &rowReportVector{
			Table: s.Tables[r.Table].Name, Class: r.Class.String(), Index: r.Index, Generation: r.Generation, Tick: uint16(r.Tick),
			Columns: hex.EncodeToString(r.Columns),
		}
	}
	if p := &in.Page; in.HasPage {
		v.Page = &pageReportVector{Table: s.Tables[p.Table].Name, Page: p.Page, Here: fmt.Sprintf("%016x", p.Here)}
	}
	return v
}

// steer returns an input as it travels.
func steer(s *schema.Schema, dx int64, turn float64, fire bool) []byte {
	words := make([]uint32, len(s.Input.Columns))
	for i := range s.Input.Fields {
		f := &s.Input.Fields[i]
		var q uint64
		switch f.Name {
		case "DX":
			q, _ = f.QuantiseInt(dx)
		case "Turn":
			q, _ = f.QuantiseFloat(turn, true)
		case "Fire":
			if fire {
				q = 1
			}
		}
		s.Input.Split(words, s.Input.FieldColumns(i, true), q)
	}
	return s.Input.AppendRow(nil, schema.Own, s.Input.FullMask(schema.Own), words, nil)
}
