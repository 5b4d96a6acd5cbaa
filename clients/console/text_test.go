package console_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// TestTextsOfPlayersAreHarmless on a terminal: no escape sequence, and no line or column of their own.
func TestTextsOfPlayersAreHarmless(t *testing.T) {
	const evil = "a\x1b[2J\nb\tc\u009b"
	for _, a := range []admin.Answer{
		{Table: &admin.Table{Columns: []admin.Column{{Name: "Name", Kind: "text"}}, Rows: []admin.Row{{ID: "1.1", Values: []string{evil}}}, Matched: 1}},
		{Edits: []admin.Edit{{Number: 1, Before: evil, After: evil}}},
		{Rooms: []admin.Room{{Name: evil}}},
		{Players: []admin.Player{{RoomName: evil, User: evil, Impaired: &admin.Impaired{DelayMS: 1, By: evil}}}},
		{Sight: []admin.Sight{{Text: evil}}},
		{Bans: []admin.Ban{{User: evil, By: evil, Reason: evil}}},
		{Audit: []string{`{"who":"ann"}`, evil}},
		{Report: []admin.Advice{{RoomName: evil, Text: evil}}},
		{Captures: []admin.Capture{{RoomName: evil, Ticks: []admin.SlowTick{{Blame: evil}}}}},
	} {
		var out bytes.Buffer
		if err := console.WriteText(&out, a); err != nil {
			t.Fatal(err)
		}
		if text := out.String(); strings.ContainsAny(text, "\x1b\t\u009b") || strings.Count(text, "\n") != 2 || !strings.Contains(text, "[2J") {
			t.Errorf("%q", text)
		}
	}
}
