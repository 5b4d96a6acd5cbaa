package client_test

import (
	"context"
	"fmt"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/pong"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// A player joins a match of pong, and holds its paddle upwards until it is at the top.
func ExampleJoin() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	game := pong.New()
	s, err := server.New(server.Config{Games: []world.Game{game}, Addr: "127.0.0.1:0", Certificate: certificate(), AnyoneMayJoin: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error, 1)
	go func() { served <- s.Run(ctx) }()

	player, err := client.Join(ctx, game, client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	player.Send(pong.Steer{DY: -1})
	for view, y := player.View(), float32(0); y != pong.Reach; {
		if view, err = player.Next(ctx, view); err != nil {
			fmt.Println(err)
			return
		}
		for _, paddle := range game.Paddles.Owned(view, player.Player()) {
			y = paddle.Y
		}
	}
	fmt.Println("player", player.Player(), "is at the top")

	player.Close()
	stop()
	fmt.Println("the server returned", <-served)
	// Output:
	// player 1 is at the top
	// the server returned <nil>
}
