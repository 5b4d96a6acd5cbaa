// Command supply holds what is imported to what docs say of it. Without a flag it checks that docs/dependencies.md tells of
// each direct dependency in its version, that whatever is linked into the program has a licence that may be, and that
// docs/licences.md lists it; with -update it writes that list. With -vulnerabilities it asks govulncheck about what the
// program calls, and says so when the database can't be reached. Run it from the root.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
)

func main() {
	update := flag.Bool("update", false, "write docs/licences.md")
	vulnerabilities := flag.Bool("vulnerabilities", false, "run govulncheck, if its database can be reached")
	flag.Parse()
	faults, err := run(context.Background(), *update, *vulnerabilities)
	if err != nil {
		fmt.Fprintln(os.Stderr, "supply:", err)
		os.Exit(2)
	}
	for _, f := range faults {
		fmt.Println(f)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, update, vulnerabilities bool) (faults []string, err error) {
	if vulnerabilities {
		return nil, askVulnerabilities(ctx, os.Stdout, govulncheck)
	}
	linked, err := linkedModules(ctx)
	if err != nil {
		return nil, err
	}
	list, wrong := licencesOf(linked)
	faults = append(faults, wrong...)
	if update {
		return faults, os.WriteFile(licencesFile, []byte(list), 0o644)
	}
	have, err := os.ReadFile(licencesFile)
	if err != nil || string(have) != list {
		faults = append(faults, licencesFile+" is not what is linked: run make generate, and look at what has changed")
	}
	direct, err := directDependencies(".")
	if err != nil {
		return nil, err
	}
	document, err := os.ReadFile(dependenciesFile)
	if err != nil {
		return nil, err
	}
	faults = append(faults, compare(direct, documented(string(document)))...)
	slices.Sort(faults)
	return faults, nil
}
