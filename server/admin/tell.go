package admin

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// What operators see. It is read from Views and figures that rooms publish anyway.

// pieces sends a list in as many answers as it needs, one at least.
func pieces[T any](c *call, list []T, put func(*admin.Answer, []T), bytesOf func(T) int) error {
	for {
		n, bytes := 0, 0
		for n < len(list) && (n == 0 || bytes+bytesOf(list[n]) <= admin.MaxPiece) {
			bytes += bytesOf(list[n])
			n++
		}
		a := admin.Answer{More: n < len(list)}
		put(&a, list[:n])
		if err := c.send(a); err != nil || !a.More {
			return err
		}
		list = list[n:]
	}
}

// about is a size for pieces: that of structs whose numbers take little more than their names.
func about[T any](bytes int) func(T) int { return func(T) int { return bytes } }

func (c *call) health() error {
	s, now := c.cfg.Server.Stats(), time.Now()
	h := &admin.Health{
		Draining: c.cfg.Server.Draining(), Started: c.started.UnixMilli(), At: now.UnixMilli(), PeriodUS: c.period().Microseconds(),
		Rooms: s.Rooms, Players: s.Players, Held: s.Held, Conns: s.Transport.Open, Overruns: s.Overruns, Skipped: s.Skipped, Failed: s.FailedTicks,
		Diverged: s.Diverged, Datagrams: s.Datagrams, Bytes: s.DatagramBytes, Banned: s.Banned, Impaired: s.Impaired, Wrong: c.wrong(s, now),
	}
	h.OK = len(h.Wrong) == 0
	return c.send(admin.Answer{Health: h})
}

func (d *Door) period() time.Duration { return time.Second / time.Duration(d.cfg.TickRate) }

// nameOf is what a room may be called before others: not a private one's code.
func nameOf(r server.RoomStats) string {
	if r.Private {
		return r.ID[:8]
	}
	return r.Name
}

func roomOf(f *server.RoomFigures) admin.Room {
	q := f.Quantiles(0.5, 0.99, 1)
	r := admin.Room{
		ID: f.ID, Game: f.Game, Name: f.Name, Private: f.Private, Opened: f.Opened.UnixMilli(), Tick: f.Tick, Every: f.Every,
		Players: f.RoomStats.Players, MaxPlayers: f.MaxPlayers, Entities: f.Entities,
		P50: q[0].Microseconds(), P99: q[1].Microseconds(), Max: q[2].Microseconds(),
		Made: f.Made, Overruns: f.Overruns, LateWakes: f.LateWakes, Skipped: f.Skipped, Failed: f.Failed, Datagrams: f.Datagrams, Bytes: f.Bytes,
	}
	if f.Private {
		r.Name = ""
	}
	for _, p := range f.Parts {
		r.Parts = append(r.Parts, admin.Part{Name: p.Name, Total: p.Total.Microseconds(), Max: p.Max.Microseconds(), Overruns: p.Overruns})
	}
	return r
}

// rooms are sorted by the slowest ticks.
func (c *call) rooms() error {
	var out []admin.Room
	for _, f := range c.cfg.Server.Figures() {
		r := roomOf(&f)
		r.Parts = nil
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b admin.Room) int { return cmp.Or(cmp.Compare(b.P99, a.P99), cmp.Compare(a.ID, b.ID)) })
	return pieces(c, out, func(a *admin.Answer, rooms []admin.Room) { a.Rooms = rooms }, about[admin.Room](512))
}

func (c *call) room() error {
	f, err := c.cfg.Server.FiguresOf(c.req.Room)
	if err != nil {
		return err
	}
	r := roomOf(&f)
	for _, t := range f.Recent {
		r.Recent = append(r.Recent, admin.Tick{
			Tick: t.Tick, Drain: t.Drain.Microseconds(), Step: t.Step.Microseconds(), Publish: t.Publish.Microseconds(), Overran: t.Overran,
		})
	}
	return c.send(admin.Answer{Rooms: []admin.Room{r}})
}

