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
)

// The places of the tables in the arena.
const (
	moverTable = 0
	shipTable  = 1
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
		Events:   []*schema.Table{row("shot", arenaShot{})},
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

type sectionVector struct {
	Table   string         `json:"table"`
	Class   string         `json:"class"`
	Kind    string         `json:"kind"`
	Records []recordVector `json:"records"`
}

// recordVector is one record; its columns are in the order of the mask's bits.
type recordVector struct {
	Index      uint32         `json:"index"`
	Generation uint16         `json:"generation,omitempty"`
	Mask       uint64         `json:"mask,omitempty"`
	Age        uint32         `json:"age,omitempty"`
	Columns    []columnVector `json:"columns,omitempty"`
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
		n := len(v.Sections)
		if n == 0 || rec.Section != last || rec.Index <= previous || len(v.Sections[n-1].Records) == protocol.SectionRecords {
			last = rec.Section
			v.Sections = append(v.Sections, sectionVector{Table: s.Tables[rec.Table].Name, Class: rec.Class.String(), Kind: rec.Kind.String()})
			n++
		}
		previous = rec.Index
		v.Sections[n-1].Records = append(v.Sections[n-1].Records, recordOf(r, s.Tables[rec.Table], &rec))
	}
	return v, r.Err()
}

func recordOf(r *protocol.StateReader, t *schema.Table, rec *protocol.Record) recordVector {
	if rec.Kind == protocol.Removed {
		return recordVector{Index: rec.Index, Age: rec.Age}
	}
	v := recordVector{Index: rec.Index, Mask: rec.Mask}
	if rec.Kind == protocol.Full {
		v = recordVector{Index: rec.Index, Generation: rec.Generation}
	}
	columns := t.ClassColumns(rec.Class)
	for mask := rec.Mask; mask != 0; mask &= mask - 1 {
		at := columns[bits.TrailingZeros64(mask)]
		c := columnVector{Column: at}
		if t.Columns[at].IsText() {
			c.Text = r.Texts[t.Columns[at].TextAt]
		} else {
			c.Word = r.Words[at]
		}
		v.Columns = append(v.Columns, c)
	}
	return v
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
	for table := range s.Tables {
		for class := range schema.Classes {
			for kind := protocol.Partial; kind <= protocol.Removed; kind++ {
				if s.Tables[table].Name == sec.Table && class.String() == sec.Class && kind.String() == sec.Kind {
					return protocol.Section{Table: table, Class: class, Kind: kind}
				}
			}
		}
	}
	panic(fmt.Sprintf("no section is %+v", sec))
}

func (sec *sectionVector) appendTo(b []byte, s *schema.Schema) []byte {
	head := sec.section(s)
	t := s.Tables[head.Table]
	at, last := len(b), uint32(0)
	b = protocol.AppendSection(b, head)
	for _, r := range sec.Records {
		gap := r.Index - last
		last = r.Index
		mask := r.Mask
		switch head.Kind {
		case protocol.Removed:
			b = protocol.AppendRemoved(b, gap, r.Age)
			continue
		case protocol.Full:
			b, mask = protocol.AppendFull(b, gap, r.Generation), t.FullMask(head.Class)
		default:
			b = protocol.AppendPartial(b, gap, mask, t.MaskBytes(head.Class))
		}
		words, texts := make([]uint32, len(t.Columns)), make([]string, t.Texts)
		for _, c := range r.Columns {
			if column := t.Columns[c.Column]; column.IsText() {
				texts[column.TextAt] = c.Text
			} else {
				words[c.Column] = c.Word
			}
		}
		b = t.AppendRow(b, head.Class, mask, words, texts)
	}
	protocol.CountSection(b, at, len(sec.Records))
	return b
}

// inputVector is an input datagram as other languages read it.
type inputVector struct {
	Name    string   `json:"name"`
	Epoch   uint8    `json:"epoch"`
	HasAck  bool     `json:"hasAck"`
	Newest  uint16   `json:"newest"`
	Missing string   `json:"missing"` // 16 hexadecimal digits: bit i is datagram newest-1-i
	Tick    uint16   `json:"tick"`
	Inputs  []string `json:"inputs"` // rows of the schema's input in hexadecimal, the newest first
	Hex     string   `json:"hex"`
}

func vectorOf(in *protocol.Input) inputVector {
	v := inputVector{
		Epoch: in.Epoch, HasAck: in.HasAck, Newest: uint16(in.Newest), Missing: fmt.Sprintf("%016x", in.Missing), Tick: uint16(in.Tick),
		Inputs: []string{},
	}
	for _, data := range in.Inputs[:in.Count] {
		v.Inputs = append(v.Inputs, hex.EncodeToString(data))
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
