package protocol_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

const datagramGolden = "../testdata/wire/datagrams.json"

// datagramFile is what stands in testdata/wire/datagrams.json. Numbers that may exceed 53 bits are decimal strings.
type datagramFile struct {
	Schema   string           `json:"schema"` // a name in schema.json
	State    []stateVector    `json:"state"`
	Input    []inputVector    `json:"input"`
	Widen    []widenVector    `json:"widen"`
	Quantise []quantiseVector `json:"quantise"`
}

type widenVector struct {
	Short uint16 `json:"short"`
	Near  string `json:"near"`
	Wide  string `json:"wide"`
}

// quantiseVector is a value on its way through a field: what travels for it, and what the reader gets back.
// Values are what JavaScript's Number and Python's float read.
type quantiseVector struct {
	Field     fieldVector `json:"field"`
	Own       bool        `json:"own"`
	Value     string      `json:"value"`
	Quantised string      `json:"quantised"`
	Clamped   bool        `json:"clamped"`
	Back      string      `json:"back"`
}

func TestDatagramGolden(t *testing.T) {
	s := arena(t)
	file := datagramFile{Schema: s.Game, State: stateSamples(s), Input: inputSamples(s), Widen: widenSamples(), Quantise: quantiseSamples(t)}
	got, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, datagramGolden, append(got, '\n'))
}

// movers is a section of movers of which the fine part of both coordinates changed, and the heading if asked.
func movers(heading bool, indexes ...uint32) sectionVector {
	sec := sectionVector{Table: "mover", Class: "public", Kind: "partial"}
	for i, index := range indexes {
		r := recordVector{Index: index, Mask: 0b01010, Columns: []columnVector{{Column: 1, Word: 100 * uint32(i+1)}, {Column: 3, Word: 16383 - uint32(i)}}}
		if heading {
			r.Mask, r.Columns = 0b11010, append(r.Columns, columnVector{Column: 4, Word: 119})
		}
		sec.Records = append(sec.Records, r)
	}
	return sec
}

// columnsOf gives every column of a class a word that fills it, and every text the same string.
func columnsOf(t *schema.Table, class schema.Class, text string) (columns []columnVector) {
	for _, at := range t.ClassColumns(class) {
		c := columnVector{Column: at, Text: text}
		if column := t.Columns[at]; !column.IsText() {
			c = columnVector{Column: at, Word: uint32(1<<column.Bits - 1)}
		}
		columns = append(columns, c)
	}
	return columns
}

func fullShip(s *schema.Schema, class schema.Class, index uint32, name string) sectionVector {
	return sectionVector{Table: "ship", Class: class.String(), Kind: "full", Records: []recordVector{
		{Index: index, Generation: 1, Columns: columnsOf(s.Tables[shipTable], class, name)},
	}}
}

