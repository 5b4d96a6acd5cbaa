package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completeCommand is what the scripts call: it is followed by the words so far, the last of which may be empty, and
// prints what may take the place of the last, each on its own line.
const completeCommand = "__complete"

// completionCmd prints a script for a shell.
type completionCmd struct {
	Shell string `arg:"" help:"One of ${enum}." enum:"bash,zsh,fish"`
}

// Help is shown by completion --help.
func (completionCmd) Help() string {
	return "Put one of these lines into your shell's startup file, with this program's name for NAME:\n\n" +
		"    source <(NAME completion bash)    # ~/.bashrc\n" +
		"    source <(NAME completion zsh)     # ~/.zshrc, after compinit\n" +
		"    NAME completion fish | source     # ~/.config/fish/config.fish"
}

// notInNames is what a shell function's name can't have.
var notInNames = regexp.MustCompile(`[^A-Za-z0-9_]`)

// Run prints it.
func (c *completionCmd) Run(a *app) error {
	scripts := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}
	function := "_" + notInNames.ReplaceAllString(a.Name, "_") + "_complete"
	_, err := strings.NewReplacer("FUNCTION", function, "PROGRAM", "'"+strings.ReplaceAll(a.Name, "'", `'\''`)+"'").WriteString(a.Stdout, scripts[c.Shell])
	return err
}

// Without candidates each shell completes files. The program is called as it is on the line.
const (
	bashScript = `FUNCTION() {
  local IFS=$'\n'
  COMPREPLY=($("$1" ` + completeCommand + ` "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F FUNCTION PROGRAM
`
	zshScript = `FUNCTION() {
  local -a candidates
  candidates=(${(f)"$("${words[1]}" ` + completeCommand + ` "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( ${#candidates} )); then
    compadd -- "${candidates[@]}"
  else
    _files
  fi
}
compdef FUNCTION PROGRAM
`
	fishScript = `function FUNCTION
  set -l words (commandline -opc)
  set -l candidates ($words[1] ` + completeCommand + ` $words[2..-1] (commandline -ct | string collect --allow-empty) 2>/dev/null)
  if test (count $candidates) -gt 0
    printf '%s\n' $candidates
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c PROGRAM -f -a '(FUNCTION)'
`
)

// complete prints the candidates for the last of the words.
func (a *app) complete(root *kong.Node, words []string) {
	for _, c := range a.candidates(root, words) {
		fmt.Fprintln(a.Stdout, c)
	}
}

// candidates walks the words and returns what the last may become.
func (a *app) candidates(root *kong.Node, words []string) []string {
	last := ""
	if n := len(words); n > 0 {
		words, last = words[:n-1], words[n-1]
	}
	node, waiting, positionals := root, (*kong.Flag)(nil), 0
	for _, word := range words {
		switch {
		case word == "=": // bash makes three words of --flag=value
		case waiting != nil:
			waiting = nil
		case strings.HasPrefix(word, "-"):
			waiting = waitsForValue(node, word)
		case child(node, word) != nil:
			node = child(node, word)
		default:
			positionals++
		}
	}
	name, value, assigned := strings.Cut(last, "=")
	switch {
	case waiting != nil:
		return startingWith(strings.TrimPrefix(last, "="), "", a.valuesOf(waiting.Value))
	case assigned && findFlag(node, name) != nil:
		return startingWith(value, name+"=", a.valuesOf(findFlag(node, name).Value))
	case strings.HasPrefix(last, "-"):
		return startingWith(last, "", flagNames(node))
	case positionals < len(node.Positional):
		return startingWith(last, "", a.valuesOf(node.Positional[positionals]))
	case positionals > 0:
		return nil
	}
	return startingWith(last, "", commandNames(node))
}

// waitsForValue returns the flag when its value is the next word.
func waitsForValue(node *kong.Node, word string) *kong.Flag {
	if f := findFlag(node, word); f != nil && !f.IsBool() {
		return f
	}
	return nil
}

func findFlag(node *kong.Node, word string) *kong.Flag {
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

func flagNames(node *kong.Node) (out []string) {
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			out = append(out, "--"+f.Name)
		}
	}
	return out
}

func child(node *kong.Node, name string) *kong.Node {
	for _, c := range node.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func commandNames(node *kong.Node) (out []string) {
	for _, c := range node.Children {
		if !c.Hidden {
			out = append(out, c.Name)
		}
	}
	return out
}

// valuesOf are the values that a flag or argument may have, as far as they can be listed.
func (a *app) valuesOf(v *kong.Value) []string {
	switch {
	case v.Name == "game":
		return a.names()
	case v.Enum != "":
		return v.EnumSlice()
	}
	return nil
}

func startingWith(prefix, before string, words []string) (out []string) {
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			out = append(out, before+w)
		}
	}
	slices.Sort(out)
	return out
}
