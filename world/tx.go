package world

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
)

// Reader is what rows can be read from: a *Tx, a *View, or a client's.
type Reader interface {
	// pagesOf returns the pages of a table; the caller may not change or keep them.
	pagesOf(t *table) []*Page
	// ownedBy returns the refs of the rows that a player owns, sorted.
	ownedBy(p Player) []uint32
	// near appends the indexes of rows that may stand in a box of quantised units, in any order, some twice.
	near(t *table, b box, dst []uint32) []uint32
	// now is the tick that it reads.
	now() uint64
}

// Tx is how game code reads and writes state. It is good until the callback that it was given to returns:
// never keep it, hand it to another goroutine, or block while holding it.
//
// In a prediction a Tx works on what the client knows: own rows can be read and written; other rows read as
// last known, and what is written to them goes nowhere; removals and events wait for the server.
type Tx struct {
	state      *state
	rand       *rand.Rand
	live       bool
	predicting bool
	player     Player  // whose input is predicted
	base       *View   // the last commit, for its grid; nil on a client
	sights     *sights // what players saw; nil on a client
}

func (tx *Tx) check() {
	if !tx.live {
		panic("world: a Tx was used after its callback had returned")
	}
}

// Tick is the number of the tick that is being made, from 1. In a prediction it is the input's tick.
func (tx *Tx) Tick() uint64 { return tx.state.tick }

// Predicting tells whether a client is running this as a prediction.
func (tx *Tx) Predicting() bool { return tx.predicting }

// Rand is the source of chance. In OnInput it is a stream of its own for the player and tick, the same on
// server and client, which a player can foresee; elsewhere it is the room's stream, which never leaves the
// server.
func (tx *Tx) Rand() *rand.Rand {
	tx.check()
	return tx.rand
}

// Players iterates over the players in the room, in the order of their numbers. A client sees itself alone.
func (tx *Tx) Players() iter.Seq[Player] {
	tx.check()
	players := tx.state.players
	return func(yield func(Player) bool) {
		for i := range players {
			if !yield(players[i].num) {
				return
			}
		}
	}
}

// Team is a player's team; zero without one, or when there is no such player. A client knows of no teams.
func (tx *Tx) Team(p Player) TeamID {
	tx.check()
	if pl := tx.state.player(p); pl != nil {
		return pl.team
	}
	return 0
}

// SetTeam puts a player in a team; zero takes it out of any.
func (tx *Tx) SetTeam(p Player, team TeamID) {
	tx.check()
	if pl := tx.state.player(p); pl == nil || pl.team == team {
		return
	}
	pl := tx.state.editPlayer(p)
	pl.team, pl.rights = team, uint32(tx.state.tick)
}

// SetView says where a player looks and how far it sees, in the units of the coordinates: the rows of
// tables with a position that stand within radius are sent to it. Until it is set, and with radius zero, a
// player sees its own rows and the tables without a position. What is not a number is a panic, which costs the
// tick.
func (tx *Tx) SetView(p Player, pos Pos, radius float64) {
	tx.check()
	if !finite(pos.X) || !finite(pos.Y) || math.IsNaN(radius) {
		panic(fmt.Sprintf("world: tick %d: SetView of player %d to %v, %v with radius %v: these must be numbers", tx.state.tick, p, pos.X, pos.Y, radius))
	}
	if pl := tx.state.player(p); pl == nil || (pl.pos == pos && pl.radius == radius) {
		return
	}
	pl := tx.state.editPlayer(p)
	pl.pos, pl.radius = pos, max(radius, 0)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// View returns what SetView said last.
func (tx *Tx) View(p Player) (pos Pos, radius float64) {
	tx.check()
	if pl := tx.state.player(p); pl != nil {
		return pl.pos, pl.radius
	}
	return Pos{}, 0
}

func (tx *Tx) pagesOf(t *table) []*Page {
	tx.check()
	return tx.state.tables[t.index].pages
}

func (tx *Tx) now() uint64 { return tx.state.tick }

func (tx *Tx) ownedBy(p Player) []uint32 {
	tx.check()
	if pl := tx.state.player(p); pl != nil {
		return pl.owned
	}
	return nil
}

// near asks the last commit's grid and adds every row that this tick has touched.
func (tx *Tx) near(t *table, b box, dst []uint32) []uint32 {
	tx.check()
	if tx.base == nil {
		return allRows(tx.pagesOf(t), dst)
	}
	dst = tx.base.near(t, b, dst)
	ts := &tx.state.tables[t.index]
	for _, n := range ts.touched {
		p := ts.pages[n]
		dst = appendRows(p, p.edited, dst)
	}
	return dst
}

// edit returns the page and row to write to, nil when the row is not there.
func (tx *Tx) edit(t *table, id ID) (*Page, int) {
	tx.check()
	s := tx.state
	ts := &s.tables[t.index]
	row := int(id.Index() & rowMask)
	p := ts.page(id.Index() >> pageShift)
	if p == nil || !p.has(id) {
		return nil, 0
	}
	if p.serial != s.serial {
		p = s.write(ts, p.number)
	}
	p.edited |= 1 << row
	return p, row
}

// mustEdit is edit for what has to be there: on the server a missing row is the game's error.
func (tx *Tx) mustEdit(t *table, id ID) (*Page, int) {
	p, row := tx.edit(t, id)
	if p == nil && !tx.predicting {
		panic(fmt.Sprintf("world: tick %d: table %s has no row %v: look with Get before writing to a row that may be gone", tx.state.tick, t.name, id))
	}
	if p != nil && tx.predicting && (p.meta[row].owner != tx.player || tx.player == 0) {
		return nil, 0
	}
	return p, row
}
