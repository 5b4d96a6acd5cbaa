package world

import "encoding/binary"

// Edit writes one field of a row from outside of the game: an operator's hand. It happens in a tick, after its requests
// and before its inputs, or in a tick of its own (Commands.Still).
type Edit struct {
	// Table and ID name the row, Field the place of the field in the schema's table.
	Table, Field int
	ID           ID
	// To is the value, which ParseValue has checked.
	To Value
	// If has it happen only while the field holds Was.
	If  bool
	Was Value
}

// Edited is what became of an Edit: ChangeSet.Edited has one for each of the tick's.
type Edited struct {
	Outcome EditOutcome
	// Before is what the field held, and After what it holds: of a float32 the closest to what was asked for.
	Before, After Value
}

// EditOutcome is what became of an Edit.
type EditOutcome uint8

// What becomes of edits.
const (
	EditDone   EditOutcome = iota // the field holds what was asked for
	EditNoRow                     // there is no such row, or field
	EditOther                     // the field does not hold what it was to hold; Before is what it does
	EditUndone                    // game code panicked, and the whole tick was undone
)

// String returns the outcome's name in lower case.
func (o EditOutcome) String() string {
	switch o {
	case EditDone:
		return "done"
	case EditNoRow:
		return "no such row"
	case EditOther:
		return "holds something else"
	case EditUndone:
		return "undone"
	}
	return "unknown"
}

// edits carries out those of a tick.
func (w *World) edits(edits []Edit) {
	w.edited = nil
	w.enter(doingEdits, 0)
	for i := range edits {
		w.edited = append(w.edited, w.edit(&edits[i]))
	}
}

// edit carries one edit out.
func (w *World) edit(e *Edit) Edited {
	if e.Table < 0 || e.Table >= len(w.state.def.tables) {
		return Edited{Outcome: EditNoRow}
	}
	t := w.state.def.tables[e.Table]
	l := t.bind.fieldLeaf(e.Field)
	page := w.state.tables[e.Table].page(e.ID.Index() >> pageShift)
	if l == nil || page == nil || !page.has(e.ID) {
		return Edited{Outcome: EditNoRow}
	}
	before := l.held(page.row(t, int(e.ID.Index()&rowMask)))
	if e.If && before != e.Was {
		return Edited{Outcome: EditOther, Before: before, After: before}
	}
	page, row := w.tx.edit(t, e.ID)
	l.setValue(page.row(t, row), e.To)
	return Edited{Before: before, After: l.held(page.row(t, row))}
}

// undoneEdits answers every edit of a tick that was undone.
func (c Commands) undoneEdits() []Edited {
	var out []Edited
	for range c.Edits {
		out = append(out, Edited{Outcome: EditUndone})
	}
	return out
}

// append writes an edit: table, field, ID, To, and whether Was follows.
func (e *Edit) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(e.Table))
	dst = binary.AppendUvarint(dst, uint64(e.Field))
	dst = binary.AppendUvarint(dst, uint64(e.ID))
	dst = e.To.append(dst)
	if !e.If {
		return binary.AppendUvarint(dst, 0)
	}
	return e.Was.append(binary.AppendUvarint(dst, 1))
}

func (v Value) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, v.Bits)
	dst = binary.AppendUvarint(dst, uint64(len(v.Text)))
	return append(dst, v.Text...)
}

func (r *varints) edit() (e Edit) {
	e.Table, e.Field, e.ID, e.To = int(r.uint32()), int(r.uint32()), ID(r.uint32()), r.value()
	if e.If = r.next() != 0; e.If {
		e.Was = r.value()
	}
	return e
}

func (r *varints) value() Value { return Value{Bits: r.next(), Text: string(r.bytes())} }
