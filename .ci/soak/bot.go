package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/clients/replica"
)

// joinTimeout bounds a join, and what else a bot waits for.
const joinTimeout = 10 * time.Second

// bot lives on the server: it is in for a stint, does what chance says meanwhile, goes in one of several ways, and comes
// again. Its chances follow from the run's seed and its number; when they meet what is up to the network.
type bot struct {
	run     *soaking
	number  int
	address int // which of this machine's it comes from
	chance  *rand.Rand
	whims   *rand.Rand // of how it plays, where its session receives
}

// seat is where a bot wants to be: a public room by its name, a private one that it makes, or another's by its code.
type seat struct {
	room    string
	private bool
	code    string
}

// ticket is what it takes to come back after a connection that is gone. Without rows the server tells everything anew.
type ticket struct {
	token   []byte
	replica *replica.Replica // of who plays by bytes
}

func newBot(run *soaking, n int) *bot {
	return &bot{
		run: run, number: n, address: n % addresses,
		chance: rand.New(rand.NewPCG(run.Seed, uint64(n))), whims: rand.New(rand.NewPCG(run.Seed, uint64(n)|1<<32)),
	}
}

// live lives until ctx ends, and then leaves properly.
func (b *bot) live(ctx context.Context) {
	pause(ctx, b.upTo(b.run.Stint)) // not all at once
	for ctx.Err() == nil {
		if b.chance.IntN(20) == 0 {
			b.list(ctx)
		}
		if p, err := b.open(ctx, b.choose(), ticket{}); b.came(ctx, err) {
			b.run.ledger.add(joins, 1)
			b.stint(ctx, p)
		}
		pause(ctx, b.upTo(b.run.Stint/4))
	}
}

// open comes in by the bot's kind of door: half of them are native.
func (b *bot) open(ctx context.Context, s seat, t ticket) (player, error) {
	if len(t.token) == 0 {
		b.run.ledger.add(joinsTried, 1)
	}
	if b.number/2%2 == 0 {
		return b.openNative(ctx, s, t)
	}
	return b.openWire(ctx, s, t)
}

func (b *bot) choose() seat {
	switch n := b.chance.IntN(20); {
	case n == 0:
		return seat{private: true}
	case n < 3:
		return seat{code: b.run.code(b.chance)}
	case n < 5:
		return seat{} // the fullest that has a place
	}
	return seat{room: fmt.Sprintf("soak-%d", b.chance.IntN(b.run.rooms())+1)}
}

// came counts why a join, or a resume, did not work.
func (b *bot) came(ctx context.Context, err error) bool {
	l := &b.run.ledger
	switch {
	case err == nil:
		return true
	case ctx.Err() != nil:
		l.add(joinEnded, 1) // it may be in all the same
	case errors.Is(err, client.ErrFull):
		l.add(joinFull, 1)
	case errors.Is(err, client.ErrExpired):
		l.add(resumeLate, 1)
	case errors.Is(err, client.ErrRefused), errors.Is(err, client.ErrRoomClosed), errors.Is(err, client.ErrKicked):
		l.add(joinBanned, 1)
	case errors.Is(err, client.ErrUnreachable):
		l.add(joinFailed, 1)
		l.note(fmt.Sprintf("bot %d can't come in: %v", b.number, err))
	default:
		b.surprise("can't come in", err)
	}
	return false
}

func (b *bot) surprise(what string, err error) {
	b.run.ledger.add(surprises, 1)
	b.run.ledger.note(fmt.Sprintf("bot %d %s: %v", b.number, what, err))
}

// stint is a while in the game, and its end.
func (b *bot) stint(ctx context.Context, p player) {
	if p.room() != "" && !strings.Contains(p.room(), "-") { // a code
		b.run.ledger.add(privates, 1)
		b.run.offer(p.room())
	}
	end := time.NewTimer(b.run.Stint/2 + b.upTo(b.run.Stint))
	defer end.Stop()
	for {
		next := time.NewTimer(b.upTo(b.run.Stint / 4))
		select {
		case <-ctx.Done():
			next.Stop()
			b.goAway(p, true)
			return
		case <-p.ended():
			next.Stop()
			b.sentAway(p)
			return
		case <-end.C:
			next.Stop()
			b.goAway(p, false)
			return
		case <-next.C:
		}
		if p = b.act(ctx, p); p == nil {
			return
		}
	}
}

