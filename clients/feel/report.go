package feel

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// Report is what was found on every network.
type Report struct {
	// Begun is when, and DurationS for how many seconds each network was measured.
	Begun     time.Time `json:"begun"`
	DurationS float64   `json:"duration_s"`
	Cells     []Cell    `json:"cells"`
}

// Cell is what was found on one network. Times are in milliseconds, shares from 0 to 1.
type Cell struct {
	RoundTripMS float64 `json:"round_trip_ms"`
	JitterMS    float64 `json:"jitter_ms"`
	Loss        float64 `json:"loss"`
	// Over is what states and inputs travelled over.
	Over Over `json:"over"`
	// OwnMS is the time from an input to the first frame that shows its effect on the player's own screen, OthersMS to the
	// first that does on another player's.
	OwnMS    Spread `json:"own_ms"`
	OthersMS Spread `json:"others_ms"`
	// Corrections are those of the own ship's prediction, and MissingInputs is in which share of the ticks the server had no
	// input.
	Corrections   Corrections `json:"corrections"`
	MissingInputs float64     `json:"missing_inputs"`
	// DelayMS is the interpolation delay at the end, and Dry how often it was too short.
	DelayMS float64 `json:"delay_ms"`
	Dry     uint64  `json:"dry"`
	// AgeMS is the age of the newest tick that is known, and ShownMS of what is shown of others, at each frame.
	AgeMS   Spread `json:"age_ms"`
	ShownMS Spread `json:"shown_ms"`
	// Hits are the shots that hit on the shooter's screen.
	Hits Hits `json:"hits"`
	// BytesPerS is what a player received.
	BytesPerS float64 `json:"bytes_per_s"`
}

// Spread is that of a time, in milliseconds; zero without samples.
type Spread struct {
	Samples int64   `json:"samples"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
}

// Corrections are in which share of the ticks the server had something else than was predicted, and the most by which a
// coordinate was off, in units.
type Corrections struct {
	Share   float64 `json:"share"`
	Largest float64 `json:"largest"`
}

// Hits are shots that hit on the screen, those of them with which the server agreed, and their share.
type Hits struct {
	Shots  uint64  `json:"shots"`
	Agreed uint64  `json:"agreed"`
	Share  float64 `json:"share"`
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// columns are those of the table.
var columns = []struct {
	name string
	text func(c *Cell) string
}{
	{"round trip", func(c *Cell) string { return whole(c.RoundTripMS) }},
	{"jitter", func(c *Cell) string { return whole(c.JitterMS) }},
	{"loss", func(c *Cell) string { return whole(100*c.Loss) + " %" }},
	{"over", func(c *Cell) string { return string(c.Over) }},
	{"own input, own screen", func(c *Cell) string { return pair(c.OwnMS) }},
	{"own input, others' screen", func(c *Cell) string { return pair(c.OthersMS) }},
	{"corrected", func(c *Cell) string { return percent(c.Corrections.Share) }},
	{"largest", func(c *Cell) string { return fmt.Sprintf("%.1f", c.Corrections.Largest) }},
	{"delay", func(c *Cell) string { return whole(c.DelayMS) }},
	{"age known", func(c *Cell) string { return pair(c.AgeMS) }},
	{"age shown", func(c *Cell) string { return pair(c.ShownMS) }},
	{"hits agreed", func(c *Cell) string { return percent(c.Hits.Share) }},
	{"kB/s", func(c *Cell) string { return fmt.Sprintf("%.1f", c.BytesPerS/1000) }},
}

func whole(v float64) string       { return fmt.Sprintf("%.0f", v) }
func pair(s Spread) string         { return fmt.Sprintf("%.0f / %.0f", s.P50, s.P99) }
func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// WriteTable writes the report for people, as a table of Markdown.
func (r *Report) WriteTable(w io.Writer) error {
	rows := [][]string{nil, nil}
	for _, c := range columns {
		rows[0], rows[1] = append(rows[0], c.name), append(rows[1], "-")
	}
	for i := range r.Cells {
		var row []string
		for _, c := range columns {
			row = append(row, c.text(&r.Cells[i]))
		}
		rows = append(rows, row)
	}
	var b strings.Builder
	for n, row := range rows {
		for i, text := range row {
			width := 0
			for _, other := range rows {
				width = max(width, len(other[i]))
			}
			fill := " "
			if n == 1 {
				fill = "-"
			}
			b.WriteString("| " + text + strings.Repeat(fill, width-len(text)) + " ")
		}
		b.WriteString("|\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// Gain is by what the age's 99th percentile over a stream is larger than over datagrams, on the network with this round
// trip and loss whose jitter is least; zero when it was not measured on both.
func (r *Report) Gain(roundTrip time.Duration, loss float64) float64 {
	least := map[Over]*Cell{}
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.RoundTripMS == ms(roundTrip) && math.Abs(c.Loss-loss) < 1e-9 && (least[c.Over] == nil || c.JitterMS < least[c.Over].JitterMS) {
			least[c.Over] = c
		}
	}
	if least[Datagrams] == nil || least[Stream] == nil {
		return 0
	}
	return share(least[Stream].AgeMS.P99, least[Datagrams].AgeMS.P99)
}
