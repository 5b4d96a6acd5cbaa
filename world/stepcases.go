package world

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"

	"github.com/quicstep/quicstep/protocol/schema"
)

// StepCasing is how StepCases plays. The zero value will do.
type StepCasing struct {
	// Seed begins the room's chance and that of the inputs.
	Seed uint64
	// Cases is how many cases of one input there are; zero means 200. To every fifth of them comes a run of 20 to 60 inputs.
	Cases int
	// Players join at first; zero means 4, or as many as the game takes when these are less.
	Players int
	// TickPeriodNS is as in Config.
	TickPeriodNS int64
}

// StepCase is what a game's OnInput makes of a player's own rows, as the player's client predicts it: what a client in another
// language has to come to as well.
type StepCase struct {
	// Name says where it is from.
	Name string
	// Player is whose rows they are.
	Player Player
	// Tick is the first input's; the others follow.
	Tick uint64
	// Known are the singletons, which OnInput may read.
	Known []StepRow
	// Own are the player's rows before the first input, rounded as they travel to their owner.
	Own []StepRow
	// Inputs are the fields of an input for each tick, in the order of the schema.
	Inputs [][]any
	// After are the player's rows after each input. What OnInput removes is still there.
	After [][]StepRow
}

// StepRow is a row of a StepCase.
type StepRow struct {
	Table string `json:"table"`
	ID    ID     `json:"id"`
	// Made tells for a row that an input of the case has made which one.
	Made *Origin `json:"made,omitempty"`
	// Fields are those that its owner is sent, in the order of the schema: bool, int64, uint64, float32, float64 or string.
	Fields []any `json:"fields"`
}

const (
	stepWarmUp  = 60 // ticks before the first case
	stepBetween = 3  // ticks between two cases
	stepRunMin  = 20 // inputs of a run
	stepRunMax  = 60
	stepPerRun  = 5 // cases of one input for each run
)

// StepCases plays a game with its bots, or with random inputs where it has none, and has some of the players' clients predict
// from what they know. A fourth of the cases of one input begin at the edges: own fields are as low or as high as they can be, or
// anything between. The same seed gives the same cases. The error is what is wrong with the definition, or a panic of the game's;
// one at the edges leaves that case out, where no room need ever come.
func StepCases(g Game, c StepCasing) ([]StepCase, error) {
	if c.Cases < 0 || c.Players < 0 {
		return nil, errors.New("world: the numbers of step cases can't be negative")
	}
	if c.Cases == 0 {
		c.Cases = 200
	}
	if c.Players == 0 {
		c.Players = 4
	}
	if most := MaxPlayersOf(g); most > 0 {
		c.Players = min(c.Players, most)
	}
	w, err := New(g, Config{Seed: c.Seed, TickPeriodNS: c.TickPeriodNS})
	if err != nil {
		return nil, err
	}
	s := &stepCaser{StepCasing: c, game: g, world: w, input: w.state.def.input.wire, chance: rand.New(rand.NewPCG(c.Seed, 0x7374))}
	if err := s.join(); err != nil {
		return nil, err
	}
	return s.play()
}

// stepCaser is what makes cases.
type stepCaser struct {
	StepCasing
	game    Game
	world   *World
	input   *schema.Table
	chance  *rand.Rand
	view    *View
	players []Player
	held    map[Player]*heldInput
}

// join lets the players in, as many as the game takes.
func (s *stepCaser) join() error {
	var joins Commands
	for p := range s.Players {
		joins.Joins = append(joins.Joins, Join{Player: Player(p + 1)})
	}
	changes, view, err := s.world.Step(joins)
	if err != nil {
		return err
	}
	s.view, s.held = view, make(map[Player]*heldInput)
	s.players = view.Players()
	for _, p := range s.players {
		s.held[p] = &heldInput{}
	}
	if len(s.players) == 0 {
		return fmt.Errorf("world: nobody was let in: %s", changes.Refused[0].Reason)
	}
	return nil
}

