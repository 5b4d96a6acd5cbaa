package replicate

import (
	"math/bits"
	"slices"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// Divergence is a row of a client's replica that is not as it should be.
type Divergence struct {
	// Tick is the tick at which the two were compared.
	Tick  uint64
	Table int
	// ID is the row's; of a page it has the index alone, and generation 0.
	ID schema.ID
	// Field is the field's name; "row" when the row itself is missing or too much, "class" or "generation" when that
	// differs.
	Field string
	// Server and Client are the two values, for people.
	Server, Client string
}

// Checked is what became of the reports of one datagram.
type Checked struct {
	// Rows and Pages were compared; Skipped could not be.
	Rows, Pages, Skipped int
	Diverged             []Divergence
	// Resent of these rows are told anew, or their removal is; Unsent are not, since Report.Resends was used up.
	Resent, Unsent int
}

// Report is what a client told of its replica, beside an acknowledgement.
type Report struct {
	Row  *protocol.RowReport // nil for none
	Page *protocol.PageReport
	// Resends is how many rows may be told anew for it. A client that lies gets no more.
	Resends int
}

// Check compares what a client reports of its replica with what it should have. It must follow the Ack of the same
// datagram; fresh is what that returned. The view may be any since the latest pass. What is wrong is told anew.
func (c *Client) Check(v *world.View, r Report, fresh bool) (out Checked) {
	if r.Row != nil {
		c.checkRow(v, r.Row, fresh, &out)
	}
	switch {
	case r.Page == nil:
	case fresh:
		c.checkPage(r.Page, &out)
	default:
		out.Skipped++
	}
	for _, d := range out.Diverged {
		if out.Resent < r.Resends && c.tellAgain(&c.tables[d.Table], d.ID.Index()) {
			out.Resent++
		} else {
			out.Unsent++
		}
	}
	return out
}

// removalsMax is how many removals of a table may wait for their acknowledgement for another to be made because of a report:
// a client could say that it has any row, and acknowledge nothing.
const removalsMax = 64

// tellAgain begins anew with a row of which the client's replica is wrong: as if it came into sight in the next pass, or
// went out of it in the latest one. It tells whether it does.
func (c *Client) tellAgain(s *sight, index uint32) bool {
	at, ok := s.find(index)
	switch {
	case ok && !s.entries[at].gone():
		s.entries[at].key |= flagAgain
		clear(s.clean)
		s.anyClean, s.ownClean = false, 0
		return true
	case ok && s.entries[at].key&flagDead == 0:
		return true // its removal is under way
	case s.goners >= removalsMax:
		return false
	case !ok:
		s.entries = slices.Insert(s.entries, at, entry{})
	}
	s.entries[at] = entry{key: index | flagGone | flagTold, since: c.tick}
	s.goners++
	return true
}

// checkRow compares one row with the server's at its register's tick, when the client sees it in the same way since then
// or before.
func (c *Client) checkRow(v *world.View, r *protocol.RowReport, fresh bool, out *Checked) {
	table := &c.tables[r.Table]
	at, ok := table.find(r.Index)
	near := v.Tick
	if ok && table.entries[at].known != 0 { // the row may have rested for longer than the short tick tells apart
		near = uint64(table.entries[at].known)
	}
	tick := protocol.Widen(uint16(r.Tick), near)
	d := Divergence{Tick: tick, Table: r.Table, ID: schema.MakeID(r.Index, r.Generation)}
	if !ok && fresh {
		d.Field, d.Server, d.Client = "row", "not in sight", "here"
		out.Rows++
		out.Diverged = append(out.Diverged, d)
		return
	}
	page, row := c.pageThen(v, r, tick)
	if !ok || page == nil || table.entries[at].gone() || table.entries[at].since > uint32(tick) || !c.rightsPassed(v, r) {
		out.Skipped++
		return
	}
	out.Rows++
	seat, _ := v.Seat(c.player)
	switch class := page.Class(row, c.player, seat.Team); {
	case class != r.Class:
		d.Field, d.Server, d.Client = "class", class.String(), r.Class.String()
	case page.Generation(row) != r.Generation:
		now := schema.MakeID(r.Index, page.Generation(row))
		d.Field, d.Server, d.Client = "generation", now.String(), d.ID.String()
	case !c.compare(page, row, r, &d):
	default:
		return
	}
	out.Diverged = append(out.Diverged, d)
}

// pageThen finds the row as it was at a tick: in the history, or as it is now when it has not changed since.
func (c *Client) pageThen(v *world.View, r *protocol.RowReport, tick uint64) (*world.Page, int) {
	n, row := int(r.Index>>6), int(r.Index&63)
	if past, ok := v.At(tick); ok {
		if pages := past.Pages(r.Table); n < len(pages) && pages[n] != nil && pages[n].Used()>>row&1 != 0 {
			return pages[n], row
		}
	}
	pages := v.Pages(r.Table)
	if n >= len(pages) || pages[n].Used()>>row&1 == 0 || uint64(pages[n].Dirty(row, c.player)) > tick {
		return nil, 0
	}
	return pages[n], row
}

// rightsPassed tells whether the latest pass knew the row and the player's rights to it as they are now: what changed
// since, the client can't know, and its entry does not tell.
func (c *Client) rightsPassed(v *world.View, r *protocol.RowReport) bool {
	seat, ok := v.Seat(c.player)
	pages, n, row := v.Pages(r.Table), int(r.Index>>6), int(r.Index&63)
	passed := uint32(c.lastPass)
	return ok && seat.Rights <= passed && n < len(pages) && pages[n].Used()>>row&1 != 0 && pages[n].Rights(row) <= passed
}

// compare tells whether the reported columns are the server's; if not, it names the first field that differs.
func (c *Client) compare(page *world.Page, row int, r *protocol.RowReport, d *Divergence) (same bool) {
	t := c.schema.Tables[r.Table]
	var words [schema.MaxColumns]uint32
	texts := make([]string, t.Texts)
	if _, err := t.ParseRow(r.Columns, r.Class, t.FullMask(r.Class), words[:], texts); err != nil {
		d.Field, d.Server, d.Client = "row", "here", err.Error()
		return false
	}
	wantWords, wantTexts := page.Words(row), page.Texts(row)
	for _, first := range t.ClassColumns(r.Class) {
		for at := first; at < t.Until(first); at++ {
			column := &t.Columns[at]
			same := (words[at]^wantWords[at])&(1<<column.Bits-1) == 0 // of a base's tick only those bits travel
			if column.IsText() {
				same = texts[column.TextAt] == wantTexts[column.TextAt]
			}
			if same {
				continue
			}
			d.Field = t.Fields[column.Field].Name
			d.Server, d.Client = t.ValueText(at, wantWords, wantTexts), t.ValueText(at, words[:], texts)
			return false
		}
	}
	return true
}

// checkPage tells whether every row of a page that the client must have is here, and none that it can't have.
func (c *Client) checkPage(r *protocol.PageReport, out *Checked) {
	out.Pages++
	first := r.Page << 6
	table := &c.tables[r.Table]
	at, _ := table.find(first)
	extra := r.Here
	wrong := func(index uint32, server, client string) {
		out.Diverged = append(out.Diverged, Divergence{
			Tick: c.lastPass, Table: r.Table, ID: schema.MakeID(index, 0), Field: "row", Server: server, Client: client,
		})
	}
	for ; at < len(table.entries) && table.entries[at].index() < first+64; at++ {
		e := &table.entries[at]
		bit := e.index() - first
		if e.gone() && e.key&flagDead != 0 {
			continue // its removal is acknowledged: it must not be here
		}
		extra &^= 1 << bit
		if !e.gone() && e.known != 0 && r.Here>>bit&1 == 0 {
			wrong(e.index(), "in sight", "missing")
		}
	}
	for ; extra != 0; extra &= extra - 1 {
		index := first + uint32(bits.TrailingZeros64(extra))
		wrong(index, "not in sight", "here")
	}
}
