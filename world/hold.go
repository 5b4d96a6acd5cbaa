package world

import "fmt"

// A player whose connection is lost may come back: for a while the room holds it, with its rows, its team and its
// score. What such a player asks for is its last input for a few ticks, and then the neutral one.
const (
	// HoldSecondsDefault is for how long players are held when the game does not say.
	HoldSecondsDefault = 15
	// HoldSecondsMax is the longest that a game may say.
	HoldSecondsMax = 300
)

// SetHoldSeconds sets for how long a player whose connection is lost is held, from 0 to HoldSecondsMax; as it is at
// first that is HoldSecondsDefault. A client that comes back within that time with its token goes on as the same player;
// OnLeave runs when it does not, with Lost. Zero holds nobody: the player leaves as soon as the server knows of the loss,
// which without a word from the client takes its idle timeout. Who says goodbye leaves at once, whatever this is.
func (g *GameOf[I]) SetHoldSeconds(n int) {
	g.def.mustBeOpen("SetHoldSeconds")
	if n < 0 || n > HoldSecondsMax {
		g.def.fail(fmt.Errorf("SetHoldSeconds: players can be held for 0 to %d seconds, not for %d", HoldSecondsMax, n))
	}
	g.def.holdSeconds = n
}

// HoldSecondsOf is for how long a game's players are held.
func HoldSecondsOf(g Game) int { return g.definition().holdSeconds }
