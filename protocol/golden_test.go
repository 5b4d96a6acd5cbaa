package protocol_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/quicstep/quicstep/protocol"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

const streamGolden = "../testdata/wire/stream.json"

// streamVector is one message as other languages read it: numbers above 32 bits are decimal strings, bytes are
// hexadecimal strings.
type streamVector struct {
	Name   string         `json:"name"`
	Kind   string         `json:"kind"`
	Fields map[string]any `json:"fields"`
	Hex    string         `json:"hex"`   // the message
	Frame  string         `json:"frame"` // the message as it stands on the stream
}

// checkGolden compares got with the file, or writes the file when the tests run with -update.
func checkGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test ./protocol -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is written today; if you can explain how, run go test ./protocol -update", path)
	}
}

func TestStreamGolden(t *testing.T) {
	longest := strings.Repeat("é", protocol.MaxGameName/2)
	cases := []struct {
		name    string
		message any
	}{
		{"hello: first visit", protocol.Hello{Version: 1, Game: "pong"}},
		{"hello: every field", sampleHello},
		{"hello: a private room is made", protocol.Hello{Version: 1, Game: "pong", Join: protocol.CreatePrivate}},
		{"hello: a private room is joined", protocol.Hello{Version: 1, Game: "pong", Room: "K7QW2MPA", Join: protocol.JoinPrivate}},
		{"hello: a session is resumed", protocol.Hello{
			Version: 1, Game: "pong", SchemaHash: 5, Resume: []byte("0123456789abcdef"), HasReplica: true, Epoch: 1,
		}},
		{"hello: a token above 255 bytes", protocol.Hello{Version: 1, Game: "pong", Token: bytes.Repeat([]byte{0xab}, 300)}},
		{"welcome: with a schema", sampleWelcome},
		{"welcome: the client has the schema", protocol.Welcome{
			Version: 1, Player: 1, Tick: 1_000_000, TickPeriod: time.Second / 60, AgeMax: 64, SchemaHash: 5,
			EventTicks: 15, RoomName: "room-1", Resume: []byte("0123456789abcdef"),
		}},
		{"welcome: the largest values", protocol.Welcome{
			Version: 1, Player: 1<<32 - 1, Epoch: protocol.MaxEpoch, Tick: protocol.MaxTick, NextSequence: protocol.MaxSequence,
			TickPeriod: protocol.MaxTickPeriod, AgeMax: protocol.MaxAge, SchemaHash: 1<<64 - 1, Schema: schemaOf(256),
			EventTicks: protocol.MaxEventTicks, RoomName: longest, Resume: bytes.Repeat([]byte{0xab}, protocol.MaxResumeToken),
			LastRequest: 1<<32 - 1,
		}},
		{"goodbye: as intended", protocol.Goodbye{}},
		{"goodbye: with a reason", sampleGoodbye},
		{"goodbye: a code that nobody knows yet", protocol.Goodbye{Code: 1<<32 - 1, Reason: "später"}},
		{"resync", sampleResync},
		{"list", sampleList},
		{"list: every game's", protocol.List{Version: 1}},
		{"rooms", sampleRooms},
		{"rooms: none", protocol.Rooms{Version: 1}},
		{"rooms: more than 15, the largest values", protocol.Rooms{Version: 1, Rooms: fullHouse.Rooms[:16]}},
		{"request", protocol.Request{Number: 7, Data: []byte{0x00, 0x05}}},
		{"request: no data", protocol.Request{}},
		{"request: the largest values", protocol.Request{Number: 1<<32 - 1, Kind: protocol.MaxTables - 1, Data: longestRow}},
		{"answer", protocol.Answer{Number: 7, Data: []byte{0x00, 0x01, 0x48}}},
		{"answer: no data", protocol.Answer{}},
		{"answer: refused", sampleRefusal},
		{"answer: the largest values", protocol.Answer{Number: 1<<32 - 1, Data: longestRow}},
		{"message", protocol.Message{Tick: 1002, Data: []byte{0xa4, 0x6a, 0x75, 0x6e, 0x65, 0x00, 0x03}}},
		{"message: the largest values", protocol.Message{Tick: protocol.MaxTick, Kind: protocol.MaxTables - 1, Data: longestRow}},
		{"say", protocol.Say{Text: "gg"}},
		{"say: to a player", sampleSay},
		{"say: the largest values", protocol.Say{Scope: protocol.ScopePlayer, Player: 1<<32 - 1, Text: strings.Repeat("é", protocol.MaxChat/2)}},
		{"chat", protocol.Chat{From: 7, Text: "gg"}},
		{"chat: to the team", sampleChat},
		{"chat: from the server", protocol.Chat{Scope: protocol.ScopePlayer, Text: "you say too much"}},
		{"chat: the largest values", protocol.Chat{From: 1<<32 - 1, Scope: protocol.ScopePlayer, Text: strings.Repeat("x", protocol.MaxChat)}},
		{"checks", sampleChecks},
		{"pace: frozen", samplePace},
		{"pace: the largest values", protocol.Pace{Tick: protocol.MaxTick, Every: protocol.MaxEvery}},
		{"checks: the largest values", protocol.Checks{Rows: protocol.MaxTick, Pages: protocol.MaxTick, Skipped: protocol.MaxTick, Diverged: protocol.MaxTick}},
		{"diverged", protocol.Diverged{Tick: 1001, Entity: 0x0030_0028, Field: "X", Server: "500", Client: "500.1"}},
		{"diverged: a row is missing", protocol.Diverged{Tick: 1001, Table: 1, Entity: 2, Field: "row", Server: "in sight", Client: "missing"}},
		{"diverged: the largest values", protocol.Diverged{
			Tick: protocol.MaxTick, Table: protocol.MaxTables - 1, Entity: 1<<32 - 1, Field: longest, Server: longest, Client: longest,
		}},
	}
	var vectors []streamVector
	for _, c := range cases {
		b := encode(t, c.message)
		kind, err := protocol.KindOf(b)
		if err != nil {
			t.Fatal(err)
		}
		vectors = append(vectors, streamVector{
			Name: c.name, Kind: kind.String(), Fields: fieldsOf(c.message),
			Hex: hex.EncodeToString(b), Frame: hex.EncodeToString(protocol.AppendFrame(nil, b)),
		})
	}
	got, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, streamGolden, append(got, '\n'))
}

