package screen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quicstep/quicstep/protocol/admin"
)

// binding is what keys do on a page: short is for the bottom line, long for the help. role is the least that may.
type binding struct {
	keys        []string
	short, long string
	role        string
	do          func(*model) []effect
}

// keys are what can be done on the page, without what the credentials are not for.
func (m *model) keys() []binding {
	all := slices.Concat(pageKeys(m.page().kind), commonKeys())
	return slices.DeleteFunc(all, func(b binding) bool { return rank(b.role) > rank(m.welcome.Role) && m.welcome.Role != "" })
}

// rank orders the roles by what they may.
func rank(role string) int { return slices.Index([]string{"viewer", "operator", "owner"}, role) }

const (
	operator = "operator"
	owner    = "owner"
)

func goTo(k kind) func(*model) []effect {
	return func(m *model) []effect {
		if !m.backTo(k) {
			m.open(page{kind: k})
		}
		return nil
	}
}

// backTo goes back to a page of a kind, if there is one on the way that the operator has come: who goes round and round does not
// get farther away.
func (m *model) backTo(k kind) bool {
	at := slices.IndexFunc(m.pages, func(p page) bool { return p.kind == k })
	if at >= 0 {
		m.pages = m.pages[:at+1]
	}
	return at >= 0
}

func startFilter(m *model) []effect { m.typing = true; return nil }
func showHelp(m *model) []effect    { m.help, m.helpFrom = true, 0; return nil }
func quit(*model) []effect          { return []effect{{quit: true}} }

// pageKeys are those of a kind of page.
func pageKeys(k kind) []binding {
	filter := binding{[]string{"/"}, "filter", "filter the list; of a table by conditions: Hull<2 Name~Ann owner=3", "", startFilter}
	enter := binding{[]string{"enter"}, "open", "open what is chosen", "", openChosen}
	switch k {
	case roomsPage:
		return slices.Concat([]binding{enter, filter}, roomActs(), []binding{
			{[]string{"d"}, "drain", "let nobody new in, or, when it drains already, let them in again", owner, askDrain},
			{[]string{"M"}, "say to all", "tell a line to everybody in every room", operator, askSayAll},
		})
	case roomPage:
		return slices.Concat([]binding{
			{[]string{"m", "enter"}, "map", "the map, following the chosen player", "", openMap},
			{[]string{"t"}, "tables", "the tables of the room", "", openTables}, filter,
			{[]string{"i"}, "bytes", "the chosen player's bytes by table, in place of the parts", "", showBytes},
			{[]string{"k"}, "kick", "send the chosen player away", operator, askKick},
			{[]string{"I"}, "impair", "make the chosen player's link worse for a while, or as it was", operator, askImpair},
			{[]string{"b"}, "ban", "keep the chosen player out, by name if known, or by address", operator, askBan},
			{[]string{"w"}, "whisper", "tell a line to the chosen player", operator, askWhisper},
			{[]string{"C"}, "", "save the room's latest ticks that took too long to a file", "", askCapture},
		}, roomActs())
	case mapPage:
		return mapKeys()
	case tablesPage, reportPage:
		return []binding{enter, filter}
	case rowsPage:
		return []binding{
			{[]string{"enter"}, "timeline", "the latest ticks of the chosen row", "", openTimeline}, filter,
			{[]string{"s"}, "set", "set a field of the chosen row, in the room's next tick", operator, askSet},
			{[]string{"left"}, "", "columns to the left", "", func(m *model) []effect { m.page().wide = max(0, m.page().wide-1); return nil }},
			{[]string{"right"}, "more columns", "columns to the right", "", func(m *model) []effect { m.page().wide++; return nil }},
		}
	case editsPage:
		return []binding{{[]string{"u"}, "undo", "put back what the chosen edit found, if the field still holds it", operator, askUndo}, filter}
	case bansPage:
		return []binding{
			{[]string{"u"}, "lift", "lift the chosen ban", operator, askUnban},
			{[]string{"n"}, "new", "keep an address, or a prefix, out", operator, askBanAddress}, filter,
		}
	}
	return []binding{filter}
}

