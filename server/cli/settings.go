package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// configName is the configuration file that is looked for, and configBytesMax its most bytes.
const (
	configName     = "quicstep.json"
	configBytesMax = 1 << 20
)

// envName is where a flag is looked up in the environment.
func envName(flag string) string {
	return "QUICSTEP_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settings give flags that are not on the command line their values: from the environment, else from the configuration
// file. kong alone would let a file count before the environment.
type settings struct {
	lookupEnv func(string) (string, bool)
	folders   []string

	file    string                    // what was read; empty: nothing
	values  map[string]map[string]any // by command, with "" for every one, and flag
	sources map[string]string         // by flag: where its value is from
}

// Validate is part of kong.Resolver; everything is checked as it is read.
func (s *settings) Validate(*kong.Application) error { return nil }

// Resolve returns a flag's value, nil when neither place has one.
func (s *settings) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "help" || flag.Name == "config" {
		return nil, nil
	}
	if text, ok := s.lookupEnv(envName(flag.Name)); ok && text != "" {
		s.sources[flag.Name] = "$" + envName(flag.Name)
		return text, nil
	}
	for _, section := range []string{commandOf(ctx), ""} {
		if value, ok := s.values[section][flag.Name]; ok {
			s.sources[flag.Name] = s.file
			return value, nil
		}
	}
	return nil, nil
}

// commandOf is the command at the top, below which others may stand.
func commandOf(ctx *kong.Context) string {
	n := ctx.Selected()
	if n == nil {
		return ""
	}
	for n.Parent != nil && n.Parent.Parent != nil {
		n = n.Parent
	}
	return n.Name
}

// explain says in an error about a flag where the flag's value is from.
func (s *settings) explain(err error) error {
	for flag, source := range s.sources {
		rest, ok := strings.CutPrefix(err.Error(), "--"+flag)
		if ok && (strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, " ")) {
			return fmt.Errorf("%w (from %s)", err, source)
		}
	}
	return err
}

// load reads the configuration file, if there is one, before flags are resolved.
func (s *settings) load(ctx *kong.Context) error {
	s.sources = map[string]string{}
	data, err := s.read(ctx)
	if err != nil || s.file == "" {
		return err
	}
	s.values, err = parseConfig(data, ctx.Model.Node)
	if err != nil {
		return fmt.Errorf("configuration %s: %w", s.file, err)
	}
	return nil
}

// read finds the file: the one that was asked for, else the first that is there.
func (s *settings) read(ctx *kong.Context) ([]byte, error) {
	asked := ""
	for _, flag := range ctx.Model.Flags {
		if flag.Name == "config" {
			asked = fmt.Sprint(ctx.FlagValue(flag))
		}
	}
	if asked == "" {
		asked, _ = s.lookupEnv(envName("config"))
	}
	if asked != "" {
		s.file = asked
		return readConfig(asked)
	}
	for _, folder := range s.folders {
		s.file = filepath.Join(folder, configName)
		if data, err := readConfig(s.file); !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	s.file = ""
	return nil, nil
}

func readConfig(path string) ([]byte, error) {
	f, err := os.Open(kong.ExpandPath(path))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, configBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if len(data) > configBytesMax {
		return nil, fmt.Errorf("configuration %s: it has more than %d bytes", path, configBytesMax)
	}
	return data, nil
}

// parseConfig reads flags by command, and under "" those for every command. Each must be a flag of its command.
func parseConfig(data []byte, root *kong.Node) (map[string]map[string]any, error) {
	var top map[string]any
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&top); err != nil {
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows its JSON object")
	}
	out := map[string]map[string]any{"": {}}
	all := map[string]bool{}
	for _, command := range root.Children {
		flags := flagsOf(command)
		for _, flag := range flags {
			all[flag] = true
		}
		section, ok := top[command.Name].(map[string]any)
		if !ok {
			continue
		}
		delete(top, command.Name)
		if err := take(section, flags, command.Name+".", out, command.Name); err != nil {
			return nil, err
		}
	}
	known := sortedKeys(all)
	return out, take(top, known, "", out, "")
}

// take checks the keys and values of an object, and puts them into a section.
func take(object map[string]any, known []string, prefix string, out map[string]map[string]any, section string) error {
	into := map[string]any{}
	for _, key := range sortedKeys(object) {
		flag := strings.ReplaceAll(key, "_", "-")
		if !slices.Contains(known, flag) {
			return fmt.Errorf("there is no flag %s%s; there are %s", prefix, key, strings.Join(known, ", "))
		}
		value, err := plain(object[key])
		if err != nil {
			return fmt.Errorf("%s%s: %w", prefix, key, err)
		}
		into[flag] = value
	}
	out[section] = into
	return nil
}

// plain makes of a JSON value what kong reads: numbers are texts, as on the command line.
func plain(value any) (any, error) {
	switch value := value.(type) {
	case string, bool:
		return value, nil
	case json.Number:
		return value.String(), nil
	case []any:
		texts := make([]any, len(value))
		for i, element := range value {
			text, ok := element.(string)
			if !ok {
				return nil, fmt.Errorf("element %d is not a text", i+1)
			}
			texts[i] = text
		}
		return texts, nil
	}
	return nil, errors.New("write a text, a number, true, false or a list of texts")
}

// flagsOf are the names of a command's own flags.
func flagsOf(command *kong.Node) []string {
	var out []string
	for _, flag := range command.Flags {
		if flag.Name != "help" {
			out = append(out, flag.Name)
		}
	}
	slices.Sort(out)
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for key := range m {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}
