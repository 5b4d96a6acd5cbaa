package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// TestFewTicksGoWithoutTheirInput: at a round trip of 100 ± 20 ms and with 2 % of the packets lost, each way.
func TestFewTicksGoWithoutTheirInput(t *testing.T) {
	plainOnly(t)
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := weather{delay: 40 * time.Millisecond, jitter: 20 * time.Millisecond, lossPerMille: 20}
			simulate(t, seed, w, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
				s.join()
				s.wander(15 * time.Second)
				before, tick := s.server.Stats(), s.server.Tick()
				s.wander(2 * time.Minute)
				after, ticks := s.server.Stats(), s.server.Tick()-tick
				made := after.Repeated + after.Neutral - before.Repeated - before.Neutral
				st := s.clients[0].Stats()
				t.Logf("of %d ticks %d went without their input; lead %d, margin %d, late %d, missing %d, %d bytes each", ticks, made, st.Lead, st.Margin, st.LateInputs, st.MissingInputs, st.InputBytes/st.Sent)
				if made*200 >= ticks {
					t.Errorf("of %d ticks %d went without their input, want less than one in 200", ticks, made)
				}
			})
		})
	}
}

// TestWhoSendsMoreMovesNoFaster: one client sends ten datagrams of inputs a tick, for ticks that are over, to come, and far
// ahead; another plays as it should. Both fly to the same side.
func TestWhoSendsMoreMovesNoFaster(t *testing.T) {
	simulate(t, 31, weather{delay: 10 * time.Millisecond}, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		honest := s.join()
		greedy := s.dial(s.sockets[1])
		welcome := greedy.hello(s.game)
		fast, err := s.game.AppendInput(nil, stride{DX: 2})
		if err != nil {
			t.Fatal(err)
		}
		const ticks = 60
		where := func(p world.Player) (x float32) {
			for _, u := range s.game.Units.Owned(s.server.View(), p) {
				x = u.X
			}
			return x
		}
		run := func(from, to uint64) {
			for tick := from; tick < to; tick++ {
				honest.Send(stride{DX: 2})
				for n := range uint64(10) {
					in := protocol.Input{Epoch: welcome.Epoch, Tick: tick + []uint64{1, 2, 3, 4, 5, 8, 20, 60, 200, 0}[n] - 5*(n/9), Count: protocol.InputsPerDatagram}
					for i := range in.Count {
						in.Inputs[i] = fast
					}
					greedy.SendDatagram(protocol.AppendInput(nil, &in))
				}
				s.pass(time.Second / 30)
			}
		}
		start := s.server.Tick()
		run(start, start+30) // until both are under way
		from, tick := [2]float32{where(honest.Player()), where(world.Player(welcome.Player))}, s.server.Tick()
		run(tick, tick+ticks)
		went := [2]float32{where(honest.Player()) - from[0], where(world.Player(welcome.Player)) - from[1]}
		if made := s.server.Tick() - tick; went[0] != went[1] || went[0] <= 0 || made != ticks {
			t.Errorf("in %d ticks the honest one went %v, the greedy one %v", made, went[0], went[1])
		}
		for _, st := range s.server.Sessions() {
			in := st.Inputs
			switch {
			case st.Player == honest.Player() && in.Late+in.Early+in.Surplus != 0:
				t.Errorf("of the honest one's inputs %+v are counted", in)
			case st.Player != honest.Player() && (in.Late < ticks || in.Early < ticks || in.Surplus == 0):
				t.Errorf("of the greedy one's inputs %+v are counted, want one late and one early a tick, and a surplus", in)
			}
		}
	})
}
