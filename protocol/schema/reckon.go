package schema

import (
	"fmt"
	"math"
)

const (
	// ReckonAge is the age, in ticks, at which the base of a moving row is renewed by the server, so that the two
	// limbs of its tick tell it.
	ReckonAge = 1 << (tickBits - 1)

	tickBits   = 14 // two limbs: the low bits of a base's tick
	tickMask   = 1<<tickBits - 1
	fractional = 32 // bits of a factor behind the point
)

// Group is the dead-reckoned fields of a table. To everybody but the row's owner they travel together, under one bit
// of the change mask, as a base: position and velocity of each as of one tick. Motion tells where the row is later.
type Group struct {
	// Members in the order of their fields.
	Members []Member
	// First is the column of the base's tick, which stands for the group among a class's columns. Those of the
	// members' positions and velocities follow it, to the end of Columns.
	First int
}

// Member is one dead-reckoned field.
type Member struct {
	// Field and Velocity are places in Table.Fields.
	Field, Velocity int
	// Tolerance is how many steps the reckoned position may be off.
	Tolerance uint64
	// Still is the quantised velocity of what stands still.
	Still int64
}

// Base cuts the base out of a row's columns: its tick, then a position and a velocity for each member.
func (g *Group) Base(words []uint32) []uint32 { return words[g.First : g.First+1+2*len(g.Members)] }

// Moves tells whether a base has a velocity.
func (g *Group) Moves(base []uint32) bool {
	for i := range g.Members {
		if int64(base[2+2*i]) != g.Members[i].Still {
			return true
		}
	}
	return false
}

// BaseTick widens the tick of a base as it travels: the latest one with these low bits that is not after tick.
func BaseTick(short, tick uint32) uint32 { return tick - (tick-short)&tickMask }

// deriveGroup finds the dead-reckoned fields and adds the columns of their base.
func (t *Table) deriveGroup() error {
	t.Group, t.member = nil, make([]bool, len(t.Fields))
	var members []Member
	for i := range t.Fields {
		if t.Fields[i].Tolerance == 0 {
			continue
		}
		if err := t.checkReckoned(i); err != nil {
			return err
		}
		f, v := &t.Fields[i], &t.Fields[t.Fields[i].Velocity]
		members = append(members, Member{
			Field: i, Velocity: f.Velocity,
			Tolerance: uint64(f.Tolerance/f.Step + 1e-6), // what is written as three steps is three
			Still:     int64(math.Round(-v.Min / v.Step)),
		})
		t.member[i], t.member[f.Velocity] = true, true
	}
	if members == nil {
		return nil
	}
	t.Group = &Group{Members: members, First: len(t.Columns)}
	t.Columns = append(t.Columns, Column{Field: uint8(members[0].Field), Bits: tickBits, Base: true})
	limbs := uint8(tickBits / 7)
	for _, m := range members {
		for _, field := range []int{m.Field, m.Velocity} {
			c := Column{Field: uint8(field), Bits: uint8(t.Fields[field].bits(false)), Base: true}
			c.Limbs = (c.Bits + 6) / 7
			limbs += c.Limbs
			t.Columns = append(t.Columns, c)
		}
	}
	t.Columns[t.Group.First].Limbs = limbs
	return nil
}

// checkReckoned tells why a field can't be dead-reckoned.
func (t *Table) checkReckoned(at int) error {
	f := &t.Fields[at]
	switch {
	case f.Kind != Float || f.Wrap:
		return fmt.Errorf("%s: only a float without wrap can be dead-reckoned", f.Name)
	case f.Audience == OwnerOnly:
		return fmt.Errorf("%s: it is for the owner, who gets the true value: leave out reckon and tolerance", f.Name)
	case !(f.Tolerance >= f.Step/2) || f.Tolerance > f.Max-f.Min:
		return fmt.Errorf("%s: tolerance is %g; give it at least half a step (%g), and at most the range", f.Name, f.Tolerance, f.Step/2)
	case f.Velocity < 0 || f.Velocity >= len(t.Fields) || f.Velocity == at:
		return fmt.Errorf("%s: its velocity is no other field of the row", f.Name)
	}
	v := &t.Fields[f.Velocity]
	switch {
	case v.Kind != Float || v.Wrap || v.Tolerance != 0:
		return fmt.Errorf("%s: its velocity %s must be a float without wrap that is not reckoned itself", f.Name, v.Name)
	case v.Audience != f.Audience:
		return fmt.Errorf("%s: its velocity %s must be for the same players: tag both team, or neither owner nor team", f.Name, v.Name)
	case t.member[f.Velocity]:
		return fmt.Errorf("%s: its velocity %s is that of another field", f.Name, v.Name)
	}
	if still := math.Round(-v.Min/v.Step) * v.Step; v.Min > 0 || v.Max < 0 || math.Abs(still+v.Min) > v.Step*1e-6 {
		return fmt.Errorf("%s: its velocity %s can't be 0: let its range begin a whole number of steps below 0, such as range=-100:100", f.Name, v.Name)
	}
	for i := range at {
		if other := &t.Fields[i]; other.Tolerance != 0 && other.Audience != f.Audience {
			return fmt.Errorf("%s: it must be for the same players as %s: dead-reckoned fields travel together", f.Name, other.Name)
		}
	}
	return nil
}

