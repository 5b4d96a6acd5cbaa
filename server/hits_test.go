package server_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

const (
	rangeSide    = 1000
	rangeSight   = 420
	rangeTargets = 60
	targetSpeed  = 240.0 // units per second, an arena ship's fastest
	hitRadius    = 12.0
	hitsRate     = 20 // Hz
)

// target flies at full speed, and turns once a second or so.
type target struct {
	X  float32 `net:"range=0:1000,step=0.1,pos=x,reckon=VX,tolerance=1"`
	Y  float32 `net:"range=0:1000,step=0.1,pos=y,reckon=VY,tolerance=1"`
	VX float32 `net:"range=-320:320,step=0.04"`
	VY float32 `net:"range=-320:320,step=0.04"`
}

// gun is a player's; it stands in the middle.
type gun struct {
	X float32 `net:"range=0:1000,step=0.1,pos=x"`
	Y float32 `net:"range=0:1000,step=0.1,pos=y"`
}

// trigger fires a shot when its number is a new one.
type trigger struct {
	Aim  float32 `net:"range=0:360,step=0.05,wrap"`
	Shot uint16
}

// shootingRange is a game in which nothing but hits counts.
type shootingRange struct {
	*world.GameOf[trigger]
	Guns    world.Table[gun]
	Targets world.Table[target]

	mu   sync.Mutex
	hits map[[2]uint32]world.ID // what a player's shot hit; zero: nothing
}

func newShootingRange(options ...world.TableOption) *shootingRange {
	g := &shootingRange{GameOf: world.NewGame[trigger]("range"), hits: map[[2]uint32]world.ID{}}
	g.Guns = world.AddTable[gun](g, "gun")
	g.Targets = world.AddTable[target](g, "target", options...)
	g.OnStart(func(tx *world.Tx) {
		for range rangeTargets {
			t := target{X: tx.Rand().Float32() * rangeSide, Y: tx.Rand().Float32() * rangeSide}
			t.turn(tx)
			g.Targets.Insert(tx, t)
		}
	})
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		g.Guns.Insert(tx, gun{rangeSide / 2, rangeSide / 2}, world.Owner(p))
		tx.SetView(p, world.Pos{X: rangeSide / 2, Y: rangeSide / 2}, rangeSight)
		tx.Seen(p) // so that the first shot counts, too
		return nil
	})
	g.OnInput(g.fire)
	g.OnTick(func(tx *world.Tx) {
		for id := range g.Targets.All(tx) {
			g.Targets.Edit(tx, id).fly(tx)
		}
	})
	return g
}

func (t *target) turn(tx *world.Tx) {
	y, x := math.Sincos(tx.Rand().Float64() * 2 * math.Pi)
	t.VX, t.VY = float32(targetSpeed*x), float32(targetSpeed*y)
}

func (t *target) fly(tx *world.Tx) {
	if tx.Rand().IntN(hitsRate) == 0 {
		t.turn(tx)
	}
	t.X, t.VX = bounce(t.X, t.VX)
	t.Y, t.VY = bounce(t.Y, t.VY)
}

func bounce(at, v float32) (float32, float32) {
	next := at + v/hitsRate
	if next < 0 || next > rangeSide {
		return at, -v
	}
	return next, v
}

