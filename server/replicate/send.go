package replicate

import (
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// waited is the score of an entry for the ticks since it was sent, or came into sight.
func (w *walk) waited(e entry) int32 {
	return int32(min(w.tick-max(e.sent, e.since), scoreWaitMax)) * scoreTick
}

// isDue tells whether an entity that the client lacks something of should be sent in this tick, and how urgent
// that is. Own rows always are: the client reconciles at ticks whose own rows are complete.
func (w *walk) isDue(e entry, p *world.Page, row int, class schema.Class) (score int32, due bool) {
	score = w.waited(e)
	if e.sent == 0 {
		near, _ := w.distance(p, row, class)
		return score + scoreNew + near, true
	}
	if class == schema.Own || w.again {
		return score, true
	}
	if e.sent >= p.Dirty(row, w.player) {
		return score, w.tick-e.sent >= w.pace.ackTicks() // sent as it is, not acknowledged yet
	}
	if w.cfg.SteadyRate {
		return score, true
	}
	_, period := w.distance(p, row, class)
	if w.breach&BreachRate != 0 {
		return score, (w.tick+e.index())%period == 0
	}
	// Periods are counted from the entry, shifted by the index so that those that came together do not fall due
	// together; due is what was not sent since the latest began. (Due at its first tick alone would starve a
	// client that is served every second tick.)
	return score, (w.tick-e.since+e.index())/period != (e.sent-e.since+e.index())/period
}

// distance returns how near a row is, from 0 at the radius to scoreTick, and its period in ticks.
func (w *walk) distance(p *world.Page, row int, class schema.Class) (near int32, period uint32) {
	if !w.positioned || class == schema.Own || w.sight.at.R == 0 {
		return scoreTick, 1
	}
	return w.sight.nearness(p.Place(row))
}

// nearness is what distance returns for a place.
func (s *sight) nearness(place world.Place) (near int32, period uint32) {
	dx, dy := int64(place.X)-s.at.X, int64(place.Y)-s.at.Y
	d, full := dx*dx+dy*dy, s.at.R*s.at.R
	near = int32(max(0, scoreTick-d*scoreTick/full))
	switch {
	case 4*d <= full:
		return near, 1
	case 16*d <= 9*full:
		return near, 2
	}
	return near, ratePeriodMax
}

// ratePeriodMax is the period, in ticks, of what is farthest.
const ratePeriodMax = 4

// fill encodes what is due into datagrams: own rows first, then the rest as far as the budget goes.
func (c *Client) fill(p Pass, s *Scratch, budget, most int) {
	if most > 0 { // what is least urgent must not take the place of what is most
		budget = min(budget, most*(c.cfg.DatagramBytes-protocol.StateHeaderBytes-protocol.SectionBytes))
	}
	events := c.eventBytes(budget)
	c.choose(s, budget-events)
	f := filler{Client: c, Scratch: s, most: most, header: protocol.StateHeader{
		Epoch: c.epoch, Tick: p.View.Tick, ViewComplete: c.complete,
		HasInput: p.HasInput, InputTick: p.InputTick, Margin: p.Margin,
	}}
	f.open()
	if f.class(schema.Own) {
		s.buf[f.current().from+flagsAt] |= ownCompleteBit
	}
	if events > 0 {
		f.happened(events)
	}
	f.class(schema.Team)
	f.class(schema.Public)
	f.close()
	for i := range s.datagrams {
		d := &s.datagrams[i]
		d.Bytes, d.carries = s.buf[d.from:d.to:d.to], s.carried[d.carried:d.until]
	}
}

const (
	flagsAt        = 6 // of the flags in a header
	ownCompleteBit = 1
)

// filler writes chosen records into datagrams.
type filler struct {
	*Client
	*Scratch
	header protocol.StateHeader
	most   int // datagrams; zero for as many as it takes
	full   bool
	limit  int // the length of buf at which the current datagram is full

	// The current section.
	wire     *schema.Table
	table    uint8
	form     form
	wideMask bool
	head     int // where its head is
	count    int // its records; zero: no section is open
	last     uint32
}

func (f *filler) current() *Datagram { return &f.datagrams[len(f.datagrams)-1] }

func (f *filler) open() {
	f.header.Sequence = f.nextSeq + uint64(len(f.datagrams))
	f.datagrams = append(f.datagrams, Datagram{Sequence: f.header.Sequence, from: len(f.buf), carried: len(f.carried)})
	f.limit = len(f.buf) + f.cfg.DatagramBytes
	f.buf = protocol.AppendStateHeader(f.buf, f.header)
	f.count = 0
}

func (f *filler) close() {
	f.endSection()
	d := f.current()
	d.to, d.until = len(f.buf), len(f.carried)
}

func (f *filler) endSection() {
	if f.count > 0 {
		protocol.CountSection(f.buf, f.head, f.count)
		of := int(f.table)
		if f.form.kind() == protocol.Happened {
			of = len(f.sectionBytes) - 1
		}
		f.sectionBytes[of].Add(uint64(len(f.buf) - f.head))
	}
	f.count = 0
}

// class writes everything chosen of one class, a section per table and kind, and tells whether all that is due
// of it went into the current datagram.
func (f *filler) class(class schema.Class) (complete bool) {
	datagrams := len(f.datagrams)
	for rest := f.due; len(rest) > 0 && f.classDue[class] > 0; {
		n := 1
		for n < len(rest) && rest[n].table == rest[0].table {
			n++
		}
		for kind := protocol.Partial; kind <= protocol.Removed; kind++ {
			if f.kindsDue&(1<<kind) != 0 {
				f.records(rest[:n], formOf(class, kind))
			}
		}
		rest = rest[n:]
	}
	return f.classDue[class] == 0 && len(f.datagrams) == datagrams
}

// records writes those of some chosen records of one table that have a form.
func (f *filler) records(records []record, want form) {
	for i := range records {
		if r := &records[i]; r.form == want && !f.full {
			f.record(r)
		}
	}
}

// record writes one record, into a new datagram when the current one has no room for it.
func (f *filler) record(r *record) {
	for {
		mark := len(f.buf)
		if f.count == 0 || f.form != r.form || f.table != r.table || f.count == protocol.SectionRecords {
			f.openSection(r)
		}
		f.append(r)
		if len(f.buf) <= f.limit {
			f.count++
			f.classDue[r.form.class()]--
			return
		}
		f.buf, f.carried = f.buf[:mark], f.carried[:len(f.carried)-1]
		if f.next(); f.full {
			return
		}
	}
}

// next goes on in a new datagram, unless there may be none.
func (f *filler) next() {
	f.close()
	if f.full = f.most != 0 && len(f.datagrams) == f.most; !f.full {
		f.open()
	}
}

func (f *filler) openSection(r *record) {
	f.endSection()
	f.wire = f.tables[r.table].wire
	f.head, f.form, f.table, f.last = len(f.buf), r.form, r.table, 0
	f.wideMask = f.wire.WideMask(r.form.class())
	f.buf = protocol.AppendSection(f.buf, protocol.Section{Table: int(r.table), Class: r.form.class(), Kind: r.form.kind()})
}

func (f *filler) append(r *record) {
	gap, row, class := r.index-f.last, int(r.index&63), r.form.class()
	switch r.form.kind() {
	case protocol.Removed:
		f.buf = protocol.AppendRemoved(f.buf, gap, min(f.tick-f.tables[f.table].entries[r.at].since, protocol.MaxRemovalAge))
	case protocol.Full:
		if f.buf = protocol.AppendFull(f.buf, gap, r.page.Generation(row)); class == schema.Own {
			origin := r.page.Origin(row)
			f.buf = protocol.AppendOrigin(f.buf, origin.Insert, f.tick-origin.Tick)
		}
		f.buf = f.wire.AppendRow(f.buf, class, r.mask, r.page.Words(row), r.page.Texts(row))
	default:
		f.buf = protocol.AppendPartial(f.buf, gap, r.mask, f.wideMask)
		f.buf = f.wire.AppendRow(f.buf, class, r.mask, r.page.Words(row), r.page.Texts(row))
	}
	f.last = r.index
	f.carried = append(f.carried, carried{ref: uint32(r.table)<<schema.IndexBits | r.index, at: r.at})
}
