package main

import (
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
	"github.com/quicstep/quicstep/clients/bots"
	"github.com/quicstep/quicstep/protocol"
)

// outcome is everything that was measured; it is written as JSON.
type outcome struct {
	Machine  measure.Machine
	Settings settings
	Begun    time.Time
	Cells    []cellOutcome
	Networks []networkOutcome
	Own      []ownOutcome
	Fastest  pace // of any run; zero when none is known
	Again    int  // runs that were made again, since a core was slowed
}

// cellOutcome is what the rounds of a cell gave.
type cellOutcome struct {
	Cell   cell
	Rounds []round
	Failed []string // why rounds are missing
	slowed bool     // too few were even, so that all of them are here
}

// round is quicstep, the floor and the world alone, one after the other.
type round struct {
	Quicstep, Floor measured
	// AloneUS is the processor time of the world alone, in microseconds per client and tick; AloneLateMS by how many
	// milliseconds 99 % of its ticks were late at most.
	AloneUS, AloneLateMS float64
	AlonePace            pace
}

// measured is one run of a server with its load. Times are in microseconds per client and tick, shares from 0 to 1.
type measured struct {
	CPUUS, LoadUS        float64
	ResidentKB           float64 // per client, above that of the server without any
	Allocs               float64 // per client and tick
	Skipped              uint64  // ticks
	ServerIdle, LoadIdle float64
	Stolen               float64
	Others               float64 // of either core, the larger one: what other programs took
	Pace                 pace
	Report               *bots.Report // the load's
}

// over is a figure's spread over the rounds.
func (c cellOutcome) over(of func(round) float64) measure.Spread {
	values := make([]float64, len(c.Rounds))
	for i, r := range c.Rounds {
		values[i] = of(r)
	}
	return measure.SpreadOf(values)
}

// ratio is how often the floor's cost that of quicstep above the world's own is; zero when the floor's is not known.
func (r round) ratio() float64 {
	if r.Floor.CPUUS <= 0 {
		return 0
	}
	return (r.Quicstep.CPUUS - r.AloneUS) / r.Floor.CPUUS
}

// saturated tells whether a core had nothing left in the median of any kind of run.
func (c cellOutcome) saturated() bool {
	for _, idle := range []func(round) float64{
		func(r round) float64 { return r.Quicstep.ServerIdle }, func(r round) float64 { return r.Quicstep.LoadIdle },
		func(r round) float64 { return r.Floor.ServerIdle }, func(r round) float64 { return r.Floor.LoadIdle },
	} {
		if c.over(idle).Median < measure.SaturatedIdle {
			return true
		}
	}
	return false
}

// server is what quicstep's server says of itself.
func (r round) server() bots.ServerReport {
	if s := r.Quicstep.Report.Server; s != nil {
		return *s
	}
	return bots.ServerReport{}
}

// split is what came down to a client, in bytes per second of UDP payload.
type split struct{ Records, Headers, QUIC float64 }

func (m measured) split() split {
	r := m.Report
	if r.Server == nil {
		return split{}
	}
	headers := r.Server.DatagramsPerClientTick * protocol.StateHeaderBytes * r.TickHz
	datagrams := r.Server.DatagramBytesPerClientTick * r.TickHz
	return split{Records: datagrams - headers, Headers: headers, QUIC: r.BytesPerClientS.Down - datagrams}
}

// headerBytes are UDP's and IPv4's.
const headerBytes = 28

// wireBytes is what an update of one entity takes on the wire, with all headers; zero when none came.
func (m measured) wireBytes() float64 {
	r := m.Report
	if r.BytesPerClientS.Down <= 0 {
		return 0
	}
	all := r.BytesPerClientS.Down + headerBytes*r.PacketsPerClientTick.Down*r.TickHz
	return r.BytesPerEntityUpdate * all / r.BytesPerClientS.Down
}

// lacking is why it may not replace what is published; empty when it may.
func (o *outcome) lacking() string {
	if !o.Machine.Pinned {
		return "processes were not pinned"
	}
	even := o.even()
	for _, c := range even.Cells {
		switch {
		case len(c.Rounds) == 0:
			return c.Cell.String() + " failed"
		case c.slowed:
			return c.Cell.String() + " ran on slowed cores"
		}
	}
	for _, n := range o.Networks {
		if len(n.Rounds) == 0 {
			return "the network " + n.Network.Name + " failed"
		}
	}
	for _, n := range even.Own {
		switch {
		case len(n.Rounds) == 0:
			return "the profiles of " + n.Cell.String() + " failed"
		case n.slowed:
			return "the profiles of " + n.Cell.String() + " were taken on slowed cores"
		}
	}
	return o.Settings.left()
}
