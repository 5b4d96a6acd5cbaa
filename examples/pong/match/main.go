// Command match plays a match of pong: a server, and two bots that join it over QUIC.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/pong"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// A match ends at so many points, or after so long, whichever comes first.
const (
	points   = 3
	duration = 30 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "match:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	g := pong.New()
	s, err := server.New(server.Config{Games: []world.Game{g}, Addr: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	fmt.Printf("pong on %s, 30 ticks a second, over QUIC. Two bots join; first to %d points, %v at most.\n\n", s.Addr(), points, duration)
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- s.Run(serving) }()
	played := play(ctx, g, s)
	stop()
	if err := errors.Join(played, <-served); err != nil {
		return err
	}
	fmt.Print("\nWhat next:\n" +
		"  examples/pong/pong.go   the whole game, to change and run again\n" +
		"  make test               every test, with the race detector\n" +
		"  docs/protocol.md        what went over the wire\n")
	return nil
}

// play lets two bots play and draws the court until the match is over.
func play(ctx context.Context, g *pong.Pong, s *server.Server) error {
	match, over := context.WithTimeout(ctx, duration)
	defer over()
	var bots sync.WaitGroup
	defer bots.Wait()
	defer over()
	var first *client.Client[pong.Steer]
	for _, skill := range []float32{0.5, 0.45} {
		c, err := client.Join(match, g, client.Config{Addr: s.Addr().String()})
		if err != nil {
			return fmt.Errorf("a bot could not join: %w", err)
		}
		defer c.Close()
		if first == nil {
			first = c
		}
		bots.Go(func() { pong.Play(match, g, c, skill) })
	}
	return watch(match, g, first, s)
}

// watch draws what the first bot sees, and ends with the score.
func watch(ctx context.Context, g *pong.Pong, c *client.Client[pong.Steer], s *server.Server) error {
	view, drawn := c.View(), uint64(0)
	var score pong.Score
	for {
		next, err := c.Next(ctx, view)
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			break
		}
		if err != nil {
			return err
		}
		view = next
		before := score
		score, _ = g.Score.Get(view)
		if view.Tick >= drawn+30 || score.Left+score.Right != before.Left+before.Right {
			drawn = view.Tick
			fmt.Println(court(g, view, score))
		}
		if score.Left >= points || score.Right >= points {
			break
		}
	}
	st, cs := s.Stats(), c.Stats()
	fmt.Printf("\nFinal score %d : %d after %d ticks and %d hits.\n", score.Left, score.Right, view.Tick, score.Hits)
	fmt.Printf("Sent %d datagrams of %d bytes on average; a tick took %v on average, %v at most; inputs came %.1f ticks early.\n",
		st.Datagrams, st.DatagramBytes/max(st.Datagrams, 1), st.Step.Mean().Round(time.Microsecond), st.Step.Max.Round(time.Microsecond), float64(cs.Margin)/4)
	return nil
}

// court is one line: the paddles at its ends by their height, the ball between them.
func court(g *pong.Pong, v *world.View, score pong.Score) string {
	const columns = 48
	ball, _ := g.Ball.Get(v)
	line := []rune(strings.Repeat("·", columns))
	line[min(int(ball.X/pong.Width*columns), columns-1)] = '●'
	heights := []rune("▔▀■▄▁")
	ends := [2]rune{' ', ' '}
	for _, p := range g.Paddles.All(v) {
		mark := heights[min(int(p.Y/pong.Height*float32(len(heights))), len(heights)-1)]
		if p.Left {
			ends[0] = mark
		} else {
			ends[1] = mark
		}
	}
	return fmt.Sprintf("  %2d  %c|%s|%c  %-2d", score.Left, ends[0], string(line), ends[1], score.Right)
}
