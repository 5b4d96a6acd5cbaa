package screen

import (
	"fmt"
	"slices"

	"github.com/quicstep/quicstep/protocol/admin"
)

// askUndo asks whether an edit is to be taken back, and looks what its field holds by now.
func askUndo(m *model) []effect {
	r, ok := m.chosenRow()
	if !ok {
		return nil
	}
	found := m.editOf(r.key)
	if found == nil {
		return nil
	}
	e := *found
	if e.UndoneBy != 0 {
		m.notice, m.bad = fmt.Sprintf("edit %d is undone already, by edit %d", e.Number, e.UndoneBy), true
		return nil
	}
	look := admin.Request{Act: admin.ActQuery, Room: e.Room, Table: e.Table, Row: e.Row, Count: 1, EveryMS: everyMS}
	m.ask(func([]string) (effect, string) {
		return effect{ask: admin.Request{Act: admin.ActUndo, Number: e.Number}}, m.undoSays(&e, look)
	})
	m.asking.look = &look
	return nil
}

// undoSays tells what an undo puts back where, or why the server will not.
func (m *model) undoSays(e *admin.Edit, look admin.Request) string {
	where := fmt.Sprintf("%s %s %s in %s", e.Table, e.Row, e.Field, m.nameOf(e.Room))
	says := fmt.Sprintf("undo edit %d by %s: put %q back into %s", e.Number, e.By, e.Before, where)
	now, told := m.answers[keyOf(look)]
	if why := m.refusals[keyOf(look)]; why != "" {
		return says + ", which can't be seen: " + why
	}
	if !told || now.answer.Table == nil {
		return says + ", which holds … (asked)"
	}
	t := now.answer.Table
	row := slices.IndexFunc(t.Rows, func(r admin.Row) bool { return r.ID == e.Row })
	field := fieldOf(t.Columns, e.Field)
	if row < 0 || field < 0 || field >= len(t.Rows[row].Values) {
		return says + ", which is gone by now, so that the server will refuse"
	}
	switch holds := t.Rows[row].Values[field]; holds {
	case e.After:
		return fmt.Sprintf("%s, which holds %q", says, holds)
	default:
		return fmt.Sprintf("%s, which holds %q by now and not the edit's %q, so that the server will refuse", says, holds, e.After)
	}
}
