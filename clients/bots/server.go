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
	TickRate        float64    `json:"tick_rate"`
	At              time.Time  `json:"at"`
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
	if ticks := after.At.Sub(before.At).Seconds() * after.TickRate; ticks > 0 && clients > 0 {
		out.CPUUSPerClientTick = float64(after.CPUMicroseconds-before.CPUMicroseconds) / ticks / float64(clients)
	}
	took := NewHistogram()
	former := make(map[int64]int64, len(before.TickMicros))
	for _, bucket := range before.TickMicros {
		former[bucket[0]] = bucket[1]
	}
	for _, bucket := range after.TickMicros {
		took.AddMany(bucket[0], bucket[1]-former[bucket[0]])
	}
	out.TickMS = IntervalReport{P50: took.PercentileMS(50), P99: took.PercentileMS(99), Max: took.PercentileMS(100)}
	return out
}