// commonKeys work on every page.
func commonKeys() []binding {
	return []binding{
		{[]string{"P"}, "", "take a CPU profile or a trace into a file", operator, askProfile},
		{[]string{"L"}, "", "change what the server logs", owner, askLevel},
		{[]string{"R"}, "", "which rooms to move or fix, and why", "", goTo(reportPage)},
		{[]string{"E"}, "", "the latest edits, to be undone", "", goTo(editsPage)},
		{[]string{"B"}, "", "the bans that hold", "", goTo(bansPage)},
		{[]string{"A"}, "", "the latest lines of the audit log", owner, openAudit},
		{[]string{"?"}, "help", "this help", "", showHelp},
		{[]string{"q"}, "quit", "leave; esc goes back", "", quit},
	}
}

// roomActs are what can be done to the room that is chosen, or open.
func roomActs() []binding {
	return []binding{
		{[]string{"f"}, "freeze", "have the room stand, or, when it stands, go on at its normal pace", operator, askFreeze},
		{[]string{"n"}, "step", "have a frozen room make some ticks", operator, askStep},
		{[]string{"s"}, "slow", "have a tick of the room take several periods, or one again", operator, askSlow},
		{[]string{"S"}, "say", "tell a line to everybody in the room", operator, askSay},
		{[]string{"X"}, "", "close the room: its players go, and what is in it is gone", operator, askClose},
	}
}

// bar is the bottom line: the keys of the page, as many as fit.
func (m *model) bar() string {
	var parts []string
	for _, b := range m.keys() {
		if b.short != "" {
			parts = append(parts, strings.Replace(b.keys[0], "right", "→", 1)+" "+b.short)
		}
	}
	most := m.width
	keep := parts[len(parts)-2:] // help and quit always show
	line := "↑↓ choose"
	for _, p := range parts[:len(parts)-2] {
		if len([]rune(line+"  "+p+"  "+strings.Join(keep, "  "))) <= most {
			line += "  " + p
		}
	}
	return line + "  " + strings.Join(keep, "  ")
}

// helpLines are all keys of the page.
func (m *model) helpLines() []string {
	out := []string{style(bold, "Keys of this page"), ""}
	for _, b := range m.keys() {
		out = append(out, "  "+pad(strings.Join(b.keys, ", "), 9, false)+" "+b.long)
	}
	out = append(out, "  "+pad("↑ ↓", 9, false)+" choose; pgup, pgdown, home and end go farther",
		"  "+pad("esc", 9, false)+" back, or no filter any more", "")
	if k := m.page().kind; k == rowsPage || k == timelinePage {
		out = append(out, fmt.Sprintf("A timeline goes back %d ticks: %.1f s at %d ticks a second.", ticksAtMost, ticksAtMost/float64(max(1, m.welcome.TickRate)), m.welcome.TickRate), "")
	}
	return append(out,
		"! marks what needs a look. Whatever acts is asked back, is in the audit log, and",
		"edits can be undone. The same by commands: console --help.", "", "Any key goes on.")
}

// openChosen opens what is chosen in a list.
func openChosen(m *model) []effect {
	p := m.page()
	r, ok := m.chosenRow()
	if !ok {
		return nil
	}
	switch p.kind {
	case roomsPage, reportPage:
		m.open(page{kind: roomPage, room: r.key, name: r.cells[0]})
	case tablesPage:
		m.open(page{kind: rowsPage, room: p.room, name: p.name, table: r.key})
	}
	return nil
}

func openTables(m *model) []effect {
	m.open(page{kind: tablesPage, room: m.page().room, name: m.page().name})
	return nil
}

// auditLines is how many lines of the log are read.
const auditLines = 200

// openAudit reads the log once: who reads it is written down.
func openAudit(m *model) []effect {
	r := admin.Request{Act: admin.ActAudit, Count: auditLines}
	if m.backTo(auditPage) {
		m.back()
	}
	m.open(page{kind: auditPage, once: []admin.Request{r}})
	return []effect{{ask: r}}
}
