package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/world"
)

// player is a way to be in the game. One goroutine has it.
type player interface {
	// ended is closed when it is out, and why tells the reason then.
	ended() <-chan struct{}
	why() error
	// room is what others join its room by.
	room() string
	say(text string) error
	// ask asks the game for a name; the game may refuse.
	ask(ctx context.Context, name string) error
	// stall has nothing come and go for a time, slow has it read nothing.
	stall(ctx context.Context, d time.Duration)
	slow(d time.Duration)
	// move goes on from another port, or by another door. It returns who has the session then: nil when nobody has.
	move(ctx context.Context) (player, error)
	// drop ends the connection without a word, and returns what it takes to come back.
	drop() ticket
	// leave ends it, properly or not.
	leave(rude bool)
	// tally puts down what it has counted, once it is out.
	tally()
}

// native plays over QUIC by the Go SDK, as the game's own bot does.
type native struct {
	run     *soaking
	session *client.Session
	lines   []*line // the latest is the one in use
	bot     *bot

	// Touched where the session receives.
	think uint64 // the tick from which on the brain is asked again

	slowUntil atomic.Int64 // nanoseconds since the run began; the bot stores
}

// thinkTicks is how often a bot decides.
const thinkTicks = 10

// openNative joins, or goes on with the session of a ticket.
func (b *bot) openNative(ctx context.Context, s seat, t ticket) (player, error) {
	l, err := openLine(b.address)
	if err != nil {
		return nil, err
	}
	n := &native{run: b.run, bot: b, lines: []*line{l}}
	cfg := client.Config{
		Addr: b.run.server.addr, Pins: [][32]byte{b.run.server.pin}, PacketConn: l, NoPrediction: b.number%4 != 0, Interpolate: b.number%4 == 0,
		Room: s.room, Private: s.private, Code: s.code, Resume: t.token, OnlyResume: len(t.token) > 0, OnTick: n.play, Timeout: joinTimeout,
	}
	if b.number%2 == 0 { // of the others the connection itself migrates, and is not looked for when it is lost
		cfg.Reconnect = time.Minute
	}
	if n.session, err = client.Open(ctx, b.run.game, cfg); err != nil {
		l.Close()
		return nil, err
	}
	return n, nil
}

// play is each new tick.
func (n *native) play(s *client.Session, tick uint64) {
	if late := time.Duration(n.slowUntil.Load()) - time.Since(n.run.began); late > 0 {
		timer := time.NewTimer(late)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.Done():
			return
		}
	}
	if tick < n.think {
		return
	}
	n.think = tick + thinkTicks
	var input []byte
	me := s.Player()
	s.Look(func(view *world.View) { input, _, _ = world.BotInput(n.run.game, view, me, n.bot.whims) })
	if s.SendBytes(input) == nil {
		s.Hold(n.think)
	}
	s.Events() // nobody looks at them
	s.Messages()
	s.Chat()
}

func (n *native) ended() <-chan struct{} { return n.session.Done() }
func (n *native) why() error             { return n.session.Err() }
func (n *native) room() string           { return n.session.Room() }
func (n *native) say(text string) error  { return n.session.Say(text) }

func (n *native) ask(ctx context.Context, name string) error {
	_, err := client.Ask(ctx, n.session, n.run.game.Rename, arena.Rename{Name: name})
	if errors.Is(err, client.ErrDenied) {
		return nil
	}
	return err
}

func (n *native) stall(ctx context.Context, d time.Duration) {
	l := n.lines[len(n.lines)-1]
	l.cut(true)
	pause(ctx, d)
	l.cut(false)
}

func (n *native) slow(d time.Duration) { n.slowUntil.Store(int64(time.Since(n.run.began) + d)) }

func (n *native) move(ctx context.Context) (player, error) {
	if len(n.lines) == movesMost {
		return n, nil
	}
	l, err := openLine(n.bot.address)
	if err != nil {
		return n, err
	}
	n.lines = append(n.lines, l)
	timed, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	return n, n.session.Migrate(timed, l)
}

// movesMost bounds the sockets of a session: a connection can migrate twice (client.Session.Migrate).
const movesMost = 3

func (n *native) drop() ticket {
	for _, l := range n.lines {
		l.cut(true)
	}
	t := ticket{token: n.session.Token()}
	n.close()
	return t
}

func (n *native) leave(rude bool) {
	if rude {
		n.drop()
		return
	}
	n.close()
}

func (n *native) close() {
	n.session.Close()
	for _, l := range n.lines {
		l.Close()
	}
}

func (n *native) tally() {
	l := &n.run.ledger
	st := n.session.Stats()
	if n.session.Resumed() {
		l.add(resumes, 1)
	}
	l.add(resumes, int64(st.Resumes))
	l.add(joins, int64(st.Rejoins))
	l.add(received, int64(st.Replica.Datagrams))
	l.add(mismatches, int64(st.Checks.Diverged))
	l.add(orphans, int64(st.Replica.Orphans))
	l.add(unreadable, int64(st.Rejected))
}
