package console_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

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

// written is an answer as people read it.
func written(t *testing.T, w console.Text, a admin.Answer) string {
	t.Helper()
	var out bytes.Buffer
	if err := w.Write(&out, a); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestRoomsFitATerminal of 100 cells, with bytes, age and share of a tick; an ID is there where a name does not do.
func TestRoomsFitATerminal(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	room := admin.Room{
		ID: "0123456789abcdef0123456789abcdef", Game: "arena", Name: "lobby-number-1", Opened: now.Add(-26 * time.Hour).UnixMilli(), Every: 0, Players: 100, MaxPlayers: 100,
		Entities: 65_000, P99: 16_666, Bytes: 123_456_789_000, Overruns: 12_345_678, Failed: 1,
	}
	w := console.Text{TickRate: 30, Now: now}
	text := written(t, w, admin.Answer{Rooms: []admin.Room{room}})
	for line := range strings.Lines(text) {
		if n := len(strings.TrimRight(line, "\n")); n > 100 {
			t.Errorf("a line has %d cells: %s", n, line)
		}
	}
	for _, want := range []string{"50 %", "26h00m", "123456789", "frozen"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, room.ID) {
		t.Errorf("an ID that nobody needs is in\n%s", text)
	}
	other := room
	other.ID = "fedcba9876543210fedcba9876543210"
	if text := written(t, w, admin.Answer{Rooms: []admin.Room{room, other}}); !strings.Contains(text, room.ID) || !strings.Contains(text, other.ID) {
		t.Errorf("of two rooms of a name the IDs are not in\n%s", text)
	}
	room.Name = ""
	if text := written(t, console.Text{}, admin.Answer{Rooms: []admin.Room{room}}); !strings.Contains(text, room.ID) || !strings.Contains(text, "  -  ") {
		t.Errorf("of a private room, at an unknown time, it says\n%s", text)
	}
}

// TestARoomTellsItsBytesByTable: those of all its players, the most first, with what no table took.
func TestARoomTellsItsBytesByTable(t *testing.T) {
	player := admin.Player{Bytes: 10_000, EventBytes: 1_000, Tables: []admin.TableBytes{{Table: "ship", Bytes: 2_000}, {Table: "drone", Bytes: 6_000}}}
	a := admin.Answer{Rooms: []admin.Room{{ID: "ab", Name: "lobby", Parts: []admin.Part{{Name: "drain"}}}}, Players: []admin.Player{player, player}}
	_, text, _ := strings.Cut(written(t, console.Text{}, a), "SENT OF")
	var got []string
	for line := range strings.Lines(text) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if want := "KBYTES SHARE|drone 12 60 %|ship 4 20 %|(events) 2 10 %|(headers) 2 10 %"; strings.Join(got, "|") != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

// TestATimelineTellsHowFarItGoesBack, and a query how many rows it leaves out.
func TestATimelineTellsHowFarItGoesBack(t *testing.T) {
	past := &admin.Table{Tick: 1000, Rows: []admin.Row{{Tick: 990, ID: "1.1"}, {Tick: 873, ID: "1.1"}}, Matched: 2}
	if text := written(t, console.Text{TickRate: 32}, admin.Answer{Table: past}); !strings.Contains(text, "128 ticks, 4.0 s,") {
		t.Errorf("it says\n%s", text)
	}
	if text := written(t, console.Text{}, admin.Answer{Table: &admin.Table{Rows: []admin.Row{{ID: "1.1"}}, Matched: 1234}}); !strings.Contains(text, "1 of 1234 rows") {
		t.Errorf("it says\n%s", text)
	}
	sights := make([]admin.Sight, admin.MaxSights)
	if text := written(t, console.Text{}, admin.Answer{Sight: sights}); !strings.Contains(text, "the first 2048 rows") {
		t.Errorf("it says nothing of the rows that are left out")
	}
}

// TestWhatIsNotThereIsSaid in a word, not by titles alone.
func TestWhatIsNotThereIsSaid(t *testing.T) {
	if text := written(t, console.Text{}, console.Listed(admin.ActBans, admin.Answer{})); text != "nothing is there\n" {
		t.Errorf("without bans it says %q", text)
	}
}
