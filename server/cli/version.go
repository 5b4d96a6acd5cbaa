package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/quicstep/quicstep/protocol"
)

// modulePath is where a program that imports quicstep has its version.
const modulePath = "github.com/quicstep/quicstep"

// versionCmd prints what this program is made of.
type versionCmd struct{}

// Run prints a line for each part.
func (versionCmd) Run(a *app) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Path != modulePath && info.Main.Path != "" {
		fmt.Fprintf(w, "%s\t%s %s\n", a.Name, info.Main.Path, info.Main.Version)
	}
	fmt.Fprintf(w, "quicstep\t%s\n", moduleVersion(info))
	fmt.Fprintf(w, "protocol\t%d\n", protocol.Version)
	fmt.Fprintf(w, "go\t%s\n", runtime.Version())
	fmt.Fprintf(w, "platform\t%s/%s\n", runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(w, "games\t%s\n", strings.Join(a.names(), ", "))
	return w.Flush()
}

// moduleVersion is quicstep's, whether it is the program's own module or one that it needs.
func moduleVersion(info *debug.BuildInfo) string {
	if info == nil {
		return "unknown"
	}
	if info.Main.Path == modulePath {
		return info.Main.Version
	}
	for _, m := range info.Deps {
		if m.Path != modulePath {
			continue
		}
		if m.Replace != nil {
			return strings.TrimSpace(fmt.Sprintf("%s => %s %s", m.Version, m.Replace.Path, m.Replace.Version))
		}
		return m.Version
	}
	return "unknown"
}
