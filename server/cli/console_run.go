package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kong"

	"github.com/quicstep/quicstep/clients/console"
	wire "github.com/quicstep/quicstep/protocol/admin"
)

// consoleTimeout bounds the way in.
const consoleTimeout = 10 * time.Second

// over comes in, has work done over the connection, and gives what went wrong its exit code.
func (c *consoleCmd) over(a *app, work func(*console.Client) error) error {
	client, err := console.Open(a.ctx, console.Config{ProfileFile: c.Profile, Addr: c.Door, Program: a.Name, Timeout: consoleTimeout})
	if err != nil {
		return codedConsole(err)
	}
	defer client.Close()
	return codedConsole(work(client))
}

// complete puts the flags of every command into a request.
func (c *consoleCmd) complete(r *wire.Request) error {
	switch {
	case c.Every < 0 || c.Every > 0 && (c.Every < wire.MinEveryMS*time.Millisecond || c.Every > wire.MaxEveryMS*time.Millisecond):
		return usagef("--every is %v; %d ms to %d s are possible", c.Every, wire.MinEveryMS, wire.MaxEveryMS/1000)
	case c.Every > 0 && !r.Act.Looks():
		return usagef("--every is for what only looks, and %s is written down each time", r.Act)
	}
	r.Room, r.EveryMS = c.Room, uint64(c.Every.Milliseconds())
	return nil
}

// watch asks, and hands the answers over, with the connection that they came by.
func (c *consoleCmd) watch(a *app, r wire.Request, take func(*console.Client, wire.Answer) error) error {
	if err := c.complete(&r); err != nil {
		return err
	}
	return c.over(a, func(client *console.Client) error {
		err := client.Watch(a.ctx, r, func(answer wire.Answer) error { return take(client, answer) })
		if c.Every > 0 && errors.Is(err, context.Canceled) {
			return nil // a signal ends it
		}
		return err
	})
}

// do is watch for who needs no connection.
func (c *consoleCmd) do(a *app, r wire.Request, take func(wire.Answer) error) error {
	return c.watch(a, r, func(_ *console.Client, answer wire.Answer) error { return take(answer) })
}

// printer writes the answers of a server.
func (c *consoleCmd) printer(a *app) func(*console.Client, wire.Answer) error {
	return func(client *console.Client, answer wire.Answer) error { return c.print(a, client, answer) }
}

func (c *consoleCmd) print(a *app, client *console.Client, answer wire.Answer) error {
	return c.write(a, console.Text{TickRate: client.Welcome().TickRate, Now: time.Now()}, answer)
}

// write writes an answer for people as a Text does, or for programs.
func (c *consoleCmd) write(a *app, as console.Text, answer wire.Answer) error {
	if !c.JSON {
		return as.Write(a.Stdout, answer)
	}
	text, err := console.JSON(answer)
	if err == nil {
		_, err = fmt.Fprintf(a.Stdout, "%s\n", text)
	}
	return err
}

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
	return c.watch(a, r, c.printer(a))
}

// Run asks for a room, and, for people, for its players, whose bytes are told by table.
func (showCmd) Run(a *app, in *consoleCmd) error {
	return in.watch(a, wire.Request{Act: wire.ActRoom}, func(client *console.Client, answer wire.Answer) error {
		if !in.JSON && len(answer.Rooms) == 1 {
			players, err := client.Do(a.ctx, wire.Request{Act: wire.ActPlayers, Room: answer.Rooms[0].ID})
			if err != nil {
				return err
			}
			answer.Players = players.Players
		}
		return in.print(a, client, answer)
	})
}

// Run bans, a player by name when one is known.
func (c banCmd) Run(a *app, in *consoleCmd) error {
	r := wire.Request{Act: wire.ActBan}
	if err := c.fill(&r); err != nil {
		return err
	}
	if err := in.complete(&r); err != nil {
		return err
	}
	return in.over(a, func(client *console.Client) error {
		if err := c.byName(a.ctx, client, &r); err != nil {
			return err
		}
		answer, err := client.Do(a.ctx, r)
		if err != nil {
			return err
		}
		return in.print(a, client, answer)
	})
}

// byName makes the ban of a player one of the user that the player is, if the server knows.
func (c banCmd) byName(ctx context.Context, client *console.Client, r *wire.Request) error {
	if c.Player == 0 || c.ByAddress || c.User != "" || c.Address != "" {
		return nil
	}
	room, err := client.Do(ctx, wire.Request{Act: wire.ActRoom, Room: r.Room}) // the only one may have no name here
	if err != nil || len(room.Rooms) == 0 {
		return err
	}
	players, err := client.Do(ctx, wire.Request{Act: wire.ActPlayers, Room: room.Rooms[0].ID})
	for _, p := range players.Players {
		if p.Player == c.Player && p.User != "" {
			r.Room, r.Player, r.User = "", 0, p.User
		}
	}
	return err
}

// Run takes the profile, and writes it into the file.
func (c *profileCmd) Run(a *app, in *consoleCmd) error {
	if c.For < time.Second || c.For > wire.MaxProfileSeconds*time.Second {
		return usagef("--for is %v; 1s to %ds are possible", c.For, wire.MaxProfileSeconds)
	}
	r := wire.Request{Act: wire.ActProfile, Seconds: uint64(c.For / time.Second), Text: c.Kind}
	if err := in.complete(&r); err != nil {
		return err
	}
	return in.over(a, func(client *console.Client) error {
		var taken wire.Answer
		err := console.Keep(c.Out, func(file io.Writer) (err error) {
			if taken, err = client.Do(a.ctx, r); err == nil {
				_, err = file.Write(taken.Data)
			}
			return err
		})
		if errors.Is(err, console.ErrFile) {
			return usagef("--out: %w", err)
		}
		if err != nil {
			return err
		}
		taken.Text, taken.Data = fmt.Sprintf("%s: %s", c.Out, taken.Text), nil
		return in.print(a, client, taken)
	})
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
