package replicate_test

import (
	"cmp"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

const (
	age     = 64 // ticks
	busy    = 200
	quiet   = 160
	delay   = 5 // ticks at most, in the usual case
	tickDur = 50 * time.Millisecond
	players = 3
)

// things is the game of the property test: rows with every kind of rights, with and without a position.
type things struct {
	*world.GameOf[struct{}]
	Things   world.Table[thing]
	Flags    world.Table[flag]
	Drifters world.Table[drifter]
	Bangs    world.Event[bang]
	Words    world.Event[word]
	chance   *rand.Rand
	resting  bool
	emitted  uint32
}

type thing struct {
	X     float32 `net:"range=0:400,step=0.01,pos=x"`
	Y     float32 `net:"range=0:400,step=0.01,pos=y"`
	A     uint8
	B     int32
	Mine  uint16  `net:"owner"`
	Ours  uint8   `net:"team"`
	Turn  float32 `net:"range=0:360,step=10,wrap,own=0.5"`
	Named string  `net:"max=6"`
}

type flag struct {
	Up    uint8
	Guard uint8 `net:"team"`
	Key   uint8 `net:"owner"`
	// Only some players reckon how high it hangs.
	Mast  float32 `net:"range=0:100,step=0.01,team,reckon=Hoist,tolerance=0.1"`
	Hoist float32 `net:"range=-5:5,step=0.1,team"`
}

func newThings(seed uint64) *things {
	g := &things{GameOf: world.NewGame[struct{}]("things"), chance: rand.New(rand.NewPCG(seed, 1))}
	// Few large cells are clean and not clean by turns; among many small ones some always are.
	g.Things = world.AddTable[thing](g, "thing", world.CellSize([]float64{25, 80, 200}[seed/7%3]))
	g.Flags = world.AddTable[flag](g, "flag")
	g.Drifters = world.AddTable[drifter](g, "drifter", world.CellSize(60))
	g.Bangs = world.AddEvent[bang](g, "bang")
	g.Words = world.AddEvent[word](g, "word")
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		tx.SetTeam(p, world.TeamID(p%3))
		tx.SetView(p, g.place(), 30+120*g.chance.Float64())
		g.Things.Insert(tx, g.thing(), world.Owner(p))
		g.Drifters.Insert(tx, g.drifter(), world.Owner(p))
		return nil
	})
	g.OnTick(g.tick)
	return g
}

func (g *things) place() world.Pos {
	return world.Pos{X: g.chance.Float64() * 400, Y: g.chance.Float64() * 400}
}

func (g *things) thing() thing {
	at := g.place()
	return thing{X: float32(at.X), Y: float32(at.Y), A: uint8(g.chance.Uint32()), B: int32(g.chance.Uint32()), Turn: float32(g.chance.Float64() * 360)}
}

func (g *things) tick(tx *world.Tx) {
	g.drift(tx)
	if g.resting {
		return
	}
	for range g.chance.IntN(4) {
		g.change(tx)
	}
	for range g.chance.IntN(3) {
		g.changeDrifter(tx)
	}
	g.emit(tx)
	if g.chance.IntN(4) == 0 {
		for p := range tx.Players() {
			switch g.chance.IntN(4) {
			case 0: // somewhere else, often where it was before
				_, r := tx.View(p)
				at := g.place()
				if g.chance.IntN(3) > 0 {
					at = world.Pos{X: 100 + 200*float64(g.chance.IntN(2)), Y: 200}
				}
				tx.SetView(p, at, r)
			case 1:
				at, r := tx.View(p)
				tx.SetView(p, world.Pos{X: at.X + 3*g.chance.Float64(), Y: at.Y - 3*g.chance.Float64()}, r)
			case 2:
				if g.chance.IntN(3) == 0 {
					tx.SetTeam(p, world.TeamID(g.chance.IntN(3)))
				}
			}
		}
	}
}

// someone is a player in the room, or nobody.
func (g *things) someone(tx *world.Tx) world.Player {
	here := slices.Collect(tx.Players())
	if len(here) == 0 || g.chance.IntN(4) == 0 {
		return 0
	}
	return here[g.chance.IntN(len(here))]
}

