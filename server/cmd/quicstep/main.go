// Command quicstep serves the example games, and plays them with bots.
package main

import (
	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/examples/pong"
	"github.com/quicstep/quicstep/server/cli"
)

func main() {
	cli.Main(arena.New(arena.Config{}), pong.New())
}
