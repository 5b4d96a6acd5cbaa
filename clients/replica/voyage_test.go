package replica_test

import (
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// A voyage is a seeded run of the real server against a replica, from which a scenario is written.
type voyage struct {
	name   string
	seed   uint64
	loss   float64
	breach replicate.Breach // of the server
	ends   bool             // epochs and connections end on the way
	forged bool             // bytes behind the header are changed on the way, which QUIC would not let happen
}

var voyages = []voyage{
	{name: "lossy", seed: 1, loss: 0.2},
	{name: "epochs", seed: 2, loss: 0.1, ends: true},
	// A server that breaks a rule on purpose: partial records come for rows that the client was never told of.
	{name: "orphans", seed: 6, loss: 0.35, breach: replicate.BreachFull},
	{name: "forged", seed: 4, loss: 0.1, forged: true},
}

const (
	voyagePeriod = time.Second / 30
	voyageAge    = 64
	voyageEvents = 8
	busyTicks    = 130
	restTicks    = 30
	// The short ticks and sequence numbers go round on the way.
	voyageStart    = 1<<14 - 60
	voyageSequence = 1<<14 - 40
)

// harbour is the game of the scenarios: rows of every kind of field, audience and motion.
type harbour struct {
	*world.GameOf[helm]
	Boats    world.Table[boat]
	Crates   world.Table[crate]
	Tides    world.Table[tide]
	Splashes world.Event[splash]
	chance   *rand.Rand
	resting  bool
}

type helm struct {
	VX, VY int8 `net:"range=-20:20"`
	Drop   bool
}

type boat struct {
	X     float32 `net:"range=0:200,step=0.01,pos=x,own,reckon=VX,tolerance=0.1"`
	Y     float32 `net:"range=0:200,step=0.01,pos=y,own,reckon=VY,tolerance=0.1"`
	VX    float32 `net:"range=-20:20,step=0.5"`
	VY    float32 `net:"range=-20:20,step=0.5"`
	Hull  uint8
	Aim   float32 `net:"range=-180:180,step=5,wrap,own=0.5"`
	Name  string  `net:"max=12"`
	Plan  uint16  `net:"team"`
	Cargo [3]bool `net:"owner"`
}

type crate struct {
	At    struct{ X, Y place }
	Worth int64
	Of    world.ID
}

// place is a coordinate of a crate.
type place struct {
	V float32 `net:"range=0:200,step=0.1"`
}

type tide struct {
	Level int8   `net:"range=-10:10"`
	Code  uint64 `net:"team"`
}

type splash struct {
	X, Y float32 `net:"range=0:200,step=0.1"`
	Cry  string  `net:"max=10"`
	By   uint32
}

func newHarbour(seed uint64) *harbour {
	g := &harbour{GameOf: world.NewGame[helm]("harbour"), chance: rand.New(rand.NewPCG(seed, 5))}
	g.Boats = world.AddTable[boat](g, "boat")
	g.Crates = world.AddTable[crate](g, "crate")
	g.Tides = world.AddTable[tide](g, "tide")
	g.Splashes = world.AddEvent[splash](g, "splash")
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		tx.SetTeam(p, world.TeamID(1+p%2))
		tx.SetView(p, world.Pos{X: 100, Y: 100}, 60)
		g.Boats.Insert(tx, boat{X: 100, Y: 100, Name: "Beagle"}, world.Owner(p), world.OnTeam(world.TeamID(1+p%2)))
		if p == 1 {
			g.Tides.Insert(tx, tide{Code: 1<<63 + 9}, world.OnTeam(2))
			g.Tides.Insert(tx, tide{Level: -3}, world.OnTeam(1))
		}
		return nil
	})
	g.OnInput(func(tx *world.Tx, p world.Player, in helm) {
		for id := range g.Boats.Owned(tx, p) {
			b := g.Boats.Edit(tx, id)
			b.VX, b.VY = float32(in.VX), float32(in.VY)
			if in.Drop {
				var c crate
				c.At.X.V, c.At.Y.V, c.Worth, c.Of = b.X, b.Y, -1<<40, id
				g.Crates.Insert(tx, c, world.Owner(p))
			}
		}
	})
	g.OnTick(g.tick)
	return g
}