func (g *things) change(tx *world.Tx) {
	r := g.chance
	if n := g.Flags.Len(tx); r.IntN(10) == 0 {
		g.changeFlag(tx, n)
		return
	}
	rows := slices.Collect(keys(g.Things.All(tx)))
	if len(rows) == 0 || r.IntN(7) == 0 && len(rows) < 24 {
		g.Things.Insert(tx, g.thing(), world.Owner(g.someone(tx)), world.OnTeam(world.TeamID(r.IntN(3))), world.Weight(1+r.IntN(world.MaxWeight)))
		return
	}
	id := rows[r.IntN(len(rows))]
	switch r.IntN(10) {
	case 0:
		g.Things.Remove(tx, id)
		if r.IntN(2) == 0 { // the same index, at once
			g.Things.Insert(tx, g.thing())
		}
	case 1, 2:
		at := g.place()
		e := g.Things.Edit(tx, id)
		e.X, e.Y = float32(at.X), float32(at.Y)
	case 3:
		g.Things.SetOwner(tx, id, g.someone(tx))
	case 4:
		g.Things.SetTeam(tx, id, world.TeamID(r.IntN(3)))
	case 5:
		g.Things.Edit(tx, id).Mine++
		g.Things.SetWeight(tx, id, 1+r.IntN(world.MaxWeight))
	case 6:
		e := g.Things.Edit(tx, id)
		e.Ours++
		e.Named = fmt.Sprint(r.IntN(100))
	case 7:
		g.Things.Edit(tx, id).Turn += float32(r.Float64() * 2)
	default:
		e := g.Things.Edit(tx, id)
		e.X += float32(r.Float64()*4 - 2)
		e.A++
	}
}

func (g *things) changeFlag(tx *world.Tx, n int) {
	r := g.chance
	if n == 0 || r.IntN(4) == 0 && n < 8 {
		g.Flags.Insert(tx, flag{Up: 1}, world.Owner(g.someone(tx)), world.OnTeam(world.TeamID(r.IntN(3))))
		return
	}
	rows := slices.Collect(keys(g.Flags.All(tx)))
	switch id := rows[r.IntN(n)]; r.IntN(6) {
	case 0:
		g.Flags.Remove(tx, id)
	case 1:
		g.Flags.SetOwner(tx, id, g.someone(tx))
	case 2:
		g.Flags.Edit(tx, id).Hoist = float32(r.IntN(11) - 5)
	default:
		e := g.Flags.Edit(tx, id)
		e.Up, e.Guard, e.Key = e.Up+uint8(r.IntN(2)), e.Guard+uint8(r.IntN(2)), e.Key+uint8(r.IntN(2))
	}
}

// packet is a datagram under way.
type packet struct {
	at    int
	order uint64
	bytes []byte
}

// peer is one client: the server's half, the replica, and the network between.
type peer struct {
	num      world.Player
	server   *replicate.Client
	replica  *replica.Replica
	rows     *world.Replica
	down, up []packet
	slow     bool // served every second tick only
	path     replicate.Path
	fired    map[[2]uint64]bool
}

// simulation is one seed's run.
type simulation struct {
	seed    uint64
	r       *rand.Rand
	loss    float64
	game    *things
	world   *world.World
	schema  *schema.Schema
	scratch replicate.Scratch
	peers   []*peer
	joined  world.Player
	breach  replicate.Breach
	client  replica.Breach
	tick    int
	counted struct {
		datagrams, several, skipped, removed, resumes, epochs int
		narrowed                                              int
		events, rows, pages, unchecked, reckoned              int
	}
	happened map[uint64]happened
}

func newSimulation(seed uint64, loss float64, breach replicate.Breach, client replica.Breach) *simulation {
	s := &simulation{seed: seed, r: rand.New(rand.NewPCG(seed, 2)), loss: loss, game: newThings(seed), breach: breach, client: client}
	var err error
	if s.world, err = world.New(s.game, world.Config{Seed: seed, History: 4 * age, TickPeriodNS: tickDur.Nanoseconds()}); err != nil {
		panic(err)
	}
	s.schema = s.world.View().Schema()
	return s
}

func (s *simulation) now() time.Time { return time.Unix(0, 0).Add(time.Duration(s.tick) * tickDur) }

func (s *simulation) newReplica(p *peer) error {
	var err error
	p.replica, err = replica.New(s.schema, replica.Config{
		Epoch: p.server.Epoch(), Tick: s.world.View().Tick, Sequence: p.server.NextSequence(), Age: age, Breach: s.client,
	})
	p.down, p.up, p.fired = nil, nil, make(map[[2]uint64]bool)
	if err != nil {
		return err
	}
	p.rows, err = world.NewReplica(s.game, p.num, tickDur.Nanoseconds())
	return err
}

