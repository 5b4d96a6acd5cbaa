package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// dependenciesFile has a table with a row for each direct dependency.
const dependenciesFile = "docs/dependencies.md"

// The files that name dependencies.
var (
	goMods   = []string{"go.mod", ".ci/bundle/go.mod"}
	packages = "clients/ts/package.json"
)

// required is a line of a go.mod that requires a module itself, not for another's sake.
var required = regexp.MustCompile(`(?m)^(?:require )?\t?([a-z0-9.]+\.[a-z]+/\S+) (v\S+)$`)

// directDependencies are the versions of all that is depended on directly, by name.
func directDependencies(root string) (map[string]string, error) {
	out := map[string]string{}
	for _, path := range goMods {
		b, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return nil, err
		}
		for _, m := range required.FindAllStringSubmatch(string(b), -1) {
			out[m[1]] = m[2]
		}
	}
	b, err := os.ReadFile(filepath.Join(root, packages))
	if err != nil {
		return nil, err
	}
	var npm struct{ Dependencies, DevDependencies, PeerDependencies map[string]string }
	if err := json.Unmarshal(b, &npm); err != nil {
		return nil, fmt.Errorf("%s: %w", packages, err)
	}
	for _, list := range []map[string]string{npm.PeerDependencies, npm.DevDependencies, npm.Dependencies} {
		for name, version := range list {
			out["npm:"+name] = version
		}
	}
	return out, nil
}

// row is a line of the document's table: a name and a version in code quotes.
var row = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^| ]+) \\|(.*)\\|$")

// cells is how many a row has behind its name and version: licence, what for, how alive, what it pulls in, how to leave.
const cells = 5

// documented are the versions that the document tells of, by name; empty where a row lacks something.
func documented(document string) map[string]string {
	out := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(document, -1) {
		rest := strings.Split(m[3], "|")
		whole := len(rest) == cells && !slices.ContainsFunc(rest, func(cell string) bool { return strings.TrimSpace(cell) == "" })
		if out[m[1]] = m[2]; !whole {
			out[m[1]] = ""
		}
	}
	return out
}

// compare names what differs between what is required and what is documented.
func compare(direct, document map[string]string) (faults []string) {
	for _, name := range slices.Sorted(maps.Keys(direct)) {
		version, there := document[name]
		switch {
		case !there:
			faults = append(faults, fmt.Sprintf("%s has no row for %s %s: say what it is for, and how we would leave it", dependenciesFile, name, direct[name]))
		case version == "":
			faults = append(faults, fmt.Sprintf("%s: the row of %s has not all its cells", dependenciesFile, name))
		case version != direct[name]:
			faults = append(faults, fmt.Sprintf("%s tells of %s %s, and %s is required", dependenciesFile, name, version, direct[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(document)) {
		if _, there := direct[name]; !there {
			faults = append(faults, fmt.Sprintf("%s tells of %s, which nothing requires", dependenciesFile, name))
		}
	}
	return faults
}
