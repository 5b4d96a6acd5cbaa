package main

// tables are the document's, in order.
var tables = []table{
	{
		title: "Processor time",
		says: "In microseconds per client and tick. The ratio is (quicstep − the world alone) / floor. Idle is the share of the server's and\n" +
			"of the load's core, in per cent.",
		columns: []column{
			{head: "quicstep", of: func(r round) float64 { return r.Quicstep.CPUUS }, digits: 1, spread: true},
			{head: "the world alone", of: func(r round) float64 { return r.AloneUS }, digits: 1, spread: true},
			{head: "floor", of: func(r round) float64 { return r.Floor.CPUUS }, digits: 1, spread: true},
			{head: "ratio", of: round.ratio, digits: 2, spread: true},
			{head: "quicstep: server idle", of: func(r round) float64 { return 100 * r.Quicstep.ServerIdle }},
			{head: "load idle", of: func(r round) float64 { return 100 * r.Quicstep.LoadIdle }},
			{head: "floor: server idle", of: func(r round) float64 { return 100 * r.Floor.ServerIdle }},
			{head: "load idle", of: func(r round) float64 { return 100 * r.Floor.LoadIdle }},
		},
	},
	{
		title: "Latency and updates",
		says:  "Latency and the time between two updates in milliseconds; updates per client and second.",
		columns: []column{
			{head: "quicstep p50", of: func(r round) float64 { return r.Quicstep.Report.LatencyMS.P50 }, digits: 1},
			{head: "p99", of: func(r round) float64 { return r.Quicstep.Report.LatencyMS.P99 }, digits: 1, spread: true},
			{head: "floor p50", of: func(r round) float64 { return r.Floor.Report.LatencyMS.P50 }, digits: 1},
			{head: "p99", of: func(r round) float64 { return r.Floor.Report.LatencyMS.P99 }, digits: 1, spread: true},
			{head: "quicstep updates", of: func(r round) float64 { return r.Quicstep.Report.Updates.PerClientPerS }, digits: 2},
			{head: "between p99", of: func(r round) float64 { return r.Quicstep.Report.Updates.IntervalMS.P99 }, digits: 1},
			{head: "floor updates", of: func(r round) float64 { return r.Floor.Report.Updates.PerClientPerS }, digits: 2},
			{head: "between p99", of: func(r round) float64 { return r.Floor.Report.Updates.IntervalMS.P99 }, digits: 1},
		},
	},
	{
		title: "Bytes",
		says: "Per client and second, UDP payload. What comes down is records, the headers of state datagrams (10 bytes each), and what QUIC adds.\n" +
			"The last two are bytes per update of one entity: payload, and all that is on the wire with UDP's and IPv4's headers (28 bytes a packet).",
		columns: []column{
			{head: "down", of: func(r round) float64 { return r.Quicstep.Report.BytesPerClientS.Down }, spread: true},
			{head: "records", of: func(r round) float64 { return r.Quicstep.split().Records }},
			{head: "headers", of: func(r round) float64 { return r.Quicstep.split().Headers }},
			{head: "QUIC", of: func(r round) float64 { return r.Quicstep.split().QUIC }},
			{head: "up", of: func(r round) float64 { return r.Quicstep.Report.BytesPerClientS.Up }},
			{head: "floor down", of: func(r round) float64 { return r.Floor.Report.BytesPerClientS.Down }},
			{head: "floor up", of: func(r round) float64 { return r.Floor.Report.BytesPerClientS.Up }},
			{head: "rows in sight", of: func(r round) float64 { return r.Quicstep.Report.EntitiesVisible.Mean }, digits: 1},
			{head: "payload per update", of: func(r round) float64 { return r.Quicstep.Report.BytesPerEntityUpdate }, digits: 2},
			{head: "on the wire", of: func(r round) float64 { return r.Quicstep.wireBytes() }, digits: 2},
		},
	},
	{
		title: "Packets",
		says:  "Per client and tick.",
		columns: []column{
			{head: "quicstep down", of: func(r round) float64 { return r.Quicstep.Report.PacketsPerClientTick.Down }, digits: 2, spread: true},
			{head: "up", of: func(r round) float64 { return r.Quicstep.Report.PacketsPerClientTick.Up }, digits: 2, spread: true},
			{head: "state datagrams", of: func(r round) float64 { return r.server().DatagramsPerClientTick }, digits: 2},
			{head: "input datagrams", of: func(r round) float64 { return r.Quicstep.Report.Inputs.PerClientTick }, digits: 2},
			{head: "floor down", of: func(r round) float64 { return r.Floor.Report.PacketsPerClientTick.Down }, digits: 2, spread: true},
			{head: "up", of: func(r round) float64 { return r.Floor.Report.PacketsPerClientTick.Up }, digits: 2, spread: true},
			{head: "input datagrams", of: func(r round) float64 { return r.Floor.Report.Inputs.PerClientTick }, digits: 2},
		},
	},
	{
		title: "Ticks, memory, allocations",
		says: "Phases of quicstep's tick in microseconds, on average: taking the inputs, the step with its commit, handing on. In milliseconds,\n" +
			"what a tick took, how late it began, and how late it began in the world alone. Overruns are quicstep's ticks that were still under\n" +
			"way when the next was due, in a run; skipped ticks are the floor's. Memory in KiB per client; allocations are objects per client\n" +
			"and tick, in the whole process.",
		columns: []column{
			{head: "inputs", of: func(r round) float64 { return r.server().PhaseUS.Drain }},
			{head: "step", of: func(r round) float64 { return r.server().PhaseUS.Step }},
			{head: "hand on", of: func(r round) float64 { return r.server().PhaseUS.Publish }},
			{head: "tick p50", of: func(r round) float64 { return r.server().TickMS.P50 }, digits: 2},
			{head: "p99", of: func(r round) float64 { return r.server().TickMS.P99 }, digits: 2, spread: true},
			{head: "late p99", of: func(r round) float64 { return r.server().LateMS.P99 }, digits: 2, spread: true},
			{head: "the world alone", of: func(r round) float64 { return r.AloneLateMS }, digits: 2, spread: true},
			{head: "overruns", of: func(r round) float64 { return float64(r.Quicstep.Skipped) }},
			{head: "floor skipped", of: func(r round) float64 { return float64(r.Floor.Skipped) }},
			{head: "quicstep memory", of: func(r round) float64 { return r.Quicstep.ResidentKB }},
			{head: "floor memory", of: func(r round) float64 { return r.Floor.ResidentKB }},
			{head: "quicstep allocations", of: func(r round) float64 { return r.Quicstep.Allocs }, digits: 1},
			{head: "floor allocations", of: func(r round) float64 { return r.Floor.Allocs }, digits: 1},
		},
	},
}
