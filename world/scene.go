package world

import (
	"slices"

	"github.com/quicstep/quicstep/protocol/schema"
)

// Scene is what a client shows at a moment: others as they were then, the player's own rows as a Replica has them now.
// It belongs to one goroutine.
type Scene struct {
	rows *Replica
}

// NewScene starts an empty scene of a game for one player, like NewReplica.
func NewScene(g Game, me Player, periodNS int64) (*Scene, error) {
	r, err := NewReplica(g, me, periodNS)
	if err != nil {
		return nil, err
	}
	return &Scene{rows: r}, nil
}

// Show shows a row at a moment: as Table.Show makes it of a Span, whose From is what it is but for the floats.
func (s *Scene) Show(table int, id ID, texts []string, span *Span, at Moment) {
	r := s.rows
	r.Put(table, id, span.From.Class, span.From.Words, texts)
	ts := &r.state.tables[table]
	p, row := ts.pages[id.Index()>>pageShift], int(id.Index()&rowMask)
	var m *schema.Motion
	if ts.reckoning != nil {
		m = ts.reckoning.motion
	}
	ts.def.show(p.row(ts.def, row), m, at, span)
	p.setMoving(row, false) // it is shown where it is at the moment, which need not be a tick
}

// Remove takes a row away.
func (s *Scene) Remove(table int, index uint32) { s.rows.Remove(table, index) }

// Clear takes every row away.
func (s *Scene) Clear() { s.rows.Clear() }

// Own shows the player's own rows as a replica of the same game has them, predicted ones included, in place of whatever
// was shown at their indexes, and takes away those that it has no more.
func (s *Scene) Own(from *Replica) {
	var now []uint32
	if me := from.state.player(from.me); me != nil {
		now = me.owned
	}
	for _, rf := range s.rows.state.player(s.rows.me).owned { // Remove replaces the list
		if _, still := slices.BinarySearch(now, rf); !still {
			s.rows.Remove(int(rf>>schema.IndexBits), rf&(schema.MaxEntities-1))
		}
	}
	for _, rf := range now {
		s.copyOwn(from, int(rf>>schema.IndexBits), rf&(schema.MaxEntities-1))
	}
}

// copyOwn copies one row.
func (s *Scene) copyOwn(from *Replica, table int, index uint32) {
	source := from.state.tables[table].page(index >> pageShift)
	row := int(index & rowMask)
	if source == nil || source.used>>row&1 == 0 {
		return
	}
	r := s.rows
	ts := &r.state.tables[table]
	p := r.confirmed(ts, index>>pageShift)
	r.state.own(ref(table, index), p.meta[row].owner, r.me)
	p.meta[row] = rowMeta{gen: source.meta[row].gen, owner: r.me}
	p.used |= 1 << row
	p.setMoving(row, false)
	ts.def.copyRow(p.rows, source.rows, row)
}

// View is what is shown at a moment, as of the last whole tick before it. It is good until the next change of the Scene.
func (s *Scene) View(at Moment) *View { return s.rows.Glance(at.Tick()) }

// Moves tells whether a row of these columns, seen in a class, moves as its dead-reckoned base says.
func (s *Scene) Moves(table int, class schema.Class, words []uint32) bool {
	ts := &s.rows.state.tables[table]
	if ts.reckoning == nil || class == schema.Own {
		return false
	}
	m := ts.reckoning.motion
	return ts.def.wire.Fields[m.Members[0].Field].Visible(class) && m.Moves(m.Base(words))
}
