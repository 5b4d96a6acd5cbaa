package replicate_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// scales is a game whose rows have lengths and weights of all kinds, come, go, change hands and change in each tick.
type scales struct {
	*world.GameOf[struct{}]
	Loads  world.Table[load]
	r      *rand.Rand
	rows   int
	length int // of the longest text
	heavy  int // the highest weight
	owned  int // so many of ten rows
}

type load struct {
	X    float32 `net:"range=0:1000,step=0.1,pos=x"`
	Y    float32 `net:"range=0:1000,step=0.1,pos=y"`
	Text string  `net:"max=200"`
}

func newScales(r *rand.Rand) *scales {
	g := &scales{
		GameOf: world.NewGame[struct{}]("scales"), r: r, rows: 20 + r.IntN(150), length: 1 + r.IntN(200),
		heavy: []int{1, 4, world.MaxWeight}[r.IntN(3)], owned: max(0, r.IntN(6)-2),
	}
	g.Loads = world.AddTable[load](g, "load", world.CellSize(50))
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		tx.SetView(p, world.Pos{X: 500, Y: 500}, 200)
		for range g.rows {
			g.insert(tx)
		}
		return nil
	})
	g.OnTick(g.tick)
	return g
}

func (g *scales) insert(tx *world.Tx) {
	options := []world.RowOption{world.Weight(1 + g.r.IntN(g.heavy))}
	if g.r.IntN(10) < g.owned {
		options = append(options, world.Owner(1))
	}
	g.Loads.Insert(tx, load{X: 250 + 500*g.r.Float32(), Y: 500, Text: strings.Repeat("-", 1+g.r.IntN(g.length))}, options...)
}

func (g *scales) tick(tx *world.Tx) {
	mark := string(rune('a' + tx.Tick()%26))
	for id := range g.Loads.All(tx) {
		e := g.Loads.Edit(tx, id)
		e.X, e.Text = e.X+4*g.r.Float32()-2, mark+e.Text[1:]
		switch g.r.IntN(400) {
		case 0:
			g.Loads.Remove(tx, id)
			g.insert(tx)
		case 1:
			g.Loads.SetWeight(tx, id, 1+g.r.IntN(g.heavy))
		case 2:
			e.X = 250 + 500*g.r.Float32()
		}
	}
	if g.r.IntN(60) == 0 {
		tx.SetView(1, world.Pos{X: 400 + 200*g.r.Float64(), Y: 500}, 200)
	}
}

// waiting is what a row, or its removal, has been waiting for.
type waiting struct {
	since      uint64
	generation uint16 // another one begins anew
	lightest   int
	gone, own  bool
}

// scalesman measures how long rows wait, against the bound.
type scalesman struct {
	*stage
	game    *scales
	budget  int
	waiting map[uint32]waiting
	cost    [2]int // what a group costs once, at most so far: others, own
	longest [2]int
	count   [2]int
	worst   float64 // of the waits, as a part of what is allowed
}

// most is the bound that order.go states.
func (s *scalesman) most(own bool, weight int) int {
	group, b := 0, s.budget
	switch {
	case own:
		group, b = 1, s.budget-s.budget/4
	case s.count[1] > 0:
		b = s.budget / 4
	}
	l := s.count[group]
	if spare := b - s.longest[group] + 1; spare > 0 {
		l = min(l, s.cost[group]/spare)
	}
	return ((l+1+9)*s.game.heavy + weight - 1) / weight
}

// unheard is how many ticks after a removal has arrived the server may still repeat it.
const unheard = 16

// weigh looks at everything in sight, and at what is to be removed, after a pass that sent some.
func (s *scalesman) weigh(sent map[uint32]bool) error {
	const head = 3
	wire, pages := s.view.Schema().Tables[0], s.view.Pages(0)
	var cost, longest, count [2]int
	for index := range uint32(len(pages) * 64) {
		page, row := pages[index>>6], int(index&63)
		sees := s.server.Sees(0, index)
		_, here := s.replica.Get(0, index)
		if !sees && !here {
			if w, ok := s.waiting[index]; !ok || s.view.Tick-w.since > unheard {
				delete(s.waiting, index)
				continue
			}
		}
		group, bytes, class := 0, head, schema.Public
		if sees {
			if class = page.Class(row, 1, 0); class == schema.Own {
				group = 1
			}
			bytes += wire.RowBytes(class, wire.FullMask(class), page.Texts(row))
		}
		cost[group], longest[group], count[group] = cost[group]+bytes, max(longest[group], bytes), count[group]+1
		w, ok := s.waiting[index]
		if generation := page.Generation(row); !ok || w.gone == sees || w.own != (group == 1) || w.generation != generation && sees {
			w = waiting{since: s.view.Tick, generation: generation, lightest: world.MaxWeight, gone: !sees, own: group == 1}
		}
		w.lightest = min(w.lightest, page.Weight(row))
		for i := range cost {
			s.cost[i], s.longest[i], s.count[i] = max(s.cost[i], cost[i]), max(s.longest[i], longest[i]), max(s.count[i], count[i])
		}
		waits := int(s.view.Tick - w.since)
		if !sees && !here && !sent[index] {
			continue // it waits for nothing but an acknowledgement
		}
		if most := s.most(w.own, w.lightest); waits > most {
			return fmt.Errorf("tick %d: row %d (own: %v, gone: %v) of weight %d or more waits for %d ticks, at most %d are allowed", s.view.Tick, index, w.own, w.gone, w.lightest, waits, most)
		} else if s.view.Tick > 100 {
			s.worst = max(s.worst, float64(waits)/float64(most))
		}
		if sent[index] {
			w.since, w.lightest = s.view.Tick, world.MaxWeight
		}
		s.waiting[index] = w
	}
	return nil
}

