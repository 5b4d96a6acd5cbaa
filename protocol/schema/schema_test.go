package schema_test

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
)

type vec struct {
	X float32 `net:"range=0:1000,step=0.1,pos=x"`
	Y float32 `net:"range=0:1000,step=0.1,pos=y"`
}

type ship struct {
	Pos     vec
	Heading float32 `net:"range=0:6.283185,step=0.05,wrap"`
	Aim     float64 `net:"range=-1:1,step=0.1,own"`
	Ammo    uint16  `net:"range=0:500,owner"`
	Plan    int64   `net:"team"`
	Name    string  `net:"max=12"`
	Alive   bool
	Cargo   [2]schema.ID
	Private int `net:"-"`
}

func table(t *testing.T, row any) (*schema.Table, []schema.Leaf) {
	t.Helper()
	tb, leaves, err := schema.FromType("ship", reflect.TypeOf(row))
	if err != nil {
		t.Fatal(err)
	}
	return tb, leaves
}

func TestColumnsFollowTheTags(t *testing.T) {
	tb, leaves := table(t, ship{})
	if len(leaves) != 11 {
		t.Errorf("%d leaves, want 11: nested structs and arrays are taken apart, private values kept", len(leaves))
	}
	if !tb.Positioned() || tb.Pos != [2]int{0, 1} {
		t.Errorf("position %v, want the first two fields", tb.Pos)
	}
	if got := len(tb.ClassColumns(schema.Public)); got != 8+0 {
		t.Errorf("the public sees %d columns, want 8: x, y, heading, aim, name, alive, cargo", got)
	}
	if got := len(tb.ClassColumns(schema.Team)); got != 10 {
		t.Errorf("the team sees %d columns, want 10: the plan's two as well", got)
	}
	if got := len(tb.ClassColumns(schema.Own)); got != 11 {
		t.Errorf("the owner sees %d columns, want 11: ammo as well, aim at the finer step", got)
	}
}

func TestAMoverCostsTwoLimbsPerAxis(t *testing.T) {
	type mover struct {
		X float32 `net:"range=0:100000,step=0.1,pos=x"`
		Y float32 `net:"range=0:100000,step=0.1,pos=y"`
	}
	tb, _ := table(t, mover{})
	fine := uint64(0b1010) // coarse x, fine x, coarse y, fine y
	if got := tb.RowBytes(schema.Public, fine, nil); got != 4 {
		t.Errorf("the fine part of both axes takes %d bytes, want 4", got)
	}
}

func TestRowsRoundTripForEveryClassAndMask(t *testing.T) {
	tb, _ := table(t, ship{})
	words, texts := make([]uint32, len(tb.Columns)), []string{"Bounty"}
	for i := range words {
		words[i] = 0xdeadbeef & uint32(1<<tb.Columns[i].Bits-1)
	}
	for class := range schema.Classes {
		for mask := uint64(1); mask <= tb.FullMask(class); mask += 3 {
			b := tb.AppendRow(nil, class, mask, words, texts)
			if len(b) != tb.RowBytes(class, mask, texts) {
				t.Fatalf("RowBytes says %d, AppendRow wrote %d", tb.RowBytes(class, mask, texts), len(b))
			}
			got, gotTexts := make([]uint32, len(words)), []string{""}
			n, err := tb.ParseRow(b, class, mask, got, gotTexts)
			if err != nil || n != len(b) {
				t.Fatalf("class %v mask %b: read %d of %d bytes: %v", class, mask, n, len(b), err)
			}
			if again := tb.AppendRow(nil, class, mask, got, gotTexts); !slices.Equal(b, again) {
				t.Fatalf("class %v mask %b: % x came back as % x", class, mask, b, again)
			}
			for cut := range b {
				if _, err := tb.ParseRow(b[:cut], class, mask, got, gotTexts); !errors.Is(err, schema.ErrTruncated) {
					t.Fatalf("cut at %d of %d: %v, want ErrTruncated", cut, len(b), err)
				}
			}
		}
	}
}

