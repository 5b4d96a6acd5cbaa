package server_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// player shoots with a real client at what that draws, 60 frames a second.
type player struct {
	*client.Client[trigger]
	t      *testing.T
	game   *shootingRange
	chance *rand.Rand
	hits   map[uint16]aimed
}

// shoot fires at something that is drawn now.
func (p *player) shoot(shot uint16) {
	in := trigger{Shot: shot}
	p.Draw(func(v *world.View) {
		var all []target
		for _, t := range p.game.Targets.Near(v, world.Pos{X: rangeSide / 2, Y: rangeSide / 2}, rangeSight) {
			all = append(all, t)
		}
		if len(all) == 0 {
			return
		}
		in.Aim = aimBeside(p.chance, all[p.chance.IntN(len(all))])
		var best aimed
		for id, t := range p.game.Targets.All(v) {
			best.consider(in.Aim, id, t)
		}
		p.hits[shot] = best
	})
	if err := p.Send(in); err != nil {
		p.t.Error(err)
	}
}

// play draws frames, and shoots now and then.
func (p *player) play(d time.Duration) {
	const frame = time.Second / 60
	for n := range int(d / frame) {
		time.Sleep(frame)
		p.Draw(func(*world.View) {})
		if n > 180 && n%9 == 0 {
			p.shoot(uint16(n / 9))
		}
	}
}

// clientsShootOut is shootOut with real clients.
func clientsShootOut(t *testing.T, seed uint64, g *shootingRange, cfg server.Config, w weather) (a agreement, st server.Stats) {
	cfg.Games, cfg.TickRate = []world.Game{g}, hitsRate
	calm := w
	calm.lossPerMille = 0
	simulate(t, seed, calm, cfg, func(s *simulation) {
		all := make([]*player, 3)
		for i := range all {
			cfg := s.config()
			cfg.PacketConn, cfg.Interpolate = s.sockets[i], true
			c, err := client.Join(s.t.Context(), g, cfg)
			if err != nil {
				s.t.Fatal(err)
			}
			defer c.Close()
			all[i] = &player{Client: c, t: s.t, game: g, chance: rand.New(rand.NewPCG(seed, uint64(i))), hits: map[uint16]aimed{}}
		}
		s.net.weather.Store(&w)
		var work sync.WaitGroup
		for _, p := range all {
			work.Go(func() { p.play(70 * time.Second) })
		}
		work.Wait()
		time.Sleep(time.Second)
		for _, p := range all {
			g.compare(p.Player(), p.hits, &a)
		}
		st = s.server.Stats()
		s.t.Logf("the delay of the first is %v", all[0].Stats().Delay)
	})
	return a, st
}

// TestWhatHitsOnAClientsScreenHits is the hit agreement of the Go SDK. Positions that travel as they are come every fourth
// tick from far away, so that others are shown 200 ms late, and more is to be compensated than by default.
func TestWhatHitsOnAClientsScreenHits(t *testing.T) {
	plainOnly(t)
	lossy := weather{delay: 75 * time.Millisecond, lossPerMille: 20}
	jittery := weather{delay: 65 * time.Millisecond, jitter: 20 * time.Millisecond, lossPerMille: 20}
	for _, c := range []struct {
		name    string
		options []world.TableOption
		weather weather
		bound   time.Duration
	}{
		{"dead-reckoned", nil, lossy, 0},
		{"plain", []world.TableOption{world.Exact()}, lossy, 600 * time.Millisecond},
		{"dead-reckoned, jitter", nil, jittery, 0},
		{"plain, jitter", []world.TableOption{world.Exact()}, jittery, 600 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			const seed = 11
			on, st := clientsShootOut(t, seed, newShootingRange(c.options...), server.Config{LagCompensation: c.bound}, c.weather)
			t.Logf("compensated: %v; asked %d, unknown %d, refused %d, clamped %d", on, st.Sights, st.SightsUnknown, st.SightsRefused, st.SightsClamped)
			off, _ := clientsShootOut(t, seed, newShootingRange(c.options...), server.Config{LagCompensation: -1}, c.weather)
			judge(t, on, off)
		})
	}
}
