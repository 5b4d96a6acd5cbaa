package screen

import (
	"bytes"
	"cmp"
	"encoding/json"
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
			{title: "BYTES/S", width: 8, right: true, rank: 2}, {title: "FLOW", width: sparkWidth, rank: 6}, {title: "AGE", width: 6, right: true, rank: 3},
			{title: "P50 MS", width: 6, right: true, rank: 9}, {title: "MAX MS", width: 6, right: true, rank: 8}, {title: "OVERRUNS", width: 8, right: true, rank: 4},
			{title: "SKIPPED", width: 7, right: true, rank: 7}, {title: "TICK", width: 9, right: true, rank: 10}, {title: "PACE", width: 6}, {title: "ID", width: 32, rank: 11},
		}
	case roomPage:
		return []column{
			{title: "PLAYER", width: 6, right: true}, {title: "RTT MS", width: 6, right: true}, {title: "LOSS", width: 6, right: true}, {title: "AGE", width: 4, right: true},
			{title: "EARLY", width: 6, right: true}, {title: "LATE", width: 5, right: true}, {title: "MISSING", width: 7, right: true, rank: 2},
			{title: "SENT", width: 8, right: true, rank: 1}, {title: "STATE", width: 8}, {title: "IN FOR", width: 6, right: true, rank: 3}, {title: "FROM", width: 22, rank: 4},
			{title: "USER", width: 16, rank: 5},
		}
	case mapPage:
		return m.mapColumns()
	case tablesPage:
		return []column{{title: "TABLE", width: 14}, {title: "ROWS", width: 7, right: true}, {title: "FIELDS", width: max(10, m.width-27)}}
	case rowsPage, timelinePage:
		return m.rowColumns()
	case editsPage:
		return []column{
			{title: "EDIT", width: 5, right: true}, {title: "BY", width: 8}, {title: "TICK", width: 8, right: true, rank: 1}, {title: "TABLE", width: 10}, {title: "ROW", width: 8},
			{title: "FIELD", width: 10}, {title: "BEFORE", width: 8}, {title: "AFTER", width: 8}, {title: "UNDONE", width: 8, rank: 2},
		}
	case bansPage:
		return []column{{title: "BAN", width: 5, right: true}, {title: "WHOM", width: 22}, {title: "BY", width: 8}, {title: "UNTIL", width: 17}, {title: "REASON", width: max(10, m.width-60)}}
	case reportPage:
		return []column{{title: "ROOM", width: 12}, {title: "DO", width: 6}, {title: "GAME", width: 8, rank: 1}, {title: "WHY", width: max(20, m.width-32)}}
	default:
		return []column{{title: "WHEN", width: 20}, {title: "WHO", width: 8}, {title: "ACT", width: 9}, {title: "STATE", width: 8}, {title: "ON, AND WHAT BECAME OF IT", width: max(20, m.width-50)}}
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
			sparkline(t.p99, m.period(), sparkWidth), amount(t.rate) + "B", sparkline(t.flow, 0, sparkWidth), span(now.Sub(time.UnixMilli(r.Opened))), ms(r.P50), ms(r.Max),
			strconv.FormatUint(r.Overruns, 10), strconv.FormatUint(r.Skipped, 10), strconv.FormatUint(r.Tick, 10), console.Pace(r.Every), r.ID,
		}})
	}
	return out
}

// now is the server's time, as its health told it last.
func (m *model) now() time.Time {
	if a, _ := m.got(admin.ActHealth); a.Health != nil {
		return time.UnixMilli(a.Health.At)
	}
	return time.Time{}
}

func percent(part, whole int64) string {
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(max(1, whole)))
}

func (m *model) playerRows() (out []row) {
	now := m.now()
	for _, p := range m.playersOf() {
		loss := 100 * float64(p.Lost) / float64(max(p.Sent, 1))
		state := "plays"
		switch {
		case p.Held:
			state = "held"
		case p.Impaired != nil:
			state = "impaired"
		}
		out = append(out, row{key: strconv.FormatUint(uint64(p.Player), 10), mark: p.Held || p.Impaired != nil || loss > 10, cells: []string{
			strconv.FormatUint(uint64(p.Player), 10), ms(p.RoundTrip), fmt.Sprintf("%.1f %%", loss), strconv.Itoa(p.Age), fmt.Sprintf("%.2f", float64(p.Margin)/4),
			strconv.FormatUint(p.Late, 10), strconv.FormatUint(p.Missing, 10), amount(float64(p.Bytes)) + "B", state, span(now.Sub(time.UnixMilli(p.Joined))), p.Addr, p.User,
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
		out = append(out, row{key: t.Name, cells: []string{t.Name, strconv.Itoa(t.Rows), strings.Join(fields, ", ")}})
	}
	return out
}

func (m *model) editRows() (out []row) {
	a, _ := m.got(admin.ActEdits)
	for _, e := range slices.Backward(a.Edits) {
		undone := ""
		if e.UndoneBy != 0 {
			undone = fmt.Sprintf("by %d", e.UndoneBy)
		}
		out = append(out, row{key: strconv.FormatUint(e.Number, 10), cells: []string{
			strconv.FormatUint(e.Number, 10), e.By, strconv.FormatUint(e.Tick, 10), e.Table, e.Row, e.Field, e.Before, e.After, undone,
		}})
	}
	return out
}

func (m *model) banRows() (out []row) {
	a, _ := m.got(admin.ActBans)
	for _, b := range a.Bans {
		until := "for ever"
		if b.Until != 0 {
			until = time.Unix(b.Until, 0).UTC().Format("2006-01-02 15:04Z")
		}
		out = append(out, row{key: strconv.FormatUint(b.Number, 10), cells: []string{strconv.FormatUint(b.Number, 10), b.Whom(), b.By, until, b.Reason}})
	}
	return out
}

func (m *model) reportRows() (out []row) {
	a, _ := m.got(admin.ActReport)
	for _, d := range a.Report {
		out = append(out, row{key: d.Room, mark: d.Do != "watch", cells: []string{d.RoomName, d.Do, d.Game, d.Text}})
	}
	return out
}

// auditRows are the log's lines, the newest first.
func (m *model) auditRows() (out []row) {
	a, _ := m.got(admin.ActAudit)
	for i, line := range slices.Backward(a.Audit) {
		var e struct {
			At                      time.Time
			Who, Act, State, Result string
			On                      json.RawMessage
		}
		if json.Unmarshal([]byte(line), &e) != nil {
			e.Result = line // shown as it is
		}
		when := ""
		if !e.At.IsZero() {
			when = e.At.UTC().Format("2006-01-02 15:04:05Z")
		}
		on := string(bytes.Trim(e.On, "{}"))
		out = append(out, row{key: strconv.Itoa(i), mark: e.State == "failed", cells: []string{
			when, e.Who, e.Act, e.State, strings.TrimSpace(strings.ReplaceAll(on, `"`, "") + "  " + e.Result),
		}})
	}
	return out
}