func (c *call) players() error {
	names := map[string]string{}
	only := ""
	for _, r := range c.cfg.Server.Rooms() {
		names[r.ID] = nameOf(r)
	}
	if c.req.Room != "" {
		room, err := c.cfg.Server.Room(c.req.Room)
		if err != nil {
			return err
		}
		only = room.ID
	}
	var out []admin.Player
	for _, s := range c.cfg.Server.Sessions() {
		if only != "" && s.Room != only {
			continue
		}
		p := admin.Player{
			Room: s.Room, RoomName: names[s.Room], Player: uint32(s.Player), User: s.User, Addr: s.Addr, Joined: s.Joined.UnixMilli(), Held: s.Held,
			RoundTrip: s.RoundTrip.Microseconds(), Sent: s.SentPackets, Lost: s.LostPackets, Datagrams: s.Datagrams, Bytes: s.Bytes, Age: s.AgeTicks,
			Margin: s.Inputs.Margin, Applied: s.Inputs.Applied, Missing: s.Inputs.Repeated + s.Inputs.Neutral, Late: s.Inputs.Late,
			EventBytes: s.EventBytes,
		}
		if i := s.Impaired; i != (server.Impairment{}) {
			p.Impaired = &admin.Impaired{DelayMS: i.Delay.Milliseconds(), JitterMS: i.Jitter.Milliseconds(), Loss: i.Loss, Until: i.Until.Unix(), By: i.By}
		}
		for _, t := range s.Tables {
			p.Tables = append(p.Tables, admin.TableBytes{Table: t.Table, Bytes: t.Bytes})
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b admin.Player) int {
		return cmp.Or(strings.Compare(a.RoomName, b.RoomName), strings.Compare(a.Room, b.Room), cmp.Compare(a.Player, b.Player))
	})
	return pieces(c, out, func(a *admin.Answer, players []admin.Player) { a.Players = players }, func(p admin.Player) int { return 896 + 96*len(p.Tables) })
}

func columnsOf(t *schema.Table) (out []admin.Column) {
	for i := range t.Fields {
		out = append(out, admin.Column{Name: t.Fields[i].Name, Kind: t.Fields[i].Kind.String()})
	}
	for i, place := range t.Pos {
		if place >= 0 {
			out[place].Axis = string("xy"[i])
		}
	}
	return out
}

func (c *call) tables() error {
	view, err := c.cfg.Server.Look(c.req.Room)
	if err != nil {
		return err
	}
	var out []admin.Tables
	for i, t := range view.Schema().Tables {
		out = append(out, admin.Tables{Name: t.Name, Rows: view.Len(i), Fields: columnsOf(t)})
	}
	return pieces(c, out, func(a *admin.Answer, tables []admin.Tables) { a.Tables = tables }, func(t admin.Tables) int { return 64 + 96*len(t.Fields) })
}

// query sends the rows of a table that meet the conditions, and how many there are.
func (c *call) query() error {
	view, number, err := c.tableOf()
	if err != nil {
		return err
	}
	t := view.Schema().Tables[number]
	tests, err := testsOf(t, c.req.Where)
	if err != nil {
		return err
	}
	candidates, err := c.candidates(view, number)
	if err != nil {
		return err
	}
	most, matched := int(c.req.Count), 0
	if most == 0 {
		most = 100
	}
	var rows []admin.Row
	for r := range candidates {
		if !meets(r, tests) {
			continue
		}
		if matched++; len(rows) < most {
			rows = append(rows, rowOf(t, r))
		}
	}
	return c.sendRows(view.Tick, columnsOf(t), rows, matched)
}

// sendRows sends rows, the columns with the first ones.
func (c *call) sendRows(tick uint64, columns []admin.Column, rows []admin.Row, matched int) error {
	return pieces(c, rows, func(a *admin.Answer, rows []admin.Row) {
		a.Table = &admin.Table{Tick: tick, Columns: columns, Rows: rows, Matched: matched}
		columns = nil
	}, func(r admin.Row) int {
		n := 64
		for _, v := range r.Values {
			n += len(v) + 5
		}
		return n
	})
}

