package cli

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/quicstep/quicstep/clients/console"
	wire "github.com/quicstep/quicstep/protocol/admin"
)

// The codes that console exits with, beside those of every command.
const (
	// ExitDenied: the credentials are not there, not good, or not for this.
	ExitDenied = 3
	// ExitNone: what was asked for is not there: no such room, player, table, row, edit or ban.
	ExitNone = 4
	// ExitState: not now: the room is frozen, or is not, or an undo found another value than it was to find.
	ExitState = 5
	// ExitUnreachable: nobody answers at the door, and nothing was done.
	ExitUnreachable = 6
	// ExitUnwritten: it was done, and the audit log does not say so: look before you do it again.
	ExitUnwritten = 7
	// ExitUnknown: an act was sent and no answer came; whether it was done, the audit log tells.
	ExitUnknown = 8
)

// consoleCmd asks a server's admin door.
type consoleCmd struct {
	Profile string        `help:"The credentials' file, which admin init and admin add write; without one those that admin init left on this machine." placeholder:"FILE" group:"network"`
	Door    string        `help:"The address of the server's admin door, if not the profile's." placeholder:"HOST:PORT" group:"network"`
	Room    string        `help:"The room, by its name or ID; needless when there is one." placeholder:"ROOM" group:"rooms"`
	JSON    bool          `name:"json" help:"Print JSON in place of text." group:"judge"`
	Every   time.Duration `help:"Ask again and again, so often, until a signal; for what only looks." default:"0s" placeholder:"TIME" group:"judge"`

	Screen  screenCmd  `cmd:"" default:"1" help:"The screen, in a terminal; the same as no command."`
	Health  lookCmd    `cmd:"" help:"The server in one line."`
	Rooms   lookCmd    `cmd:"" help:"Rooms, those with the slowest ticks first."`
	Show    showCmd    `cmd:"" name:"room" help:"A room: what its ticks cost, by part, and its bytes, by table."`
	Report  lookCmd    `cmd:"" help:"Which rooms to move or fix, and why."`
	Players lookCmd    `cmd:"" help:"Players: round trip, loss, age of state, lateness of inputs; of --room, or all."`
	Tables  lookCmd    `cmd:"" help:"The tables of a room, with their fields."`
	Query   queryCmd   `cmd:"" help:"Rows of a table that meet conditions."`
	Past    pastCmd    `cmd:"" name:"timeline" help:"What a row was in the latest ticks, of which a room keeps 128, the newest first."`
	Sight   sightCmd   `cmd:"" help:"What of a table a player was sent, what not, and why; of its first 2,048 rows."`
	Edits   lookCmd    `cmd:"" help:"The latest edits, which undo can take back."`
	Bans    lookCmd    `cmd:"" help:"The bans that hold."`
	Kick    kickCmd    `cmd:"" help:"Send a player away."`
	Ban     banCmd     `cmd:"" help:"Keep an address, a user, or a player out, for 24 hours unless told otherwise; also after a restart."`
	Unban   numberCmd  `cmd:"" help:"Lift a ban."`
	Say     sayCmd     `cmd:"" help:"Tell a line of chat to a room, one player, or everybody."`
	Freeze  plainCmd   `cmd:"" help:"Have a room stand."`
	Step    countCmd   `cmd:"" help:"Have a frozen room make so many ticks."`
	Slow    countCmd   `cmd:"" help:"Have a tick of a room take so many periods, 1 being the normal pace; one that is frozen goes on so."`
	Resume  plainCmd   `cmd:"" help:"Have a frozen or slow room go on at its normal pace."`
	Set     setCmd     `cmd:"" help:"Set a field of a row, in the room's next tick."`
	Undo    numberCmd  `cmd:"" help:"Take an edit back, if the field still holds it."`
	Impair  impairCmd  `cmd:"" help:"Make the link of one player worse for a while, so that you see what bad networks do."`
	Close   reasonCmd  `cmd:"" help:"End a room."`
	Take    profileCmd `cmd:"" name:"profile" help:"Take a CPU profile or a trace, labelled by work, room and phase, into a file."`
	Capture captureCmd `cmd:"" help:"The latest ticks that took too long, part by part, of a room or of all; into a file with --out."`
	Drain   plainCmd   `cmd:"" help:"Let nobody new in, so that the server becomes empty."`
	Undrain plainCmd   `cmd:"" help:"Let newcomers in again."`
	Level   levelCmd   `cmd:"" name:"log-level" help:"Change the least of what the server logs."`
	Audit   auditCmd   `cmd:"" help:"The latest lines of the audit log."`
}

