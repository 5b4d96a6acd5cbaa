// Command bundle writes the arena's page: what browsers are served, of the TypeScript in examples/arena/web and the SDK in
// clients/ts/src. It needs no Node.js. Its module is its own, so that esbuild is nobody's dependency but this program's.
//
//	go -C .ci/bundle run .
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run("../.."); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

// run replaces the page that stands below the repository's root.
func run(root string) error {
	files, err := bundle(root)
	if err != nil {
		return err
	}
	dist := filepath.Join(root, page, "dist")
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dist, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
