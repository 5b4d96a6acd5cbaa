// Package arena is the default game: ships fly, turn, shoot and come back, among drones that drift about. It shows
// what pong has no use for: views that are bounded by distance, fields for the owner alone, events, messages,
// requests, prediction and bots.
//
// Read arena.go for what there is and who sees it, flight.go for what an input does and clients predict, fight.go
// for what the server alone decides, names.go for a request, bot.go for how bots play, and bench.go for the same
// tables under a workload that can be measured.
package arena

import (
	"math"
	"slices"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/world"
)

// Lengths are in the units of the coordinates, times in seconds: the game plays the same at any tick rate.
const (
	// Sight is how far a player sees.
	Sight = 400
	// Range is how far a shot reaches, and HitRadius how far from its line it still hits.
	Range     = 300
	HitRadius = 12
	// MaxSpeed bounds a ship's speed, in units per second.
	MaxSpeed = 240
	// ShipHull and DroneHull are how many hits destroy one.
	ShipHull  = 4
	DroneHull = 2
	// ShipScore and DroneScore are what it earns to destroy one.
	ShipScore  = 5
	DroneScore = 1

	cellSize = 100 // half of what the bench's players see, a quarter of Sight
)

// Rules are what a room plays by. They are a row, so that a client predicts by the server's, whatever its own are.
type Rules struct {
	// TickRate is in Hz.
	TickRate uint16 `net:"range=1:240"`
	// Side is the length of each of the four walls, which stand at zero and at Side.
	Side uint16 `net:"range=100:6553"`
}

// Ship is a player's. While Hull is zero it is a wreck, which neither flies nor is hit. Others than its player are told
// when it flies otherwise than they reckon.
type Ship struct {
	X      float32 `net:"range=0:6553.5,step=0.1,own,pos=x,reckon=VX,tolerance=1"`
	Y      float32 `net:"range=0:6553.5,step=0.1,own,pos=y,reckon=VY,tolerance=1"`
	VX     float32 `net:"range=-320:320,step=0.04"` // units per second
	VY     float32 `net:"range=-320:320,step=0.04"`
	Aim    float32 `net:"range=0:360,step=3,wrap"` // degrees, from x towards y
	Hull   uint8   `net:"range=0:4"`
	Score  uint16
	Deaths uint16
	Name   string `net:"max=16"`
	Ready  uint32 `net:"owner"` // the tick from which it can fire again
	Back   uint32 `net:"-"`     // the tick in which a wreck becomes a ship again
}

// Drone is prey. It flies straight on until it turns, so clients reckon where it is. One that is destroyed is removed, and another one comes elsewhere.
type Drone struct {
	X    float32 `net:"range=0:6553.5,step=0.1,pos=x,reckon=VX,tolerance=0.5"`
	Y    float32 `net:"range=0:6553.5,step=0.1,pos=y,reckon=VY,tolerance=0.5"`
	VX   float32 `net:"range=-64:64,step=0.01"` // units per second
	VY   float32 `net:"range=-64:64,step=0.01"`
	Hull uint8   `net:"range=0:2"`
}

// Shot is a shot's whole flight: it hits in the tick in which it is fired, at Length from where it began.
type Shot struct {
	X      float32 `net:"range=0:6553.5,step=0.1,pos=x"`
	Y      float32 `net:"range=0:6553.5,step=0.1,pos=y"`
	Aim    float32 `net:"range=0:360,step=3,wrap"`
	Length float32 `net:"range=0:320,step=1"`
	By     world.ID
}

// Boom is the end of a ship or drone.
type Boom struct {
	X    float32 `net:"range=0:6553.5,step=0.1,pos=x"`
	Y    float32 `net:"range=0:6553.5,step=0.1,pos=y"`
	Ship bool
}

// Kill tells two players that the ship of one has destroyed the other's, by their names.
type Kill struct {
	Killer string `net:"max=16"`
	Victim string `net:"max=16"`
}

// Steer is what a player asks for in a tick: the ship points to Aim at once.
type Steer struct {
	Aim    float32 `net:"range=0:360,step=3,wrap"`
	Thrust bool
	Fire   bool
}

