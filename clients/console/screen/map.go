package screen

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/quicstep/quicstep/protocol/admin"
)

// Bounds of what a map asks for.
const (
	mapTables = 4 // with a position, the first ones
	mapRows   = 2000
	ownRows   = 100 // of the player that is followed, where there are more than mapRows
	zoomMost  = 6
)

// bounds are a part of the plane.
type bounds struct {
	x0, y0, x1, y1 float64
	known          bool
}

// add makes it hold a point.
func (b *bounds) add(x, y float64) {
	if !b.known {
		*b = bounds{x, y, x, y, true}
	}
	b.x0, b.y0, b.x1, b.y1 = min(b.x0, x), min(b.y0, y), max(b.x1, x), max(b.y1, y)
}

// thing is a row that has a place.
type thing struct {
	table string
	row   admin.Row
	x, y  float64
}

func (t thing) key() string { return t.table + " " + t.row.ID }

// wantsOfRow is what a map or a timeline has to be told.
func (m *model) wantsOfRow(p *page) []admin.Request {
	if p.kind == timelinePage {
		return []admin.Request{{Act: admin.ActTimeline, Room: p.room, Table: p.table, Row: p.row, Count: ticksAtMost}}
	}
	tables := admin.Request{Act: admin.ActTables, Room: p.room, EveryMS: everyMS}
	out := []admin.Request{tables, {Act: admin.ActPlayers, Room: p.room}}
	for _, t := range placed(m.answers[keyOf(tables)].answer.Tables) {
		rows := admin.Request{Act: admin.ActQuery, Room: p.room, Table: t.Name, Count: mapRows, EveryMS: mapEveryMS}
		out = append(out, rows)
		if table := m.answers[keyOf(rows)].answer.Table; p.player != 0 && table != nil && table.Matched > len(table.Rows) {
			out = append(out, ownOf(rows, p.player))
		}
		if p.eyes && p.player != 0 {
			out = append(out, admin.Request{Act: admin.ActSight, Room: p.room, Table: t.Name, Player: p.player})
		}
	}
	return out
}

// ownOf asks for the rows of a player alone, who may not be among the first ones of a long table.
func ownOf(rows admin.Request, player uint32) admin.Request {
	rows.Count = ownRows
	rows.Where = []admin.Condition{{Field: "owner", Is: "=", Value: strconv.FormatUint(uint64(player), 10)}}
	return rows
}

// cutMap says how many rows are not on the map, and how many the player's eyes were not asked for.
func (m *model) cutMap() string {
	for _, r := range m.wants() {
		a := m.answers[keyOf(r)].answer
		switch t := a.Table; {
		case r.Act == admin.ActQuery && t != nil && t.Matched > len(t.Rows):
			return fmt.Sprintf("%d of %d rows of %s are here, and what the player owns", len(t.Rows), t.Matched, r.Table)
		case r.Act == admin.ActSight && len(a.Sight) == admin.MaxSights:
			return fmt.Sprintf("of the first %d rows of %s alone is it known what the player has", len(a.Sight), r.Table)
		}
	}
	return ""
}

// placed are the tables that have a position.
func placed(tables []admin.Tables) (out []admin.Tables) {
	for _, t := range tables {
		if axis(t.Fields, "x") >= 0 && axis(t.Fields, "y") >= 0 && len(out) < mapTables {
			out = append(out, t)
		}
	}
	return out
}

// axis is the field that is a coordinate; -1 without.
func axis(fields []admin.Column, name string) int {
	return slices.IndexFunc(fields, func(c admin.Column) bool { return c.Axis == name })
}

// things are all rows that have a place.
func (m *model) things() (out []thing) {
	seen := map[string]bool{}
	for _, r := range m.wants() {
		t := m.answers[keyOf(r)].answer.Table
		if r.Act != admin.ActQuery || t == nil {
			continue
		}
		x, y := axis(t.Columns, "x"), axis(t.Columns, "y")
		for _, row := range t.Rows {
			if max(x, y) >= len(row.Values) || min(x, y) < 0 {
				continue
			}
			at := thing{table: r.Table, row: row}
			if seen[at.key()] {
				continue // among the player's own, too
			}
			seen[at.key()] = true
			at.x, _ = strconv.ParseFloat(row.Values[x], 64)
			at.y, _ = strconv.ParseFloat(row.Values[y], 64)
			if math.IsNaN(at.x-at.y) || math.IsInf(at.x-at.y, 0) {
				continue // it is nowhere, and nothing can be drawn beside it
			}
			out = append(out, at)
		}
	}
	return out
}

