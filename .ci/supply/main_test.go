package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsRequiredIsDocumented(t *testing.T) {
	root := t.TempDir()
	for path, content := range map[string]string{
		"go.mod":                  "module example.test/game\n\ngo 1.26.0\n\nrequire (\n\texample.test/direct/v2 v2.1.0\n\texample.test/other v0.1.0 // indirect\n)\n",
		".ci/bundle/go.mod":       "module example.test/bundle\n\nrequire example.test/single v1.2.3\n\nrequire example.test/more v0.0.1 // indirect\n",
		"clients/ts/package.json": `{"name":"x","devDependencies":{"@types/node":"18.0.0"},"peerDependencies":{"react":">=18"}}`,
	} {
		path = filepath.Join(root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	direct, err := directDependencies(root)
	if err != nil {
		t.Fatal(err)
	}
	const rest = " MIT | for this | alive | nothing | easily |\n"
	good := "| `example.test/direct/v2` | v2.1.0 |" + rest + "| `example.test/single` | v1.2.3 |" + rest +
		"| `npm:@types/node` | 18.0.0 |" + rest + "| `npm:react` | >=18 |" + rest
	if faults := compare(direct, documented(good)); len(faults) > 0 {
		t.Errorf("what is documented has faults: %v", faults)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"a row is missing":          {"| `example.test/single` | v1.2.3 |" + rest, "", "no row for example.test/single v1.2.3"},
		"a version is another":      {"v2.1.0", "v2.0.0", "tells of example.test/direct/v2 v2.0.0, and v2.1.0 is required"},
		"a row is of nothing":       {"`npm:react`", "`npm:preact`", "tells of npm:preact, which nothing requires"},
		"a cell is empty":           {"| >=18 | MIT |", "| >=18 |  |", "npm:react has not all its cells"},
		"a way to leave is missing": {"| 18.0.0 |" + rest, "| 18.0.0 | MIT | for this | alive | nothing |\n", "npm:@types/node has not all its cells"},
	} {
		wrong := strings.Replace(good, c.old, c.new, 1)
		if faults := strings.Join(compare(direct, documented(wrong)), "\n"); !strings.Contains(faults, c.want) {
			t.Errorf("%s: %q, want %q", name, faults, c.want)
		}
	}
}

func TestLicencesAreTold(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"MIT License\n\nPermission is hereby granted, free of charge, to any\nperson obtaining a copy ... without restriction ... The above copyright notice\nand this permission notice shall", "MIT"},
		{"Redistribution and use in source and binary forms ... Redistributions in binary form must reproduce", "BSD-2-Clause"},
		{"Redistribution and use in source and binary forms ... Neither the name may be used to endorse or promote products", "BSD-3-Clause"},
		{"Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted", "ISC"},
		{"Permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted", "ISC"},
		{"GNU GENERAL PUBLIC LICENSE\nVersion 3", ""},
		{"Permission is hereby granted, free of charge, to any person obtaining a copy, without restriction. The above copyright notice and this permission notice. “Commons Clause” License Condition v1.0", ""},
		{"all rights reserved", ""},
		{"", ""},
	} {
		if got := licenceOf(c.text); got != c.want {
			t.Errorf("%.60q is %q, want %q", c.text, got, c.want)
		}
	}
}

func TestALicenceThatMayNotBeIsAFault(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "LICENSE"), []byte("ask our lawyers"), 0o644); err != nil {
		t.Fatal(err)
	}
	list, faults := licencesOf([]module{{"example.test/odd", "v1.0.0", dir}, {"example.test/gone", "v1.0.0", filepath.Join(dir, "gone")}})
	if len(faults) != 2 || !strings.Contains(list, "| example.test/odd | v1.0.0 |") {
		t.Errorf("the faults are %v, of\n%s", faults, list)
	}
}

func TestVulnerabilitiesAreAskedForWhereTheyCanBe(t *testing.T) {
	folder := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(folder, "index"), 0o755), os.WriteFile(filepath.Join(folder, "index", "db.json"), []byte("{}"), 0o644)); err != nil {
		t.Fatal(err)
	}
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/index/db.json.gz" {
			http.NotFound(w, r)
		}
	}))
	defer good.Close()
	broken := httptest.NewServer(http.NotFoundHandler())
	defer broken.Close()
	found := errors.New("vulnerable")
	for name, c := range map[string]struct {
		db    string
		asked bool
	}{
		"a folder":              {"file://" + filepath.ToSlash(folder), true},
		"a folder of nothing":   {"file://" + filepath.ToSlash(folder) + "/index", false},
		"a server":              {good.URL, true},
		"a server without it":   {broken.URL, false},
		"nobody at the address": {"http://127.0.0.1:1", false},
		"no address":            {"://", false},
	} {
		t.Setenv("GOVULNDB", c.db)
		var out strings.Builder
		err := askVulnerabilities(t.Context(), &out, func(_ context.Context, db string, _ io.Writer) error {
			if db != c.db {
				t.Errorf("%s: %q is asked", name, db)
			}
			return found
		})
		if asked := errors.Is(err, found); asked != c.asked || !asked && err != nil || c.asked == strings.Contains(out.String(), "LEFT OUT") {
			t.Errorf("%s: asked: %v, %v\n%s", name, asked, err, out.String())
		}
	}
}
