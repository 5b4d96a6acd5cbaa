package replica

import (
	"iter"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

const (
	pageShift = 6
	pageRows  = 1 << pageShift
	pageMask  = pageRows - 1
)

// regState is what a register says of an entity.
type regState uint8

const (
	unknown regState = iota
	here
	gone
)

// register is what is known of one index: whether its entity is here or gone, and as of which tick.
type register struct {
	tick  uint32
	gen   uint16
	class schema.Class
	state regState
}

// registers are those of one table, in pages of 64 made at first use.
type registers struct {
	width int // columns of a row
	texts int
	pages []*registerPage
}

type registerPage struct {
	regs  [pageRows]register
	words []uint32
	texts []string
	makes map[int]Made // of own rows that an input has made; nil for none
}

// made notes by which input the row of a full record was made.
func (p *registerPage) made(row int, rec *protocol.Record, tick uint32) {
	if rec.Insert == 0 {
		delete(p.makes, row)
		return
	}
	if p.makes == nil {
		p.makes = make(map[int]Made)
	}
	p.makes[row] = Made{Tick: tick - min(rec.Age, tick), Insert: rec.Insert}
}

// at returns the register of an index below schema.MaxEntities.
func (t *registers) at(index uint32) (*register, *registerPage) {
	n := int(index >> pageShift)
	for n >= len(t.pages) {
		t.pages = append(t.pages, nil)
	}
	if t.pages[n] == nil {
		t.pages[n] = &registerPage{words: make([]uint32, pageRows*t.width), texts: make([]string, pageRows*t.texts)}
	}
	return &t.pages[n].regs[index&pageMask], t.pages[n]
}

// row returns a row's columns and texts.
func (p *registerPage) row(t *registers, row int) ([]uint32, []string) {
	return p.words[row*t.width : (row+1)*t.width : (row+1)*t.width], p.texts[row*t.texts : (row+1)*t.texts : (row+1)*t.texts]
}

// Get returns an entity; ok is false when none is here at that index.
func (r *Replica) Get(table int, index uint32) (row Row, ok bool) {
	t := &r.tables[table]
	n := int(index >> pageShift)
	if n >= len(t.pages) || t.pages[n] == nil {
		return Row{}, false
	}
	return t.pages[n].get(t, int(index&pageMask))
}

func (p *registerPage) get(t *registers, row int) (Row, bool) {
	reg := &p.regs[row]
	if reg.state != here {
		return Row{}, false
	}
	words, texts := p.row(t, row)
	return Row{Generation: reg.gen, Class: reg.class, Tick: reg.tick, Made: p.makes[row], Words: words, Texts: texts}, true
}

// All iterates over the entities of a table that are here, in the order of their indexes.
func (r *Replica) All(table int) iter.Seq2[uint32, Row] {
	return func(yield func(uint32, Row) bool) {
		t := &r.tables[table]
		for n, p := range t.pages {
			if p == nil {
				continue
			}
			for i := range pageRows {
				if row, ok := p.get(t, i); ok && !yield(uint32(n<<pageShift|i), row) {
					return
				}
			}
		}
	}
}
