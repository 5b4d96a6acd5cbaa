package server_test

import "github.com/quicstep/quicstep/world"

const kites = 60

// kite is what flies straight on for a while: its coordinates are dead-reckoned, and so is how high it is.
type kite struct {
	X      float32 `net:"range=0:1000,step=0.1,pos=x,own,reckon=VX,tolerance=0.4"`
	Y      float32 `net:"range=0:1000,step=0.1,pos=y,own,reckon=VY,tolerance=0.4"`
	VX     float32 `net:"range=-100:100,step=0.2"`
	VY     float32 `net:"range=-100:100,step=0.2"`
	Height float32 `net:"range=0:100,step=0.1,reckon=Climb,tolerance=0.2"`
	Climb  float32 `net:"range=-10:10,step=0.1"`
	Colour uint8
	String uint16 `net:"owner"`
}

func randomKite(tx *world.Tx) kite {
	k := kite{X: float32(tx.Rand().IntN(fieldSide)), Y: float32(tx.Rand().IntN(fieldSide)), Height: 50}
	k.turn(tx)
	return k
}

// turn sends a kite elsewhere, or lets it stand in the air.
func (k *kite) turn(tx *world.Tx) {
	k.VX, k.VY, k.Climb = 0, 0, 0
	if tx.Rand().IntN(4) > 0 {
		k.VX, k.VY = tx.Rand().Float32()*200-100, tx.Rand().Float32()*200-100
		k.Climb = tx.Rand().Float32()*4 - 2
	}
}

// glide moves one coordinate for a tick and reflects it at its bounds.
func glide(at, v *float32, most float32) {
	if *at += *v / 30; *at < 0 || *at > most {
		*v = -*v
		*at = max(0, min(*at, most))
	}
}

// fly moves the kites for a tick. Some are held for a while, though they pull.
func (g *arena) fly(tx *world.Tx) {
	chance := tx.Rand()
	for id, k := range g.Kites.All(tx) {
		if k.Colour%8 == 7 && chance.IntN(30) > 0 {
			continue
		}
		edit := g.Kites.Edit(tx, id)
		glide(&edit.X, &edit.VX, fieldSide)
		glide(&edit.Y, &edit.VY, fieldSide)
		glide(&edit.Height, &edit.Climb, 100)
		switch n := chance.IntN(300); {
		case n < 6:
			edit.turn(tx)
		case n == 6:
			edit.X = float32(chance.IntN(fieldSide))
		case n == 7:
			edit.Colour, edit.String = edit.Colour+1, edit.String+1
		case n == 8:
			g.Kites.Remove(tx, id)
			g.Kites.Insert(tx, randomKite(tx))
		}
	}
}

// land lets every kite stand where it is.
func (g *arena) land(tx *world.Tx) {
	for id, k := range g.Kites.All(tx) {
		if k.VX != 0 || k.VY != 0 || k.Climb != 0 {
			edit := g.Kites.Edit(tx, id)
			edit.VX, edit.VY, edit.Climb = 0, 0, 0
		}
	}
}
