package typescript

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quicstep/quicstep/protocol/schema"
)

// words are what is said above a field: its range and step, how it moves, and who sees it; empty when there is nothing to say.
func (s shape) words(f *schema.Field) string {
	var out []string
	switch f.Kind {
	case schema.Int, schema.Uint:
		out = append(out, fmt.Sprintf("%s to %s.", integer(f, 0), integer(f, f.Top)))
	case schema.Float:
		out = append(out, s.float(f))
	case schema.Text:
		out = append(out, fmt.Sprintf("At most %d bytes of UTF-8.", f.Top))
	case schema.Entity:
		out = append(out, "The ID of a row; 0 is none.")
	}
	for axis, at := range s.wire.Pos {
		if at >= 0 && f == &s.wire.Fields[at] {
			out = append(out, fmt.Sprintf("Where it is, %c.", "xy"[axis]))
		}
	}
	for i := range s.wire.Fields {
		if p := &s.wire.Fields[i]; p.Tolerance > 0 && f == &s.wire.Fields[p.Velocity] {
			out = append(out, fmt.Sprintf("The velocity of %s, per second.", p.Name))
		}
	}
	if f.Tolerance > 0 {
		out = append(out, fmt.Sprintf("Others than the owner reckon it from %s, to within %v.", s.wire.Fields[f.Velocity].Name, f.Tolerance))
	}
	switch f.Audience {
	case schema.OwnerOnly:
		out = append(out, fmt.Sprintf("Others than the owner read %s.", neutral(f)))
	case schema.TeamAndOwner:
		out = append(out, fmt.Sprintf("Others than the owner and its team read %s.", neutral(f)))
	}
	return strings.Join(out, " ")
}

func (s shape) float(f *schema.Field) string {
	steps := fmt.Sprintf("in steps of %v", f.Step)
	if f.OwnStep > 0 {
		steps += fmt.Sprintf(", of %v to its owner", f.OwnStep)
	}
	if f.Wrap {
		return fmt.Sprintf("An angle: %v to %v, which is %v again, %s.", f.Min, f.Max, f.Min, steps)
	}
	return fmt.Sprintf("%v to %v, %s.", f.Min, f.Max, steps)
}

// integer is the value of a quantised one.
func integer(f *schema.Field, q uint64) string {
	if f.Kind == schema.Uint {
		return fmt.Sprint(uint64(f.Base) + q)
	}
	return fmt.Sprint(f.IntOf(q))
}

// neutral is what who may not see a field reads.
func neutral(f *schema.Field) string {
	switch valueType(f) {
	case "boolean":
		return "false"
	case "string":
		return `""`
	case "bigint":
		return "0n"
	}
	return "0"
}

// pascal makes a name of letters and digits that begins with a capital: "my-game" becomes MyGame. Of no text it makes none.
func pascal(text string) string {
	var out strings.Builder
	first := true
	for _, r := range text {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			first = true
			continue
		case first:
			r = unicode.ToUpper(r)
		}
		if out.Len() == 0 && !unicode.IsLetter(r) {
			out.WriteString("N")
		}
		out.WriteRune(r)
		first = false
	}
	if out.Len() == 0 && text != "" {
		return "N"
	}
	return out.String()
}

// constName is the name of the constant that goes with a type's: Arena becomes arena.
func constName(typeName string) string {
	first, size := utf8.DecodeRuneInString(typeName)
	name := string(unicode.ToLower(first)) + typeName[size:]
	if slices.Contains(reserved, name) {
		return name + "Game"
	}
	return name
}

// reserved are names that a constant of a module can't have, or that the file uses.
var reserved = strings.Fields(`arguments await break case catch class const continue debugger default defineGame delete do else enum
	eval export extends false finally for function if implements import in instanceof interface let new null package private
	protected public return static super switch this throw true try typeof var void while with yield`)

// property writes a property's name, quoted when it has to be.
func property(name string) string {
	for i, r := range name {
		if !(unicode.IsLetter(r) || r == '_' || r == '$' || i > 0 && unicode.IsDigit(r)) {
			return quote(name)
		}
	}
	return name
}
