package server_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/world"
)

const (
	fieldSide = 1000
	banners   = 16
	sight     = 300
	stones    = 150
)

// unit is a player's figure.
type unit struct {
	X   float32 `net:"range=0:1000,step=0.1,own,pos=x"`
	Y   float32 `net:"range=0:1000,step=0.1,own,pos=y"`
	HP  uint16
	Key uint16 `net:"owner"`
	Ply uint8  `net:"team"`
}

type stone struct {
	X      float32 `net:"range=0:1000,step=0.5,pos=x"`
	Y      float32 `net:"range=0:1000,step=0.5,pos=y"`
	Kind   uint8
	Secret uint8 `net:"owner"`
	Ours   uint8 `net:"team"`
}

// banner is a lot of bytes that everybody sees.
type banner struct {
	Text string `net:"max=250"`
}

// flash is an event that happens somewhere; N tells it apart from all others.
type flash struct {
	X float32 `net:"range=0:1000,step=0.5,pos=x"`
	Y float32 `net:"range=0:1000,step=0.5,pos=y"`
	N uint32
}

// news is a message to the room, or to some.
type news struct {
	Text string `net:"max=40"`
}

// What players can ask: a few points of HP.
type (
	potion struct{ HP uint8 }
	healed struct{ HP uint16 }
)

type score struct{ Ticks, Joins, Leaves uint32 }

type stride struct {
	DX  int8    `net:"range=-2:2"`
	DY  int8    `net:"range=-2:2"`
	Aim float32 `net:"range=0:1,step=0.01"`
}

// arena is a game with a bit of everything, and switches for tests to turn while it runs.
type arena struct {
	*world.GameOf[stride]
	Units   world.Table[unit]
	Stones  world.Table[stone]
	Kites   world.Table[kite]
	Banners world.Table[banner]
	Score   world.Singleton[score]
	Flashes world.Event[flash]
	News    world.Message[news]
	Potions world.Request[potion, healed]

	restless    bool         // kites fly, stones change hands and players their teams; set before the first use
	left        atomic.Int32 // why the latest player left
	flashed     atomic.Uint32
	heals       atomic.Int32                    // potions that were drunk
	herald      atomic.Pointer[func(*world.Tx)] // runs in the next OnTick
	resting     atomic.Bool                     // nothing happens but what players do
	loud        atomic.Bool                     // the banners change with each tick
	refusal     atomic.Pointer[string]          // OnJoin's error
	tickPanics  atomic.Int32                    // in how many more ticks OnTick panics
	joinPanics  atomic.Int32
	leavePanics atomic.Int32
	stall       atomic.Int64 // how long the next OnTick takes
}

func newArena() *arena {
	g := &arena{GameOf: world.NewGame[stride]("arena")}
	g.Units = world.AddTable[unit](g, "unit")
	g.Stones = world.AddTable[stone](g, "stone")
	g.Banners = world.AddTable[banner](g, "banner")
	g.Score = world.AddSingleton(g, "score", score{})
	g.Kites = world.AddTable[kite](g, "kite")
	g.Flashes = world.AddEvent[flash](g, "flash")
	g.News = world.AddMessage[news](g, "news")
	g.Potions = world.AddRequest(g, "potion", g.heal)
	g.OnStart(func(tx *world.Tx) {
		for range stones {
			g.Stones.Insert(tx, randomStone(tx))
		}
		for i := 0; g.restless && i < kites; i++ {
			g.Kites.Insert(tx, randomKite(tx))
		}
		for range banners {
			g.Banners.Insert(tx, banner{})
		}
	})
	g.OnJoin(g.join)
	g.OnLeave(func(tx *world.Tx, p world.Player, why world.LeaveReason) {
		g.left.Store(int32(why))
		for id := range g.Units.Owned(tx, p) {
			g.Units.Remove(tx, id)
		}
		g.Score.Edit(tx).Leaves++
		explode(&g.leavePanics, "OnLeave")
	})
	g.OnInput(func(tx *world.Tx, p world.Player, in stride) {
		for id, u := range g.Units.Owned(tx, p) {
			edit := g.Units.Edit(tx, id)
			edit.X = max(0, min(u.X+float32(in.DX)*2.5, fieldSide))
			edit.Y = max(0, min(u.Y+float32(in.DY)*2.5, fieldSide))
			tx.SetView(p, world.Pos{X: float64(edit.X), Y: float64(edit.Y)}, sight)
		}
	})
	g.OnTick(g.tick)
	return g
}

