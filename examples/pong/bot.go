package pong

import (
	"context"

	"github.com/quicstep/quicstep/clients/client"
)

// Play follows the ball for one player until ctx or the connection ends. Skill, from 0 to 1, is from how much of
// the court away it sees the ball coming.
func Play(ctx context.Context, g *Pong, c *client.Client[Steer], skill float32) error {
	view := c.View()
	for {
		next, err := c.Next(ctx, view)
		if err != nil {
			return err
		}
		view = next
		ball, ok := g.Ball.Get(view)
		for _, paddle := range g.Paddles.Owned(view, c.Player()) {
			coming := ok && (paddle.Left && ball.X < Width*skill || !paddle.Left && ball.X > Width*(1-skill))
			if err := c.Send(Steer{DY: towards(paddle.Y, ball.Y, coming)}); err != nil {
				return err
			}
		}
	}
}

func towards(from, to float32, coming bool) int8 {
	switch {
	case !coming || to-from > -2 && to-from < 2:
		return 0
	case to < from:
		return -1
	}
	return 1
}
