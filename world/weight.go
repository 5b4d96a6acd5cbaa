package world

import "fmt"

// MaxWeight is the highest weight of a row.
const MaxWeight = 16

// Weight says how much the row counts when a client's budget does not hold all that is due to it: the row whose weight
// times the ticks since it was sent is highest goes first. It is 1 to MaxWeight, and 1 unless set; what is out of range
// is a panic, which costs the tick. It never leaves the server, and a client's prediction takes no notice of it.
func Weight(w int) RowOption { return RowOption{sets: optionWeight, weight: w} }

// WeightOf is the row's weight; zero when it is not there. A client knows of no weights: there it is 1.
func (t Table[T]) WeightOf(r Reader, id ID) int {
	if !t.Has(r, id) {
		return 0
	}
	return r.pagesOf(t.def)[id.Index()>>pageShift].Weight(int(id.Index() & rowMask))
}

// SetWeight gives a row another weight, like Weight. Nothing is sent for it. A row that is not there is a panic, which
// costs the tick. A prediction leaves it as it is.
func (t Table[T]) SetWeight(tx *Tx, id ID, w int) {
	tx.check()
	if tx.predicting {
		return
	}
	heavy := tx.state.heavy(t.def, w)
	if t.WeightOf(tx, id) == w {
		return // without a copy of the page: a game may say it in each tick
	}
	p, row := tx.mustEdit(t.def, id)
	p.heavy[row] = heavy
}

// heavy is a weight as a page keeps it.
func (s *state) heavy(t *table, w int) uint8 {
	if w < 1 || w > MaxWeight {
		panic(fmt.Sprintf("world: tick %d: table %s: a row was given weight %d: 1 to %d are possible", s.tick, t.name, w, MaxWeight))
	}
	return uint8(w - 1)
}
