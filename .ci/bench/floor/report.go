package main

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// report has the names of the bots' report, as far as there is something to say.
type report struct {
	Begun                string        `json:"begun"`
	DurationS            float64       `json:"duration_s"`
	TickHz               float64       `json:"tick_hz"`
	Clients              clientsReport `json:"clients"`
	Updates              updatesReport `json:"updates"`
	LatencyMS            spread        `json:"latency_ms"`
	BytesPerClientS      traffic       `json:"bytes_per_client_s"`
	PacketsPerClientTick traffic       `json:"packets_per_client_tick"`
	Inputs               inputsReport  `json:"inputs"`
}

type clientsReport struct {
	Asked  int `json:"asked"`
	Joined int `json:"joined"`
}

type updatesReport struct {
	PerClientPerS float64 `json:"per_client_per_s"`
	IntervalMS    spread  `json:"interval_ms"`
}

type inputsReport struct {
	PerClientTick float64 `json:"per_client_tick"`
	MeanBytes     float64 `json:"mean_bytes"`
}

type traffic struct {
	Down float64 `json:"down"`
	Up   float64 `json:"up"`
}

// spread is of times, in milliseconds.
type spread struct {
	Samples int64   `json:"samples"`
	P50     float64 `json:"p50"`
	P90     float64 `json:"p90"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
}

func spreadOf(h *hdrhistogram.Histogram) spread {
	at := func(percent float64) float64 { return float64(h.ValueAtPercentile(percent)) / 1000 }
	return spread{Samples: h.TotalCount(), P50: at(50), P90: at(90), P99: at(99), Max: at(100)}
}

// totals are what all clients have sent and received.
type totals struct{ updates, inputs, sentBytes, receivedBytes, sentPackets, receivedPackets uint64 }

func (l *loader) totals() (t totals) {
	for _, p := range l.players {
		q := p.conn.ConnectionStats()
		t.updates += p.updates.Load()
		t.inputs += p.inputs.Load()
		t.sentBytes += q.BytesSent
		t.receivedBytes += q.BytesReceived
		t.sentPackets += q.PacketsSent
		t.receivedPackets += q.PacketsReceived
	}
	return t
}

func (t totals) since(then totals) totals {
	return totals{
		t.updates - then.updates, t.inputs - then.inputs, t.sentBytes - then.sentBytes, t.receivedBytes - then.receivedBytes,
		t.sentPackets - then.sentPackets, t.receivedPackets - then.receivedPackets,
	}
}

func (l *loader) report(begun time.Time, took time.Duration, t totals) *report {
	seconds := took.Seconds() * float64(len(l.players))
	ticks := seconds * float64(l.hz)
	l.mu.Lock()
	defer l.mu.Unlock()
	return &report{
		Begun: begun.UTC().Format(time.RFC3339Nano), DurationS: took.Seconds(), TickHz: float64(l.hz),
		Clients:              clientsReport{Asked: len(l.players), Joined: len(l.players)},
		Updates:              updatesReport{PerClientPerS: float64(t.updates) / seconds, IntervalMS: spreadOf(l.interval)},
		LatencyMS:            spreadOf(l.latency),
		BytesPerClientS:      traffic{Down: float64(t.receivedBytes) / seconds, Up: float64(t.sentBytes) / seconds},
		PacketsPerClientTick: traffic{Down: float64(t.receivedPackets) / ticks, Up: float64(t.sentPackets) / ticks},
		Inputs:               inputsReport{PerClientTick: float64(t.inputs) / ticks, MeanBytes: float64(l.input)},
	}
}