func (g *shootingRange) fire(tx *world.Tx, p world.Player, in trigger) {
	if tx.Predicting() {
		return // the server says what is hit
	}
	shot := [2]uint32{uint32(p), uint32(in.Shot)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, fired := g.hits[shot]; fired || in.Shot == 0 {
		return
	}
	var best aimed
	for id, t := range g.Targets.Near(tx.Seen(p), world.Pos{X: rangeSide / 2, Y: rangeSide / 2}, rangeSight) {
		best.consider(in.Aim, id, t)
	}
	g.hits[shot] = best.id
}

// aimed is the nearest target in the line of fire.
type aimed struct {
	id   world.ID
	away float64
}

func (a *aimed) consider(aim float32, id world.ID, t target) {
	dy, dx := math.Sincos(float64(aim) * math.Pi / 180)
	x, y := float64(t.X)-rangeSide/2, float64(t.Y)-rangeSide/2
	along, aside := x*dx+y*dy, y*dx-x*dy
	if along > 0 && math.Abs(aside) <= hitRadius && x*x+y*y <= rangeSight*rangeSight && (a.id == 0 || along < a.away) {
		a.id, a.away = id, along
	}
}

// marksman is a client that shoots at what it shows.
type marksman struct {
	*rawConn
	game    *shootingRange
	chance  *rand.Rand
	player  world.Player
	schema  *schema.Schema
	motion  *schema.Motion
	rules   *replica.Replica
	past    map[uint32][]seenRecord // by index
	period  time.Duration
	began   time.Time
	ahead   float64 // the newest tick at the beginning, as the quickest datagram tells
	tick    uint64  // of the latest input
	shots   uint16
	hits    map[uint16]aimed // what shots hit on the screen
	delay   float64          // ticks
	pending [3]struct {
		tick uint64
		lag  uint16
		data []byte
	}
}

type seenRecord struct {
	world.Record
	gen  uint16
	gone bool
}

const targetTable = 1

func (s *simulation) marksman(g *shootingRange, n int, delay float64) *marksman {
	m := &marksman{
		rawConn: s.dial(s.sockets[n]), game: g, chance: rand.New(rand.NewPCG(s.net.seed, uint64(n))), past: map[uint32][]seenRecord{},
		hits: map[uint16]aimed{}, delay: delay, began: time.Now(), ahead: -1e9,
	}
	w := m.hello(g)
	m.player, m.period = world.Player(w.Player), w.TickPeriod
	var err error
	if m.schema, err = world.SchemaOf(g); err != nil {
		s.t.Fatal(err)
	}
	if m.motion, err = m.schema.Tables[targetTable].Motion(m.period.Nanoseconds()); err != nil {
		s.t.Fatal(err)
	}
	m.rules, err = replica.New(m.schema, replica.Config{Epoch: w.Epoch, Tick: w.Tick, Sequence: w.NextSequence, Age: w.AgeMax, EventTicks: w.EventTicks})
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// play shows a frame in each period, and shoots in most of them.
func (m *marksman) play(frames int) {
	for n := range frames {
		m.hear(m.began.Add(time.Duration(n+1) * m.period))
		m.frame(n > 2*hitsRate)
	}
}

// hear takes what comes until a moment.
func (m *marksman) hear(until time.Time) {
	ctx, cancel := context.WithDeadline(m.t.Context(), until)
	defer cancel()
	for {
		b, err := m.ReceiveDatagram(ctx)
		if err != nil {
			return
		}
		applied, err := m.rules.Apply(b)
		if err != nil {
			m.t.Errorf("a datagram is refused: %v", err)
		}
		if applied.Ignored {
			continue
		}
		m.ahead = max(m.ahead, float64(applied.Header.Tick)-m.now())
		for _, ch := range applied.Changes {
			if ch.Table == targetTable {
				m.keep(ch, applied.Header.Tick)
			}
		}
	}
}

// now is the time since the beginning in ticks.
func (m *marksman) now() float64 { return float64(time.Since(m.began)) / float64(m.period) }

func (m *marksman) keep(ch replica.Change, tick uint64) {
	r := seenRecord{Record: world.Record{Tick: tick}, gone: true}
	if row, ok := m.rules.Get(ch.Table, ch.Index); ok && !ch.Removed {
		r = seenRecord{Record: world.Record{Tick: uint64(row.Tick), Class: row.Class, Words: slices.Clone(row.Words)}, gen: row.Generation}
	}
	m.past[ch.Index] = append(m.past[ch.Index], r)
}

// shown calls yield for each target as it is shown at a moment.
func (m *marksman) shown(at world.Moment, yield func(world.ID, target)) {
	for index, records := range m.past {
		from := -1
		for i := range records {
			if records[i].Tick <= at.Tick() {
				from = i
			}
		}
		if from < 0 || records[from].gone {
			continue
		}
		r := &records[from]
		span := world.Span{From: r.Record}
		if from > 0 && records[from-1].gen == r.gen {
			span.Before = records[from-1].Record
		}
		if from+1 < len(records) && records[from+1].gen == r.gen {
			span.To = records[from+1].Record
		}
		var row target
		m.game.Targets.Show(&row, m.motion, at, &span)
		yield(schema.MakeID(index, r.gen), row)
		m.past[index] = records[max(0, from-8):]
	}
}

// frame shows what there is, aims beside a target, and sends the input.
func (m *marksman) frame(shoot bool) {
	line := m.ahead + m.now() // the newest tick that has come by the quickest way
	if line < m.delay {
		return
	}
	at := world.Moment((line - m.delay) * world.MomentsPerTick)
	m.tick = max(m.tick+1, uint64(line)+5)
	in := trigger{Shot: m.shots}
	if shoot {
		m.shots++
		in.Shot = m.shots
		in.Aim = m.aim(at)
		var best aimed
		m.shown(at, func(id world.ID, t target) { best.consider(in.Aim, id, t) })
		m.hits[in.Shot] = best
	}
	data, err := m.game.AppendInput(nil, in)
	if err != nil {
		m.t.Error(err)
	}
	copy(m.pending[1:], m.pending[:])
	m.pending[0].tick, m.pending[0].lag, m.pending[0].data = m.tick, protocol.LagOf(m.tick, uint64(at)), data
	out := protocol.Input{Tick: m.tick}
	m.rules.Ack(&out)
	for i, p := range m.pending {
		if p.tick+uint64(i) == m.tick {
			out.Inputs[i], out.Lags[i], out.Count = p.data, p.lag, i+1
		}
	}
	m.SendDatagram(protocol.AppendInput(nil, &out))
}

// aim is an angle at which some target is shown, or nearly.
func (m *marksman) aim(at world.Moment) float32 {
	var all []target
	m.shown(at, func(_ world.ID, t target) { all = append(all, t) })
	if len(all) == 0 {
		return 0
	}
	slices.SortFunc(all, func(a, b target) int { return int(math.Float32bits(a.X)) - int(math.Float32bits(b.X)) })
	return aimBeside(m.chance, all[m.chance.IntN(len(all))])
}

// aimBeside is an angle that passes a target by up to one and a half times what still hits.
func aimBeside(chance *rand.Rand, t target) float32 {
	x, y := float64(t.X)-rangeSide/2, float64(t.Y)-rangeSide/2
	aside := (chance.Float64() - 0.5) * 3 * hitRadius
	angle := math.Mod((math.Atan2(y, x)+aside/max(1, math.Hypot(x, y)))*180/math.Pi+360, 360)
	return float32(math.Mod(math.Round(angle/0.05)*0.05, 360))
}

// agreement is how many of the shots that hit on the screen hit for the server, near and far.
type agreement struct{ shots, near, nearAgreed, far, farAgreed int }

func (a agreement) share() float64 {
	return float64(a.nearAgreed+a.farAgreed) / float64(max(1, a.near+a.far))
}

func (a agreement) String() string {
	return fmt.Sprintf("%.2f %% of %d hits in %d shots: %d of %d near, %d of %d far",
		100*a.share(), a.near+a.far, a.shots, a.nearAgreed, a.near, a.farAgreed, a.far)
}

// judge wants nearly every hit to agree with lag compensation, and clearly fewer without.
func judge(t *testing.T, on, off agreement) {
	t.Helper()
	t.Logf("not compensated: %v", off)
	if on.shots < 1000 || on.near < 100 || on.far < 100 {
		t.Errorf("%v: that is too little", on)
	}
	if on.share() < 0.99 {
		t.Errorf("compensated: %v; want 99 %%", on)
	}
	if off.share() > 0.7 {
		t.Errorf("not compensated: %v; want clearly less", off)
	}
}

// compare compares what a player's shots hit on its screen with what they hit.
func (g *shootingRange) compare(p world.Player, hits map[uint16]aimed, a *agreement) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for shot, screen := range hits {
		a.shots++
		if screen.id == 0 {
			continue
		}
		hit, fired := g.hits[[2]uint32{uint32(p), uint32(shot)}]
		agreed := 0
		if fired && hit == screen.id {
			agreed = 1
		}
		if screen.away < rangeSight/2 {
			a.near, a.nearAgreed = a.near+1, a.nearAgreed+agreed
		} else {
			a.far, a.farAgreed = a.far+1, a.farAgreed+agreed
		}
	}
}

// shootOut lets some marksmen shoot for a minute at 150 ms round trip and 2 % loss.
func shootOut(t *testing.T, seed uint64, g *shootingRange, cfg server.Config, delay float64) (a agreement, st server.Stats) {
	w := weather{delay: 75 * time.Millisecond}
	cfg.Games, cfg.TickRate = []world.Game{g}, hitsRate
	simulate(t, seed, w, cfg, func(s *simulation) {
		lossy := w
		lossy.lossPerMille = 20
		all := make([]*marksman, 3)
		for i := range all {
			all[i] = s.marksman(g, i, delay)
		}
		s.net.weather.Store(&lossy)
		var work sync.WaitGroup
		for _, m := range all {
			work.Go(func() { m.play(40 * hitsRate) })
		}
		work.Wait()
		time.Sleep(time.Second)
		for _, m := range all {
			g.compare(m.player, m.hits, &a)
		}
		st = s.server.Stats()
	})
	return a, st
}

// TestWhatHitsOnTheScreenHits is the hit agreement.
func TestWhatHitsOnTheScreenHits(t *testing.T) {
	plainOnly(t)
	for _, c := range []struct {
		name    string
		options []world.TableOption
		delay   float64 // ticks
	}{
		{"dead-reckoned", nil, 2.3},
		{"dead-reckoned, late", nil, 4.1},
		{"plain", []world.TableOption{world.Exact()}, 4.6},
		{"plain, of which the newest is not there yet", []world.TableOption{world.Exact()}, 1.7},
		{"plain, extrapolated", []world.TableOption{world.Exact(), world.ShownAs(world.Extrapolate)}, 1.7},
	} {
		t.Run(c.name, func(t *testing.T) {
			const seed = 7
			on, st := shootOut(t, seed, newShootingRange(c.options...), server.Config{}, c.delay)
			t.Logf("compensated: %v; asked %d, unknown %d, refused %d, clamped %d", on, st.Sights, st.SightsUnknown, st.SightsRefused, st.SightsClamped)
			off, _ := shootOut(t, seed, newShootingRange(c.options...), server.Config{LagCompensation: -1}, c.delay)
			judge(t, on, off)
		})
	}
}
