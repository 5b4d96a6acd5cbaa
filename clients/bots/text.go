package bots

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// textWidth is the most characters of a line; longer ones are cut, and are whole in the JSON form.
	textWidth = 80
	// valueWidth is the most characters of a field's value.
	valueWidth = 24
	// errorsMax is how many kinds of errors the text shows, the most frequent first.
	errorsMax = 8
)

// WriteText writes the report for people, in lines of 80 characters at most.
func (r *Report) WriteText(w io.Writer) error {
	r = r.rounded()
	var p page
	p.printf("%s at %s for %s s, %s ticks/s", r.Game, r.Addr, number(r.DurationS), number(r.TickHz))
	p.printf("")
	r.writeClients(&p)
	r.writeTraffic(&p)
	r.writeWorld(&p)
	if i := r.Impairment; i != (ImpairmentReport{}) {
		delay := number(i.DelayMS)
		if i.SpreadMS > 0 {
			delay += "–" + number(i.DelayMS+i.SpreadMS)
		}
		p.row("network", "%s %% lost, %s ± %s ms delay, %s %% twice, %s %% reordered, seed %d", number(i.Loss*100),
			delay, number(i.JitterMS), number(i.Duplicate*100), number(i.Reorder*100), i.Seed)
	}
	if r.Server != nil {
		r.writeServer(&p)
	}
	p.row("load", "the bots' own core was %s %% idle", number(r.LoadCoreIdle*100))
	r.writeTrouble(&p)
	if _, err := w.Write(p.text.Bytes()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (r *Report) writeClients(p *page) {
	c := r.Clients
	p.row("clients", "%s of %s joined, %s disconnected, %s rejoined", count(c.Joined), count(c.Asked), count(c.Disconnected), count(c.Rejoined))
	p.row("updates", "%s per client and second", number(r.Updates.PerClientPerS))
	p.printf("")
	p.row("ms", "%10s %10s %10s %10s %10s", "p50", "p90", "p99", "max", "samples")
	if l := r.LatencyMS; l.Samples > 0 {
		p.row("latency", "%10s %10s %10s %10s %10s", ms(l.P50), ms(l.P90), ms(l.P99), ms(l.Max), count(l.Samples))
	} else {
		p.row("latency", "%10s %10s %10s %10s %10s", "-", "-", "-", "-", "0")
	}
	p.spread("interval", r.Updates.IntervalMS)
	if r.Server != nil {
		p.spread("server tick", r.Server.TickMS)
	}
	p.printf("")
}

func (r *Report) writeTraffic(p *page) {
	p.row("per client", "%10s %10s", "down", "up")
	p.row("bytes/s", "%10s %10s", number(r.BytesPerClientS.Down), number(r.BytesPerClientS.Up))
	p.row("packets/tick", "%10s %10s", number(r.PacketsPerClientTick.Down), number(r.PacketsPerClientTick.Up))
	p.printf("")
}

func (r *Report) writeWorld(p *page) {
	p.row("entities", "%s visible on average, %s bytes per update of one", number(r.EntitiesVisible.Mean), number(r.BytesPerEntityUpdate))
	p.row("age", "p50 %s ticks, p99 %s ticks", number(r.AgeTicks.P50), number(r.AgeTicks.P99))
	p.row("events", "%s fired, %s late", count(r.Events.Fired), count(r.Events.Late))
	c := r.Checks
	if c.Rows == 0 && c.Pages == 0 {
		p.row("diverged", "unknown: nothing was compared")
		return
	}
	p.row("diverged", "%s", count(r.Diverged))
	p.row("", "in %s rows and %s pages, %s skipped", count(c.Rows), count(c.Pages), count(c.Skipped))
	p.row("", "%s rows per client and second", number(c.RowsPerClientS))
	for _, d := range r.Divergences {
		p.row("", "player %d tick %d %s[%d].%s:", d.Player, d.Tick, d.Table, d.ID, d.Field)
		p.row("", "  server %s, client %s", cut(d.Server, valueWidth), cut(d.Client, valueWidth))
	}
}

func (r *Report) writeServer(p *page) {
	s := r.Server
	p.row("server", "%s µs of processor per client and tick, %s MB", number(s.CPUUSPerClientTick), number(s.RSSMB))
	p.row("", "%s of %s ticks, %s overruns", count(s.Ticks), count(s.TicksExpected), count(s.Overruns))
}

// writeTrouble writes what somebody has to look at; nothing when all is well.
func (r *Report) writeTrouble(p *page) {
	if r.LoadCoreIdle < idleMin {
		// Rounded down, so that it is never the 10 % that it is below.
		p.printf("")
		p.printf("warning: the bots' own core was %d %% idle: under 10 %% latency proves nothing", int(r.LoadCoreIdle*100))
	}
	if len(r.Errors) > 0 {
		p.printf("")
		p.printf("errors")
	}
	texts := slices.SortedFunc(maps.Keys(r.Errors), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Errors[b], r.Errors[a]), cmp.Compare(a, b))
	})
	for _, text := range texts[:min(len(texts), errorsMax)] {
		p.printf("%10s  %s", count(r.Errors[text]), text)
	}
	if more := len(texts) - errorsMax; more > 0 {
		p.printf("%10s  and %s kinds more", "", count(more))
	}
	if len(r.Failed) > 0 {
		p.printf("")
		p.printf("failed")
	}
	for _, text := range r.Failed {
		p.printf("  %s", text)
	}
}

// page is a text in the making.
type page struct {
	text bytes.Buffer
}

// row writes a line with a label, which is empty in lines that go on.
func (p *page) row(label, format string, args ...any) {
	p.printf("%-12s  %s", label, fmt.Sprintf(format, args...))
}

// spread writes a row of the table of times; a largest time of zero means that there was none.
func (p *page) spread(label string, i IntervalReport) {
	if i == (IntervalReport{}) {
		p.row(label, "%10s %10s %10s %10s", "-", "", "-", "-")
		return
	}
	p.row(label, "%10s %10s %10s %10s", ms(i.P50), "", ms(i.P99), ms(i.Max))
}

// printf writes a line. Control characters, which texts from elsewhere may have, become spaces.
func (p *page) printf(format string, args ...any) {
	line := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, fmt.Sprintf(format, args...))
	line = strings.TrimRight(line, " ")
	p.text.WriteString(cut(line, textWidth))
	p.text.WriteByte('\n')
}

// cut shortens a text to so many characters.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

// ms writes a time in milliseconds with two decimals.
func ms(x float64) string { return thousands(strconv.FormatFloat(x, 'f', 2, 64)) }

// count writes a whole number with its thousands apart.
func count[N int | uint64](n N) string { return thousands(fmt.Sprint(n)) }

// number writes four digits that matter, or the whole part when that is longer.
func number(x float64) string {
	decimals := 0
	switch x := math.Abs(x); {
	case x < 10:
		decimals = 3
	case x < 100:
		decimals = 2
	case x < 1000:
		decimals = 1
	}
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if decimals > 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return thousands(s)
}

// thousands puts commas into the whole part of a number.
func thousands(s string) string {
	whole, rest := s, ""
	if dot := strings.IndexByte(s, '.'); dot >= 0 {
		whole, rest = s[:dot], s[dot:]
	}
	digits := strings.TrimPrefix(whole, "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if strings.HasPrefix(whole, "-") {
		digits = "-" + digits
	}
	return digits + rest
}
