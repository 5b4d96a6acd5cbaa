package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quicstep/quicstep/.ci/measure"
)

// The files of a document, in the folder that gets it.
const (
	documentName = "benchmarks.md"
	plotName     = "benchmarks.svg"
)

// publish writes the document and its plot into a folder.
func (o *outcome) publish(dir string, say io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder for the document: %w", err)
	}
	for name, data := range map[string][]byte{documentName: o.document(), plotName: o.plot()} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("write the document: %w", err)
		}
	}
	fmt.Fprintf(say, "wrote %s and %s\n", filepath.Join(dir, documentName), plotName)
	return nil
}

// document is benchmarks.md.
func (o *outcome) document() []byte {
	o = o.even()
	var d bytes.Buffer
	s, m := o.Settings, o.Machine
	fmt.Fprintf(&d, "# Benchmarks\n\nWhat quicstep costs above the packets that it sends. `make bench` writes this page; the figures are of %s.\n\n", o.Begun.Format("2 January 2006"))
	fmt.Fprintf(&d, "![Processor time per client and tick, by the number of clients](%s)\n\n", plotName)
	d.WriteString("## How it was measured\n\n")
	fmt.Fprintf(&d, "- **Machine**: %s, %d cores, %s, %s, quic-go %s, commit %s. ", m.Processor, m.Cores, m.Kernel, m.Go, orUnknown(m.QUIC), orUnknown(m.Commit))
	if m.Pinned {
		d.WriteString("Server and load were pinned to a core each.\n")
	} else {
		fmt.Fprintf(&d, "**Server and load were not pinned (%s): nothing here proves anything.**\n", m.Missing)
	}
	fmt.Fprintf(&d, methodText, s.Rounds, s.Seconds, s.Warmup, s.Seconds, 100*measure.QuietOthers, slowedFrom, o.Again, evenTries)
	d.WriteString("\n| scenario | what it is |\n|---|---|\n")
	for _, each := range scenarios {
		if slices.Contains(s.Scenarios, each.Name) {
			fmt.Fprintf(&d, "| %s | %s |\n", each.Name, each.Says)
		}
	}
	if lacks := s.left(); lacks != "" {
		fmt.Fprintf(&d, "\nThis is not all of it: %s.\n", lacks)
	}
	for _, t := range tables {
		fmt.Fprintf(&d, "\n## %s\n\n%s\n\n", t.title, t.says)
		t.write(&d, o.Cells)
	}
	o.writeNetworks(&d)
	o.writeOwn(&d)
	o.writeFailures(&d)
	fmt.Fprintf(&d, "\n## What is not proven\n\n"+doubtText,
		100*o.most(func(m measured) float64 { return m.Stolen }), 100*o.most(func(m measured) float64 { return m.Others }))
	d.WriteString("\n## How to repeat\n\n" + repeatText)
	return d.Bytes()
}

const methodText = `- **Pairs**: each row is %d rounds of quicstep, then the floor, then the world alone, %d s each after all have joined and played for %v.
  Figures are medians, with the least and the most of the rounds in parentheses. Ratios are those of each round.
- **The floor** is a stock quic-go program that sends each client at every tick as many datagrams, of the same mean size, as quicstep has just
  sent with an update, and gets an input of the same size for each. It knows nothing of games, and acknowledgements do not ride along.
- **The world alone** is the same room with as many players and an input of each in every tick, without a network.
- **Processor time** is what the kernel accounts to the server's process (/proc/PID/stat) in those %d s; joining is not in it. Each server
  collects garbage as often as it does by itself: the floor as Go does, quicstep less than half as often. Both loads do it when their heap is four
  times what is live, since what a load's core is late by is in the latency.
- **Latency** is from the moment in which an input was sent to the first update that shows its effect. Neither program hides that inputs
  wait for the next tick.
- **Saturated** rows had a core that was idle for less than 10 %% of the time. They prove nothing, and
  neither do those of which ticks did not reach the clients, or beside which other programs took more than %.0f %% of a core. Each says so.
- **Slowed cores**: ten times a second a fixed piece of work is done on both cores (0.1 ms). Where it took more than %.1f times as long in a run
  as in the fastest one, something outside of this machine slowed a core, and the run was made again: %d were, each %d times at most. Rounds that
  were slowed nevertheless are left out; a row in which most were has all of them, and says so.
`