// forgetful is an arena that holds nobody whose connection is lost.
func forgetful() *arena {
	g := newArena()
	g.SetHoldSeconds(0)
	return g
}

func randomStone(tx *world.Tx) stone {
	return stone{X: float32(tx.Rand().IntN(fieldSide)), Y: float32(tx.Rand().IntN(fieldSide)), Kind: uint8(tx.Rand().IntN(4))}
}

// explode panics as often as it was told to.
func explode(times *atomic.Int32, where string) {
	if times.Load() > 0 {
		times.Add(-1)
		panic(fmt.Sprintf("%s was told to fail", where))
	}
}

func (g *arena) heal(tx *world.Tx, p world.Player, ask potion) (healed, error) {
	if ask.HP == 0 {
		return healed{}, errors.New("the bottle is empty")
	}
	for id := range g.Units.Owned(tx, p) {
		u := g.Units.Edit(tx, id)
		u.HP += uint16(ask.HP)
		g.heals.Add(1)
		return healed{HP: u.HP}, nil
	}
	return healed{}, errors.New("you have no unit")
}

func (g *arena) join(tx *world.Tx, p world.Player) error {
	tx.SetTeam(p, world.TeamID(p%2+1))
	g.Units.Insert(tx, unit{X: 500, Y: 500, HP: 100, Key: uint16(p)*7 + 1}, world.Owner(p), world.OnTeam(world.TeamID(p%2+1)))
	g.Score.Edit(tx).Joins++
	explode(&g.joinPanics, "OnJoin")
	if reason := g.refusal.Load(); reason != nil {
		return errors.New(*reason)
	}
	return nil
}

func (g *arena) tick(tx *world.Tx) {
	explode(&g.tickPanics, "OnTick")
	time.Sleep(time.Duration(g.stall.Swap(0)))
	if herald := g.herald.Swap(nil); herald != nil {
		(*herald)(tx)
	}
	if g.resting.Load() {
		g.land(tx)
		return
	}
	if g.restless {
		g.stir(tx)
		g.fly(tx)
	}
	g.Score.Edit(tx).Ticks++
	if g.loud.Load() {
		for id := range g.Banners.All(tx) {
			g.Banners.Edit(tx, id).Text = fmt.Sprintf("%0250d", tx.Tick())
		}
	}
	for id, s := range g.Stones.All(tx) {
		switch n := tx.Rand().IntN(200); {
		case n == 0:
			g.Stones.Remove(tx, id)
			g.Stones.Insert(tx, randomStone(tx))
		case n < 20:
			edit := g.Stones.Edit(tx, id)
			edit.X = max(0, min(s.X+float32(tx.Rand().IntN(41)-20), fieldSide))
			edit.Y = max(0, min(s.Y+float32(tx.Rand().IntN(41)-20), fieldSide))
		case n < 25:
			g.Stones.Edit(tx, id).Kind++
		}
	}
	for id := range g.Units.All(tx) {
		if tx.Rand().IntN(20) == 0 {
			edit := g.Units.Edit(tx, id)
			edit.HP, edit.Key = edit.HP-1, edit.Key+1
		}
	}
}

// stir lets stones change hands, players change sides, and something flash.
func (g *arena) stir(tx *world.Tx) {
	chance := tx.Rand()
	players := slices.Collect(tx.Players())
	for id := range g.Stones.All(tx) {
		switch chance.IntN(300) {
		case 0:
			owner := world.Player(0)
			if n := chance.IntN(len(players) + 1); n < len(players) {
				owner = players[n]
			}
			g.Stones.SetOwner(tx, id, owner)
			for kite := range g.Kites.All(tx) {
				if chance.IntN(20) == 0 {
					g.Kites.SetOwner(tx, kite, owner)
				}
			}
		case 1:
			g.Stones.SetTeam(tx, id, world.TeamID(chance.IntN(3)))
		case 2, 3:
			s := g.Stones.Edit(tx, id)
			s.Secret, s.Ours = s.Secret+1, s.Ours+1
		}
	}
	for _, p := range players {
		if chance.IntN(100) == 0 {
			tx.SetTeam(p, world.TeamID(chance.IntN(3)))
		}
	}
	for range chance.IntN(2) {
		s := randomStone(tx)
		g.Flashes.Emit(tx, flash{X: s.X, Y: s.Y, N: g.flashed.Add(1)})
	}
}
