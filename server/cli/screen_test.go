package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quicstep/quicstep/server/cli"
)

// pane is a program in a terminal of tmux's.
type pane struct {
	t      *testing.T
	socket string
	wrote  chan struct{} // holds one: the program has written something
}

// openPane runs a program in a terminal of this size.
func openPane(t *testing.T, width, height int, args ...string) *pane {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("SKIPPED: the screen was not driven in a real terminal: apt-get install tmux")
	}
	dir, err := os.MkdirTemp("", "qs") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	term := &pane{t: t, socket: filepath.Join(dir, "s"), wrote: make(chan struct{}, 1)}
	fifo := filepath.Join(dir, "out")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for space := make([]byte, 4096); ; {
			if _, err := out.Read(space); err != nil {
				return
			}
			select {
			case term.wrote <- struct{}{}:
			default:
			}
		}
	}()
	for i, a := range args {
		args[i] = "'" + a + "'"
	}
	// The shell waits for a line, so that nothing is written before somebody reads.
	term.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "read go; "+strings.Join(args, " ")+"; echo it left with $?; read end")
	t.Cleanup(func() {
		term.tmux("kill-server")
		out.Close()
		<-done
		os.RemoveAll(dir)
	})
	term.tmux("pipe-pane", "cat >"+fifo)
	term.keys("Enter")
	return term
}

func (term *pane) tmux(args ...string) string {
	term.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", term.socket}, args...)...).CombinedOutput()
	if err != nil {
		term.t.Errorf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// keys presses keys, by tmux's names.
func (term *pane) keys(keys ...string) {
	term.t.Helper()
	term.tmux(append([]string{"send-keys"}, keys...)...)
}

// types writes a text.
func (term *pane) types(text string) {
	term.t.Helper()
	term.tmux("send-keys", "-l", text)
}

// want waits until all these texts are on the screen.
func (term *pane) want(texts ...string) {
	term.t.Helper()
	deadline := time.After(patience)
	for {
		screen := term.tmux("capture-pane", "-p")
		missing := ""
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-term.wrote:
		case <-deadline:
			term.t.Fatalf("%q is not on the screen:\n%s", missing, screen)
		}
	}
}

// TestScreen drives the console's screen as an operator does, in a real terminal, through a real door.
func TestScreen(t *testing.T) {
	for _, size := range []struct{ width, height int }{{80, 24}, {200, 50}} {
		t.Run(fmt.Sprintf("%dx%d", size.width, size.height), func(t *testing.T) {
			path := self(t)
			o := openOfficeOf(t, "--game", "arena", "--bots", "4")
			term := openPane(t, size.width, size.height, path, "console", "--profile", filepath.Join(o.dir, "console.json"), "--door", o.address)
			term.want("quicstep  rooms", "all is well", "4/", "normal", "q quit")
			term.keys("Enter")
			term.want("PLAYER USER", "PART", "█ step", "> ", "plays")
			term.keys("m")
			term.want("@ player", "ship", "zoom 0")
			term.keys("v")
			term.want("as it is")
			term.keys("/")
			term.types("acknowledged")
			term.keys("Enter")
			term.want("has  acknowledged", "the client has it")
			term.keys("BSpace", "BSpace")
			term.want("PLAYER USER")

			term.keys("t")
			term.want("FIELDS", "ship", "drone")
			term.keys("Down")
			term.want("> ship")
			term.keys("Enter")
			term.want("OWNER", "Hull")
			term.keys("Enter")
			term.want("TICK", "·")
			term.keys("BSpace")
			term.want("OWNER", "> ")
			term.keys("s")
			term.want("field: ")
			term.types("Name")
			term.keys("Enter")
			term.want("its new value: ")
			term.types("Zoe")
			term.keys("Enter")
			term.want("y yes")
			term.keys("y")
			term.want("edit 1:", "Zoe")
			term.keys("E")
			term.want("EDIT", "Zoe", "ann")
			term.keys("u", "y")
			term.want("edit 2 undoes edit 1")

			term.keys("BSpace", "BSpace", "BSpace")
			term.want("PLAYER USER")
			term.keys("f", "y")
			term.want("arena  frozen", "stands")
			term.keys("n", "BSpace", "5", "Enter", "y")
			term.want("5 ticks made")
			term.keys("f", "y")
			term.want("arena  normal", "goes on")
			term.keys("k")
			term.types("be kind")
			term.keys("Enter")
			term.want("kick player", "be kind")
			term.keys("y")
			term.want("was sent away")
			term.keys("A")
			term.want("audit log", "kick", "undo", "step")
			term.keys("?")
			term.want("Keys of this page")

			o.stop()
			term.keys("BSpace")
			term.want("not connected")
			o.program = serve(t, "--game", "arena", "--admin-addr", o.address, "--admin-dir", o.dir)
			term.keys("BSpace", "BSpace")
			term.want("no rooms", "ann, owner")
			term.tmux("resize-window", "-x", "100", "-y", "30")
			term.keys("R")
			term.want("nothing to do")
			term.keys("q")
			term.want("it left with 0")
		})
	}
}

// TestScreenWithoutColours says all that it says with them.
func TestScreenWithoutColours(t *testing.T) {
	path := self(t)
	o := openOfficeOf(t, "--game", "arena", "--bots", "2")
	colour := regexp.MustCompile(`\x1b\[(\d+;)*3[0-7]m`)
	for variable, want := range map[string]bool{"OTHER=1": true, "NO_COLOR=1": false} {
		term := openPane(t, 80, 24, "env", variable, path, "console", "--profile", filepath.Join(o.dir, "console.json"), "--door", o.address)
		// The line of health is coloured in any state, and may come later than the list; "overruns" is in its figures.
		term.want("quicstep  rooms", "> ", "2/", "overruns", "q quit")
		if got := colour.MatchString(term.tmux("capture-pane", "-e", "-p")); got != want {
			t.Errorf("with %s there are colours: %v", variable, got)
		}
		term.keys("q")
		term.want("it left with 0")
	}
}

// TestScreenNeedsATerminal: without one, the commands are named.
func TestScreenNeedsATerminal(t *testing.T) {
	o := openOffice(t)
	if p := o.console(cli.ExitUsage); !strings.Contains(p.stderr.String(), "console rooms") {
		t.Errorf("it says %q", p.stderr.String())
	}
}
