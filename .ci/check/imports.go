package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checkImports holds the imports of a file against the floors, the walls and the bans.
func (c *checker) checkImports(f *file) {
	pkg := f.pkg()
	top, _, _ := strings.Cut(pkg, "/")
	if f.isTest() || !slices.Contains(floorRoots, top) {
		return
	}
	own, listed := floorOf(pkg)
	if !listed && !c.unlisted[pkg] {
		c.unlisted[pkg] = true // said once, at the package's first file
		c.report(f.path, f.line(f.syntax.Package), "package %s has no floor; add a line to .ci/check/floors.go", pkg)
	}
	for _, spec := range f.syntax.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser accepts string literals only
		}
		if why := importFault(pkg, own, listed, path); why != "" {
			c.report(f.path, f.line(spec.Pos()), "%s", why)
		}
	}
}

// importFault says what is wrong with pkg importing path; empty means nothing. An unlisted package still meets the
// walls and the bans.
func importFault(pkg string, own floor, listed bool, path string) string {
	target, ours := strings.CutPrefix(path, modulePath+"/")
	switch first, _, _ := strings.Cut(path, "/"); {
	case ours:
		if why := wallFault(pkg, target); why != "" || !listed {
			return why
		}
		return floorFault(pkg, own, target)
	case !strings.Contains(first, "."):
		return banFault(pkg, path)
	case listed && !slices.ContainsFunc(own.thirdParty, func(module string) bool { return within(path, module) }):
		return fmt.Sprintf("%s must not import %s; write it without, or allow the module in .ci/check/floors.go", pkg, path)
	}
	return ""
}

func wallFault(pkg, target string) string {
	for _, w := range walls {
		if within(pkg, w.from) && within(target, w.to) && !slices.Contains(w.except, target) {
			return fmt.Sprintf("%s must not import %s: %s", pkg, target, w.why)
		}
	}
	return ""
}

func floorFault(pkg string, own floor, target string) string {
	if slices.ContainsFunc(own.also, func(pattern string) bool { return covers(pattern, target) }) {
		return ""
	}
	other, listed := floorOf(target)
	if !listed {
		return fmt.Sprintf("%s imports %s, which has no floor; add a line to .ci/check/floors.go", pkg, target)
	}
	if other.level >= own.level {
		return fmt.Sprintf("%s (floor %d) must not import %s (floor %d); move what it needs to a lower floor",
			pkg, own.level, target, other.level)
	}
	return ""
}

func banFault(pkg, path string) string {
	if !within(pkg, "world") {
		return ""
	}
	for _, b := range worldBans {
		if path == b.path || b.below && within(path, b.path) {
			return fmt.Sprintf("%s must not import %s: %s", pkg, path, b.why)
		}
	}
	return ""
}
