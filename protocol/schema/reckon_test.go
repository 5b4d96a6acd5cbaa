package schema_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
)

// bird is a row whose three coordinates are dead-reckoned, one of them by a velocity in another struct.
type bird struct {
	X    float32 `net:"range=0:4000,step=0.1,own,pos=x,reckon=VX,tolerance=0.5"`
	Y    float32 `net:"range=0:4000,step=0.1,pos=y,reckon=VY,tolerance=0.5"`
	VX   float32 `net:"range=-100:100,step=0.5,own=0.1"`
	VY   float32 `net:"range=-100:100,step=0.5"`
	Up   wing
	Kind uint8
	Mine uint8 `net:"owner"`
}

type wing struct {
	Z     float64 `net:"range=-10:500,step=0.01,reckon=Climb,tolerance=0.03"`
	Climb float64 `net:"range=-5:5,step=0.05"`
}

func birds(t testing.TB) *schema.Table {
	t.Helper()
	tb, _, err := schema.FromType("bird", reflect.TypeFor[bird]())
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

func TestReckonedFieldsAreOneBit(t *testing.T) {
	tb := birds(t)
	g := tb.Group
	want := []schema.Member{
		{Field: 0, Velocity: 2, Tolerance: 5, Still: 200},
		{Field: 1, Velocity: 3, Tolerance: 5, Still: 200},
		{Field: 4, Velocity: 5, Tolerance: 3, Still: 100},
	}
	if g == nil || !slices.Equal(g.Members, want) || g.First+1+2*len(want) != len(tb.Columns) {
		t.Fatalf("the group is %+v", g)
	}
	names := func(class schema.Class) (names []string) {
		for _, at := range tb.ClassColumns(class) {
			name := tb.Fields[tb.Columns[at].Field].Name
			if tb.Columns[at].Base {
				name = "the group"
			}
			names = append(names, name)
		}
		return names
	}
	for _, class := range []schema.Class{schema.Public, schema.Team} {
		if got := names(class); !slices.Equal(got, []string{"Kind", "the group"}) {
			t.Errorf("%v sees %q", class, got)
		}
	}
	if got := names(schema.Own); !slices.Equal(got, []string{"X", "X", "Y", "Y", "VX", "VY", "Up.Z", "Up.Climb", "Kind", "Mine"}) {
		t.Errorf("the owner sees %q", got)
	}
	words := make([]uint32, len(tb.Columns))
	copy(g.Base(words), []uint32{3<<14 | 577, 40000, 400, 1, 200, 51000, 1})
	b := tb.AppendRow(nil, schema.Public, 2, words, nil)
	if want := []byte{4, 65, 2, 56, 64, 3, 16, 0, 0, 1, 1, 72, 3, 14, 56, 0, 1}; !slices.Equal(b, want) || tb.RowBytes(schema.Public, 2, nil) != len(b) {
		t.Errorf("the group is % d, want % d", b, want)
	}
	got := make([]uint32, len(tb.Columns))
	if n, err := tb.ParseRow(b, schema.Public, 2, got, nil); err != nil || n != len(b) {
		t.Fatalf("%d of %d bytes were read: %v", n, len(b), err)
	}
	got[g.First] = schema.BaseTick(got[g.First], words[g.First]+9000)
	if !slices.Equal(got, words) {
		t.Errorf("the group came back as %v, was %v", got, words)
	}
	for cut := range b {
		if _, err := tb.ParseRow(b[:cut], schema.Public, 2, got, nil); !errors.Is(err, schema.ErrTruncated) {
			t.Errorf("cut to %d bytes: %v", cut, err)
		}
	}
	b[2] = 7 // 19 bits of a coordinate of 16
	if _, err := tb.ParseRow(b, schema.Public, 2, got, nil); !errors.Is(err, schema.ErrRange) {
		t.Errorf("a position of too many bits: %v", err)
	}
	if got := tb.ValueText(uint8(g.First+1), words, nil); got != "4000" {
		t.Errorf("the base's X is %s", got)
	}
	if got := tb.ValueText(uint8(g.First), words, nil); got != "based on tick 577 mod 16384" {
		t.Errorf("the base is %s", got)
	}
}

func TestReckonedFieldsTravelInTheSchema(t *testing.T) {
	empty, _, _ := schema.FromType("input", reflect.TypeFor[struct{}]())
	s, err := schema.New(schema.Schema{Game: "flock", Tables: []*schema.Table{birds(t)}, Input: empty})
	if err != nil {
		t.Fatal(err)
	}
	again, err := schema.Parse(s.Append(nil))
	if err != nil || again.Hash() != s.Hash() || !reflect.DeepEqual(again.Tables[0], s.Tables[0]) {
		t.Errorf("the schema came back otherwise: %v", err)
	}
	fields := slices.Clone(birds(t).Fields)
	fields[0].Tolerance = 0.6
	tb, err := schema.NewTable("bird", fields, [2]int{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	other, err := schema.New(schema.Schema{Game: "flock", Tables: []*schema.Table{tb}, Input: empty})
	if err != nil || other.Hash() == s.Hash() {
		t.Errorf("another tolerance has the same hash: %v", err)
	}
	for name, s := range map[string]schema.Schema{
		"an input": {Input: birds(t)},
		"an event": {Input: empty, Events: []*schema.Table{birds(t)}},
	} {
		s.Game = "flock"
		if _, err := schema.New(s); err == nil || !strings.Contains(err.Error(), "reckon=") {
			t.Errorf("%s with reckoned fields: %v", name, err)
		}
	}
}

func TestWhatCanNotBeReckoned(t *testing.T) {
	for _, c := range []struct {
		row  any
		want []string
	}{
		{struct {
			X float32 `net:"range=0:9,step=1,reckon=VX,tolerance=1"`
		}{}, []string{"X", "reckon=VX", "no field"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=1"`
			VX float32 `net:"-"`
		}{}, []string{"X", "reckon=VX", "that clients see"}},
		{struct {
			X float32 `net:"range=0:9,step=1,reckon=X,tolerance=1"`
		}{}, []string{"X", "no other field"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=1"`
			VX int8
		}{}, []string{"X", "VX", "must be a float"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=1"`
			VX float32 `net:"range=-8:8,step=1,wrap"`
		}{}, []string{"X", "VX", "without wrap"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=1"`
			VX float32 `net:"range=-8:8,step=1,owner"`
		}{}, []string{"X", "VX", "same players"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,owner,reckon=VX,tolerance=1"`
			VX float32 `net:"range=-8:8,step=1,owner"`
		}{}, []string{"X", "for the owner"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=1"`
			VX float32 `net:"range=-8:8,step=1"`
			Y  float32 `net:"range=0:9,step=1,team,reckon=VY,tolerance=1"`
			VY float32 `net:"range=-8:8,step=1,team"`
		}{}, []string{"Y", "same players as X"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=1"`
			Y  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=1"`
			VX float32 `net:"range=-8:8,step=1"`
		}{}, []string{"Y", "VX", "another field"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=0"`
			VX float32 `net:"range=-8:8,step=1"`
		}{}, []string{"X", "tolerance=0", "above 0"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=0.4"`
			VX float32 `net:"range=-8:8,step=1"`
		}{}, []string{"X", "tolerance", "half a step"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=10"`
			VX float32 `net:"range=-8:8,step=1"`
		}{}, []string{"X", "tolerance", "at most the range"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX"`
			VX float32 `net:"range=-8:8,step=1"`
		}{}, []string{"X", "both reckon= ", "tolerance="}},
		{struct {
			X float32 `net:"range=0:9,step=1,tolerance=1"`
		}{}, []string{"X", "both reckon= ", "tolerance="}},
		{struct {
			X  int32   `net:"reckon=VX,tolerance=1"`
			VX float32 `net:"range=-8:8,step=1"`
		}{}, []string{"X", "for floats"}},
		{struct {
			X  string  `net:"max=9,reckon=VX,tolerance=1"`
			VX float32 `net:"range=-8:8,step=1"`
		}{}, []string{"X", "for floats"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,wrap,reckon=VX,tolerance=1"`
			VX float32 `net:"range=-8:8,step=1"`
		}{}, []string{"X", "without wrap"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=1"`
			VX float32 `net:"range=1:8,step=1"`
		}{}, []string{"X", "VX", "can't be 0"}},
		{struct {
			X  float32 `net:"range=0:9,step=1,reckon=VX,tolerance=1"`
			VX float32 `net:"range=-0.5:8,step=1"`
		}{}, []string{"X", "VX", "can't be 0"}},
	} {
		_, _, err := schema.FromType("row", reflect.TypeOf(c.row))
		if err == nil {
			t.Errorf("%T: accepted", c.row)
			continue
		}
		for _, want := range append(c.want, "row: ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%T: the error does not say %q: %v", c.row, want, err)
			}
		}
	}
}

func TestWhatIsTooFastCanNotBeReckoned(t *testing.T) {
	type comet struct {
		X  float64 `net:"range=0:4,step=0.000000001,reckon=VX,tolerance=1"`
		VX float64 `net:"range=-2000000000:2000000000,step=1"`
	}
	tb, _, err := schema.FromType("comet", reflect.TypeFor[comet]())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tb.Motion(50_000_000); err == nil || !strings.Contains(err.Error(), "comet: X ") {
		t.Errorf("a comet can be reckoned: %v", err)
	}
	if _, err := birds(t).Motion(0); err == nil {
		t.Error("ticks without time between them")
	}
	if m, err := birds(t).Motion(10e9); m == nil || err != nil {
		t.Errorf("the longest period: %v", err)
	}
	none, _, _ := schema.FromType("nothing", reflect.TypeFor[struct{}]())
	if m, err := none.Motion(0); m != nil || err != nil {
		t.Errorf("a table without reckoned fields: %v, %v", m, err)
	}
}

func TestTheTickOfABaseIsWidened(t *testing.T) {
	for _, c := range []struct{ short, tick, want uint32 }{
		{0, 0, 0}, {577, 577, 577}, {577, 578, 577}, {577, 577 + 16383, 577}, {577, 577 + 16384, 577 + 16384},
		{16383, 16384, 16383}, {16383, 1<<32 - 1, 1<<32 - 1}, {0, 1<<32 - 1, 1<<32 - 1<<14},
	} {
		if got := schema.BaseTick(c.short, c.tick); got != c.want {
			t.Errorf("%d as of tick %d is widened to %d, want %d", c.short, c.tick, got, c.want)
		}
	}
}
