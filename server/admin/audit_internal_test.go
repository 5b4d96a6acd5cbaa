package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// results are the results of the latest lines of a log.
func results(t *testing.T, a *audit, most int) []string {
	t.Helper()
	lines, err := a.tail(most)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, line := range lines {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out = append(out, e.Result)
	}
	return out
}

// TestTheAuditLogIsBounded, also over restarts, and read across its files.
func TestTheAuditLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), auditFile)
	var a *audit
	restart := func() {
		t.Helper()
		if a != nil {
			if err := a.close(); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if a, err = openAudit(path); err != nil {
			t.Fatal(err)
		}
		a.most = 1000
	}
	restart()
	for n := range 60 {
		if n%7 == 0 {
			restart()
		}
		if err := a.append(entry{ID: a.id(), Who: "ann", State: "done", Result: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != auditFiles {
		t.Fatalf("there are %d files, %v; want %d", len(files), err, auditFiles)
	}
	kept := 0
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Size() > a.most || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has %d bytes and mode %v, %v; want at most %d", f.Name(), info.Size(), info.Mode(), err, a.most)
		}
		data, err := os.ReadFile(filepath.Join(filepath.Dir(path), f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kept += strings.Count(string(data), "\n")
	}
	got := results(t, a, 10_000)
	if len(got) != kept || kept < 20 || kept >= 60 {
		t.Fatalf("%d lines are read of %d that are kept, want all", len(got), kept)
	}
	for i, result := range got {
		if want := fmt.Sprint(60 - kept + i); result != want {
			t.Fatalf("line %d is %s, want %s", i, result, want)
		}
	}
	if got := strings.Join(results(t, a, 12), " "); got != "48 49 50 51 52 53 54 55 56 57 58 59" {
		t.Errorf("the latest 12 lines are %s", got)
	}
}

// TestALineThatWasCutShortSpoilsNoOther, as a crash leaves it.
func TestALineThatWasCutShortSpoilsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), auditFile)
	if err := os.WriteFile(path, []byte(`{"result":"first"}`+"\n"+`{"result":"se`), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := openAudit(path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.append(entry{Result: "third"}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(results(t, a, 10), " "); got != "first third" {
		t.Errorf("the log reads %q, want the first line and the third", got)
	}
}

// TestAFullDiskIsAnErrorAndCounted, and the log goes on when there is space again.
func TestAFullDiskIsAnErrorAndCounted(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("this system has no /dev/full")
	}
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	path := filepath.Join(folder, auditFile)
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	a := &audit{path: path, most: auditBytesMax, file: full}
	defer func() { a.close() }()
	if err := a.append(entry{Result: "lost"}); err == nil || a.failed.Load() != 1 {
		t.Errorf("a line on a full disk is answered by %v, %d have failed", err, a.failed.Load())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := a.append(entry{Result: "kept"}); err != nil {
		t.Fatal(err)
	}
	if got := results(t, a, 10); len(got) != 1 || got[0] != "kept" {
		t.Errorf("the log reads %q", got)
	}
}
