package browser

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// patience bounds what a test waits for on the server's side.
const patience = 30 * time.Second

// row is one that a page has, as its script sees it.
type row struct {
	Table string
	ID    world.ID
	Row   map[string]any
}

// frozen freezes a room, and returns what it stands still at once all pages know that it does.
func (h *host) frozen(t *testing.T, pages ...*page) *world.View {
	t.Helper()
	room := pages[0].figures().Room
	if err := h.Freeze(room); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		p.wait(`arena.client.timeline().rate === 0`) // the room makes one more tick first
	}
	view, err := h.Look(room)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// wantSame compares what a page has with a frozen room, once the page has acknowledged all: it must have every row that its
// player is to have and no other, and of each row every field as the server has it, or reckons that the page has it.
func (h *host) wantSame(t *testing.T, p *page, view *world.View) {
	t.Helper()
	f := p.figures()
	must := h.acknowledged(t, p, f, view)
	var rows []row
	p.eval(`arena.rows()`, &rows)
	has := map[string]map[string]any{}
	for _, r := range rows {
		has[r.Table+" "+r.ID.String()] = r.Row
	}
	if f.Tick != view.Tick || len(has) != len(rows) {
		t.Errorf("%s is at tick %d with %d rows, of which %d differ, the room stands at %d", p.name, f.Tick, len(rows), len(has), view.Tick)
	}
	fields := 0
	for name, want := range must {
		got, ok := has[name]
		if !ok {
			t.Errorf("%s does not have %s, which it has acknowledged", p.name, name)
			continue
		}
		delete(has, name)
		if len(got) != len(want) {
			t.Errorf("%s has %d fields of %s, want %d", p.name, len(got), name, len(want))
		}
		for field, value := range want {
			fields++
			if got[field] != value {
				t.Errorf("%s: %s of %s is %v, on the server %v", p.name, field, name, got[field], value)
			}
		}
	}
	for name := range has {
		t.Errorf("%s has %s, which its player is not to have", p.name, name)
	}
	if len(must) == 0 || f.Stats.Diverged > 0 {
		t.Errorf("%s has %d rows, and %d have diverged", p.name, len(must), f.Stats.Diverged)
	}
	t.Logf("%s has %d rows with %d fields as the server says, of %d rows in the room", p.name, len(must), fields, h.rows(view))
}

func (h *host) rows(view *world.View) (n int) {
	for table := range view.Schema().Tables {
		n += view.Len(table)
	}
	return n
}

// acknowledged waits until a page has acknowledged all that it is to have and to lose. It returns what that is: by table and
// ID, what each field of a row is to the page's player.
func (h *host) acknowledged(t *testing.T, p *page, f figures, view *world.View) map[string]map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must := map[string]map[string]any{}
	seat, ok := view.Seat(f.Player)
	if !ok {
		t.Fatalf("%s is player %d, who is not in the room", p.name, f.Player)
	}
	for table, wire := range view.Schema().Tables {
		for n, page := range view.Pages(table) {
			for used := page.Used(); used != 0; used &= used - 1 {
				at := bits.TrailingZeros64(used)
				id := schema.MakeID(uint32(n<<6|at), page.Generation(at))
				if h.has(ctx, t, f, wire.Name, id) {
					e := entry{wire, page, at, page.Class(at, f.Player, seat.Team), uint32(view.Tick)}
					must[wire.Name+" "+id.String()] = e.row(t)
				}
			}
		}
	}
	return must
}

// has tells whether a page's player is to have a row, once the server knows that the page has it, or has it no more.
func (h *host) has(ctx context.Context, t *testing.T, f figures, table string, id world.ID) bool {
	t.Helper()
	for {
		why, err := h.Why(ctx, f.Room, f.Player, table, id)
		switch {
		case err != nil:
			t.Fatalf("%s %v: %v: %v", table, id, why, err)
		case why.Reason == replicate.Acknowledged, why.Reason == replicate.NotForPlayer:
			return true
		case why.Reason == replicate.OutOfSight && !why.Removal:
			return false
		}
	}
}

// entry is a row as a player of a class is to see it at a tick.
type entry struct {
	wire  *schema.Table
	page  *world.Page
	at    int
	class schema.Class
	tick  uint32
}

func (e entry) row(t *testing.T) map[string]any {
	row := map[string]any{}
	for i := range e.wire.Fields {
		field := &e.wire.Fields[i]
		if row[field.Name] = e.value(t, i); !field.Visible(e.class) {
			row[field.Name] = map[schema.Kind]any{schema.Bool: false, schema.Text: ""}[field.Kind]
			if row[field.Name] == nil {
				row[field.Name] = 0.0
			}
		}
	}
	return row
}

// value is a field as JSON has it. What is reckoned is where its base, which is what travels, has it by now.
func (e entry) value(t *testing.T, i int) any {
	own := e.class == schema.Own
	field, words := &e.wire.Fields[i], e.page.Words(e.at)
	columns := e.wire.FieldColumns(i, own)
	if field.Kind == schema.Text {
		return e.page.Texts(e.at)[e.wire.Columns[columns[0]].TextAt]
	}
	q := e.wire.Join(words, columns)
	if g := e.wire.Group; g != nil && !own {
		base := g.Base(words)
		if m := slices.IndexFunc(g.Members, func(m schema.Member) bool { return m.Field == i }); m >= 0 {
			motion, err := e.wire.Motion((time.Second / 30).Nanoseconds())
			if err != nil {
				t.Fatal(err)
			}
			q = motion.Position(base, m, e.tick)
		}
		if m := slices.IndexFunc(g.Members, func(m schema.Member) bool { return m.Velocity == i }); m >= 0 {
			q = uint64(base[2+2*m])
		}
	}
	switch field.Kind {
	case schema.Bool:
		return q != 0
	case schema.Float:
		return field.FloatOf(q, own)
	case schema.Int, schema.Uint:
		return float64(field.IntOf(q))
	}
	panic(fmt.Sprintf("%s is of kind %v, which no table of the arena has", field.Name, field.Kind))
}
