package screen

import (
	"fmt"
	"strconv"

	"github.com/quicstep/quicstep/protocol/admin"
)

// fixedCells stand before the fields of a row.
const fixedCells = 3

// cellMost bounds the width of a field's column.
const cellMost = 24

// rowTable is the table that the page shows.
func (m *model) rowTable() *admin.Table {
	act := admin.ActQuery
	if m.page().kind == timelinePage {
		act = admin.ActTimeline
	}
	a, _ := m.got(act)
	return a.Table
}

func (m *model) rowColumns() []column {
	out := []column{{title: "ID"}, {title: "OWNER", right: true}, {title: "TEAM", right: true, rank: 1}}
	if m.page().kind == timelinePage {
		out = []column{{title: "TICK", right: true}, {title: "OWNER", right: true}, {title: "TEAM", right: true, rank: 1}}
	}
	if t := m.rowTable(); t != nil {
		for i, c := range t.Columns {
			out = append(out, column{title: c.Name, right: c.Kind == "int" || c.Kind == "uint" || c.Kind == "float", rank: 2 + i})
		}
	}
	return out
}

// cellsOf are a row's cells; numbers have six digits, which tell enough.
func cellsOf(t *admin.Table, r admin.Row) []string {
	out := []string{r.ID, strconv.FormatUint(uint64(r.Owner), 10), strconv.FormatUint(uint64(r.Team), 10)}
	for i, value := range r.Values {
		if v, err := strconv.ParseFloat(value, 64); err == nil && i < len(t.Columns) && t.Columns[i].Kind == "float" {
			value = strconv.FormatFloat(v, 'g', 6, 64)
		}
		out = append(out, value)
	}
	return out
}

// rowRows are a table's; the server has filtered them.
func (m *model) rowRows() (out []row) {
	if t := m.rowTable(); t != nil {
		for _, r := range t.Rows {
			out = append(out, row{key: r.ID, cells: cellsOf(t, r), detail: fieldsOf(t, r)})
		}
	}
	return out
}

// fieldsOf are a row's fields in words.
func fieldsOf(t *admin.Table, r admin.Row) string {
	said := fmt.Sprintf("%s owner %d team %d", r.ID, r.Owner, r.Team)
	for i, cell := range cellsOf(t, r)[fixedCells:] {
		if i < len(t.Columns) {
			said += ", " + t.Columns[i].Name + " " + cell
		}
	}
	return said
}

// cut says that the server has told a part alone of what the page is about; nothing when it has told all.
func (m *model) cut() string {
	p := m.page()
	switch t := m.rowTable(); {
	case p.kind == mapPage:
		return m.cutMap()
	case p.kind == rowsPage && t != nil && t.Matched > len(t.Rows):
		return fmt.Sprintf("%d of %d rows: / filters, to see others", len(t.Rows), t.Matched)
	}
	return ""
}

// timelineRows are the ticks in which a row changed, the newest first, each with what was new in it alone.
func (m *model) timelineRows() (out []row) {
	t := m.rowTable()
	if t == nil {
		return nil
	}
	for i, r := range t.Rows {
		cells, detail := cellsOf(t, r), fmt.Sprintf("tick %d: %s", r.Tick, fieldsOf(t, r))
		cells[0] = strconv.FormatUint(r.Tick, 10)
		if len(r.Values) == 0 {
			cells = []string{cells[0], "it was not there"}
		} else if i+1 < len(t.Rows) {
			for at, before := range cellsOf(t, t.Rows[i+1]) {
				if at > 0 && at < len(cells) && before == cells[at] {
					cells[at] = "·"
				}
			}
		}
		out = append(out, row{key: cells[0], mark: len(r.Values) == 0, cells: cells, detail: detail})
	}
	return out
}

// shifted leaves out as many fields at the left as the operator has moved to the right.
func (m *model) shifted(columns []column, rows []row) ([]column, []row) {
	p := m.page()
	p.wide = min(p.wide, max(0, len(columns)-fixedCells-1))
	columns = widths(columns, rows, cellMost)
	if p.wide == 0 {
		return columns, rows
	}
	cut := make([]row, len(rows))
	for i, r := range rows {
		cut[i] = r
		if len(r.cells) > fixedCells+p.wide {
			cut[i].cells = append(append([]string{}, r.cells[:fixedCells]...), r.cells[fixedCells+p.wide:]...)
		}
	}
	return append(append([]column{}, columns[:fixedCells]...), columns[fixedCells+p.wide:]...), cut
}

// openTimeline shows the latest ticks of the chosen row.
func openTimeline(m *model) []effect {
	p := m.page()
	r, ok := m.chosenRow()
	if ok {
		m.open(page{kind: timelinePage, room: p.room, name: p.name, table: p.table, row: r.key})
	}
	return nil
}