func (g *harbour) tick(tx *world.Tx) {
	r := g.chance
	for id, b := range g.Boats.All(tx) {
		e := g.Boats.Edit(tx, id) // they go on while the world rests, so that the end has rows that move
		e.X += float32(float64(b.VX) * voyagePeriod.Seconds())
		e.Y += float32(float64(b.VY) * voyagePeriod.Seconds())
		if g.resting {
			continue
		}
		switch r.IntN(12) {
		case 0:
			e.Aim += float32(r.Float64() * 20)
		case 1:
			e.Hull, e.Plan = e.Hull+1, e.Plan+257
		case 2:
			e.Name, e.Cargo[r.IntN(3)] = []string{"", "Beagle", "Größe", "Ålesund"}[r.IntN(4)], r.IntN(2) == 0
		case 3:
			e.VX = float32(r.IntN(41) - 20)
		case 4:
			g.Splashes.Emit(tx, splash{X: e.X, Y: e.Y, Cry: "platsch", By: uint32(id)})
		}
	}
	if g.resting || g.Boats.Len(tx) == 0 {
		return
	}
	if rows := slices.Collect(keysOf(g.Crates.All(tx))); len(rows) > 0 && r.IntN(6) == 0 {
		id := rows[r.IntN(len(rows))]
		switch r.IntN(4) {
		case 0:
			g.Crates.Remove(tx, id)
		case 1:
			g.Crates.SetOwner(tx, id, world.Player(1+r.IntN(2)))
		default:
			g.Crates.Edit(tx, id).Worth += 1 << r.IntN(50)
		}
	}
	switch r.IntN(10) {
	case 0:
		g.wander(tx)
	case 1:
		for id := range g.Tides.All(tx) {
			e := g.Tides.Edit(tx, id)
			e.Level, e.Code = int8(r.IntN(21)-10), e.Code+1
		}
	case 2:
		tx.SetView(1, world.Pos{X: 200 * r.Float64(), Y: 100}, 60)
	case 3:
		tx.SetTeam(1, world.TeamID(1+r.IntN(2)))
	}
}

// wander lets a boat come that is nobody's, or sink.
func (g *harbour) wander(tx *world.Tx) {
	for id := range g.Boats.Owned(tx, 0) {
		if g.Boats.Len(tx) > 5 || g.chance.IntN(2) == 0 {
			g.Boats.Remove(tx, id)
			break
		}
	}
	g.Boats.Insert(tx, boat{X: 200 * float32(g.chance.Float64()), Y: 100, VX: float32(g.chance.IntN(41) - 20), Hull: 200})
}

func keysOf(rows func(func(world.ID, crate) bool)) func(func(world.ID) bool) {
	return func(yield func(world.ID) bool) {
		for id := range rows {
			if !yield(id) {
				return
			}
		}
	}
}

// crossing is a voyage under way.
type crossing struct {
	voyage
	*testing.T
	chance   *rand.Rand
	game     *harbour
	world    *world.World
	client   *replicate.Client
	scratch  replicate.Scratch
	player   *player
	scenario *scenario
	tick     int
	down, up []underway
	resynced bool
}

// underway is a datagram on its way.
type underway struct {
	at    int
	bytes []byte
}

// play runs the voyage and returns its scenario.
func (v voyage) play(t *testing.T) *scenario {
	t.Helper()
	c := &crossing{voyage: v, T: t, chance: rand.New(rand.NewPCG(v.seed, 6)), game: newHarbour(v.seed)}
	var err error
	if c.world, err = world.New(c.game, world.Config{Seed: v.seed, TickPeriodNS: voyagePeriod.Nanoseconds()}); err != nil {
		t.Fatal(err)
	}
	for range voyageStart {
		c.step(world.Commands{})
	}
	c.step(world.Commands{Joins: []world.Join{{Player: 1}, {Player: 2}}})
	c.begin()
	for c.tick = 1; c.tick <= busyTicks+restTicks; c.tick++ {
		c.game.resting = c.tick > busyTicks
		c.step(world.Commands{Inputs: c.inputs()})
		c.serve()
	}
	if c.scenario.End, err = c.player.end(c.scenario.PeriodNS); err != nil {
		t.Fatal(err)
	}
	return c.scenario
}

func (c *crossing) step(commands world.Commands) {
	if _, _, err := c.world.Step(commands); err != nil {
		c.Fatal(err)
	}
}

func (c *crossing) begin() {
	s := c.world.View().Schema()
	var err error
	if c.client, err = replicate.NewClient(s, 1, protocol.MaxEpoch, voyageSequence, replicate.Config{
		Period: voyagePeriod, BudgetBytes: 150, DatagramBytes: 120, EventTicks: voyageEvents, Breach: c.breach,
	}); err != nil {
		c.Fatal(err)
	}
	c.scenario = &scenario{
		Name: c.name, Schema: hex.EncodeToString(s.Append(nil)), Epoch: c.client.Epoch(), Tick: c.world.View().Tick,
		NextSequence: c.client.NextSequence(), AgeMax: voyageAge, EventTicks: voyageEvents, PeriodNS: voyagePeriod.Nanoseconds(),
	}
	if c.player, err = c.scenario.begin(); err != nil {
		c.Fatal(err)
	}
}

func (c *crossing) inputs() (out []world.Input) {
	if c.game.resting {
		return nil
	}
	for p := world.Player(1); p <= 2; p++ {
		data, err := c.game.AppendInput(nil, helm{VX: int8(c.chance.IntN(5) * 4), VY: int8(-c.chance.IntN(5)), Drop: c.chance.IntN(25) == 0})
		if err != nil {
			c.Fatal(err)
		}
		out = append(out, world.Input{Player: p, Data: data})
	}
	return out
}

