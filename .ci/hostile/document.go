package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/quicstep/quicstep/.ci/measure"
)

// The files that get what was found, and the lines between which the table stands.
const (
	documentName = "security.md"
	plotName     = "security.svg"
	tableBegins  = "<!-- attacks: make hostile writes what follows -->\n"
	tableEnds    = "<!-- end of attacks -->\n"
)

// publish writes the table and the plot into a folder, or prints the table when there is none.
func (o *outcome) publish(s settings, say io.Writer) error {
	if s.Docs == "" {
		if why := o.lacking(); why != "" {
			fmt.Fprintf(say, "%s, so the published table stays as it is; HOSTILE_DOCS=docs would replace it\n", why)
		}
		_, err := say.Write(o.table())
		return err
	}
	path := filepath.Join(s.Docs, documentName)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	text, err = between(text, o.table())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for name, data := range map[string][]byte{documentName: text, plotName: o.plot()} {
		if err := os.WriteFile(filepath.Join(s.Docs, name), data, 0o644); err != nil {
			return fmt.Errorf("write the document: %w", err)
		}
	}
	fmt.Fprintf(say, "wrote the attacks into %s, and %s\n", path, plotName)
	return nil
}

// between replaces what stands between the two lines.
func between(text, table []byte) ([]byte, error) {
	before, rest, begins := bytes.Cut(text, []byte(tableBegins))
	_, after, ends := bytes.Cut(rest, []byte(tableEnds))
	if !begins || !ends {
		return nil, errors.New("the lines between which the table of attacks stands are not there")
	}
	return bytes.Join([][]byte{before, []byte(tableBegins), table, []byte(tableEnds), after}, nil), nil
}

// table is what was found, as Markdown.
func (o *outcome) table() []byte {
	var d bytes.Buffer
	s, m := o.Settings, o.Machine
	fmt.Fprintf(&d, "\n%s, on %s, %d cores, %s, %s, quic-go %s, commit %s. ", o.Begun.Format("2 January 2006"), m.Processor, m.Cores, m.Kernel, m.Go, m.QUIC, m.Commit)
	if m.Pinned {
		d.WriteString("The server had a core, honest\nplayers and attacker the other.\n")
	} else {
		fmt.Fprintf(&d, "**Nothing was pinned (%s): no latency\nhere proves anything.**\n", m.Missing)
	}
	fmt.Fprintf(&d, methodText, s.Clients, s.Rounds, s.Seconds, s.MemoryMB, goMemory(s.MemoryMB))
	if left := s.left(); left != "" {
		fmt.Fprintf(&d, "\nThis is not all of it: %s.\n", left)
	}
	fmt.Fprintf(&d, "\n![Latency of honest players under each attack, and in its control run](%s)\n\n", plotName)
	d.WriteString("| attack | what it does | a second | honest p50 | p99 | control p99 | ratio | memory | disconnected, diverged, panics | shows in | |\n" +
		"|---|---|--:|--:|--:|--:|--:|--:|---|---|---|\n")
	for _, l := range o.Lines {
		l.write(&d, s)
	}
	d.WriteString("\n")
	return d.Bytes()
}

const methodText = `%d honest players, %d rounds of attack and control of %d s each, every run on a fresh server; medians, latencies in ms. In the control run the
attacker sends as many packets of the same sizes at the same times to sockets that discard them. Memory is the server's resident set
at its highest, in MB, of %d that it may take: it runs with --memory %dMiB, and the program itself comes on top. What attackers compute (keys, whole clients) is not in the control run, and so counts
against the server. *Saturated* rows had a core that was idle for less than 10 %%: their latencies tell of the machine.
`

func (l line) write(d *bytes.Buffer, s settings) {
	if len(l.Attacks) == 0 {
		fmt.Fprintf(d, "| %s | %s | – | – | – | – | – | – | – | – | failed |\n", l.Attack, l.Says)
		return
	}
	var counters []string
	for _, name := range l.Counters {
		moved := over(l.Attacks, func(m measured) float64 { return m.Moved[name] }).Median
		counters = append(counters, fmt.Sprintf("`%s` %s", name, measure.Grouped(moved, 0)))
	}
	held := "none"
	if broken := l.broken(s); len(broken) > 0 {
		held = "**" + strings.ReplaceAll(strings.Join(broken, "; "), "\n", " ") + "**"
	}
	ms := func(x float64) string { return measure.Grouped(x, 1) }
	fmt.Fprintf(d, "| %s | %s | %s %s | %s | %s | %s | %.2f | %.0f | %s | %s | %s |\n", l.Attack, l.Says,
		measure.Grouped(over(l.Attacks, rate).Median, 0), l.Unit, ms(over(l.Attacks, p50).Median), ms(over(l.Attacks, p99).Median),
		ms(over(l.Controls, p99).Median), l.ratio(), l.memoryMB(), held, strings.Join(counters, ", "), strings.Join(l.remarks(), "; "))
}
