package cli

import (
	"slices"
	"strings"

	"github.com/quicstep/quicstep/world"
)

// named is every game: it embeds *world.GameOf.
type named interface{ Name() string }

// rated is a game that has to know how many ticks make a second.
type rated interface{ SetTickRate(hz int) }

// benched is a game with a workload to measure by, for so many players.
type benched interface{ Bench(players int) world.Game }

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
func bench(games []world.Game, players int) (world.Game, error) {
	var with []benched
	var names []string
	for _, g := range games {
		if b, ok := g.(benched); ok {
			with, names = append(with, b), append(names, nameOf(g))
		}
	}
	switch len(with) {
	case 1:
		return with[0].Bench(players), nil
	case 0:
		return nil, usagef("--bench: none of the games has a workload to measure by: give --game another, or a method Bench(players int) world.Game")
	}
	return nil, usagef("--bench: choose one of %s with --game", strings.Join(names, ", "))
}