func (s *simulation) join() error {
	s.joined++
	p := &peer{num: s.joined, slow: s.joined%3 == 2}
	var err error
	if p.server, err = replicate.NewClient(s.schema, p.num, uint8(s.r.IntN(128)), 1+s.r.Uint64N(1<<15), replicate.Config{
		Period: tickDur, BudgetBytes: 64 + s.r.IntN(100), DatagramBytes: 72, Breach: s.breach,
	}); err != nil {
		return err
	}
	s.peers = append(s.peers, p)
	return s.newReplica(p)
}

// run plays a busy time and a quiet one, and returns what is wrong in the end, or on the way.
func (s *simulation) run() error {
	for s.tick = 1; s.tick <= busy+quiet; s.tick++ {
		s.game.resting = s.tick > busy
		var c world.Commands
		if !s.game.resting {
			if len(s.peers) < players {
				if err := s.join(); err != nil {
					return err
				}
				c.Joins = append(c.Joins, world.Join{Player: s.joined})
			} else if s.r.IntN(150) == 0 {
				i := s.r.IntN(len(s.peers))
				c.Leaves = append(c.Leaves, world.Leave{Player: s.peers[i].num})
				s.peers = slices.Delete(s.peers, i, i+1)
			}
		}
		changes, view, err := s.world.Step(c)
		if err != nil {
			return err
		}
		s.remember(changes, view)
		for _, p := range s.peers {
			if err := s.serve(p, view); err != nil {
				return fmt.Errorf("tick %d, player %d: %w", s.tick, p.num, err)
			}
		}
	}
	for _, p := range s.peers {
		if err := s.compare(p); err != nil {
			return fmt.Errorf("in the end, player %d: %w", p.num, err)
		}
	}
	return nil
}

// serve is one tick between the server and one client.
func (s *simulation) serve(p *peer, view *world.View) error {
	if err := s.interrupt(p); err != nil {
		return err
	}
	for _, b := range s.arrived(&p.up) {
		var in protocol.Input
		if err := protocol.ParseInput(b, s.schema, &in); err != nil {
			return err
		}
		if err := s.check(p, &in); err != nil {
			return err
		}
	}
	if skip := p.slow && s.tick%2 == 0 || !p.slow && s.r.IntN(6) == 0; !skip {
		s.pass(p, view)
	} else {
		s.counted.skipped++
	}
	got := s.arrived(&p.down)
	for _, b := range got {
		if err := s.receive(p, b); err != nil {
			return err
		}
	}
	if p.slow && s.tick%2 == 0 {
		return nil
	}
	var in protocol.Input
	p.replica.Ack(&in)
	if s.r.IntN(3) == 0 {
		p.replica.Report(&in, s.r)
	}
	s.send(&p.up, protocol.AppendInput(nil, &in))
	return nil
}

// interrupt resumes the session, or begins a new epoch, now and then.
func (s *simulation) interrupt(p *peer) error {
	if p.replica.Orphaned() && s.breach == 0 && s.client == 0 {
		return fmt.Errorf("a partial record came for an entity that is not here")
	}
	if s.game.resting {
		return nil
	}
	switch s.r.IntN(200) {
	case 0: // another connection, the replica kept
		s.counted.resumes++
		p.server.Resume()
		p.down, p.up = nil, nil
		if s.r.IntN(2) == 0 {
			s.pass(p, s.world.View())
		}
	case 1: // a resync: the replica stays until the first datagram of the new epoch
		s.counted.epochs++
		p.server.NewEpoch()
	case 2: // a new process resumes
		s.counted.epochs++
		p.server.NewEpoch()
		return s.newReplica(p)
	}
	return nil
}

// pass sends what the server chooses, or only the first part of it.
func (s *simulation) pass(p *peer, view *world.View) {
	was := p.server.BudgetBytes()
	datagrams := p.server.Pass(replicate.Pass{View: view, Now: s.now(), Path: s.pathOf(p)}, &s.scratch)
	if p.server.BudgetBytes() < was {
		s.counted.narrowed++
	}
	if len(datagrams) > 1 {
		s.counted.several++
	}
	if len(datagrams) == 0 {
		s.counted.skipped++
	}
	for i, d := range datagrams {
		if i > 0 && !s.game.resting && s.r.IntN(10) == 0 {
			return
		}
		s.counted.datagrams++
		s.send(&p.down, slices.Clone(d.Bytes))
		p.server.Sent(d)
	}
}

