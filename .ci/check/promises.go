package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// promisesFile says what is promised, and which test holds each promise.
const promisesFile = "docs/security.md"

var (
	// quoted is what stands between backticks: a name, or a file and the title of one of its tests.
	quoted   = regexp.MustCompile("`([^`]+)`")
	testName = regexp.MustCompile(`^(Test|Fuzz)[A-Z][A-Za-z0-9_]*$`)
	testFile = regexp.MustCompile(`^([\w./-]+\.test\.ts)(?:: (.+))?$`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z][A-Za-z0-9_]*)\(`)
)

// noteTests remembers the tests of a file.
func (c *checker) noteTests(f *file) {
	if !f.isTest() {
		return
	}
	for _, found := range testFunc.FindAllSubmatch(f.source, -1) {
		c.tests[string(found[1])] = true
	}
}

// checkPromises holds the promises against the tests that there are.
func (c *checker) checkPromises() error {
	text, err := os.ReadFile(filepath.Join(c.root, promisesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		for _, found := range quoted.FindAllStringSubmatch(line, -1) {
			if why := c.testFault(found[1]); why != "" {
				c.report(promisesFile, number, "%s", why)
			}
		}
	}
	return nil
}

// testFault says why a name that should be a test's is none; empty when it is one, or is another kind of name.
func (c *checker) testFault(name string) string {
	if testName.MatchString(name) && !c.tests[name] {
		return name + " is no test of this tree; write it, or name the one that holds the promise"
	}
	found := testFile.FindStringSubmatch(name)
	if found == nil {
		return ""
	}
	path, title := found[1], found[2]
	source, err := os.ReadFile(filepath.Join(c.root, path))
	switch {
	case err != nil:
		return path + " is no file of this tree; name the one that holds the promise"
	case !strings.Contains(string(source), title):
		return path + " has no test called " + title + "; write it, or name the one that holds the promise"
	}
	return ""
}
