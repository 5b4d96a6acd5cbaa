package world_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// fieldOf finds a field of a game's table by name.
func fieldOf(t *testing.T, g world.Game, table int, name string) (at int, f *schema.Field) {
	t.Helper()
	s, err := world.SchemaOf(g)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Tables[table].Fields {
		if f := &s.Tables[table].Fields[i]; f.Name == name {
			return i, f
		}
	}
	t.Fatalf("table %d has no field %s", table, name)
	return 0, nil
}

func TestAnEditWritesOneFieldAndTellsWhatWasThere(t *testing.T) {
	g := newFleet()
	w := start(t, g, 1)
	cs, _ := step(t, w, joins(1))
	id := cs.Tables[0].Inserted[0]
	for _, test := range []struct {
		field, to, holds string
		before           string
	}{
		{"Ammo", "200", "200", "10"},
		{"Plan", "-7", "-7", "0"},
		{"Name", "Beagle", "Beagle", "ship 1"},
		{"Prey", id.String(), id.String(), "none"},
		{"Y", "12.34", "12.34", "500"},
	} {
		at, f := fieldOf(t, g, 0, test.field)
		to, err := world.ParseValue(f, test.to)
		if err != nil {
			t.Fatal(err)
		}
		cs, v := step(t, w, world.Commands{Edits: []world.Edit{{Table: 0, ID: id, Field: at, To: to}}})
		if len(cs.Edited) != 1 || cs.Edited[0].Outcome != world.EditDone || cs.Edited[0].Before.Format(f) != test.before {
			t.Errorf("%s: %+v, want done, and %s before", test.field, cs.Edited, test.before)
		}
		row, ok := v.Row(0, id)
		if got := row.Value(at).Format(f); !ok || got != test.holds {
			t.Errorf("%s holds %s, want %s", test.field, got, test.holds)
		}
		if got := row.Changed(at); got != uint32(v.Tick) {
			t.Errorf("%s changed at tick %d, want %d", test.field, got, v.Tick)
		}
		if len(cs.Tables[0].Changed) != 1 {
			t.Errorf("%s: %v is said to have changed: clients are to see it", test.field, cs.Tables[0].Changed)
		}
	}
}

func TestAnEditHappensOnlyIfTheFieldHoldsWhatItIsToHold(t *testing.T) {
	g := newFleet()
	w := start(t, g, 1)
	cs, _ := step(t, w, joins(1))
	id := cs.Tables[0].Inserted[0]
	at, _ := fieldOf(t, g, 0, "Ammo")
	edit := world.Edit{Table: 0, ID: id, Field: at, To: world.Value{Bits: 3}, If: true, Was: world.Value{Bits: 9}}
	cs, v := step(t, w, world.Commands{Edits: []world.Edit{edit}})
	if e := cs.Edited[0]; e.Outcome != world.EditOther || e.Before.Bits != 10 {
		t.Errorf("%+v, want that it holds 10", e)
	}
	if s, _ := g.Ships.Get(v, id); s.Ammo != 10 {
		t.Errorf("the field was written all the same: %+v", s)
	}
	edit.Was.Bits = 10
	if cs, _ = step(t, w, world.Commands{Edits: []world.Edit{edit}}); cs.Edited[0].Outcome != world.EditDone {
		t.Errorf("%+v, want done", cs.Edited)
	}
	for _, gone := range []world.Edit{{Table: 0, ID: id + 1, Field: at}, {Table: 9, ID: id}, {Table: 0, ID: id, Field: 77}, {Table: 0, ID: id, Field: -1}} {
		if cs, _ = step(t, w, world.Commands{Edits: []world.Edit{gone}}); cs.Edited[0].Outcome != world.EditNoRow {
			t.Errorf("%+v: %+v, want no such row", gone, cs.Edited)
		}
	}
	g.panicIn = "OnTick"
	edit.Was.Bits = 3
	cs, v, err := w.Step(world.Commands{Edits: []world.Edit{edit, edit}})
	if err == nil || len(cs.Edited) != 2 || cs.Edited[1].Outcome != world.EditUndone {
		t.Errorf("in a tick that failed: %+v, %v", cs.Edited, err)
	}
	if s, _ := g.Ships.Get(v, id); s.Ammo != 3 {
		t.Errorf("after a tick that failed the ship is %+v", s)
	}
}

