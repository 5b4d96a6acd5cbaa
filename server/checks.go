package server

import (
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
)

const (
	// checksEvery is the least time between two messages that tell a client what became of its reports.
	checksEvery = 2 * time.Second
	// maxDivergences is how many divergences of a session are named, in the log and to the client; all are counted.
	maxDivergences = 16
)

// checks is what became of a session's reports.
type checks struct {
	protocol.Checks
	told protocol.Checks
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
	found := s.replicate.Check(s.room.view.Load(), report, fresh)
	c := &s.checks
	c.Rows += uint64(found.Rows)
	c.Pages += uint64(found.Pages)
	c.Skipped += uint64(found.Skipped)
	s.counters.checkedRows.Add(uint64(found.Rows))
	s.counters.checkedPages.Add(uint64(found.Pages))
	s.counters.unchecked.Add(uint64(found.Skipped))
	for _, d := range found.Diverged {
		s.counters.diverged.Add(1)
		if c.Diverged++; c.Diverged > maxDivergences {
			continue
		}
		table := s.game.schema.Tables[d.Table].Name
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
	if c.Checks == c.told || now.Sub(c.last) < checksEvery {
		return
	}
	c.told, c.last = c.Checks, now
	s.post(protocol.AppendChecks(nil, c.Checks), nil)
}
