package schema

import (
	"fmt"
	"math"
	"math/bits"
)

// Kind is the kind of value that a field holds.
type Kind uint8

// The kinds. Their numbers stand on the wire.
const (
	Bool Kind = iota
	Int
	Uint
	Float
	Text
	Entity // an ID
	kinds
)

// String returns the kind's name.
func (k Kind) String() string {
	names := [...]string{"bool", "int", "uint", "float", "text", "entity"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Audience says who may see a field.
type Audience uint8

// The audiences.
const (
	Everyone Audience = iota
	TeamAndOwner
	OwnerOnly
	audiences
)

// Field is one declared value of a row. Quantised, it is an integer from 0 to Top.
type Field struct {
	// Name is the path in the Go type: "Y", "Pos.X", "Cells[3]".
	Name string
	Kind Kind
	// Audience is who may see the field.
	Audience Audience
	// Wrap makes a float an angle: Max is the same place as Min.
	Wrap bool
	// Min, Max and Step quantise a float: it travels as round((v − Min) / Step).
	Min, Max, Step float64
	// OwnStep is a finer step for the owner; zero means that the owner gets Step.
	OwnStep float64
	// Tolerance makes a float dead-reckoned when it is above zero: by so much, in the field's own units, others than
	// the owner may see it off. Velocity is then the place of its velocity, in units per second, in Table.Fields.
	Tolerance float64
	Velocity  int
	// Base is what an integer's quantised zero stands for.
	Base int64
	// Top is the highest quantised value at Step; for text, the most bytes that it may have.
	Top uint64
	// OwnTop is the highest quantised value at OwnStep.
	OwnTop uint64
}

// Visible tells whether a class may see the field.
func (f *Field) Visible(class Class) bool {
	switch f.Audience {
	case OwnerOnly:
		return class == Own
	case TeamAndOwner:
		return class != Public
	}
	return true
}

// grain is the step and the highest quantised value of a float, the owner's when it has one of its own.
func (f *Field) grain(own bool) (step float64, top uint64) {
	if own && f.OwnStep > 0 {
		return f.OwnStep, f.OwnTop
	}
	return f.Step, f.Top
}

// bits is the width of the quantised value.
func (f *Field) bits(own bool) int {
	top := f.Top
	if own {
		top = f.OwnTop
	}
	return max(1, bits.Len64(top))
}

// QuantiseFloat returns the quantised value and whether v had to be clamped: it was outside [Min, Max] or
// not a number (which becomes Min). With Wrap every finite v is inside.
//
// The formula is round-half-up of (v − Min) / step in float64 arithmetic. A division followed by an addition
// is never fused, so every processor gives the same integer.
func (f *Field) QuantiseFloat(v float64, own bool) (q uint64, clamped bool) {
	step, top := f.grain(own)
	if f.Wrap {
		return f.quantiseAngle(v, step, top)
	}
	if half := step / 2; v >= f.Min-half && v <= f.Max+half { // rounding of the value's own type is no fault
		return min(uint64(int64((v-f.Min)/step+0.5)), top), false
	}
	if v > f.Max {
		return top, true
	}
	return 0, true
}

func (f *Field) quantiseAngle(v, step float64, top uint64) (q uint64, clamped bool) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, true
	}
	turn := f.Max - f.Min
	v = math.Mod(v-f.Min, turn)
	if v < 0 {
		v += turn
	}
	q = uint64(int64(v/step + 0.5))
	if q > top {
		q = 0 // a full turn is where it began
	}
	return q, false
}

// FloatOf returns the value that a quantised float stands for; q above the top counts as the top.
func (f *Field) FloatOf(q uint64, own bool) float64 {
	step, top := f.grain(own)
	if q >= top && !f.Wrap {
		return f.Max
	}
	// The conversion forbids a fused multiply-add, which would differ between processors.
	return f.Min + float64(float64(min(q, top))*step)
}

// QuantiseInt returns the quantised value of an Int, or of a Uint or Entity as int64 bits, and whether it
// had to be clamped.
func (f *Field) QuantiseInt(v int64) (q uint64, clamped bool) {
	if v < f.Base {
		return 0, true
	}
	q = uint64(v) - uint64(f.Base)
	if q > f.Top {
		return f.Top, true
	}
	return q, false
}

