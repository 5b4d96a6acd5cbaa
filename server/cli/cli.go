package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/quicstep/quicstep/world"
)

// The codes that a program exits with.
const (
	// ExitOK: all went well, and so did a stop that a signal asked for.
	ExitOK = 0
	// ExitFailed: it did not, or an assertion does not hold.
	ExitFailed = 1
	// ExitUsage: the command line, the environment or the configuration file is wrong, and nothing was done.
	ExitUsage = 2
)

// Main runs the command line of a program that has these games, of which the first is the default one, and exits with
// one of the codes above. SIGINT and SIGTERM end what runs in good order; a second one ends the program at once.
func Main(games ...world.Game) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the next signal is not caught any more
	os.Exit(Run(ctx, Config{Games: games, Args: os.Args[1:]}))
}

// Config is the command line and what it touches. Only Games is needed.
type Config struct {
	// Games are what can be served and played; the first is the default one.
	Games []world.Game
	// Args are the words after the program's name; none shows the help.
	Args []string
	// Name is the program's; empty means the one that it was started by.
	Name string
	// Stdout gets what was asked for, Stderr what else is to be said; nil means the process's own.
	Stdout, Stderr io.Writer
	// LookupEnv reads the environment; nil means os.LookupEnv.
	LookupEnv func(name string) (value string, ok bool)
	// Folders are searched for quicstep.json, of which the first counts; nil means the working folder, and quicstep in the
	// user's configuration folder.
	Folders []string
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	}
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	if c.Stderr == nil {
		c.Stderr = os.Stderr
	}
	if c.LookupEnv == nil {
		c.LookupEnv = os.LookupEnv
	}
	if c.Folders == nil {
		c.Folders = []string{"."}
		if dir, err := os.UserConfigDir(); err == nil {
			c.Folders = append(c.Folders, filepath.Join(dir, "quicstep"))
		}
	}
	return c
}

// grammar is the command line as kong reads it.
type grammar struct {
	Config string `help:"Read flags from this JSON file, else from quicstep.json in the working folder, else in quicstep in the user's configuration folder. Keys are flags, of every command or of one: {\"addr\": \"127.0.0.1:5000\", \"serve\": {\"tick\": 60}}. The command line counts first, then the environment, then the file." placeholder:"FILE"`

	Serve      serveCmd      `cmd:"" help:"Serve games to players, until SIGINT or SIGTERM."`
	Bots       botsCmd       `cmd:"" help:"Play a game with bots and report what they saw: load, latency, divergence."`
	Feel       feelCmd       `cmd:"" help:"Measure what a player feels on bad networks, over datagrams and over a reliable stream."`
	Console    consoleCmd    `cmd:"" help:"See, ask and act on the live state of a server, through its admin door."`
	Admin      adminCmd      `cmd:"" help:"Make and take the credentials of a server's admin door."`
	Token      tokenCmd      `cmd:"" help:"Make the keys and tokens by which players may join, for development."`
	Rooms      roomsCmd      `cmd:"" help:"List the public rooms of a server."`
	Gen        genCmd        `cmd:"" help:"Write code of a game's definition for clients in other languages."`
	Version    versionCmd    `cmd:"" help:"Print the versions of this program and of its protocol."`
	Completion completionCmd `cmd:"" help:"Print a script that completes commands and flags in a shell."`
}

// groups are the headings of flags in the help.
var groups = kong.Groups{
	"game":    "Game:",
	"network": "Network:",
	"auth":    "Who may join:",
	"rooms":   "Rooms:",
	"operate": "Operation:",
	"measure": "Measurement:",
	"judge":   "Report:",
	"impair":  "A bad network:",
}

// app is one run of the command line.
type app struct {
	Config
	ctx   context.Context
	level slog.LevelVar // of the log
}

// Run is Main without the exit: it does what the arguments say until that is done or ctx ends, and returns the code.
func Run(ctx context.Context, cfg Config) int {
	a := &app{Config: cfg.withDefaults(), ctx: ctx}
	if len(a.Games) == 0 {
		return a.fail(errors.New("this program has no game: give cli.Main one"), "")
	}
	var g grammar
	settings := &settings{lookupEnv: a.LookupEnv, folders: a.Folders}
	exited := false
	parser, err := kong.New(&g,
		kong.Name(a.Name), kong.Description(a.description()), groups,
		kong.Writers(a.Stdout, a.Stderr), kong.Exit(func(int) { exited = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: true}),
		kong.ValueFormatter(helpOf), kong.WithBeforeResolve(settings.load), kong.Resolvers(settings), kong.Bind(a))
	if err != nil {
		return a.fail(fmt.Errorf("the command line is wrongly defined: %w", err), "")
	}
	if len(a.Args) > 0 && a.Args[0] == completeCommand {
		a.complete(parser.Model.Node, a.Args[1:])
		return ExitOK
	}
	if len(a.Args) == 0 {
		parser.Stdout = a.Stderr
		parser.Parse([]string{"--help"}) // which prints it
		return ExitUsage
	}
	parsed, err := parser.Parse(a.Args)
	if exited { // --help was asked for, and printed
		return ExitOK
	}
	if err != nil {
		var wrong *kong.ParseError
		command := ""
		if errors.As(err, &wrong) && wrong.Context != nil {
			command = wrong.Context.Command()
		}
		return a.fail(usageError{settings.explain(err)}, command)
	}
	err = parsed.Run()
	if usage := (usageError{}); errors.As(err, &usage) {
		err = usageError{settings.explain(err)}
	}
	return a.fail(err, parsed.Command())
}

// description is what the help of the program begins with.
func (a *app) description() string {
	return fmt.Sprintf("A multiplayer game state server over QUIC, and bots that play on it. This program has: %s.\n\n"+
		"To begin: \"%[2]s serve\" in one terminal, \"%[2]s bots --clients 2\" in another.", strings.Join(a.names(), ", "), a.Name)
}

// helpOf is a flag's help with its default, and the name that it has in the environment.
func helpOf(v *kong.Value) string {
	if v.Flag == nil || v.Name == "help" {
		return v.Help
	}
	standard := ""
	if v.Default != "" && v.Default != "0" && v.Default != "0s" {
		standard = v.Default + " unless given, "
	}
	return strings.TrimSuffix(v.Help, ".") + " (" + standard + "$" + envName(v.Name) + ")."
}

// usageError is an error of whoever wrote the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func (e usageError) Unwrap() error { return e.error }

// fail prints an error, if there is one, and returns the code for it.
func (a *app) fail(err error, command string) int {
	if err == nil {
		return ExitOK
	}
	fmt.Fprintf(a.Stderr, "%s: %v\n", a.Name, err)
	var coded codedError
	if errors.As(err, &coded) {
		return coded.code
	}
	var usage usageError
	if !errors.As(err, &usage) {
		return ExitFailed
	}
	command, _, _ = strings.Cut(command, " <") // without the arguments
	fmt.Fprintf(a.Stderr, "%s --help tells more.\n", strings.TrimSpace(a.Name+" "+command))
	return ExitUsage
}