func TestQuantisation(t *testing.T) {
	tb, _ := table(t, ship{})
	x, heading, aim := &tb.Fields[0], &tb.Fields[2], &tb.Fields[3]
	for _, c := range []struct {
		field   *schema.Field
		v, want float64
		own     bool
		clamped bool
	}{
		{x, 12.34, 12.3, false, false},
		{x, 12.35000001, 12.4, false, false},
		{x, -1, 0, false, true},
		{x, 1001, 1000, false, true},
		{x, math.NaN(), 0, false, true},
		{x, math.Inf(1), 1000, false, true},
		{heading, -0.05, 6.25, false, false},
		{heading, 6.28, 0, false, false},
		{heading, 4*2*math.Pi + 1, 1, false, false},
		{heading, math.NaN(), 0, false, true},
		{aim, 0.33, 0.3, false, false},
		{aim, 0.33, 0.33125, true, false},
	} {
		q, clamped := c.field.QuantiseFloat(c.v, c.own)
		got := c.field.FloatOf(q, c.own)
		if math.Abs(got-c.want) > 1e-6 || clamped != c.clamped {
			t.Errorf("%s: %v became %v (clamped %v), want %v (clamped %v)", c.field.Name, c.v, got, clamped, c.want, c.clamped)
		}
	}
}

func TestIntegersKeepTheirWholeRange(t *testing.T) {
	type row struct {
		A int64
		B uint64
		C int8
		D int32 `net:"range=-5:5"`
	}
	tb, _ := table(t, row{})
	words := make([]uint32, len(tb.Columns))
	for field, values := range [][]int64{
		{math.MinInt64, -1, 0, math.MaxInt64},
		{-1 /* as uint64 */, 0, math.MinInt64},
		{-128, 127, 0},
		{-5, 5, 0},
	} {
		f := &tb.Fields[field]
		for _, v := range values {
			q, clamped := f.QuantiseInt(v)
			if f.Kind == schema.Uint {
				q, clamped = f.QuantiseUint(uint64(v))
			}
			columns := tb.FieldColumns(field, false)
			tb.Split(words, columns, q)
			if got := f.IntOf(tb.Join(words, columns)); got != v || clamped {
				t.Errorf("%s: %d came back as %d (clamped %v)", f.Name, v, got, clamped)
			}
		}
	}
}

func TestTypesThatCannotBeRows(t *testing.T) {
	for _, c := range []struct {
		row  any
		want []string
	}{
		{struct{ P *int }{}, []string{"P is of kind ptr", "plain values"}},
		{struct{ S []int }{}, []string{"S is of kind slice", "array"}},
		{struct{ M map[int]int }{}, []string{"M is of kind map"}},
		{struct{ I any }{}, []string{"I is of kind interface"}},
		{struct{ C chan int }{}, []string{"C is of kind chan"}},
		{struct{ X float32 }{}, []string{"X is a float", "range", "step"}},
		{struct {
			X float32 `net:"range=0:1"`
		}{}, []string{"X is a float", "step"}},
		{struct{ N string }{}, []string{"N is a string", "max="}},
		{struct{ A [64]bool }{}, []string{"64 fields", "A[63]", "split"}},
		{struct {
			A [4]string `net:"max=255"`
		}{}, []string{"1028 bytes", "A[3]"}},
		{struct {
			A, B, C, D string `net:"max=255"`
		}{}, []string{"1028 bytes", "1000", "D"}},
		{struct {
			X float32 `net:"range=0:10,step=1,pos=x"`
		}{}, []string{"only one of pos=x and pos=y"}},
		{struct{ hidden int }{}, []string{"hidden is not exported", `net:"-"`}},
		{struct {
			X int `net:"rnage=0:1"`
		}{}, []string{`"rnage=0:1"`, "known are"}},
		{struct {
			X int8 `net:"range=0:300"`
		}{}, []string{"X has range=0:300", "wider integer"}},
		{struct {
			X int `net:"step=2"`
		}{}, []string{"X is of kind int", "floats"}},
		{struct {
			X float64 `net:"range=5:1,step=1"`
		}{}, []string{"X", "min < max"}},
		{struct {
			X float64 `net:"range=0:1e12,step=0.001"`
		}{}, []string{"X", "2^32"}},
		{struct {
			A *int
			B []int
		}{}, []string{"A is of kind ptr", "B is of kind slice"}},
		{7, []string{"must be a struct"}},
	} {
		_, _, err := schema.FromType("thing", reflect.TypeOf(c.row))
		if err == nil {
			t.Errorf("%T: accepted", c.row)
			continue
		}
		for _, want := range append(c.want, "thing") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%T: the error does not say %q:\n%v", c.row, want, err)
			}
		}
	}
}

