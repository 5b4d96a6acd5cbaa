package screen

import (
	"fmt"
	"html"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Sizes of a cell in a picture, in pixels.
const (
	cellWidth  = 8.4
	cellHeight = 17
)

// colours of the styles in a picture; the others are drawn as text is.
var colours = map[string]string{red: "#ff6b6b", green: "#7bd88f", yellow: "#e5c07b", cyan: "#6cc7d9", faint: "#8a93a3"}

// svg draws a screen as a picture: each run of one style is a text of a fixed length, so that any monospace font fits.
func svg(screen string, width, height int) string {
	var b strings.Builder
	w, h := float64(width)*cellWidth+16, height*cellHeight+16
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14">`+"\n", w, h)
	fmt.Fprintf(&b, `<rect width="%.0f" height="%d" rx="6" fill="#1b1f27"/>`+"\n", w, h)
	for y, line := range strings.Split(screen, "\n") {
		x := 0
		for _, run := range runs(line) {
			cells := ansi.StringWidth(run.text)
			if run.code == inverse {
				fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#3a4458"/>`+"\n", 8+float64(x)*cellWidth, 8+y*cellHeight, float64(cells)*cellWidth, cellHeight)
			}
			if strings.TrimSpace(run.text) != "" {
				colour, weight := colours[run.code], ""
				if colour == "" {
					colour = "#d7dce5"
				}
				if strings.HasPrefix(run.code, bold) {
					weight = ` font-weight="bold"`
				}
				fmt.Fprintf(&b, `<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs" fill="%s"%s xml:space="preserve">%s</text>`+"\n",
					8+float64(x)*cellWidth, 8+y*cellHeight+13, float64(cells)*cellWidth, colour, weight, html.EscapeString(run.text))
			}
			x += cells
		}
	}
	return b.String() + "</svg>\n"
}

// run is a text in one style.
type run struct{ code, text string }

// runs cuts a line at its styles, joining neighbours of the same.
func runs(line string) (out []run) {
	code := ""
	for line != "" {
		if rest, ok := strings.CutPrefix(line, "\x1b["); ok {
			code, line, _ = strings.Cut(rest, "m")
			continue
		}
		end := strings.Index(line, "\x1b[")
		if end < 0 {
			end = len(line)
		}
		if n := len(out); n > 0 && out[n-1].code == code {
			out[n-1].text += line[:end]
		} else {
			out = append(out, run{code, line[:end]})
		}
		line = line[end:]
	}
	return out
}
