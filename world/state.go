package world

import (
	"cmp"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/quicstep/quicstep/protocol/schema"
)

// state is what a transaction works on: the pages of a World, or those of a client's Replica. It belongs to
// one goroutine; committed pages may be read by anyone.
type state struct {
	def       *definition
	server    bool
	periodNS  int64  // between ticks
	tick      uint64 // of the tick that is being made, or was made last
	serial    uint64 // of the transaction; a page with it may be written
	tables    []tableState
	pagesMost int      // of all tables together; zero: no bound but each table's own
	players   []player // sorted by number
	owned     uint64   // the serial for which players is the transaction's own
	last      Player   // the highest number ever given
	started   bool     // OnStart has run
	events    []EventRecord
	posts     []MessageRecord
	answers   []Answer
	making    inserting

	room      rand.PCG // the room's stream
	input     rand.PCG // the stream of one player and input tick
	roomRand  *rand.Rand
	inputRand *rand.Rand
}

// tableState is one table's pages: as committed, and as the transaction has them.
type tableState struct {
	def       *table
	reckoning *reckoning // nil without dead-reckoned fields
	committed []*Page
	pages     []*Page
	serial    uint64 // for which pages is the transaction's own slice
	touched   []uint32
	hint      uint32 // no page below this one has a free row
}

// player is what the world knows of a player.
type player struct {
	num    Player
	user   string
	role   string
	team   TeamID
	rights uint32 // the latest tick in which the team changed
	pos    Pos
	radius float64  // of the view; zero sees own rows and tables without a position
	owned  []uint32 // refs of the rows that it owns, sorted; grows at its end, otherwise replaced
}

// ref packs a table and an index.
func ref(table int, index uint32) uint32 { return uint32(table)<<schema.IndexBits | index }

// defaultPeriodNS is the time between ticks when nobody says another.
const defaultPeriodNS = 1_000_000_000 / 30

// newState returns the state before the first tick; a period of zero is the default. It returns an error when the dead-reckoned fields of a table can't
// move at that tick period.
func newState(d *definition, server bool, seed uint64, periodNS int64) (*state, error) {
	if periodNS == 0 {
		periodNS = defaultPeriodNS
	}
	s := &state{def: d, server: server, serial: 1, periodNS: periodNS, tables: make([]tableState, len(d.tables))}
	for i, t := range d.tables {
		motion, err := t.wire.Motion(periodNS)
		if err != nil {
			return nil, fmt.Errorf("game %s: %w", d.name, err)
		}
		s.tables[i].def, s.tables[i].reckoning = t, newReckoning(t.wire, motion)
	}
	s.room.Seed(seed, 0x9e3779b97f4a7c15)
	s.roomRand = rand.New(&s.room)
	s.inputRand = rand.New(&s.input)
	return s, nil
}

// saved is what a rollback restores beside the pages.
type saved struct {
	players []player
	last    Player
	started bool
	room    rand.PCG
}

// begin starts a transaction.
func (s *state) begin() saved {
	s.serial++
	s.events, s.posts, s.answers, s.making = nil, nil, nil, inserting{}
	return saved{players: s.players, last: s.last, started: s.started, room: s.room}
}

// rollback forgets everything that the transaction did.
func (s *state) rollback(to saved) {
	s.players, s.last, s.started, s.room = to.players, to.last, to.started, to.room
	s.owned = 0
	s.events, s.posts, s.answers = nil, nil, nil
	for i := range s.tables {
		ts := &s.tables[i]
		ts.pages, ts.touched, ts.serial, ts.hint = ts.committed, ts.touched[:0], 0, 0
	}
}

// write returns the transaction's own copy of a page.
func (s *state) write(ts *tableState, number uint32) *Page {
	p := ts.pages[number]
	if p.serial == s.serial {
		return p
	}
	if ts.serial != s.serial {
		ts.pages, ts.serial = slices.Clone(ts.pages), s.serial
	}
	p = p.copyFor(ts.def, s.serial)
	ts.pages[number] = p
	ts.touched = append(ts.touched, number)
	return p
}

// pagesFor is how many pages so many rows take.
func pagesFor(rows int) int { return (rows + pageRows - 1) / pageRows }

// full tells whether all tables together have as many pages as they may. Pages are never given back, so there are rarely
// new ones, and it is enough to count them then.
func (s *state) full() bool {
	if s.pagesMost == 0 {
		return false
	}
	pages := 0
	for i := range s.tables {
		pages += len(s.tables[i].pages)
	}
	return pages >= s.pagesMost
}

// grow adds an empty page at the end.
func (s *state) grow(ts *tableState) *Page {
	if ts.serial != s.serial {
		ts.pages, ts.serial = slices.Clone(ts.pages), s.serial
	}
	p := newPage(ts, uint32(len(ts.pages)), s.server)
	p.serial = s.serial
	ts.pages = append(ts.pages, p)
	ts.touched = append(ts.touched, p.number)
	return p
}

