package feel

import (
	"math"

	"github.com/quicstep/quicstep/world"
)

// The field, and how things move on it, in units and ticks.
const (
	side        = 1000
	sight       = 400
	targets     = 48
	shipSpeed   = 4.0
	targetSpeed = 4.0
	hitRadius   = 2.0 // half of what a target goes in a tick
	aimRadius   = 1.8 // players aim so far off a target's middle at most, evenly, so that near misses would show
	turnsEvery  = 45  // ticks from one turn of a target to the next, on average
)

// ship is a player's.
type ship struct {
	X    float32 `net:"range=0:1000,step=0.1,own,pos=x"`
	Y    float32 `net:"range=0:1000,step=0.1,own,pos=y"`
	Mark float32 `net:"range=0:60000,step=1"` // what the latest input said, to be recognised by
	Shot uint16  `net:"-"`                    // the number of the latest shot
	AtX  float32 `net:"-"`                    // and where it was aimed at
	AtY  float32 `net:"-"`
}

// target is shot at. It goes straight on and turns now and then.
type target struct {
	X  float32 `net:"range=0:1000,step=0.1,pos=x"`
	Y  float32 `net:"range=0:1000,step=0.1,pos=y"`
	VX float32 `net:"-"`
	VY float32 `net:"-"`
}

// tally is what the server says of a player's shots. It is nobody's, so that it is not predicted.
type tally struct {
	Player      uint32
	Shots, Hits uint32
	Last        uint16 `net:"-"`
}

// ask is what a player asks for in a tick.
type ask struct {
	DX   int8    `net:"range=-1:1"`
	DY   int8    `net:"range=-1:1"`
	Mark float32 `net:"range=0:60000,step=1"`
	Shot uint16  // another number than before fires
	AtX  float32 `net:"range=0:1000,step=0.05"`
	AtY  float32 `net:"range=0:1000,step=0.05"`
}

// game is a shooting range on which players move, too.
type game struct {
	*world.GameOf[ask]
	ships   world.Table[ship]
	targets world.Table[target]
	tallies world.Table[tally]
}

func newGame() *game {
	g := &game{GameOf: world.NewGame[ask]("feel")}
	g.ships = world.AddTable[ship](g, "ship")
	g.targets = world.AddTable[target](g, "target")
	g.tallies = world.AddTable[tally](g, "tally")
	g.OnStart(func(tx *world.Tx) {
		for range targets {
			t := target{X: tx.Rand().Float32() * side, Y: tx.Rand().Float32() * side}
			t.turn(tx)
			g.targets.Insert(tx, t)
		}
	})
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		g.ships.Insert(tx, ship{X: side / 2, Y: side / 2}, world.Owner(p))
		g.tallies.Insert(tx, tally{Player: uint32(p)})
		return nil
	})
	g.OnInput(g.move)
	g.OnTick(g.tick)
	return g
}

// move is what clients predict.
func (g *game) move(tx *world.Tx, p world.Player, in ask) {
	for id := range g.ships.Owned(tx, p) {
		s := g.ships.Edit(tx, id)
		s.X = max(0, min(s.X+float32(in.DX)*shipSpeed, side))
		s.Y = max(0, min(s.Y+float32(in.DY)*shipSpeed, side))
		s.Mark = in.Mark
		s.Shot, s.AtX, s.AtY = in.Shot, in.AtX, in.AtY
		tx.SetView(p, world.Pos{X: float64(s.X), Y: float64(s.Y)}, sight)
	}
}

func (g *game) tick(tx *world.Tx) {
	for id, t := range g.tallies.All(tx) {
		for _, s := range g.ships.Owned(tx, world.Player(t.Player)) {
			if s.Shot != t.Last {
				g.judge(tx, id, s)
			}
		}
	}
	for id := range g.targets.All(tx) {
		g.targets.Edit(tx, id).move(tx)
	}
}

// judge tells whether a shot hits, where targets are as its player saw them.
func (g *game) judge(tx *world.Tx, id world.ID, s ship) {
	t := g.tallies.Edit(tx, id)
	t.Last = s.Shot
	t.Shots++
	for range g.targets.Near(tx.Seen(world.Player(t.Player)), world.Pos{X: float64(s.AtX), Y: float64(s.AtY)}, hitRadius) {
		t.Hits++
		return
	}
}

func (t *target) turn(tx *world.Tx) {
	y, x := math.Sincos(tx.Rand().Float64() * 2 * math.Pi)
	t.VX, t.VY = float32(targetSpeed*x), float32(targetSpeed*y)
}

func (t *target) move(tx *world.Tx) {
	if tx.Rand().IntN(turnsEvery) == 0 {
		t.turn(tx)
	}
	t.X, t.VX = bounce(t.X, t.VX)
	t.Y, t.VY = bounce(t.Y, t.VY)
}

// bounce moves one coordinate for a tick and reflects it at the walls.
func bounce(at, v float32) (float32, float32) {
	if next := at + v; next >= 0 && next <= side {
		return next, v
	}
	return at, -v
}
