package server_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// ageOver plays for a minute at 100 ms round trip with 5 % loss, and returns how old the state of a client was, as half and
// as 99 % of the looks found it.
func ageOver(t *testing.T, seed uint64, stream bool) (p50, p99 time.Duration) {
	t.Helper()
	lossy := weather{delay: 50 * time.Millisecond, lossPerMille: 50}
	simulate(t, seed, lossy, server.Config{Games: []world.Game{newArena()}, OverStream: stream}, func(s *simulation) {
		cfg := s.config()
		if cfg.OverStream = !stream; stream {
			if _, err := client.Join(s.t.Context(), s.game, cfg); !errors.Is(err, client.ErrVersion) {
				t.Errorf("a client with other transport was answered with %v, want ErrVersion", err)
			}
		}
		cfg.OverStream = stream
		c := s.joinAs(cfg)
		s.wander(3 * time.Second)
		var ages []time.Duration
		for n := range 6000 {
			if n%20 == 0 {
				c.Send(stride{DX: int8(n/20%5) - 2, DY: int8(n/20%3) - 1})
			}
			time.Sleep(10 * time.Millisecond)
			made := s.started.Add(time.Duration(c.Tick()) * time.Second / 30)
			ages = append(ages, time.Since(made))
		}
		slices.Sort(ages)
		p50, p99 = ages[len(ages)/2], ages[len(ages)*99/100]
		t.Logf("over a stream: %v; state is %v old at half of the looks, %v at the 99th percentile; %d packets were lost", stream, p50, p99, s.net.dropped.Load())
		s.net.weather.Store(&calm)
		s.rest()
		s.pass(3 * time.Second)
		s.wantSame()
	})
	return p50, p99
}

func TestStateOverDatagramsIsYoungerThanOverAStream(t *testing.T) {
	plainOnly(t)
	for seed := range uint64(2) {
		_, datagrams := ageOver(t, 60+seed, false)
		_, stream := ageOver(t, 60+seed, true)
		if stream < 2*datagrams {
			t.Errorf("seed %d: the 99th percentile of the age is %v over datagrams and %v over a stream: that is not twice as much", seed, datagrams, stream)
		}
	}
}
