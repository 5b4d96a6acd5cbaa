package pong_test

import (
	"math"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/examples/pong"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// match is a game of pong without a network.
type match struct {
	*pong.Pong
	t     *testing.T
	world *world.World
	view  *world.View
}

func newMatch(t *testing.T, seed uint64, players ...world.Player) *match {
	t.Helper()
	t.Logf("seed %d", seed)
	g := pong.New()
	w, err := world.New(g, world.Config{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	m := &match{Pong: g, t: t, world: w}
	for _, p := range players {
		m.step(world.Commands{Joins: []world.Join{{Player: p}}})
	}
	return m
}

func (m *match) step(c world.Commands) world.ChangeSet {
	m.t.Helper()
	changes, view, err := m.world.Step(c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.view = view
	return changes
}

// steer is the commands of a tick in which some players steer.
func (m *match) steer(steers map[world.Player]int8) (c world.Commands) {
	m.t.Helper()
	for p, dy := range steers {
		c.Inputs = append(c.Inputs, world.Input{Player: p, Data: m.input(dy)})
	}
	return c
}

func (m *match) input(dy int8) []byte {
	m.t.Helper()
	data, err := m.AppendInput(nil, pong.Steer{DY: dy})
	if err != nil {
		m.t.Fatal(err)
	}
	return data
}

func (m *match) paddle(r world.Reader, p world.Player) pong.Paddle {
	m.t.Helper()
	for _, paddle := range m.Paddles.Owned(r, p) {
		return paddle
	}
	m.t.Fatalf("player %d has no paddle", p)
	return pong.Paddle{}
}

// follow steers a player's paddle towards the ball.
func (m *match) follow(p world.Player) int8 {
	ball, _ := m.Ball.Get(m.view)
	switch off := ball.Y - m.paddle(m.view, p).Y; {
	case off > 2:
		return 1
	case off < -2:
		return -1
	}
	return 0
}

func TestWhoeverFollowsTheBallWins(t *testing.T) {
	m := newMatch(t, 1, 1, 2)
	var score pong.Score
	for score.Left < 3 && score.Right < 3 {
		if m.view.Tick > 20_000 {
			t.Fatalf("after %d ticks the score is %+v", m.view.Tick, score)
		}
		m.step(m.steer(map[world.Player]int8{1: m.follow(1)}))
		score, _ = m.Score.Get(m.view)
		if ball, _ := m.Ball.Get(m.view); ball.X < -10 || ball.X > pong.Width+10 || ball.Y < 0 || ball.Y > pong.Height {
			t.Fatalf("tick %d: the ball is at %v, %v", m.view.Tick, ball.X, ball.Y)
		}
	}
	if !m.paddle(m.view, 1).Left || score.Left != 3 || score.Hits == 0 {
		t.Errorf("the score is %+v, want three points and some hits for the one on the left, who followed the ball", score)
	}
}

func TestTwoSitOppositeEachOtherAndNoThird(t *testing.T) {
	m := newMatch(t, 2, 1, 2)
	if m.paddle(m.view, 1).Left == m.paddle(m.view, 2).Left {
		t.Error("both have the same side")
	}
	changes := m.step(world.Commands{Joins: []world.Join{{Player: 3}}})
	if len(changes.Refused) != 1 || !strings.Contains(changes.Refused[0].Reason, "two are playing") {
		t.Errorf("the third was refused with %v", changes.Refused)
	}
	left := m.paddle(m.view, 1).Left
	m.step(world.Commands{Leaves: []world.Leave{{Player: 1}}})
	m.step(world.Commands{})
	if ball, _ := m.Ball.Get(m.view); m.Paddles.Len(m.view) != 1 || ball.VX != 0 || ball.X != pong.Width/2 {
		t.Errorf("with one player left there are %d paddles and the ball is %+v; want one, and the ball at rest", m.Paddles.Len(m.view), ball)
	}
	m.step(world.Commands{Joins: []world.Join{{Player: 4}}})
	if m.paddle(m.view, 4).Left != left {
		t.Error("the next one did not get the free side")
	}
}

func TestThePaddleStaysInTheCourt(t *testing.T) {
	m := newMatch(t, 3, 1, 2)
	for range 100 {
		m.step(m.steer(map[world.Player]int8{1: -1, 2: 1}))
	}
	if up, down := m.paddle(m.view, 1).Y, m.paddle(m.view, 2).Y; up != pong.Reach || down != pong.Height-pong.Reach {
		t.Errorf("the paddles stand at %v and %v, want %v and %v", up, down, pong.Reach, pong.Height-pong.Reach)
	}
}

// put gives a replica all rows of a view, as the server would send them.
func put(rep *world.Replica, v *world.View, me world.Player) {
	seat, _ := v.Seat(me)
	for table := range v.Tables() {
		for n, p := range v.Pages(table) {
			for row := range 64 {
				if p.Used()>>row&1 != 0 {
					id := schema.MakeID(uint32(n*64+row), p.Generation(row))
					rep.Put(table, id, p.Class(row, me, seat.Team), p.Words(row), p.Texts(row))
				}
			}
		}
	}
}

func TestAPredictedPaddleIsTheServers(t *testing.T) {
	const me = 2
	m := newMatch(t, 4, 1, me)
	rep, err := world.NewReplica(m, me, 0)
	if err != nil {
		t.Fatal(err)
	}
	put(rep, m.view, me)
	other := m.paddle(m.view, 1)
	for n := range 60 {
		dy := int8(n/7%3) - 1
		m.step(m.steer(map[world.Player]int8{1: 1, me: dy}))
		if err := rep.Predict(m.view.Tick, m.input(dy)); err != nil {
			t.Fatal(err)
		}
		predicted := rep.View(m.view.Tick)
		if got, want := m.paddle(predicted, me), m.paddle(m.view, me); got != want {
			t.Fatalf("after %d ticks the paddle is predicted at %+v, the server has %+v", n+1, got, want)
		}
		for id, p := range m.Paddles.All(predicted) {
			if m.Paddles.OwnerOf(predicted, id) != me && p != other {
				t.Fatalf("the prediction moved the other's paddle to %+v", p)
			}
		}
	}
}

func TestAPredictionGoesOnFromWhatTheServerSaid(t *testing.T) {
	const me = 1
	m := newMatch(t, 5, me, 2)
	rep, err := world.NewReplica(m, me, 0)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 30 {
		put(rep, m.view, me) // the rows as they travel, which drops the former predictions
		var ahead []int8
		for i := range 4 {
			dy := int8((n+i)%3) - 1
			ahead = append(ahead, dy)
			if err := rep.Predict(m.view.Tick+1+uint64(i), m.input(dy)); err != nil {
				t.Fatal(err)
			}
		}
		got := m.paddle(rep.View(m.view.Tick), me)
		for _, dy := range ahead {
			m.step(m.steer(map[world.Player]int8{me: dy}))
		}
		// The own step is a sixteenth of 0.1; half of it is what travelling costs.
		if want := m.paddle(m.view, me); math.Abs(float64(got.Y-want.Y)) > 0.1/32+1e-4 || got.Left != want.Left {
			t.Fatalf("four ticks ahead the paddle is predicted at %+v, the server has %+v", got, want)
		}
	}
}

func TestSameSeedSameMatch(t *testing.T) {
	var hashes [2]uint64
	for i := range hashes {
		m := newMatch(t, 6, 1, 2)
		for range 500 {
			m.step(m.steer(map[world.Player]int8{1: m.follow(1), 2: m.follow(2)}))
		}
		hashes[i] = m.view.Hash()
	}
	if hashes[0] != hashes[1] {
		t.Errorf("two matches of the same seed end as %x and %x", hashes[0], hashes[1])
	}
}

func TestPaddlesArePredictedAsTheServerHasThem(t *testing.T) {
	for seed := range uint64(5) {
		if out, err := world.Rehearse(pong.New(), world.Rehearsal{Seed: seed}); err != nil || out.Drift != nil || out.Rows == 0 {
			t.Errorf("seed %d: %v, %d rows, %+v", seed, err, out.Rows, out.Drift)
		}
	}
}