func stateSamples(s *schema.Schema) []stateVector {
	plain := stateHeader{Epoch: 1, Sequence: 2, Tick: 1001}
	playing := stateHeader{Epoch: 1, Sequence: 3, Tick: 1002, OwnComplete: true, ViewComplete: true, HasInput: true, InputTick: 1004, Margin: 6}
	everywhere := movers(false, 127, 255, 510, 766, 66301, schema.MaxEntities-1)
	removals := sectionVector{Table: "mover", Class: "public", Kind: "removed", Records: []recordVector{
		{Index: 5, Age: 0}, {Index: 6, Age: 200}, {Index: 7, Age: protocol.MaxRemovalAge},
	}}
	generations := sectionVector{Table: "mover", Class: "team", Kind: "full"}
	for i, generation := range []uint16{1, 127, 128, 255, 256, schema.MaxGeneration} {
		generations.Records = append(generations.Records, recordVector{Index: uint32(i), Generation: generation, Columns: columnsOf(s.Tables[moverTable], schema.Team, "")})
	}
	crossing := sectionVector{Table: "mover", Class: "public", Kind: "partial", Records: []recordVector{
		{Index: 5, Mask: 0b01011, Columns: []columnVector{{0, 1, ""}, {1, 12, ""}, {3, 300, ""}}},
	}}
	aim := sectionVector{Table: "ship", Class: "own", Kind: "partial", Records: []recordVector{
		{Index: 2, Mask: 0b0_1010_0000, Columns: []columnVector{{6, 165, ""}, {8, 7, ""}}},
	}}
	fullMover := sectionVector{Table: "mover", Class: "public", Kind: "full", Records: []recordVector{
		{Index: 40, Generation: 3, Columns: []columnVector{{0, 0, ""}, {1, 5000, ""}, {2, 1, ""}, {3, 616, ""}, {4, 30, ""}}},
	}}
	lost := sectionVector{Table: "mover", Class: "public", Kind: "removed", Records: []recordVector{{Index: 300, Age: 4}}}
	shot := func(age, number, index, power uint32) eventVector {
		return eventVector{Age: age, Number: number, Columns: []columnVector{{0, uint32(schema.MakeID(index, 1)), ""}, {1, power - 1, ""}}}
	}
	happened := func(name string, events ...eventVector) sectionVector {
		return sectionVector{Table: name, Class: "public", Kind: "happened", Events: events}
	}
	taunt := func(age, number uint32, line string) eventVector {
		return eventVector{Age: age, Number: number, Columns: []columnVector{{0, 7, ""}, {1, 0, line}}}
	}
	oldest := eventVector{Age: protocol.MaxEventTicks, Number: protocol.MaxEventNumber, Columns: columnsOf(s.Events[shotEvent], schema.Own, "")}
	gongs := happened("gong")
	for i := range uint32(protocol.SectionRecords) {
		gongs.Events = append(gongs.Events, eventVector{Age: protocol.SectionRecords - 1 - i, Number: 2 * i})
	}
	made := fullShip(s, schema.Own, 2, "Bounty")
	made.Records[0].Insert, made.Records[0].Age = 1, 3
	late := fullShip(s, schema.Own, 2, "Bounty")
	late.Records[0].Insert, late.Records[0].Age = protocol.MaxInsert, protocol.MaxOriginAge
	samples := []stateVector{
		{Name: "state: header only", Header: stateHeader{Epoch: 1, Sequence: 1, Tick: 1000, OwnComplete: true}},
		{Name: "state: header, every field at its largest", Header: stateHeader{127, 16383, 16383, true, true, true, 16383, 63}},
		{Name: "state: header, the smallest margin", Header: stateHeader{Tick: 16383, HasInput: true, InputTick: 0, Margin: -64}},
		{Name: "state: two movers", Header: playing, Sections: []sectionVector{movers(false, 5, 9)}},
		{Name: "state: two movers that turn", Header: playing, Sections: []sectionVector{movers(true, 5, 9)}},
		{Name: "state: a mover crosses a square", Header: playing, Sections: []sectionVector{crossing}},
		{Name: "state: a full mover", Header: plain, Sections: []sectionVector{fullMover}},
		{Name: "state: a full ship, public", Header: plain, Sections: []sectionVector{fullShip(s, schema.Public, 2, "Bounty")}},
		{Name: "state: a full ship, team", Header: plain, Sections: []sectionVector{fullShip(s, schema.Team, 2, "Bounty")}},
		{Name: "state: a full ship, own", Header: plain, Sections: []sectionVector{fullShip(s, schema.Own, 2, "Bounty")}},
		{Name: "state: a full ship that an input has made", Header: plain, Sections: []sectionVector{made}},
		{Name: "state: the highest number and age of an input's", Header: plain, Sections: []sectionVector{late}},
		{Name: "state: a part of an own ship", Header: playing, Sections: []sectionVector{aim}},
		{Name: "state: texts, empty, not ASCII and longer than 31 bytes", Header: plain, Sections: []sectionVector{
			fullShip(s, schema.Public, 0, ""), fullShip(s, schema.Team, 0, "Flôt"), fullShip(s, schema.Own, 0, strings.Repeat("ab", 20)),
		}},
		{Name: "state: removals", Header: playing, Sections: []sectionVector{removals}},
		{Name: "state: several sections", Header: playing, Sections: []sectionVector{aim, movers(false, 5, 200), fullMover, lost}},
		{Name: "state: gaps of every width", Header: plain, Sections: []sectionVector{everywhere}},
		{Name: "state: generations of every width", Header: plain, Sections: []sectionVector{generations}},
		{Name: "state: an event", Header: playing, Sections: []sectionVector{happened("shot", shot(0, 3, 5, 9))}},
		{Name: "state: events of several ticks and rows", Header: playing, Sections: []sectionVector{
			happened("shot", shot(2, 1, 5, 10), shot(2, 200, 9, 1), shot(0, 0, 5, 2)), happened("taunt", taunt(1, 0, "Ahoy")), movers(false, 5),
		}},
		{Name: "state: an event at its largest", Header: playing, Sections: []sectionVector{happened("shot", oldest)}},
		{Name: "state: events with texts, empty, not ASCII and longer than 31 bytes", Header: plain, Sections: []sectionVector{
			happened("taunt", taunt(3, 127, ""), taunt(3, 128, "Größe"), taunt(3, 256, strings.Repeat("ab", 20))),
		}},
		{Name: "state: events without columns, as many as a section has", Header: plain, Sections: []sectionVector{gongs}},
		{Name: "state: events of before the first tick", Header: stateHeader{Epoch: 1, Sequence: 1, Tick: 2}, Sections: []sectionVector{happened("shot", shot(5, 0, 5, 1))}},
	}
	for i := range samples {
		if samples[i].Sections == nil {
			samples[i].Sections = []sectionVector{}
		}
		samples[i].Hex = hex.EncodeToString(samples[i].bytes(s))
	}
	return samples
}

