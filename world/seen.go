package world

import (
	"slices"

	"github.com/quicstep/quicstep/protocol/schema"
)

// Sight is what a player saw at a moment, as plain data: which rows, and by which records. Its rows' fields are in the
// world's history.
type Sight struct {
	Player Player
	// At is the moment as of which it was shown what others own.
	At Moment
	// Newest is the newest tick of which its client had received anything; tables of which the latest is shown are as of it.
	Newest uint64
	// Rows are what it had in sight, sorted by Ref.
	Rows []SeenRow
}

// SeenRow is a row that a player had in sight. Ticks are those of records that its client received, cut to 32 bits; see
// Span. Zero is none.
type SeenRow struct {
	// Ref is the table's number above schema.IndexBits, and the row's index below.
	Ref              uint32
	Before, From, To uint32
}

// Seen reads the world as a player saw it. It is good as long as its Tx.
type Seen struct {
	tx     *Tx
	player Player
	sight  *Sight // nil: everything is as it is now
	tables []seenTable
}

// seenTable is a table's rows as they were seen.
type seenTable struct {
	made  bool // in this tick, since the latest call of Tx.Seen
	pages []*Page
}

// sights is what a World needs for Seen, and what game code has asked in this tick.
type sights struct {
	source func(p Player, tick uint64) (Sight, bool)
	since  uint64 // no tick before this one is looked into
	asked  []Sight
	made   []*Seen // for the players who were asked for
	spare  []*Seen
}

// Seen returns the world as a player saw it when it made the input that it has in this tick: to judge by what was on its
// screen. Get, All, Near, Has, OwnerOf and TeamOf read from it.
//
// Others' rows are those that the player was shown, as they were shown (see Mode), so that one that is gone by now can still be
// there: ask the Tx for it before writing to it. Fields that the player is not told are as they were then. Its own rows are as
// they are now, when Seen is called. How far back it goes is bounded by the server (Config.LagCompensation). Where it is
// switched off, of a player who has just joined, and in a prediction, everything is as it is now. A server remembers what
// players are shown from the first call in a room on, so a game whose first shot is to count calls it in OnJoin.
//
// Its cost is some 0.2 µs for each row that the player has in sight, of the tables that are read, in each tick in which it
// is called for the player.
func (tx *Tx) Seen(p Player) *Seen {
	tx.check()
	if tx.sights == nil {
		return &Seen{tx: tx, player: p}
	}
	return tx.sights.of(tx, p)
}

// of returns what a player saw; a second call in a tick asks nobody again.
func (s *sights) of(tx *Tx, p Player) *Seen {
	for _, v := range s.made {
		if v.player == p {
			v.begin()
			return v
		}
	}
	var v *Seen
	if n := len(s.spare); n > 0 {
		v, s.spare = s.spare[n-1], s.spare[:n-1]
	} else {
		v = &Seen{tables: make([]seenTable, len(tx.state.tables))}
	}
	v.tx, v.player, v.sight = tx, p, s.ask(p, tx.state.tick)
	v.begin()
	s.made = append(s.made, v)
	return v
}

// ask finds a player's sight among those that the tick has got, or asks for it.
func (s *sights) ask(p Player, tick uint64) *Sight {
	at, ok := slices.BinarySearchFunc(s.asked, p, func(a Sight, p Player) int { return int(int64(a.Player) - int64(p)) })
	if ok {
		return &s.asked[at]
	}
	if s.source == nil {
		return nil
	}
	sight, ok := s.source(p, tick)
	if !ok {
		return nil
	}
	sight.Player = p
	s.asked = slices.Insert(s.asked, at, sight)
	return &s.asked[at]
}

// startTick begins a tick with the sights that its commands bring.
func (s *sights) startTick(given []Sight) {
	s.asked = slices.Clone(given)
	s.endRun()
}

// endRun takes back what was handed out: it belonged to the run's Tx.
func (s *sights) endRun() {
	s.spare = append(s.spare, s.made...)
	s.made = s.made[:0]
}

func (v *Seen) begin() {
	for i := range v.tables {
		v.tables[i].made = false
	}
}

// At is the moment as of which the player was shown what others own; ok is false when everything is as it is now.
func (v *Seen) At() (at Moment, ok bool) {
	if v.sight == nil {
		return 0, false
	}
	return v.sight.At, true
}

func (v *Seen) now() uint64 { return v.tx.now() }

func (v *Seen) ownedBy(p Player) []uint32 { return v.tx.ownedBy(p) }

func (v *Seen) near(t *table, b box, dst []uint32) []uint32 {
	if v.sight == nil {
		return v.tx.near(t, b, dst)
	}
	return allRows(v.pagesOf(t), dst)
}