func (s *stepCaser) play() ([]StepCase, error) {
	if err := s.pass(stepWarmUp); err != nil {
		return nil, err
	}
	var out []StepCase
	for n := range s.Cases {
		p := s.players[s.chance.IntN(len(s.players))]
		c, err := s.one(p, n%4 == 3)
		if err != nil {
			return nil, err
		}
		if c != nil {
			out = append(out, *c)
		}
		if n%stepPerRun == 0 {
			run, err := s.run(p, stepRunMin+s.chance.IntN(stepRunMax-stepRunMin+1))
			if err != nil {
				return nil, err
			}
			out = append(out, *run)
		}
		if err := s.pass(stepBetween); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// pass lets the room go on.
func (s *stepCaser) pass(ticks int) error {
	for range ticks {
		var c Commands
		for _, p := range s.players {
			data, err := s.ask(s.view, p)
			if err != nil {
				return err
			}
			c.Inputs = append(c.Inputs, Input{Player: p, Data: data})
		}
		_, view, err := s.world.Step(c)
		if err != nil {
			return err
		}
		s.view = view
	}
	return nil
}

// ask is what a player asks for.
func (s *stepCaser) ask(v *View, p Player) ([]byte, error) {
	data, ok, err := BotInput(s.game, v, p, s.chance)
	if ok || err != nil {
		return data, err
	}
	h := s.held[p]
	if h.ticks--; h.ticks < 0 {
		*h = heldInput{data: randomRow(s.input, s.chance), ticks: s.chance.IntN(12)}
	}
	return h.data, nil
}

// one is a case of one input, nil for one at the edges that the game can't play.
func (s *stepCaser) one(p Player, edge bool) (*StepCase, error) {
	r, err := s.client(p, edge)
	if err != nil {
		return nil, err
	}
	data := randomRow(s.input, s.chance)
	if s.chance.IntN(2) == 0 {
		if data, err = s.ask(s.view, p); err != nil {
			return nil, err
		}
	}
	c := s.begin(r, p, "one")
	if edge {
		c.Name += ", at the edges"
	}
	if err := s.predict(r, c, data); err != nil {
		if edge {
			return nil, nil
		}
		return nil, err
	}
	return c, nil
}

// run is a case of many inputs: half of the runs are a bot's, the others random ones that are held for some ticks.
func (s *stepCaser) run(p Player, ticks int) (*StepCase, error) {
	r, err := s.client(p, false)
	if err != nil {
		return nil, err
	}
	c := s.begin(r, p, "run")
	random, held := s.chance.IntN(2) == 0, heldInput{}
	for i := range ticks {
		if random {
			if held.ticks--; held.ticks < 0 {
				held = heldInput{data: randomRow(s.input, s.chance), ticks: s.chance.IntN(12)}
			}
		} else if held.data, err = s.ask(r.View(s.view.Tick+uint64(i)), p); err != nil {
			return nil, err
		}
		if err := s.predict(r, c, held.data); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// begin is a case without inputs.
func (s *stepCaser) begin(r *Replica, p Player, what string) *StepCase {
	c := &StepCase{Name: fmt.Sprintf("%s of player %d from tick %d", what, p, s.view.Tick+1), Player: p, Tick: s.view.Tick + 1}
	for i := range r.state.tables {
		ts := &r.state.tables[i]
		if page := ts.page(0); ts.def.singleton && page != nil && page.used&1 != 0 {
			c.Known = append(c.Known, StepRow{Table: ts.def.name, ID: page.id(0), Fields: ts.def.bind.fields(page.row(ts.def, 0))})
		}
	}
	c.Own = s.rows(r, c.Tick)
	return c
}

// predict adds an input to a case, and what comes of it.
func (s *stepCaser) predict(r *Replica, c *StepCase, data []byte) error {
	tick := c.Tick + uint64(len(c.Inputs))
	if err := r.Predict(tick, data); err != nil {
		return err
	}
	words, texts := make([]uint32, len(s.input.Columns)), make([]string, s.input.Texts)
	if _, err := s.input.ParseRow(data, schema.Own, s.input.FullMask(schema.Own), words, texts); err != nil {
		return err
	}
	b := s.world.state.def.input
	in := reflect.New(b.typ)
	b.store(in.UnsafePointer(), schema.Own, words, texts)
	c.Inputs = append(c.Inputs, b.fields(in.UnsafePointer()))
	c.After = append(c.After, s.rows(r, c.Tick))
	return nil
}
