package bots

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/world"
)

// probePatience is for how long a bot waits for the effect of an input.
const probePatience = 2 * time.Second

// bot is one headless player. It plays where its session receives; the run looks at what is shared.
type bot struct {
	run    *run
	number int
	stuck  chan error // holds one: why it can't play on

	// Touched by play only.
	chance *rand.Rand
	probe  probe
	think  uint64 // the tick from which on the brain is asked again

	session atomic.Pointer[client.Session] // nil until it has joined
	gone    atomic.Bool                    // it was disconnected before the end

	mu     sync.Mutex // guards what follows
	tick   uint64     // the newest received
	origin time.Time  // when tick 0 was, by the earliest arrival
	at     time.Time  // when the newest came
}

// probe is an input whose effect is waited for.
type probe struct {
	input []byte    // nil: none is under way
	sent  time.Time // when Send returned
	next  time.Time // when the next may begin
}

func newBot(r *run, n int) *bot {
	return &bot{run: r, number: n, stuck: make(chan error, 1), chance: rand.New(rand.NewPCG(r.cfg.Seed, uint64(n)))}
}

// live joins and plays until ctx ends. It says on joined when it is in, or will not be.
func (b *bot) live(ctx context.Context, joined chan<- struct{}) {
	turn := time.Duration(b.number) * time.Second / time.Duration(b.run.cfg.JoinsPerSecond)
	if !sleep(ctx, turn) {
		return
	}
	s, closeSocket, err := b.join(ctx)
	if err != nil {
		if ctx.Err() == nil {
			b.run.fail(err)
		}
		joined <- struct{}{}
		return
	}
	defer closeSocket()
	defer s.Close()
	b.session.Store(s)
	joined <- struct{}{}
	select {
	case <-ctx.Done():
		return
	case err = <-b.stuck:
	case <-s.Done():
		err = s.Err()
	}
	if ctx.Err() == nil {
		b.gone.Store(true)
		b.run.fail(fmt.Errorf("disconnected: %w", err))
	}
}

// join joins through the socket of all, or through an impaired one.
func (b *bot) join(ctx context.Context) (*client.Session, func(), error) {
	cfg, closeSocket := b.run.cfg.Client, func() {}
	cfg.PacketConn, cfg.Socket = nil, b.run.socket
	cfg.NoPrediction = true // nobody looks
	cfg.OnTick = b.play
	if tokenOf := b.run.cfg.TokenOf; tokenOf != nil {
		cfg.FetchToken = func(context.Context) ([]byte, error) { return tokenOf(b.number) }
	}
	if b.run.cfg.Rooms > 0 {
		cfg.Room = fmt.Sprintf("bots-%d", b.number%b.run.cfg.Rooms+1)
	}
	impairment := b.run.cfg.Impairment
	impairment.Seed += uint64(b.number)
	impairment.Delay += impairment.Spread * time.Duration(b.number) / time.Duration(max(b.run.cfg.Clients-1, 1))
	if impairment.Report() != (ImpairmentReport{}) {
		socket, err := net.ListenUDP("udp", nil)
		if err != nil {
			return nil, nil, fmt.Errorf("open a socket: %w", err)
		}
		impaired := Impair(socket, impairment)
		cfg.PacketConn, cfg.Socket, closeSocket = impaired, nil, func() { impaired.Close() }
	}
	s, err := client.Open(ctx, b.run.game, cfg)
	if err != nil {
		closeSocket()
		return nil, nil, err
	}
	return s, closeSocket, nil
}

// play is each new tick, where it was received: a goroutine to be woken for each would cost as much again. It looks at the
// rows only when it thinks, and while it waits for an effect.
func (b *bot) play(s *client.Session, tick uint64) {
	period := s.TickPeriod()
	b.saw(tick, time.Now(), period)
	me := s.Player() // another one when the session has joined anew
	if tick < b.think {
		if b.probe.input != nil {
			s.Look(func(view *world.View) { b.waits(view, me, time.Now()) })
		}
		return
	}
	if err := b.ask(s, me); err != nil {
		select {
		case b.stuck <- err:
		default: // live knows already
		}
		return
	}
	every := uint64(max(1, time.Second/time.Duration(b.run.cfg.ThinksPerSecond)/period))
	if b.think == 0 {
		b.think = tick + uint64(b.number)%every // not all in the same tick
	}
	b.think += every
	s.Hold(b.think)
	s.Events() // nobody looks at them
	s.Messages()
	s.Chat()
}

// ask has the brain decide what to ask for.
func (b *bot) ask(s *client.Session, me world.Player) (err error) {
	var input []byte
	s.Look(func(view *world.View) { input, err = b.decide(view, me) })
	if err != nil {
		return err
	}
	if err = s.SendBytes(input); err == nil && b.probe.input != nil && b.probe.sent.IsZero() {
		b.probe.sent = time.Now()
	}
	return err
}

// saw notes a new tick.
func (b *bot) saw(tick uint64, now time.Time, period time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.at.IsZero() && b.run.measuring.on() {
		b.run.interval.AddDuration(now.Sub(b.at))
	}
	b.tick, b.at = tick, now
	if origin := now.Add(-time.Duration(tick) * period); b.origin.IsZero() || origin.Before(b.origin) {
		b.origin = origin
	}
}

// age is by how many ticks what the bot knows is behind the server, by the earliest arrival of any tick.
func (b *bot) age(now time.Time, period time.Duration) (ticks int64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.origin.IsZero() {
		return 0, false
	}
	return max(int64(now.Sub(b.origin)/period)-int64(b.tick), 0), true
}

// decide takes the next input from the brain. While the effect of one is waited for, that one stays.
func (b *bot) decide(view *world.View, me world.Player) ([]byte, error) {
	now := time.Now()
	if b.waits(view, me, now) {
		return b.probe.input, nil
	}
	input, err := b.run.brain(view, me, b.chance)
	if err != nil {
		return nil, err
	}
	if len(input) == 0 {
		return nil, errors.New("bots: the brain gave no input: it must return one as AppendInput writes it")
	}
	if shown, ok := world.Shown(b.run.game, view, me, input); ok && !shown && now.After(b.probe.next) {
		b.probe = probe{input: bytes.Clone(input), next: now.Add(time.Second / time.Duration(b.run.cfg.ProbesPerSecond))}
	}
	return input, nil
}

// waits tells whether the effect of an input is still waited for, and measures it once it shows.
func (b *bot) waits(view *world.View, me world.Player, now time.Time) bool {
	if b.probe.input == nil {
		return false
	}
	shown, _ := world.Shown(b.run.game, view, me, b.probe.input)
	if took := now.Sub(b.probe.sent); shown || took > probePatience {
		if b.run.measuring.on() {
			b.run.latency.AddDuration(took)
		}
		b.probe.input = nil
		return false
	}
	return true
}
