package schema

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// Leaf is one plain value inside a Go row type and where it stands.
type Leaf struct {
	// Offset is the value's place in the struct, in bytes.
	Offset uintptr
	// Kind is the Go kind of the value: bool, an integer, a float or string.
	Kind reflect.Kind
	// Field is the value's place in Table.Fields; -1 when it never leaves the server (net:"-").
	Field int
}

var idType = reflect.TypeFor[ID]()

// FromType derives a table from a Go struct and its net: tags, with the leaves in the order of the struct.
// It reports every field that can't be one, each error with the field's name and what to do.
func FromType(name string, typ reflect.Type) (*Table, []Leaf, error) {
	if typ.Kind() != reflect.Struct {
		return nil, nil, fmt.Errorf("%s: a row must be a struct of plain values, not %v", name, typ)
	}
	w := typeWalk{pos: [2]int{-1, -1}}
	w.structFields(typ, "", 0, tag{})
	w.velocities()
	if (w.pos[0] < 0) != (w.pos[1] < 0) {
		w.fail("", "only one of pos=x and pos=y is there; tag both coordinates, or none")
	} else if w.pos[0] >= 0 && w.fields[w.pos[0]].Step != w.fields[w.pos[1]].Step {
		w.fail(w.fields[w.pos[1]].Name, "has another step than %s; the two coordinates need the same", w.fields[w.pos[0]].Name)
	}
	if len(w.errs) > 0 {
		for i, err := range w.errs {
			w.errs[i] = fmt.Errorf("%s: %w", name, err)
		}
		return nil, nil, errors.Join(w.errs...)
	}
	t, err := NewTable(name, w.fields, w.pos)
	return t, w.leaves, err
}

type typeWalk struct {
	fields   []Field
	leaves   []Leaf
	pos      [2]int
	reckoned []reckoned
	errs     []error
}

// reckoned is a dead-reckoned field and how its tag names its velocity.
type reckoned struct {
	field    int
	velocity string
}

// velocities finds the velocities that were named: beside the field, else by their whole path.
func (w *typeWalk) velocities() {
	at := make(map[string]int, len(w.fields))
	for i := range w.fields {
		at[w.fields[i].Name] = i
	}
	for _, r := range w.reckoned {
		f := &w.fields[r.field]
		beside := f.Name[:strings.LastIndexByte(f.Name, '.')+1] + r.velocity
		place, ok := at[beside]
		if !ok {
			place, ok = at[r.velocity]
		}
		if !ok {
			w.fail(f.Name, `is tagged reckon=%s, which is no field of the row that clients see: add it, or take net:"-" from it`, r.velocity)
			continue
		}
		f.Velocity = place
	}
}

func (w *typeWalk) fail(path, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if path != "" {
		err = fmt.Errorf("%s %w", path, err)
	}
	w.errs = append(w.errs, err)
}

func (w *typeWalk) structFields(typ reflect.Type, prefix string, base uintptr, outer tag) {
	for i := range typ.NumField() {
		sf := typ.Field(i)
		path := prefix + sf.Name
		tg, err := parseTag(sf.Tag.Get("net"))
		if err != nil {
			w.fail(path, "%w", err)
			continue
		}
		tg = tg.within(outer)
		if !sf.IsExported() && !tg.private {
			w.fail(path, `is not exported, so clients could not read it: export it, or tag it net:"-" to keep it on the server`)
			continue
		}
		w.value(sf.Type, path, base+sf.Offset, tg)
	}
}

