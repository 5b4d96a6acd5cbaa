package server

import (
	"errors"
	"sync/atomic"

	"github.com/quicstep/quicstep/world"
)

// stage is a game with a little of everything that travels, which rests when nobody asks for anything.
type stage struct {
	*world.GameOf[push]
	Actors  world.Table[actor]
	Props   world.Table[prop]
	Bangs   world.Event[bang]
	Notes   world.Message[bang]
	joins   atomic.Int64
	leaves  atomic.Int64
	handled atomic.Int64
}

type actor struct {
	Force  int8   `net:"range=-5:5"`
	Moves  uint16 // wraps
	Secret uint8  `net:"owner"`
	Team   uint8  `net:"team"`
	Name   string `net:"max=8"`
}

type prop struct{ N uint32 }

type bang struct{ N uint8 }

// maxProps bounds the props on the stage.
const maxProps = 100

func newStage() *stage {
	g := &stage{GameOf: world.NewGame[push]("stage")}
	g.Actors = world.AddTable[actor](g, "actor")
	g.Props = world.AddTable[prop](g, "prop")
	g.Bangs = world.AddEvent[bang](g, "bang")
	g.Notes = world.AddMessage[bang](g, "note")
	g.SetHoldSeconds(1)
	world.AddRequest(g, "prop", func(tx *world.Tx, p world.Player, ask bang) (prop, error) {
		g.handled.Add(1)
		if ask.N > 200 || g.Props.Len(tx) >= maxProps {
			return prop{}, errors.New("no")
		}
		g.Props.Insert(tx, prop{uint32(ask.N)}, world.Owner(p))
		g.Bangs.Emit(tx, ask, world.ToAll())
		g.Notes.Send(tx, ask, world.ToPlayer(p))
		return prop{uint32(g.Props.Len(tx))}, nil
	})
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		tx.SetTeam(p, world.TeamID(1+p%2))
		g.Actors.Insert(tx, actor{Secret: uint8(p)}, world.Owner(p))
		g.joins.Add(1)
		return nil
	})
	g.OnLeave(func(tx *world.Tx, p world.Player, _ world.LeaveReason) {
		for id := range g.Actors.Owned(tx, p) {
			g.Actors.Remove(tx, id)
		}
		for id := range g.Props.Owned(tx, p) {
			g.Props.Remove(tx, id)
		}
		g.leaves.Add(1)
	})
	g.OnInput(func(tx *world.Tx, p world.Player, in push) {
		for id, a := range g.Actors.Owned(tx, p) {
			if in.Force != a.Force || in.Force != 0 {
				row := g.Actors.Edit(tx, id)
				row.Force, row.Name = in.Force, in.Name
				row.Moves++
				row.Secret++
			}
		}
	})
	return g
}
