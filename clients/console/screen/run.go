package screen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	tea "charm.land/bubbletea/v2"

	"github.com/charmbracelet/x/term"

	"github.com/quicstep/quicstep/clients/console"
)

// Config is what Run needs.
type Config struct {
	// Console is the way in.
	Console console.Config
	// Term names the kind of terminal, as the environment does; empty and dumb have no screen.
	Term string
	// Output is the terminal; nil means the process's own. Keys come from the process's own input.
	Output io.Writer
}

// ErrNoTerminal: there is no screen to draw on.
var ErrNoTerminal = errors.New("this is no terminal with a screen: give a command, as in console rooms, console players or console report, with --json for programs")

// check wants a terminal at both ends.
func (c Config) check() error {
	out, ok := c.Output.(*os.File)
	if !ok || c.Term == "" || c.Term == "dumb" || !term.IsTerminal(out.Fd()) || !term.IsTerminal(os.Stdin.Fd()) {
		return ErrNoTerminal
	}
	return nil
}

// Run shows the screen until the operator leaves or ctx ends. It comes in once before it takes the terminal: the error
// then wraps ErrNoTerminal, or one of package console's. A connection that is lost later is said on the screen, and tried anew.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Output == nil {
		cfg.Output = os.Stdout
	}
	if err := cfg.check(); err != nil {
		return err
	}
	client, err := console.Open(ctx, cfg.Console)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	f := newFeed(cfg.Console, client)
	p := tea.NewProgram(&program{model: newModel(), feed: f}, tea.WithContext(ctx), tea.WithoutSignalHandler(), tea.WithOutput(cfg.Output))
	f.tell = func(message any) { p.Send(message) }
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.run(ctx)
	}()
	_, err = p.Run()
	cancel()
	<-done
	if errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, context.Canceled) {
		return nil // ctx has ended
	}
	if err != nil {
		return fmt.Errorf("show the console: %w", err)
	}
	return nil
}

// program puts a model into a terminal: it is bubbletea's Model.
type program struct {
	model *model
	feed  *feed
}

// Init says what the first page wants.
func (p *program) Init() tea.Cmd {
	p.feed.want(p.model.wants())
	return nil
}

// Update hands a message to the model, and does what it wants.
func (p *program) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	var effects []effect
	switch msg := message.(type) {
	case tea.WindowSizeMsg:
		p.model.update(sized{msg.Width, msg.Height})
	case tea.KeyPressMsg:
		effects = p.model.update(pressed{key: msg.String(), text: msg.Text})
	case tea.PasteMsg:
		effects = p.model.update(pressed{text: msg.Content})
	case linked, lost, answered, refused, ticked, acted:
		effects = p.model.update(msg)
	default:
		return p, nil
	}
	for _, e := range effects {
		if e.quit {
			return p, tea.Quit
		}
		if !p.feed.do(e) {
			p.model.update(tooMuch)
		}
	}
	p.feed.want(p.model.wants())
	return p, nil
}

// View draws the model.
func (p *program) View() tea.View {
	v := tea.NewView(p.model.view())
	v.AltScreen = true
	v.WindowTitle = "quicstep console"
	return v
}
