package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The tool, in the version that is used, and where it asks unless GOVULNDB says otherwise.
const (
	govulncheckModule = "golang.org/x/vuln/cmd/govulncheck@v1.9.0"
	vulnerabilityDB   = "https://vuln.go.dev"
	reachPatience     = 5 * time.Second
)

// askVulnerabilities runs the tool when its database can be reached, and says that it is left out otherwise.
func askVulnerabilities(ctx context.Context, out io.Writer, tool func(ctx context.Context, db string, out io.Writer) error) error {
	db := os.Getenv("GOVULNDB")
	if db == "" {
		db = vulnerabilityDB
	}
	if err := reach(ctx, db); err != nil {
		line := "!! " + strings.Repeat("=", 69)
		fmt.Fprintf(out, "%s\n!! LEFT OUT: known vulnerabilities, since their database can't be reached\n!! %v\n%s\n", line, err, line)
		return nil
	}
	return tool(ctx, db, out)
}

// reach asks a database for its index.
func reach(ctx context.Context, db string) error {
	u, err := url.Parse(db)
	if err != nil {
		return fmt.Errorf("GOVULNDB: %w", err)
	}
	if u.Scheme == "file" {
		_, err := os.Stat(filepath.Join(filepath.FromSlash(u.Path), "index", "db.json"))
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, reachPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(db, "/")+"/index/db.json.gz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers with %s", db, answer.Status)
	}
	return nil
}

// govulncheck fails when the program calls what is known to be vulnerable.
func govulncheck(ctx context.Context, db string, out io.Writer) error {
	cmd := exec.CommandContext(ctx, "go", "run", govulncheckModule, "-db", db, "./...")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("govulncheck: %w", err)
	}
	return nil
}
