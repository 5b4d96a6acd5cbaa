package console

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/quicstep/quicstep/protocol/admin"
)

// WriteText writes an answer for people, as the zero Text does.
func WriteText(w io.Writer, a admin.Answer) error { return Text{}.Write(w, a) }

// Text writes answers for people. The zero one knows no time: it has a dash for shares of a tick and for ages.
type Text struct {
	// TickRate is the server's, in Hz, as its Welcome says; zero: unknown.
	TickRate int
	// Now is when the answer came; zero: unknown.
	Now time.Time
}

// Write writes an answer. That of a room may have the room's players, too, whose bytes are then told by table. The error is w's.
func (t Text) Write(w io.Writer, a admin.Answer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	switch {
	case a.Health != nil:
		writeHealth(out, a.Health)
	case len(a.Rooms) == 1 && a.Rooms[0].Parts != nil:
		t.writeRoom(out, &a.Rooms[0], a.Players)
	case len(a.Rooms) > 0:
		t.writeRooms(out, a.Rooms)
	case len(a.Players) > 0:
		writePlayers(out, a.Players)
	case len(a.Tables) > 0:
		writeTables(out, a.Tables)
	case a.Table != nil:
		t.writeTable(out, a.Table)
	case len(a.Sight) > 0:
		writeSight(out, a.Sight)
	case len(a.Captures) > 0:
		writeCaptures(out, a.Captures)
	case len(a.Report) > 0:
		writeReport(out, a.Report)
	case len(a.Edits) > 0:
		writeEdits(out, a.Edits)
	case len(a.Bans) > 0:
		writeBans(out, a.Bans)
	case len(a.Audit) > 0:
		fmt.Fprintln(out, strings.Join(harmless(a.Audit...), "\n"))
	case a.Text != "":
		fmt.Fprintln(out, a.Text)
	default:
		fmt.Fprintln(out, "nothing is there")
	}
	return out.Flush()
}

// harmless makes texts of players fit for a terminal: one that has control characters could move the cursor, or forge a line.
func harmless(texts ...string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = strings.Map(func(c rune) rune {
			if !unicode.IsGraphic(c) {
				return unicode.ReplacementChar
			}
			return c
		}, text)
	}
	return out
}

// one is harmless for a single text.
func one(text string) string { return harmless(text)[0] }

// ms is a time of microseconds in milliseconds.
func ms(us int64) string { return fmt.Sprintf("%.2f", float64(us)/1000) }

func clock(unix int64) string {
	if unix == 0 {
		return "never"
	}
	return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04:05Z")
}

// Pace says how fast a room goes, of which one tick comes in every so many periods; zero is a frozen one.
func Pace(every int) string {
	switch every {
	case 0:
		return "frozen"
	case 1:
		return "normal"
	}
	return fmt.Sprintf("1/%d", every)
}

func roomName(name string) string {
	if name == "" {
		return "(private)"
	}
	return one(name)
}

func writeHealth(w io.Writer, h *admin.Health) {
	state := "all is well"
	if !h.OK {
		state = strings.Join(harmless(h.Wrong...), "; ")
	}
	if h.Draining {
		state += "; draining"
	}
	fmt.Fprintf(w, "%s: up %v, %d rooms, %d players (%d held), %d connections, %d links impaired, %d overruns, %d ticks skipped, %d failed, %d diverged\n",
		state, (time.Duration(h.At-h.Started) * time.Millisecond).Round(time.Second), h.Rooms, h.Players, h.Held, h.Conns, h.Impaired, h.Overruns, h.Skipped, h.Failed, h.Diverged)
}

func writePlayers(w io.Writer, players []admin.Player) {
	fmt.Fprintln(w, "ROOM\tPLAYER\tUSER\tFROM\tRTT MS\tLOSS\tAGE\tEARLY\tLATE\tMISSING\tKBYTES\tHELD\tIMPAIRED")
	for _, p := range players {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%.1f %%\t%d\t%.2f\t%d\t%d\t%d\t%v\t%s\n", one(p.RoomName), p.Player, userName(p.User), p.Addr, ms(p.RoundTrip),
			100*float64(p.Lost)/float64(max(p.Sent, 1)), p.Age, float64(p.Margin)/4, p.Late, p.Missing, p.Bytes/1000, p.Held, Impaired(p.Impaired))
	}
}

