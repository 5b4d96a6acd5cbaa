package protocol_test

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

const reckonGolden = "../testdata/wire/reckon.json"

// gull is the row of testdata/wire/reckon.json.
type gull struct {
	X    float32 `net:"range=0:4000,step=0.1,pos=x,reckon=VX,tolerance=0.5"`
	Y    float32 `net:"range=0:4000,step=0.1,pos=y,reckon=VY,tolerance=0.5"`
	VX   float32 `net:"range=-100:100,step=0.5"`
	VY   float32 `net:"range=-100:100,step=0.5"`
	Kind uint8
}

// reckonFile is what stands in testdata/wire/reckon.json.
type reckonFile struct {
	Schema    schemaVector     `json:"schema"`
	State     []stateVector    `json:"state"`
	Positions []positionVector `json:"positions"`
}

// positionVector is where a base says that a row of the table is at a tick. Its numbers are quantised.
type positionVector struct {
	Name     string `json:"name"`
	PeriodNS int64  `json:"periodNs"`
	Factor   string `json:"factor"` // M
	BaseTick uint32 `json:"baseTick"`
	Position uint32 `json:"position"`
	Velocity uint32 `json:"velocity"`
	Tick     uint32 `json:"tick"`
	At       uint32 `json:"at"`
}

func flock(t testing.TB) *schema.Schema {
	t.Helper()
	table, _, err := schema.FromType("gull", reflect.TypeFor[gull]())
	if err != nil {
		t.Fatal(err)
	}
	input, _, _ := schema.FromType("input", reflect.TypeFor[struct{}]())
	s, err := schema.New(schema.Schema{Game: "flock", Tables: []*schema.Table{table}, Input: input})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// gullColumns are the columns that everybody is sent of a gull, or without its kind the group alone.
func gullColumns(kind int, base ...uint32) (columns []columnVector) {
	if kind >= 0 {
		columns = append(columns, columnVector{6, uint32(kind), ""})
	}
	for i, word := range base {
		columns = append(columns, columnVector{Column: uint8(7 + i), Word: word})
	}
	return columns
}

func reckonSamples(s *schema.Schema) []stateVector {
	header := stateHeader{Epoch: 1, Sequence: 3, Tick: 1002, ViewComplete: true}
	section := func(class, kind string, records ...recordVector) []sectionVector {
		return []sectionVector{{Table: "gull", Class: class, Kind: kind, Records: records}}
	}
	own := recordVector{Index: 2, Mask: 0b11010, Columns: []columnVector{{1, 5000, ""}, {3, 616, ""}, {4, 260, ""}}}
	samples := []stateVector{
		{Name: "reckoned: two gulls that turned", Header: header, Sections: section("public", "partial",
			recordVector{Index: 5, Mask: 2, Columns: gullColumns(-1, 1002, 5000, 260, 17000, 140)},
			recordVector{Index: 9, Mask: 2, Columns: gullColumns(-1, 990, 40000, 200, 0, 400)})},
		{Name: "reckoned: a full gull", Header: header, Sections: section("public", "full",
			recordVector{Index: 40, Generation: 3, Columns: gullColumns(7, 16380, 5000, 260, 17000, 140)})},
		{Name: "reckoned: a gull of another kind", Header: header, Sections: section("team", "partial",
			recordVector{Index: 5, Mask: 1, Columns: gullColumns(8)})},
		{Name: "reckoned: a part of an own gull", Header: header, Sections: section("own", "partial", own)},
	}
	for i := range samples {
		samples[i].Hex = hex.EncodeToString(samples[i].bytes(s))
	}
	return samples
}

func positionSamples(t *testing.T, s *schema.Schema) []positionVector {
	t.Helper()
	const still, top = 200, 40000
	samples := []positionVector{
		{Name: "at its base", BaseTick: 1002, Position: 5000, Velocity: 260, Tick: 1002},
		{Name: "a tick later", BaseTick: 1002, Position: 5000, Velocity: 260, Tick: 1003},
		{Name: "ten ticks later", BaseTick: 1002, Position: 5000, Velocity: 260, Tick: 1012},
		{Name: "backwards", BaseTick: 1002, Position: 5000, Velocity: 140, Tick: 1012},
		{Name: "slowly", BaseTick: 1002, Position: 5000, Velocity: still + 1, Tick: 1009},
		{Name: "slowly backwards", BaseTick: 1002, Position: 5000, Velocity: still - 1, Tick: 1009},
		{Name: "half a step is rounded up", PeriodNS: 100e6, BaseTick: 0, Position: 5000, Velocity: still + 1, Tick: 1},
		{Name: "half a step backwards is rounded up", PeriodNS: 100e6, BaseTick: 0, Position: 5000, Velocity: still - 1, Tick: 1},
		{Name: "standing", BaseTick: 1, Position: 5000, Velocity: still, Tick: 1_000_000},
		{Name: "to the lower end", BaseTick: 1002, Position: 30, Velocity: 0, Tick: 1012},
		{Name: "to the upper end", BaseTick: 1002, Position: top - 30, Velocity: 400, Tick: 1012},
		{Name: "for long", BaseTick: 0, Position: 0, Velocity: still + 2, Tick: 8192},
		{Name: "for as long as counts", BaseTick: 0, Position: 30000, Velocity: still - 1, Tick: 16383},
		{Name: "for longer than counts", BaseTick: 0, Position: 30000, Velocity: still - 1, Tick: 20000},
		{Name: "before its base", BaseTick: 1002, Position: 5000, Velocity: 260, Tick: 1001},
		{Name: "ticks go round", BaseTick: 1<<32 - 5, Position: 5000, Velocity: 260, Tick: 5},
		{Name: "a velocity above its top", BaseTick: 1002, Position: 5000, Velocity: 511, Tick: 1012},
		{Name: "a position above its top", BaseTick: 1002, Position: 65535, Velocity: still - 1, Tick: 1012},
		{Name: "at 60 Hz", PeriodNS: int64(time.Second / 60), BaseTick: 1002, Position: 5000, Velocity: 260, Tick: 1012},
		{Name: "a tick every ten seconds", PeriodNS: 10e9, BaseTick: 1002, Position: 20000, Velocity: 190, Tick: 1006},
	}
	for i := range samples {
		p := &samples[i]
		if p.PeriodNS == 0 {
			p.PeriodNS = int64(time.Second / 30)
		}
		motion, err := s.Tables[0].Motion(p.PeriodNS)
		if err != nil {
			t.Fatal(err)
		}
		p.Factor = strconv.FormatInt(motion.Factor(0), 10)
		p.At = uint32(motion.Position([]uint32{p.BaseTick, p.Position, p.Velocity, 0, still}, 0, p.Tick))
	}
	return samples
}

func TestReckonGolden(t *testing.T) {
	s := flock(t)
	got, err := json.MarshalIndent(reckonFile{vectorOfSchema(s), reckonSamples(s), positionSamples(t, s)}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, reckonGolden, append(got, '\n'))
}

// TestReckonedDatagramsReadAsTheirVectors reads the golden bytes back.
func TestReckonedDatagramsReadAsTheirVectors(t *testing.T) {
	var file reckonFile
	readGolden(t, reckonGolden, &file)
	s, err := schema.Parse(unhex(t, file.Schema.Hex))
	if err != nil {
		t.Fatal(err)
	}
	if got := vectorOfSchema(s); !reflect.DeepEqual(got, file.Schema) {
		t.Errorf("the schema reads as\n%+v, want\n%+v", got, file.Schema)
	}
	var r protocol.StateReader
	for _, want := range file.State {
		got, err := readState(&r, s, unhex(t, want.Hex))
		if err != nil {
			t.Errorf("%s: %v", want.Name, err)
		}
		if got.Name, got.Hex = want.Name, want.Hex; !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads as\n%+v, want\n%+v", want.Name, got, want)
		}
	}
}

// TestPositionsAreAsTheDocumentSays works the golden positions out anew, by the text of docs/protocol.md and in exact
// arithmetic.
func TestPositionsAreAsTheDocumentSays(t *testing.T) {
	var file reckonFile
	readGolden(t, reckonGolden, &file)
	const still, fast, top = 200, 400, 40000
	for _, p := range file.Positions {
		factor := new(big.Float).SetFloat64(0.5 / 0.1 * (float64(p.PeriodNS) / 1e9) * (1 << 32))
		m, _ := new(big.Float).Add(factor, big.NewFloat(0.5)).Int(nil)
		age := min(max(int64(int32(p.Tick-p.BaseTick)), 0), 16383)
		went := new(big.Int).Mul(m, big.NewInt((min(int64(p.Velocity), fast)-still)*age))
		went.Add(went, big.NewInt(1<<31)).Rsh(went, 32) // of a negative one, too, it rounds down
		at := max(0, min(int64(p.Position)+went.Int64(), top))
		if m.String() != p.Factor || at != int64(p.At) {
			t.Errorf("%s: M is %v and the position %d; want %s and %d", p.Name, m, at, p.Factor, p.At)
		}
	}
}