// allocate finds the lowest free index, marks it used under its next generation and returns its page.
func (s *state) allocate(ts *tableState) (*Page, int) {
	for ; int(ts.hint) < len(ts.pages); ts.hint++ {
		if p := ts.pages[ts.hint]; p != nil && p.used != ^uint64(0) {
			break
		}
	}
	var p *Page
	switch {
	case int(ts.hint) < len(ts.pages):
		p = s.write(ts, ts.hint)
	case len(ts.pages) < schema.MaxEntities/pageRows && !s.full():
		p = s.grow(ts)
	case len(ts.pages) < schema.MaxEntities/pageRows:
		panic(fmt.Sprintf("world: the room is full: its tables hold %d rows, and %s needs one more; remove some before inserting more", s.pagesMost*pageRows, ts.def.name))
	default:
		panic(fmt.Sprintf("world: table %s is full: it holds %d rows; remove some before inserting more", ts.def.name, schema.MaxEntities))
	}
	row := bits.TrailingZeros64(^p.used)
	m := &p.meta[row]
	gen := m.gen + 1
	if gen > schema.MaxGeneration {
		gen = 1
	}
	*m = rowMeta{gen: gen, rights: uint32(s.tick)}
	p.heavy[row] = 0
	p.used |= 1 << row
	p.edited |= 1 << row
	p.setMoving(row, false)
	p.setOrigin(row, Origin{})
	return p, row
}

// page returns a page of the transaction's, nil when there is none.
func (ts *tableState) page(number uint32) *Page {
	if int(number) < len(ts.pages) {
		return ts.pages[number]
	}
	return nil
}

func (s *state) player(p Player) *player {
	at, ok := s.findPlayer(p)
	if !ok {
		return nil
	}
	return &s.players[at]
}

func (s *state) findPlayer(p Player) (int, bool) { return findPlayer(s.players, p) }

// findPlayer returns where a player is in a sorted list, or would be. Numbers are dense but for those who left,
// so the first guess is often right, and never too low.
func findPlayer(players []player, p Player) (int, bool) {
	if len(players) == 0 || p < players[0].num {
		return 0, false
	}
	guess := min(int(p-players[0].num), len(players)-1)
	if players[guess].num == p {
		return guess, true
	}
	return slices.BinarySearchFunc(players[:guess+1], p, func(a player, p Player) int { return cmp.Compare(a.num, p) })
}

// ownPlayers makes the list of players the transaction's own.
func (s *state) ownPlayers() {
	if s.owned != s.serial {
		s.players, s.owned = slices.Clone(s.players), s.serial
	}
}

// editPlayer returns a player to write to; nil when there is none.
func (s *state) editPlayer(p Player) *player {
	s.ownPlayers()
	return s.player(p)
}

func (s *state) addPlayer(j Join) {
	s.ownPlayers()
	at, _ := s.findPlayer(j.Player)
	s.players = slices.Insert(s.players, at, player{num: j.Player, user: j.User, role: j.Role, rights: uint32(s.tick)})
	s.last = max(s.last, j.Player)
}

// removePlayer forgets a player; its rows stay, without an owner.
func (s *state) removePlayer(p Player) {
	pl := s.player(p)
	if pl == nil {
		return
	}
	for _, r := range pl.owned {
		ts := &s.tables[r>>schema.IndexBits]
		index := r & (schema.MaxEntities - 1)
		page := s.write(ts, index>>pageShift)
		s.setRights(page, int(index&rowMask), 0, page.meta[index&rowMask].team)
	}
	s.ownPlayers()
	at, _ := s.findPlayer(p)
	s.players = slices.Delete(s.players, at, at+1)
}

// setRights writes a row's owner and team; whoever sees the row begins anew with it.
func (s *state) setRights(p *Page, row int, owner Player, team TeamID) {
	m := &p.meta[row]
	if m.owner == owner && m.team == team {
		return
	}
	if m.owner != owner {
		p.setOrigin(row, Origin{})
	}
	m.owner, m.team, m.rights = owner, team, uint32(s.tick)
	p.edited |= 1 << row
}

// own moves a row from one owner's list to another's. Views and loops hold former lists: one is only ever
// appended to, which they do not see, or replaced.
func (s *state) own(r uint32, from, to Player) {
	if from == to {
		return
	}
	if pl := s.editPlayer(from); pl != nil {
		if at, ok := slices.BinarySearch(pl.owned, r); ok {
			pl.owned = slices.Concat(pl.owned[:at], pl.owned[at+1:])
		}
	}
	if pl := s.editPlayer(to); pl != nil {
		switch at, ok := slices.BinarySearch(pl.owned, r); {
		case ok:
		case at == len(pl.owned):
			pl.owned = append(pl.owned, r)
		default:
			pl.owned = slices.Concat(pl.owned[:at], []uint32{r}, pl.owned[at:])
		}
	}
}

// ownerOf returns the owner that a row may be given: a player in the room, or nobody. A client knows no other
// players, so a row that it gives to one is nobody's.
func (s *state) ownerOf(t *table, p Player) Player {
	if p == 0 || s.player(p) != nil {
		return p
	}
	if s.server {
		panic(fmt.Sprintf("world: tick %d: table %s: a row was given to player %d, who is not in the room: give it to one who is, or to nobody", s.tick, t.name, p))
	}
	return 0
}
