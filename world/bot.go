package world

import (
	"errors"
	"math/rand/v2"
)

// What the definition says for the sake of rooms and bots.

// SetMaxPlayers sets how many players a room of the game holds; zero, as it is at first, leaves it to the server.
func (g *GameOf[I]) SetMaxPlayers(n int) {
	g.def.mustBeOpen("SetMaxPlayers")
	if n < 0 {
		g.def.fail(errors.New("SetMaxPlayers: a room can't hold fewer than no players; zero leaves it to the server"))
	}
	g.def.players = n
}

// MaxPlayersOf is how many players a room of the game holds; zero leaves it to the server.
func MaxPlayersOf(g Game) int { return g.definition().players }

// OnBot sets what a headless player asks for in a tick, from what it sees. Without it bots draw random valid inputs.
func (g *GameOf[I]) OnBot(f func(v *View, me Player, chance *rand.Rand) I) {
	g.def.mustBeOpen("OnBot")
	g.def.onBot = func(v *View, me Player, chance *rand.Rand) ([]byte, error) {
		return g.AppendInput(nil, f(v, me, chance))
	}
}

// BotInput is what the game's OnBot asks for, as AppendInput writes it; ok is false for a game without.
func BotInput(g Game, v *View, me Player, chance *rand.Rand) (data []byte, ok bool, err error) {
	d := g.definition()
	if d.onBot == nil {
		return nil, false, nil
	}
	data, err = d.onBot(v, me, chance)
	return data, true, err
}

// OnShown sets what tells whether a player's own rows show the effect of an input, so that bots can measure the time
// from an input to its effect. The input should be one of whose effect a single tick is enough, such as the direction
// in which a ship points.
func (g *GameOf[I]) OnShown(f func(v *View, me Player, in I) bool) {
	g.def.mustBeOpen("OnShown")
	bind := g.def.input
	g.def.shows = func(v *View, me Player, data []byte) bool {
		var in I
		decodeRow(bind, &in, data)
		return f(v, me, in)
	}
}

// Shown asks the game's OnShown; ok is false for a game without.
func Shown(g Game, v *View, me Player, data []byte) (shown, ok bool) {
	d := g.definition()
	if d.shows == nil {
		return false, false
	}
	return d.shows(v, me, data), true
}