// serve is one tick between the server and the replica.
func (c *crossing) serve() {
	now := time.Unix(0, 0).Add(time.Duration(c.tick) * voyagePeriod)
	for _, b := range c.arrived(&c.up) {
		var in protocol.Input
		if err := protocol.ParseInput(b, c.world.View().Schema(), &in); err != nil {
			c.Fatal(err)
		}
		if in.HasAck {
			if _, err := c.client.Ack(in.Epoch, uint16(in.Newest), in.Missing, now); err != nil {
				c.Fatal(err)
			}
		}
	}
	c.interrupt()
	tick := c.world.View().Tick
	pass := replicate.Pass{View: c.world.View(), Now: now, HasInput: true, InputTick: tick + uint64(c.chance.IntN(4)), Margin: int8(c.chance.IntN(20) - 10)}
	for _, d := range c.client.Pass(pass, &c.scratch) {
		c.send(&c.down, slices.Clone(d.Bytes))
		c.client.Sent(d)
	}
	for _, b := range c.arrived(&c.down) {
		if c.chance.IntN(30) == 0 || c.forged && c.chance.IntN(2) == 0 {
			if c.scenario.Steps = append(c.scenario.Steps, c.player.apply(c.damage(b))); c.chance.IntN(2) == 0 {
				continue
			}
		}
		c.scenario.Steps = append(c.scenario.Steps, c.player.apply(b))
	}
	var in protocol.Input
	c.player.Ack(&in)
	c.send(&c.up, protocol.AppendInput(nil, &in))
}

// damage cuts a datagram, adds a byte, or changes some.
func (c *crossing) damage(b []byte) []byte {
	if body := len(b) - protocol.StateHeaderBytes; c.forged && body > 0 {
		b = slices.Clone(b)
		for range 1 + c.chance.IntN(3) {
			b[protocol.StateHeaderBytes+c.chance.IntN(body)] = byte(c.chance.IntN(256) >> c.chance.IntN(6))
		}
		return b
	}
	if c.chance.IntN(2) == 0 {
		return b[:len(b)-1]
	}
	return append(slices.Clone(b), 0)
}

// interrupt answers a resync, and ends epochs and connections now and then.
func (c *crossing) interrupt() {
	if !c.player.Orphaned() {
		c.resynced = false
	} else if !c.resynced {
		c.resynced = true
		c.client.NewEpoch()
	}
	if !c.ends || c.game.resting {
		return
	}
	switch c.chance.IntN(25) {
	case 0:
		c.client.NewEpoch()
	case 1:
		c.client.Resume()
		c.down, c.up = nil, nil
		c.scenario.Steps = append(c.scenario.Steps, c.player.resume(c.world.View().Tick, c.client.NextSequence()))
	}
}

// send puts a datagram on its way: it may be lost, doubled, late, or too late.
func (c *crossing) send(to *[]underway, b []byte) {
	if !c.game.resting && c.chance.Float64() < c.loss {
		return
	}
	for range 1 + c.chance.IntN(15)/14 {
		late := c.chance.IntN(4)
		if !c.game.resting && c.chance.IntN(40) == 0 {
			late += voyageAge + 2
		}
		*to = append(*to, underway{c.tick + late, b})
	}
}

// arrived takes what arrives in this tick, in any order.
func (c *crossing) arrived(from *[]underway) (out [][]byte) {
	*from = slices.DeleteFunc(*from, func(u underway) bool {
		if u.at <= c.tick {
			out = append(out, u.bytes)
		}
		return u.at <= c.tick
	})
	c.chance.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// covers fails the test when the scenario has nothing of what it is for.
func (v voyage) covers(t *testing.T, sc *scenario) {
	t.Helper()
	met := map[string]int{}
	count := func(what string, is bool) {
		if is {
			met[what]++
		}
	}
	for _, s := range sc.Steps {
		count("ignored", s.Ignored)
		count("new epochs", s.NewEpoch)
		count("faults", s.Reject != "")
		count("resumes", s.Resume != nil)
		count("orphans", s.Orphaned)
		for _, c := range s.Changes {
			count("removals", c.Removed)
		}
		for _, r := range s.Rows {
			count([]string{"public", "team", "own"}[r.Class], true)
			count("origins", r.Insert > 0)
		}
		count("events", len(s.Events) > 0)
		count("more than 16,383", s.Header != nil && s.Header.Tick > 1<<14 && s.Header.Sequence > 1<<14)
	}
	want := []string{"ignored", "faults", "removals", "public", "team", "own", "origins", "events", "more than 16,383"}
	if v.ends {
		want = append(want, "new epochs", "resumes")
	}
	if v.breach != 0 {
		want = append(want, "orphans", "new epochs")
	}
	for _, what := range want {
		if met[what] == 0 {
			t.Errorf("the scenario has no %s", what)
		}
	}
	if len(sc.End) == 0 {
		t.Error("the scenario ends without a row")
	}
	t.Logf("%d steps, %d rows in the end: %v", len(sc.Steps), len(sc.End), met)
}