// send puts a datagram on its way: it may be lost, doubled, late or very late.
func (s *simulation) send(to *[]packet, b []byte) {
	if !s.game.resting && s.r.Float64() < s.loss {
		return
	}
	copies := 1
	if s.r.IntN(20) == 0 {
		copies = 2
	}
	for range copies {
		late := s.r.IntN(delay + 1)
		if !s.game.resting && s.r.IntN(250) == 0 {
			late += age + 40
		}
		*to = append(*to, packet{at: s.tick + late, order: s.r.Uint64(), bytes: b})
	}
}

// arrived takes what arrives in this tick, in any order.
func (s *simulation) arrived(from *[]packet) (out [][]byte) {
	var due []packet
	*from = slices.DeleteFunc(*from, func(p packet) bool {
		if p.at <= s.tick {
			due = append(due, p)
		}
		return p.at <= s.tick
	})
	slices.SortFunc(due, func(a, b packet) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order)) })
	for _, p := range due {
		out = append(out, p.bytes)
	}
	return out
}

// receive applies a datagram and checks the rows that it touched against the server's history: after a
// datagram of tick t a row equals the server's at the register's tick.
func (s *simulation) receive(p *peer, b []byte) error {
	applied, err := p.replica.Apply(b)
	if err != nil {
		return err
	}
	if err := s.fired(p, applied.Events); err != nil {
		return err
	}
	if p.show(applied); s.breach|replicate.Breach(s.client) == 0 {
		if err := s.reckoned(p); err != nil {
			return err
		}
	}
	for _, ch := range applied.Changes {
		if ch.Removed {
			s.counted.removed++
			continue
		}
		row, ok := p.replica.Get(ch.Table, ch.Index)
		if !ok {
			continue // removed later in the same datagram
		}
		then, ok := s.world.View().At(uint64(row.Tick))
		if !ok {
			continue
		}
		page := then.Pages(ch.Table)[ch.Index>>6]
		if err := s.equal(ch.Table, ch.Index, row, page); err != nil {
			return fmt.Errorf("as of tick %d: %w", row.Tick, err)
		}
	}
	return nil
}

// equal compares a replica's row with a page's, column by column.
func (s *simulation) equal(table int, index uint32, row replica.Row, page *world.Page) error {
	t, at := s.schema.Tables[table], int(index&63)
	if page.Used()>>at&1 == 0 || page.Generation(at) != row.Generation {
		return fmt.Errorf("%s %d: generation %d is here, on the server it is not", t.Name, index, row.Generation)
	}
	visible := map[uint8]bool{}
	for _, first := range t.ClassColumns(row.Class) {
		for c := first; c < t.Until(first); c++ {
			visible[c] = true
		}
	}
	for c := range t.Columns {
		col := &t.Columns[c]
		name := t.Fields[col.Field].Name
		if col.IsText() {
			if want := page.Texts(at)[col.TextAt]; visible[uint8(c)] && row.Texts[col.TextAt] != want {
				return fmt.Errorf("%s %d: %s is %q, on the server %q", t.Name, index, name, row.Texts[col.TextAt], want)
			}
			continue
		}
		want, got := page.Words(at)[c], row.Words[c]
		if col.Base && c == t.Group.First { // how old the base of something at rest is means nothing, nor does it travel
			want, got = want&(1<<14-1), got&(1<<14-1)
		}
		if !visible[uint8(c)] {
			want = 0
		}
		if got != want {
			return fmt.Errorf("%s %d: column %d (%s) is %d, on the server %d", t.Name, index, c, name, got, want)
		}
	}
	return nil
}