// sights are what the server says of what the player was sent, by the thing's key.
func (m *model) sights() map[string]admin.Sight {
	out := map[string]admin.Sight{}
	for _, r := range m.wants() {
		if r.Act == admin.ActSight {
			for _, s := range m.answers[keyOf(r)].answer.Sight {
				out[r.Table+" "+s.ID] = s
			}
		}
	}
	return out
}

// How a player has a row.
const (
	hasIt  = "has"  // as it is, as far as it is for the player
	hasOld = "old"  // as it was
	hasNot = "none" // not at all
)

// has tells how the player has a row.
func has(s admin.Sight) string {
	switch {
	case s.Reason == "acknowledged" || s.Reason == "not_for_player":
		return hasIt
	case s.Known > 0:
		return hasOld
	}
	return hasNot
}

// middle is the place of the player that is followed: that of the first of its rows.
func (m *model) middle(things []thing) (x, y float64, ok bool) {
	for _, t := range things {
		if t.row.Owner == m.page().player && t.row.Owner != 0 {
			return t.x, t.y, true
		}
	}
	return 0, 0, false
}

// window is the part of the plane on the screen, which keeps its shape.
func (m *model) window(things []thing, width, height int) bounds {
	p := m.page()
	for _, t := range things {
		p.bounds.add(t.x, t.y)
	}
	b := p.bounds
	across := max(b.x1-b.x0, (b.y1-b.y0)*float64(2*width)/float64(4*height), 1) * 1.02
	x, y := (b.x0+b.x1)/2, (b.y0+b.y1)/2
	if px, py, ok := m.middle(things); ok && p.zoom > 0 {
		x, y = px, py
	}
	across /= math.Exp2(float64(p.zoom))
	down := across * float64(4*height) / float64(2*width)
	return bounds{x - across/2, y - down/2, x + across/2, y + down/2, true}
}

// drawMap draws the rows: what the player has as dots, what it has as it was once as an o, what it does not have as an x.
func (m *model) drawMap(width, height int) []string {
	p, things, sights := m.page(), m.things(), m.sights()
	c, w := newCanvas(width, height), m.window(things, width, height)
	place := func(t thing) (int, int) {
		return int((t.x - w.x0) / (w.x1 - w.x0) * float64(2*width)), int((t.y - w.y0) / (w.y1 - w.y0) * float64(4*height))
	}
	chosen := p.list.chosen
	for _, t := range things {
		x, y := place(t)
		s, told := sights[t.key()]
		switch {
		case !p.eyes || told && has(s) == hasIt:
			c.dot(x, y)
		case told && has(s) == hasOld:
			c.letter(x, y, style(yellow, "o"), true)
		case told:
			c.letter(x, y, style(faint, "x"), false)
		}
	}
	for _, t := range things {
		x, y := place(t)
		if t.row.Owner == p.player && p.player != 0 {
			c.letter(x, y, style(green, "@"), true)
		}
		if t.key() == chosen {
			c.letter(x, y, style(inverse, "#"), true)
		}
	}
	return c.lines()
}

// mapLines draw the map, what it means, and the rows in it.
func (m *model) mapLines(height int) []string {
	if a, told := m.got(admin.ActTables); told && len(placed(a.Tables)) == 0 {
		return []string{"", "  This game has no table with a position, so there is no map."}
	}
	if m.width >= 140 {
		left := m.width * 3 / 5
		return beside(append(m.drawMap(left-2, height-1), m.mapLegend()), m.sideList(height, m.width-left), left)
	}
	upper := height * 2 / 3
	out := append(m.drawMap(m.width, upper-1), m.mapLegend())
	return append(out, m.sideList(height-upper, m.width)...)
}

// sideList is the list of rows beside the map.
func (m *model) sideList(height, width int) []string {
	return m.listIn(m.mapColumns(), m.rows(), width, height)
}

