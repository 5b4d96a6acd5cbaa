package measure

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
)

// Machine is what was measured on, and what.
type Machine struct {
	Processor, Kernel, Go, QUIC, Commit string
	Cores                               int
	Pinned                              bool
	Missing                             string // why not
}

// MachineOf describes the machine, and the module at root with what it is built of.
func MachineOf(ctx context.Context, root string, on Cores) Machine {
	m := Machine{Go: runtime.Version(), Cores: runtime.NumCPU(), Pinned: on.Pinned, Missing: on.Missing, Processor: runtime.GOARCH, Kernel: runtime.GOOS}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.Processor = parseModel(string(text))
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = "Linux " + strings.TrimSpace(string(text))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/quic-go/quic-go" {
				m.QUIC = dep.Version
			}
		}
	}
	describe := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty")
	describe.Dir = root
	if text, err := describe.Output(); err == nil {
		m.Commit = strings.TrimSpace(string(text))
	}
	return m
}

// Environment is that of what is measured: nothing from outside may differ between two runs.
func Environment(from []string, home string) (out []string) {
	for _, pair := range from {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "QUICSTEP_") || strings.HasPrefix(name, "XDG_") || name == "GOGC" || name == "GOMEMLIMIT" || name == "GOMAXPROCS" || name == "GODEBUG" {
			continue
		}
		out = append(out, pair)
	}
	return append(out, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home)
}