func fieldsOf(message any) map[string]any {
	big := func(v uint64) string { return strconv.FormatUint(v, 10) }
	switch m := message.(type) {
	case protocol.Hello:
		replica := 0
		if m.HasReplica {
			replica = int(m.Epoch) + 1
		}
		return map[string]any{
			"version": m.Version, "game": m.Game, "schemaHash": big(m.SchemaHash),
			"token": hex.EncodeToString(m.Token), "room": m.Room, "join": m.Join,
			"resume": hex.EncodeToString(m.Resume), "replica": replica,
		}
	case protocol.Welcome:
		return map[string]any{
			"version": m.Version, "session": hex.EncodeToString(m.Session[:]), "room": hex.EncodeToString(m.Room[:]),
			"player": m.Player, "epoch": m.Epoch, "tick": big(m.Tick), "nextSequence": big(m.NextSequence),
			"tickPeriodNanoseconds": big(uint64(m.TickPeriod)), "ageMax": m.AgeMax,
			"schemaHash": big(m.SchemaHash), "schema": hex.EncodeToString(m.Schema),
			"eventTicks": m.EventTicks, "roomName": m.RoomName,
			"resume": map[string]any{"token": hex.EncodeToString(m.Resume), "lastRequest": m.LastRequest},
		}
	case protocol.Goodbye:
		return map[string]any{"code": uint64(m.Code), "reason": m.Reason}
	case protocol.Resync:
		return map[string]any{"epoch": m.Epoch}
	case protocol.List:
		return map[string]any{"version": m.Version, "game": m.Game}
	case protocol.Rooms:
		rooms := []map[string]any{}
		for _, r := range m.Rooms {
			rooms = append(rooms, map[string]any{"game": r.Game, "name": r.Name, "players": r.Players, "maxPlayers": r.MaxPlayers})
		}
		return map[string]any{"version": m.Version, "rooms": rooms}
	case protocol.Request:
		return map[string]any{"number": m.Number, "request": m.Kind, "data": hex.EncodeToString(m.Data)}
	case protocol.Answer:
		return map[string]any{"number": m.Number, "data": hex.EncodeToString(m.Data), "refusal": m.Refusal}
	case protocol.Message:
		return map[string]any{"tick": big(m.Tick), "message": m.Kind, "data": hex.EncodeToString(m.Data)}
	case protocol.Say:
		return map[string]any{"scope": m.Scope, "player": m.Player, "text": m.Text}
	case protocol.Chat:
		return map[string]any{"from": m.From, "scope": m.Scope, "text": m.Text}
	case protocol.Checks:
		return map[string]any{"rows": big(m.Rows), "pages": big(m.Pages), "skipped": big(m.Skipped), "diverged": big(m.Diverged)}
	case protocol.Pace:
		return map[string]any{"tick": big(m.Tick), "every": m.Every}
	case protocol.Diverged:
		return map[string]any{
			"tick": big(m.Tick), "table": m.Table, "entity": uint32(m.Entity), "field": m.Field, "server": m.Server, "client": m.Client,
		}
	}
	return nil
}

// TestStreamGoldenIsPlainMsgpack reads the golden frames with a library that knows nothing of us.
func TestStreamGoldenIsPlainMsgpack(t *testing.T) {
	text, err := os.ReadFile(streamGolden)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []streamVector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		frame := unhex(t, v.Frame)
		var message []byte
		if err := msgpack.Unmarshal(frame, &message); err != nil || hex.EncodeToString(message) != v.Hex {
			t.Errorf("%s: the frame holds % x, %v", v.Name, message, err)
			continue
		}
		var fields []any
		if err := msgpack.Unmarshal(message, &fields); err != nil || len(fields) != len(v.Fields)+1 {
			t.Errorf("%s: %d fields and a kind expected, got %v, %v", v.Name, len(v.Fields), fields, err)
		}
		decoded, err := decode(message)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		var again map[string]any
		if text, err := json.Marshal(fieldsOf(decoded)); err != nil || json.Unmarshal(text, &again) != nil || !reflect.DeepEqual(again, v.Fields) {
			t.Errorf("%s is read as %v, want %v", v.Name, again, v.Fields)
		}
	}
}