func TestEditsTravelWithTheCommands(t *testing.T) {
	c := world.Commands{Edits: []world.Edit{
		{Table: 1, Field: 2, ID: schema.MakeID(70, 3), To: world.Value{Bits: math.Float64bits(-1.5)}},
		{Table: 0, Field: 4, ID: schema.MakeID(1, 1), To: world.Value{Text: "Ann"}, If: true, Was: world.Value{Text: "Bob"}},
	}}
	for _, c.Still = range []bool{false, true} {
		b := c.Append(nil)
		got, err := world.ParseCommands(b)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("%+v, %v; want %+v", got, err, c)
		}
		for n := range b {
			if _, err := world.ParseCommands(b[:n]); err == nil {
				t.Errorf("the first %d of %d bytes were taken", n, len(b))
			}
		}
	}
}

// TestAStillTickEditsAndNothingElse: what moves stands, nobody plays, and the room's chances are what they were.
func TestAStillTickEditsAndNothingElse(t *testing.T) {
	g := newFleet()
	w := start(t, g, 1)
	cs, before := step(t, w, joins(1))
	id := cs.Tables[0].Inserted[0]
	at, _ := fieldOf(t, g, 0, "Ammo")
	g.panicIn = "OnTick" // which would be told
	cs, v := step(t, w, world.Commands{
		Still: true, Edits: []world.Edit{{Table: 0, ID: id, Field: at, To: world.Value{Bits: 3}}},
		Joins: []world.Join{{Player: 2}}, Leaves: []world.Leave{{Player: 1}}, Inputs: []world.Input{{Player: 1}},
	})
	if v.Tick != before.Tick+1 || len(cs.Edited) != 1 || cs.Edited[0].Outcome != world.EditDone || len(cs.Tables[0].Changed) != 1 {
		t.Errorf("tick %d after %d, %+v", v.Tick, before.Tick, cs)
	}
	if got := v.Players(); len(got) != 1 || got[0] != 1 {
		t.Errorf("the players are %v, want the one that was there", got)
	}
	was, _ := g.Ships.Get(before, id)
	was.Ammo = 3
	if is, _ := g.Ships.Get(v, id); is != was {
		t.Errorf("the ship is %+v, want %+v", is, was)
	}
	g.panicIn = ""
	_, here := step(t, w, world.Commands{})
	g2 := newFleet()
	w2 := start(t, g2, 1)
	step(t, w2, joins(1))
	step(t, w2, world.Commands{Still: true, Edits: []world.Edit{{Table: 0, ID: id, Field: at, To: world.Value{Bits: 3}}}})
	if _, there := step(t, w2, world.Commands{}); here.Hash() != there.Hash() {
		t.Error("the same commands lead to another state")
	}
}

func TestAValueThatAFieldCantHaveIsRefused(t *testing.T) {
	g := newFleet()
	for field, wrong := range map[string][]string{
		"X":    {"-1", "1001", "NaN", "Inf", "x", ""},
		"Ammo": {"-1", "256", "1.5"},
		"Plan": {"40000", "x"},
		"Name": {strings.Repeat("x", 17), "\xff"},
		"Prey": {"x", "1.9999", "1.x", "-1"},
	} {
		_, f := fieldOf(t, g, 0, field)
		for _, text := range wrong {
			if v, err := world.ParseValue(f, text); err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("%s takes %q as %+v, %v", field, text, v, err)
			}
		}
	}
	_, fire := fieldOf(t, switches(), 0, "On")
	if _, err := world.ParseValue(fire, "maybe"); err == nil {
		t.Error("a bool may be maybe")
	}
	if v, err := world.ParseValue(fire, "true"); err != nil || v.Format(fire) != "true" {
		t.Errorf("true is %+v, %v", v, err)
	}
}

