package screen

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// columns are those of the page's list.
func (m *model) columns() []column {
	switch m.page().kind {
	case roomsPage:
		return []column{
			{title: "ROOM", width: 12}, {title: "GAME", width: 8, rank: 5}, {title: "PLAYERS", width: 8, right: true}, {title: "ROWS", width: 6, right: true, rank: 1},
			{title: "P99 MS", width: 6, right: true}, {title: "BUDGET", width: 6, right: true}, {title: "P99", width: sparkWidth},
			{title: "BYTES/S", width: 8, right: true, rank: 2}, {title: "FLOW", width: sparkWidth, rank: 6}, {title: "OPEN", width: 6, right: true, rank: 3},
			{title: "P50 MS", width: 6, right: true, rank: 9}, {title: "MAX MS", width: 6, right: true, rank: 8}, {title: "OVERRUNS", width: 8, right: true, rank: 4},
			{title: "SKIPPED", width: 7, right: true, rank: 7}, {title: "TICK", width: 9, right: true, rank: 10}, {title: "PACE", width: 6}, {title: "ID", width: 32, rank: 11},
		}
	case roomPage:
		return []column{
			{title: "PLAYER", width: 6, right: true}, {title: "USER", width: 9, most: 24}, {title: "RTT MS", width: 6, right: true}, {title: "LOSS", width: 6, right: true},
			{title: "AGE", width: 4, right: true}, {title: "EARLY", width: 6, right: true}, {title: "LATE", width: 4, right: true},
			{title: "MISSING", width: 7, right: true, rank: 1}, {title: "BYTES/S", width: 8, right: true, rank: 2}, {title: "STATE", width: 8},
			{title: "IN FOR", width: 6, right: true, rank: 3}, {title: "FROM", width: 22, most: 48, rank: 4},
		}
	case mapPage:
		return m.mapColumns()
	case tablesPage:
		return []column{{title: "TABLE", width: 14, most: 32}, {title: "ROWS", width: 7, right: true}, {title: "FIELDS", width: 10, most: allThere}}
	case rowsPage, timelinePage:
		return m.rowColumns()
	case editsPage:
		return []column{
			{title: "EDIT", width: 4, right: true}, {title: "BY", width: 7, most: 16}, {title: "TICK", width: 8, right: true, rank: 1}, {title: "ROOM", width: 12, rank: 2},
			{title: "TABLE", width: 8, most: 16}, {title: "ROW", width: 7, most: 10}, {title: "FIELD", width: 9, most: 16}, {title: "BEFORE", width: 8, most: 24},
			{title: "AFTER", width: 8, most: 24}, {title: "UNDONE", width: 7},
		}
	case bansPage:
		return []column{
			{title: "BAN", width: 5, right: true}, {title: "WHOM", width: 20, most: 45}, {title: "BY", width: 8, rank: 1}, {title: "UNTIL", width: 17},
			{title: "REASON", width: 16, most: allThere},
		}
	case reportPage:
		return []column{{title: "ROOM", width: 12, most: 24}, {title: "DO", width: 5}, {title: "GAME", width: 8, rank: 1}, {title: "WHY", width: 40, most: allThere}}
	default:
		return []column{
			{title: "DATE", width: 10, rank: 1}, {title: "TIME", width: 9}, {title: "WHO", width: 8, most: 16}, {title: "ACT", width: 9}, {title: "STATE", width: 7},
			{title: "ON, AND WHAT BECAME OF IT", width: 32, most: allThere},
		}
	}
}

// sparkWidth is the width of a list's sparklines.
const sparkWidth = 8

