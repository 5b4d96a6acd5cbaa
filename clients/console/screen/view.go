package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/quicstep/quicstep/clients/console"
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
	lines, foot := []string{m.titleLine()}, m.foot()
	body := max(1, m.height-1-len(foot))
	switch {
	case m.help:
		help := m.helpLines()
		lines = append(lines, help[min(m.helpFrom, len(help)):]...)
	default:
		lines = append(lines, m.body(body)...)
	}
	for len(lines) < 1+body {
		lines = append(lines, "")
	}
	return fit(append(lines[:1+body], foot...), m.width, m.height)
}

// bodyHeight is how many lines are between the title and the two last ones, of which there are more when much is to be said.
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
	if stale := m.stale(); stale != "" {
		who = stale + "  " + who
	}
	return style(bold, pad(where, max(0, m.width-len([]rune(who))), false)+who)
}

// footMost bounds the lines of what is asked, done or wrong.
const footMost = 4

// foot are the last lines: what was asked, done or filtered, and the keys.
func (m *model) foot() []string {
	most := max(1, min(footMost, m.height-leastHeight+2))
	say := func(code, text, hint string) []string {
		return append(styled(code, wrapped(text, m.width, most)), hint)
	}
	p := m.page()
	switch {
	case m.asking != nil:
		line, hint := m.asking.line()
		return say(bold, line, hint)
	case m.typing:
		line := style(bold, "filter: "+clean(p.filter)+"█")
		if m.notice != "" && m.bad {
			line += "   " + style(red, clean(m.notice))
		}
		return []string{line, "enter takes it  esc gives it up"}
	case m.help:
		if m.helpFrom+m.bodyHeight() < len(m.helpLines()) {
			return []string{"…", "any key shows the rest"}
		}
		return []string{"", "any key goes on"}
	case !m.in && m.notice != "" && m.bad:
		return say(red, "! "+m.notice+"; not connected: "+m.trouble, m.bar())
	case !m.in:
		return say(red, "! not connected: "+m.trouble, m.bar())
	case m.notice != "" && m.bad:
		return say(red, "! "+m.notice, m.bar())
	case m.notice != "":
		return say(green, "✓ "+m.notice, m.bar())
	}
	for _, r := range m.wants() {
		if why := m.refusals[keyOf(r)]; why != "" {
			return say(red, "! "+why, m.bar())
		}
	}
	if p.filter != "" {
		return []string{"filter: " + clean(p.filter) + "  (esc: all)", m.bar()}
	}
	return []string{"", m.bar()}
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

// list draws the page's list in so many lines, or says that nothing is there.
func (m *model) list(height int) []string {
	columns, rows := m.columns(), m.rows()
	if p := m.page(); p.kind == rowsPage || p.kind == timelinePage {
		columns, rows = m.shifted(columns, rows)
	}
	return m.listIn(columns, rows, m.width, height)
}

// detailMost bounds the lines of what is told of the chosen row below a list.
const detailMost = 5

// listIn draws a list in a part of the screen; below it stand what the list leaves out, and what of the chosen row is not
// seen in it.
func (m *model) listIn(columns []column, rows []row, width, height int) []string {
	l, columns := &m.page().list, spread(columns, rows, width)
	var below []string
	if cut := m.cut(); cut != "" && height > 1 {
		below = append(below, style(yellow, "! "+cut))
	}
	most := min(detailMost, height/2-len(below))
	if at := l.choose(rows); at >= 0 && most > 0 && rows[at].detail != "" && hides(columns, rows[at], width) {
		below = append(below, styled(bold, wrapped(rows[at].detail, width, most))...)
	}
	out := l.draw(columns, rows, width, height-len(below))
	if len(rows) == 0 {
		out = append(out, style(faint, "  "+m.emptiness()))
	}
	for len(out) < height-len(below) {
		out = append(out, "")
	}
	return append(out, below...)
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
		n("overruns", h.Overruns), n("skipped", h.Skipped), n("diverged", h.Diverged), "up "+console.Span(time.Duration(h.At-h.Started)*time.Millisecond),
		n("impaired", uint64(max(0, h.Impaired))), n("held", h.Held), sparkline(t.flow, 0, 3*sparkWidth), amount(t.datagramR)+"datagrams/s", n("failed", h.Failed), fmt.Sprintf("connections %d", h.Conns))}
}
