package measure

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Lab is where programs of the module are built and run: a folder of the run's own, and cores.
type Lab struct {
	Cores Cores
	Root  string   // the module's folder
	Dir   string   // the run's own, for programs, the development certificate, and what was measured
	Self  string   // the program that runs
	Env   []string // of what it starts
}

// NewLab finds the module and makes the run's folder, which is called quicstep-, the name, and something of its own.
func NewLab(ctx context.Context, name string) (*Lab, error) {
	l := &Lab{Cores: ChooseCores()}
	var err error
	if l.Self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module: %w; is go on PATH?", err)
	}
	l.Root = strings.TrimSpace(string(root))
	if l.Dir, err = os.MkdirTemp("", "quicstep-"+name+"-"); err != nil {
		return nil, fmt.Errorf("make a folder for the run: %w", err)
	}
	l.Env = Environment(os.Environ(), filepath.Join(l.Dir, "home"))
	return l, nil
}

// Build builds programs of the module, by their packages.
func (l *Lab) Build(ctx context.Context, packages ...string) error {
	build := exec.CommandContext(ctx, "go", append([]string{"build", "-buildvcs=false", "-o", l.Program("")}, packages...)...)
	build.Dir = l.Root
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", strings.Join(packages, ", "), err, text)
	}
	return nil
}

// Program is the path of a program that was built; the folder of all of them, with a separator at its end, without a name.
func (l *Lab) Program(name string) string {
	if name != "" && runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(l.Dir, "bin") + string(os.PathSeparator) + name
}

// Place is where everything runs.
func (l *Lab) Place() Place { return Place{Cores: l.Cores, Dir: l.Dir, Env: l.Env} }

// Close removes the programs, the development certificate and what else is named; what was measured stays.
func (l *Lab) Close(names ...string) {
	for _, name := range append(names, "bin", "home") {
		os.RemoveAll(filepath.Join(l.Dir, name))
	}
	os.Remove(l.Dir) // when there is nothing else
}

// WriteJSON writes what was measured.
func WriteJSON(path string, outcome any) error {
	data, err := json.MarshalIndent(outcome, "", "\t")
	if err != nil {
		return fmt.Errorf("write what was measured: %w", err)
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// ReadJSON reads what an earlier run has measured.
func ReadJSON(path string, outcome any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read an earlier run: %w", err)
	}
	if err := json.Unmarshal(data, outcome); err != nil {
		return fmt.Errorf("read an earlier run, %s: %w", path, err)
	}
	return nil
}

// getTimeout bounds how long an answer may take beyond what it was asked to last.
const getTimeout = 10 * time.Second

// Get asks a server for what is at an address, which takes so long to make; zero is no time.
func Get(ctx context.Context, address string, takes time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, takes+getTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the server: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask the server: %s is answered with %s", address, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// Names reads a list with commas of what there is; all of it when the text is empty. The variable is for the error.
func Names(variable, text string, all []string) ([]string, error) {
	if text == "" {
		return all, nil
	}
	names := strings.Split(text, ",")
	for _, name := range names {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("%s has %q; there are %s", variable, name, strings.Join(all, ", "))
		}
	}
	return names, nil
}