// sentIn are the rows that the latest tick's datagrams told of.
func (s *scalesman) sentIn(datagrams [][]byte) (map[uint32]bool, error) {
	sent := map[uint32]bool{}
	var rec protocol.Record
	for _, b := range datagrams {
		if err := s.reader.Open(b, s.view.Schema()); err != nil {
			return nil, err
		}
		for s.reader.Next(&rec) {
			sent[rec.Index] = true
		}
	}
	return sent, nil
}

// TestPropertyNothingWaitsLongerThanStated: with weights, lengths and budgets of all kinds, rows that come and go, and
// a view that moves, no row in sight and no removal waits longer than order.go says.
func TestPropertyNothingWaitsLongerThanStated(t *testing.T) {
	runs, worst := 100, 0.0
	if testing.Short() || raceEnabled {
		runs = 20
	}
	for seed := range uint64(runs) {
		r := rand.New(rand.NewPCG(seed, 3))
		g := newScales(r)
		budget := 64 + r.IntN(1500)
		cfg := replicate.Config{Period: tickDur, BudgetBytes: budget, SteadyRate: r.IntN(2) == 0, Hysteresis: -1}
		s := &scalesman{stage: newStage(t, g, cfg, r.IntN(4)), game: g, budget: budget, waiting: map[uint32]waiting{}}
		for range 400 {
			s.run(1)
			sent, err := s.sentIn(s.datagrams)
			if err == nil {
				err = s.weigh(sent)
			}
			if err != nil {
				t.Fatalf("seed %d, %d rows, budget %d, weights to %d: %v", seed, g.rows, budget, g.heavy, err)
			}
		}
		worst = max(worst, s.worst)
	}
	t.Logf("the longest wait is %.0f %% of what is allowed", 100*worst)
}

// TestTheHeavyOnesAreFresher: what a weight is for.
func TestTheHeavyOnesAreFresher(t *testing.T) {
	g := newHerd(0, 400, 200)
	g.extra = func(tx *world.Tx) {
		for id := range g.Movers.All(tx) {
			if id.Index()%10 == 0 {
				g.Movers.SetWeight(tx, id, 8)
			}
		}
	}
	s := newStage(t, g, replicate.Config{Period: tickDur, SteadyRate: true, BudgetBytes: 400}, 2)
	s.run(100)
	var age [2]uint64
	for range 200 {
		s.run(1)
		for index := range s.replica.All(0) {
			row, _ := s.replica.Get(0, index)
			heavy := 0
			if index%10 == 0 {
				heavy = 1
			}
			age[heavy] += s.view.Tick - uint64(row.Tick)
		}
	}
	heavy, light := float64(age[1])/40/200, float64(age[0])/360/200
	t.Logf("rows of weight 8 are %.1f ticks old, those of weight 1 %.1f", heavy, light)
	if heavy > light/3 {
		t.Error("that is hardly fresher")
	}
}

func TestALongOwnRowStarvesNobody(t *testing.T) {
	g := newScales(rand.New(rand.NewPCG(1, 1)))
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		tx.SetView(p, world.Pos{X: 500, Y: 500}, 200)
		g.Loads.Insert(tx, load{X: 500, Y: 500, Text: strings.Repeat("-", 200)}, world.Owner(p))
		for range 50 {
			g.Loads.Insert(tx, load{X: 500, Y: 500, Text: "-"})
		}
		return nil
	})
	g.OnTick(func(tx *world.Tx) {
		for id := range g.Loads.All(tx) {
			e := g.Loads.Edit(tx, id)
			e.Text = string(rune('a'+tx.Tick()%26)) + e.Text[1:]
		}
	})
	s := newStage(t, g, replicate.Config{Period: tickDur, BudgetBytes: 64}, 2)
	s.run(60)
	if n := s.here(); n != 51 {
		t.Errorf("beside an own row of 200 bytes in a budget of 64 there are %d of 51 rows after 60 ticks", n)
	}
}
