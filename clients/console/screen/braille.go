package screen

import "strings"

// canvas is a drawing in braille: a cell has two dots beside each other and four below each other, so that dots are as
// far apart in both directions. A letter takes the place of a cell's dots.
type canvas struct {
	width, height int // in cells
	dots          []uint8
	letters       []string
}

func newCanvas(width, height int) *canvas {
	return &canvas{width: width, height: height, dots: make([]uint8, width*height), letters: make([]string, width*height)}
}

// dotBits are the bits of a cell's dots, by column and row.
var dotBits = [2][4]uint8{{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}

// cell is the place of a dot's cell; -1 outside.
func (c *canvas) cell(x, y int) int {
	if x < 0 || y < 0 || x >= 2*c.width || y >= 4*c.height {
		return -1
	}
	return y/4*c.width + x/2
}

func (c *canvas) dot(x, y int) {
	if at := c.cell(x, y); at >= 0 {
		c.dots[at] |= dotBits[x%2][y%4]
	}
}

// letter puts a letter where a dot would be. over tells whether it hides what is there.
func (c *canvas) letter(x, y int, letter string, over bool) {
	if at := c.cell(x, y); at >= 0 && (over || c.dots[at] == 0 && c.letters[at] == "") {
		c.letters[at] = letter
	}
}

func (c *canvas) lines() []string {
	out := make([]string, c.height)
	for y := range out {
		var line strings.Builder
		for x := range c.width {
			switch at := y*c.width + x; {
			case c.letters[at] != "":
				line.WriteString(c.letters[at])
			case c.dots[at] != 0:
				line.WriteRune(0x2800 + rune(c.dots[at]))
			default:
				line.WriteByte(' ')
			}
		}
		out[y] = line.String()
	}
	return out
}
