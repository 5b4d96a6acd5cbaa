package world

import "reflect"

// Types are the Go types behind a game's schema, for those who write code of it. Each list is in the schema's order.
type Types struct {
	Tables   []reflect.Type
	Input    reflect.Type
	Events   []reflect.Type
	Messages []reflect.Type
	Asks     []reflect.Type // of the requests
	Answers  []reflect.Type
	// Singletons tells of each table whether it has one row, which is always there.
	Singletons []bool
	// Teleports are of each table what Teleport has set; zero without.
	Teleports []float64
}

// TypesOf seals the definition and returns its types, or everything that is wrong with it.
func TypesOf(g Game) (Types, error) {
	d := g.definition()
	if err := d.seal(); err != nil {
		return Types{}, err
	}
	out := Types{Tables: typesOf(d.tables), Input: d.input.typ, Events: typesOf(d.events), Messages: typesOf(d.messages)}
	for _, t := range d.tables {
		out.Singletons, out.Teleports = append(out.Singletons, t.singleton), append(out.Teleports, t.teleport)
	}
	for _, r := range d.requests {
		out.Asks, out.Answers = append(out.Asks, r.ask.bind.typ), append(out.Answers, r.answer.bind.typ)
	}
	return out, nil
}

func typesOf(tables []*table) (out []reflect.Type) {
	for _, t := range tables {
		out = append(out, t.bind.typ)
	}
	return out
}
