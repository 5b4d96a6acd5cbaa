package client_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// playArena serves an arena without drones while play plays.
func playArena(play func(ctx context.Context, g *arena.Arena, cfg client.Config) error) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	game := arena.New(arena.Config{Drones: -1})
	s, err := server.New(server.Config{Games: []world.Game{game}, Addr: "127.0.0.1:0", Certificate: certificate(), AnyoneMayJoin: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error, 1)
	go func() { served <- s.Run(ctx) }()
	err = play(ctx, game, client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}})
	stop()
	if err := errors.Join(err, <-served); err != nil {
		fmt.Println(err)
	}
}

// What has come, gone and changed is the difference between two views, whatever lies between them.
func ExampleSession_Next() {
	playArena(func(ctx context.Context, g *arena.Arena, cfg client.Config) error {
		player, err := client.Join(ctx, g, cfg)
		if err != nil {
			return err
		}
		defer player.Close()
		var before *world.View
		for {
			now, err := player.Next(ctx, before)
			if err != nil {
				return err
			}
			for d := range g.Ships.Diff(before, now) {
				switch {
				case d.Kind == world.Added:
					fmt.Println(d.Now.Name, "is here")
					player.Send(arena.Steer{Aim: d.Now.Aim + 90})
				case d.Kind == world.Changed && d.Before.Aim != d.Now.Aim:
					fmt.Println(d.Now.Name, "has turned by", d.Now.Aim-d.Before.Aim, "degrees")
					return nil
				}
			}
			before = now
		}
	})
	// Output:
	// pilot 1 is here
	// pilot 1 has turned by 90 degrees
}

// An event is fired once, and soon or never; a shot is one.
func ExampleSession_Events() {
	playArena(func(ctx context.Context, g *arena.Arena, cfg client.Config) error {
		player, err := client.Join(ctx, g, cfg)
		if err != nil {
			return err
		}
		defer player.Close()
		if err := player.Send(arena.Steer{Aim: 45, Fire: true}); err != nil {
			return err
		}
		for view := player.View(); ; {
			if view, err = player.Next(ctx, view); err != nil {
				return err
			}
			for _, shot := range g.Shots.In(player.Events()) {
				fmt.Println("a shot towards", shot.Aim, "degrees")
				return nil
			}
		}
	})
	// Output:
	// a shot towards 45 degrees
}

// A request is asked once, and answered.
func ExampleAsk() {
	playArena(func(ctx context.Context, g *arena.Arena, cfg client.Config) error {
		player, err := client.Join(ctx, g, cfg)
		if err != nil {
			return err
		}
		defer player.Close()
		for _, name := range []string{"  Ada ", ""} {
			answer, err := client.Ask(ctx, player, g.Rename, arena.Rename{Name: name})
			switch {
			case errors.Is(err, client.ErrDenied):
				fmt.Println("refused")
			case err != nil:
				return err
			default:
				fmt.Printf("now I am %q\n", answer.Name)
			}
		}
		return nil
	})
	// Output:
	// now I am "Ada"
	// refused
}

// Friends meet in a private room by its code, and talk there.
func ExampleSession_Say() {
	playArena(func(ctx context.Context, g *arena.Arena, cfg client.Config) error {
		cfg.Private = true
		host, err := client.Join(ctx, g, cfg)
		if err != nil {
			return err
		}
		defer host.Close()
		cfg.Private, cfg.Code = false, host.Room()
		guest, err := client.Join(ctx, g, cfg)
		if err != nil {
			return err
		}
		defer guest.Close()
		if err := guest.Say("hello"); err != nil {
			return err
		}
		for view := host.View(); ; {
			if view, err = host.Next(ctx, view); err != nil {
				return err
			}
			for _, line := range host.Chat() {
				fmt.Printf("player %d says %q\n", line.From, line.Text)
				return nil
			}
		}
	})
	// Output:
	// player 2 says "hello"
}

// A server lists its public rooms.
func ExampleList() {
	playArena(func(ctx context.Context, g *arena.Arena, cfg client.Config) error {
		cfg.Room = "nebula"
		player, err := client.Join(ctx, g, cfg)
		if err != nil {
			return err
		}
		defer player.Close()
		rooms, err := client.List(ctx, "arena", cfg)
		for _, room := range rooms {
			fmt.Println(room.Name, "has", room.Players, "of", room.MaxPlayers, "players")
		}
		return err
	})
	// Output:
	// nebula has 1 of 1000 players
}