// rows are those of the page's list that meet the filter.
func (m *model) rows() []row {
	p := m.page()
	if p.kind == rowsPage {
		return m.rowRows()
	}
	var rows []row
	switch p.kind {
	case roomsPage:
		rows = m.roomRows()
	case roomPage:
		rows = m.playerRows()
	case mapPage:
		rows = m.mapRows()
	case tablesPage:
		rows = m.tableRows()
	case timelinePage:
		rows = m.timelineRows()
	case editsPage:
		rows = m.editRows()
	case bansPage:
		rows = m.banRows()
	case reportPage:
		rows = m.reportRows()
	case auditPage:
		rows = m.auditRows()
	}
	return filtered(rows, p.filter)
}

func roomName(r *admin.Room) string {
	if r.Name == "" {
		return "(" + r.ID[:min(8, len(r.ID))] + ")"
	}
	return r.Name
}

func (m *model) roomRows() (out []row) {
	a, _ := m.got(admin.ActRooms)
	rooms := slices.Clone(a.Rooms)
	slices.SortStableFunc(rooms, func(x, y admin.Room) int { return cmp.Compare(y.P99, x.P99) })
	now := m.now()
	for i := range rooms {
		r := &rooms[i]
		t := m.trackOf(r.ID)
		out = append(out, row{key: r.ID, mark: t.rising || r.P99 > m.period(), cells: []string{
			roomName(r), r.Game, fmt.Sprintf("%d/%d", r.Players, r.MaxPlayers), strconv.Itoa(r.Entities), ms(r.P99), percent(r.P99, m.period()),
			sparkline(t.p99, m.period(), sparkWidth), amount(t.rate) + "B", sparkline(t.flow, 0, sparkWidth), console.Span(now.Sub(time.UnixMilli(r.Opened))), ms(r.P50), ms(r.Max),
			strconv.FormatUint(r.Overruns, 10), strconv.FormatUint(r.Skipped, 10), strconv.FormatUint(r.Tick, 10), console.Pace(r.Every), r.ID,
		}})
	}
	return out
}

// now is the server's time, as its health told it last; on a page without that it is this machine's.
func (m *model) now() time.Time {
	if a, _ := m.got(admin.ActHealth); a.Health != nil {
		return time.UnixMilli(a.Health.At)
	}
	return m.clock
}

func percent(part, whole int64) string {
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(max(1, whole)))
}

// lossy is from which share of lost packets on a player is marked.
const lossy = 0.1

func (m *model) playerRows() (out []row) {
	now := m.now()
	for _, p := range m.playersOf() {
		state := "plays"
		switch {
		case p.Held:
			state = "held"
		case p.Impaired != nil:
			state = "impaired"
		}
		number, in, lately := strconv.FormatUint(uint64(p.Player), 10), console.Span(now.Sub(time.UnixMilli(p.Joined))), m.latelyOf(&p)
		detail := fmt.Sprintf("player %d from %s, in for %s, sent %sB", p.Player, p.Addr, in, amount(float64(p.Bytes)))
		if p.User != "" {
			detail = fmt.Sprintf("player %d, %s, from %s, in for %s, sent %sB", p.Player, p.User, p.Addr, in, amount(float64(p.Bytes)))
		}
		out = append(out, row{key: number, mark: p.Held || p.Impaired != nil || lately.loss() > lossy, detail: detail, cells: []string{
			number, p.User, ms(p.RoundTrip), lately.tell(fmt.Sprintf("%.1f %%", 100*lately.loss())), strconv.Itoa(p.Age), fmt.Sprintf("%.2f", float64(p.Margin)/4),
			lately.tell(strconv.FormatUint(lately.late, 10)), lately.tell(strconv.FormatUint(lately.missing, 10)), lately.tell(amount(lately.bytesPerSecond()) + "B"),
			state, in, p.Addr,
		}})
	}
	return out
}

func (m *model) tableRows() (out []row) {
	a, _ := m.got(admin.ActTables)
	for _, t := range a.Tables {
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = f.Name + " " + f.Kind
		}
		all := strings.Join(fields, ", ")
		out = append(out, row{key: t.Name, detail: t.Name + ": " + all, cells: []string{t.Name, strconv.Itoa(t.Rows), all}})
	}
	return out
}
