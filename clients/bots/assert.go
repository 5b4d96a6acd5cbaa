package bots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// assertionExample is what errors show.
const assertionExample = "latency_ms.p99<120"

// nearMax is how many paths an error suggests.
const nearMax = 6

// Assertion is what a number of a Report has to be, such as latency_ms.p99<120. ParseAssertion makes it.
type Assertion struct {
	path, operator string
	limit          float64
}

var assertionForm = regexp.MustCompile(`^\s*([A-Za-z0-9_.]+)\s*(<=|>=|==|!=|<|>)\s*([^\s<>=!]+)\s*$`)

// ParseAssertion reads a path of the report's JSON form, one of < <= > >= == != and a number. Its errors say what to
// write instead.
func ParseAssertion(text string) (Assertion, error) {
	parts := assertionForm.FindStringSubmatch(text)
	if parts == nil {
		return Assertion{}, fmt.Errorf("assertion %q: write a path, one of < <= > >= == != and a number, as in %s", text, assertionExample)
	}
	path, operator := parts[1], parts[2]
	limit, err := strconv.ParseFloat(parts[3], 64)
	if err != nil || math.IsNaN(limit) || math.IsInf(limit, 0) {
		return Assertion{}, fmt.Errorf("assertion %q: %q is not a number; write it as in %s", text, parts[3], assertionExample)
	}
	if paths := numericPaths(); !slices.Contains(paths, path) {
		return Assertion{}, fmt.Errorf("assertion %q: the report has no number %s; %s", text, path, suggest(path, paths))
	}
	return Assertion{path, operator, limit}, nil
}

// String is the assertion as ParseAssertion reads it.
func (a Assertion) String() string { return fmt.Sprint(a.path, a.operator, a.limit) }

// Check tells why the assertion does not hold, and nil when it does. It compares the number as the report writes it,
// with three decimals. One that the run could not find out does not hold, whatever is asked of it. Nor does the zero
// Assertion, which asks for nothing.
func (a Assertion) Check(r *Report) error {
	if a.path == "" {
		return errors.New("the assertion is empty")
	}
	v, ok := lookup(reflect.ValueOf(r).Elem(), a.path)
	if reason := r.missing(a.path); reason != "" || !ok {
		return fmt.Errorf("%s has no value: %s; want %s %v", a.path, cmp.Or(reason, "the report leaves it out"), a.operator, a.limit)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%s has no value: it is %v; want %s %v", a.path, v, a.operator, a.limit)
	}
	if v = round(v); !holds(v, a.operator, a.limit) {
		return fmt.Errorf("%s is %v, want %s %v", a.path, v, a.operator, a.limit)
	}
	return nil
}

func holds(v float64, operator string, limit float64) bool {
	switch operator {
	case "<":
		return v < limit
	case "<=":
		return v <= limit
	case ">":
		return v > limit
	case ">=":
		return v >= limit
	case "==":
		return v == limit
	case "!=":
		return v != limit
	}
	return false
}

// A need is what some numbers of a report stand on: without it they are zero because nothing was measured.
type need struct {
	paths  []string // each alone or with everything below it
	except string   // the one path below that stands by itself; empty means none
	met    func(*Report) bool
	reason string
}

