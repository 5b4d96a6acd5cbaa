package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/quicstep/quicstep/.ci/measure"
)

// The plot's measures, in its own units.
const (
	panelWidth, panelHeight = 330, 210
	onlyPanelWidth          = 640
	plotLeft, plotTop       = 52, 74
	panelGap                = 44
	plotBottom              = 46
	plotRight               = 16
	barReach                = 4 // of a spread bar's ends
)

// plotStyle has the colours of both schemes. The ground is painted, so that the plot can be read on any page.
const plotStyle = `<style>
.ground { fill: #fcfcfb } text { font: 12px system-ui, sans-serif; fill: #52514e } .title { font-weight: 600; fill: #0b0b0b }
.grid { stroke: #e1e0d9 } .axis { stroke: #c3c2b7 } .line { fill: none; stroke-width: 2; stroke-linejoin: round } .bar { fill: none; stroke-width: 1.5 }
.point { stroke-width: 2 } .quicstep { stroke: #2a78d6 } .point.quicstep { fill: #2a78d6 } .above { stroke: #2a78d6; stroke-dasharray: 2 4; stroke-linecap: round }
.floor { stroke: #c2551f } .point.floor { fill: #c2551f } .point.above { fill: #2a78d6; stroke-dasharray: none } .bar.above { stroke-dasharray: none } .point.hollow { fill: #fcfcfb }
@media (prefers-color-scheme: dark) {
.ground { fill: #1a1a19 } text { fill: #c3c2b7 } .title { fill: #ffffff } .grid { stroke: #2c2c2a } .axis { stroke: #52514e }
.quicstep, .above { stroke: #5a9cf0 } .point.quicstep, .point.above { fill: #5a9cf0 } .floor { stroke: #ee8347 } .point.floor { fill: #ee8347 } .point.hollow { fill: #1a1a19 }
}
</style>
`

// series is a line of the plot.
type series struct {
	class, label string
	of           func(round) float64
}

var plotted = []series{
	{"quicstep", "quicstep", func(r round) float64 { return r.Quicstep.CPUUS }},
	{"above", "quicstep without the world's own", func(r round) float64 { return r.Quicstep.CPUUS - r.AloneUS }},
	{"floor", "floor", func(r round) float64 { return r.Floor.CPUUS }},
}

// panel is the part of the plot for one tick rate.
type panel struct {
	hz    int
	width float64
	cells []cellOutcome
}

// panels are those of the default scenario, as far as it was measured.
func (o *outcome) panels() (out []panel) {
	for _, c := range o.even().Cells {
		if c.Cell.Scenario != scenarios[0].Name || len(c.Rounds) == 0 {
			continue
		}
		if n := len(out); n == 0 || out[n-1].hz != c.Cell.HZ {
			out = append(out, panel{hz: c.Cell.HZ})
		}
		last := &out[len(out)-1]
		last.cells = append(last.cells, c)
	}
	return out
}

// plot is benchmarks.svg: processor time per client and tick against the number of clients, a panel for each tick rate.
func (o *outcome) plot() []byte {
	panels := o.panels()
	top := 0.0
	for _, p := range panels {
		for _, c := range p.cells {
			for _, s := range plotted {
				top = max(top, c.over(s.of).Max)
			}
		}
	}
	step := measure.NiceStep(top)
	top = step * max(1, math.Ceil(top/step))
	count, each := max(1, len(panels)), panelWidth
	if count == 1 {
		each = onlyPanelWidth // the title needs it
	}
	width := plotLeft + count*each + (count-1)*panelGap + plotRight
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="Processor time per client and tick against the number of clients">`+"\n",
		width, plotTop+panelHeight+plotBottom)
	b.WriteString(plotStyle)
	b.WriteString(`<rect class="ground" width="100%" height="100%"/>` + "\n")
	fmt.Fprintf(&b, `<text class="title" x="%d" y="20">Processor time of the server, µs per client and tick; median, least and most</text>`+"\n", plotLeft-36)
	x := plotLeft - 36
	for _, s := range plotted {
		fmt.Fprintf(&b, `<path class="line %s" d="M%d 38h22"/><text x="%d" y="42">%s</text>`+"\n", s.class, x, x+28, s.label)
		x += 28 + 7*len(s.label) + 18
	}
	if saturatedIn(panels) {
		fmt.Fprintf(&b, `<circle class="point floor hollow" cx="%d" cy="38" r="4"/><text x="%d" y="42">ring: saturated</text>`+"\n", x+8, x+18)
	}
	for i, p := range panels {
		p.width = float64(each)
		p.draw(&b, float64(plotLeft+i*(each+panelGap)), top, step)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func saturatedIn(panels []panel) bool {
	for _, p := range panels {
		for _, c := range p.cells {
			if c.saturated() {
				return true
			}
		}
	}
	return false
}

func (p panel) draw(b *bytes.Buffer, left, top, step float64) {
	y := func(value float64) float64 { return plotTop + panelHeight*(1-max(0, value)/top) }
	x := func(i int) float64 { return left + p.width*(float64(i)+0.5)/float64(len(p.cells)) }
	fmt.Fprintf(b, `<text class="title" x="%.0f" y="%d">%d Hz</text>`+"\n", left, plotTop-10, p.hz)
	for value := 0.0; value <= top+step/2; value += step {
		class := "grid"
		if value == 0 {
			class = "axis"
		}
		fmt.Fprintf(b, `<path class="%s" d="M%.1f %.1fh%.0f"/><text x="%.1f" y="%.1f" text-anchor="end">%s</text>`+"\n",
			class, left, y(value), p.width, left-6, y(value)+4, measure.Grouped(value, digitsOf(step)))
	}
	for i, c := range p.cells {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(i), plotTop+panelHeight+18, measure.Grouped(float64(c.Cell.Clients), 0))
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">clients</text>`+"\n", left+p.width/2, plotTop+panelHeight+36)
	for k, s := range plotted {
		shift := float64(k-1) * 5 // so that bars don't hide each other
		var line []string
		for i, c := range p.cells {
			line = append(line, fmt.Sprintf("%.1f %.1f", x(i)+shift, y(c.over(s.of).Median)))
		}
		fmt.Fprintf(b, `<path class="line %s" d="M%s"/>`+"\n", s.class, strings.Join(line, "L"))
		for i, c := range p.cells {
			s.mark(b, c, x(i)+shift, y)
		}
	}
}

// mark draws a median and its spread.
func (s series) mark(b *bytes.Buffer, c cellOutcome, x float64, y func(float64) float64) {
	v := c.over(s.of)
	fmt.Fprintf(b, `<path class="bar %s" d="M%.1f %.1fh%dM%.1f %.1fV%.1fM%.1f %.1fh%d"/>`+"\n",
		s.class, x-barReach, y(v.Max), 2*barReach, x, y(v.Max), y(v.Min), x-barReach, y(v.Min), 2*barReach)
	class, reach := s.class, barReach
	if s.class == "above" {
		reach-- // so that the others show behind it
	}
	if c.saturated() {
		class += " hollow"
	}
	fmt.Fprintf(b, `<circle class="point %s" cx="%.1f" cy="%.1f" r="%d"><title>%s, %v: %s µs (%s–%s)</title></circle>`+"\n",
		class, x, y(v.Median), reach, s.label, c.Cell, measure.Grouped(v.Median, 1), measure.Grouped(v.Min, 1), measure.Grouped(v.Max, 1))
}

func digitsOf(step float64) int {
	if step < 1 {
		return 2
	}
	return 0
}
