package admin_test

import (
	"errors"
	"fmt"
	"testing"

	wire "github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server/admin"
	"github.com/quicstep/quicstep/world"
)

// TestTimelineTellsWhatARowWas: each value that a row had is told with the tick since which it had it.
func TestTimelineTellsWhatARowWas(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	c, player := s.as(nil), s.join()
	row := do(t, c, wire.Request{Act: wire.ActQuery, Table: "unit"}).Table.Rows[0].ID
	var ticks []uint64
	for _, hp := range []uint32{70, 40} {
		s.game.hurt.Store(hp)
		until(t, player, "it is hurt", func(v *world.View) bool {
			for _, u := range s.game.Units.All(v) {
				return uint32(u.HP) == hp
			}
			return false
		})
	}
	a := do(t, c, wire.Request{Act: wire.ActTimeline, Table: "unit", Row: row})
	var hps []string
	for _, r := range a.Table.Rows {
		if ticks = append(ticks, r.Tick); len(r.Values) > 0 {
			hps = append(hps, r.Values[0])
		}
	}
	if len(hps) < 3 || hps[0] != "40" || hps[1] != "70" || hps[2] != "100" {
		t.Fatalf("the timeline is %+v", a.Table)
	}
	if ticks[0] <= ticks[1] || ticks[1] <= ticks[2] || a.Table.Columns[0].Name != "HP" {
		t.Errorf("the ticks are %v, the columns %+v", ticks, a.Table.Columns)
	}
	do(t, c, wire.Request{Act: wire.ActKick, Player: uint32(player.Player())})
	if err := c.Watch(t.Context(), wire.Request{Act: wire.ActTimeline, Table: "unit", Row: row, EveryMS: wire.MinEveryMS}, func(next wire.Answer) error {
		if a = next; a.Table.Rows[0].Values == nil {
			return errSeen
		}
		return nil
	}); !errors.Is(err, errSeen) {
		t.Fatal(err)
	}
	if len(a.Table.Rows) < 2 || a.Table.Rows[1].Values == nil {
		t.Errorf("after it is gone the timeline is %+v", a.Table)
	}
	wantRefusal(t, c, wire.Request{Act: wire.ActTimeline, Table: "unit", Row: "x"}, wire.CodeBad)
	wantRefusal(t, c, wire.Request{Act: wire.ActTimeline, Table: "units", Row: row}, wire.CodeNone)
}

// errSeen ends a subscription that has told what was waited for.
var errSeen = errors.New("seen")

// TestSightTellsWhatAPlayerWasSent: all rows of a table at once, as each of them is told alone.
func TestSightTellsWhatAPlayerWasSent(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	c, player := s.as(nil), s.join()
	s.join()
	until(t, player, "both units are known", func(v *world.View) bool { return s.game.Units.Len(v) == 2 })
	var a wire.Answer
	ask := wire.Request{Act: wire.ActSight, Table: "unit", Player: uint32(player.Player()), EveryMS: wire.MinEveryMS}
	if err := c.Watch(t.Context(), ask, func(next wire.Answer) error {
		if a = next; len(a.Sight) == 2 && a.Sight[0].Reason == "acknowledged" && a.Sight[1].Reason == "acknowledged" {
			return errSeen
		}
		return nil
	}); !errors.Is(err, errSeen) {
		t.Fatal(err)
	}
	one := do(t, c, wire.Request{Act: wire.ActSight, Table: "unit", Player: uint32(player.Player()), Row: a.Sight[1].ID})
	if len(a.Sight) != 2 || a.Sight[0].Known == 0 || a.Sight[1].Reason != "acknowledged" || len(one.Sight) != 1 || one.Sight[0].ID != a.Sight[1].ID || one.Sight[0].Text == "" {
		t.Errorf("it was sent %+v, and of one row %+v", a.Sight, one.Sight)
	}
	gone := do(t, c, wire.Request{Act: wire.ActSight, Table: "unit", Player: uint32(player.Player()), Row: fmt.Sprint(900)})
	if gone.Sight[0].Reason != "no_row" || gone.Sight[0].Known != 0 {
		t.Errorf("of a row that is not there it was sent %+v", gone.Sight)
	}
	wantRefusal(t, c, wire.Request{Act: wire.ActSight, Table: "unit", Player: 99}, wire.CodeNone)
	wantRefusal(t, c, wire.Request{Act: wire.ActSight, Table: "unit"}, wire.CodeBad)
}
