package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
)

// roomsCmd lists a server's public rooms.
type roomsCmd struct {
	Addr string   `help:"The server's address." default:"127.0.0.1:4433" placeholder:"HOST:PORT" group:"network"`
	Pin  []string `help:"Trust the certificate with this SHA-256, as serve prints it; may be repeated." placeholder:"HEX" group:"network"`
	Game string   `help:"List this game's rooms only." placeholder:"NAME" group:"game"`
	JSON bool     `name:"json" help:"Print JSON in place of a table." group:"judge"`
}

// roomJSON is a room as --json prints it.
type roomJSON struct {
	Game       string `json:"game"`
	Name       string `json:"name"`
	Players    int    `json:"players"`
	MaxPlayers int    `json:"max_players"`
}

// Run asks and prints.
func (c *roomsCmd) Run(a *app) error {
	pins, err := parsePins(c.Pin)
	if err != nil {
		return err
	}
	rooms, err := client.List(a.ctx, c.Game, client.Config{Addr: c.Addr, Pins: pins})
	if err != nil {
		return explainClient(err)
	}
	if c.JSON {
		out := make([]roomJSON, len(rooms))
		for i, r := range rooms {
			out[i] = roomJSON(r)
		}
		e := json.NewEncoder(a.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(out)
	}
	if len(rooms) == 0 {
		fmt.Fprintf(a.Stdout, "%s has no public room at the moment; the first player to join makes one\n", c.Addr)
		return nil
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "GAME\tROOM\tPLAYERS\tMOST")
	for _, r := range rooms {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", r.Game, r.Name, r.Players, r.MaxPlayers)
	}
	return w.Flush()
}

func parsePins(texts []string) (pins [][32]byte, err error) {
	for _, text := range texts {
		pin, err := protocol.ParsePin(text)
		if err != nil {
			return nil, usagef("--pin: %w; copy the one that serve prints", err)
		}
		pins = append(pins, pin)
	}
	return pins, nil
}

// inFlags says in a client's errors what the command line calls the fields that they name.
var inFlags = strings.NewReplacer("Config.Pins or Config.CacheDir", "--pin", "Config.Pins", "--pin")

// explainedError has another text than what it wraps.
type explainedError struct {
	error
	text string
}

func (e explainedError) Error() string { return e.text }
func (e explainedError) Unwrap() error { return e.error }

func explainClient(err error) error { return explainedError{err, inFlags.Replace(err.Error())} }