// Arena is the game: its tables, and what happens in a tick.
type Arena struct {
	*world.GameOf[Steer]
	Rules  world.Singleton[Rules]
	Ships  world.Table[Ship]
	Drones world.Table[Drone]
	Shots  world.Event[Shot]
	Booms  world.Event[Boom]
	Kills  world.Message[Kill]
	Rename world.Request[Rename, Renamed]

	rules    Rules
	drones   int
	workload world.Workload // of Bench
}

// Config is how an arena is laid out.
type Config struct {
	// TickRate is in Hz, from 1 to 240; zero means 30. It must be the server's: see Arena.SetTickRate.
	TickRate int
	// Drones is how many there are at any time; zero means 60, and less than zero none.
	Drones int
	// Side is the length of a wall; zero means 2000. It is cut to 100 at least, and 6553 at most.
	Side int
}

// New defines the game.
func New(c Config) *Arena {
	if c.TickRate == 0 {
		c.TickRate = 30
	}
	if c.Drones == 0 {
		c.Drones = 60
	}
	if c.Side == 0 {
		c.Side = 2000
	}
	g := define(c)
	g.OnStart(g.start)
	g.OnJoin(g.join)
	g.OnLeave(g.leave)
	g.OnInput(g.steer)
	g.System("drones", g.roam)
	g.System("fight", g.fight)
	g.OnTick(g.rule)
	g.OnBot(g.bot)
	return g
}

// define defines what the game has in common with its bench: everything that travels.
func define(c Config, tables ...world.TableOption) *Arena {
	g := &Arena{GameOf: world.NewGame[Steer]("arena"), drones: c.Drones}
	g.rules.Side = uint16(max(100, min(c.Side, 6553)))
	g.SetTickRate(c.TickRate)
	g.Rules = world.AddSingleton(g, "rules", Rules{})
	tables = append(tables, world.CellSize(cellSize))
	g.Ships = world.AddTable[Ship](g, "ship", append(slices.Clip(tables), world.Teleport(50))...) // a wreck comes back elsewhere
	g.Drones = world.AddTable[Drone](g, "drone", tables...)
	g.Shots = world.AddEvent[Shot](g, "shot")
	g.Booms = world.AddEvent[Boom](g, "boom")
	g.Kills = world.AddMessage[Kill](g, "kill")
	g.Rename = world.AddRequest(g, "rename", g.rename)
	g.OnShown(g.shown)
	return g
}

// SetTickRate tells the game how many ticks of the server make a second. It must be called before the first use of
// the game; clients need not, since the server's rules reach them.
func (g *Arena) SetTickRate(hz int) { g.rules.TickRate = uint16(max(1, min(hz, protocol.MaxTickRate))) }

func (g *Arena) start(tx *world.Tx) {
	*g.Rules.Edit(tx) = g.rules
	for range g.drones {
		g.addDrone(tx)
	}
}

func (g *Arena) addDrone(tx *world.Tx) {
	d := Drone{Hull: DroneHull}
	d.X, d.Y = g.anywhere(tx)
	d.turn(tx)
	g.Drones.Insert(tx, d)
}

// anywhere is a place of which each is as likely as any other.
func (g *Arena) anywhere(tx *world.Tx) (x, y float32) {
	side := float32(g.rules.Side)
	return tx.Rand().Float32() * side, tx.Rand().Float32() * side
}

func (g *Arena) join(tx *world.Tx, p world.Player) error {
	s := Ship{Hull: ShipHull, Name: g.freeName(tx, p)}
	s.X, s.Y = g.anywhere(tx)
	g.Ships.Insert(tx, s, world.Owner(p))
	tx.Seen(p) // so that the server remembers from now on what it is shown: see shoot
	return nil
}

func (g *Arena) leave(tx *world.Tx, p world.Player, _ world.LeaveReason) {
	for id := range g.Ships.Owned(tx, p) {
		g.Ships.Remove(tx, id)
	}
}

// ship is a player's ship; ok is false when it has none, or its client has not received it yet.
func (g *Arena) ship(r world.Reader, p world.Player) (s Ship, ok bool) {
	for _, s := range g.Ships.Owned(r, p) {
		return s, true
	}
	return Ship{}, false
}

// shown tells whether a ship points to where an input asked it to.
func (g *Arena) shown(v *world.View, me world.Player, in Steer) bool {
	s, ok := g.ship(v, me)
	return ok && math.Abs(math.Remainder(float64(s.Aim)-float64(in.Aim), 360)) <= 1.5
}
