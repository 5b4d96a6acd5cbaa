package screen

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
)

// What was done and what was found: edits, bans, the report and the audit log.

// editKey tells edits apart, also those of a server that counts from one again.
func editKey(e *admin.Edit) string { return fmt.Sprintf("%d@%d", e.Number, e.At) }

// editOf is the edit of a key; nil without.
func (m *model) editOf(key string) *admin.Edit {
	a, _ := m.got(admin.ActEdits)
	at := slices.IndexFunc(a.Edits, func(e admin.Edit) bool { return editKey(&e) == key })
	if at < 0 {
		return nil
	}
	return &a.Edits[at]
}

// nameOf is how a room is called, by its ID: the beginning of that when the name is not known.
func (m *model) nameOf(id string) string {
	rooms := m.answers[keyOf(allRooms)].answer.Rooms
	if at := slices.IndexFunc(rooms, func(r admin.Room) bool { return r.ID == id }); at >= 0 {
		return roomName(&rooms[at])
	}
	return "(" + id[:min(8, len(id))] + ")"
}

func (m *model) editRows() (out []row) {
	a, _ := m.got(admin.ActEdits)
	for i := range slices.Backward(a.Edits) {
		e := &a.Edits[i]
		undone, name := "", m.nameOf(e.Room)
		if e.UndoneBy != 0 {
			undone = fmt.Sprintf("by %d", e.UndoneBy)
		}
		detail := fmt.Sprintf("edit %d by %s in %s, tick %d: %s %s %s was %q and became %q", e.Number, e.By, name, e.Tick, e.Table, e.Row, e.Field, e.Before, e.After)
		if e.Undoes != 0 {
			detail += fmt.Sprintf("; it undid edit %d", e.Undoes)
		}
		if e.UndoneBy != 0 {
			detail += "; undone " + undone
		}
		out = append(out, row{key: editKey(e), detail: detail, cells: []string{
			strconv.FormatUint(e.Number, 10), e.By, strconv.FormatUint(e.Tick, 10), name, e.Table, e.Row, e.Field, e.Before, e.After, undone,
		}})
	}
	return out
}

func (m *model) banRows() (out []row) {
	a, _ := m.got(admin.ActBans)
	for _, b := range a.Bans {
		until, held := "for ever", "for ever"
		if b.Until != 0 {
			until = time.Unix(b.Until, 0).UTC().Format("2006-01-02 15:04Z")
			held = "until " + until
		}
		number := strconv.FormatUint(b.Number, 10)
		out = append(out, row{
			key: number, cells: []string{number, b.Whom(), b.By, until, b.Reason},
			detail: fmt.Sprintf("ban %s of %s by %s, %s%s", number, b.Whom(), b.By, held, quoted(b.Reason)),
		})
	}
	return out
}

func (m *model) reportRows() (out []row) {
	a, _ := m.got(admin.ActReport)
	for _, d := range a.Report {
		out = append(out, row{key: d.Room, mark: d.Do != "watch", detail: d.Do + " " + d.RoomName + ": " + d.Text, cells: []string{d.RoomName, d.Do, d.Game, d.Text}})
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
			On                      map[string]string
		}
		if json.Unmarshal([]byte(line), &e) != nil {
			e.Result = line // shown as it is
		}
		date, clock := "", ""
		if !e.At.IsZero() {
			date, clock = e.At.UTC().Format("2006-01-02"), e.At.UTC().Format("15:04:05Z")
		}
		what := strings.TrimSpace(onText(e.On) + "  " + e.Result)
		out = append(out, row{
			key: strconv.Itoa(i), mark: e.State != "done" && e.State != "asked", cells: []string{date, clock, e.Who, e.Act, e.State, what},
			detail: strings.TrimSpace(strings.Join([]string{date, clock, e.Who, e.Act, e.State, what}, " ")),
		})
	}
	return out
}

// onOrder is how what an act was done to is told, the most telling first; what is not here comes last.
var onOrder = []string{"player", "user", "address", "number", "table", "row", "field", "value", "count", "room"}

// onText says what an act was done to.
func onText(on map[string]string) string {
	rank := func(name string) int {
		if at := slices.Index(onOrder, name); at >= 0 {
			return at
		}
		return len(onOrder)
	}
	names := make([]string, 0, len(on))
	for name := range on {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b)) })
	for i, name := range names {
		names[i] = name + " " + on[name]
	}
	return strings.Join(names, ", ")
}
