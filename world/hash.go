package world

import (
	"math"
	"math/bits"
	"reflect"
	"unsafe"
)

// sum is an FNV-1a sum over 64-bit words, with a rotation so that high bits count too.
type sum uint64

const sumStart sum = 14695981039346656037

func (h sum) add(v uint64) sum {
	return sum(bits.RotateLeft64((uint64(h)^v)*1099511628211, 29))
}

func (h sum) text(s string) sum {
	h = h.add(uint64(len(s)))
	for i := range len(s) {
		h = h.add(uint64(s[i]))
	}
	return h
}

// Hash is the sum of everything that the next step reads: rows with their exact values, bases and dirty ticks,
// the allocator's generations, owners, teams, weights, players, views and the room's random stream; but not the tick
// number and the time between ticks. Two worlds with the same hash go on alike. Pages keep their own sums, so a tick in
// which little changed costs little.
func (v *View) Hash() uint64 {
	h := sumStart
	for i := range v.tables {
		h = h.add(uint64(len(v.tables[i].pages)))
		for _, p := range v.tables[i].pages {
			h = h.add(p.hash(v.def.tables[i]))
		}
	}
	for i := range v.players {
		p := &v.players[i]
		h = h.add(uint64(p.num)).add(uint64(p.team)).add(uint64(p.rights)).text(p.user).text(p.role)
		for _, f := range [...]float64{p.pos.X, p.pos.Y, p.radius} {
			h = h.add(math.Float64bits(f))
		}
	}
	h = h.add(uint64(v.last)).text(string(v.room))
	if v.started {
		h = h.add(1)
	}
	return uint64(h)
}

// hash is the page's sum; computed once, since a committed page is immutable.
func (p *Page) hash(t *table) uint64 {
	if h := p.sum.Load(); h != 0 {
		return h
	}
	h := sumStart.add(p.used)
	for row := range pageRows {
		m := &p.meta[row]
		h = h.add(uint64(m.gen))
		if p.used>>row&1 == 0 {
			continue
		}
		h = h.add(uint64(m.dirty)<<32 | uint64(m.rights)).add(uint64(m.own))
		h = h.add(uint64(m.owner)<<32 | uint64(p.heavy[row])<<16 | uint64(m.team))
		for _, tick := range p.ColumnsDirty(row) {
			h = h.add(uint64(tick))
		}
		if p.motion != nil {
			for _, w := range p.motion.Base(p.Words(row)) {
				h = h.add(uint64(w))
			}
		}
		h = t.bind.hash(h, p.row(t, row))
	}
	p.sum.Store(uint64(h))
	return uint64(h)
}

func (b *binding) hash(h sum, row unsafe.Pointer) sum {
	for i := range b.leaves {
		l := &b.leaves[i]
		if l.kind == reflect.String {
			h = h.text(*(*string)(unsafe.Add(row, l.offset)))
			continue
		}
		h = h.add(l.raw(row))
	}
	return h
}
