package typescript

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/quicstep/quicstep/protocol/schema"
)

// tupleMax is the longest array that becomes a tuple, whose places are known to be there.
const tupleMax = 16

// file collects the interfaces of rows.
type file struct {
	text  strings.Builder
	names map[string]bool // of the interfaces
	made  map[declaration]string
}

// declaration is an interface without its name: one Go type has several when it is read and written, or not everybody sees
// the same of it.
type declaration struct {
	typ  reflect.Type
	body string
}

// shape is a row that becomes interfaces.
type shape struct {
	wire     *schema.Table
	context  string
	fields   map[string]*schema.Field // by their names
	readonly bool
}

// row declares the interface of a row, and of what it holds, and returns its name. Where a Go type's name is taken already,
// the context is put before it.
func (f *file) row(typ reflect.Type, wire *schema.Table, context string, readonly bool) string {
	s := shape{wire: wire, context: pascal(context), fields: map[string]*schema.Field{}, readonly: readonly}
	for i := range wire.Fields {
		s.fields[wire.Fields[i].Name] = &wire.Fields[i]
	}
	return f.declare(s, declaration{typ, f.body(s, typ, "")}, "")
}

// declare writes an interface, unless there is the very same already, and returns its name. A type without a name is named by
// the path of what holds it.
func (f *file) declare(s shape, d declaration, path string) string {
	if name, ok := f.made[d]; ok {
		return name
	}
	own := pascal(d.typ.Name())
	if own == "" {
		own = s.context + pascal(path)
	}
	name := f.free(own, s.context+own)
	f.names[name], f.made[d] = true, name
	fmt.Fprintf(&f.text, "export interface %s %s\n\n", name, d.body)
	return name
}

// free returns the first name that is not taken, or the last with a number.
func (f *file) free(names ...string) string {
	for _, name := range names {
		if !f.names[name] {
			return name
		}
	}
	for n := 2; ; n++ {
		name := fmt.Sprint(names[len(names)-1], n)
		if !f.names[name] {
			return name
		}
	}
}

// body is what stands in a struct's interface; fields that clients never see are left out.
func (f *file) body(s shape, typ reflect.Type, prefix string) string {
	var out strings.Builder
	for i := range typ.NumField() {
		field := typ.Field(i)
		path := prefix + field.Name
		text, first := f.value(s, field.Type, path)
		if text == "" {
			continue
		}
		if first != nil {
			if words := s.words(first); words != "" {
				fmt.Fprintf(&out, "  /** %s */\n", words)
			}
		}
		readonly := ""
		if s.readonly {
			readonly = "readonly "
		}
		fmt.Fprintf(&out, "  %s%s: %s;\n", readonly, field.Name, text)
	}
	if out.Len() == 0 {
		return "{}"
	}
	return "{\n" + out.String() + "}"
}

// value is the type of what stands at a path, empty when clients never see it, and the field when it is a plain value, or
// the first of an array of these.
func (f *file) value(s shape, typ reflect.Type, path string) (text string, plain *schema.Field) {
	switch typ.Kind() {
	case reflect.Struct:
		body := f.body(s, typ, path+".")
		if body == "{}" {
			return "", nil
		}
		return f.declare(s, declaration{typ, body}, path), nil
	case reflect.Array:
		if typ.Len() == 0 {
			return "", nil
		}
		text, plain = f.value(s, typ.Elem(), path+"[0]")
		return s.array(text, typ.Len()), plain
	}
	plain = s.fields[path]
	if plain == nil {
		return "", nil
	}
	return valueType(plain), plain
}

func (s shape) array(element string, n int) string {
	if element == "" {
		return ""
	}
	readonly := ""
	if s.readonly {
		readonly = "readonly "
	}
	if n <= tupleMax {
		return readonly + "[" + strings.Repeat(element+", ", n-1) + element + "]"
	}
	if strings.Contains(element, " ") {
		element = "(" + element + ")"
	}
	return readonly + element + "[]"
}

// valueType is the type of a plain value, as the replica of clients/ts gives it.
func valueType(f *schema.Field) string {
	switch f.Kind {
	case schema.Bool:
		return "boolean"
	case schema.Text:
		return "string"
	case schema.Int, schema.Uint:
		if big(f) {
			return "bigint"
		}
	}
	return "number"
}

// big tells whether an integer may be one that a double does not hold exactly.
func big(f *schema.Field) bool {
	const exact = 1<<53 - 1
	return f.Base < -exact || f.Top > exact || f.Base+int64(f.Top) > exact // the sum can't overflow: both are small then
}
