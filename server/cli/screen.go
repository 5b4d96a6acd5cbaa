package cli

import (
	"errors"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/clients/console/screen"
)

// screenCmd shows the live state in a terminal.
type screenCmd struct{}

// Run shows it until the operator leaves.
func (screenCmd) Run(a *app, in *consoleCmd) error {
	if in.JSON || in.Every != 0 || in.Room != "" {
		return usagef("the screen takes no --json, --every or --room: give a command, as in console rooms")
	}
	term, _ := a.LookupEnv("TERM")
	err := screen.Run(a.ctx, screen.Config{
		Console: console.Config{ProfileFile: in.Profile, Addr: in.Door, Program: a.Name, Timeout: consoleTimeout}, Term: term, Output: a.Stdout,
	})
	if errors.Is(err, screen.ErrNoTerminal) {
		return usageError{err}
	}
	return codedConsole(err)
}
