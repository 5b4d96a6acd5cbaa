package console

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
)

// unknown stands where a figure is not known.
const unknown = "-"

// writeRooms writes a line a room, of 100 cells unless names are long. An ID stands there where the name does not do.
func (t Text) writeRooms(w io.Writer, rooms []admin.Room) {
	names := map[string]int{}
	for i := range rooms {
		names[rooms[i].Name]++
	}
	needed := func(r *admin.Room) bool { return r.Name == "" || names[r.Name] > 1 }
	id := func(text string, show bool) string {
		if !show {
			return ""
		}
		return "\t" + text
	}
	ids := slices.ContainsFunc(rooms, func(r admin.Room) bool { return needed(&r) })
	fmt.Fprintf(w, "GAME\tROOM\tPLAYERS\tROWS\tP99 MS\tBUDGET\tKBYTES\tOPEN\tOVERRUNS\tFAILED\tPACE%s\n", id("ID", ids))
	for i := range rooms {
		r := &rooms[i]
		fmt.Fprintf(w, "%s\t%s\t%d/%d\t%d\t%s\t%s\t%d\t%s\t%d\t%d\t%s%s\n", r.Game, roomName(r.Name), r.Players, r.MaxPlayers, r.Entities,
			ms(r.P99), t.budget(r.P99), r.Bytes/1000, t.since(r.Opened), r.Overruns, r.Failed, Pace(r.Every), id(r.ID, needed(r)))
	}
}

// budget is which share of a tick's time so many microseconds are.
func (t Text) budget(us int64) string {
	if t.TickRate <= 0 {
		return unknown
	}
	return fmt.Sprintf("%.0f %%", 100*float64(us)*float64(t.TickRate)/float64(time.Second/time.Microsecond))
}

// since is how long ago something was, in milliseconds since 1970.
func (t Text) since(unixMS int64) string {
	if t.Now.IsZero() {
		return unknown
	}
	return Span(t.Now.Sub(time.UnixMilli(unixMS)))
}

// Span is a time in its two largest units, of six cells or fewer up to a thousand days. A negative one is none.
func Span(d time.Duration) string {
	d = max(d, 0)
	switch h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60; {
	case h >= 48:
		return fmt.Sprintf("%dd%02dh", h/24, h%24)
	case h > 0:
		return fmt.Sprintf("%dh%02dm", h, m)
	case m > 0:
		return fmt.Sprintf("%dm%02ds", m, s)
	default:
		return fmt.Sprintf("%ds", s)
	}
}

// writeRoom writes a room: what its ticks cost, by part, and, when its players are given, what they were sent, by table.
func (t Text) writeRoom(w io.Writer, r *admin.Room, players []admin.Player) {
	t.writeRooms(w, []admin.Room{*r})
	fmt.Fprintf(w, "\nID %s, tick %d: p50 %s ms, max %s ms, %d ticks skipped, %d woken late\n", r.ID, r.Tick, ms(r.P50), ms(r.Max), r.Skipped, r.LateWakes)
	fmt.Fprintln(w, "\nPART\tMEAN MS\tMAX MS\tSHARE\tOVERRUNS")
	var all int64
	for _, p := range r.Parts {
		all += p.Total
	}
	for _, p := range r.Parts {
		fmt.Fprintf(w, "%s\t%.3f\t%s\t%.0f %%\t%d\n", p.Name, float64(p.Total)/1000/float64(max(r.Made, 1)), ms(p.Max), 100*float64(p.Total)/float64(max(all, 1)), p.Overruns)
	}
	if len(players) > 0 {
		writeBytes(w, players)
	}
}

// writeBytes writes what the players who are in were sent since they came, by table, the most first.
func writeBytes(w io.Writer, players []admin.Player) {
	var all, named uint64
	var tables []admin.TableBytes
	add := func(table string, bytes uint64) {
		named += bytes
		at := slices.IndexFunc(tables, func(t admin.TableBytes) bool { return t.Table == table })
		if at < 0 {
			at, tables = len(tables), append(tables, admin.TableBytes{Table: table})
		}
		tables[at].Bytes += bytes
	}
	for i := range players {
		all += players[i].Bytes
		for _, t := range players[i].Tables {
			add(t.Table, t.Bytes)
		}
		add("(events)", players[i].EventBytes)
	}
	add("(headers)", all-min(all, named))
	slices.SortStableFunc(tables, func(a, b admin.TableBytes) int { return cmp.Compare(b.Bytes, a.Bytes) })
	fmt.Fprintln(w, "\nSENT OF\tKBYTES\tSHARE")
	for _, t := range tables {
		fmt.Fprintf(w, "%s\t%d\t%.0f %%\n", t.Table, t.Bytes/1000, 100*float64(t.Bytes)/float64(max(all, 1)))
	}
}
