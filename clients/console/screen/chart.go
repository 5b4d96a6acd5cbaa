package screen

import (
	"fmt"
	"strings"

	"github.com/quicstep/quicstep/protocol/admin"
)

var bars = []rune("▁▂▃▄▅▆▇█")

// sparkline draws the latest values, one a cell, the newest at the right: a full cell is top, or the highest when that is
// more.
func sparkline(values []int64, top int64, width int) string {
	values = values[max(0, len(values)-width):]
	for _, v := range values {
		top = max(top, v)
	}
	var out strings.Builder
	out.WriteString(strings.Repeat(" ", width-len(values)))
	for _, v := range values {
		out.WriteRune(bars[min(int64(len(bars)-1), max(v, 0)*int64(len(bars))/(max(top, 0)+1))])
	}
	return out.String()
}

// The parts of a tick, from the bottom of a column to its top, each with its own look.
var phases = []struct {
	name, cell, code string
	of               func(admin.Tick) int64
}{
	{"drain", "▒", cyan, func(t admin.Tick) int64 { return t.Drain }},
	{"step", "█", green, func(t admin.Tick) int64 { return t.Step }},
	{"publish", "░", yellow, func(t admin.Tick) int64 { return t.Publish }},
}

// stacked draws the latest ticks as columns of their parts, with a mark above those that overran, and what it means.
func stacked(ticks []admin.Tick, periodUS int64, width, height int) []string {
	ticks = ticks[max(0, len(ticks)-width):]
	top := int64(1)
	for _, t := range ticks {
		top = max(top, t.Drain+t.Step+t.Publish)
	}
	rows := height - 2
	marks := strings.Repeat(" ", width-len(ticks))
	over := 0
	for _, t := range ticks {
		if t.Overran {
			marks += style(red, "!")
			over++
		} else {
			marks += " "
		}
	}
	out := []string{marks}
	for r := rows - 1; r >= 0; r-- {
		line := strings.Repeat(" ", width-len(ticks))
		for _, t := range ticks {
			line += stackedCell(t, top, r, rows)
		}
		out = append(out, line)
	}
	var legend []string
	for _, p := range phases {
		legend = append(legend, style(p.code, p.cell)+" "+p.name)
	}
	return append(out, parts(width, append(legend, fmt.Sprintf("! over %d/%d", over, len(ticks)), "top "+ms(top)+" ms", "may take "+ms(periodUS))...))
}

// stackedCell is the part of a column in a row, counted from below.
func stackedCell(t admin.Tick, top int64, row, rows int) string {
	middle := (2*int64(row) + 1) * top / int64(2*rows)
	sum := int64(0)
	for _, p := range phases {
		if sum += p.of(t); sum > middle {
			return style(p.code, p.cell)
		}
	}
	if sum > 0 && row == 0 {
		return style(faint, "▁")
	}
	return " "
}
