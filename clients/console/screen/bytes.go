package screen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// share is what of a player's bytes something took.
type share struct {
	name  string
	bytes uint64
}

// sharesOf are a player's bytes by table, the most first, and then what is no table's.
func sharesOf(p *admin.Player) (out []share) {
	rest := p.Bytes - min(p.Bytes, p.EventBytes)
	for _, t := range p.Tables {
		out = append(out, share{t.Table, t.Bytes})
		rest -= min(rest, t.Bytes)
	}
	slices.SortStableFunc(out, func(a, b share) int { return cmp.Compare(b.bytes, a.bytes) })
	return append(out, share{"(events)", p.EventBytes}, share{"(headers)", rest})
}

// chosenPlayer is the one that is chosen in the list of a room; nil without.
func (m *model) chosenPlayer() *admin.Player {
	players := m.playersOf()
	at := slices.IndexFunc(players, func(p admin.Player) bool { return fmt.Sprint(p.Player) == m.page().list.chosen })
	if at < 0 {
		return nil
	}
	return &players[at]
}

// byteLines are the chosen player's bytes as bars, by table.
func (m *model) byteLines(height, width int) []string {
	p := m.chosenPlayer()
	if p == nil {
		return []string{style(faint, "  no player is chosen")}
	}
	out := []string{style(bold, pad(fmt.Sprintf("  SENT TO PLAYER %d, BY TABLE", p.Player), width, false))}
	if p.Impaired != nil {
		out = append(out, style(red, pad("! worse: "+console.Impaired(p.Impaired), width, false)))
	}
	const figures = 2 + 8 + 5 // around name and bar
	name := min(12, max(9, width-figures-8))
	for _, s := range sharesOf(p) {
		part := float64(s.bytes) / float64(max(p.Bytes, 1))
		bar := strings.Repeat("█", min(int(part*float64(max(0, width-figures-name-1))+0.5), max(0, width-figures-name-1)))
		out = append(out, "  "+pad(clean(s.name), name, false)+" "+style(cyan, pad(bar, width-figures-name-1, false))+
			pad(amount(float64(s.bytes))+"B", 8, true)+pad(percent(int64(s.bytes), int64(p.Bytes)), 5, true))
	}
	return out[:min(len(out), height)]
}

// showBytes shows the chosen player's bytes in place of the room's parts, or these again.
func showBytes(m *model) []effect {
	m.page().bytes = !m.page().bytes
	return nil
}