func (t *Table) appendBase(dst []byte, words []uint32) []byte {
	dst = AppendLimbs(dst, uint64(words[t.Group.First]&tickMask), tickBits/7)
	for at := t.Group.First + 1; at < len(t.Columns); at++ {
		dst = AppendLimbs(dst, uint64(words[at]), int(t.Columns[at].Limbs))
	}
	return dst
}

func (t *Table) parseBase(b []byte, words []uint32) (n int, err error) {
	limbs := tickBits / 7
	for at := t.Group.First; at < len(t.Columns); at++ {
		c := &t.Columns[at]
		if at > t.Group.First {
			limbs = int(c.Limbs)
		}
		w, err := ParseLimbs(b[n:], limbs)
		if err != nil {
			return 0, err
		}
		if w>>c.Bits != 0 {
			return 0, ErrRange
		}
		words[at] = uint32(w)
		n += limbs
	}
	return n, nil
}

// Motion is how the dead-reckoned fields of a table move at a tick period. It is immutable.
type Motion struct {
	*Group
	members []moving
}

// moving is what the formula needs of one member.
type moving struct {
	top    int64 // of the position
	still  int64
	fast   int64 // the highest quantised velocity
	factor int64 // position steps per velocity step and tick, in 2^-32
}

// Motion returns how the table's dead-reckoned fields move when there are so many nanoseconds between ticks; nil when it
// has none. It returns an error that names the field when 64 bits don't hold the way that the fastest goes.
func (t *Table) Motion(periodNS int64) (*Motion, error) {
	if t.Group == nil {
		return nil, nil
	}
	m := &Motion{Group: t.Group}
	for _, member := range t.Group.Members {
		f, v := &t.Fields[member.Field], &t.Fields[member.Velocity]
		factor := math.Floor(v.Step/f.Step*(float64(periodNS)/1e9)*(1<<fractional) + 0.5)
		most := float64(max(member.Still, int64(v.Top)-member.Still))
		if !(factor*most*tickMask < 1<<62) || periodNS <= 0 {
			return nil, fmt.Errorf("%s: %s can't be reckoned with a velocity of %g in steps of %g at a tick period of %g s: make step larger, or the velocity's range smaller", t.Name, f.Name, v.Max, f.Step, float64(periodNS)/1e9)
		}
		m.members = append(m.members, moving{top: int64(f.Top), still: member.Still, fast: int64(v.Top), factor: int64(factor)})
	}
	return m, nil
}

// Factor is how far a member goes in a tick at a velocity of one step, in 2^-32 of its position's steps.
func (m *Motion) Factor(member int) int64 { return m.members[member].factor }

// Reach is how many steps a member's reckoned position can be from the one a tick before: what its fastest velocity
// carries it, and twice the tolerance, for a new base. What went farther was put elsewhere by the game.
func (m *Motion) Reach(member int) uint64 {
	f := &m.members[member]
	most := uint64(max(f.still, f.fast-f.still)) * uint64(f.factor) >> fractional
	return most + 1 + 2*m.Members[member].Tolerance
}

// Position returns the quantised position of a member at a tick, which should not be before that of its base
// (docs/protocol.md §8, Dead reckoning).
func (m *Motion) Position(base []uint32, member int, tick uint32) uint64 {
	f := &m.members[member]
	at, v := int64(base[1+2*member]), min(int64(base[2+2*member]), f.fast)-f.still
	if v != 0 {
		age := int64(max(0, min(int32(tick-base[0]), tickMask)))
		at += (v*age*f.factor + 1<<(fractional-1)) >> fractional
	}
	return uint64(max(0, min(at, f.top)))
}
