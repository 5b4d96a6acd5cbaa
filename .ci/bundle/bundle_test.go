package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestThePageIsWhatItsSourcesMake fails when somebody changed the page or the SDK and did not bundle them again.
func TestThePageIsWhatItsSourcesMake(t *testing.T) {
	const root = "../.."
	files, err := bundle(root)
	if err != nil {
		t.Fatal(err)
	}
	dist := filepath.Join(root, page, "dist")
	entries, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := slices.Sorted(maps.Keys(files)); !slices.Equal(names, want) {
		t.Errorf("%s has %v, want %v; run make generate", dist, names, want)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dist, name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s/%s is stale; run make generate", page, name)
		}
	}
}

// TestABundleIsTheSameElsewhere bundles copies of the sources in a folder of another name: no path gets into the page.
func TestABundleIsTheSameElsewhere(t *testing.T) {
	const root = "../.."
	elsewhere := t.TempDir()
	for _, folder := range []string{page, filepath.Dir(sdk)} {
		if err := os.CopyFS(filepath.Join(elsewhere, folder), os.DirFS(filepath.Join(root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	const manifest = "clients/ts/package.json" // which tells that what is not imported is not needed
	data, err := os.ReadFile(filepath.Join(root, manifest))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(elsewhere, manifest), data, 0o644); err != nil {
		t.Fatal(err)
	}
	here, err := bundle(root)
	if err != nil {
		t.Fatal(err)
	}
	there, err := bundle(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(here, there, bytes.Equal) {
		t.Error("the bundle of a copy differs")
	}
}