// value takes structs and arrays apart and adds what is plain.
func (w *typeWalk) value(typ reflect.Type, path string, offset uintptr, tg tag) {
	switch typ.Kind() {
	case reflect.Struct:
		w.structFields(typ, path+".", offset, tg)
	case reflect.Array:
		for i := range typ.Len() {
			if i > MaxColumns {
				w.fail(path, "has %d elements; a row has at most %d columns: use a table of its own", typ.Len(), MaxColumns)
				return
			}
			w.value(typ.Elem(), fmt.Sprintf("%s[%d]", path, i), offset+uintptr(i)*typ.Elem().Size(), tg)
		}
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		w.fail(path, "is of kind %v: rows are plain values, so that they can be rolled back and rewound; use an array, an ID of another table, or a table of its own", typ.Kind())
	case reflect.Complex64, reflect.Complex128, reflect.Uintptr:
		w.fail(path, "is of kind %v: use bool, integers, floats, strings, arrays, structs or IDs", typ.Kind())
	default:
		w.plain(typ, path, offset, tg)
	}
}

func (w *typeWalk) plain(typ reflect.Type, path string, offset uintptr, tg tag) {
	leaf := Leaf{Offset: offset, Kind: typ.Kind(), Field: -1}
	if !tg.private {
		f, err := tg.field(typ, path)
		if err != nil {
			w.errs = append(w.errs, err)
			return
		}
		leaf.Field = len(w.fields)
		w.fields = append(w.fields, f)
		if tg.reckon != "" {
			w.reckoned = append(w.reckoned, reckoned{leaf.Field, tg.reckon})
		}
		if tg.pos >= 0 {
			w.position(path, f, tg.pos, leaf.Field)
		}
	}
	w.leaves = append(w.leaves, leaf)
}

func (w *typeWalk) position(path string, f Field, axis, at int) {
	switch {
	case f.Kind == Bool || f.Kind == Text || f.Kind == Entity:
		w.fail(path, "is of kind %v; a position must be a number", f.Kind)
	case f.Audience != Everyone || f.Wrap:
		w.fail(path, "decides who sees the row, so it can't be owner, team or wrap")
	case w.pos[axis] >= 0:
		w.fail(path, "is the second field tagged pos=%c", "xy"[axis])
	}
	w.pos[axis] = at
}

// tag is what a field's net: tag says.
type tag struct {
	private, owner, team, wrap, own bool
	low, high                       string
	step, ownStep, most             string
	reckon, tolerance               string
	pos                             int
}

func parseTag(text string) (tag, error) {
	tg := tag{pos: -1}
	if text == "" {
		return tg, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		key, value, has := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case key == "-" && !has:
			tg.private = true
		case key == "owner" && !has:
			tg.owner = true
		case key == "team" && !has:
			tg.team = true
		case key == "wrap" && !has:
			tg.wrap = true
		case key == "range" && has:
			low, high, ok := strings.Cut(value, ":")
			if !ok {
				return tg, fmt.Errorf("has range=%s; write range=min:max, such as range=0:100", value)
			}
			tg.low, tg.high = low, high
		case key == "step" && has:
			tg.step = value
		case key == "max" && has:
			tg.most = value
		case key == "own":
			tg.own, tg.ownStep = true, value
		case key == "reckon" && value != "":
			tg.reckon = value
		case key == "tolerance" && value != "":
			tg.tolerance = value
		case key == "pos" && (value == "x" || value == "y"):
			tg.pos = strings.Index("xy", value)
		default:
			return tg, fmt.Errorf("has the tag %q; known are range=min:max, step=, wrap, own=, max=, owner, team, pos=x, pos=y, reckon=, tolerance= and -", part)
		}
	}
	return tg, nil
}

// within hands what a struct's or array's tag says down to its elements.
func (tg tag) within(outer tag) tag {
	tg.private = tg.private || outer.private
	tg.owner = tg.owner || outer.owner
	tg.team = tg.team || outer.team
	return tg
}

