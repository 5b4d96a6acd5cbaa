package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/quicstep/quicstep/world"
)

// named is every game: it embeds *world.GameOf.
type named interface{ Name() string }

// rated is a game that has to know how many ticks make a second.
type rated interface{ SetTickRate(hz int) }

// benched is a game that can be measured under a workload.
type benched interface {
	Bench(w world.Workload) world.Game
}

// workloadFlags say how the workload of --bench differs from the usual one.
type workloadFlags struct {
	Idle  float64 `help:"With --bench: this share of what moves rests at any time, from 0 to 1." default:"0" placeholder:"SHARE" group:"game"`
	Crowd bool    `help:"With --bench: everybody in sight of everybody, and nothing else there." group:"game"`
	Exact bool    `help:"With --bench: positions travel as they are, and clients reckon nothing." group:"game"`
}

// workload checks the flags.
func (f workloadFlags) workload(bench bool, players int) (world.Workload, error) {
	w := world.Workload{Players: players, Idle: f.Idle, Crowd: f.Crowd, Exact: f.Exact}
	switch {
	case w.Check() != nil:
		return w, usagef("--idle: %w", w.Check())
	case bench:
		return w, nil
	case f.Idle != 0:
		return w, usagef("--idle is for --bench only: give both, or neither")
	case f.Crowd:
		return w, usagef("--crowd is for --bench only: give both, or neither")
	case f.Exact:
		return w, usagef("--exact is for --bench only: give both, or neither")
	}
	return w, nil
}

// words are the flags as they are written; empty for the usual workload.
func (f workloadFlags) words() string {
	out := ""
	if f.Idle != 0 {
		out += " --idle " + strconv.FormatFloat(f.Idle, 'g', -1, 64)
	}
	if f.Crowd {
		out += " --crowd"
	}
	if f.Exact {
		out += " --exact"
	}
	return out
}

// nameOf does not seal the definition, so that SetTickRate may come after it.
func nameOf(g world.Game) string {
	if n, ok := g.(named); ok {
		return n.Name()
	}
	s, err := world.SchemaOf(g)
	if err != nil {
		return ""
	}
	return s.Game
}

func (a *app) names() []string {
	out := make([]string, len(a.Games))
	for i, g := range a.Games {
		out[i] = nameOf(g)
	}
	return out
}

// choose returns the games of these names in their order; all of them without any.
func (a *app) choose(names []string) ([]world.Game, error) {
	if len(names) == 0 {
		return a.Games, nil
	}
	var out []world.Game
	for i, name := range names {
		at := slices.Index(a.names(), name)
		if at < 0 {
			return nil, usagef("--game: there is no %q in this program; it has %s", name, strings.Join(a.names(), ", "))
		}
		if !slices.Contains(names[:i], name) {
			out = append(out, a.Games[at])
		}
	}
	return out, nil
}

// bench returns the workload of the one game among these that has one.
func bench(games []world.Game, w world.Workload) (world.Game, error) {
	var with []benched
	var names []string
	for _, g := range games {
		if b, ok := g.(benched); ok {
			with, names = append(with, b), append(names, nameOf(g))
		}
	}
	switch len(with) {
	case 1:
		return with[0].Bench(w), nil
	case 0:
		return nil, usagef("--bench: none of the games has a workload to measure by: give --game another, or a method Bench(w world.Workload) world.Game")
	}
	return nil, usagef("--bench: choose one of %s with --game", strings.Join(names, ", "))
}