func inputSamples(s *schema.Schema) (samples []inputVector) {
	var eight [protocol.InputsPerDatagram][]byte
	for i := range eight {
		eight[i] = steer(s, int64(i%3)-1, float64(i)*22.5, i%2 == 0)
	}
	lags, most := [protocol.InputsPerDatagram]uint16{832, 840, 0}, [protocol.InputsPerDatagram]uint16{}
	for i := range most {
		most[i] = protocol.MaxLag
	}
	three := [protocol.InputsPerDatagram][]byte{steer(s, 1, 90, true), steer(s, 1, 89.5, false), steer(s, 0, 0, false)}
	row := func(table int, class schema.Class, index uint32, generation uint16, tick uint64) protocol.RowReport {
		t := s.Tables[table]
		columns := appendColumns(nil, t, class, t.FullMask(class), columnsOf(t, class, "Bounty"))
		return protocol.RowReport{Table: table, Class: class, Index: index, Generation: generation, Tick: tick, Columns: columns}
	}
	for _, c := range []struct {
		name string
		in   protocol.Input
	}{
		{"input: nothing received yet", protocol.Input{Epoch: 1, Newest: 0, Missing: math.MaxUint64}},
		{"input: the first acknowledgement", protocol.Input{Epoch: 1, HasAck: true, Newest: 1, Missing: math.MaxUint64}},
		{"input: all of 65 received", protocol.Input{Epoch: 1, HasAck: true, Newest: 70}},
		{"input: one input", protocol.Input{Epoch: 1, HasAck: true, Newest: 70, Tick: 1004, Count: 1, Inputs: three, Lags: [protocol.InputsPerDatagram]uint16{protocol.LagOf(1004, 997*128+64)}}},
		{"input: three inputs, two datagrams missing", protocol.Input{Epoch: 1, HasAck: true, Newest: 72, Missing: 0b101, Tick: 1006, Count: 3, Inputs: three, Lags: lags}},
		{"input: as much as possible", protocol.Input{
			Epoch: 127, HasAck: true, Newest: 16383, Missing: 1<<63 | 1, Tick: 16383, Count: protocol.InputsPerDatagram, Inputs: eight, Lags: most,
		}},
		{"input: one input and both reports", protocol.Input{
			Epoch: 1, HasAck: true, Newest: 70, Tick: 1004, Count: 1, Inputs: three,
			HasRow: true, Row: protocol.RowReport{Index: 40, Generation: 3, Tick: 1001, Columns: []byte{0, 0x27, 0x08, 1, 0x04, 0x68, 0x1e}},
			HasPage: true, Page: protocol.PageReport{Table: moverTable, Page: 0, Here: 1<<40 | 1<<9 | 1<<5},
		}},
		{"input: a row report of a ship, own", protocol.Input{
			Epoch: 1, HasAck: true, Newest: 70, HasRow: true, Row: row(shipTable, schema.Own, 2, 1, 1000),
		}},
		{"input: a row report at its largest", protocol.Input{
			Epoch: 127, HasAck: true, Newest: 16383, Tick: 16383, Count: protocol.InputsPerDatagram, Inputs: eight, Lags: most,
			HasRow: true, Row: row(shipTable, schema.Team, schema.MaxEntities-1, schema.MaxGeneration, 16383),
		}},
		{"input: a page report of no rows", protocol.Input{
			Epoch: 1, HasAck: true, Newest: 70, HasPage: true, Page: protocol.PageReport{Table: shipTable, Page: 200},
		}},
		{"input: a page report at its largest", protocol.Input{
			Epoch: 1, HasAck: true, Newest: 70, HasPage: true, Page: protocol.PageReport{
				Table: shipTable, Page: schema.MaxEntities/64 - 1, Here: math.MaxUint64,
			},
		}},
	} {
		v := vectorOf(s, &c.in)
		v.Name, v.Hex = c.name, hex.EncodeToString(protocol.AppendInput(nil, &c.in))
		samples = append(samples, v)
	}
	return samples
}

