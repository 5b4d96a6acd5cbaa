//go:build unix

package cli_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTutorial does what docs/tutorial.md says, in an empty folder. What follows the language of a fenced block tells what
// the block is, and no reader sees it:
//
//	go FILE        the whole file, or declarations that replace those of the same names in it, or are added
//	sh             commands, run to their end; sh NAME: a command that goes on in the terminal of that name
//	text           what the latest commands have printed; text NAME: what the terminal of that name prints
//	text type NAME what is typed there
//
// Of a text each line must come, in this order, maybe with others in between. A number with a decimal point stands for any
// number, … for anything, and the default address for the one that the test has chosen.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program several times")
	}
	if goCache == "" {
		t.Skip("there is no go command")
	}
	t.Parallel()
	checkout := filepath.Dir(goEnv("GOMOD"))
	text, err := os.ReadFile(filepath.Join(checkout, "docs", "tutorial.md"))
	if err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	r := &reader{t: t, checkout: checkout, dir: t.TempDir(), terminals: map[string]*terminal{}}
	r.env = append(os.Environ(), "QUICSTEP_ADDR="+addr, "GOCACHE="+goCache, "GOWORK=off", "GOSUMDB=off")
	for _, b := range blocksOf(string(text)) {
		began := time.Now()
		if b.info[0] == "text" {
			b.text = strings.ReplaceAll(b.text, "127.0.0.1:4433", addr)
		}
		if !r.follow(b) {
			t.Errorf("line %d: nothing is known about a block of %q", b.line, b.info)
		}
		t.Logf("line %d, %s: %v", b.line, strings.Join(b.info, " "), time.Since(began).Round(time.Millisecond))
	}
	for _, name := range []string{"ann", "bob"} {
		r.terminals[name].stdin.Close()
		r.terminals[name].wait()
	}
}

// freeAddr is an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().String()
}

// block is a fenced block.
type block struct {
	line int // of its first line, from 1
	info []string
	text string
}

func blocksOf(document string) (out []block) {
	var in *block
	n := 0
	for line := range strings.Lines(document) {
		n++
		info, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && in == nil:
			in = &block{line: n + 1, info: strings.Fields(info)}
		case fence:
			out = append(out, *in)
			in = nil
		case in != nil:
			in.text += line
		}
	}
	return out
}

// reader follows the tutorial.
type reader struct {
	t             *testing.T
	checkout, dir string // dir is the working folder
	env           []string
	printed       string // by the latest commands
	terminals     map[string]*terminal
}

// follow does what a block says; false when it is of no known kind.
func (r *reader) follow(b block) bool {
	kind, rest := b.info[0], b.info[1:]
	switch {
	case kind == "go" && len(rest) == 1:
		r.write(b, filepath.Join(r.dir, filepath.FromSlash(rest[0])))
	case kind == "sh" && len(rest) == 0:
		r.run(b)
	case kind == "sh" && len(rest) == 1:
		r.start(b, rest[0])
	case kind == "text" && len(rest) == 0:
		if want := patternOf(b.text); !want.MatchString(r.printed) {
			r.t.Fatalf("line %d: it prints\n%s\nwant\n%s", b.line, r.printed, b.text)
		}
	case kind == "text" && rest[0] == "type":
		for _, name := range rest[1:] {
			io.WriteString(r.terminals[name].stdin, b.text)
		}
	case kind == "text":
		for _, name := range rest {
			r.terminals[name].expect(&r.terminals[name].stdout, patternOf(b.text).String())
		}
	default:
		return false
	}
	return true
}

var (
	anyNumber = regexp.MustCompile(`(^|\s)\d[\d,]*\\\.\d+`)
	anySpace  = regexp.MustCompile(`\s+`)
)

// patternOf is what a text stands for.
func patternOf(text string) *regexp.Regexp {
	var lines []string
	for line := range strings.Lines(text) {
		line = regexp.QuoteMeta(strings.TrimSpace(line))
		line = anyNumber.ReplaceAllString(line, `${1}\d[\d,.]*`)
		line = anySpace.ReplaceAllString(line, `[ \t]+`)
		lines = append(lines, strings.ReplaceAll(line, "…", ".*"))
	}
	return regexp.MustCompile(`(?m)^` + strings.Join(lines, `$(?s:.*)^`) + `$`)
}

