package schema_test

import (
	"reflect"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
)

func tableOf[T any](t *testing.T, name string) *schema.Table {
	t.Helper()
	table, _, err := schema.FromType(name, reflect.TypeFor[T]())
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestDifferenceNamesWhatDiffers(t *testing.T) {
	type ship struct {
		X    float32 `net:"range=0:10,step=0.5"`
		Hull uint8
		Name string `net:"max=8"`
	}
	type step struct {
		DY int8 `net:"range=-1:1"`
	}
	game := func(change func(*schema.Schema)) *schema.Schema {
		s := schema.Schema{Game: "fleet", Tables: []*schema.Table{tableOf[ship](t, "ship")}, Input: tableOf[step](t, "input"), Events: []*schema.Table{tableOf[step](t, "shot")},
			Requests: []schema.Request{{Ask: tableOf[step](t, "ask"), Answer: tableOf[step](t, "ask's answer")}}}
		change(&s)
		out, err := schema.New(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	ships := func(table *schema.Table) *schema.Schema {
		return game(func(s *schema.Schema) { s.Tables = []*schema.Table{table} })
	}
	for _, c := range []struct {
		server *schema.Schema
		want   string
	}{
		{game(func(*schema.Schema) {}), ""},
		{game(func(s *schema.Schema) { s.Game = "armada" }), "the server has game armada, this client fleet"},
		{game(func(s *schema.Schema) { s.Tables = nil }), "table ship: the server does not have it"},
		{game(func(s *schema.Schema) { s.Tables = append(s.Tables, tableOf[step](t, "rock")) }), "table rock: this client does not have it"},
		{game(func(s *schema.Schema) { s.Events = nil }), "event shot: the server does not have it"},
		{game(func(s *schema.Schema) { s.Requests = nil }), "request ask: the server does not have it"},
		{game(func(s *schema.Schema) { s.Messages = []*schema.Table{tableOf[step](t, "news")} }), "message news: this client does not have it"},
		{game(func(s *schema.Schema) { s.Tables = []*schema.Table{tableOf[step](t, "rock"), s.Tables[0]} }), "table rock: this client does not have it"},
		{ships(tableOf[struct {
			X    float32 `net:"range=0:10,step=0.5"`
			Name string  `net:"max=8"`
		}](t, "ship")), "table ship, field Hull: the server does not have it"},
		{ships(tableOf[struct {
			Hull uint8
			X    float32 `net:"range=0:10,step=0.5"`
			Name string  `net:"max=8"`
		}](t, "ship")), "table ship, field Hull: it stands in another place"},
		{ships(tableOf[struct {
			X    float32 `net:"range=0:20,step=0.5"`
			Hull uint8
			Name string `net:"max=8"`
		}](t, "ship")), "table ship, field X: the server has float from 0 to 20 in steps of 0.5, this client float from 0 to 10 in steps of 0.5"},
		{ships(tableOf[struct {
			X    float32 `net:"range=0:10,step=0.5"`
			Hull uint8   `net:"range=1:4"`
			Name string  `net:"max=8"`
		}](t, "ship")), "table ship, field Hull: the server has uint from 1 to 4, this client uint from 0 to 255"},
		{ships(tableOf[struct {
			X    float32 `net:"range=0:10,step=0.5"`
			Hull uint8
			Name string `net:"max=8,owner"`
		}](t, "ship")), "table ship, field Name: another owner's step, audience or velocity"},
		{ships(tableOf[struct {
			X    float32 `net:"range=0:10,step=0.5,pos=x"`
			Hull uint8
			Name string  `net:"max=8"`
			Y    float32 `net:"range=0:10,step=0.5,pos=y"`
		}](t, "ship")), "table ship, field Y: this client does not have it"},
		{game(func(s *schema.Schema) { s.Input = tableOf[struct{ DY int8 }](t, "input") }), "input, field DY: the server has int from -128 to 127, this client int from -1 to 1"},
	} {
		if got := schema.Difference(game(func(*schema.Schema) {}), c.server); got != c.want {
			t.Errorf("the difference is %q, want %q", got, c.want)
		}
	}
}
