package bots

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
)

const (
	// divergencesMax is how many divergences a report shows; it counts all.
	divergencesMax = 16
	// idleMin is the share of the bots' own core that has to be idle for their latencies to mean anything.
	idleMin = 0.10
)

// Report is what a run of bots has found. Numbers are written with three decimals at most; one that is not finite is
// written as zero.
type Report struct {
	// Game is the game's name and Addr the server's address.
	Game string `json:"game"`
	Addr string `json:"addr"`
	// Begun is when the measured time began, as RFC 3339 writes it; DurationS is how long it took, in
	// seconds.
	Begun     string  `json:"begun"`
	DurationS float64 `json:"duration_s"`
	// TickHz is the server's ticks per second as its welcome says; zero when nobody joined.
	TickHz float64 `json:"tick_hz"`
	// Clients counts the players.
	Clients ClientsReport `json:"clients"`
	// Updates is how often clients heard from the server.
	Updates UpdatesReport `json:"updates"`
	// LatencyMS is the time from an input to the first update that shows it, in milliseconds.
	LatencyMS LatencyReport `json:"latency_ms"`
	// BytesPerClientS are UDP payload bytes per client and second.
	BytesPerClientS TrafficReport `json:"bytes_per_client_s"`
	// PacketsPerClientTick are UDP packets per client and tick.
	PacketsPerClientTick TrafficReport `json:"packets_per_client_tick"`
	// Inputs are the datagrams that clients sent.
	Inputs InputsReport `json:"inputs"`
	// BytesPerEntityUpdate are the bytes of updates divided by the rows that they change; zero when none came.
	BytesPerEntityUpdate float64 `json:"bytes_per_entity_update"`
	// EntitiesVisible is how many rows a client sees.
	EntitiesVisible MeanReport `json:"entities_visible"`
	// AgeTicks is how many ticks old the rows that a client sees are.
	AgeTicks AgeReport `json:"age_ticks"`
	// Checks counts the comparisons of clients with the server.
	Checks ChecksReport `json:"checks"`
	// Diverged counts the compared rows and pages that are not as the server's; Divergences are the first 16 known by name.
	Diverged    uint64       `json:"diverged"`
	Divergences []Divergence `json:"divergences,omitempty"`
	// Events counts the game's events.
	Events EventsReport `json:"events"`
	// LoadCoreIdle is the share of the bots' own core that was idle, from 0 to 1.
	LoadCoreIdle float64 `json:"load_core_idle"`
	// Impairment is the bots' network; zero when it was left as it is.
	Impairment ImpairmentReport `json:"impairment,omitzero"`
	// Errors counts what went wrong by its text.
	Errors map[string]uint64 `json:"errors,omitempty"`
	// Server is what the server says of itself; nil when it was not asked.
	Server *ServerReport `json:"server,omitempty"`
	// Failed are the assertions that do not hold, each with the reason; empty when all do.
	Failed []string `json:"failed,omitempty"`
}

// ClientsReport counts players: those asked for, those that joined, the connections that were lost, those that came
// back after that as somebody else, and how often a session went on over another connection.
type ClientsReport struct {
	Asked        int `json:"asked"`
	Joined       int `json:"joined"`
	Disconnected int `json:"disconnected"`
	Rejoined     int `json:"rejoined"`
	Resumed      int `json:"resumed"`
}

// UpdatesReport is how many updates a client got per second, and the time between two of them in milliseconds. All of it
// is zero when none came.
type UpdatesReport struct {
	PerClientPerS float64        `json:"per_client_per_s"`
	IntervalMS    IntervalReport `json:"interval_ms"`
}