// mapLegend says what the map shows, and through whose eyes.
func (m *model) mapLegend() string {
	p := m.page()
	who := "nobody is followed"
	if p.player != 0 {
		who = fmt.Sprintf("@ player %d", p.player)
	}
	if !p.eyes {
		return fmt.Sprintf("%s  # chosen  zoom %d  v: through the player's eyes", who, p.zoom)
	}
	counts := map[string]int{}
	for _, s := range m.sights() {
		counts[has(s)]++
	}
	return fmt.Sprintf("%s has %d as it is ⠂  %d as it was o  %d not x  # chosen  zoom %d", who, counts[hasIt], counts[hasOld], counts[hasNot], p.zoom)
}

func (m *model) mapColumns() []column {
	if m.page().eyes {
		return []column{{title: "TABLE", width: 8}, {title: "ROW", width: 8}, {title: "HAS", width: 4}, {title: "WHY", width: 16}, {title: "IN WORDS", width: 20, most: allThere, rank: 1}}
	}
	return []column{{title: "TABLE", width: 8, most: 16}, {title: "ROW", width: 8}, {title: "OWNER", width: 6, right: true}, {title: "X", width: 9, right: true}, {title: "Y", width: 9, right: true}}
}

// mapRows are what is on the map; through a player's eyes what it lacks stands first.
func (m *model) mapRows() (out []row) {
	p, sights := m.page(), m.sights()
	things := m.things()
	if !p.eyes {
		for _, t := range things {
			out = append(out, row{key: t.key(), cells: []string{
				t.table, t.row.ID, strconv.FormatUint(uint64(t.row.Owner), 10), fmt.Sprintf("%.1f", t.x), fmt.Sprintf("%.1f", t.y),
			}})
		}
		return out
	}
	for _, how := range []string{hasOld, hasNot, hasIt} {
		for _, t := range things {
			if s, told := sights[t.key()]; told && has(s) == how {
				out = append(out, row{key: t.key(), mark: how == hasOld, detail: t.key() + ": " + s.Text, cells: []string{t.table, t.row.ID, how, s.Reason, s.Text}})
			}
		}
	}
	return out
}

// openMap shows the map, following the chosen player if there is one.
func openMap(m *model) []effect {
	p := m.page()
	to := page{kind: mapPage, room: p.room, name: p.name}
	if rows := m.rows(); p.list.choose(rows) >= 0 {
		n, _ := strconv.ParseUint(p.list.chosen, 10, 32)
		to.player = uint32(n)
	}
	m.open(to)
	return nil
}

// followSomebody follows the first player as soon as players are known.
func (m *model) followSomebody() {
	if p, players := m.page(), m.playersOf(); p.kind == mapPage && p.player == 0 && len(players) > 0 {
		p.player = players[0].Player
	}
}

// follow goes on to another player.
func follow(by int) func(*model) []effect {
	return func(m *model) []effect {
		p, players := m.page(), m.playersOf()
		if len(players) == 0 {
			return nil
		}
		at := slices.IndexFunc(players, func(other admin.Player) bool { return other.Player == p.player })
		p.player = players[(at+by+len(players))%len(players)].Player
		return nil
	}
}

func zoom(by int) func(*model) []effect {
	return func(m *model) []effect {
		p := m.page()
		p.zoom = max(0, min(p.zoom+by, zoomMost))
		return nil
	}
}

func mapKeys() []binding {
	return []binding{
		{[]string{"v"}, "eyes", "through the player's eyes: what it was sent, what not, and why", "", func(m *model) []effect { m.page().eyes = !m.page().eyes; return nil }},
		{[]string{"right"}, "next player", "follow the next player", "", follow(1)},
		{[]string{"left"}, "", "follow the player before", "", follow(-1)},
		{[]string{"+", "="}, "zoom", "zoom in on the player, who is in the middle from zoom 1 on", "", zoom(1)},
		{[]string{"-"}, "", "zoom out; at zoom 0 all rows are in sight", "", zoom(-1)},
		{[]string{"/"}, "filter", "filter the list, as by over_budget", "", startFilter},
		{[]string{"k"}, "kick", "send the player away", operator, askKick},
		{[]string{"b"}, "", "keep the player out", operator, askBan},
		{[]string{"w"}, "", "tell a line to the player", operator, askWhisper},
		{[]string{"I"}, "", "make the player's link worse for a while, or as it was", operator, askImpair},
	}
}