// QuantiseUint is QuantiseInt for unsigned values.
func (f *Field) QuantiseUint(v uint64) (q uint64, clamped bool) {
	if f.Base < 0 || v < uint64(f.Base) {
		return 0, v < uint64(max(f.Base, 0))
	}
	q = v - uint64(f.Base)
	if q > f.Top {
		return f.Top, true
	}
	return q, false
}

// IntOf returns the value that a quantised integer stands for, as int64 bits.
func (f *Field) IntOf(q uint64) int64 { return int64(uint64(f.Base) + min(q, f.Top)) }

// check tells what is wrong with a field that came from a tag or from the wire.
func (f *Field) check() error {
	if f.Name == "" || len(f.Name) > MaxName {
		return fmt.Errorf("field name %.80q has %d bytes; 1 to %d are possible", f.Name, len(f.Name), MaxName)
	}
	if f.Kind >= kinds || f.Audience >= audiences {
		return fmt.Errorf("%s: unknown kind %d or audience %d", f.Name, f.Kind, f.Audience)
	}
	switch f.Kind {
	case Float:
		return f.checkFloat()
	case Bool, Entity:
		if f.Base != 0 || f.Top != topOf[f.Kind] {
			return fmt.Errorf("%s: a %v has no range of its own", f.Name, f.Kind)
		}
	case Text:
		if f.Base != 0 || f.Top == 0 || f.Top > MaxText {
			return fmt.Errorf("%s: a string needs max= from 1 to %d (bytes)", f.Name, MaxText)
		}
	case Int:
		if f.Top > math.MaxInt64-uint64(f.Base) { // the difference is right for negative ones, too
			return fmt.Errorf("%s: an integer can't be above %d; lower the range", f.Name, int64(math.MaxInt64))
		}
	case Uint:
		if f.Base < 0 || f.Top > math.MaxUint64-uint64(f.Base) {
			return fmt.Errorf("%s: an unsigned integer can't be below 0 or above %d; change the range", f.Name, uint64(math.MaxUint64))
		}
	}
	return nil
}

// topOf is the highest quantised value of the kinds that have no range.
var topOf = [kinds]uint64{Bool: 1, Entity: math.MaxUint32}

func (f *Field) checkFloat() error {
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	if !finite(f.Min) || !finite(f.Max) || f.Min >= f.Max {
		return fmt.Errorf("%s: a float needs range=min:max with min < max, such as range=0:100", f.Name)
	}
	if !finite(f.Step) || f.Step <= 0 || f.Step > f.Max-f.Min {
		return fmt.Errorf("%s: a float needs step= above 0 and at most the range, such as step=0.1", f.Name)
	}
	top, ok := floatTop(f.Min, f.Max, f.Step, f.Wrap)
	if !ok {
		return fmt.Errorf("%s: the range holds more than 2^32 steps; make step larger", f.Name)
	}
	f.Top = top
	if f.OwnStep == 0 {
		f.OwnTop = 0
		return nil
	}
	if !finite(f.OwnStep) || f.OwnStep <= 0 || f.OwnStep >= f.Step {
		return fmt.Errorf("%s: own= must be above 0 and finer than step", f.Name)
	}
	if f.Audience != Everyone {
		return fmt.Errorf("%s: own= has no use with owner or team; give a finer step instead", f.Name)
	}
	if f.OwnTop, ok = floatTop(f.Min, f.Max, f.OwnStep, f.Wrap); !ok {
		return fmt.Errorf("%s: the range holds more than 2^32 of the owner's steps; make own= larger", f.Name)
	}
	return nil
}

// floatTop is the highest quantised value of a float's range: the number of steps, less one for an angle.
func floatTop(low, high, step float64, wrap bool) (top uint64, ok bool) {
	n := math.Floor((high-low)/step + 0.5)
	if n < 1 || n > math.MaxUint32 {
		return 0, false
	}
	if wrap {
		n = max(n-1, 1)
	}
	return uint64(n), true
}
