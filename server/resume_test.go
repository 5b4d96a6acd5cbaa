package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// reconnecting is how a player connects that comes back.
func (s *simulation) reconnecting() client.Config {
	cfg := s.config()
	cfg.Reconnect = time.Minute
	return cfg
}

// TestAnOutageOfThreeSeconds in the middle of play: the same player, the same rows, and it is over as soon as the network
// is back.
func TestAnOutageOfThreeSeconds(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			simulate(t, seed, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
				lost := s.joinAs(s.reconnecting())
				s.join()
				s.wander(3 * time.Second)
				player := lost.Player()
				before := lost.Stats()
				s.net.setDark(s.sockets[0].LocalAddr(), true)
				s.pass(3*time.Second + time.Duration(seed)*10*time.Millisecond)
				tick := lost.Tick()
				s.net.setDark(s.sockets[0].LocalAddr(), false)
				back := time.Now()
				if _, err := lost.NextTick(s.t.Context(), tick); err != nil {
					t.Fatal(err)
				}
				t.Logf("back after %v: %+v", time.Since(back), lost.Stats())
				_ = before
				s.wander(2 * time.Second)
				if lost.Player() != player {
					t.Errorf("player %d is %d afterwards", player, lost.Player())
				}
				s.rest()
				s.pass(2 * time.Second)
				s.wantSame()
			})
		})
	}
}