func TestSchemaTravels(t *testing.T) {
	tb, _ := table(t, ship{})
	in, _, err := schema.FromType("input", reflect.TypeOf(struct {
		DX int8 `net:"range=-1:1"`
	}{}))
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.New(schema.Schema{Game: "arena", Tables: []*schema.Table{tb}, Input: in})
	if err != nil {
		t.Fatal(err)
	}
	b := s.Append(nil)
	got, err := schema.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Hash() != s.Hash() || !reflect.DeepEqual(got, s) {
		t.Errorf("came back as\n%+v, sent\n%+v", got, s)
	}
	for cut := range b {
		if _, err := schema.Parse(b[:cut]); err == nil {
			t.Fatalf("accepted %d of %d bytes", cut, len(b))
		}
	}
}

// hit travels whole to whoever it is sent to.
type hit struct {
	By   schema.ID
	Hard float32 `net:"range=0:1,step=0.1"`
}

func TestWhatTravelsWholeHasNoAudience(t *testing.T) {
	tb, _, err := schema.FromType("ship", reflect.TypeFor[ship]())
	if err != nil {
		t.Fatal(err)
	}
	whole, _, _ := schema.FromType("hit", reflect.TypeFor[hit]())
	for name, s := range map[string]schema.Schema{
		"event":   {Events: []*schema.Table{tb}},
		"message": {Messages: []*schema.Table{tb}},
		"request": {Requests: []schema.Request{{Ask: tb, Answer: whole}}},
		"answer":  {Requests: []schema.Request{{Ask: whole, Answer: tb}}},
	} {
		s.Game, s.Input = "arena", whole
		if _, err := schema.New(s); err == nil || !strings.Contains(err.Error(), "travels whole") {
			t.Errorf("a %s with fields for its owner was answered with %v", name, err)
		}
	}
}