// Impaired says how a link is made worse on purpose, by whom, and until when; nothing when it is not.
func Impaired(i *admin.Impaired) string {
	if i == nil {
		return ""
	}
	var out []string
	if i.DelayMS != 0 || i.JitterMS != 0 {
		out = append(out, fmt.Sprintf("+%d ms ±%d", i.DelayMS, i.JitterMS))
	}
	if i.Loss != 0 {
		out = append(out, fmt.Sprintf("%.3g %% lost", 100*i.Loss))
	}
	return strings.Join(append(out, "by "+one(i.By), "until "+time.Unix(i.Until, 0).UTC().Format("15:04:05Z")), ", ")
}

// userName is who a player is, for a table.
func userName(user string) string {
	if user == "" {
		return "-"
	}
	return one(user)
}

func writeTables(w io.Writer, tables []admin.Tables) {
	fmt.Fprintln(w, "TABLE\tROWS\tFIELDS")
	for _, t := range tables {
		names := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			names[i] = f.Name + " " + f.Kind
		}
		fmt.Fprintf(w, "%s\t%d\t%s\n", t.Name, t.Rows, strings.Join(names, ", "))
	}
}

func (t Text) writeTable(w io.Writer, table *admin.Table) {
	past := len(table.Rows) > 0 && table.Rows[0].Tick != 0
	if past {
		fmt.Fprint(w, "TICK\t")
	}
	fmt.Fprint(w, "ID\tOWNER\tTEAM")
	for _, c := range table.Columns {
		fmt.Fprint(w, "\t", c.Name)
	}
	fmt.Fprintln(w)
	for _, r := range table.Rows {
		if past {
			fmt.Fprintf(w, "%d\t", r.Tick)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", r.ID, r.Owner, r.Team, strings.Join(harmless(r.Values...), "\t"))
	}
	if table.Matched > len(table.Rows) {
		fmt.Fprintf(w, "%d of %d rows: conditions or a higher limit tell the others\n", len(table.Rows), table.Matched)
	}
	if past { // the oldest row stands for all ticks from its own on
		ticks := table.Tick - table.Rows[len(table.Rows)-1].Tick + 1
		fmt.Fprintf(w, "of the latest %d ticks%s, those in which it changed; no more are kept\n", ticks, t.seconds(ticks))
	}
}

// seconds is how long so many ticks take; nothing when that is not known.
func (t Text) seconds(ticks uint64) string {
	if t.TickRate <= 0 {
		return ""
	}
	return fmt.Sprintf(", %.1f s", float64(ticks)/float64(t.TickRate))
}

func writeSight(w io.Writer, sight []admin.Sight) {
	fmt.Fprintln(w, "ROW\tKNOWN AS OF\tREASON\tTHAT IS")
	for _, s := range sight {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", s.ID, s.Known, s.Reason, one(s.Text))
	}
	if len(sight) == admin.MaxSights {
		fmt.Fprintf(w, "the first %d rows of the table: ask for others one by one\n", len(sight))
	}
}

func writeReport(w io.Writer, report []admin.Advice) {
	fmt.Fprintln(w, "DO\tGAME\tROOM\tID\tWHY")
	for _, a := range report {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Do, a.Game, one(a.RoomName), a.Room, one(a.Text))
	}
}

func writeEdits(w io.Writer, edits []admin.Edit) {
	fmt.Fprintln(w, "EDIT\tBY\tTICK\tTABLE\tROW\tFIELD\tBEFORE\tAFTER\tUNDOES\tUNDONE BY")
	for _, e := range edits {
		held := harmless(e.Before, e.After)
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%d\t%d\n", e.Number, e.By, e.Tick, e.Table, e.Row, e.Field, held[0], held[1], e.Undoes, e.UndoneBy)
	}
}

func writeBans(w io.Writer, bans []admin.Ban) {
	fmt.Fprintln(w, "BAN\tWHOM\tBY\tSINCE\tUNTIL\tREASON")
	for _, b := range bans {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", b.Number, one(b.Whom()), one(b.By), clock(b.At), clock(b.Until), one(b.Reason))
	}
}