const doubtText = `- One machine, over loopback: there is no loss, no delay (but for the networks, in user space) and no network card. The hypervisor took up to %.0f %% of a core's time in a run,
  as far as it says, and other programs up to %.0f %%: absolute figures move with both, ratios less.
- Server and load are on two cores of one machine. Latency contains what the load's core is late by, for both programs alike.
- The floor sends the mean size in every datagram; quicstep's vary.
- What a real game's step costs: the workload flies straight on.
`

const repeatText = "```sh\nmake bench                                                           # all of it; writes this page\n" +
	"BENCH_CLIENTS=200,500 BENCH_SECONDS=10 BENCH_ROUNDS=3 make bench     # less of it; leaves this page alone\n" +
	"BENCH_CLIENTS=2000 BENCH_HZ=20 BENCH_SCENARIOS=bench make bench      # one row\n```\n\n" +
	"It needs Linux and two cores that do nothing else, says how long it will take, and where the figures of every round are.\n" +
	"`BENCH_FROM=bench.json make bench` writes this page from them; `BENCH_DOCS=folder` writes it elsewhere.\n"

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// most is the largest of a share in any run.
func (o *outcome) most(of func(measured) float64) (most float64) {
	for _, c := range o.Cells {
		for _, r := range c.Rounds {
			most = max(most, of(r.Quicstep), of(r.Floor))
		}
	}
	return most
}

func (o *outcome) writeFailures(d *bytes.Buffer) {
	title := "\n## What failed\n\n"
	write := func(of string, failed []string) {
		for _, why := range failed {
			fmt.Fprintf(d, "%s- %s: %s\n", title, of, strings.ReplaceAll(why, "\n", " "))
			title = ""
		}
	}
	for _, c := range o.Cells {
		write(c.Cell.String(), c.Failed)
	}
	for _, n := range o.Networks {
		write(fmt.Sprintf("%s, %d Hz", n.Network.Name, n.Network.HZ), n.Failed)
	}
	for _, n := range o.Own {
		write(n.Cell.String()+", profiled", n.Failed)
	}
}

// table is one of the document's.
type table struct {
	title, says string
	columns     []column
}

// column is a figure of every row.
type column struct {
	head   string
	of     func(round) float64
	digits int
	spread bool // the least and the most, too
}

func (t table) write(d *bytes.Buffer, cells []cellOutcome) {
	d.WriteString("| scenario | Hz | clients |")
	for _, c := range t.columns {
		d.WriteString(" " + c.head + " |")
	}
	d.WriteString(" |\n|---|--:|--:|" + strings.Repeat("--:|", len(t.columns)) + "---|\n")
	for _, row := range cells {
		fmt.Fprintf(d, "| %s | %d | %s |", row.Cell.Scenario, row.Cell.HZ, measure.Grouped(float64(row.Cell.Clients), 0))
		for _, c := range t.columns {
			d.WriteString(" " + c.text(row) + " |")
		}
		fmt.Fprintf(d, " %s |\n", row.remark())
	}
}

func (c column) text(row cellOutcome) string {
	if len(row.Rounds) == 0 {
		return "–"
	}
	s := row.over(c.of)
	text := measure.Grouped(s.Median, c.digits)
	if c.spread {
		text += fmt.Sprintf(" (%s–%s)", measure.Grouped(s.Min, c.digits), measure.Grouped(s.Max, c.digits))
	}
	return text
}

// updatesMin is the share of ticks that have to reach clients without a word.
const updatesMin = 0.975

// remark is what to know about a row before its figures are believed; empty when there is nothing.
func (c cellOutcome) remark() string {
	if len(c.Rounds) == 0 {
		return "failed"
	}
	var out []string
	if c.slowed {
		out = append(out, slowedRemark)
	}
	if c.saturated() {
		out = append(out, "saturated")
	}
	for _, each := range []struct {
		name string
		of   func(round) measured
	}{{"quicstep", func(r round) measured { return r.Quicstep }}, {"floor", func(r round) measured { return r.Floor }}} {
		updates := c.over(func(r round) float64 { return each.of(r).Report.Updates.PerClientPerS }).Median
		if updates < updatesMin*float64(c.Cell.HZ) {
			out = append(out, fmt.Sprintf("%s: %s of %d updates", each.name, measure.Grouped(updates, 1), c.Cell.HZ))
		}
	}
	if others := c.over(func(r round) float64 { return max(r.Quicstep.Others, r.Floor.Others) }).Median; others > measure.QuietOthers {
		out = append(out, fmt.Sprintf("other programs: %.0f %%", 100*others))
	}
	return strings.Join(out, "; ")
}
