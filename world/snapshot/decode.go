package snapshot

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// What a snapshot may hold. Numbers of rows' values and texts and their lengths have no limit of their own:
// a game's private fields have none. They all lie within the bytes that are there.
const (
	// MaxTables bounds the tables.
	MaxTables = schema.MaxTables
	// MaxPages bounds the pages of a table.
	MaxPages = schema.MaxEntities / pageRows
	// MaxRoomBytes bounds the room's random stream, which takes 20 bytes today.
	MaxRoomBytes = 255
)

// pageRows is the number of rows of a page.
const pageRows = len(world.PageState{}.Generations)

// The fewest bytes that one of them takes: an announced number must fit into the bytes that remain.
const (
	playerBytesMin = 1 + 3 + 2 + 3*9
	pageBytesMin   = 1 + 2 + 3 + pageRows + 1
)

// slabSize is how many small elements are allocated at a time.
const slabSize = 1024

// decoder builds a State. Rows' small slices are cut from slabs, so that a row is no allocation of its own.
type decoder struct {
	reader
	tick   uint32
	ticks  []uint32
	values []uint64
	texts  []string
}

// decodeState reads the state of a snapshot that Peek has accepted.
func decodeState(b []byte, info Info) (world.State, error) {
	d := decoder{reader: reader{b: b[:len(b)-checksumSize], at: stateAt}}
	st := d.state()
	st.Layout = info.Layout
	if d.err == nil && d.at != len(d.b) {
		d.failf("%d bytes stand between the state and the checksum", len(d.b)-d.at)
	}
	if err := d.failed(); err != nil {
		return world.State{}, err
	}
	return st, nil
}

func (d *decoder) state() (st world.State) {
	d.array("the state", stateElements)
	st.Tick = d.uint("the tick", math.MaxUint64)
	d.tick = uint32(st.Tick)
	st.TickPeriodNS = d.int("the tick period")
	st.Last = world.Player(d.uint("the last player's number", math.MaxUint32))
	st.Started = d.bool("whether the game has started")
	st.Room = append(st.Room, d.bin("the random stream", MaxRoomBytes)...)
	st.Players = d.players(st.Last)
	st.Tables = make([][]world.PageState, d.list("the tables", 1, MaxTables))
	for i := range st.Tables {
		n := d.list("a table's pages", pageBytesMin, uint64(MaxPages))
		if n == 0 {
			continue
		}
		st.Tables[i] = make([]world.PageState, n)
		for at := range st.Tables[i] {
			if d.page(&st.Tables[i][at]); d.err != nil {
				d.err = fmt.Errorf("table %d, page %d: %w", i, at, d.err)
				return st
			}
		}
	}
	return st
}

// players reads the players, whose numbers rise and were all given.
func (d *decoder) players(last world.Player) []world.Seat {
	n := d.list("the players", playerBytesMin, math.MaxUint32)
	if n == 0 {
		return nil
	}
	out := make([]world.Seat, 0, n)
	before := world.Player(0)
	for range n {
		d.array("a player", playerElements)
		s := world.Seat{
			Player: world.Player(d.uint("a player's number", uint64(last))),
			User:   d.short("a player's user", world.MaxUser),
			Role:   d.short("a player's role", world.MaxRole),
			Team:   world.TeamID(d.uint("a player's team", math.MaxUint16)),
			Rights: d.passed("a player's rights", d.tick),
			Pos:    world.Pos{X: d.float("a player's x"), Y: d.float("a player's y")},
			Radius: d.float("a player's radius"),
		}
		if d.err == nil && s.Player <= before {
			d.failf("player %d comes after player %d", s.Player, before)
		}
		if d.err != nil {
			return nil
		}
		before = s.Player
		out = append(out, s)
	}
	return out
}

func (d *decoder) page(p *world.PageState) {
	d.array("a page", pageElements)
	p.Used = d.uint("the used rows", math.MaxUint64)
	p.Changed = d.passed("a page's change", d.tick)
	d.array("the generations", pageRows)
	for row := range p.Generations {
		p.Generations[row] = uint16(d.uint("a generation", schema.MaxGeneration))
		if p.Used>>row&1 != 0 && p.Generations[row] == 0 {
			d.failf("row %d is used and has no generation", row)
		}
	}
	n := bits.OnesCount64(p.Used)
	d.array("the rows", n)
	if d.err != nil || n == 0 {
		return
	}
	p.Rows = make([]world.RowState, n)
	for i := range p.Rows {
		if d.row(&p.Rows[i]); d.err != nil {
			return
		}
	}
}

func (d *decoder) row(r *world.RowState) {
	d.array("a row", rowElements)
	r.Owner = world.Player(d.uint("a row's owner", math.MaxUint32))
	r.Team = world.TeamID(d.uint("a row's team", math.MaxUint16))
	if r.Weight = int(d.uint("a row's weight", world.MaxWeight)); r.Weight == 0 {
		d.failf("a row has no weight")
	}
	r.Dirty = d.passed("a row's change", d.tick)
	r.Rights = d.passed("a row's rights", r.Dirty)
	r.Columns = carve(&d.ticks, d.list("a row's columns", 1, schema.MaxColumns))
	for i := range r.Columns {
		r.Columns[i] = d.passed("a column's change", r.Dirty)
	}
	r.Base = carve(&d.ticks, d.list("a row's base", 1, schema.MaxColumns))
	for i := range r.Base {
		if i == 0 {
			r.Base[i] = d.passed("a base's tick", d.tick)
		} else {
			r.Base[i] = uint32(d.uint("a base's value", math.MaxUint32))
		}
	}
	r.Values = carve(&d.values, d.list("a row's values", 1, math.MaxUint32))
	for i := range r.Values {
		r.Values[i] = uint64(d.int("a value"))
	}
	r.Texts = carve(&d.texts, d.list("a row's texts", 1, math.MaxUint32))
	for i := range r.Texts {
		r.Texts[i] = d.text("a text")
	}
}

// short reads a text of at most so many bytes.
func (d *decoder) short(what string, most int) string {
	text := d.text(what)
	if d.err == nil && len(text) > most {
		d.failf("%s has %d bytes, at most %d are possible", what, len(text), most)
	}
	return text
}

// passed reads how many ticks before another one a tick was.
func (d *decoder) passed(what string, from uint32) uint32 {
	return from - uint32(d.uint(what, math.MaxUint32))
}

// carve cuts n elements from a slab; nil for none. The n has been compared with the bytes that are there.
func carve[T any](slab *[]T, n int) []T {
	if n == 0 {
		return nil
	}
	if len(*slab) < n {
		*slab = make([]T, max(n, slabSize))
	}
	out := (*slab)[:n:n]
	*slab = (*slab)[n:]
	return out
}
