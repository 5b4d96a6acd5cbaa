package admin

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// meets tells whether a row meets all conditions.
func meets(r world.Row, tests []test) bool {
	for i := range tests {
		if !tests[i].holds(r) {
			return false
		}
	}
	return true
}

func (t *test) holds(r world.Row) bool {
	v := world.Value{Bits: uint64(r.Owner)}
	if t.field != ownerField {
		v = r.Value(t.field)
	}
	order := 0
	switch t.kind {
	case schema.Text:
		if t.is == "~" {
			return strings.Contains(v.Text, t.want.Text)
		}
		order = strings.Compare(v.Text, t.want.Text)
	case schema.Bool, schema.Entity:
		order = cmp.Compare(v.Bits, t.want.Bits)
	case schema.Float:
		order = cmp.Compare(math.Float64frombits(v.Bits), t.number)
	case schema.Int:
		if order = cmp.Compare(int64(v.Bits), int64(t.want.Bits)); !t.whole {
			order = cmp.Compare(float64(int64(v.Bits)), t.number)
		}
	default:
		if order = cmp.Compare(v.Bits, t.want.Bits); !t.whole {
			order = cmp.Compare(float64(v.Bits), t.number)
		}
	}
	switch t.is {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// overShare is the share of a room's latest ticks that may take longer than a period before it is worth a look.
const overShare = 0.01

// overBudget is the share of the latest ticks that took longer than a period.
func overBudget(f *server.RoomFigures, period time.Duration) float64 {
	over := 0
	for _, t := range f.Recent {
		if t.Total() > period {
			over++
		}
	}
	if len(f.Recent) == 0 {
		return 0
	}
	return float64(over) / float64(len(f.Recent))
}

// report says which rooms to move or fix, the worst first.
func (c *call) report() error {
	var out []admin.Advice
	for _, f := range c.cfg.Server.Figures() {
		if a, ok := adviceFor(&f, c.period()); ok {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b admin.Advice) int {
		return cmp.Or(cmp.Compare(b.Over, a.Over), cmp.Compare(b.Overruns, a.Overruns), strings.Compare(a.Room, b.Room))
	})
	return pieces(c, out, func(a *admin.Answer, report []admin.Advice) { a.Report = report }, about[admin.Advice](700))
}

// The loop's own parts, by the names of server.PartFigures, which grow with players and rows and not with what the game
// does.
var ownParts = []string{"drain", "commit", "publish", "inputs"}

// adviceFor says what to do about a room, by its latest ticks; ok is false when nothing was ever late in it.
func adviceFor(f *server.RoomFigures, period time.Duration) (a admin.Advice, ok bool) {
	if f.Overruns == 0 && f.LateWakes == 0 && f.Skipped == 0 {
		return a, false
	}
	a = admin.Advice{Room: f.ID, RoomName: nameOf(f.RoomStats), Game: f.Game, Overruns: f.Overruns, Over: overBudget(f, period)}
	var most server.PartFigures
	for _, p := range f.Parts {
		if p.Overruns > most.Overruns {
			most = p
		}
	}
	if f.Overruns > 0 {
		a.Part, a.Share = most.Name, float64(most.Overruns)/float64(f.Overruns)
	}
	lately := recentOverruns(f)
	blame := fmt.Sprintf("%s took the most in %.0f %% of %d overruns since the room was opened, up to %v; %d players, %d rows",
		a.Part, 100*a.Share, f.Overruns, most.Max.Round(time.Microsecond), f.RoomStats.Players, f.Entities)
	switch {
	case lately == 0 && f.RecentLateWakes == 0 && a.Over == 0:
		a.Do = "watch"
		a.Text = fmt.Sprintf("nothing to do: none of the latest %d ticks was late; since the room was opened %d overran, and %d wake-ups came late", len(f.Recent), f.Overruns, f.LateWakes)
	case f.RecentLateWakes > lately && float64(f.RecentLateWakes) > overShare*float64(len(f.Recent)):
		a.Do = "move"
		a.Text = fmt.Sprintf("%d wake-ups of late came late although the room was waiting: the machine is too busy for it; move rooms to another, or give it more cores", f.RecentLateWakes)
	case a.Over <= overShare || f.Overruns == 0:
		a.Do, a.Text = "watch", fmt.Sprintf("rarely of late: %d of the latest %d ticks overran, and %d wake-ups came late", lately, len(f.Recent), f.RecentLateWakes)
		if f.Overruns > 0 {
			a.Text += "; " + blame
		}
	case slices.Contains(ownParts, a.Part):
		a.Do, a.Text = "split", blame+": fewer players or rows in a room, or a lower tick rate"
	default:
		a.Do, a.Text = "fix", blame+": profile it (console profile), or let it do less in a tick"
	}
	return a, true
}

// recentOverruns counts the latest ticks that were not over when the next one was due.
func recentOverruns(f *server.RoomFigures) (n int) {
	for _, t := range f.Recent {
		if t.Overran {
			n++
		}
	}
	return n
}
