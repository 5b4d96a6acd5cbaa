package console

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/quicstep/quicstep/protocol/admin"
)

// JSON is an answer for programs: an object with what the answer has, by the names of the wire; an empty list is []. The rows of
// a query are objects with id, owner, team and fields, whose numbers and truths are JSON's own; those of a timeline have a
// tick, and no fields where the row was not there. The parts of a slow tick are an object with microseconds by the part.
func JSON(a admin.Answer) ([]byte, error) {
	a.More = false
	wire, err := msgpack.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("write an answer as JSON: %w", err)
	}
	var out map[string]any
	if err := msgpack.Unmarshal(wire, &out); err != nil { // our own bytes, so nothing lies in them
		return nil, fmt.Errorf("write an answer as JSON: %w", err)
	}
	if a.Table != nil {
		out["table"] = map[string]any{"tick": a.Table.Tick, "matched": a.Table.Matched, "rows": rowsOf(a.Table)}
	}
	if a.Captures != nil {
		nameParts(out["captures"], a.Captures)
	}
	if a.Audit != nil {
		lines := make([]any, len(a.Audit))
		for i, line := range a.Audit {
			if lines[i] = json.RawMessage(line); !json.Valid([]byte(line)) {
				lines[i] = line // one that a crash has cut short
			}
		}
		out["audit"] = lines
	}
	for _, name := range emptyLists(&a) {
		out[name] = []any{}
	}
	return json.MarshalIndent(out, "", "  ")
}

func rowsOf(t *admin.Table) []any {
	out := make([]any, len(t.Rows))
	for i, r := range t.Rows {
		fields := map[string]any{}
		for at, column := range t.Columns[:min(len(t.Columns), len(r.Values))] {
			fields[column.Name] = valueOf(column.Kind, r.Values[at])
		}
		one := map[string]any{"id": r.ID, "owner": r.Owner, "team": r.Team, "fields": fields}
		if r.Tick != 0 {
			one["tick"] = r.Tick
		}
		out[i] = one
	}
	return out
}

// valueOf is a value as JSON has it, a text when it is none of those.
func valueOf(kind, text string) any {
	switch kind {
	case "bool":
		return text == "true"
	case "int", "uint", "float":
		if _, err := strconv.ParseFloat(text, 64); err == nil && json.Valid([]byte(text)) {
			return json.Number(text)
		}
	}
	return text
}
