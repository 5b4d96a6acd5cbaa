package measure

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// SaturatedIdle is the share of a core that has to be idle for a run to prove anything.
const SaturatedIdle = 0.10

// QuietOthers is the share of a core that other programs may take without a word.
const QuietOthers = 0.05

// Spread is what a figure was in the middle, at least and at most.
type Spread struct{ Median, Min, Max float64 }

// SpreadOf is all zero without values.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	s := Spread{Median: sorted[middle], Min: sorted[0], Max: sorted[len(sorted)-1]}
	if len(sorted)%2 == 0 {
		s.Median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return s
}

// NiceStep is the distance of grid lines: 1, 2 or 5 times a power of ten, such that there are some five.
func NiceStep(top float64) float64 {
	if top <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(top/5)))
	for _, n := range []float64{1, 2, 5} {
		if top/(n*power) <= 6 {
			return n * power
		}
	}
	return 10 * power
}

// Grouped writes a number with commas between thousands.
func Grouped(x float64, digits int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–"
	}
	text := strconv.FormatFloat(x, 'f', digits, 64)
	whole, rest, sign := text, "", ""
	if at := strings.IndexByte(text, '.'); at >= 0 {
		whole, rest = text[:at], text[at:]
	}
	if strings.HasPrefix(whole, "-") {
		whole, sign = whole[1:], "−"
	}
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	return sign + whole + rest
}
