package world

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"

	"github.com/quicstep/quicstep/protocol/schema"
)

// Rehearsal is how Rehearse plays. The zero value will do.
type Rehearsal struct {
	// Client is the game as a client defines it; nil takes the server's own.
	Client Game
	// Seed begins the room's chance and that of the inputs.
	Seed uint64
	// Ticks is for how many ticks it plays; zero means 1,000.
	Ticks int
	// Ahead is how many ticks the client predicts before it hears of the server again; zero means 10.
	Ahead int
	// Players join at first, and the first of them is predicted; zero means 2.
	Players int
	// TickPeriodNS is as in Config.
	TickPeriodNS int64
	// Input is what a player asks for after a View, as AppendInput writes it. Nil draws anything that the input's type can
	// be, of which each is held for some ticks.
	Input func(chance *rand.Rand, after *View, p Player) []byte
}

// Rehearsed is what came of a rehearsal.
type Rehearsed struct {
	// Ticks were played, and Rows of the player compared in them.
	Ticks, Rows int
	// Drift is the first field that was predicted otherwise than the server had it after the inputs of a tick; nil when there was
	// none. Of several fields of a tick it is that of the first row.
	Drift *Misprediction
}

// Rehearse plays a game twice over the same inputs, as a server and as a client that predicts, and compares the player's
// own rows after each OnInput, so that a test can tell whether OnInput comes to the same on both. What makes it drift is
// what a client does not have: fields tagged `-`, rows of others that move meanwhile or are out of sight, variables outside
// of the tables. What the server alone decides, in OnTick or for other players, the client is told at once here, and counts
// as no drift, but for `-` fields, which it is never told. The error is what is wrong with the definition, or a panic of the game's.
func Rehearse(g Game, c Rehearsal) (Rehearsed, error) {
	for _, f := range []struct {
		value    *int
		standard int
	}{{&c.Ticks, 1000}, {&c.Ahead, 10}, {&c.Players, 2}} {
		if *f.value < 0 {
			return Rehearsed{}, errors.New("world: a rehearsal's numbers can't be negative")
		}
		if *f.value == 0 {
			*f.value = f.standard
		}
	}
	if c.Client == nil {
		c.Client = g
	}
	r := &rehearsal{Rehearsal: c, chance: rand.New(rand.NewPCG(c.Seed, 0x7265))}
	var err error
	if r.world, err = New(g, Config{Seed: c.Seed, TickPeriodNS: c.TickPeriodNS}); err != nil {
		return Rehearsed{}, err
	}
	s, err := SchemaOf(g)
	if err != nil {
		return Rehearsed{}, err
	}
	client, err := SchemaOf(c.Client)
	if err != nil {
		return Rehearsed{}, err
	}
	if client.Hash() != s.Hash() {
		return Rehearsed{}, errors.New("world: the client's game has another schema than the server's")
	}
	if r.replica, err = NewReplica(c.Client, rehearsed, c.TickPeriodNS); err != nil {
		return Rehearsed{}, err
	}
	r.input, r.held = s.Input, make([]heldInput, c.Players)
	return r.play()
}

// rehearsed is the player whose rows are predicted.
const rehearsed Player = 1

// rehearsal is one that is under way.
type rehearsal struct {
	Rehearsal
	world   *World
	replica *Replica
	chance  *rand.Rand
	input   *schema.Table
	held    []heldInput // of each player
	out     Rehearsed

	inputs, after, predicted OwnRows // after the tick's inputs, after the tick, and what was predicted
}

// heldInput is a random input, and for how many ticks it stays.
type heldInput struct {
	data  []byte
	ticks int
}

func (r *rehearsal) play() (Rehearsed, error) {
	var joins Commands
	for p := range r.Players {
		joins.Joins = append(joins.Joins, Join{Player: Player(p + 1)})
	}
	changes, view, err := r.world.Step(joins)
	if err == nil && len(changes.Refused) > 0 {
		err = fmt.Errorf("world: player %d was refused: %s", changes.Refused[0].Player, changes.Refused[0].Reason)
	}
	r.world.afterInputs = func() { r.inputs.copy(r.world.state, rehearsed, r.world.state.tick) }
	for ahead := r.Ahead; err == nil && r.out.Ticks < r.Ticks && r.out.Drift == nil; r.out.Ticks++ {
		if ahead++; ahead > r.Ahead {
			r.told(view)
			ahead = 1
		}
		c := r.ask(view)
		if _, view, err = r.world.Step(c); err != nil {
			break
		}
		if err = r.replica.Predict(view.Tick, c.Inputs[0].Data); err != nil {
			break
		}
		r.compare(view.Tick)
		if !r.decided(view.Tick) {
			ahead = r.Ahead // rows came or went: the client hears of it before it goes on
		}
	}
	return r.out, err
}

