package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licencesFile lists what is linked into the program.
const licencesFile = "docs/licences.md"

// program is what people run, and systems are those that it is linked for.
const program = "./server/cmd/quicstep"

var systems = []string{"linux", "darwin", "windows"}

// module is one that is linked.
type module struct{ path, version, dir string }

// linkedModules are those of the program on each of the systems, in order.
func linkedModules(ctx context.Context) ([]module, error) {
	found := map[module]bool{}
	for _, system := range systems {
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", program)
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		b, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("list what is linked on %s: %w", system, err)
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 {
				found[module{f[0], f[1], f[2]}] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b module) int { return strings.Compare(a.path, b.path) }), nil
}

// licence is one that may be, told by phrases that stand in its text and in no other one's before it in the list.
type licence struct {
	name    string
	phrases []string
}

var licences = []licence{
	{"Apache-2.0", []string{"Apache License", "Version 2.0, January 2004", "Grant of Patent License"}},
	{"MPL-2.0", []string{"Mozilla Public License", "2.0", "Covered Software"}},
	{"MIT", []string{"Permission is hereby granted, free of charge, to any person obtaining a copy", "without restriction", "The above copyright notice and this permission notice"}},
	{"ISC", []string{"Permission to use, copy, modify, and", "distribute this software for any purpose with or without fee is hereby granted"}},
	{"BSD-3-Clause", []string{"Redistribution and use in source and binary forms", "used to endorse or promote products"}},
	{"BSD-2-Clause", []string{"Redistribution and use in source and binary forms", "Redistributions in binary form must reproduce"}},
}

// refused are phrases of licences that ask for more than to be named: none of the above has them.
var refused = []string{"GNU GENERAL PUBLIC", "GNU LESSER", "GNU AFFERO", "Server Side Public", "Business Source", "Commons Clause", "NonCommercial"}

var space = regexp.MustCompile(`\s+`)

// licenceOf names the licence of a text; empty for one that is not known, or may not be.
func licenceOf(text string) string {
	text = space.ReplaceAllString(text, " ")
	has := func(phrase string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(phrase)) }
	for _, l := range licences {
		if !slices.ContainsFunc(l.phrases, func(phrase string) bool { return !has(phrase) }) {
			// The Mozilla licence names those of GNU, as others that a file may have beside it.
			if l.name != "MPL-2.0" && slices.ContainsFunc(refused, has) {
				return ""
			}
			return l.name
		}
	}
	return ""
}

var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying)(\.(md|txt))?$`)

// textOf is a module's licence.
func textOf(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, e := range entries {
		if !licenceName.MatchString(e.Name()) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		text.Write(b)
	}
	return text.String(), nil
}

// licencesOf is the document of what is linked, and what may not be.
func licencesOf(linked []module) (document string, faults []string) {
	var b strings.Builder
	b.WriteString("# Licences\n\nWhat is linked into the program beside this module and Go's own library (BSD-3-Clause), on " + strings.Join(systems, ", ") +
		".\nTheir texts stand in the module cache: `go list -m -f '{{.Dir}}' MODULE`. `make generate` writes this list, and `make check` fails when it is\n" +
		"not what is linked, or when something has another licence than these: ")
	for i, l := range licences {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(l.name)
	}
	b.WriteString(".\n\nThe page for browsers, and the packages of clients/ts, have nothing of others in them.\n\n| module | version | licence |\n|---|---|---|\n")
	for _, m := range linked {
		text, err := textOf(m.dir)
		name := licenceOf(text)
		switch {
		case err != nil:
			faults = append(faults, fmt.Sprintf("the licence of %s can't be read: %v", m.path, err))
		case name == "":
			faults = append(faults, fmt.Sprintf("the licence of %s in %s is none of those that may be: look at it, and leave the module or add the licence to .ci/supply", m.path, m.dir))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.path, m.version, name)
	}
	return b.String(), faults
}
