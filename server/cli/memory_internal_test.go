package cli

import (
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"
)

func TestSizesOfMemory(t *testing.T) {
	for text, want := range map[string]int64{
		"256MiB": 256 << 20, "2GiB": 2 << 30, "1TiB": 1 << 40, "65536KiB": 64 << 20, "268435456": 256 << 20, "none": 0, "0": 0,
	} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%s is %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"256MB", "-1", "-64MiB", "MiB", "1.5GiB", "9999999999TiB", "much", "1MiB", "100"} {
		if got, err := parseBytes(text); err == nil || !strings.HasPrefix(err.Error(), "--memory") {
			t.Errorf("%q is %d, %v, want an error of --memory", text, got, err)
		}
	}
}

func TestWhatAContainerMayUse(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  int64
	}{
		"no Linux":       {fstest.MapFS{}, 0},
		"no bound":       {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("max\n")}, 0},
		"no file":        {fstest.MapFS{"proc/self/cgroup": file("0::/a\n")}, 0},
		"in a container": {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("268435456\n")}, 256 << 20},
		"the least of several": {fstest.MapFS{
			"proc/self/cgroup": file("1:cpu:/x\n0::/a/b\n"), "sys/fs/cgroup/memory.max": file("max\n"),
			"sys/fs/cgroup/a/memory.max": file("134217728\n"), "sys/fs/cgroup/a/b/memory.max": file("268435456\n"),
		}, 128 << 20},
	} {
		if got := containerBytes(c.files); got != c.want {
			t.Errorf("%s: %d bytes, want %d", name, got, c.want)
		}
	}
}

func TestTheCollectorIsSetAndPutBack(t *testing.T) {
	percent := func() int {
		was := debug.SetGCPercent(100)
		debug.SetGCPercent(was)
		return was
	}
	limit := debug.SetMemoryLimit(-1)
	for said, want := range map[string]int{"": gcPercent, "50": 77} {
		t.Setenv("GOGC", said)
		former := debug.SetGCPercent(77)
		undo := setCollector(gcPercent, 1<<40)
		if got, bound := percent(), debug.SetMemoryLimit(-1); got != want || bound != 1<<40 {
			t.Errorf("with GOGC %q: %d %% and %d bytes, want %d and %d", said, got, bound, want, int64(1)<<40)
		}
		undo()
		if got, bound := percent(), debug.SetMemoryLimit(-1); got != 77 || bound != limit {
			t.Errorf("with GOGC %q: %d %% and %d bytes afterwards, want 77 and %d", said, got, bound, limit)
		}
		debug.SetGCPercent(former)
	}
}
