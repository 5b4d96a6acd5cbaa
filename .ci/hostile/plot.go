package main

import (
	"bytes"
	"fmt"
	"math"

	"github.com/quicstep/quicstep/.ci/measure"
)

// The plot's measures, in its own units.
const (
	plotWidth = 760
	plotLeft  = 130
	plotTop   = 58
	rowHeight = 24
	barHeight = 8
	plotRight = 24
)

// plotStyle has the colours of both schemes. The ground is painted, so that the plot can be read on any page.
const plotStyle = `<style>
.ground { fill: #fcfcfb } text { font: 12px system-ui, sans-serif; fill: #52514e } .title { font-weight: 600; fill: #0b0b0b }
.grid { stroke: #e1e0d9 } .attack { fill: #c2551f } .control { fill: #2a78d6 }
@media (prefers-color-scheme: dark) {
.ground { fill: #1a1a19 } text { fill: #c3c2b7 } .title { fill: #ffffff } .grid { stroke: #2c2c2a } .attack { fill: #ee8347 } .control { fill: #5a9cf0 }
}
</style>
`

// plot is security.svg: the latency of honest players under each attack, above that of its control run.
func (o *outcome) plot() []byte {
	top := 0.0
	for _, l := range o.Lines {
		top = max(top, over(l.Attacks, p99).Median, over(l.Controls, p99).Median)
	}
	step := measure.NiceStep(top)
	top = step * max(1, math.Ceil(top/step))
	height := plotTop + rowHeight*len(o.Lines) + 28
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="Latency of honest players under each attack, and in its control run">`+"\n", plotWidth, height)
	b.WriteString(plotStyle)
	b.WriteString(`<rect class="ground" width="100%" height="100%"/>` + "\n")
	b.WriteString(`<text class="title" x="16" y="20">Honest players: from an input to its effect, 99th percentile in ms</text>` + "\n")
	b.WriteString(`<rect class="attack" x="16" y="32" width="22" height="8"/><text x="44" y="40">under attack</text>` + "\n")
	b.WriteString(`<rect class="control" x="140" y="32" width="22" height="8"/><text x="168" y="40">the same packets to nobody</text>` + "\n")
	x := func(value float64) float64 { return (plotWidth - plotLeft - plotRight) * value / top }
	for value := 0.0; value <= top+step/2; value += step {
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %dV%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			plotLeft+x(value), plotTop-6, height-24, plotLeft+x(value), height-8, measure.Grouped(value, 0))
	}
	for i, l := range o.Lines {
		y := plotTop + rowHeight*i
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", plotLeft-8, y+12, l.Attack)
		for k, bar := range []struct {
			class string
			runs  []measured
		}{{"attack", l.Attacks}, {"control", l.Controls}} {
			ms := over(bar.runs, p99)
			fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d"><title>%s, %s: %.1f ms (%.1f–%.1f)</title></rect>`+"\n",
				bar.class, plotLeft, y+k*(barHeight+1), x(ms.Median), barHeight, l.Attack, bar.class, ms.Median, ms.Min, ms.Max)
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
