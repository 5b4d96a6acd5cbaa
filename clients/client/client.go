package client

import (
	"context"

	"github.com/quicstep/quicstep/world"
)

// Game is a game whose players send inputs of type I; everything that embeds *world.GameOf[I] is one.
type Game[I any] interface {
	world.Game
	AppendInput(dst []byte, in I) ([]byte, error)
}

// Client is one player in a game: a Session that knows the game's input type. Its methods may be called from any
// goroutine.
type Client[I any] struct {
	*Session
	game Game[I]
}

// Join connects to a server, joins the game and returns once the player is in. The errors say what to do; see
// ErrRefused and its neighbours. The first use of a game must have returned before another goroutine uses it.
func Join[I any](ctx context.Context, game Game[I], cfg Config) (*Client[I], error) {
	s, err := Open(ctx, game, cfg)
	if err != nil {
		return nil, err
	}
	return &Client[I]{Session: s, game: game}, nil
}

// Send sets what the player asks for from the next tick on, until the next Send. A value outside its field's
// range is an error that names the field; then the former input stays. Once the session has ended it returns
// why.
func (c *Client[I]) Send(in I) error {
	data, err := c.game.AppendInput(nil, in)
	if err != nil {
		return err
	}
	return c.SendBytes(data)
}
