package cli

import (
	"github.com/alecthomas/kong"

	wire "github.com/quicstep/quicstep/protocol/admin"
)

// filler is a command that puts its arguments into a request.
type filler interface {
	fill(*wire.Request) error
}

// ask sends what a command asks for, which is named as its act is, and prints the answer.
func (c *consoleCmd) ask(a *app, command *kong.Context, f filler) error {
	r := wire.Request{Act: nameAct(command.Command())}
	if err := f.fill(&r); err != nil {
		return err
	}
	return c.do(a, r, c.print(a))
}

// Run asks.
func (c lookCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c plainCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c numberCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c countCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c reasonCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c queryCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c kickCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c banCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c sayCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c setCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c levelCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c auditCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c pastCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c sightCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}

// Run asks.
func (c impairCmd) Run(a *app, in *consoleCmd, command *kong.Context) error {
	return in.ask(a, command, c)
}
