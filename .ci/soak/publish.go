package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// publish prints the outcome, and leaves it in files.
func (o *outcome) publish(folder, log string, out io.Writer) error {
	fmt.Fprintln(out, "start: "+o.Start.line())
	fmt.Fprintln(out, "peak:  "+o.Peak.line())
	fmt.Fprintln(out, "end:   "+o.End.line())
	for _, name := range slices.Sorted(maps.Keys(o.Bots)) {
		fmt.Fprintf(out, "  %s %d", name, o.Bots[name])
	}
	fmt.Fprintln(out)
	for _, note := range o.Notes {
		fmt.Fprintln(out, "note: "+note)
	}
	if o.Settings.NoSlope && o.RSS != nil {
		fmt.Fprintf(out, "memory grew by %+.3f ± %.3f MB/min, which is not judged in less than %v\n", o.RSS.PerSecond*60/1e6, sure*o.RSS.Error*60/1e6, slopeNeeds)
	}
	o.tell(out)
	data, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return fmt.Errorf("write the outcome: %w", err)
	}
	files := map[string][]byte{"soak.json": append(data, '\n'), "soak.svg": o.plot(), "server.log": []byte(log)}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(folder, name)
		err = errors.Join(err, os.WriteFile(path, files[name], 0o644))
		fmt.Fprintln(out, path)
	}
	return err
}

// The plot's measures, in its own units.
const (
	plotWidth, panelHeight = 720, 96
	plotLeft, plotTop      = 64, 40
	panelGap               = 34
)

// plotStyle has the colours of both schemes.
const plotStyle = `<style>
.ground { fill: #fcfcfb } text { font: 12px system-ui, sans-serif; fill: #52514e } .title { font-weight: 600; fill: #0b0b0b }
.grid { stroke: #e1e0d9 } .line { fill: none; stroke: #2a78d6; stroke-width: 1.5; stroke-linejoin: round }
@media (prefers-color-scheme: dark) {
.ground { fill: #1a1a19 } text { fill: #c3c2b7 } .title { fill: #ffffff } .grid { stroke: #2c2c2a } .line { stroke: #5a9cf0 }
}
</style>
`

// plotted are the panels, from the top.
var plotted = []struct {
	label string
	of    func(sample) float64
}{
	{"RSS, MB", func(s sample) float64 { return float64(s.RSS) / 1e6 }},
	{"heap, MB", func(s sample) float64 { return float64(s.Heap) / 1e6 }},
	{"goroutines", func(s sample) float64 { return float64(s.Goroutines) }},
	{"open files", func(s sample) float64 { return float64(s.FDs) }},
	{"players", func(s sample) float64 { return float64(s.Players) }},
	{"rooms", func(s sample) float64 { return float64(s.Rooms) }},
}

// plot is soak.svg: the second round's figures over its time.
func (o *outcome) plot() []byte {
	var b bytes.Buffer
	height := plotTop + len(plotted)*(panelHeight+panelGap)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="The server's figures over the time of a soak">`+"\n", plotLeft+plotWidth+16, height)
	b.WriteString(plotStyle)
	b.WriteString(`<rect class="ground" width="100%" height="100%"/>` + "\n")
	fmt.Fprintf(&b, `<text class="title" x="%d" y="20">%d bots for %v, seed %d</text>`+"\n", plotLeft, o.Settings.Bots, o.Settings.Time, o.Settings.Seed)
	for i, p := range plotted {
		o.panel(&b, plotTop+i*(panelHeight+panelGap), p.label, p.of)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// panel draws one figure from zero to its most.
func (o *outcome) panel(b *bytes.Buffer, top int, label string, of func(sample) float64) {
	most, last := 1.0, 1.0
	for _, s := range o.Samples {
		most, last = max(most, of(s)), max(last, s.AtS)
	}
	fmt.Fprintf(b, `<text x="%d" y="%d">%s</text><text x="%d" y="%d" text-anchor="end">%.0f</text><text x="%d" y="%d" text-anchor="end">0</text>`+"\n",
		plotLeft, top+10, label, plotLeft-6, top+24, most, plotLeft-6, top+16+panelHeight)
	fmt.Fprintf(b, `<path class="grid" d="M%d %dh%dM%d %dh%d"/>`+"\n", plotLeft, top+16, plotWidth, plotLeft, top+16+panelHeight, plotWidth)
	for i, s := range o.Samples {
		word := "L"
		if i == 0 {
			word = `<path class="line" d="M`
		}
		fmt.Fprintf(b, "%s%.1f %.1f", word, plotLeft+plotWidth*s.AtS/last, float64(top+16)+panelHeight*(1-of(s)/most))
	}
	if len(o.Samples) > 0 {
		b.WriteString("\"/>\n")
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%.0f s</text>`+"\n", plotLeft+plotWidth, top+30+panelHeight, last)
}
