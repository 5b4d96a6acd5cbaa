package world

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/quicstep/quicstep/protocol/schema"
)

// Replica is a client's typed rows: what the server has said, and above it what the client predicts. It
// belongs to one goroutine; the Views that it hands out are good for any.
type Replica struct {
	state     *state
	me        Player
	predicted bool // pages differ from committed
}

// NewReplica starts an empty replica of a game for one player, of a room with so many nanoseconds between ticks;
// zero means a thirtieth of a second. It returns everything that is wrong with the definition. The first use of a game must have returned before another
// goroutine uses it.
func NewReplica(g Game, me Player, periodNS int64) (*Replica, error) {
	d := g.definition()
	if err := d.seal(); err != nil {
		return nil, err
	}
	if me == 0 {
		return nil, fmt.Errorf("replica of game %s: player 0 is nobody: give it the number that the welcome told", d.name)
	}
	s, err := newState(d, false, 0, periodNS)
	if err != nil {
		return nil, err
	}
	r := &Replica{state: s, me: me}
	r.state.players = []player{{num: me}}
	return r, nil
}

// Put writes a row as the server sent it: all columns that the class sees, a base with its whole tick. It drops
// predictions; predict again after the last Put or Remove of a datagram.
func (r *Replica) Put(table int, id ID, class schema.Class, words []uint32, texts []string) {
	r.Unpredict()
	s := r.state
	ts := &s.tables[table]
	n := id.Index() >> pageShift
	p := r.confirmed(ts, n)
	row := int(id.Index() & rowMask)
	m := &p.meta[row]
	owner := Player(0)
	if class == schema.Own {
		owner = r.me
	}
	s.own(ref(table, id.Index()), m.owner, owner)
	*m = rowMeta{gen: id.Generation(), owner: owner}
	p.used |= 1 << row
	p.setOrigin(row, Origin{})
	ts.def.bind.store(p.row(ts.def, row), class, words, texts)
	p.putBase(ts.def, row, class, words)
}

// SetOrigin says by which input of the player's an own row was made, after Put, which forgets it.
func (r *Replica) SetOrigin(table int, index uint32, o Origin) {
	r.Unpredict()
	r.confirmed(&r.state.tables[table], index>>pageShift).setOrigin(int(index&rowMask), o)
}

// Remove takes away a row that the server removed, and drops predictions like Put.
func (r *Replica) Remove(table int, index uint32) {
	r.Unpredict()
	ts := &r.state.tables[table]
	if p := ts.page(index >> pageShift); p == nil || p.used>>(index&rowMask)&1 == 0 {
		return
	}
	p := r.confirmed(ts, index>>pageShift)
	row := int(index & rowMask)
	r.state.own(ref(table, index), p.meta[row].owner, 0)
	p.used &^= 1 << row
	p.setMoving(row, false)
	p.meta[row] = rowMeta{}
	ts.hint = min(ts.hint, p.number)
}

// Clear takes every row away, when the server begins a new epoch.
func (r *Replica) Clear() {
	r.Unpredict()
	for i := range r.state.tables {
		ts := &r.state.tables[i]
		*ts = tableState{def: ts.def, reckoning: ts.reckoning}
	}
	r.state.players = []player{{num: r.me}}
}

// confirmed returns a page of the confirmed layer to write to.
func (r *Replica) confirmed(ts *tableState, number uint32) *Page {
	s := r.state
	if int(number) >= len(ts.pages) || ts.serial != s.serial {
		ts.pages, ts.serial = slices.Clone(ts.pages), s.serial
		for int(number) >= len(ts.pages) {
			ts.pages = append(ts.pages, nil)
		}
	}
	if ts.pages[number] == nil {
		ts.pages[number] = newPage(ts, number, false)
		ts.pages[number].serial = s.serial
	}
	p := s.write(ts, number)
	ts.committed, ts.touched = ts.pages, ts.touched[:0]
	return p
}

// Predict runs the game's OnInput for the replica's player as the server will at that tick. Data is as
// AppendInput writes it. A panic in game code is returned, and undoes every prediction.
func (r *Replica) Predict(tick uint64, data []byte) (err error) {
	s := r.state
	s.tick = tick
	r.predict()
	tx := &Tx{state: s, rand: s.inputRand, live: true, predicting: true, player: r.me}
	defer func() {
		tx.live = false
		if v := recover(); v != nil {
			r.Unpredict()
			err = &PanicError{Tick: tick, Callback: "OnInput", Player: r.me, Value: v, Stack: debug.Stack(), InARow: 1}
		}
	}()
	s.input.Seed(uint64(r.me), tick)
	s.making.begin(r.me)
	s.def.onInput(tx, r.me, data)
	return nil
}

// predict begins a layer above what the server has said.
func (r *Replica) predict() {
	if !r.predicted {
		r.state.begin()
		r.predicted = true
	}
}

// Unpredict drops every prediction: rows are as the server said last.
func (r *Replica) Unpredict() {
	if !r.predicted {
		return
	}
	r.predicted = false
	confirmed := r.state.players
	if at, ok := r.state.findPlayer(r.me); ok {
		confirmed = []player{{num: r.me, owned: r.confirmedOwned(confirmed[at].owned)}}
	}
	r.state.rollback(saved{players: confirmed})
	r.state.serial++
}

// confirmedOwned keeps the refs of rows that stand in the confirmed layer: predicted inserts go.
func (r *Replica) confirmedOwned(refs []uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(refs), func(rf uint32) bool {
		ts := &r.state.tables[rf>>schema.IndexBits]
		index := rf & (schema.MaxEntities - 1)
		n := int(index >> pageShift)
		return n >= len(ts.committed) || ts.committed[n] == nil || ts.committed[n].used>>(index&rowMask)&1 == 0
	})
}

// View returns the rows as they are now, predictions included. Later changes do not show in it.
func (r *Replica) View(tick uint64) *View {
	v := r.Glance(tick)
	r.state.serial++ // whoever writes next, copies
	return v
}

// Glance is a View that is good until the next change of the Replica: it costs no copy of the pages that change.
func (r *Replica) Glance(tick uint64) *View {
	s := r.state
	v := &View{Tick: tick, def: s.def, tables: make([]viewTable, len(s.tables)), players: s.players}
	for i := range s.tables {
		v.tables[i].pages = s.tables[i].pages
	}
	return v
}
