package world

import "fmt"

// Workload describes what a game is to be measured with: how much there is, and how much of it happens. The zero value
// is the usual workload of a game with nobody in it. Server and clients must be given the same one: it may change what
// travels, and how. Check says what is wrong with it.
type Workload struct {
	// Players is for how many players it is laid out.
	Players int
	// Idle is the share of the entities that rest at any time, from 0 to 1; zero lets all of them move. Which of them
	// rest changes as time goes by.
	Idle float64
	// Crowd puts everybody in sight of everybody: as many ships as Players, nothing beside them, all of which move on two
	// axes in every tick. Otherwise what a player sees does not depend on how many there are.
	Crowd bool
	// Exact has positions travel as they are. Otherwise a game may let clients reckon where something is from how it
	// moved, and send only what they could not know.
	Exact bool
}

// Check returns what is wrong with the workload.
func (w Workload) Check() error {
	if w.Players < 0 {
		return fmt.Errorf("a workload for %d players: zero or more are possible", w.Players)
	}
	if !(w.Idle >= 0 && w.Idle <= 1) {
		return fmt.Errorf("a workload of which %v are idle: give a share from 0 to 1", w.Idle)
	}
	return nil
}