var needs = []need{
	{
		paths:  []string{"server"},
		met:    func(r *Report) bool { return r.Server != nil },
		reason: "the server was not asked",
	},
	{
		paths: []string{"server.cpu_us_per_client_tick", "server.datagrams_per_client_tick", "server.datagram_bytes_per_client_tick",
			"server.allocs_per_client_tick", "server.tick_ms", "server.late_ms", "server.phase_us"},
		met:    func(r *Report) bool { return r.Server.Ticks > 0 },
		reason: "the server has done no tick",
	},
	{
		paths:  []string{"impairment"},
		met:    func(r *Report) bool { return r.Impairment != ImpairmentReport{} },
		reason: "the network was left as it is",
	},
	{
		paths: []string{"tick_hz", "updates", "bytes_per_client_s", "packets_per_client_tick", "inputs", "checks.rows_per_client_s",
			"server.cpu_us_per_client_tick", "server.datagrams_per_client_tick", "server.datagram_bytes_per_client_tick",
			"server.allocs_per_client_tick"},
		met:    func(r *Report) bool { return r.Clients.Joined > 0 },
		reason: "nobody joined",
	},
	{
		paths:  []string{"updates.interval_ms", "bytes_per_entity_update", "entities_visible", "age_ticks"},
		met:    func(r *Report) bool { return r.Updates.PerClientPerS > 0 },
		reason: "no update came",
	},
	{
		paths:  []string{"latency_ms"},
		except: "latency_ms.samples",
		met:    func(r *Report) bool { return r.LatencyMS.Samples > 0 },
		reason: "there are no samples",
	},
	{
		paths:  []string{"diverged"},
		met:    func(r *Report) bool { return r.Checks.Rows > 0 || r.Checks.Pages > 0 },
		reason: "nothing was compared",
	},
}

// missing says why the number at a path was not measured; empty when it was.
func (r *Report) missing(path string) string {
	for _, n := range needs {
		on := path != n.except && slices.ContainsFunc(n.paths, func(p string) bool {
			return path == p || strings.HasPrefix(path, p+".")
		})
		if on && !n.met(r) {
			return n.reason
		}
	}
	return ""
}

// jsonName is a field's name in the JSON form.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// numericPaths lists every number of a report that has a fixed place, in the report's order.
func numericPaths() []string {
	return appendPaths(nil, "", reflect.TypeFor[Report]())
}

func appendPaths(dst []string, prefix string, t reflect.Type) []string {
	for f := range t.Fields() {
		at, path := f.Type, prefix+jsonName(f)
		if at.Kind() == reflect.Pointer {
			at = at.Elem()
		}
		switch at.Kind() {
		case reflect.Struct:
			dst = appendPaths(dst, path+".", at)
		case reflect.Int, reflect.Uint64, reflect.Float64:
			dst = append(dst, path)
		}
	}
	return dst
}

// lookup finds the number at a path of a struct; false when a part of the path is nil or unknown.
func lookup(v reflect.Value, path string) (float64, bool) {
	name, rest, _ := strings.Cut(path, ".")
	for f, at := range v.Fields() {
		if jsonName(f) != name {
			continue
		}
		if at.Kind() == reflect.Pointer {
			at = at.Elem() // of nil: invalid, which has no case
		}
		switch at.Kind() {
		case reflect.Struct:
			return lookup(at, rest)
		case reflect.Int:
			return float64(at.Int()), rest == ""
		case reflect.Uint64:
			return float64(at.Uint()), rest == ""
		case reflect.Float64:
			return at.Float(), rest == ""
		}
	}
	return 0, false
}

// suggest names the paths that may have been meant: those below it, else those that are spelled alike or end in the
// same word, else all.
func suggest(path string, paths []string) string {
	below, alike := []string{}, []string{}
	leaf := path[strings.LastIndexByte(path, '.')+1:]
	for _, p := range paths {
		if strings.HasPrefix(p, strings.TrimRight(path, ".")+".") {
			below = append(below, p)
		}
		if distance(path, p) <= max(2, len(p)/4) || len(leaf) > 3 && strings.HasSuffix("."+p, "."+leaf) {
			alike = append(alike, p)
		}
	}
	near := below
	if len(near) == 0 {
		near = alike
	}
	if len(near) == 0 {
		return "there are " + strings.Join(paths, ", ")
	}
	slices.SortStableFunc(near, func(a, b string) int { return cmp.Compare(distance(path, a), distance(path, b)) })
	return "near it are " + strings.Join(near[:min(len(near), nearMax)], ", ")
}

// distance is how many bytes have to be put in, left out or changed to make b of a. A long a is as far as it is longer
// than any path, so that the work is bounded.
func distance(a, b string) int {
	if len(a) > 2*len(b) {
		return len(a) - len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
