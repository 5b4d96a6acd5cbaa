package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTargetsAreFound(t *testing.T) {
	root := t.TempDir()
	for path, source := range map[string]string{
		"a/a_test.go":          "package a\n\nfunc FuzzOne(f *testing.F) {}\nfunc FuzzTwo(f *testing.F)    { more(f) }\n// func FuzzNot(f *testing.F) {}\n",
		"a/a.go":               "package a\n\nfunc FuzzNeither() {}\n",
		"a/testdata/x_test.go": "package x\n\nfunc FuzzData(f *testing.F) {}\n",
		".git/b_test.go":       "package b\n\nfunc FuzzHidden(f *testing.F) {}\n",
	} {
		path = filepath.Join(root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(source), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root)
	targets, err := find(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range targets {
		names = append(names, one.name())
	}
	if got := strings.Join(names, " "); got != "./a.FuzzOne ./a.FuzzTwo" {
		t.Errorf("found %q", got)
	}
}

func TestProgressIsRead(t *testing.T) {
	const output = `fuzz: elapsed: 0s, gathering baseline coverage: 0/54 completed
fuzz: elapsed: 3s, execs: 84310 (28099/sec), new interesting: 17 (total: 71)
fuzz: elapsed: 1m6s, execs: 198309 (38001/sec), new interesting: 22 (total: 76)
PASS
`
	want := progress{elapsed: 66 * time.Second, execs: 198309, interesting: 22, total: 76}
	if got, ok := parse(output); !ok || got != want {
		t.Errorf("%+v, %v; want %+v", got, ok, want)
	}
	if got, ok := parse("PASS\n"); ok {
		t.Errorf("read %+v out of nothing", got)
	}
}

func TestHowATargetEnds(t *testing.T) {
	failed := errors.New("exit status 1")
	for _, c := range []struct {
		name        string
		err         error
		said        string
		interrupted bool
		want        verdict
	}{
		{"its time is up", nil, "PASS\n", false, passed},
		{"its time is up, as Go 1.26 says it", failed, "--- FAIL: FuzzX (1.02s)\n    context deadline exceeded\nFAIL\n", false, passed},
		{"an input fails", failed, "--- FAIL: FuzzX\n    Failing input written to testdata/fuzz/FuzzX/1\n", false, broken},
		{"an input fails at the end", failed, "Failing input written to testdata\n    context deadline exceeded\n", false, broken},
		{"a worker dies", failed, "fuzzing process hung or terminated unexpectedly\n    context deadline exceeded\n", false, broken},
		{"a seed fails", failed, "--- FAIL: FuzzX/seed#0\n", false, broken},
		{"Ctrl-C", failed, "fuzz: elapsed: 3s\n", true, stopped},
		{"Ctrl-C, well taken", nil, "PASS\n", true, stopped},
		{"Ctrl-C after an input failed", failed, "Failing input written to testdata\n", true, broken},
	} {
		if got := judge(c.err, c.said, c.interrupted); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTheTableNamesWhatFailed(t *testing.T) {
	var out strings.Builder
	good := &target{dir: "./a", fuzz: "FuzzOne", is: passed, last: progress{elapsed: 10 * time.Second, execs: 5000, interesting: 3, total: 9}}
	bad := &target{dir: "./a", fuzz: "FuzzTwo", is: broken}
	if table([]*target{good}, &out) {
		t.Error("nothing failed, and the table says so")
	}
	if !table([]*target{good, bad}, &out) || !strings.Contains(out.String(), "FAILED  ./a.FuzzTwo") || !strings.Contains(out.String(), "500    3     9") {
		t.Errorf("the table is\n%s", out.String())
	}
}
