package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Folders and files, from the repository's root.
const (
	page = "examples/arena/web"
	sdk  = "clients/ts/src/index.ts"
)

// bundle makes the page's files, by their names. The same sources make the same bytes, wherever they stand: no path is in them,
// and beside the sources only the SDK's package.json counts.
func bundle(root string) (map[string][]byte, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(root, page, "dist")
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: root,
		EntryPointsAdvanced: []api.EntryPoint{
			{InputPath: filepath.Join(root, page, "main.ts"), OutputPath: "arena"},
			{InputPath: filepath.Join(root, page, "style.css"), OutputPath: "arena"},
			{InputPath: filepath.Join(root, page, "index.html"), OutputPath: "index"},
		},
		Outdir:            out,
		Alias:             map[string]string{"quicstep": filepath.Join(root, sdk)},
		Bundle:            true,
		Platform:          api.PlatformBrowser,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		TsconfigRaw:       "{}",
		Loader:            map[string]api.Loader{".html": api.LoaderCopy},
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LegalComments:     api.LegalCommentsNone,
		LogLevel:          api.LogLevelSilent,
	})
	if len(result.Errors) > 0 {
		return nil, errors.New(strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{}), "\n"))
	}
	files := map[string][]byte{}
	for _, f := range result.OutputFiles {
		name, err := filepath.Rel(out, f.Path)
		if err != nil || strings.ContainsRune(name, os.PathSeparator) {
			return nil, fmt.Errorf("%s is not in %s", f.Path, out)
		}
		files[name] = f.Contents
	}
	return files, nil
}
