package schema

import "fmt"

// Difference names the first thing in which a server's schema differs from a client's, with what it is on either side; empty
// when they are the same.
func Difference(client, server *Schema) string {
	if client.Game != server.Game {
		return fmt.Sprintf("the server has game %s, this client %s", server.Game, client.Game)
	}
	asks, answers := requestTables(client.Requests)
	serverAsks, serverAnswers := requestTables(server.Requests)
	for _, lists := range []struct {
		what           string
		client, server []*Table
	}{
		{"table", client.Tables, server.Tables}, {"", []*Table{client.Input}, []*Table{server.Input}}, {"event", client.Events, server.Events},
		{"message", client.Messages, server.Messages}, {"request", asks, serverAsks}, {"answer", answers, serverAnswers},
	} {
		if d := differentTables(lists.what, lists.client, lists.server); d != "" {
			return d
		}
	}
	return ""
}

func requestTables(requests []Request) (asks, answers []*Table) {
	for _, r := range requests {
		asks, answers = append(asks, r.Ask), append(answers, r.Answer)
	}
	return asks, answers
}

func differentTables(what string, client, server []*Table) string {
	name := func(t *Table) string { return t.Name }
	if d := differentNames(what, client, server, name); d != "" {
		return d
	}
	for i, t := range client {
		where := t.Name
		if what != "" {
			where = what + " " + t.Name
		}
		if d := differentRows(where, t, server[i]); d != "" {
			return d
		}
	}
	return ""
}

func differentRows(where string, client, server *Table) string {
	if d := differentNames(where+", field", fieldsOf(client), fieldsOf(server), func(f *Field) string { return f.Name }); d != "" {
		return d
	}
	for i := range client.Fields {
		f, g := &client.Fields[i], &server.Fields[i]
		if ours, theirs := f.describe(), g.describe(); ours != theirs {
			return fmt.Sprintf("%s, field %s: the server has %s, this client %s", where, f.Name, theirs, ours)
		}
		if *f != *g {
			return fmt.Sprintf("%s, field %s: another owner's step, audience or velocity", where, f.Name)
		}
	}
	if client.Pos != server.Pos {
		return where + ": another position"
	}
	return ""
}

func fieldsOf(t *Table) []*Field {
	out := make([]*Field, len(t.Fields))
	for i := range t.Fields {
		out[i] = &t.Fields[i]
	}
	return out
}

// differentNames names the first that only one side has, or that stands elsewhere.
func differentNames[T any](what string, client, server []T, name func(T) string) string {
	has := func(list []T, n string) bool {
		for _, v := range list {
			if name(v) == n {
				return true
			}
		}
		return false
	}
	for _, v := range client {
		if !has(server, name(v)) {
			return fmt.Sprintf("%s %s: the server does not have it", what, name(v))
		}
	}
	for i, v := range server {
		if !has(client, name(v)) {
			return fmt.Sprintf("%s %s: this client does not have it", what, name(v))
		}
		if name(client[i]) != name(v) {
			return fmt.Sprintf("%s %s: it stands in another place", what, name(v))
		}
	}
	return ""
}

// describe says what a field holds.
func (f *Field) describe() string {
	switch f.Kind {
	case Int:
		return fmt.Sprintf("int from %d to %d", f.IntOf(0), f.IntOf(f.Top))
	case Uint:
		return fmt.Sprintf("uint from %d to %d", uint64(f.IntOf(0)), uint64(f.IntOf(f.Top)))
	case Float:
		if f.Wrap {
			return fmt.Sprintf("an angle from %v to %v in steps of %v", f.Min, f.Max, f.Step)
		}
		return fmt.Sprintf("float from %v to %v in steps of %v", f.Min, f.Max, f.Step)
	case Text:
		return fmt.Sprintf("text of at most %d bytes", f.Top)
	}
	return f.Kind.String()
}
