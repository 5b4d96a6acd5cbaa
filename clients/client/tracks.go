package client

import (
	"slices"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// recordsKept bounds the records that are kept of one entity; when they are more, the oldest goes.
const recordsKept = 32

// tracks are the latest records of each entity, for what is shown between them.
type tracks struct {
	modes  []world.Mode
	floats [][]uint8  // per table, the columns that are waited for: of the position that others see, or of all floats
	tables [][]*track // by table and index
	moving []*track   // those that are not shown yet as they are
}

// record is what was told of an entity as of a tick.
type record struct {
	tick  uint64
	here  bool
	gen   uint16
	class schema.Class
	words []uint32
	texts []string
}

// track is one entity's records.
type track struct {
	table   int
	index   uint32
	moving  bool // it is among the moving ones
	shown   bool
	cut     bool     // records were dropped before their time: the oldest that is left stands for them
	records []record // the oldest first; none is later than the one behind it
}

// newTracks begins without any.
func newTracks(g world.Game, s *schema.Schema) (*tracks, error) {
	modes, err := world.ShownModes(g)
	if err != nil {
		return nil, err
	}
	t := &tracks{modes: modes, floats: make([][]uint8, len(modes)), tables: make([][]*track, len(modes))}
	for i, mode := range modes {
		if mode == world.Interpolate {
			t.floats[i] = floatsOf(s.Tables[i])
		}
	}
	return t, nil
}

// floatsOf are the columns of those floats that are gone along between two records. Of a table with a position it is that
// alone: for the sake of a heading nothing is shown later. What is dead-reckoned needs no second record.
func floatsOf(t *schema.Table) (columns []uint8) {
	for i := range t.Fields {
		f := &t.Fields[i]
		reckoned := t.Group != nil && slices.ContainsFunc(t.Group.Members, func(m schema.Member) bool { return m.Field == i || m.Velocity == i })
		if f.Kind == schema.Float && !reckoned && (!t.Positioned() || slices.Contains(t.Pos[:], i)) {
			columns = append(columns, t.FieldColumns(i, false)...)
		}
	}
	return columns
}

// least is for how many ticks something is waited for even while nothing moves, so that what begins to move does so smoothly.
func (t *tracks) least() float64 {
	for _, columns := range t.floats {
		if len(columns) > 0 {
			return 1
		}
	}
	return 0
}

// clear forgets all of them.
func (t *tracks) clear() {
	clear(t.tables)
	t.moving = t.moving[:0]
}

// at returns the track of an index.
func (t *tracks) at(table int, index uint32) *track {
	for len(t.tables[table]) <= int(index) {
		t.tables[table] = append(t.tables[table], nil)
	}
	tr := t.tables[table][index]
	if tr == nil {
		tr = &track{table: table, index: index}
		t.tables[table][index] = tr
	}
	return tr
}

// changed takes what a datagram told of an entity. It returns for how many ticks its motion had to wait for that.
func (t *tracks) changed(ch replica.Change, row replica.Row) (wait float64) {
	tr := t.at(ch.Table, ch.Index)
	if !tr.moving {
		tr.moving = true
		t.moving = append(t.moving, tr)
	}
	r := tr.add()
	r.tick, r.here = uint64(ch.Tick), !ch.Removed
	if r.here {
		r.gen, r.class = row.Generation, row.Class
		r.words, r.texts = append(r.words[:0], row.Words...), append(r.texts[:0], row.Texts...)
	}
	return tr.wait(t.floats[ch.Table])
}

// add adds a record, with the space of one that was dropped.
func (tr *track) add() *record {
	if len(tr.records) == recordsKept {
		tr.drop(1)
		tr.cut = true
	}
	if n := len(tr.records); n < cap(tr.records) {
		tr.records = tr.records[:n+1]
	} else {
		tr.records = append(tr.records, record{})
	}
	return &tr.records[len(tr.records)-1]
}

// drop drops the oldest records, and keeps their space behind the others.
func (tr *track) drop(n int) {
	if n == 0 {
		return
	}
	all := tr.records
	slices.Reverse(all[:n])
	slices.Reverse(all[n:])
	slices.Reverse(all)
	tr.records = all[:len(all)-n]
}

// wait is by how many ticks the newest record is later than the moment from which the entity goes towards it.
func (tr *track) wait(columns []uint8) float64 {
	n := len(tr.records)
	if n < 2 || !tr.records[n-1].follows(&tr.records[n-2]) || tr.records[n-1].own() {
		return 0
	}
	to, from := &tr.records[n-1], &tr.records[n-2]
	if !slices.ContainsFunc(columns, func(at uint8) bool { return to.words[at] != from.words[at] }) {
		return 0
	}
	s := tr.span(n - 2)
	return float64(s.To.Tick - s.SetsOut())
}

// follows tells whether a record is of the same entity as the one before it, seen in the same way.
func (r *record) follows(before *record) bool {
	return r.here && before.here && r.gen == before.gen && r.class == before.class
}

func (r *record) known() world.Record {
	return world.Record{Tick: r.tick, Class: r.class, Words: r.words}
}

// span is what is known around a moment, of which record i is the newest that is not after it.
func (tr *track) span(i int) (s world.Span) {
	s.From = tr.records[i].known()
	if i > 0 && tr.records[i].follows(&tr.records[i-1]) {
		s.Before = tr.records[i-1].known()
	}
	if i+1 < len(tr.records) && tr.records[i+1].follows(&tr.records[i]) {
		s.To = tr.records[i+1].known()
	}
	return s
}

// show brings a scene to a moment, which is never before the former one; the newest tick is that of what was received.
func (t *tracks) show(scene *world.Scene, at world.Moment, newest uint64) {
	still := t.moving[:0]
	for _, tr := range t.moving {
		if tr.moving = tr.show(t.modes[tr.table], scene, at, newest); tr.moving {
			still = append(still, tr)
		}
	}
	clear(t.moving[len(still):])
	t.moving = still
}

// show shows one entity, and tells whether that changes as time goes by.
func (tr *track) show(mode world.Mode, scene *world.Scene, at world.Moment, newest uint64) (moving bool) {
	i := tr.current(mode, at)
	if i < 0 {
		return true // it comes later
	}
	tr.cut = tr.cut && i == 0
	tr.drop(max(i-1, 0))
	i -= max(i-1, 0)
	last := len(tr.records) - 1
	switch r := &tr.records[i]; {
	case !r.here:
		if tr.shown {
			scene.Remove(tr.table, tr.index)
		}
		tr.shown = false
		return i < last
	case r.own():
		tr.shown = false // Scene.Own shows it, and takes it away
		return i < last
	default:
		if mode == world.Latest {
			at = world.MomentOf(newest, 0)
		}
		span := tr.span(i)
		scene.Show(tr.table, schema.MakeID(tr.index, r.gen), r.texts, &span, at)
		tr.shown = true
		return i < last || mode == world.Extrapolate && at.Tick() < r.tick+world.ExtrapolateTicks || scene.Moves(tr.table, r.class, r.words)
	}
}

// current is the place of the newest record that is not after a moment; -1 when all are. Where a newer one tells that the
// player owns the row, or did, that is shown at once.
func (tr *track) current(mode world.Mode, at world.Moment) int {
	last := len(tr.records) - 1
	if mode == world.Latest {
		return last
	}
	i := -1
	if tr.cut {
		i = 0
	}
	for n := range tr.records {
		r := &tr.records[n]
		if world.MomentOf(r.tick, 0) <= at || r.own() || n > 0 && tr.records[n-1].own() {
			i = n
		}
	}
	return i
}

// own tells whether the player owned the row.
func (r *record) own() bool { return r.here && r.class == schema.Own }
