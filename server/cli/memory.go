package cli

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	// memoryLeast is what a server needs to do anything.
	memoryLeast = 64 << 20
	// memoryShare is the part of what a container may use that the process takes: the rest is the kernel's for its sockets.
	memoryShare = 0.9
	// gcPercent is by how much of what is live the heap grows until garbage is collected. With Go's own 100 a collection, which
	// takes a tick's time beside the game, came every eightieth tick at 500 players: a 99th percentile tells of that.
	gcPercent = 200
	// botsPercent is the same for bots alone: what their core is late by is in the latency that they measure, and a thousand
	// of them mark for a seventh of a second.
	botsPercent = 300
)

// memoryBytes is the bound of --memory: what it says, else GOMEMLIMIT's, else nine tenths of what the container may use, else
// zero, which is none.
func (c *serveCmd) memoryBytes() (int64, error) {
	if c.Memory != "" {
		return parseBytes(c.Memory)
	}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		return limit, nil
	}
	return int64(memoryShare * float64(containerBytes(os.DirFS("/")))), nil
}

// parseBytes reads a size as in 256MiB; zero is none.
func parseBytes(text string) (int64, error) {
	digits, unit := text, int64(1)
	for suffix, bytes := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			digits, unit = rest, bytes
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if text == "none" {
		n, err = 0, nil
	}
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, usagef("--memory is %q; give a size, as in 256MiB or 2GiB, or none", text)
	}
	if n > 0 && n*unit < memoryLeast {
		return 0, usagef("--memory is %s; a server needs %dMiB or more", text, memoryLeast>>20)
	}
	return n * unit, nil
}

// containerBytes is what the control groups of this process let it use, the least of them; zero is no bound, and what other
// systems than Linux have.
func containerBytes(root fs.FS) (least int64) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(groups)) {
		_, group, ok := strings.Cut(strings.TrimSpace(line), "::") // of version 2
		if !ok {
			continue
		}
		for at := path.Join("sys/fs/cgroup", group); strings.HasPrefix(at, "sys/fs/cgroup"); at = path.Dir(at) {
			text, err := fs.ReadFile(root, path.Join(at, "memory.max"))
			if err != nil {
				continue
			}
			n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // or "max"
			if err == nil && n > 0 && (least == 0 || n < least) {
				least = n
			}
		}
	}
	return least
}

// setCollector has Go collect garbage when the heap has grown by so many per cent, unless GOGC says when, and sooner near a
// bound; zero is none. The function that it returns undoes it.
func setCollector(grown int, bound int64) (undo func()) {
	percent, limit := -1, debug.SetMemoryLimit(-1)
	if os.Getenv("GOGC") == "" {
		percent = debug.SetGCPercent(grown)
	}
	if bound > 0 {
		debug.SetMemoryLimit(bound)
	}
	return func() {
		debug.SetMemoryLimit(limit)
		if percent >= 0 {
			debug.SetGCPercent(percent)
		}
	}
}