func TestWhatTravelsWholeHasAName(t *testing.T) {
	whole, _, _ := schema.FromType("hit", reflect.TypeFor[hit]())
	other, _, _ := schema.FromType("miss", reflect.TypeFor[hit]())
	many := make([]*schema.Table, schema.MaxTables+1)
	requests := make([]schema.Request, schema.MaxTables+1)
	for name, s := range map[string]schema.Schema{
		"two events of one name":            {Events: []*schema.Table{whole, other, whole}},
		"two messages of one name":          {Messages: []*schema.Table{whole, whole}},
		"two requests of one name":          {Requests: []schema.Request{{Ask: whole, Answer: other}, {Ask: whole, Answer: whole}}},
		"65 events":                         {Events: many},
		"65 messages":                       {Messages: many},
		"65 requests":                       {Requests: requests},
		"a request that nothing answers":    {Requests: []schema.Request{{Ask: whole}}},
		"a request that nothing is made of": {Requests: []schema.Request{{Answer: whole}}},
	} {
		s.Game, s.Input = "arena", whole
		if _, err := schema.New(s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := schema.New(schema.Schema{
		Game: "arena", Input: whole, Tables: []*schema.Table{whole}, Events: []*schema.Table{whole}, Messages: []*schema.Table{whole},
		Requests: []schema.Request{{Ask: whole, Answer: whole}, {Ask: other, Answer: whole}},
	}); err != nil {
		t.Errorf("one name for one of each kind: %v", err)
	}
}

// TestCheckRow: bytes from outside are one whole row with every field in its range, or none.
func TestCheckRow(t *testing.T) {
	type buy struct {
		Item  uint8  `net:"range=1:10"`
		Price uint16 `net:"range=0:1000"`
		Note  string `net:"max=4"`
	}
	tb, _, err := schema.FromType("buy", reflect.TypeFor[buy]())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		bytes string
		want  error // nil for any
		good  bool
	}{
		{"the smallest", "\x00\x00\x00\xa0", nil, true},
		{"the largest", "\x09\x07\x68\xa4abcd", nil, true},
		{"nothing", "", schema.ErrTruncated, false},
		{"a row without its text", "\x00\x00\x00", schema.ErrTruncated, false},
		{"a text that ends too early", "\x00\x00\x00\xa4abc", schema.ErrTruncated, false},
		{"an item above its range", "\x0a\x00\x00\xa0", schema.ErrRange, false},
		{"an item of more bits", "\x10\x00\x00\xa0", schema.ErrRange, false},
		{"a price above its range", "\x00\x07\x69\xa0", schema.ErrRange, false},
		{"a limb above 7f", "\x00\x80\x00\xa0", schema.ErrLimb, false},
		{"a long text", "\x00\x00\x00\xa5abcde", schema.ErrLong, false},
		{"a text that is not UTF-8", "\x00\x00\x00\xa1\xff", schema.ErrRange, false},
		{"an escape", "\x00\x00\x00\xa1\x1b", schema.ErrPlain, false},
		{"a text that turns", "\x00\x00\x00\xa3\u202e", schema.ErrPlain, false},
		{"a decomposed text", "\x00\x00\x00\xa3e\u0301", schema.ErrPlain, false},
		{"a text that is a bin", "\x00\x00\x00\xc4\x00", schema.ErrText, false},
		{"bytes behind the row", "\x00\x00\x00\xa0\x00", nil, false},
		{"two rows", "\x00\x00\x00\xa0\x00\x00\x00\xa0", nil, false},
	} {
		err := tb.CheckRow([]byte(c.bytes))
		if (err == nil) != c.good || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	none, _, err := schema.FromType("nothing", reflect.TypeFor[struct{}]())
	if err != nil {
		t.Fatal(err)
	}
	if none.CheckRow(nil) != nil || none.CheckRow([]byte{0}) == nil {
		t.Error("a row without columns should be no bytes, and those alone")
	}
}

func FuzzParse(f *testing.F) {
	tb, _, _ := schema.FromType("ship", reflect.TypeFor[ship]())
	whole, _, _ := schema.FromType("hit", reflect.TypeFor[hit]())
	for _, table := range []*schema.Table{tb, birds(f)} {
		s, err := schema.New(schema.Schema{
			Game: "arena", Tables: []*schema.Table{table}, Input: tb, Events: []*schema.Table{whole},
			Messages: []*schema.Table{whole}, Requests: []schema.Request{{Ask: whole, Answer: whole}},
		})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.Append(nil))
	}
	f.Add([]byte{0x96, 0xa1, 'x', 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x96, 0xa1, 'x', 0x90, 0x94, 0xa1, 'i', 0xff, 0xff, 0x90, 0x90, 0x90, 0x91, 0x92, 0x94, 0xa1, 'a', 0xff, 0xff, 0x90})
	f.Add([]byte{0x96, 0xa1, 'x', 0x90, 0x94, 0xa1, 'i', 0xff, 0xff, 0x90, 0x90, 0x90, 0x91, 0x91, 0x94, 0xa1, 'a', 0xff, 0xff, 0x90})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := schema.Parse(b)
		if err != nil {
			return
		}
		again, err := schema.Parse(s.Append(nil))
		if err != nil || again.Hash() != s.Hash() {
			t.Errorf("what was accepted does not come back: %v", err)
		}
	})
}

func FuzzParseRow(f *testing.F) {
	tb, _, err := schema.FromType("ship", reflect.TypeFor[ship]())
	if err != nil {
		f.Fatal(err)
	}
	words, texts, reckoned := make([]uint32, schema.MaxColumns), []string{"Bounty"}, birds(f)
	f.Add(tb.AppendRow(nil, schema.Own, tb.FullMask(schema.Own), words, texts), uint8(schema.Own), tb.FullMask(schema.Own))
	f.Add(reckoned.AppendRow(nil, schema.Public, 3, words, nil), uint8(128), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, class uint8, mask uint64) {
		tb, c := tb, schema.Class(class&127%uint8(schema.Classes))
		if class > 127 { // of a table with dead-reckoned fields
			tb = reckoned
		}
		mask &= tb.FullMask(c)
		words, texts := make([]uint32, len(tb.Columns)), []string{""}
		n, err := tb.ParseRow(b, c, mask, words, texts)
		if err != nil {
			return
		}
		again := tb.AppendRow(nil, c, mask, words, texts)
		if m, err := tb.ParseRow(again, c, mask, words, texts); err != nil || m != len(again) || n < m {
			t.Errorf("% x was read as %d bytes, written again as % x: %v", b, n, again, err)
		}
	})
}
