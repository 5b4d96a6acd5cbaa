package server

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// game is what the server knows of a game that it runs.
type game struct {
	world.Game
	schema *schema.Schema
	wire   []byte        // the schema as it travels
	most   int           // players of a room
	latest []bool        // by table: whether the newest record is shown
	hold   time.Duration // how long players are held whose connection is lost
	parts  []string      // of a tick
	phases gamePhases
	stuck  atomic.Int64 // rooms of it that were given up and have not returned
}

// nameOf is a game's name; its definition has been checked.
func nameOf(g world.Game) string {
	s, err := world.SchemaOf(g)
	if err != nil {
		return ""
	}
	return s.Game
}

// newGame checks a game: its definition, and whether its schema and its rows can be sent.
func newGame(g world.Game, cfg Config) (*game, error) {
	s, err := world.SchemaOf(g)
	if err != nil {
		return nil, err
	}
	out := &game{Game: g, schema: s, wire: s.Append(nil), most: cfg.Limits.MaxPlayers, hold: time.Duration(world.HoldSecondsOf(g)) * time.Second}
	if n := len(out.wire); n > protocol.MaxSchema {
		return nil, fmt.Errorf("server: the schema of game %s has %d bytes, at most %d can be sent: shorten names or split the game", s.Game, n, protocol.MaxSchema)
	}
	if n := world.MaxPlayersOf(g); n > 0 {
		out.most = min(out.most, n)
	}
	if out.parts, err = world.PartsOf(g); err != nil {
		return nil, err
	}
	modes, err := world.ShownModes(g)
	if err != nil {
		return nil, err
	}
	for _, m := range modes {
		out.latest = append(out.latest, m == world.Latest)
	}
	_, err = newReplication(out, 1, cfg)
	return out, err
}

// firstEpoch and firstSequence are where a new session's replication begins.
const (
	firstEpoch    = 1
	firstSequence = 1
)

func newReplication(g *game, p world.Player, cfg Config) (*replicate.Client, error) {
	return replicate.NewClient(g.schema, p, firstEpoch, firstSequence, replicate.Config{
		Period: cfg.period(), BudgetBytes: cfg.BudgetBytes, SteadyRate: cfg.SteadyRate, EventTicks: cfg.eventTicks(),
	})
}