func (tg tag) field(typ reflect.Type, path string) (Field, error) {
	f := Field{Name: path, Wrap: tg.wrap}
	if tg.owner {
		f.Audience = OwnerOnly
	} else if tg.team {
		f.Audience = TeamAndOwner
	}
	var err error
	switch kind := typ.Kind(); {
	case typ == idType:
		f.Kind, f.Top = Entity, math.MaxUint32
	case kind == reflect.Bool:
		f.Kind, f.Top = Bool, 1
	case kind == reflect.String:
		f.Kind = Text
		f.Top, err = parseMost(tg.most)
	case kind == reflect.Float32 || kind == reflect.Float64:
		f.Kind = Float
		err = tg.float(&f)
	case kind >= reflect.Int && kind <= reflect.Int64:
		f.Kind = Int
		err = tg.integer(&f, int64(-1)<<(typ.Bits()-1), math.MaxUint64>>(64-typ.Bits()))
	default:
		f.Kind = Uint
		err = tg.integer(&f, 0, math.MaxUint64>>(64-typ.Bits()))
	}
	if err == nil {
		err = tg.misplaced(f.Kind)
	}
	if err != nil {
		return f, fmt.Errorf("%s %w", path, err)
	}
	return f, f.check()
}

// misplaced tells which part of the tag has no meaning for the kind.
func (tg tag) misplaced(kind Kind) error {
	switch {
	case kind != Float && (tg.step != "" || tg.wrap || tg.own):
		return fmt.Errorf("is of kind %v; step, wrap and own are for floats", kind)
	case kind != Float && (tg.reckon != "" || tg.tolerance != ""):
		return fmt.Errorf("is of kind %v; reckon and tolerance are for floats", kind)
	case (tg.reckon != "") != (tg.tolerance != ""):
		return errors.New("needs both reckon= (the field with its velocity) and tolerance= (by how much it may be off), or neither")
	case kind != Text && tg.most != "":
		return fmt.Errorf("is of kind %v; max= is for strings", kind)
	case tg.low != "" && (kind == Text || kind == Bool || kind == Entity):
		return fmt.Errorf("is of kind %v; range= is for numbers", kind)
	case tg.owner && tg.team:
		return errors.New("is tagged both owner and team; team includes the owner")
	}
	return nil
}

func parseMost(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 || n > MaxText {
		return 0, fmt.Errorf(`is a string; say how many bytes it may have, from 1 to %d, such as net:"max=16"`, MaxText)
	}
	return n, nil
}

func (tg tag) float(f *Field) error {
	if tg.low == "" || tg.step == "" {
		return errors.New(`is a float; it needs a range and a step, such as net:"range=0:100,step=0.1", or net:"-" to keep it on the server`)
	}
	for _, part := range []struct {
		text string
		into *float64
	}{{tg.low, &f.Min}, {tg.high, &f.Max}, {tg.step, &f.Step}, {tg.ownStep, &f.OwnStep}, {tg.tolerance, &f.Tolerance}} {
		if part.text == "" {
			continue
		}
		v, err := strconv.ParseFloat(part.text, 64)
		if err != nil {
			return fmt.Errorf("has %q in its tag, which is not a number", part.text)
		}
		*part.into = v
	}
	if tg.tolerance != "" && !(f.Tolerance > 0) {
		return fmt.Errorf("has tolerance=%s; it must be above 0", tg.tolerance)
	}
	if tg.own && tg.ownStep == "" {
		f.OwnStep = f.Step / 16
	}
	return nil
}

func (tg tag) integer(f *Field, low int64, span uint64) error {
	f.Base, f.Top = low, span
	if tg.low == "" {
		return nil
	}
	first, err1 := strconv.ParseInt(tg.low, 10, 64)
	last, err2 := strconv.ParseInt(tg.high, 10, 64)
	if err1 != nil || err2 != nil || first > last {
		return fmt.Errorf("has range=%s:%s; write two integers, the lower first", tg.low, tg.high)
	}
	if first < low || uint64(last)-uint64(low) > span {
		return fmt.Errorf("has range=%d:%d, more than its type holds; use a wider integer or a narrower range", first, last)
	}
	f.Base, f.Top = first, uint64(last)-uint64(first)
	return nil
}