// run runs commands, and takes note of where they end up.
func (r *reader) run(b block) {
	r.t.Helper()
	cmd := exec.Command("sh", "-e", "-c", strings.ReplaceAll(b.text, "git clone https://github.com/quicstep/quicstep\n", "ln -s '"+r.checkout+"' quicstep\n")+"pwd >&3\n")
	where, err := os.Create(filepath.Join(r.t.TempDir(), "where"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer where.Close()
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = r.dir, r.env, &stdout, &stderr, []*os.File{where}
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("line %d: %v\n%s%s", b.line, err, stdout.String(), stderr.String())
	}
	dir, err := os.ReadFile(where.Name())
	if err != nil {
		r.t.Fatal(err)
	}
	r.dir, r.printed = strings.TrimSpace(string(dir)), stdout.String()
}

// compile does what the first go run would do, but may take as long as it takes: maybe nothing is compiled yet.
func (r *reader) compile() {
	r.t.Helper()
	cmd := exec.Command("go", "build", "./...")
	cmd.Dir, cmd.Env = r.dir, r.env
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("go build: %v\n%s", err, out)
	}
}

// terminal is where a command goes on while others run.
type terminal struct {
	program
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// start starts a command in a terminal, after Ctrl-C for the former one, and waits for its first line.
func (r *reader) start(b block, name string) {
	r.t.Helper()
	if former := r.terminals[name]; former != nil {
		former.interrupt()
	}
	if len(r.terminals) == 0 {
		r.compile()
	}
	term := &terminal{cmd: exec.Command("sh", "-c", "exec "+b.text)}
	term.t, term.ended = r.t, make(chan struct{})
	term.cmd.Dir, term.cmd.Env, term.cmd.Stdout, term.cmd.Stderr = r.dir, r.env, &term.stdout, &term.stderr
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run and what it runs get signals together, as from a terminal
	var err error
	if term.stdin, err = term.cmd.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	if err := term.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		defer close(term.ended)
		term.cmd.Wait()
		term.code = term.cmd.ProcessState.ExitCode()
	}()
	r.t.Cleanup(func() {
		syscall.Kill(-term.cmd.Process.Pid, syscall.SIGKILL)
		<-term.ended
	})
	r.terminals[name] = term
	term.expect(&term.stdout, `\n`)
}

// interrupt is Ctrl-C. The code is not looked at: go run has its own, whatever the program's is.
func (term *terminal) interrupt() {
	term.t.Helper()
	if err := syscall.Kill(-term.cmd.Process.Pid, syscall.SIGINT); err != nil {
		term.t.Fatal(err)
	}
	term.wait()
}

// write writes a file, or declarations of it.
func (r *reader) write(b block, path string) {
	r.t.Helper()
	text := b.text
	if !strings.Contains("\n"+text, "\npackage ") {
		old, err := os.ReadFile(path)
		if err != nil {
			r.t.Fatalf("line %d: %v", b.line, err)
		}
		if text, err = replaced(string(old), text); err != nil {
			r.t.Fatalf("line %d: %v", b.line, err)
		}
	}
	if formatted, err := format.Source([]byte(text)); err != nil || string(formatted) != text {
		r.t.Errorf("line %d: it is not as gofmt writes it, %v", b.line, err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// replaced puts declarations in the place of those that have a name in common with them, and the others at the end.
func replaced(file, text string) (string, error) {
	const head = "package p\n"
	declarations, err := declarationsOf(head + text)
	if err != nil {
		return "", err
	}
	for _, d := range declarations {
		there, err := declarationsOf(file)
		if err != nil {
			return "", err
		}
		fresh := (head + text)[d.from:d.to]
		at := slices.IndexFunc(there, func(old declaration) bool {
			return slices.ContainsFunc(old.names, func(name string) bool { return slices.Contains(d.names, name) })
		})
		if at < 0 {
			file += "\n" + fresh + "\n"
			continue
		}
		file = file[:there[at].from] + fresh + file[there[at].to:]
	}
	return file, nil
}

// declaration is where a declaration with its comment stands in a file, and what it declares.
type declaration struct {
	names    []string
	from, to int
}

func declarationsOf(text string) (out []declaration, err error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "", text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, decl := range f.Decls {
		d := declaration{from: set.Position(decl.Pos()).Offset, to: set.Position(decl.End()).Offset}
		var doc *ast.CommentGroup
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			doc, d.names = decl.Doc, []string{decl.Name.Name}
		case *ast.GenDecl:
			doc, d.names = decl.Doc, namesOf(decl)
		}
		if doc != nil {
			d.from = set.Position(doc.Pos()).Offset
		}
		out = append(out, d)
	}
	return out, nil
}

// namesOf are what a declaration other than a function declares; all imports have one name.
func namesOf(decl *ast.GenDecl) (names []string) {
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.ImportSpec:
			names = append(names, "import")
		case *ast.TypeSpec:
			names = append(names, spec.Name.Name)
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				names = append(names, fmt.Sprint(name))
			}
		}
	}
	return names
}