// compare holds the whole replica against what the server lets its client see.
func (s *simulation) compare(p *peer) error {
	view := s.world.View()
	seat, _ := view.Seat(p.num)
	if n := p.replica.Counters().Orphans; n > 0 {
		return fmt.Errorf("%d partial records had no entity", n)
	}
	for table, t := range s.schema.Tables {
		for n, page := range view.Pages(table) {
			for used := page.Used(); used != 0; used &= used - 1 {
				at := bits.TrailingZeros64(used)
				index := uint32(n<<6 | at)
				class := page.Class(at, p.num, seat.Team)
				row, ok := p.replica.Get(table, index)
				if want := s.visible(p, table, index, class, seat); ok != want {
					return fmt.Errorf("%s %d is here: %v, should be: %v", t.Name, index, ok, want)
				}
				if !ok {
					continue
				}
				if row.Class != class {
					return fmt.Errorf("%s %d: the client is %v to it, should be %v", t.Name, index, row.Class, class)
				}
				if err := s.equal(table, index, row, page); err != nil {
					return err
				}
			}
		}
		for index := range p.replica.All(table) {
			if pages := view.Pages(table); int(index>>6) >= len(pages) || pages[index>>6].Used()>>(index&63)&1 == 0 {
				return fmt.Errorf("%s %d is here, on the server it is gone", t.Name, index)
			}
		}
	}
	return nil
}

// visible is the rule of sight, worked out anew. Within the hysteresis the server's own memory decides.
func (s *simulation) visible(p *peer, table int, index uint32, class schema.Class, seat world.Seat) bool {
	if table == 1 || class == schema.Own {
		return true
	}
	at := s.world.View().Pages(table)[index>>6].Place(int(index & 63))
	step := s.schema.Tables[table].Fields[s.schema.Tables[table].Pos[0]].Step
	dx, dy := float64(at.X)*step-seat.Pos.X, float64(at.Y)*step-seat.Pos.Y
	d, r := dx*dx+dy*dy, seat.Radius
	if d <= (r-2*step)*(r-2*step) {
		return true
	}
	if d > (1.1*r+2*step)*(1.1*r+2*step) {
		return false
	}
	return p.server.Sees(table, index)
}

// TestPropertySeedsConverge is the invariant of replication: once the network heals and the world rests, every
// replica equals what the server lets that client see, field for field.
func TestPropertySeedsConverge(t *testing.T) {
	losses := []float64{0, 0.02, 0.2, 0.5}
	const parts = 8
	for part := range parts {
		t.Run(fmt.Sprintf("part %d of %d", part+1, parts), func(t *testing.T) {
			t.Parallel()
			var total [12]int
			for seed := part; seed < seeds(t); seed += parts {
				s := newSimulation(uint64(seed), losses[seed/parts%len(losses)], 0, 0)
				if err := s.run(); err != nil {
					t.Fatalf("seed %d, loss %v: %v", seed, s.loss, err)
				}
				for i, n := range []int{s.counted.datagrams, s.counted.several, s.counted.skipped, s.counted.removed, s.counted.resumes, s.counted.epochs,
					s.counted.events, s.counted.rows, s.counted.pages, s.counted.unchecked, s.counted.narrowed, s.counted.reckoned} {
					total[i] += n
				}
			}
			for i, name := range []string{"datagrams", "passes of several datagrams", "skipped passes", "removals", "resumes", "new epochs",
				"events", "rows compared", "pages compared", "reports that can't be compared", "budgets cut by the path or late acknowledgements", "reckoned rows"} {
				if total[i] == 0 {
					t.Errorf("no %s in any seed: the test does not test them", name)
				}
				t.Logf("%d %s", total[i], name)
			}
		})
	}
}

// TestPropertyEveryRuleIsNeeded breaks one rule at a time: then some seed must fail.
func TestPropertyEveryRuleIsNeeded(t *testing.T) {
	for _, c := range []struct {
		name   string
		server replicate.Breach
		client replica.Breach
	}{
		{name: "records in the order of arrival", client: replica.BreachOrder},
		{name: "removals leave no trace", client: replica.BreachTrace},
		{name: "old datagrams are applied", client: replica.BreachAge},
		{name: "partials without an acknowledged full record", server: replicate.BreachFull},
		{name: "acknowledgements from before the entry count", server: replicate.BreachSince},
		{name: "changed rights do not begin anew", server: replicate.BreachRights},
		{name: "what was sent counts as known", server: replicate.BreachAcks},
		{name: "removals elided since the last entry", server: replicate.BreachElide},
		{name: "cells skipped after the last sent pass", server: replicate.BreachCells},
		{name: "rate by tick modulo period", server: replicate.BreachRate},
		{name: "sequence numbers restart on resume", server: replicate.BreachResume},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(200) {
				if err := newSimulation(seed, 0.2, c.server, c.client).run(); err != nil {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Error("200 seeds converge without the rule: either it is not needed, or the test does not test it")
		})
	}
}
