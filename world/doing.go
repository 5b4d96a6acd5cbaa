package world

// What a step may be doing, in World.doing; from doingSystem on, the game's systems.
const (
	doingNothing = iota
	doingStart
	doingJoin
	doingLeave
	doingRequest
	doingEdits
	doingInput
	doingTick
	doingCommit
	doingSystem
)

var doingNames = [...]string{
	doingStart: "OnStart", doingJoin: "OnJoin", doingLeave: "OnLeave", doingRequest: "OnRequest", doingEdits: "edits", doingInput: "OnInput",
	doingTick: "OnTick", doingCommit: "commit",
}

// enter notes what the step is about to do, and for which player.
func (w *World) enter(what int, p Player) { w.doing.Store(uint64(what)<<32 | uint64(p)) }

// Doing tells what the step is doing: the callback, by the names of PanicError, edits or commit; and the player whose
// join, leave, request or input it is, zero in the others. Between steps it is nothing: empty. Any goroutine may ask, so
// that whoever watches a step which does not end can say where it is.
func (w *World) Doing() (callback string, player Player) {
	doing := w.doing.Load()
	what := int(doing >> 32)
	if what >= doingSystem {
		return w.state.def.systems[what-doingSystem].name, 0
	}
	return doingNames[what], Player(doing)
}
