package attack

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/quicstep/quicstep/protocol"
)

// slowPlayers is how many players don't read.
const slowPlayers = 30

// slowReaders join, play, and don't read: a third's sockets take nothing from the network, so that not even QUIC acknowledges;
// a third give the server hardly any flow control and leave its streams unread; a third acknowledge everything in QUIC and
// no state of the game's. All of them ask for as much as they can.
var slowReaders = Attack{
	Name: "slow-readers", Says: "players who read no packets, no streams, or acknowledge no state, and ask for answers",
	PerSecond: 900, Unit: "messages", Counters: []string{"skipped_passes"},
	run: func(ctx context.Context, a *Attacker) error {
		players := make(chan *player, slowPlayers)
		var work sync.WaitGroup
		for n := range slowPlayers {
			work.Go(func() { a.joinSlow(ctx, n, players) })
		}
		a.crowd(ctx, 8, func(context.Context) error {
			select {
			case p := <-players:
				defer func() { players <- p }()
				return a.pester(p)
			default:
				return errors.New("nobody is in yet")
			}
		})
		work.Wait()
		close(players)
		for p := range players {
			p.close()
		}
		return nil
	},
}

// joinSlow has the nth come in.
func (a *Attacker) joinSlow(ctx context.Context, n int, players chan<- *player) {
	way := how{}
	if n%3 == 1 {
		way.windows = 2 << 10 // the welcome just fits
	}
	p, err := a.join(ctx, way, protocol.Hello{})
	if err != nil {
		a.note(err)
		return
	}
	p.socket.deaf.Store(n%3 == 0)
	a.note(nil)
	players <- p
}

// pester sends an input without an acknowledgement, and now and then a request, whose answers stay unread.
func (a *Attacker) pester(p *player) error {
	if p.socket.deaf.Load() {
		return nil // quic-go would wait for its congestion window
	}
	if a.draw(4) == 0 {
		p.control.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		message, err := protocol.AppendRequest(nil, protocol.Request{Number: uint32(a.draw(1 << 20)), Data: a.rename("slow")})
		if err != nil {
			return err
		}
		_, err = p.control.Write(protocol.AppendFrame(nil, message))
		return err
	}
	return p.SendDatagram(a.input(p, p.tick()+3, 1))
}