// ask is what the players ask for in a tick.
func (r *rehearsal) ask(view *View) (c Commands) {
	for i := range r.held {
		p, h := Player(i+1), &r.held[i]
		if r.Input != nil {
			h.data = r.Input(r.chance, view, p)
		} else if h.ticks--; h.ticks < 0 {
			*h = heldInput{data: randomRow(r.input, r.chance), ticks: r.chance.IntN(12)}
		}
		c.Inputs = append(c.Inputs, Input{Player: p, Data: h.data})
	}
	return c
}

// randomRow is a row of any values that its fields can have.
func randomRow(t *schema.Table, chance *rand.Rand) []byte {
	words, texts := make([]uint32, len(t.Columns)), make([]string, t.Texts)
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Kind == schema.Text {
			continue // the empty one
		}
		for _, own := range []bool{false, f.OwnStep > 0} {
			top := f.Top
			if own {
				top = f.OwnTop
			}
			q := chance.Uint64()
			if top < math.MaxUint64 {
				q = chance.Uint64N(top + 1)
			}
			t.Split(words, t.FieldColumns(i, own), q)
		}
	}
	return t.AppendRow(nil, schema.Own, t.FullMask(schema.Own), words, texts)
}

// told has the client know what a server would have told it by now.
func (r *rehearsal) told(v *View) {
	r.replica.Clear()
	tell(r.replica, v, func(_ *schema.Table, words []uint32) []uint32 { return words })
}

// tell writes into a replica what a server would have told its player by now: the rows in sight, rounded as they travel. Own
// makes what is told of the player's own rows.
func tell(r *Replica, v *View, own func(t *schema.Table, words []uint32) []uint32) {
	seat, _ := v.Seat(r.me)
	for table, t := range v.def.tables {
		for _, p := range v.Pages(table) {
			for row := range pageRows {
				if p.used>>row&1 == 0 {
					continue
				}
				class, words := p.Class(row, r.me, seat.Team), p.Words(row)
				if class == schema.Own {
					words = own(t.wire, words)
				} else if t.grid != nil {
					x, y := t.bind.position(p.row(t, row))
					if math.Hypot(x-seat.Pos.X, y-seat.Pos.Y) > seat.Radius {
						continue
					}
				}
				id := p.id(row)
				r.Put(table, id, class, words, p.Texts(row))
				r.SetOrigin(table, id.Index(), p.Origin(row))
			}
		}
	}
}

func (r *rehearsal) compare(tick uint64) {
	r.replica.Own(tick, &r.predicted)
	r.out.Rows += len(r.inputs.rows)
	r.inputs.Compare(&r.predicted, func(m Misprediction) {
		if r.out.Drift == nil {
			r.out.Drift = &m
		}
	})
}

// decided tells the client at once what the server has changed after the inputs. It returns false when rows came or went.
func (r *rehearsal) decided(tick uint64) bool {
	r.after.copy(r.world.state, rehearsed, tick)
	if len(r.after.rows) != len(r.inputs.rows) {
		return false
	}
	for i := range r.after.rows {
		now, was := &r.after.rows[i], &r.inputs.rows[i]
		if now.table != was.table || now.id != was.id {
			return false
		}
		r.adopt(now, was)
	}
	return true
}

// adopt writes the fields of a row that changed after the inputs into the client's.
func (r *rehearsal) adopt(now, was *ownRow) {
	text := 0
	for i := range now.table.bind.leaves {
		l := &now.table.bind.leaves[i]
		if l.kind == reflect.String {
			text++
		}
		if l.field == nil || l.kind == reflect.String && r.after.texts[now.texts+text-1] == r.inputs.texts[was.texts+text-1] ||
			l.kind != reflect.String && r.after.values[now.values+i] == r.inputs.values[was.values+i] {
			continue
		}
		page, row := r.replica.ownRow(now)
		if page == nil {
			return
		}
		at := page.row(now.table, row)
		if l.kind == reflect.String {
			l.setText(at, r.after.texts[now.texts+text-1])
		} else {
			l.setRaw(at, r.after.values[now.values+i])
		}
	}
}

// ownRow returns where the same row stands in a replica, to be written to; nil when it is not there.
func (r *Replica) ownRow(like *ownRow) (*Page, int) {
	ts := &r.state.tables[like.table.index]
	for _, index := range ownedIn(r.state.player(r.me).owned, like.table.index) {
		index &= schema.MaxEntities - 1
		page, row := ts.page(index>>pageShift), int(index&rowMask)
		if page == nil || page.used>>row&1 == 0 {
			continue
		}
		if o := page.Origin(row); page.id(row) == like.id || o.Insert != 0 && o == like.origin {
			return r.state.write(ts, page.number), row
		}
	}
	return nil, 0
}
