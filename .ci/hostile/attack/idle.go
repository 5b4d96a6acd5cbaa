package attack

import (
	"context"
	"sync"
	"time"

	"github.com/quicstep/quicstep/protocol"
)

// idleAtOnce is how many idle connections an attacker keeps.
const idleAtOnce = 600

// halfOpen opens connections and leaves it at that: a third say nothing after the handshake, a third send the first half of a
// hello, a third send a hello a byte at a time. It keeps several hundred open for as long as the server lets it.
var halfOpen = Attack{
	Name: "half-open", Says: "connections that say nothing after the handshake, half a hello, or a byte of it now and then",
	PerSecond: 100, Unit: "connections", Counters: []string{"no_hello"}, Late: true,
	run: func(ctx context.Context, a *Attacker) error {
		hello, err := protocol.AppendHello(nil, protocol.Hello{Game: a.schema.Game, SchemaHash: a.schema.Hash()})
		if err != nil {
			return err
		}
		hello = protocol.AppendFrame(nil, hello)
		places := make(chan struct{}, idleAtOnce)
		var work sync.WaitGroup
		a.crowd(ctx, 16, func(ctx context.Context) error {
			select {
			case places <- struct{}{}:
			default:
				return errEnough
			}
			p, err := a.dial(ctx, how{})
			if err != nil {
				<-places
				return err
			}
			work.Go(func() {
				a.dawdle(ctx, p, hello)
				p.close()
				<-places
			})
			return nil
		})
		work.Wait()
		return nil
	},
}

// dawdle has a connection go on in one of the three ways, until it ends.
func (a *Attacker) dawdle(ctx context.Context, p *player, hello []byte) {
	switch a.draw(3) {
	case 1:
		p.write(hello[:len(hello)/2])
	case 2:
		for _, b := range hello {
			if p.write([]byte{b}) != nil || p.Context().Err() != nil || !wait(ctx, time.Second) {
				return
			}
		}
	}
	select {
	case <-ctx.Done():
	case <-p.Context().Done():
	}
}