// candidates are the row that is asked for, which must be there, or all of them.
func (c *call) candidates(view *world.View, table int) (iter.Seq[world.Row], error) {
	if c.req.Row == "" {
		return view.Rows(table), nil
	}
	id, err := world.ParseID(c.req.Row)
	if err != nil {
		return nil, bad("%v", err)
	}
	r, ok := view.Row(table, id)
	if !ok {
		return nil, fmt.Errorf("%w: %s %v", server.ErrNoRow, c.req.Table, id)
	}
	return func(yield func(world.Row) bool) { yield(r) }, nil
}

func rowOf(t *schema.Table, r world.Row) admin.Row {
	out := admin.Row{ID: r.ID.String(), Owner: uint32(r.Owner), Team: uint16(r.Team), Values: make([]string, len(t.Fields))}
	for i := range t.Fields {
		out.Values[i] = r.Value(i).Format(&t.Fields[i])
	}
	return out
}

func (c *call) edits() error {
	var out []admin.Edit
	for _, e := range c.cfg.Server.Edits() {
		out = append(out, admin.Edit{
			Number: e.Number, Room: e.RoomID, Table: e.Table, Row: e.ID.String(), Field: e.Field, By: e.By, At: e.At.UnixMilli(), Tick: e.Tick,
			Before: e.Before, After: e.After, Undoes: e.Undoes, UndoneBy: e.UndoneBy,
		})
	}
	return pieces(c, out, func(a *admin.Answer, edits []admin.Edit) { a.Edits = edits }, func(e admin.Edit) int { return 400 + len(e.Before) + len(e.After) })
}

func (c *call) bans() error {
	var out []admin.Ban
	for _, b := range c.cfg.Server.Bans() {
		ban := admin.Ban{Number: b.Number, User: b.User, Reason: b.Reason, By: b.By, At: b.At.Unix()}
		if b.Prefix.IsValid() {
			ban.Prefix = b.Prefix.String()
		}
		if !b.Until.IsZero() {
			ban.Until = b.Until.Unix()
		}
		out = append(out, ban)
	}
	return pieces(c, out, func(a *admin.Answer, bans []admin.Ban) { a.Bans = bans }, func(b admin.Ban) int { return 200 + len(b.Reason) + len(b.User) })
}

// test is a condition that rows are held against.
type test struct {
	field  int    // in the table's fields; ownerField for the row's owner
	is     string // of admin.Comparisons
	want   world.Value
	number float64 // what want is for a number that is not whole
	whole  bool    // of a field of integers: want is one that it could hold, and is compared as that
	kind   schema.Kind
	format *schema.Field
}

// ownerField stands for the row's owner, which a condition may name "owner".
const ownerField = -1

func testsOf(t *schema.Table, where []admin.Condition) (out []test, err error) {
	for _, w := range where {
		one := test{is: w.Is, field: slices.IndexFunc(t.Fields, func(f schema.Field) bool { return f.Name == w.Field })}
		switch {
		case one.field >= 0:
			one.format = &t.Fields[one.field]
			one.kind = one.format.Kind
		case w.Field == "owner":
			one.kind = schema.Uint
		default:
			return nil, fmt.Errorf("%w %q", server.ErrNoField, w.Field)
		}
		text := one.kind == schema.Text
		if text != (w.Is == "~") && w.Is != "=" && w.Is != "!=" {
			return nil, bad("%s is %s: it can't be compared by %s", w.Field, one.kind, w.Is)
		}
		switch one.kind {
		case schema.Text:
			one.want.Text = w.Value
		case schema.Bool, schema.Entity:
			one.want, err = world.ParseValue(one.format, w.Value)
		default:
			err = one.parseNumber(w.Value)
		}
		if err != nil {
			return nil, bad("%s can't be compared with %q", w.Field, w.Value)
		}
		out = append(out, one)
	}
	return out, nil
}

// parseNumber reads what a number is compared with. Integers are compared as such: a float64 takes those beyond 2^53 for their
// neighbours.
func (t *test) parseNumber(text string) (err error) {
	switch t.kind {
	case schema.Int:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		t.want.Bits, t.whole = uint64(n), err == nil
	case schema.Uint:
		t.want.Bits, err = strconv.ParseUint(text, 10, 64)
		t.whole = err == nil
	}
	if !t.whole {
		t.number, err = strconv.ParseFloat(text, 64)
	}
	return err
}
