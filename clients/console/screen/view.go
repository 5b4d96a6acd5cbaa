package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
)

// leastWidth and leastHeight are of the smallest screen that is drawn on.
const (
	leastWidth  = 40
	leastHeight = 12
)

// view draws the screen.
func (m *model) view() string {
	if m.width < leastWidth || m.height < leastHeight {
		return fit([]string{"too small", fmt.Sprintf("%d×%d is needed", leastWidth, leastHeight)}, m.width, m.height)
	}
	lines := []string{m.titleLine()}
	body := m.bodyHeight()
	switch {
	case m.help:
		help := m.helpLines()
		lines = append(lines, help[min(m.helpFrom, len(help)):]...)
	default:
		lines = append(lines, m.body(body)...)
	}
	for len(lines) < m.height-2 {
		lines = append(lines, "")
	}
	lines = lines[:max(1, m.height-2)]
	line, hint := m.bottom()
	return fit(append(lines, line, hint), m.width, m.height)
}

// bodyHeight is how many lines are between the title and the two last ones.
func (m *model) bodyHeight() int { return max(1, m.height-3) }

// titleLine says where the operator is, and as whom.
func (m *model) titleLine() string {
	where := "quicstep"
	for _, p := range m.pages {
		switch p.kind {
		case roomsPage:
			where += "  rooms"
		case roomPage:
			where += " › " + clean(p.name)
		case mapPage:
			where += " › map"
		case tablesPage:
			where += " › tables"
		case rowsPage:
			where += " › " + clean(p.table)
		case timelinePage:
			where += " › " + clean(p.row)
		default:
			where += " › " + map[kind]string{editsPage: "edits", bansPage: "bans", reportPage: "report", auditPage: "audit log"}[p.kind]
		}
	}
	who := "not connected"
	if m.in {
		who = clean(m.welcome.Name) + ", " + clean(m.welcome.Role)
	}
	return style(bold, pad(where, max(0, m.width-len([]rune(who))), false)+who)
}

// bottom are the two last lines: what was asked, done or filtered, and the keys.
func (m *model) bottom() (line, hint string) {
	p := m.page()
	switch {
	case m.asking != nil:
		line, hint = m.asking.line()
		return style(bold, line), hint
	case m.typing:
		line = style(bold, "filter: "+clean(p.filter)+"█")
		if m.notice != "" && m.bad {
			line += "   " + style(red, clean(m.notice))
		}
		return line, "enter takes it  esc gives it up"
	case m.help:
		if m.helpFrom+m.bodyHeight() < len(m.helpLines()) {
			return "…", "any key shows the rest"
		}
		return "", "any key goes on"
	case !m.in:
		return style(red, "! not connected: "+clean(m.trouble)), m.bar()
	case m.notice != "" && m.bad:
		return style(red, "! "+clean(m.notice)), m.bar()
	case m.notice != "":
		return style(green, "✓ "+clean(m.notice)), m.bar()
	}
	for _, r := range m.wants() {
		if why := m.refusals[keyOf(r)]; why != "" {
			return style(red, "! "+clean(why)), m.bar()
		}
	}
	if p.filter != "" {
		return "filter: " + clean(p.filter) + "  (esc: all)", m.bar()
	}
	return m.whyText(), m.bar()
}

// body draws the page in so many lines.
func (m *model) body(height int) []string {
	p := m.page()
	switch p.kind {
	case roomsPage:
		return append(m.healthLines(), m.list(height-2)...)
	case roomPage:
		return m.roomLines(height)
	case mapPage:
		return m.mapLines(height)
	}
	return m.list(height)
}

// list draws the page's list, or says that nothing is there.
func (m *model) list(height int) []string {
	columns, rows := m.columns(), m.rows()
	p := m.page()
	if p.kind == rowsPage || p.kind == timelinePage {
		columns, rows = m.shifted(columns, rows)
	}
	out := p.list.draw(columns, rows, m.width, height)
	if len(rows) == 0 {
		out = append(out, style(faint, "  "+m.emptiness()))
	}
	return out
}

// emptiness is why a list is empty.
func (m *model) emptiness() string {
	p := m.page()
	for _, r := range append(m.wants(), p.once...) {
		_, told := m.answers[keyOf(r)]
		switch {
		case told && p.filter != "":
			return "nothing meets the filter"
		case told:
			return map[kind]string{
				roomsPage: "no rooms: nobody plays", roomPage: "no players", editsPage: "no edits", bansPage: "no bans",
				reportPage: "nothing to do: every room keeps to its time",
			}[p.kind]
		case m.in:
			return "asked …"
		}
	}
	return ""
}

// healthLines are the server in a line or two, what is wrong first.
func (m *model) healthLines() []string {
	a, ok := m.got(admin.ActHealth)
	if !ok || a.Health == nil {
		return []string{style(faint, "asked …"), ""}
	}
	h := a.Health
	state := style(green, "✓ all is well")
	if len(h.Wrong) > 0 {
		state = style(red, clean("! "+strings.Join(h.Wrong, "; ")))
	}
	if h.Draining {
		state += style(yellow, "  draining: nobody new comes in")
	}
	t := m.trackOf(serverTrack)
	n := func(name string, value uint64) string { return fmt.Sprintf("%s %d", name, value) }
	return []string{state, parts(m.width, fmt.Sprintf("%d rooms", h.Rooms), fmt.Sprintf("%d players", h.Players), amount(t.rate)+"B/s",
		n("overruns", h.Overruns), n("skipped", h.Skipped), n("diverged", h.Diverged), "up "+span(time.Duration(h.At-h.Started)*time.Millisecond),
		n("impaired", uint64(max(0, h.Impaired))), n("held", h.Held), sparkline(t.flow, 0, 3*sparkWidth), amount(t.datagramR)+"datagrams/s", n("failed", h.Failed), fmt.Sprintf("connections %d", h.Conns))}
}
