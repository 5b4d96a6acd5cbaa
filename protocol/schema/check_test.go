package schema_test

import (
	"math"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
)

// TestFieldsThatCannotBe are those that no Go type gives, but the bytes of a schema might.
func TestFieldsThatCannotBe(t *testing.T) {
	number := func(name string) schema.Field { return schema.Field{Name: name, Kind: schema.Int, Top: 1} }
	none := [2]int{-1, -1}
	for _, c := range []struct {
		name   string
		fields []schema.Field
		pos    [2]int
	}{
		{"a bool of three values", []schema.Field{{Name: "B", Kind: schema.Bool, Top: 2}}, none},
		{"a bool that begins at one", []schema.Field{{Name: "B", Kind: schema.Bool, Base: 1, Top: 1}}, none},
		{"an entity of 64 bits", []schema.Field{{Name: "E", Kind: schema.Entity, Top: math.MaxUint64}}, none},
		{"a text with a base", []schema.Field{{Name: "T", Kind: schema.Text, Base: 1, Top: 8}}, none},
		{"an integer above 63 bits", []schema.Field{{Name: "I", Kind: schema.Int, Base: 1, Top: math.MaxInt64}}, none},
		{"a negative one whose end is too high", []schema.Field{{Name: "I", Kind: schema.Int, Base: -1, Top: math.MaxInt64 + 2}}, none},
		{"an unsigned integer above 64 bits", []schema.Field{{Name: "U", Kind: schema.Uint, Base: 1, Top: math.MaxUint64}}, none},
		{"both coordinates in one field", []schema.Field{number("X")}, [2]int{0, 0}},
		{"a coordinate that is a text", []schema.Field{number("X"), {Name: "Y", Kind: schema.Text, Top: 1}}, [2]int{0, 1}},
		{"a coordinate for the owner alone", []schema.Field{number("X"), {Name: "Y", Kind: schema.Int, Top: 1, Audience: schema.OwnerOnly}}, [2]int{0, 1}},
		{"coordinates of two steps", []schema.Field{number("X"), {Name: "Y", Kind: schema.Float, Max: 1, Step: 0.1}}, [2]int{0, 1}},
	} {
		if _, err := schema.NewTable("row", c.fields, c.pos); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
	whole := []schema.Field{
		{Name: "I", Kind: schema.Int, Base: math.MinInt64, Top: math.MaxUint64},
		{Name: "J", Kind: schema.Int, Base: -1, Top: math.MaxInt64 + 1},
		{Name: "U", Kind: schema.Uint, Top: math.MaxUint64},
	}
	if _, err := schema.NewTable("row", whole, none); err != nil {
		t.Errorf("integers of their whole range: %v", err)
	}
}

// TestTheOwnerOfAFieldWithoutAFinerStepGetsItsStep: class own is written in the same steps then.
func TestTheOwnerOfAFieldWithoutAFinerStepGetsItsStep(t *testing.T) {
	table, err := schema.NewTable("row", []schema.Field{{Name: "X", Kind: schema.Float, Max: 10, Step: 0.5}}, [2]int{-1, -1})
	if err != nil {
		t.Fatal(err)
	}
	x := &table.Fields[0]
	if q, clamped := x.QuantiseFloat(7.5, true); q != 15 || clamped || x.FloatOf(q, true) != 7.5 {
		t.Errorf("7.5 became %d (clamped %v), then %v", q, clamped, x.FloatOf(q, true))
	}
}
