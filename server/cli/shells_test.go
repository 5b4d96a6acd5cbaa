package cli_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/server/cli"
)

// TestShellsComplete loads the scripts into the shells that are here, and has them complete a line.
func TestShellsComplete(t *testing.T) {
	program := self(t)
	for shell, script := range map[string]string{
		"bash": `source "$1"; COMP_WORDS=("$2" console fr); COMP_CWORD=2; _quicstep_complete "$2"; echo "${COMPREPLY[@]}"`,
		"zsh":  `compdef() { completer=$1; }; compadd() { shift; print -r -- "$@"; }; source "$1"; words=("$2" console fr); CURRENT=3; $completer`,
		"fish": `source $argv[1]; PATH=(path dirname $argv[2]):$PATH complete -C "quicstep console fr"`,
	} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("SKIPPED: completion in %s was not tried: apt-get install %s", shell, shell)
			}
			p := run(t, "completion", shell)
			p.wantCode(cli.ExitOK)
			args := []string{"-c", script, shell, writeFile(t, "script", p.stdout.String()), program}
			if shell == "fish" {
				args = append(args[:2], args[3:]...) // it has no name of its own among the arguments
			}
			cmd := exec.Command(path, args...)
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != "freeze" {
				t.Errorf("it completes by %q, %v", got, err)
			}
		})
	}
}
