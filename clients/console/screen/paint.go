package screen

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Styles say again what the text says already; a terminal without colours loses nothing.
const (
	bold    = "1"
	faint   = "2"
	inverse = "7"
	red     = "1;31"
	green   = "32"
	yellow  = "33"
	cyan    = "36"
)

// style wraps a text.
func style(code, text string) string {
	if text == "" {
		return ""
	}
	return "\x1b[" + code + "m" + text + "\x1b[m"
}

// clean makes a text harmless for a terminal. Names and values come from players, and may hold anything.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, text)
}

// pad brings a text to a width, in cells; what is too long ends with an ellipsis.
func pad(text string, width int, right bool) string {
	if width <= 0 {
		return ""
	}
	text = ansi.Truncate(text, width, "…")
	space := strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
	if right {
		return space + text
	}
	return text + space
}

// fit brings lines to exactly the size of a screen.
func fit(lines []string, width, height int) string {
	out := make([]string, height)
	for i := range out {
		if i < len(lines) {
			out[i] = ansi.Truncate(lines[i], width, "…")
		}
	}
	return strings.Join(out, "\n")
}

// parts puts texts into a line, as many as fit; the most important one is the first.
func parts(width int, texts ...string) string {
	line := ""
	for i, text := range texts {
		if i > 0 {
			text = "  " + text
		}
		if ansi.StringWidth(line+text) <= width {
			line += text
		}
	}
	return line
}

// beside puts two blocks next to each other, the first in so many cells.
func beside(left, right []string, width int) []string {
	out := make([]string, max(len(left), len(right)))
	for i := range out {
		l, r := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		out[i] = pad(l, width, false) + r
	}
	return out
}

// ms is a time of microseconds in milliseconds, in three digits or so.
func ms(us int64) string {
	switch v := float64(us) / 1000; {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// amount is a number with a unit of thousands.
func amount(v float64) string {
	for _, unit := range []struct {
		from float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= unit.from {
			if v >= 100*unit.from {
				return fmt.Sprintf("%.0f %s", v/unit.from, unit.name)
			}
			return fmt.Sprintf("%.1f %s", v/unit.from, unit.name)
		}
	}
	return fmt.Sprintf("%.0f ", v)
}

// wrapped breaks a text into lines of so many cells, at most so many: the last one ends with an ellipsis when there is more.
func wrapped(text string, width, most int) []string {
	lines := strings.Split(ansi.Wrap(clean(text), max(1, width), ""), "\n")
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] = ansi.Truncate(lines[most-1], max(0, width-1), "") + "…"
	}
	return lines
}

// styled is style for each of some lines.
func styled(code string, lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = style(code, line)
	}
	return out
}
