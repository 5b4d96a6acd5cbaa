package bots

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// figures are what a server tells about itself at /stats of its debug address, as far as a report needs it.
type figures struct {
	CPUMicroseconds int64      `json:"cpu_us"`
	RSSBytes        int64      `json:"rss_bytes"`
	Overruns        uint64     `json:"overruns"`
	Ticks           uint64     `json:"ticks"`
	TicksDue        uint64     `json:"ticks_due"`
	TickMicros      [][2]int64 `json:"tick_us"` // upper bounds and how many ticks took as long
	LateMicros      [][2]int64 `json:"late_us"` // the same of how late they began
	TickRate        float64    `json:"tick_rate"`
	Datagrams       uint64     `json:"datagrams"`
	DatagramBytes   uint64     `json:"datagram_bytes"`
	HeapAllocs      uint64     `json:"heap_allocs"`
	Drain           phase      `json:"drain"`
	Step            phase      `json:"step"`
	Publish         phase      `json:"publish"`
	At              time.Time  `json:"at"`
}

// phase is what a part of the ticks took in all.
type phase struct {
	Count       uint64 `json:"count"`
	TotalMicros int64  `json:"total_us"`
}

// meanSince is what it took per tick since then; zero without a tick.
func (p phase) meanSince(then phase) float64 {
	if p.Count == then.Count {
		return 0
	}
	return float64(p.TotalMicros-then.TotalMicros) / float64(p.Count-then.Count)
}

// Bounds of the request for a server's figures.
const (
	fetchTimeout = 10 * time.Second
	figuresMax   = 4 << 20
)

// fetch reads a server's figures; nothing without an address.
func fetch(url string) (*figures, error) {
	if url == "" {
		return nil, nil
	}
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	c := http.Client{Timeout: fetchTimeout}
	answer, err := c.Get(strings.TrimSuffix(url, "/") + "/stats")
	if err != nil {
		return nil, fmt.Errorf("read the server's figures: %w; was it started with --debug-addr?", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read the server's figures at %s: it answered %s", url, answer.Status)
	}
	var f figures
	if err := json.NewDecoder(io.LimitReader(answer.Body, figuresMax)).Decode(&f); err != nil {
		return nil, fmt.Errorf("read the server's figures at %s: %w", url, err)
	}
	return &f, nil
}

// serverReport is what happened between two looks at a server.
func serverReport(before, after *figures, clients int) *ServerReport {
	if before == nil || after == nil {
		return nil
	}
	out := &ServerReport{
		RSSMB: float64(after.RSSBytes) / 1e6, Overruns: after.Overruns - before.Overruns,
		Ticks: after.Ticks, TicksExpected: after.TicksDue,
	}
	if n := after.At.Sub(before.At).Seconds() * after.TickRate * float64(clients); n > 0 {
		out.CPUUSPerClientTick = float64(after.CPUMicroseconds-before.CPUMicroseconds) / n
		out.DatagramsPerClientTick = float64(after.Datagrams-before.Datagrams) / n
		out.DatagramBytesPerClientTick = float64(after.DatagramBytes-before.DatagramBytes) / n
		out.AllocsPerClientTick = float64(after.HeapAllocs-before.HeapAllocs) / n
	}
	out.PhaseUS = PhaseReport{
		Drain: after.Drain.meanSince(before.Drain), Step: after.Step.meanSince(before.Step), Publish: after.Publish.meanSince(before.Publish),
	}
	out.TickMS = spreadSince(before.TickMicros, after.TickMicros)
	out.LateMS = spreadSince(before.LateMicros, after.LateMicros)
	return out
}

// spreadSince is the spread of the times that were counted between two looks, given as upper bounds and how many there are.
func spreadSince(before, after [][2]int64) IntervalReport {
	took := NewHistogram()
	former := make(map[int64]int64, len(before))
	for _, bucket := range before {
		former[bucket[0]] = bucket[1]
	}
	for _, bucket := range after {
		took.AddMany(bucket[0], bucket[1]-former[bucket[0]])
	}
	return IntervalReport{P50: took.PercentileMS(50), P99: took.PercentileMS(99), Max: took.PercentileMS(100)}
}
