package arena_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/world"
)

// match is a game of arena without a network.
type match struct {
	*arena.Arena
	t      testing.TB
	world  *world.World
	view   *world.View
	chance *rand.Rand
}

func newMatch(t testing.TB, g *arena.Arena, seed uint64, players ...world.Player) *match {
	t.Helper()
	t.Logf("seed %d", seed)
	w, err := world.New(g, world.Config{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	m := &match{Arena: g, t: t, world: w, chance: rand.New(rand.NewPCG(seed, 0))}
	var c world.Commands
	for _, p := range players {
		c.Joins = append(c.Joins, world.Join{Player: p})
	}
	m.step(c)
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

// steer makes a tick in which some players steer.
func (m *match) steer(steers map[world.Player]arena.Steer) world.ChangeSet {
	m.t.Helper()
	var c world.Commands
	for p, in := range steers {
		c.Inputs = append(c.Inputs, world.Input{Player: p, Data: m.input(in)})
	}
	return m.step(c)
}

func (m *match) input(in arena.Steer) []byte {
	m.t.Helper()
	data, err := m.AppendInput(nil, in)
	if err != nil {
		m.t.Fatal(err)
	}
	return data
}

// bots are the inputs of a tick in which every player is a bot.
func (m *match) bots() (c world.Commands) {
	m.t.Helper()
	for _, p := range m.view.Players() {
		data, ok, err := world.BotInput(m, m.view, p, m.chance)
		if err != nil || !ok {
			m.t.Fatalf("tick %d: the bot of player %d: %v, %v", m.view.Tick, p, ok, err)
		}
		c.Inputs = append(c.Inputs, world.Input{Player: p, Data: data})
	}
	return c
}

func (m *match) ship(r world.Reader, p world.Player) arena.Ship {
	m.t.Helper()
	for _, s := range m.Ships.Owned(r, p) {
		return s
	}
	m.t.Fatalf("player %d has no ship", p)
	return arena.Ship{}
}

// players are the numbers from 1 to n.
func players(n int) []world.Player {
	out := make([]world.Player, n)
	for i := range out {
		out[i] = world.Player(i + 1)
	}
	return out
}

func TestSameSeedSameGame(t *testing.T) {
	for _, game := range []struct {
		name string
		new  func() *arena.Arena
	}{
		{"arena", func() *arena.Arena { return arena.New(arena.Config{}) }},
		{"bench", func() *arena.Arena { return bench(20) }},
	} {
		t.Run(game.name, func(t *testing.T) {
			var hashes [2]uint64
			for i := range hashes {
				m := newMatch(t, game.new(), 1, players(20)...)
				for range 200 {
					m.step(m.bots())
				}
				hashes[i] = m.view.Hash()
			}
			if hashes[0] != hashes[1] {
				t.Errorf("two games of the same seed end as %x and %x", hashes[0], hashes[1])
			}
		})
	}
}

func TestShipsStayInTheWorldAndUnderTheSpeedLimit(t *testing.T) {
	for _, rate := range []int{1, 30, 240} {
		const side = 700
		m := newMatch(t, arena.New(arena.Config{TickRate: rate, Drones: 10, Side: side}), uint64(rate), players(6)...)
		inside := func(x, y float32) bool { return x >= 0 && x <= side && y >= 0 && y <= side }
		fastest := 0.0
		for range 2000 {
			m.step(m.bots())
			for id, s := range m.Ships.All(m.view) {
				speed := math.Hypot(float64(s.VX), float64(s.VY))
				fastest = max(fastest, speed)
				if !inside(s.X, s.Y) || speed > arena.MaxSpeed+1e-3 || s.Hull > arena.ShipHull || s.Hull == 0 && speed > 0 {
					t.Fatalf("%d Hz, tick %d: ship %v is %+v", rate, m.view.Tick, id, s)
				}
			}
			for id, d := range m.Drones.All(m.view) {
				if !inside(d.X, d.Y) || d.Hull == 0 || d.Hull > arena.DroneHull {
					t.Fatalf("%d Hz, tick %d: drone %v is %+v", rate, m.view.Tick, id, d)
				}
			}
		}
		if n := m.Drones.Len(m.view); n != 10 || fastest < arena.MaxSpeed/2 {
			t.Errorf("%d Hz: %d drones, and the fastest ship flew %.1f units per second; want 10, and more than half of the limit", rate, n, fastest)
		}
	}
}

func TestTheGamePlaysTheSameAtAnyTickRate(t *testing.T) {
	const seconds = 1
	var went []float64
	for _, rate := range []int{20, 60, 240} {
		g := arena.New(arena.Config{Drones: -1})
		g.SetTickRate(rate)
		m := newMatch(t, g, 1, 1)
		from := m.ship(m.view, 1)
		aim := float32(0)
		if from.X > 1000 {
			aim = 180
		}
		for range rate * seconds {
			m.steer(map[world.Player]arena.Steer{1: {Aim: aim, Thrust: true}})
		}
		went = append(went, math.Abs(float64(m.ship(m.view, 1).X-from.X)))
	}
	if slices.Max(went)-slices.Min(went) > 15 || slices.Min(went) < 100 {
		t.Errorf("in a second at 20, 60 and 240 Hz a ship flew %.1f units, want about the same", went)
	}
}

func TestARestoredRoomPlaysByTheServersRules(t *testing.T) {
	before := newMatch(t, arena.New(arena.Config{TickRate: 30}), 7, 1)
	g := arena.New(arena.Config{TickRate: 60})
	w, err := world.Restore(g, before.world.Export(), world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	m := &match{Arena: g, t: t, world: w}
	m.step(world.Commands{})
	if rules, _ := m.Rules.Get(m.view); rules.TickRate != 60 {
		t.Errorf("a room of 30 Hz was restored at 60 Hz and has the rules %+v", rules)
	}
}

func TestAShipComesAndGoesWithItsPlayer(t *testing.T) {
	m := newMatch(t, arena.New(arena.Config{}), 2, 1, 2)
	s := m.ship(m.view, 2)
	if s.Name != "pilot 2" || s.Hull != arena.ShipHull || m.Drones.Len(m.view) != 60 {
		t.Errorf("at first there are %d drones and ship %+v", m.Drones.Len(m.view), s)
	}
	seat, _ := m.view.Seat(2)
	if want := (world.Pos{X: float64(s.X), Y: float64(s.Y)}); seat.Pos != want || seat.Radius != arena.Sight {
		t.Errorf("player 2 looks at %+v, its ship is at %v", seat, want)
	}
	if rules, ok := m.Rules.Get(m.view); !ok || rules != (arena.Rules{TickRate: 30, Side: 2000}) {
		t.Errorf("the rules are %+v", rules)
	}
	m.step(world.Commands{Leaves: []world.Leave{{Player: 1}}})
	if n := m.Ships.Len(m.view); n != 1 {
		t.Errorf("after one of two has left there are %d ships", n)
	}
}

func TestAShipShowsItsAimAfterOneTick(t *testing.T) {
	m := newMatch(t, arena.New(arena.Config{Side: 300}), 3, players(6)...)
	wrecks := 0
	for range 2000 {
		before := m.view
		c := m.bots()
		m.step(c)
		for _, in := range c.Inputs {
			if m.ship(m.view, in.Player).Hull == 0 {
				wrecks++
			}
			if shown, ok := world.Shown(m, m.view, in.Player, in.Data); !ok || !shown {
				t.Fatalf("tick %d: player %d's ship does not show its input: it aims to %v", m.view.Tick, in.Player, m.ship(m.view, in.Player).Aim)
			}
			aim := m.ship(before, in.Player).Aim + 180
			if shown, _ := world.Shown(m, before, in.Player, m.input(arena.Steer{Aim: aim})); shown {
				t.Fatalf("a ship that aims to %v shows %v", aim-180, aim)
			}
		}
	}
	if wrecks == 0 {
		t.Error("nobody was ever waiting to come back, who must show its aim, too")
	}
}

func TestBotsTurnAboutOnceASecondAndFightWell(t *testing.T) {
	m := newMatch(t, arena.New(arena.Config{}), 4, players(8)...)
	aims := make(map[world.Player][]float32)
	for range 30 * 60 {
		m.step(m.bots())
		for _, p := range m.view.Players() {
			aims[p] = append(aims[p], m.ship(m.view, p).Aim)
		}
	}
	score := 0
	for p, of := range aims {
		score += int(m.ship(m.view, p).Score)
		still := 0
		for i := 1; i < len(of); i++ {
			if still++; math.Abs(math.Remainder(float64(of[i]-of[i-1]), 360)) >= 3 {
				still = 0
			}
			if still > 45 {
				t.Fatalf("player %d's bot aimed to %v for %d ticks", p, of[i], still)
			}
		}
	}
	if slices.Equal(aims[1], aims[2]) {
		t.Error("two bots do the same")
	}
	if perMinute := float64(score) / float64(len(aims)); perMinute < 10 {
		t.Errorf("in a minute a bot scored %.1f on average, want ten at least", perMinute)
	} else {
		t.Logf("a bot scored %.1f a minute", perMinute)
	}
}

func TestRename(t *testing.T) {
	m := newMatch(t, arena.New(arena.Config{}), 5, 1, 2)
	for _, c := range []struct {
		ask, name, refusal string
	}{
		{ask: "  Ada  ", name: "Ada"},
		{ask: "Ada", name: "Ada"}, // its own
		{ask: "sixteen bytes ok", name: "sixteen bytes ok"},
		{ask: "ÄÖÜ", name: "ÄÖÜ"},
		{ask: " ", refusal: "the name has 0 bytes; 1 to 16 are possible"},
		{ask: "seventeen bytes !", refusal: "the name has 17 bytes; 1 to 16 are possible"},
		{ask: "a\u00a0b", refusal: "the name has characters that nobody can see"},
		{ask: "Pilot 2", refusal: "somebody is called Pilot 2 already"},
	} {
		before := m.ship(m.view, 1).Name
		data, err := m.Rename.AppendAsk(nil, arena.Rename{Name: c.ask})
		if err != nil {
			t.Fatal(err)
		}
		changes := m.step(world.Commands{Requests: []world.Ask{{Player: 1, Number: 9, Kind: m.Rename.Kind(), Data: data}}})
		answer := changes.Answers[0]
		if got := m.Rename.DecodeAnswer(answer.Data).Name; got != c.name || answer.Refusal != c.refusal {
			t.Errorf("%q: answered %q, refused with %q; want %q, %q", c.ask, got, answer.Refusal, c.name, c.refusal)
		}
		if c.refusal != "" {
			c.name = before
		}
		if got := m.ship(m.view, 1).Name; got != c.name {
			t.Errorf("%q: the ship is called %q, want %q", c.ask, got, c.name)
		}
	}
}

func TestANewcomerGetsANameThatIsFree(t *testing.T) {
	m := newMatch(t, arena.New(arena.Config{}), 6, 1)
	data, err := m.Rename.AppendAsk(nil, arena.Rename{Name: "pilot 2"})
	if err != nil {
		t.Fatal(err)
	}
	m.step(world.Commands{Requests: []world.Ask{{Player: 1, Kind: m.Rename.Kind(), Data: data}}})
	m.step(world.Commands{Joins: []world.Join{{Player: 2}}})
	if one, two := m.ship(m.view, 1).Name, m.ship(m.view, 2).Name; one != "pilot 2" || two != "pilot 3" {
		t.Errorf("they are called %q and %q", one, two)
	}
}
