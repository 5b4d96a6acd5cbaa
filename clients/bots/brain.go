package bots

import (
	"math"
	"math/rand/v2"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// Brain decides what a bot asks for in a tick, from what it sees: an input as the game's AppendInput writes it. The view is
// good until it returns. Bots run at the same time, so what it keeps must be its own.
type Brain func(view *world.View, me world.Player, chance *rand.Rand) ([]byte, error)

// Think makes a Brain of a function that knows the game's input type.
func Think[I any](game client.Game[I], think func(view *world.View, me world.Player, chance *rand.Rand) I) Brain {
	return func(view *world.View, me world.Player, chance *rand.Rand) ([]byte, error) {
		return game.AppendInput(nil, think(view, me, chance))
	}
}

// brainOf is the game's own brain, or one that draws inputs at random.
func brainOf(game world.Game, s *schema.Schema) Brain {
	return func(view *world.View, me world.Player, chance *rand.Rand) ([]byte, error) {
		if data, ok, err := world.BotInput(game, view, me, chance); ok {
			return data, err
		}
		return randomRow(s.Input, chance), nil
	}
}

// randomRow draws a valid row: each field anywhere in its range.
func randomRow(t *schema.Table, chance *rand.Rand) []byte {
	words, texts := make([]uint32, len(t.Columns)), make([]string, t.Texts)
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Kind == schema.Text {
			texts[t.Columns[t.FieldColumns(i, false)[0]].TextAt] = randomText(int(f.Top), chance)
			continue
		}
		t.Split(words, t.FieldColumns(i, false), upTo(f.Top, chance))
		if f.OwnStep > 0 {
			t.Split(words, t.FieldColumns(i, true), upTo(f.OwnTop, chance))
		}
	}
	return t.AppendRow(nil, schema.Own, t.FullMask(schema.Own), words, texts)
}

func upTo(top uint64, chance *rand.Rand) uint64 {
	if top == math.MaxUint64 {
		return chance.Uint64()
	}
	return chance.Uint64N(top + 1)
}

func randomText(most int, chance *rand.Rand) string {
	b := make([]byte, chance.IntN(most+1))
	for i := range b {
		b[i] = byte('a' + chance.IntN(26))
	}
	return string(b)
}
