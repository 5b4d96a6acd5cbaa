package server

import (
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

const (
	// checksEvery is the least time between two messages that tell a client what became of its reports.
	checksEvery = 2 * time.Second
	// maxDivergences is how many divergences of a session are named, in the log and to the client; all are counted.
	maxDivergences = 16
)

// Divergence is a field, or a row, of a client's replica that is not as it should be.
type Divergence struct {
	Player world.Player
	// Tick is as of which the two were compared.
	Tick uint64
	// Table and Row name the entity; Field its field, "row" when it is missing or should not be there, "class" or
	// "generation" when that differs.
	Table, Row, Field string
	// Server and Client are the two values.
	Server, Client string
}

// checks is what became of a session's reports.
type checks struct {
	news bool // they have changed since the client was told
	protocol.Checks
	last time.Time // when the client was told
}

// check compares what a client reported with an acknowledgement, and names what differs.
func (s *session) check(a *ack, fresh bool) {
	var report replicate.Report
	if a.hasRow {
		report.Row = &a.row
	}
	if a.hasPage {
		report.Page = &a.page
	}
	if report == (replicate.Report{}) {
		return
	}
	report.Resends = max(0, int(s.resends.TokensAt(a.at)))
	found := s.replicate.Check(s.room.view.Load(), report, fresh)
	c := &s.checks
	c.Rows += uint64(found.Rows)
	c.Pages += uint64(found.Pages)
	c.Skipped += uint64(found.Skipped)
	c.news = c.news || found.Rows+found.Pages+found.Skipped+len(found.Diverged) > 0
	s.counters.checkedRows.Add(uint64(found.Rows))
	s.counters.checkedPages.Add(uint64(found.Pages))
	s.counters.unchecked.Add(uint64(found.Skipped))
	s.resends.AllowN(a.at, found.Resent)
	s.counters.resent.Add(uint64(found.Resent))
	s.counters.resendsRefused.Add(uint64(found.Unsent))
	if len(found.Diverged) > 0 {
		s.may(limitReports, 1, a.at)
	}
	for _, d := range found.Diverged {
		s.counters.diverged.Add(1)
		if c.Diverged++; c.Diverged > maxDivergences {
			continue
		}
		table := s.game.schema.Tables[d.Table].Name
		s.counters.firstDivergence.CompareAndSwap(nil, &Divergence{
			Player: s.player, Tick: d.Tick, Table: table, Row: d.ID.String(), Field: d.Field, Server: d.Server, Client: d.Client,
		})
		s.room.log.Error("a replica diverged", "player", s.player, "tick", d.Tick, "table", table, "row", d.ID.String(),
			"field", d.Field, "server", d.Server, "client", d.Client)
		s.post(protocol.AppendDiverged(nil, protocol.Diverged{
			Tick: d.Tick, Table: d.Table, Entity: d.ID, Field: d.Field, Server: d.Server, Client: d.Client,
		}))
	}
}

// tellChecks tells the client the totals, now and then when they have changed.
func (s *session) tellChecks(now time.Time) {
	c := &s.checks
	if !c.news || now.Sub(c.last) < checksEvery {
		return
	}
	c.news, c.last = false, now
	s.post(protocol.AppendChecks(nil, c.Checks), nil)
}
