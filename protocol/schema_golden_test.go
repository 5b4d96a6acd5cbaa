package protocol_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"testing"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

const schemaGolden = "../testdata/wire/schema.json"

// schemaVector is a schema as other languages read it, with what they have to derive from it.
type schemaVector struct {
	Name   string        `json:"name"` // of the game
	Tables []tableVector `json:"tables"`
	Input  tableVector   `json:"input"`
	Events []tableVector `json:"events"`
	// Messages are tables, and so is each half of a request.
	Messages []tableVector    `json:"messages"`
	Requests [][2]tableVector `json:"requests"`
	Hash     string           `json:"hash"`
	Hex      string           `json:"hex"`
}

type tableVector struct {
	Name    string           `json:"name"`
	X       int              `json:"x"`
	Y       int              `json:"y"`
	Fields  []fieldVector    `json:"fields"`
	Columns []columnForm     `json:"columns"` // derived
	Classes map[string][]int `json:"classes"` // derived: the columns behind the bits of a mask, per class
}

// fieldVector has min, max, step and own step for floats, base and top for the others. Top is derived for floats.
type fieldVector struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind"`
	Audience uint8   `json:"audience"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	Step     float64 `json:"step"`
	OwnStep  float64 `json:"ownStep"`
	Wrap     bool    `json:"wrap"`
	Base     string  `json:"base,omitempty"`
	Top      string  `json:"top"`
	OwnTop   string  `json:"ownTop,omitempty"`
	// Velocity and Tolerance are there for dead-reckoned fields; Velocity is a place among the fields.
	Velocity  *int    `json:"velocity,omitempty"`
	Tolerance float64 `json:"tolerance,omitempty"`
}

type columnForm struct {
	Field uint8 `json:"field"`
	Shift uint8 `json:"shift"`
	Bits  uint8 `json:"bits"`
	Limbs uint8 `json:"limbs"`
	Own   bool  `json:"own"`
	Text  bool  `json:"text"`
	Base  bool  `json:"base,omitempty"` // of the dead-reckoned group; the first of them stands for all of it
}

func vectorOfSchema(s *schema.Schema) schemaVector {
	v := schemaVector{
		Name: s.Game, Tables: []tableVector{}, Input: vectorOfTable(s.Input), Events: []tableVector{},
		Messages: []tableVector{}, Requests: [][2]tableVector{},
		Hash: strconv.FormatUint(s.Hash(), 10), Hex: hex.EncodeToString(s.Append(nil)),
	}
	for _, t := range s.Tables {
		v.Tables = append(v.Tables, vectorOfTable(t))
	}
	for _, t := range s.Events {
		v.Events = append(v.Events, vectorOfTable(t))
	}
	for _, t := range s.Messages {
		v.Messages = append(v.Messages, vectorOfTable(t))
	}
	for _, r := range s.Requests {
		v.Requests = append(v.Requests, [2]tableVector{vectorOfTable(r.Ask), vectorOfTable(r.Answer)})
	}
	return v
}

func vectorOfTable(t *schema.Table) tableVector {
	v := tableVector{Name: t.Name, X: t.Pos[0], Y: t.Pos[1], Fields: []fieldVector{}, Columns: []columnForm{}, Classes: map[string][]int{}}
	for i := range t.Fields {
		v.Fields = append(v.Fields, vectorOfField(&t.Fields[i]))
	}
	for i := range t.Columns {
		c := t.Columns[i]
		if t.Group != nil && i == t.Group.First {
			c.Limbs = 2 // of its own
		}
		v.Columns = append(v.Columns, columnForm{Field: c.Field, Shift: c.Shift, Bits: c.Bits, Limbs: c.Limbs, Own: c.Own, Text: c.IsText(), Base: c.Base})
	}
	for class := range schema.Classes {
		columns := []int{}
		for _, at := range t.ClassColumns(class) {
			columns = append(columns, int(at))
		}
		v.Classes[class.String()] = columns
	}
	return v
}

func vectorOfField(f *schema.Field) fieldVector {
	v := fieldVector{
		Name: f.Name, Kind: f.Kind.String(), Audience: uint8(f.Audience), Min: f.Min, Max: f.Max, Step: f.Step, OwnStep: f.OwnStep,
		Wrap: f.Wrap, Top: strconv.FormatUint(f.Top, 10),
	}
	if f.Kind != schema.Float {
		v.Base = strconv.FormatInt(f.Base, 10)
	}
	if f.Tolerance > 0 {
		v.Velocity, v.Tolerance = &f.Velocity, f.Tolerance
	}
	if f.OwnStep > 0 {
		v.OwnTop = strconv.FormatUint(f.OwnTop, 10)
	}
	return v
}

func TestSchemaGolden(t *testing.T) {
	type everything struct {
		Pos struct {
			X float64 `net:"range=-819.2:819.2,step=0.1,own=0.01,pos=x"`
			Y float64 `net:"range=-819.2:819.2,step=0.1,own=0.01,pos=y"`
		}
		Big      uint64
		Small    int8 `net:"range=-128:-128"`
		Low      int64
		Flags    [3]bool `net:"team"`
		Secret   string  `net:"max=255,owner"`
		Owner    schema.ID
		Heading  float32 `net:"range=-180:180,step=0.7,wrap,own=0.05"`
		Pressure float64 `net:"range=0:4294967295,step=1"`
	}
	everyKind, _, err := schema.FromType("everything", reflect.TypeFor[everything]())
	if err != nil {
		t.Fatal(err)
	}
	empty, _, err := schema.FromType("nothing", reflect.TypeFor[struct{}]())
	if err != nil {
		t.Fatal(err)
	}
	paddle, _, err := schema.FromType("paddle", reflect.TypeFor[struct {
		Y float32 `net:"range=0:100,step=0.1"`
	}]())
	if err != nil {
		t.Fatal(err)
	}
	steer, _, err := schema.FromType("steer", reflect.TypeFor[struct {
		DY int8 `net:"range=-1:1"`
	}]())
	if err != nil {
		t.Fatal(err)
	}
	vectors := []schemaVector{vectorOfSchema(arena(t))}
	for _, c := range []struct {
		game   string
		tables []*schema.Table
		input  *schema.Table
	}{{"pong", []*schema.Table{paddle}, steer}, {"everything", []*schema.Table{everyKind}, empty}, {"void", nil, empty}} {
		s, err := schema.New(schema.Schema{Game: c.game, Tables: c.tables, Input: c.input})
		if err != nil {
			t.Fatal(err)
		}
		vectors = append(vectors, vectorOfSchema(s))
	}
	got, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, schemaGolden, append(got, '\n'))
}

// TestSchemasReadAsTheirVectors reads the golden bytes back, and sums them by the definition of FNV-1a.
func TestSchemasReadAsTheirVectors(t *testing.T) {
	var vectors []schemaVector
	readGolden(t, schemaGolden, &vectors)
	for _, want := range vectors {
		b := unhex(t, want.Hex)
		if n, err := protocol.Walk(b, protocol.WalkLimits{Elements: protocol.MaxSchemaElements}); err != nil || n != len(b) {
			t.Errorf("%s: the walk ends at %d of %d: %v", want.Name, n, len(b), err)
		}
		s, err := schema.Parse(b)
		if err != nil {
			t.Errorf("%s: %v", want.Name, err)
			continue
		}
		if got := vectorOfSchema(s); !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads as\n%+v, want\n%+v", want.Name, got, want)
		}
		sum := uint64(14695981039346656037)
		for _, c := range b {
			sum = (sum ^ uint64(c)) * 1099511628211
		}
		if got := strconv.FormatUint(sum, 10); got != want.Hash {
			t.Errorf("%s: the sum is %s, want %s", want.Name, got, want.Hash)
		}
	}
}

func quantiseSamples(t *testing.T) (samples []quantiseVector) {
	t.Helper()
	type row struct {
		X       float64 `net:"range=0:1000,step=0.1"`
		Uneven  float64 `net:"range=-5:5.4,step=1"`
		Heading float64 `net:"range=0:6.283185,step=0.05,wrap"`
		Aim     float64 `net:"range=-1:1,step=0.1,own"`
		Half    float64 `net:"range=-4:4,step=0.5"`
		Count   int32   `net:"range=-5:5"`
		Any     int64
		Score   uint64
	}
	table, _, err := schema.FromType("row", reflect.TypeFor[row]())
	if err != nil {
		t.Fatal(err)
	}
	inf, nan := math.Inf(1), math.NaN()
	for place, values := range [][]float64{
		{0, 0.04, 0.05, 0.15, 12.34, 12.35, 999.96, 1000, 1000.1, -0.1, inf, -inf, nan},
		{-5, -4.5, 0.49, 5, 5.4, 6},
		{0, 0.02, 3.14, 6.25, 6.28, 6.283185, -0.05, 7, -100, 1e6, nan, inf},
		{-1, 0.33, 1},
		{-4, -3.75, -0.25, 0.25, 4},
	} {
		f := &table.Fields[place]
		for _, v := range values {
			for _, own := range []bool{false, true} {
				if own && f.OwnStep == 0 {
					continue
				}
				q, clamped := f.QuantiseFloat(v, own)
				samples = append(samples, quantiseVector{
					vectorOfField(f), own, number(v), strconv.FormatUint(q, 10), clamped, number(f.FloatOf(q, own)),
				})
			}
		}
	}
	for i, values := range [][]int64{{-6, -5, 0, 5, 6}, {math.MinInt64, -1, 0, math.MaxInt64}, {0, 1, math.MaxInt64}} {
		f := &table.Fields[5+i]
		for _, v := range values {
			q, clamped := f.QuantiseInt(v)
			samples = append(samples, quantiseVector{
				vectorOfField(f), false, strconv.FormatInt(v, 10), strconv.FormatUint(q, 10), clamped, strconv.FormatInt(f.IntOf(q), 10),
			})
		}
	}
	return samples
}

// number writes a double as JavaScript and Python read it back exactly.
func number(v float64) string {
	switch {
	case math.IsInf(v, 0):
		return map[bool]string{true: "Infinity", false: "-Infinity"}[v > 0]
	case math.IsNaN(v):
		return "NaN"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
