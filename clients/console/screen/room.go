package screen

import (
	"fmt"
	"strconv"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// roomLines draw a room: what its latest ticks cost, stacked, its parts, and its players.
func (m *model) roomLines(height int) []string {
	a, ok := m.got(admin.ActRoom)
	if !ok || len(a.Rooms) == 0 {
		return []string{"", style(faint, "  "+m.emptiness())}
	}
	r := &a.Rooms[0]
	t := m.trackOf(r.ID)
	out := []string{parts(m.width, clean(r.Game), console.Pace(r.Every), fmt.Sprintf("p50 %s  p99 %s  max %s ms", ms(r.P50), ms(r.P99), ms(r.Max)),
		fmt.Sprintf("overruns %d", r.Overruns), fmt.Sprintf("%d/%d players", r.Players, r.MaxPlayers), amount(t.rate)+"B/s", fmt.Sprintf("%d rows", r.Entities),
		fmt.Sprintf("tick %d", r.Tick), fmt.Sprintf("skipped %d", r.Skipped), fmt.Sprintf("failed %d", r.Failed), fmt.Sprintf("late wakes %d", r.LateWakes))}
	upper := (height - 1) / 2
	left := m.width * 3 / 5
	right := partLines(r, upper, m.width-left)
	if m.page().bytes {
		m.page().list.choose(m.rows())
		right = m.byteLines(upper, m.width-left)
	}
	out = append(out, beside(stacked(r.Recent, m.period(), left-2, upper), right, left)...)
	return append(out, m.list(height-len(out))...)
}

// partLines are the parts of a room's ticks, those with the most overruns first.
func partLines(r *admin.Room, height, width int) []string {
	var all int64
	for _, p := range r.Parts {
		all += p.Total
	}
	columns := []column{{title: "PART", width: max(8, width-32)}, {title: "MEAN MS", width: 7, right: true, rank: 1}, {title: "MAX", width: 6, right: true}, {title: "SHARE", width: 5, right: true}, {title: "OVERRUNS", width: 8, right: true}}
	var rows []row
	for _, p := range r.Parts {
		rows = append(rows, row{key: p.Name, cells: []string{
			p.Name, ms(p.Total / int64(max(r.Made, 1))), ms(p.Max), percent(p.Total, all), strconv.FormatUint(p.Overruns, 10),
		}})
	}
	return lines(columns, rows[:min(len(rows), height-1)], width, -1)
}
