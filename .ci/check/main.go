// Command check holds the tree to its own rules: which package imports which, how long files and functions are, which
// names need a comment, what stands at the top, and that docs/security.md names tests that there are. Run it from the root with go run ./.ci/check; it prints one fault a
// line and exits 1 when there is any. The floors are in floors.go.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/parser"
	"go/scanner"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// topLevel names what may stand at the root, beside names that start with a dot.
var topLevel = []string{
	"server", "protocol", "world", "clients", "testdata", "docs", "examples", "bin",
	"go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "CHANGELOG.md",
}

func main() {
	faults, err := run(".", os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(2)
	}
	if faults > 0 {
		os.Exit(1)
	}
}

// run checks the tree at root, prints the faults in order of place and returns how many there are.
func run(root string, out io.Writer) (int, error) {
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		return 0, fmt.Errorf("run it from the root of the repository: %w", err)
	}
	c := &checker{root: root, unlisted: map[string]bool{}, tests: map[string]bool{}}
	if err := c.checkTopLevel(); err != nil {
		return 0, fmt.Errorf("read the top level: %w", err)
	}
	if err := filepath.WalkDir(root, c.visit); err != nil {
		return 0, fmt.Errorf("walk the tree: %w", err)
	}
	if err := c.checkPromises(); err != nil {
		return 0, fmt.Errorf("read the promises: %w", err)
	}
	slices.SortFunc(c.faults, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.line, b.line), cmp.Compare(a.message, b.message))
	})
	for _, f := range c.faults {
		if _, err := fmt.Fprintf(out, "%s:%d: %s\n", f.path, f.line, f.message); err != nil {
			return 0, fmt.Errorf("print: %w", err)
		}
	}
	return len(c.faults), nil
}

type fault struct {
	path    string
	line    int
	message string
}

type checker struct {
	root     string
	faults   []fault
	unlisted map[string]bool // packages without a floor, already reported
	tests    map[string]bool // every Go test by its name
}

func (c *checker) report(path string, line int, format string, args ...any) {
	c.faults = append(c.faults, fault{path, line, fmt.Sprintf(format, args...)})
}

func (c *checker) checkTopLevel() error {
	entries, err := os.ReadDir(c.root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(topLevel, name) {
			c.report(name, 1, "%s must not stand at the top; move it below one of the fixed folders, or delete it", name)
		}
	}
	return nil
}

// visit checks one entry of the tree; it passes over what the go tool passes over, except .ci.
func (c *checker) visit(full string, entry fs.DirEntry, err error) error {
	// Somebody else's temporary file may be gone between listing and looking.
	if errors.Is(err, fs.ErrNotExist) && full != c.root {
		return nil
	}
	if err != nil {
		return err
	}
	path, err := filepath.Rel(c.root, full)
	if err != nil {
		return err
	}
	path = filepath.ToSlash(path)
	if entry.IsDir() {
		if path != "." && path != ".ci" && skipsDir(path, entry.Name()) {
			return fs.SkipDir
		}
		return nil
	}
	if name := entry.Name(); !strings.HasSuffix(name, ".go") || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return nil
	}
	return c.checkFile(full, path)
}

func skipsDir(path, name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") ||
		name == "testdata" || name == "node_modules" || path == "bin"
}

func (c *checker) checkFile(full, path string) error {
	source, err := os.ReadFile(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, full, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		line, message := 1, err.Error()
		var list scanner.ErrorList
		if errors.As(err, &list) && len(list) > 0 {
			line, message = list[0].Pos.Line, list[0].Msg
		}
		c.report(path, line, "does not parse, mend it first: %s", message)
		return nil
	}
	f := &file{path: path, source: source, fset: fset, syntax: syntax}
	c.checkImports(f)
	c.checkLengths(f)
	c.checkComments(f)
	c.checkMarkers(f)
	c.noteTests(f)
	return nil
}
