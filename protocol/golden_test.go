package protocol_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
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
	cases := []struct {
		name    string
		message any
	}{
		{"hello: first visit", protocol.Hello{Version: 1, Game: "pong"}},
		{"hello: every field", sampleHello},
		{"hello: a token above 255 bytes", protocol.Hello{Version: 1, Game: "pong", Token: bytes.Repeat([]byte{0xab}, 300)}},
		{"welcome: with a schema", sampleWelcome},
		{"welcome: the client has the schema", protocol.Welcome{
			Version: 1, Player: 1, Tick: 1_000_000, TickPeriod: time.Second / 60, AgeMax: 64, SchemaHash: 5,
		}},
		{"welcome: the largest values", protocol.Welcome{
			Version: 1, Player: 1<<32 - 1, Epoch: protocol.MaxEpoch, Tick: protocol.MaxTick, NextSequence: protocol.MaxSequence,
			TickPeriod: protocol.MaxTickPeriod, AgeMax: protocol.MaxAge, SchemaHash: 1<<64 - 1, Schema: schemaOf(256),
		}},
		{"goodbye: as intended", protocol.Goodbye{}},
		{"goodbye: with a reason", sampleGoodbye},
		{"goodbye: a code that nobody knows yet", protocol.Goodbye{Code: 1<<32 - 1, Reason: "später"}},
		{"resync", sampleResync},
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
		return map[string]any{
			"version": m.Version, "game": m.Game, "schemaHash": big(m.SchemaHash),
			"token": hex.EncodeToString(m.Token), "room": m.Room,
		}
	case protocol.Welcome:
		return map[string]any{
			"version": m.Version, "session": hex.EncodeToString(m.Session[:]), "room": hex.EncodeToString(m.Room[:]),
			"player": m.Player, "epoch": m.Epoch, "tick": big(m.Tick), "nextSequence": big(m.NextSequence),
			"tickPeriodNanoseconds": big(uint64(m.TickPeriod)), "ageMax": m.AgeMax,
			"schemaHash": big(m.SchemaHash), "schema": hex.EncodeToString(m.Schema),
		}
	case protocol.Goodbye:
		return map[string]any{"code": uint64(m.Code), "reason": m.Reason}
	case protocol.Resync:
		return map[string]any{"epoch": m.Epoch}
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
		if _, err := decode(message); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}
