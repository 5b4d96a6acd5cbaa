package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// check writes the files below a fresh root and returns what the tool prints about them, a line each.
func check(t *testing.T, files map[string]string) []string {
	t.Helper()
	root := t.TempDir()
	for path, source := range files {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module "+modulePath+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	n, err := run(root, &out)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	if out.Len() > 0 {
		lines = strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	}
	if n != len(lines) {
		t.Errorf("run counts %d faults and prints %d", n, len(lines))
	}
	return lines
}

// wantFaults compares by prefix, so that a case may leave the advice out.
func wantFaults(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("faults:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func importing(pkg string, paths ...string) string {
	var b strings.Builder
	b.WriteString("package " + pkg + "\n")
	for _, p := range paths {
		b.WriteString("import _ \"" + p + "\"\n")
	}
	return b.String()
}

func ours(pkg string) string { return modulePath + "/" + pkg }

func TestImports(t *testing.T) {
	cases := []struct {
		name, path string
		imports    []string
		want       []string
	}{
		{"lower floors are free", "server/room.go",
			[]string{ours("world"), ours("protocol"), ours("server/transport"), "time", memdb}, nil},
		{"a higher floor is not", "protocol/schema/a.go", []string{ours("protocol")},
			[]string{"protocol/schema/a.go:2: protocol/schema (floor 0) must not import protocol (floor 1); move"}},
		{"nor is the same floor", "server/replicate/a.go", []string{"time", ours("server/transport")},
			[]string{"server/replicate/a.go:3: server/replicate (floor 2) must not import server/transport (floor 2)"}},
		{"replay may read snapshots", "world/replay/a.go", []string{ours("world/snapshot")}, nil},
		{"snapshots know no replay", "world/snapshot/a.go", []string{ours("world/replay")},
			[]string{"world/snapshot/a.go:2: world/snapshot (floor 2) must not import world/replay (floor 2)"}},
		{"a module that is allowed, at any major version", "protocol/a.go",
			[]string{msgpack + "/v5", msgpack + "/v5/msgpcode"}, nil},
		{"a module that is not", "server/replicate/a.go", []string{msgpack + "/v5"},
			[]string{"server/replicate/a.go:2: server/replicate must not import " + msgpack + "/v5; write it without"}},
		{"a module whose name only starts alike", "world/a.go", []string{memdb + "x"},
			[]string{"world/a.go:2: world must not import " + memdb + "x"}},
		{"examples import the SDK, the server and each other", "examples/pong/match/main.go",
			[]string{ours("examples/pong"), ours("clients/client"), ours("server"), ours("world")}, nil},
		{"an unlisted package says so once", "server/lobby/a.go", []string{"fmt", ours("world"), memdb},
			[]string{"server/lobby/a.go:1: package server/lobby has no floor; add a line to .ci/check/floors.go"}},
		{"so does its importer", "server/cli/a.go", []string{ours("server/lobby")},
			[]string{"server/cli/a.go:2: server/cli imports server/lobby, which has no floor; add a line"}},
		{"world meets protocol in schema", "world/a.go", []string{ours("protocol/schema")}, nil},
		{"and nowhere else, whatever the floors", "world/snapshot/a.go", []string{ours("protocol")},
			[]string{"world/snapshot/a.go:2: world/snapshot must not import protocol: world and protocol meet in"}},
		{"protocol does not know world", "protocol/a.go", []string{ours("world")},
			[]string{"protocol/a.go:2: protocol must not import world: "}},
		{"clients never import the server", "clients/bots/a.go", []string{ours("server"), ours("clients/client")},
			[]string{"clients/bots/a.go:2: clients/bots must not import server: "}},
		{"world has no clock, socket, log or global chance", "world/a.go",
			[]string{"log/slog", "math/rand", "math/rand/v2", "net/netip", "os", "sync/atomic", "time"},
			[]string{
				"world/a.go:2: world must not import log/slog", "world/a.go:3: world must not import math/rand:",
				"world/a.go:5: world must not import net/netip", "world/a.go:6: world must not import os",
				"world/a.go:8: world must not import time: time is the tick number",
			}},
		{"nor has what is below it", "world/replay/a.go", []string{"log"},
			[]string{"world/replay/a.go:2: world/replay must not import log: "}},
		{"tests import anything", "world/a_test.go", []string{"time", ours("server"), "example.com/any"}, nil},
		{"the other folders have no floors", ".ci/tool/main.go", []string{"example.com/any", "os"}, nil},
		{"testdata is not looked at", "world/testdata/a.go", []string{"time"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			source := importing("p", c.imports...)
			wantFaults(t, check(t, map[string]string{c.path: source}), c.want...)
		})
	}
}

func TestUnlistedPackageIsReportedOnce(t *testing.T) {
	got := check(t, map[string]string{"world/fog/a.go": "package fog\n", "world/fog/b.go": "package fog\n"})
	wantFaults(t, got, "world/fog/a.go:1: package world/fog has no floor")
}

func TestLengths(t *testing.T) {
	// function spans exactly so many lines, from func to the closing brace.
	function := func(head string, lines int) string {
		return head + "{\n" + strings.Repeat("\t_ = 0\n", lines-2) + "}\n"
	}
	blank := func(lines int) string { return strings.Repeat("\n", lines) }
	cases := []struct {
		name, path, source string
		want               []string
	}{
		{"600 lines pass", "world/a.go", "package world\n" + blank(599), nil},
		{"601 do not", "world/a.go", "package world\n" + blank(600), []string{"world/a.go:601: file has 601 lines; split it"}},
		{"a last line without its end counts", "world/a.go", "package world\n" + blank(599) + "//", []string{"world/a.go:601:"}},
		{"tests are as long as they like", "world/a_test.go", "package world\n" + blank(900) + function("func f() ", 90), nil},
		{"70 lines of function pass", "world/a.go", "package world\n\n// f\n// g\n" + function("func f() ", 70), nil},
		{"71 do not", "world/a.go", "package world\n\n// f\n// g\n" + function("func f() ", 71),
			[]string{"world/a.go:5: f has 71 lines; split it so that it has at most 70"}},
		{"a literal at the top counts too", "world/a.go", "package world\n" + function("var f = func() ", 71),
			[]string{"world/a.go:2: function has 71 lines"}},
		{"the tools obey as well", ".ci/check/a.go", "package main\n" + function("func f() ", 71), []string{".ci/check/a.go:2: f has 71"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wantFaults(t, check(t, map[string]string{c.path: c.source}), c.want...)
		})
	}
}

func TestComments(t *testing.T) {
	source := `package schema

func Bare() {}

// Told does.
func Told() {}

//go:noinline
func Directive() {}

type Row struct{ Field int }

func (r *Row) Method() {}

func (r Set[K, V]) Generic() {}

// Set holds.
type Set[K, V any] struct{}

type hidden struct{}

func (hidden) Exported() {}

// Group speaks for its names.
const (
	One = 1
	Two = 2
)

var (
	Three = 3 // Three is told here.
	// Four is told above.
	Four = 4
	Five, six = 5, 6
)

// A group of types does not speak.
type (
	Seven int
	// Eight is told.
	Eight int
)

var nine = 9
`
	got := check(t, map[string]string{"protocol/schema/a.go": source, "protocol/schema/a_test.go": "package schema\nfunc Helper() {}\n"})
	const at = "protocol/schema/a.go:"
	wantFaults(t, got,
		at+"3: exported Bare has no comment",
		at+"9: exported Directive has no comment",
		at+"11: exported Row has no comment",
		at+"13: exported Row.Method has no comment",
		at+"15: exported Set.Generic has no comment",
		at+"34: exported Five has no comment",
		at+"39: exported Seven has no comment",
	)
}

func TestMarkers(t *testing.T) {
	got := check(t, map[string]string{
		"protocol/schema/a.go": "package schema\n\n/* first\n second FIX" + "ME */\nvar s = \"TO" + "DO\" // TO" + "DO: later\n",
		"world/a_test.go":      "package world // X" + "XX\n// XXXL is a size\n",
	})
	wantFaults(t, got,
		"protocol/schema/a.go:4: FIX"+"ME in a comment; do it now",
		"protocol/schema/a.go:5: TO"+"DO in a comment",
		"world/a_test.go:1: X"+"XX in a comment",
	)
}

func TestTopLevel(t *testing.T) {
	got := check(t, map[string]string{
		"README.md": "", "CHANGELOG.md": "", ".editorconfig": "", ".ci/run": "", "docs/a.md": "", "bin/x": "",
		"pkg/a.md": "", "notes.txt": "",
	})
	wantFaults(t, got, "notes.txt:1: notes.txt must not stand at the top; move it", "pkg:1: pkg must not stand at the top")
}

func TestHalfWrittenFile(t *testing.T) {
	got := check(t, map[string]string{"world/a.go": "package world\n\nfunc {\n", "world/b.go": ""})
	wantFaults(t, got, "world/a.go:3: does not parse, mend it first: ", "world/b.go:1: does not parse, mend it first: ")
}

func TestOutsideTheRoot(t *testing.T) {
	if _, err := run(t.TempDir(), &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "from the root") {
		t.Errorf("run without a go.mod says %v, want advice to run it from the root", err)
	}
}

func TestFloorTable(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range floors {
		if seen[f.path] {
			t.Errorf("%s has two lines", f.path)
		}
		seen[f.path] = true
	}
}

func TestPromisesNameTests(t *testing.T) {
	page := "| p | `TestHere`, `FuzzHere`, `Limits.MaxRooms`, `TestGone` |\n" +
		"`clients/a.test.ts`, `clients/a.test.ts: is held`, `clients/a.test.ts: is not`, `clients/b.test.ts`\n"
	got := check(t, map[string]string{
		"docs/security.md": page, "clients/a.test.ts": `test("is held", …)`,
		"world/a_test.go": "package world\n\nfunc TestHere(t *testing.T) {}\n\nfunc FuzzHere(f *testing.F) {}\n\n// TestGone was here.\nfunc helperOfTestGone() {}\n",
	})
	wantFaults(t, got,
		"docs/security.md:1: TestGone is no test of this tree",
		"docs/security.md:2: clients/a.test.ts has no test called is not",
		"docs/security.md:2: clients/b.test.ts is no file of this tree")
}