// sentAway counts why the bot is out, though it did not leave.
func (b *bot) sentAway(p player) {
	err := p.why()
	p.leave(false) // frees what it has
	p.tally()
	switch {
	case errors.Is(err, client.ErrKicked), errors.Is(err, client.ErrRoomClosed), errors.Is(err, client.ErrRefused), errors.Is(err, client.ErrFull):
		b.run.ledger.add(kicks, 1)
	case errors.Is(err, client.ErrUnreachable), errors.Is(err, client.ErrExpired):
		b.run.ledger.add(lost, 1)
	default:
		b.surprise("is out", err)
	}
}

// goAway leaves, the proper way or as chance says.
func (b *bot) goAway(p player, proper bool) {
	way := b.chance.IntN(4)
	switch {
	case proper || way < 2:
		b.run.ledger.add(leaves, 1)
		p.leave(false)
	case way == 2:
		b.run.ledger.add(rudes, 1)
		p.leave(true)
	default:
		b.run.ledger.add(drops, 1)
		p.drop()
	}
	p.tally()
}

// act does one of what players do; it returns who has the session then, nil when it is over.
func (b *bot) act(ctx context.Context, p player) player {
	l := &b.run.ledger
	switch b.chance.IntN(10) {
	case 0, 1:
		l.add(said, 1)
		if p.say(fmt.Sprintf("bot %d was here", b.number)) != nil {
			l.add(said, -1) // it is out, which is seen next
		}
	case 2, 3:
		b.ask(ctx, p)
	case 4:
		l.add(stalls, 1)
		p.stall(ctx, b.upTo(b.run.Stint/4))
	case 5:
		l.add(slows, 1)
		p.slow(b.upTo(b.run.Stint / 4))
	case 6:
		return b.move(ctx, p)
	case 7:
		return b.comeBack(ctx, p)
	}
	return p
}

func (b *bot) ask(ctx context.Context, p player) {
	timed, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	b.run.ledger.add(asked, 1)
	if p.ask(timed, fmt.Sprintf("bot %d", b.number)) == nil {
		b.run.ledger.add(answered, 1)
	}
}

func (b *bot) move(ctx context.Context, p player) player {
	next, err := p.move(ctx)
	if err == nil {
		b.run.ledger.add(moves, 1)
		return next
	}
	if next == nil {
		p.tally()
		b.came(ctx, err)
	}
	return next // one that can't move is where it was, or out, which is seen next
}

// comeBack drops the connection, and comes back by its token: with the rows, where it plays by bytes and chance says so.
func (b *bot) comeBack(ctx context.Context, p player) player {
	b.run.ledger.add(drops, 1)
	t := p.drop()
	p.tally()
	pause(ctx, b.upTo(b.run.Idle+b.run.Hold/2))
	if b.chance.IntN(2) == 0 {
		t.replica = nil
	}
	if len(t.token) == 0 {
		return nil
	}
	next, err := b.open(ctx, seat{}, t)
	if !b.came(ctx, err) {
		return nil
	}
	if _, plays := next.(*wire); plays {
		b.run.ledger.add(resumes, 1) // the others' clients count themselves
	}
	return next
}

func (b *bot) list(ctx context.Context) {
	cfg := client.Config{Addr: b.run.server.addr, Pins: [][32]byte{b.run.server.pin}, Timeout: joinTimeout}
	if _, err := client.List(ctx, "", cfg); err == nil {
		b.run.ledger.add(lists, 1)
	}
}

// pause lets a time pass, or less when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// upTo draws a time.
func (b *bot) upTo(most time.Duration) time.Duration {
	return time.Duration(b.chance.Int64N(int64(most) + 1))
}
