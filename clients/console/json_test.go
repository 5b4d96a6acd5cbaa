package console_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

func TestRowsAreJSONWithTheirTypes(t *testing.T) {
	b, err := console.JSON(admin.Answer{Table: &admin.Table{
		Tick: 9, Matched: 3,
		Columns: []admin.Column{{Name: "X", Kind: "float"}, {Name: "Up", Kind: "bool"}, {Name: "Name", Kind: "text"}, {Name: "Prey", Kind: "entity"}, {Name: "Odd", Kind: "float"}},
		Rows:    []admin.Row{{ID: "1.2", Owner: 3, Values: []string{"0.5", "true", "12", "none", "NaN"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"table": map[string]any{"tick": 9.0, "matched": 3.0, "rows": []any{map[string]any{
		"id": "1.2", "owner": 3.0, "team": 0.0, "fields": map[string]any{"X": 0.5, "Up": true, "Name": "12", "Prey": "none", "Odd": "NaN"},
	}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s", b)
	}
}

func TestTheAuditLogIsJSONInJSON(t *testing.T) {
	b, err := console.JSON(admin.Answer{Audit: []string{`{"act":"kick"}`}, More: true})
	var got struct {
		Audit []struct{ Act string }
		More  *bool
	}
	if err != nil || json.Unmarshal(b, &got) != nil || len(got.Audit) != 1 || got.Audit[0].Act != "kick" || got.More != nil {
		t.Errorf("%s, %v", b, err)
	}
}

// TestAnEmptyListIsThere: what reads .bans[] finds none, and no error.
func TestAnEmptyListIsThere(t *testing.T) {
	for act, name := range map[admin.Act]string{
		admin.ActRooms: "rooms", admin.ActPlayers: "players", admin.ActTables: "tables", admin.ActReport: "report", admin.ActEdits: "edits",
		admin.ActBans: "bans", admin.ActSight: "sight", admin.ActCapture: "captures", admin.ActAudit: "audit",
	} {
		b, err := console.JSON(console.Listed(act, admin.Answer{}))
		var got map[string]any
		if err != nil || json.Unmarshal(b, &got) != nil {
			t.Fatalf("%s: %s, %v", act, b, err)
		}
		if list, ok := got[name].([]any); !ok || len(list) != 0 || len(got) != 1 {
			t.Errorf("%s: %s", act, b)
		}
	}
	if b, err := console.JSON(console.Listed(admin.ActKick, admin.Answer{Text: "done"})); err != nil || bytes.Contains(b, []byte("[")) {
		t.Errorf("an act without a list has one: %s, %v", b, err)
	}
}

// TestALineThatWasCutShortSpoilsNoAudit: it stands among the others as a text.
func TestALineThatWasCutShortSpoilsNoAudit(t *testing.T) {
	b, err := console.JSON(admin.Answer{Audit: []string{`{"act":"kick"}`, `{"act":"ba`}})
	var got struct{ Audit []any }
	if err != nil || json.Unmarshal(b, &got) != nil || len(got.Audit) != 2 || got.Audit[1] != `{"act":"ba` {
		t.Errorf("%s, %v", b, err)
	}
}

// TestTheTimesOfASlowTickHaveTheirPartsNames.
func TestTheTimesOfASlowTickHaveTheirPartsNames(t *testing.T) {
	b, err := console.JSON(admin.Answer{Captures: []admin.Capture{{Room: "ab", Parts: []string{"drain", "flight"}, Ticks: []admin.SlowTick{
		{Tick: 7, Drain: 12, Step: 34000, Parts: []int64{12, 34000}, Blame: "flight"}, {Tick: 9, Parts: []int64{1}},
	}}}})
	var got struct {
		Captures []struct {
			Room  string
			Parts []string
			Ticks []struct {
				Tick  int
				Blame string
				Drain int            `json:"drain_us"`
				Parts map[string]int `json:"parts_us"`
			}
		}
	}
	if err != nil || json.Unmarshal(b, &got) != nil || len(got.Captures) != 1 || len(got.Captures[0].Ticks) != 2 {
		t.Fatalf("%s, %v", b, err)
	}
	first, second := got.Captures[0].Ticks[0], got.Captures[0].Ticks[1]
	if first.Tick != 7 || first.Blame != "flight" || first.Drain != 12 || !reflect.DeepEqual(first.Parts, map[string]int{"drain": 12, "flight": 34000}) || len(second.Parts) != 1 {
		t.Errorf("%s", b)
	}
}
