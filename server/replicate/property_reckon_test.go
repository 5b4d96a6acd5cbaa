package replicate_test

import (
	"fmt"
	"slices"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// drifter is a row of the property test whose coordinates are dead-reckoned, a third one among them.
type drifter struct {
	X    float32 `net:"range=0:400,step=0.05,pos=x,own,reckon=VX,tolerance=0.4"`
	Y    float32 `net:"range=0:400,step=0.05,pos=y,reckon=VY,tolerance=0.4"`
	VX   float32 `net:"range=-50:50,step=0.5,own=0.1"`
	VY   float32 `net:"range=-50:50,step=0.5"`
	Z    float64 `net:"range=-5:1000,step=0.001,reckon=VZ,tolerance=0.01"`
	VZ   float64 `net:"range=-1:10,step=0.01"`
	A    uint8
	Mine uint16 `net:"owner"`
}

// drifterTable is the place of their table.
const drifterTable = 2

func (g *things) drifter() drifter {
	at := g.place()
	d := drifter{X: float32(at.X), Y: float32(at.Y), Z: g.chance.Float64() * 900}
	g.turn(&d)
	return d
}

// turn sends a drifter elsewhere, or stops it.
func (g *things) turn(d *drifter) {
	speed := func(most float64) float64 { return (2*g.chance.Float64() - 1) * most }
	d.VX, d.VY, d.VZ = float32(speed(50)), float32(speed(50)), max(0, speed(4))
	switch g.chance.IntN(4) {
	case 0:
		d.VX, d.VY = 0, 0
	case 1:
		d.VY = 0
	}
}

// drift moves the drifters for a tick, and the flags on their masts. Some are left where they are although they have a velocity, now and then all of
// them, and they stand still once the world rests.
func (g *things) drift(tx *world.Tx) {
	if g.chance.IntN(6) == 0 && !g.resting {
		return
	}
	for id, f := range g.Flags.All(tx) {
		if g.resting && f.Hoist != 0 {
			g.Flags.Edit(tx, id).Hoist = 0
		} else if f.Hoist != 0 {
			e := g.Flags.Edit(tx, id)
			e.Mast += float32(float64(f.Hoist) * tickDur.Seconds())
		}
	}
	for id, d := range g.Drifters.All(tx) {
		if d.A%5 == 4 && !g.resting {
			continue
		}
		e := g.Drifters.Edit(tx, id)
		if g.resting {
			e.VX, e.VY, e.VZ = 0, 0, 0
			continue
		}
		seconds := tickDur.Seconds()
		e.X += float32(float64(e.VX) * seconds)
		e.Y += float32(float64(e.VY) * seconds)
		e.Z += e.VZ * seconds
		if e.X < 0 || e.X > 400 {
			e.VX = -e.VX
		}
	}
}

func (g *things) changeDrifter(tx *world.Tx) {
	r, rows := g.chance, slices.Collect(keys(g.Drifters.All(tx)))
	if len(rows) == 0 || r.IntN(6) == 0 && len(rows) < 16 {
		g.Drifters.Insert(tx, g.drifter(), world.Owner(g.someone(tx)), world.OnTeam(world.TeamID(r.IntN(3))))
		return
	}
	switch id := rows[r.IntN(len(rows))]; r.IntN(8) {
	case 0:
		g.Drifters.Remove(tx, id)
		if r.IntN(2) == 0 {
			g.Drifters.Insert(tx, g.drifter())
		}
	case 1:
		g.Drifters.SetOwner(tx, id, g.someone(tx))
	case 2:
		g.Drifters.SetTeam(tx, id, world.TeamID(r.IntN(3)))
	case 3:
		at := g.place()
		e := g.Drifters.Edit(tx, id)
		e.X, e.Y = float32(at.X), float32(at.Y)
	case 4:
		g.Drifters.Edit(tx, id).A++
	case 5:
		g.Drifters.Edit(tx, id).Mine++
	default:
		g.turn(g.Drifters.Edit(tx, id))
	}
}

// reckoned checks where a client has the drifters at its newest tick: what has its latest base is where the server says,
// which is not off by more than the tolerance.
func (s *simulation) reckoned(p *peer) error {
	tick := p.replica.Tick()
	then, ok := s.world.View().At(tick)
	if !ok {
		return nil
	}
	t := s.schema.Tables[drifterTable]
	motion, err := t.Motion(tickDur.Nanoseconds())
	if err != nil {
		return err
	}
	typed := p.rows.View(tick)
	for index, row := range p.replica.All(drifterTable) {
		pages, at := then.Pages(drifterTable), int(index&63)
		if n := int(index >> 6); n >= len(pages) || row.Class == schema.Own {
			continue
		}
		page := pages[index>>6]
		base := motion.Base(page.Words(at))
		if page.Used()>>at&1 == 0 || page.Generation(at) != row.Generation || base[0] > row.Tick {
			continue
		}
		shown, ok := s.game.Drifters.Get(typed, schema.MakeID(index, row.Generation))
		if !ok {
			return fmt.Errorf("drifter %d is not among the typed rows", index)
		}
		for i, m := range motion.Members {
			got, want := motion.Position(motion.Base(row.Words), i, uint32(tick)), motion.Position(base, i, uint32(tick))
			truth := t.Join(page.Words(at), t.FieldColumns(m.Field, false))
			if got != want || max(got, truth)-min(got, truth) > m.Tolerance {
				return fmt.Errorf("drifter %d at tick %d: %s is %d, on the server it is said to be %d and is %d", index, tick, t.Fields[m.Field].Name, got, want, truth)
			}
			if v := [...]float64{float64(shown.X), float64(shown.Y), shown.Z}[i]; v != float64(float32(t.Fields[m.Field].FloatOf(got, false))) && v != t.Fields[m.Field].FloatOf(got, false) {
				return fmt.Errorf("drifter %d at tick %d: %s is shown as %v, want %v", index, tick, t.Fields[m.Field].Name, v, t.Fields[m.Field].FloatOf(got, false))
			}
		}
		s.counted.reckoned++
	}
	return nil
}

// show brings the typed rows up to a datagram, as a client does.
func (p *peer) show(applied replica.Applied) {
	if applied.NewEpoch {
		p.rows.Clear()
	}
	for _, ch := range applied.Changes {
		row, ok := p.replica.Get(ch.Table, ch.Index)
		if !ok {
			p.rows.Remove(ch.Table, ch.Index)
			continue
		}
		p.rows.Put(ch.Table, schema.MakeID(ch.Index, row.Generation), row.Class, row.Words, row.Texts)
	}
}