// Help is shown by console --help.
func (consoleCmd) Help() string {
	return "The server has to be started with --admin-addr. Beside 0, 1 and 2 the exit codes are: 3, the credentials are missing, not good or " +
		"not for this; 4, it is not there; 5, not in the present state, or changed since; 6, nobody answers, and nothing was done; 7, it was " +
		"done, but could not be written into the audit log; 8, an act was sent and no answer came, so that the audit log alone tells whether it was done."
}

// nameAct is the act that a command is named for.
func nameAct(command string) wire.Act {
	_, rest, _ := strings.Cut(command, " ")
	name, _, _ := strings.Cut(rest, " ")
	return wire.Act(name)
}

// The commands, by what they take.
type (
	lookCmd   struct{}
	showCmd   struct{}
	plainCmd  struct{}
	numberCmd struct {
		Number uint64 `arg:"" help:"Its number."`
	}
	countCmd struct {
		Count uint64 `arg:"" help:"How many."`
	}
	reasonCmd struct {
		Reason string `help:"What players are told." placeholder:"TEXT" group:"operate"`
	}
	queryCmd struct {
		Table string   `arg:"" help:"The table's name."`
		Where []string `arg:"" optional:"" help:"Conditions, as in 'X>=10' 'Name~Ann' 'owner=3'; = != < <= > >= ~ are there."`
		Row   string   `help:"This row alone, by its ID or index." placeholder:"ID" group:"judge"`
		Limit uint64   `help:"The most rows." default:"100" placeholder:"N" group:"judge"`
	}
	pastCmd struct {
		Table string `arg:"" help:"The table's name."`
		Row   string `arg:"" help:"The row's ID, as in 17.2, or its index."`
		Ticks uint64 `help:"How many ticks to look back, of the latest 128: 4.3 s at 30 ticks a second." default:"128" placeholder:"N" group:"judge"`
	}
	sightCmd struct {
		Player uint32 `arg:"" help:"The player's number."`
		Table  string `arg:"" help:"The table's name."`
		Row    string `help:"This row alone, by its ID or index." placeholder:"ID" group:"judge"`
	}
	kickCmd struct {
		Player uint32 `arg:"" help:"The player's number."`
		Reason string `help:"What the player is told." placeholder:"TEXT" group:"operate"`
	}
	banCmd struct {
		Address   string        `arg:"" optional:"" help:"An address, or a prefix as in 192.0.2.0/24."`
		User      string        `help:"A user, by the name that tokens say, wherever it comes from." placeholder:"NAME" group:"operate"`
		Player    uint32        `help:"This player of the room: by name, or, when none is known, by address." placeholder:"N" group:"operate"`
		ByAddress bool          `help:"Ban --player by address although the name is known; behind a proxy that is everybody's." group:"operate"`
		For       time.Duration `help:"For how long; 0s means for ever." default:"24h" placeholder:"TIME" group:"operate"`
		Reason    string        `help:"What whoever is kept out is told." placeholder:"TEXT" group:"operate"`
	}
	sayCmd struct {
		Text   string `arg:"" help:"The line."`
		Player uint32 `help:"To this player of the room." placeholder:"N" group:"operate"`
		All    bool   `help:"To everybody in every room." group:"operate"`
	}
	impairCmd struct {
		Player uint32        `arg:"" help:"The player's number."`
		Delay  time.Duration `help:"Added to the round trip." default:"0s" placeholder:"TIME" group:"operate"`
		Jitter time.Duration `help:"By how much the delay varies." default:"0s" placeholder:"TIME" group:"operate"`
		Loss   float64       `help:"The share of datagrams that are lost, each way." default:"0" placeholder:"SHARE" group:"operate"`
		For    time.Duration `help:"For how long, up to an hour." default:"60s" placeholder:"TIME" group:"operate"`
		Off    bool          `help:"As it was, at once." group:"operate"`
	}
	setCmd struct {
		Table string `arg:"" help:"The table's name."`
		Row   string `arg:"" help:"The row's ID, as in 17.2, or its index."`
		Field string `arg:"" help:"The field's name."`
		Value string `arg:"" help:"What it is to hold."`
	}
	levelCmd struct {
		Level string `arg:"" help:"One of ${enum}." enum:"debug,info,warn,error"`
	}
	auditCmd struct {
		Lines uint64 `help:"How many." default:"20" placeholder:"N" group:"judge"`
	}
	profileCmd struct {
		Out  string        `help:"The file to write, which must not be there yet." default:"quicstep.pprof" placeholder:"FILE" group:"operate"`
		Kind string        `help:"One of ${enum}." enum:"cpu,trace" default:"cpu" placeholder:"KIND" group:"operate"`
		For  time.Duration `help:"For how long, up to 30s." default:"5s" placeholder:"TIME" group:"operate"`
	}
)

