package cli

import (
	"cmp"
	"fmt"
	"os"

	"github.com/quicstep/quicstep/server/cli/typescript"
)

// genCmd writes code of a game's definition.
type genCmd struct {
	Ts      genTsCmd      `cmd:"" help:"Write a game's types for TypeScript clients."`
	Vectors genVectorsCmd `cmd:"" help:"Write what a game makes of inputs, to test the same step in another language by."`
}

// genTsCmd writes the types of a game.
type genTsCmd struct {
	Game   string `help:"The game; else the program's first." placeholder:"NAME" group:"game"`
	Out    string `help:"Write to this file; else to the standard output." placeholder:"FILE" group:"judge"`
	Import string `help:"Import the SDK from this module." default:"quicstep" placeholder:"MODULE" group:"judge"`
}

// Run writes them.
func (c *genTsCmd) Run(a *app) error {
	games, err := a.choose([]string{cmp.Or(c.Game, a.names()[0])})
	if err != nil {
		return err
	}
	command := fmt.Sprintf("%s gen ts --game %s", a.Name, nameOf(games[0]))
	if c.Import != "quicstep" {
		command += " --import " + c.Import
	}
	text, err := typescript.Generate(typescript.Config{Game: games[0], Command: command, Import: c.Import})
	if err != nil {
		return err
	}
	if c.Out == "" {
		_, err = a.Stdout.Write(text)
		return err
	}
	return os.WriteFile(c.Out, text, 0o644)
}
