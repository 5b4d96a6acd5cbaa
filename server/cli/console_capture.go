package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/quicstep/quicstep/clients/console"
	wire "github.com/quicstep/quicstep/protocol/admin"
)

// captureCmd shows the latest slow ticks, or saves them.
type captureCmd struct {
	Of  string `arg:"" optional:"" name:"room" help:"The room, by its name or ID, as --room has it; all rooms without one."`
	Out string `help:"Write JSON into this file, which must not be there yet; - is stdout." placeholder:"FILE" group:"operate"`
}

// Run asks, and prints or saves the answer.
func (c captureCmd) Run(a *app, in *consoleCmd) error {
	switch {
	case c.Of != "" && in.Room != "" && c.Of != in.Room:
		return usagef("give the room once: it is %q, and --room %q", c.Of, in.Room)
	case c.Out != "" && in.Every != 0:
		return usagef("--out takes no --every: a file is written once")
	case c.Of != "":
		in.Room = c.Of
	}
	r := wire.Request{Act: wire.ActCapture}
	switch c.Out {
	case "":
		return in.watch(a, r, in.printer(a))
	case "-":
		in.JSON = true
		return in.watch(a, r, in.printer(a))
	}
	return c.save(a, in, r)
}

// save has the file before it asks, so that a wrong path is known at once, and removes it when nothing came.
func (c captureCmd) save(a *app, in *consoleCmd, r wire.Request) error {
	file, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return usagef("--out %s is there already: name another file", c.Out)
	}
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	var said wire.Answer
	err = in.do(a, r, func(answer wire.Answer) error {
		said.Text = fmt.Sprintf("%s: %d ticks that took too long", c.Out, console.SlowTicks(answer.Captures))
		text, err := console.JSON(answer)
		if err == nil {
			_, err = file.Write(append(text, '\n'))
		}
		return err
	})
	if err = errors.Join(err, file.Close()); err != nil {
		os.Remove(c.Out)
		return err
	}
	return in.write(a, console.Text{}, said)
}