// IntervalReport is the spread of a time.
type IntervalReport struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// LatencyReport is the spread of a time that was measured Samples times; all of it is zero without any.
type LatencyReport struct {
	Samples uint64  `json:"samples"`
	P50     float64 `json:"p50"`
	P90     float64 `json:"p90"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
}

// TrafficReport is what clients received and what they sent.
type TrafficReport struct {
	Down float64 `json:"down"`
	Up   float64 `json:"up"`
}

// InputsReport is how many datagrams a client sent in a tick, and how many bytes one had on average.
type InputsReport struct {
	PerClientTick float64 `json:"per_client_tick"`
	MeanBytes     float64 `json:"mean_bytes"`
}

// MeanReport is an average; zero when nothing was counted.
type MeanReport struct {
	Mean float64 `json:"mean"`
}

// AgeReport is the spread of an age.
type AgeReport struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// ChecksReport counts comparisons: of rows, of whole pages, and those that were skipped because one side did not have
// the tick any more; and the rows per client and second.
type ChecksReport struct {
	Rows           uint64  `json:"rows"`
	Pages          uint64  `json:"pages"`
	Skipped        uint64  `json:"skipped"`
	RowsPerClientS float64 `json:"rows_per_client_s"`
}

// Divergence is a field that a client holds and the server does not, with the two values as text.
type Divergence struct {
	Player uint64 `json:"player"`
	Tick   uint64 `json:"tick"`
	Table  string `json:"table"`
	ID     uint64 `json:"id"`
	Field  string `json:"field"`
	Server string `json:"server"`
	Client string `json:"client"`
}

// EventsReport counts events: those that clients saw, and those of them that came after their tick.
type EventsReport struct {
	Fired uint64 `json:"fired"`
	Late  uint64 `json:"late"`
}

// ServerReport is what the server says of itself over the run.
type ServerReport struct {
	// CPUUSPerClientTick is its processor time in microseconds, RSSMB its memory at the end in megabytes.
	CPUUSPerClientTick float64 `json:"cpu_us_per_client_tick"`
	RSSMB              float64 `json:"rss_mb"`
	// DatagramsPerClientTick were sent, with so many bytes in all, and AllocsPerClientTick objects allocated, by whatever
	// runs in its process.
	DatagramsPerClientTick     float64 `json:"datagrams_per_client_tick"`
	DatagramBytesPerClientTick float64 `json:"datagram_bytes_per_client_tick"`
	AllocsPerClientTick        float64 `json:"allocs_per_client_tick"`
	// TickMS is the time that a tick took and LateMS how late it began, in milliseconds; PhaseUS what its parts took on
	// average, in microseconds.
	TickMS  IntervalReport `json:"tick_ms"`
	LateMS  IntervalReport `json:"late_ms"`
	PhaseUS PhaseReport    `json:"phase_us"`
	// Overruns are the ticks that took longer than a tick.
	Overruns uint64 `json:"overruns"`
	// Ticks are those done since the rooms opened, TicksExpected those that the time was enough for.
	Ticks         uint64 `json:"ticks"`
	TicksExpected uint64 `json:"ticks_expected"`
}

// PhaseReport is what the parts of a tick took: taking the inputs, the step with its commit, and handing on.
type PhaseReport struct {
	Drain   float64 `json:"drain"`
	Step    float64 `json:"step"`
	Publish float64 `json:"publish"`
}

// WriteJSON writes the report for programs, indented.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false) // assertions are full of < and >
	if err := e.Encode(r.rounded()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// rounded is a copy with the numbers as they are written, and with no more divergences than are shown.
func (r *Report) rounded() *Report {
	c := *r
	if r.Server != nil {
		server := *r.Server
		c.Server = &server
	}
	c.Divergences = c.Divergences[:min(len(c.Divergences), divergencesMax)]
	roundFields(reflect.ValueOf(&c).Elem())
	return &c
}

// roundFields rounds every float64 of a struct and of those within.
func roundFields(v reflect.Value) {
	switch v.Kind() {
	case reflect.Float64:
		v.SetFloat(round(v.Float()))
	case reflect.Pointer:
		if !v.IsNil() {
			roundFields(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			roundFields(v.Field(i))
		}
	}
}

// round keeps three decimals; what is not finite becomes zero.
func round(x float64) float64 {
	const exact = 1 << 43 // above it a float64 has three decimals at most, and the product could overflow
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return 0
	case math.Abs(x) >= exact:
		return x
	}
	return math.Round(x*1000)/1000 + 0 // the sum turns -0 into 0
}