// switches is a game with a bool.
func switches() world.Game {
	g := world.NewGame[helm]("switches")
	world.AddTable[struct {
		On bool
		N  float32 `net:"range=0:1,step=0.1"`
	}](g, "switch")
	return g
}

func TestRowsAreReadWithoutTheirType(t *testing.T) {
	g := newFleet()
	w := start(t, g, 1)
	_, v := step(t, w, joins(1, 2))
	x, f := fieldOf(t, g, 1, "X")
	n := 0
	for r := range v.Rows(1) {
		c, ok := g.Crates.Get(v, r.ID)
		if !ok || math.Float64frombits(r.Value(x).Bits) != float64(c.X) {
			t.Fatalf("crate %v stands at %s, want %v", r.ID, r.Value(x).Format(f), c.X)
		}
		n++
	}
	if n == 0 || n != v.Len(1) || n != g.Crates.Len(v) {
		t.Errorf("%d crates, %d are counted", n, v.Len(1))
	}
	for r := range v.Rows(0) {
		if r.Owner != g.Ships.OwnerOf(v, r.ID) || r.Team != world.TeamID(r.Owner%3) {
			t.Errorf("ship %v has owner %d and team %d", r.ID, r.Owner, r.Team)
		}
		if again, ok := v.Row(0, schema.MakeID(r.ID.Index(), 0)); !ok || again.ID != r.ID {
			t.Errorf("by its index alone ship %v is %v", r.ID, again.ID)
		}
	}
	for _, id := range []world.ID{schema.MakeID(0, 2), schema.MakeID(60, 1), schema.MakeID(9999, 1)} {
		if _, ok := v.Row(0, id); ok {
			t.Errorf("there is a row %v", id)
		}
	}
}

func TestSystemsRunInOrderAndAreMeasured(t *testing.T) {
	g := world.NewGame[helm]("systems")
	var ran []string
	for _, name := range []string{"flight", "combat"} {
		g.System(name, func(*world.Tx) { ran = append(ran, name) })
	}
	g.OnTick(func(*world.Tx) { ran = append(ran, "tick") })
	parts, err := world.PartsOf(g)
	if want := []string{"joins", "requests", "inputs", "flight", "combat", "tick"}; err != nil || !slices.Equal(parts, want) {
		t.Fatalf("the parts are %v, %v; want %v", parts, err, want)
	}
	var marks []string
	w, err := world.New(g, world.Config{Mark: func(part int) { marks = append(marks, parts[part]) }})
	if err != nil {
		t.Fatal(err)
	}
	step(t, w, world.Commands{})
	if !slices.Equal(ran, parts[3:]) || !slices.Equal(marks, parts) {
		t.Errorf("%v ran and %v were measured, want %v", ran, marks, parts)
	}
}

func TestASystemThatPanicsIsNamed(t *testing.T) {
	g := world.NewGame[helm]("systems")
	g.System("flight", func(*world.Tx) { panic("lost a wing") })
	w := start(t, g, 1)
	_, _, err := w.Step(world.Commands{})
	if err == nil || !strings.Contains(err.Error(), "flight panicked") {
		t.Errorf("the error is %v, want that flight panicked", err)
	}
}

func TestSystemsNeedNames(t *testing.T) {
	g := world.NewGame[helm]("systems")
	nothing := func(*world.Tx) {}
	g.System("", nothing)
	g.System("twice", nothing)
	g.System("twice", nothing)
	_, err := world.PartsOf(g)
	if err == nil || !strings.Contains(err.Error(), "1 to 64 bytes") || !strings.Contains(err.Error(), "another one") {
		t.Errorf("the errors are %v", err)
	}
}