func widenSamples() (samples []widenVector) {
	big := func(v uint64) string { return strconv.FormatUint(v, 10) }
	for _, c := range []struct {
		short uint16
		near  uint64
	}{
		{0, 0}, {5, 0}, {8191, 0}, {8192, 0}, {16383, 0}, {16383, 1}, {16380, 5}, {3, 10},
		{0, 16383}, {1, 16384}, {16383, 16384}, {8191, 16384}, {8192, 16384}, {8193, 16384},
		{576, 1_000_000}, {575, 1_000_000}, {577, 1_000_000}, {8768, 1_000_000}, {8767, 1_000_000}, {8769, 1_000_000},
		{16383, protocol.MaxTick}, {8191, protocol.MaxTick},
	} {
		samples = append(samples, widenVector{Short: c.short, Near: big(c.near), Wide: big(protocol.Widen(c.short, c.near))})
	}
	return samples
}

func TestEveryMoverCostsSixBytes(t *testing.T) {
	s := arena(t)
	const records = 40
	for _, c := range []struct {
		heading bool
		want    int
	}{{false, 6}, {true, 7}} {
		var indexes []uint32
		for i := range uint32(records) {
			indexes = append(indexes, 100*i)
		}
		v := stateVector{Sections: []sectionVector{movers(c.heading, indexes...)}}
		if got := len(v.bytes(s)) - protocol.StateHeaderBytes - protocol.SectionBytes; got != records*c.want {
			t.Errorf("%d movers (heading %v) take %d bytes, want %d each", records, c.heading, got, c.want)
		}
	}
}

// readGolden reads the file that other languages read. While the files are written anew it skips the test, which
// could meet an old one.
func readGolden(t testing.TB, path string, into any) {
	t.Helper()
	if *update {
		t.Skip("the golden files are being written")
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDatagramsReadAsTheirVectors reads the golden bytes back into what the file says of them.
func TestDatagramsReadAsTheirVectors(t *testing.T) {
	s := arena(t)
	var file datagramFile
	readGolden(t, datagramGolden, &file)
	var r protocol.StateReader
	for _, want := range file.State {
		got, err := readState(&r, s, unhex(t, want.Hex))
		got.Name, got.Hex = want.Name, want.Hex
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads as\n%+v, %v, want\n%+v", want.Name, got, err, want)
		}
	}
	for _, want := range file.Input {
		var in protocol.Input
		err := protocol.ParseInput(unhex(t, want.Hex), s, &in)
		got := vectorOf(s, &in)
		got.Name, got.Hex = want.Name, want.Hex
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads as\n%+v, %v, want\n%+v", want.Name, got, err, want)
		}
	}
}

// TestDatagramsArePlainMsgpack reads the golden datagrams with a library that knows nothing of us, as a sequence
// of values, and writes these again.
func TestDatagramsArePlainMsgpack(t *testing.T) {
	var file datagramFile
	readGolden(t, datagramGolden, &file)
	vectors := map[string]string{}
	for _, v := range file.State {
		vectors[v.Name] = v.Hex
	}
	for _, v := range file.Input {
		vectors[v.Name] = v.Hex
	}
	for name, text := range vectors {
		datagram := unhex(t, text)
		decoder := msgpack.NewDecoder(bytes.NewReader(datagram))
		var again bytes.Buffer
		encoder := msgpack.NewEncoder(&again)
		encoder.UseCompactInts(true)
		values := 0
		for {
			value, err := decoder.DecodeInterface()
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil {
				err = encoder.Encode(value)
			}
			if err != nil {
				t.Fatalf("%s: value %d: %v", name, values, err)
			}
			values++
		}
		if values < 8 || !bytes.Equal(again.Bytes(), datagram) {
			t.Errorf("%s: the %d values are written again as % x, want % x", name, values, again.Bytes(), datagram)
		}
	}
}