func (v *Seen) pagesOf(t *table) []*Page {
	if v.sight == nil {
		return v.tx.pagesOf(t)
	}
	v.tx.check()
	st := &v.tables[t.index]
	if !st.made {
		st.made = true
		v.make(t, st)
	}
	return st.pages
}

// make writes the rows of a table as they were seen.
func (v *Seen) make(t *table, st *seenTable) {
	for _, p := range st.pages {
		if p != nil {
			p.used = 0
		}
	}
	owned := ownedIn(v.tx.ownedBy(v.player), t.index)
	m := maker{Seen: v, table: t, to: st, team: v.tx.Team(v.player), at: v.sight.At}
	if r := v.tx.state.tables[t.index].reckoning; r != nil {
		m.motion = r.motion
	}
	if t.mode == Latest {
		m.at = MomentOf(v.sight.Newest, 0)
	}
	rows := v.sight.Rows
	from, _ := slices.BinarySearchFunc(rows, ref(t.index, 0), func(r SeenRow, ref uint32) int { return int(int64(r.Ref) - int64(ref)) })
	for _, r := range rows[from:] {
		if r.Ref>>schema.IndexBits != uint32(t.index) {
			break
		}
		if _, own := slices.BinarySearch(owned, r.Ref); !own {
			m.row(r.Ref&(schema.MaxEntities-1), r)
		}
	}
	pages := v.tx.pagesOf(t)
	for _, ref := range owned {
		index := ref & (schema.MaxEntities - 1)
		m.put(pages[index>>pageShift], int(index&rowMask))
	}
}

// maker makes the rows of one table.
type maker struct {
	*Seen
	table  *table
	to     *seenTable
	motion *schema.Motion
	team   TeamID
	at     Moment
}

// row makes a row that somebody else owned. What is not in the history was not there: a sight is no more than a claim.
func (m *maker) row(index uint32, r SeenRow) {
	n, row := index>>pageShift, int(index&rowMask)
	from := m.page(n, row, m.tick(r.From))
	if from == nil {
		return
	}
	gen := from.meta[row].gen
	s := Span{From: m.record(from, row, m.tick(r.From))}
	if r.Before != 0 {
		if p := m.page(n, row, m.tick(r.Before)); p != nil && p.meta[row].gen == gen && p.Class(row, m.player, m.team) == s.From.Class {
			s.Before = m.record(p, row, m.tick(r.Before))
		}
	}
	if r.To != 0 {
		if p := m.page(n, row, m.tick(r.To)); p != nil && p.meta[row].gen == gen {
			s.To = m.record(p, row, m.tick(r.To))
		}
	}
	p := m.put(from, row)
	m.table.show(p.row(m.table, row), m.motion, m.at, &s)
}

// tick widens a record's tick, which is within 2^31 ticks.
func (m *maker) tick(short uint32) uint64 {
	now := m.tx.state.tick
	return uint64(max(0, int64(now)+int64(int32(short-uint32(now)))))
}

func (m *maker) record(p *Page, row int, tick uint64) Record {
	return Record{Tick: tick, Class: p.Class(row, m.player, m.team), Words: p.Words(row)}
}

// page returns the page of a row as a tick left it, or as the oldest that is known when that is older; nil when the row
// was not there.
func (m *maker) page(number uint32, row int, tick uint64) *Page {
	last := m.tx.base
	oldest := max(m.tx.sights.since, last.Tick+1-min(last.Tick, uint64(len(last.past.ring))))
	past, ok := last.At(max(tick, oldest))
	if !ok {
		return nil
	}
	pages := past.tables[m.table.index].pages
	if int(number) >= len(pages) || pages[number] == nil || pages[number].used>>row&1 == 0 {
		return nil
	}
	return pages[number]
}

// put copies a row to where it is seen.
func (m *maker) put(from *Page, row int) *Page {
	for int(from.number) >= len(m.to.pages) {
		m.to.pages = append(m.to.pages, nil)
	}
	p := m.to.pages[from.number]
	if p == nil {
		p = &Page{number: from.number, rows: m.table.newRows()}
		p.base = rowsBase(p.rows)
		m.to.pages[from.number] = p
	}
	m.table.copyRow(p.rows, from.rows, row)
	p.meta[row] = from.meta[row]
	p.used |= 1 << row
	return p
}

// ForgetHistory lets Tx.Seen look at no tick before the newest one, as in a world that is restored from it. Who begins a
// recording calls it in the tick of the log's snapshot, so that what is played sees what was seen.
func (w *World) ForgetHistory() { w.sights.since = w.view.Tick }