func (lookCmd) fill(*wire.Request) error       { return nil }
func (plainCmd) fill(*wire.Request) error      { return nil }
func (c numberCmd) fill(r *wire.Request) error { r.Number = c.Number; return nil }
func (c countCmd) fill(r *wire.Request) error  { r.Count = c.Count; return nil }
func (c reasonCmd) fill(r *wire.Request) error { r.Text = c.Reason; return nil }
func (c kickCmd) fill(r *wire.Request) error   { r.Player, r.Text = c.Player, c.Reason; return nil }
func (c levelCmd) fill(r *wire.Request) error  { r.Text = c.Level; return nil }
func (c auditCmd) fill(r *wire.Request) error  { r.Count = c.Lines; return nil }
func (c sayCmd) fill(r *wire.Request) error {
	r.Text, r.Player, r.All = c.Text, c.Player, c.All
	return nil
}

func (c pastCmd) fill(r *wire.Request) error {
	r.Table, r.Row, r.Count = c.Table, c.Row, c.Ticks
	return nil
}

func (c sightCmd) fill(r *wire.Request) error {
	r.Player, r.Table, r.Row = c.Player, c.Table, c.Row
	return nil
}

func (c impairCmd) fill(r *wire.Request) error {
	r.Player = c.Player
	none := c.Delay == 0 && c.Jitter == 0 && c.Loss == 0
	most := wire.MaxImpairMS * time.Millisecond
	switch {
	case c.Off && !none:
		return usagef("--off takes no --delay, --jitter or --loss")
	case c.Off:
		return nil
	case none:
		return usagef("give a --delay, a --jitter or a --loss, or --off")
	case c.Delay < 0 || c.Jitter < 0 || max(c.Delay, c.Jitter) > most:
		return usagef("--delay is %v and --jitter %v; 0 to %v are possible", c.Delay, c.Jitter, most)
	case !(c.Loss >= 0 && c.Loss <= 1): // NaN does not pass
		return usagef("--loss is %v; give a share from 0 to 1", c.Loss)
	case c.For < time.Second || c.For > wire.MaxImpairSeconds*time.Second:
		return usagef("--for is %v; 1s to %v are possible", c.For, wire.MaxImpairSeconds*time.Second)
	}
	r.DelayMS, r.JitterMS, r.Seconds = uint64(c.Delay.Milliseconds()), uint64(c.Jitter.Milliseconds()), uint64(c.For/time.Second)
	r.LossPerMille = uint64(math.Round(1000 * c.Loss))
	return nil
}

func (c setCmd) fill(r *wire.Request) error {
	r.Table, r.Row, r.Field, r.Value = c.Table, c.Row, c.Field, c.Value
	return nil
}

func (c banCmd) fill(r *wire.Request) error {
	switch {
	case c.For < 0 || c.For > 0 && c.For < time.Second:
		return usagef("--for is %v; give a second or more, as in 24h, or 0s for ever", c.For)
	case c.ByAddress && c.Player == 0:
		return usagef("--by-address is for --player: an address alone is given without a flag")
	}
	r.Address, r.User, r.Player, r.Seconds, r.Text = c.Address, c.User, c.Player, uint64(c.For/time.Second), c.Reason
	return nil
}

func (c queryCmd) fill(r *wire.Request) error {
	r.Table, r.Row, r.Count = c.Table, c.Row, c.Limit
	where, err := console.ParseConditions(c.Where)
	if err != nil {
		return usageError{err}
	}
	r.Where = where
	return nil
}

// codedError is an error with an exit code of its own.
type codedError struct {
	error
	code int
}

func (e codedError) Unwrap() error { return e.error }

// codedConsole gives an error its code.
func codedConsole(err error) error {
	var refused *console.RefusedError
	switch {
	case errors.Is(err, console.ErrUnknown):
		return codedError{err, ExitUnknown}
	case errors.Is(err, console.ErrNoProfile), errors.Is(err, console.ErrExposed), errors.Is(err, console.ErrRefused), errors.Is(err, console.ErrCertificate):
		return codedError{err, ExitDenied}
	case errors.Is(err, console.ErrUnreachable):
		return codedError{err, ExitUnreachable}
	case !errors.As(err, &refused):
		return err
	}
	switch refused.Code {
	case wire.CodeRole:
		return codedError{err, ExitDenied}
	case wire.CodeNone:
		return codedError{err, ExitNone}
	case wire.CodeState, wire.CodeChanged:
		return codedError{err, ExitState}
	case wire.CodeUnwritten:
		return codedError{err, ExitUnwritten}
	case wire.CodeBad:
		return usageError{err}
	}
	return err
}
