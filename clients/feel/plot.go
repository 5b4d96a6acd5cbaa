package feel

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// The plot's measures, in its own units.
const (
	panelWidth, panelHeight = 190, 130
	plotLeft, plotTop       = 56, 64
	plotGapX, plotGapY      = 26, 48
	plotRight, plotBottom   = 18, 40
)

// plotStyle has the colours of both schemes. The ground is painted, so that the plot can be read on any page.
const plotStyle = `<style>
.ground { fill: #fcfcfb } text { font: 12px system-ui, sans-serif; fill: #52514e } .title { font-weight: 600; fill: #0b0b0b }
.grid { stroke: #e1e0d9 } .axis { stroke: #c3c2b7 } .line { fill: none; stroke-width: 2; stroke-linejoin: round }
.datagrams { stroke: #2a78d6 } .point.datagrams { fill: #2a78d6 } .stream { stroke: #c2551f } .point.stream { fill: #c2551f } .jitter { stroke-dasharray: 3 4 }
@media (prefers-color-scheme: dark) {
.ground { fill: #1a1a19 } text { fill: #c3c2b7 } .title { fill: #ffffff } .grid { stroke: #2c2c2a } .axis { stroke: #52514e }
.datagrams { stroke: #5a9cf0 } .point.datagrams { fill: #5a9cf0 } .stream { stroke: #ee8347 } .point.stream { fill: #ee8347 }
}
</style>
`

// plotted are the rows of panels.
var plotted = []struct {
	name string
	of   func(c *Cell) float64
}{
	{"age of what is known, 99th percentile, ms", func(c *Cell) float64 { return c.AgeMS.P99 }},
	{"age of what is shown, 99th percentile, ms", func(c *Cell) float64 { return c.ShownMS.P99 }},
	{"own input to another's screen, 99th percentile, ms", func(c *Cell) float64 { return c.OthersMS.P99 }},
	{"hits that the server agrees with, %", func(c *Cell) float64 { return 100 * c.Hits.Share }},
}

// WriteSVG writes the plot: a row of panels for each figure, in it a panel for each round trip, with a line over the losses
// for each of what was travelled over, dashed with jitter.
func (r *Report) WriteSVG(w io.Writer) error {
	trips, losses := r.values(func(c *Cell) float64 { return c.RoundTripMS }), r.values(func(c *Cell) float64 { return c.Loss })
	width := plotLeft + len(trips)*(panelWidth+plotGapX) - plotGapX + plotRight
	height := plotTop + len(plotted)*(panelHeight+plotGapY) - plotGapY + plotBottom
	p := &plot{losses: losses}
	fmt.Fprintf(&p.b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"what a player feels, by round trip and loss\">\n%s", width, height, plotStyle)
	fmt.Fprintf(&p.b, "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n", width, height)
	p.legend()
	for row, what := range plotted {
		top := 0.0
		for i := range r.Cells {
			top = max(top, what.of(&r.Cells[i]))
		}
		y := plotTop + row*(panelHeight+plotGapY)
		fmt.Fprintf(&p.b, "<text class=\"title\" x=\"%d\" y=\"%d\">%s</text>\n", plotLeft, y-8, what.name)
		for column, trip := range trips {
			p.x, p.y, p.top = float64(plotLeft+column*(panelWidth+plotGapX)), float64(y), nice(top)
			p.frame(column == 0, row == len(plotted)-1, trip)
			for _, line := range r.lines(trip) {
				p.line(line, what.of)
			}
		}
	}
	p.b.WriteString("</svg>\n")
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write the plot: %w", err)
	}
	return nil
}

// values are the different ones of a kind, sorted.
func (r *Report) values(of func(c *Cell) float64) (out []float64) {
	for i := range r.Cells {
		out = append(out, of(&r.Cells[i]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lines are the cells of a round trip, those that differ in loss alone together.
func (r *Report) lines(trip float64) (lines [][]*Cell) {
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.RoundTripMS != trip {
			continue
		}
		at := slices.IndexFunc(lines, func(l []*Cell) bool { return l[0].Over == c.Over && l[0].JitterMS == c.JitterMS })
		if at < 0 {
			at = len(lines)
			lines = append(lines, nil)
		}
		lines[at] = append(lines[at], c)
	}
	return lines
}

// nice is a round number that is not below one.
func nice(v float64) float64 {
	for unit := 1.0; ; unit *= 10 {
		for _, n := range []float64{1, 2, 3, 4, 6, 8} {
			if n*unit >= v {
				return n * unit
			}
		}
	}
}

// plot is what is drawn, and the panel that is drawn now.
type plot struct {
	b         strings.Builder
	losses    []float64
	x, y, top float64
}

func (p *plot) legend() {
	x := plotLeft
	for _, l := range []struct{ class, name string }{{"datagrams", "datagrams"}, {"stream", "one reliable stream"}, {"datagrams jitter", "dashed: with jitter"}} {
		fmt.Fprintf(&p.b, "<line class=\"line %s\" x1=\"%d\" y1=\"20\" x2=\"%d\" y2=\"20\"/><text x=\"%d\" y=\"24\">%s</text>\n", l.class, x, x+24, x+30, l.name)
		x += 180
	}
}

// frame draws a panel without its lines.
func (p *plot) frame(scale, foot bool, trip float64) {
	for i := range 5 {
		y := p.y + panelHeight*float64(i)/4
		fmt.Fprintf(&p.b, "<line class=\"grid\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", p.x, p.x+panelWidth, y, y)
		if scale {
			fmt.Fprintf(&p.b, "<text text-anchor=\"end\" x=\"%.0f\" y=\"%.1f\">%g</text>\n", p.x-6, y+4, p.top*float64(4-i)/4)
		}
	}
	fmt.Fprintf(&p.b, "<line class=\"axis\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.0f\" y2=\"%.0f\"/>\n", p.x, p.x+panelWidth, p.y+panelHeight, p.y+panelHeight)
	for _, loss := range p.losses {
		fmt.Fprintf(&p.b, "<text text-anchor=\"middle\" x=\"%.1f\" y=\"%.0f\">%g %%</text>\n", p.at(loss), p.y+panelHeight+15, 100*loss)
	}
	if foot {
		fmt.Fprintf(&p.b, "<text class=\"title\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.0f\">%g ms round trip</text>\n", p.x+panelWidth/2, p.y+panelHeight+32, trip)
	}
}

// at is where a loss is.
func (p *plot) at(loss float64) float64 {
	most := p.losses[len(p.losses)-1]
	if most == 0 {
		return p.x + panelWidth/2
	}
	return p.x + 14 + (panelWidth-28)*loss/most
}

func (p *plot) line(cells []*Cell, of func(c *Cell) float64) {
	class, points := string(cells[0].Over), ""
	for _, c := range cells {
		x, y := p.at(c.Loss), p.y+panelHeight*(1-min(of(c)/p.top, 1))
		points += fmt.Sprintf("%.1f,%.1f ", x, y)
		fmt.Fprintf(&p.b, "<circle class=\"point %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>\n", class, x, y)
	}
	if cells[0].JitterMS > 0 {
		class += " jitter"
	}
	fmt.Fprintf(&p.b, "<polyline class=\"line %s\" points=\"%s\"/>\n", class, strings.TrimSpace(points))
}
