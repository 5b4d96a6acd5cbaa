package replica

import (
	"math/bits"
	"math/rand/v2"

	"github.com/quicstep/quicstep/protocol"
)

// Report adds to an input datagram, after Ack, one row at random and which rows of one random page are here, for the
// server to compare. Without rows there is no report of one, and before the first no report at all.
func (r *Replica) Report(in *protocol.Input, chance *rand.Rand) {
	in.HasRow, in.HasPage = false, false
	pages := 0
	for i := range r.tables {
		pages += len(r.tables[i].pages)
	}
	if pages == 0 || !r.received {
		return
	}
	table, n := r.page(chance.IntN(pages))
	in.HasPage, in.Page = true, protocol.PageReport{Table: table, Page: uint32(n), Here: r.tables[table].pages[n].here()}
	from := chance.IntN(pages)
	for i := range pages {
		table, n := r.page((from + i) % pages)
		t := &r.tables[table]
		if here := t.pages[n].here(); here != 0 {
			for range chance.IntN(bits.OnesCount64(here)) {
				here &= here - 1
			}
			r.reportRow(in, table, n<<pageShift|bits.TrailingZeros64(here))
			return
		}
	}
}

// page finds one of the pages of all tables.
func (r *Replica) page(at int) (table, number int) {
	for table := range r.tables {
		if at < len(r.tables[table].pages) {
			return table, at
		}
		at -= len(r.tables[table].pages)
	}
	panic("replica: there is no such page")
}

func (r *Replica) reportRow(in *protocol.Input, table, index int) {
	row, _ := r.Get(table, uint32(index))
	t := r.schema.Tables[table]
	in.HasRow = true
	in.Row = protocol.RowReport{
		Table: table, Class: row.Class, Index: uint32(index), Generation: row.Generation, Tick: uint64(row.Tick),
		Columns: t.AppendRow(in.Row.Columns[:0], row.Class, t.FullMask(row.Class), row.Words, row.Texts),
	}
}

// here has a bit for each row of the page that is here.
func (p *registerPage) here() (mask uint64) {
	if p == nil {
		return 0
	}
	for i := range p.regs {
		if p.regs[i].state == here {
			mask |= 1 << i
		}
	}
	return mask
}
