package world

import "fmt"

// maxSystems is how many systems a game may name.
const maxSystems = 32

// system is a named part of what happens in a tick.
type system struct {
	name string
	run  func(*Tx)
}

// System adds a named part of what happens at the end of each tick, on the server alone: systems run in the order in which
// they were added, and OnTick after them. An operator sees by name how long each takes. A name has 1 to 64 bytes.
func (g *GameOf[I]) System(name string, f func(*Tx)) {
	d := g.def
	d.mustBeOpen("System")
	switch {
	case name == "" || len(name) > 64:
		d.fail(fmt.Errorf("system %q: a name has 1 to 64 bytes", name))
	case len(d.systems) == maxSystems:
		d.fail(fmt.Errorf("system %q: a game names at most %d", name, maxSystems))
	}
	for _, s := range d.systems {
		if s.name == name {
			d.fail(fmt.Errorf("system %q: another one has this name", name))
		}
	}
	d.systems = append(d.systems, system{name, f})
}

// The parts of a tick that come before a game's systems, in their order.
const (
	partJoins = iota // players who join and leave, OnStart
	partRequests
	partInputs
	partsBefore
)

// PartsOf seals the definition and names the parts of a tick in their order, as Config.Mark counts them: joins, requests,
// inputs, the game's systems, and OnTick. What remains of a step is its commit.
func PartsOf(g Game) ([]string, error) {
	d := g.definition()
	if err := d.seal(); err != nil {
		return nil, err
	}
	out := []string{"joins", "requests", "inputs"}
	for _, s := range d.systems {
		out = append(out, s.name)
	}
	return append(out, "tick"), nil
}

// mark tells whoever measures that a part is over.
func (w *World) mark(part int) {
	if w.marks != nil {
		w.marks(part)
	}
}

// systems runs the game's systems, and OnTick.
func (w *World) systems() {
	d := w.state.def
	for i := range d.systems {
		w.enter(doingSystem+i, 0)
		d.systems[i].run(w.tx)
		w.mark(partsBefore + i)
	}
	w.enter(doingTick, 0)
	if d.onTick != nil {
		d.onTick(w.tx)
	}
	w.mark(partsBefore + len(d.systems))
}
