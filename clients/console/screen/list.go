package screen

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// column is one of a list. Those with the highest rank are left out first where the screen is too narrow, and what space is
// left goes to those that may grow, each up to most cells.
type column struct {
	title string
	width int
	most  int // zero: it never grows
	right bool
	rank  int
}

// allThere is the most of a column that takes whatever is left.
const allThere = 1 << 16

// row is one of a list: key tells it from others as long as it is there, and mark has it seen without a colour. detail says
// all of it in words, for a screen that is too narrow for its cells.
type row struct {
	key    string
	cells  []string
	mark   bool
	detail string
}

// list is where an operator is in a list. The key of the chosen row counts, since rows change their places.
type list struct {
	chosen string
	at     int // where it was last
	from   int // the first row on the screen
}

// choose finds the chosen row, in the beginning the first one; -1 when there is none, or it is gone: the operator has not meant the row
// that has come into its place, perhaps a moment ago.
func (l *list) choose(rows []row) int {
	if l.chosen == "" && len(rows) > 0 {
		l.chosen = rows[0].key
	}
	at := slices.IndexFunc(rows, func(r row) bool { return r.key == l.chosen })
	if at >= 0 {
		l.at = at
	}
	return at
}

// move goes up or down by so many rows, from a row that is gone to the one in its place.
func (l *list) move(rows []row, by int) {
	if len(rows) == 0 {
		return
	}
	if at := l.choose(rows); at >= 0 {
		l.at += by
	}
	l.at = max(0, min(l.at, len(rows)-1))
	l.chosen = rows[l.at].key
}

// narrow leaves columns out until the others fit.
func narrow(columns []column, width int) (kept []int) {
	for i := range columns {
		kept = append(kept, i)
	}
	for len(kept) > 1 {
		sum := 2
		for _, i := range kept {
			sum += columns[i].width + 1
		}
		if sum-1 <= width {
			break
		}
		worst := 0
		for n, i := range kept {
			if columns[i].rank >= columns[kept[worst]].rank {
				worst = n
			}
		}
		kept = slices.Delete(kept, worst, worst+1)
	}
	return kept
}

// spread gives the space that is left to the columns that are kept, may grow and have cells that need it, the first ones first.
func spread(columns []column, rows []row, width int) []column {
	out, kept := slices.Clone(columns), narrow(columns, width)
	left := width - 2 - (len(kept) - 1)
	for _, i := range kept {
		left -= columns[i].width
	}
	for _, i := range kept {
		most := min(columns[i].most, columns[i].width+left)
		wide := columns[i].width
		for _, r := range rows {
			if wide >= most {
				break
			}
			if i < len(r.cells) && len(r.cells[i]) > wide {
				wide = min(most, max(wide, ansi.StringWidth(clean(r.cells[i]))))
			}
		}
		left -= wide - columns[i].width
		out[i].width = wide
	}
	return out
}

// hides tells whether not all of a row is seen in so many cells.
func hides(columns []column, r row, width int) bool {
	kept := narrow(columns, width)
	for i, cell := range r.cells[:min(len(r.cells), len(columns))] {
		if cell != "" && (!slices.Contains(kept, i) || ansi.StringWidth(clean(cell)) > columns[i].width) {
			return true
		}
	}
	return false
}

// draw draws a list, its titles first, in so many lines, and marks the chosen row.
func (l *list) draw(columns []column, rows []row, width, height int) []string {
	at, room := l.choose(rows), max(1, height-1)
	seen := max(0, min(l.at, len(rows)-1))
	l.from = max(0, min(l.from, seen, len(rows)-room), seen-room+1)
	rows = rows[l.from:min(len(rows), l.from+room)]
	return lines(columns, rows, width, at-l.from)
}

// lines draw titles and rows, of which one may be chosen.
func lines(columns []column, rows []row, width, chosen int) []string {
	kept := narrow(columns, width)
	line := func(cell func(int) string) string {
		parts := make([]string, len(kept))
		for n, i := range kept {
			parts[n] = pad(cell(i), columns[i].width, columns[i].right)
		}
		return strings.Join(parts, " ")
	}
	out := []string{"  " + style(bold, line(func(i int) string { return columns[i].title }))}
	for n, r := range rows {
		text := line(func(i int) string {
			if i < len(r.cells) {
				return clean(r.cells[i])
			}
			return ""
		})
		switch mark := map[bool]string{true: "!", false: " "}[r.mark]; {
		case n == chosen:
			text = style(inverse, pad(">"+mark+text, width, false))
		case r.mark:
			text = style(red, " "+mark+text)
		default:
			text = " " + mark + text
		}
		out = append(out, text)
	}
	return out
}

// filtered keeps the rows that have a text in any cell, in whatever case.
func filtered(rows []row, text string) []row {
	if text == "" {
		return rows
	}
	text = strings.ToLower(text)
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool {
		return !strings.Contains(strings.ToLower(strings.Join(r.cells, "\x00")), text)
	})
}

// widths makes columns as wide as what is in them, within a bound.
func widths(columns []column, rows []row, most int) []column {
	out := slices.Clone(columns)
	for i := range out {
		out[i].width = ansi.StringWidth(out[i].title)
		for _, r := range rows {
			if i < len(r.cells) {
				out[i].width = max(out[i].width, min(most, ansi.StringWidth(r.cells[i])))
			}
		}
	}
	return out
}
