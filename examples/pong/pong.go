// Package pong is the smallest real game: two paddles, a ball, and a score. It shows what a game on quicstep
// looks like; the server, the clients and the tests use the same definition.
package pong

import (
	"errors"

	"github.com/quicstep/quicstep/world"
)

// The court, in its own units, and its speeds, in units per tick.
const (
	Width, Height = 160, 90
	Reach         = 10 // of a paddle, up and down from its middle
	paddleSpeed   = 2.2
	serveSpeed    = 3
	ballSpeedMax  = 6
)

// Paddle is a player's; it stands at its side's edge.
type Paddle struct {
	Y    float32 `net:"range=0:90,step=0.1,own"`
	Left bool
}

// Ball is the ball; VX and VY stay on the server.
type Ball struct {
	X      float32 `net:"range=0:160,step=0.1"`
	Y      float32 `net:"range=0:90,step=0.1"`
	VX, VY float32 `net:"-"`
}

// Score is the match's.
type Score struct{ Left, Right, Hits uint16 }

// Steer is what a player asks for in a tick: -1 up, 1 down, 0 stay.
type Steer struct {
	DY int8 `net:"range=-1:1"`
}

// Pong is the game: its tables, and what happens in a tick.
type Pong struct {
	*world.GameOf[Steer]
	Paddles world.Table[Paddle]
	Ball    world.Singleton[Ball]
	Score   world.Singleton[Score]
}

// New defines the game.
func New() *Pong {
	g := &Pong{GameOf: world.NewGame[Steer]("pong")}
	g.Paddles = world.AddTable[Paddle](g, "paddle")
	g.Ball = world.AddSingleton(g, "ball", Ball{X: Width / 2, Y: Height / 2})
	g.Score = world.AddSingleton(g, "score", Score{})
	g.OnJoin(g.join)
	g.OnLeave(func(tx *world.Tx, p world.Player, _ world.LeaveReason) {
		for id := range g.Paddles.Owned(tx, p) {
			g.Paddles.Remove(tx, id)
		}
	})
	g.OnInput(func(tx *world.Tx, p world.Player, in Steer) {
		for id, paddle := range g.Paddles.Owned(tx, p) {
			y := paddle.Y + paddleSpeed*float32(in.DY)
			g.Paddles.Edit(tx, id).Y = max(Reach, min(y, Height-Reach))
		}
	})
	g.OnTick(g.tick)
	return g
}

func (g *Pong) join(tx *world.Tx, p world.Player) error {
	left := true
	for _, other := range g.Paddles.All(tx) {
		left = !other.Left
	}
	if g.Paddles.Len(tx) == 2 {
		return errors.New("two are playing already; watch the score and come back")
	}
	g.Paddles.Insert(tx, Paddle{Y: Height / 2, Left: left}, world.Owner(p))
	return nil
}

func (g *Pong) tick(tx *world.Tx) {
	b := g.Ball.Edit(tx)
	if g.Paddles.Len(tx) < 2 {
		*b = Ball{X: Width / 2, Y: Height / 2}
		return
	}
	if b.VX == 0 {
		b.VX, b.VY = serveSpeed, float32(tx.Rand().Float64()*3-1.5)
	}
	b.X, b.Y = b.X+b.VX, b.Y+b.VY
	if b.Y < 0 || b.Y > Height {
		b.Y, b.VY = max(0, min(b.Y, Height)), -b.VY
	}
	if b.X > 0 && b.X < Width {
		return
	}
	for _, paddle := range g.Paddles.All(tx) {
		if off := b.Y - paddle.Y; paddle.Left == (b.X <= 0) && off > -Reach && off < Reach {
			b.VX, b.VY = max(-ballSpeedMax, min(-b.VX*1.08, ballSpeedMax)), b.VY+off*0.2
			b.X = max(1, min(b.X, Width-1))
			g.Score.Edit(tx).Hits++
			return
		}
	}
	g.point(tx, b)
}

// point gives the point to the other side, and serves towards the one that lost it.
func (g *Pong) point(tx *world.Tx, b *Ball) {
	s, serve := g.Score.Edit(tx), float32(-serveSpeed)
	if b.X <= 0 {
		s.Right++
	} else {
		s.Left++
		serve = serveSpeed
	}
	*b = Ball{X: Width / 2, Y: Height / 2, VX: serve, VY: float32(tx.Rand().Float64()*3 - 1.5)}
}
