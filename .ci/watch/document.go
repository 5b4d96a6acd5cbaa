package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// documentName is the page, in the folder that gets it.
const documentName = "watching.md"

// publish writes the page into a folder.
func (o *outcome) publish(dir string, say io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder for the page: %w", err)
	}
	path := filepath.Join(dir, documentName)
	if err := os.WriteFile(path, o.document(), 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	fmt.Fprintln(say, "wrote", path)
	return nil
}

// document is watching.md.
func (o *outcome) document() []byte {
	var d bytes.Buffer
	s, m := o.Settings, o.Machine
	fmt.Fprintf(&d, "# What a watcher costs\n\nHow soon an operator sees something, and what the server pays for it. `make watch` writes this page; the figures are of %s.\n\n", o.Begun.Format("2 January 2006"))
	d.WriteString("| what | is | at most | |\n|---|---|--:|---|\n")
	for _, p := range o.promises() {
		fmt.Fprintf(&d, "| %s | %s | %s | %s |\n", p.what, p.is, p.most, p.verdict)
	}
	noise := o.noise()
	fmt.Fprintf(&d, "\n%s%s.\n", strings.ToUpper(noise[:1]), noise[1:])
	fmt.Fprintf(&d, "\n## How it was measured\n\n- **Machine**: %s, %d cores, %s, commit %s. ", m.Processor, m.Cores, m.Go, cmp.Or(m.Commit, "unknown"))
	if m.Pinned {
		d.WriteString("The server had a core, bots and consoles the other.\n")
	} else {
		fmt.Fprintf(&d, "**Nothing was pinned (%s): nothing here proves anything.**\n", m.Missing)
	}
	fmt.Fprintf(&d, methodText, s.Rounds, s.Bots, s.Rooms, s.Seconds)
	if left := s.left(); left != "" {
		fmt.Fprintf(&d, "\nThis is not all of it: %s.\n", left)
	}
	o.writeRounds(&d)
	d.WriteString("\n## What is not proven\n\n" + doubtText)
	d.WriteString("\n## How to repeat\n\n" + repeatText)
	return d.Bytes()
}

const methodText = `- **Rounds**: %d, each with a fresh server, the arena, and %d bots in %d rooms over loopback. %d s are measured unwatched and as many watched; which
  comes first changes from round to round. A figure is the median of the rounds, with the least and the most in parentheses.
- **Watched** means that three consoles are at the admin door, which ask each second for what the terminal program asks for: ` + "`console rooms`, `room` and\n  `players`" + `, each with ` + "`--every 1s --json`" + `.
- **Ticks** are those of all rooms, by the server's own figures (/stats).
- **Samples** are of a CPU profile that is taken throughout both halves, so that it costs both the same. Those of the door have the label work=admin: its
  goroutines and QUIC's for it.
- **The first line** is timed from the start of the process, with the handshake and the login. The terminal program runs in tmux, at 80×24.
`

const doubtText = `- One machine, over loopback: a console elsewhere waits for its own network.
- Collecting what the door leaves behind has no label: it is in the ticks' ratio, and not in the share of the samples.
- What the consoles themselves take of a processor; they run on the operator's machine.
`

const repeatText = "```sh\nmake watch                                     # all of it; writes this page\n" +
	"WATCH_ROUNDS=1 WATCH_SECONDS=3 make watch      # less of it; leaves this page alone\n```\n\n" +
	"It needs Linux and two cores that do nothing else, says how long it will take, and where the figures of every round are.\n" +
	"`WATCH_FROM=watch.json make watch` writes this page from them; `WATCH_DOCS=folder` writes it elsewhere.\n"

// writeRounds writes the table of the rounds, and what failed.
func (o *outcome) writeRounds(d *bytes.Buffer) {
	d.WriteString("\n## The rounds\n\nTicks in microseconds. The server's share is of a core.\n\n" +
		"| round | p50 unwatched | watched | ratio | p99 unwatched | watched | overruns unwatched | watched | server's share unwatched | watched | door's samples | first line | first screen | |\n" +
		"|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for n, r := range o.Rounds {
		screen := "–"
		if r.FirstScreenMS > 0 {
			screen = fmt.Sprintf("%.0f ms", r.FirstScreenMS)
		}
		fmt.Fprintf(d, "| %d | %d | %d | %.2f | %d | %d | %d | %d | %.0f %% | %.0f %% | %d of %d | %.0f ms | %s | %s |\n", n+1, r.Without.P50US, r.With.P50US, r.ratio(),
			r.Without.P99US, r.With.P99US, r.Without.Overruns, r.With.Overruns, 100*r.Without.ServerShare, 100*r.With.ServerShare,
			r.With.DoorSamples, r.With.Samples, r.FirstLineMS, screen, strings.TrimPrefix(r.remark(), "; "))
	}
	title := "\n## What failed\n\n"
	for _, why := range o.Failed {
		fmt.Fprintf(d, "%s- %s\n", title, strings.ReplaceAll(why, "\n", " "))
		title = ""
	}
}
