package protocol_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// A sample is a message of each kind, with its fields away from their zeros.
var (
	sampleHello = protocol.Hello{
		Version: protocol.Version, Game: "pong", SchemaHash: 0xfeedfacecafebeef, Token: []byte("secret"), Room: "lobby é",
		Join: protocol.JoinExisting, Resume: []byte("key"), HasReplica: true, Epoch: 1,
	}
	sampleWelcome = protocol.Welcome{
		Version: protocol.Version, Session: [16]byte{1, 2, 15: 16}, Room: [16]byte{0xff, 15: 0xfe}, Player: 7, Epoch: 127,
		Tick: protocol.MaxTick, NextSequence: 70_000, TickPeriod: time.Second / 30, AgeMax: 64,
		SchemaHash: 0xfeedfacecafebeef, Schema: []byte{0x92, 0x01, 0x02}, EventTicks: 8, RoomName: "lobby é",
		Resume: []byte("key"), LastRequest: 300,
	}
	sampleGoodbye = protocol.Goodbye{Code: protocol.CloseShutdown, Reason: "the server restarts: reconnect"}
	sampleResync  = protocol.Resync{Epoch: 126}
	sampleList    = protocol.List{Version: protocol.Version, Game: "pong"}
	sampleRooms   = protocol.Rooms{Version: protocol.Version, Rooms: []protocol.RoomInfo{
		{Game: "pong", Name: "lobby é", Players: 1, MaxPlayers: 2}, {Game: "arena", Name: "room-2", Players: 200, MaxPlayers: 1000},
	}}
	sampleRequest  = protocol.Request{Number: 7, Kind: 1, Data: []byte{0x05}}
	sampleAnswer   = protocol.Answer{Number: 7, Data: []byte{0x01, 0x48}}
	sampleRefusal  = protocol.Answer{Number: 8, Refusal: "sold out"}
	sampleMessage  = protocol.Message{Tick: 1000, Kind: 1, Data: []byte{0xa2, 0x68, 0x69, 0x03}}
	sampleSay      = protocol.Say{Scope: protocol.ScopePlayer, Player: 2, Text: "gg, é"}
	sampleChat     = protocol.Chat{From: 7, Scope: protocol.ScopeTeam, Text: "to me"}
	samplePace     = protocol.Pace{Tick: 1002}
	sampleChecks   = protocol.Checks{Rows: 40, Pages: 41, Skipped: 300, Diverged: 1}
	sampleDiverged = protocol.Diverged{Tick: 1000, Table: 1, Entity: 0x0030_0005, Field: "Pos.X", Server: "12.3", Client: "12.4"}

	samples = []any{
		sampleHello, sampleWelcome, sampleGoodbye, sampleResync, sampleList, sampleRooms, sampleRequest, sampleAnswer, sampleRefusal,
		sampleMessage, sampleSay, sampleChat, sampleChecks, sampleDiverged, samplePace,
	}
)

// schemaOf returns a stand-in for a schema: an array, n bytes long, that is as dense as any can be.
func schemaOf(n int) []byte {
	return append([]byte{0xdc, byte((n - 3) >> 8), byte(n - 3)}, make([]byte, n-3)...)
}

// encode returns the message's bytes, whichever its type.
func encode(t testing.TB, message any) []byte {
	t.Helper()
	var b []byte
	var err error
	switch m := message.(type) {
	case protocol.Hello:
		b, err = protocol.AppendHello(nil, m)
	case protocol.Welcome:
		b, err = protocol.AppendWelcome(nil, m)
	case protocol.Goodbye:
		b, err = protocol.AppendGoodbye(nil, m)
	case protocol.Resync:
		b, err = protocol.AppendResync(nil, m)
	case protocol.List:
		b, err = protocol.AppendList(nil, m)
	case protocol.Rooms:
		b, err = protocol.AppendRooms(nil, m)
	case protocol.Request:
		b, err = protocol.AppendRequest(nil, m)
	case protocol.Answer:
		b, err = protocol.AppendAnswer(nil, m)
	case protocol.Message:
		b, err = protocol.AppendMessage(nil, m)
	case protocol.Say:
		b, err = protocol.AppendSay(nil, m)
	case protocol.Chat:
		b, err = protocol.AppendChat(nil, m)
	case protocol.Pace:
		b = protocol.AppendPace(nil, m)
	case protocol.Checks:
		b = protocol.AppendChecks(nil, m)
	case protocol.Diverged:
		b, err = protocol.AppendDiverged(nil, m)
	default:
		t.Fatalf("no message: %T", message)
	}
	if err != nil {
		t.Fatalf("append %#v: %v", message, err)
	}
	return b
}

// decode parses a message by its kind, as a receiver does.
func decode(b []byte) (any, error) {
	kind, err := protocol.KindOf(b)
	if err != nil {
		return nil, err
	}
	return decodeAs(kind, b)
}

func decodeAs(kind protocol.Kind, b []byte) (any, error) {
	switch kind {
	case protocol.KindHello:
		return protocol.ParseHello(b)
	case protocol.KindWelcome:
		return protocol.ParseWelcome(b)
	case protocol.KindGoodbye:
		return protocol.ParseGoodbye(b)
	case protocol.KindResync:
		return protocol.ParseResync(b)
	case protocol.KindList:
		return protocol.ParseList(b)
	case protocol.KindRooms:
		return protocol.ParseRooms(b)
	case protocol.KindRequest:
		return protocol.ParseRequest(b)
	case protocol.KindAnswer:
		return protocol.ParseAnswer(b)
	case protocol.KindMessage:
		return protocol.ParseMessage(b)
	case protocol.KindSay:
		return protocol.ParseSay(b)
	case protocol.KindChat:
		return protocol.ParseChat(b)
	case protocol.KindPace:
		return protocol.ParsePace(b)
	case protocol.KindChecks:
		return protocol.ParseChecks(b)
	case protocol.KindDiverged:
		return protocol.ParseDiverged(b)
	}
	panic(fmt.Sprintf("no parser for %v", kind))
}

// The largest that a message may hold.
var (
	longestRow = bytes.Repeat([]byte{0x7f}, schema.MaxRowBytes)
	fullHouse  = protocol.Rooms{Version: protocol.Version, Rooms: slices.Repeat([]protocol.RoomInfo{{
		Game: strings.Repeat("x", protocol.MaxGameName), Name: strings.Repeat("é", protocol.MaxGameName/2),
		Players: protocol.MaxPlayers, MaxPlayers: protocol.MaxPlayers,
	}}, protocol.MaxRooms)}
)

func TestMessagesRoundTrip(t *testing.T) {
	longest := strings.Repeat("é", protocol.MaxGameName/2)
	cases := append([]any{
		protocol.Hello{Version: protocol.Version},
		protocol.Hello{
			Version: protocol.Version, Game: longest, Room: longest, SchemaHash: math.MaxUint64,
			Token: bytes.Repeat([]byte{0xff}, protocol.MaxToken),
		},
		protocol.Hello{Version: protocol.Version, Join: protocol.CreatePrivate},
		protocol.Hello{Version: protocol.Version, Resume: []byte{0}},
		protocol.Hello{Version: protocol.Version, Resume: make([]byte, protocol.MaxResumeToken), HasReplica: true, Epoch: protocol.MaxEpoch},
		protocol.Hello{Version: protocol.Version, Join: protocol.JoinPrivate, Room: "K7QW2MPA"},
		protocol.Welcome{Version: protocol.Version, TickPeriod: protocol.MinTickPeriod, AgeMax: protocol.MinAge, EventTicks: 1},
		protocol.Welcome{
			Version: protocol.Version, Player: math.MaxUint32, Tick: protocol.MaxTick, NextSequence: protocol.MaxSequence,
			TickPeriod: protocol.MaxTickPeriod, AgeMax: protocol.MaxAge, Schema: schemaOf(protocol.MaxSchema),
			EventTicks: protocol.MaxEventTicks, RoomName: longest, Resume: make([]byte, protocol.MaxResumeToken), LastRequest: math.MaxUint32,
		},
		protocol.Goodbye{}, protocol.Goodbye{Code: math.MaxUint32, Reason: strings.Repeat("x", protocol.MaxReason)},
		protocol.Resync{}, protocol.Resync{Epoch: protocol.MaxEpoch},
		protocol.List{Version: protocol.Version}, protocol.List{Version: protocol.Version, Game: longest},
		protocol.Rooms{Version: protocol.Version}, fullHouse,
		protocol.Request{}, protocol.Request{Number: math.MaxUint32, Kind: protocol.MaxTables - 1, Data: longestRow},
		protocol.Answer{}, protocol.Answer{Number: math.MaxUint32, Data: longestRow},
		protocol.Answer{Refusal: strings.Repeat("é", protocol.MaxReason/2)},
		protocol.Message{}, protocol.Message{Tick: protocol.MaxTick, Kind: protocol.MaxTables - 1, Data: longestRow},
		protocol.Say{Text: "x"}, protocol.Say{Scope: protocol.ScopeTeam, Player: math.MaxUint32, Text: strings.Repeat("é", protocol.MaxChat/2)},
		protocol.Chat{}, protocol.Chat{From: math.MaxUint32, Scope: protocol.ScopePlayer, Text: strings.Repeat("é", protocol.MaxChat/2)},
		protocol.Checks{}, protocol.Checks{Rows: protocol.MaxTick, Pages: protocol.MaxTick, Skipped: protocol.MaxTick, Diverged: protocol.MaxTick},
		protocol.Diverged{}, protocol.Diverged{
			Tick: protocol.MaxTick, Table: protocol.MaxTables - 1, Entity: math.MaxUint32, Field: longest, Server: longest, Client: longest,
		},
	}, samples...)
	for _, want := range cases {
		b := encode(t, want)
		got, err := decode(b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%#v comes back as %#v, %v", want, got, err)
		}
		clear(b)
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%#v changes with the bytes that it was parsed from", want)
		}
	}
}

func TestEveryMessageFitsItsFrame(t *testing.T) {
	longest := strings.Repeat("x", protocol.MaxGameName)
	for _, message := range []any{
		protocol.Hello{Game: longest, Room: longest, SchemaHash: math.MaxUint64, Token: make([]byte, protocol.MaxToken), Join: protocol.JoinPrivate, Resume: make([]byte, protocol.MaxResumeToken), HasReplica: true, Epoch: protocol.MaxEpoch},
		protocol.Welcome{
			Player: math.MaxUint32, Epoch: protocol.MaxEpoch, Tick: protocol.MaxTick, NextSequence: protocol.MaxSequence,
			TickPeriod: protocol.MaxTickPeriod, AgeMax: protocol.MaxAge, SchemaHash: math.MaxUint64,
			Schema: schemaOf(protocol.MaxSchema), EventTicks: protocol.MaxEventTicks, RoomName: longest, Resume: make([]byte, protocol.MaxResumeToken), LastRequest: math.MaxUint32,
		},
		protocol.List{Game: longest}, fullHouse,
		protocol.Request{Number: math.MaxUint32, Kind: protocol.MaxTables - 1, Data: longestRow},
		protocol.Say{Scope: protocol.ScopePlayer, Player: math.MaxUint32, Text: strings.Repeat("x", protocol.MaxChat)},
	} {
		b := encode(t, message)
		kind, _ := protocol.KindOf(b)
		most := protocol.MaxFrame
		if kind.FromClient() {
			most = protocol.MaxHelloFrame
		}
		if len(b) > most {
			t.Errorf("the longest %v has %d bytes, its frame takes %d", kind, len(b), most)
		}
	}
}

func TestZeroVersionIsOurs(t *testing.T) {
	for _, message := range []any{
		protocol.Hello{}, protocol.Welcome{TickPeriod: time.Second, AgeMax: 64, EventTicks: 1}, protocol.List{}, protocol.Rooms{},
	} {
		got, err := decode(encode(t, message))
		if err != nil || reflect.ValueOf(got).FieldByName("Version").Uint() != protocol.Version {
			t.Errorf("%T: %+v, %v", message, got, err)
		}
	}
}

func TestIntegersOfAnyWidth(t *testing.T) {
	for _, epoch := range []string{"05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005", "d10005", "d200000005", "d30000000000000005"} {
		got, err := protocol.ParseResync(unhex(t, "92 04"+epoch))
		if err != nil || got.Epoch != 5 {
			t.Errorf("epoch %s is read as %d, %v", epoch, got.Epoch, err)
		}
	}
	if _, err := protocol.ParseResync(unhex(t, "dd 00000002 cd 0004 05")); err != nil {
		t.Errorf("wide array and kind: %v", err)
	}
	if _, err := protocol.ParseGoodbye(unhex(t, "93 03 00 db 00000002 6f6b")); err != nil {
		t.Errorf("wide string: %v", err)
	}
}

func TestLaterVersionsMayAppendFields(t *testing.T) {
	for _, want := range samples {
		b := encode(t, want)
		b = append([]byte{0xdc, 0, b[0]&0x0f + 2}, b[1:]...)
		got, err := decode(append(slices.Clone(b), unhex(t, "82 a161 92 c3 ca00000000 02 c0 a3 78797a")...))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%T with two more fields: %#v, %v", want, got, err)
		}
		_, err = decode(append(slices.Clone(b), unhex(t, "c0 dd ffffffff")...))
		wantReject(t, "a bomb in a field that we ignore", err, protocol.TooManyElements)
		_, err = decode(append(slices.Clone(b), unhex(t, "c0 d4 01 00")...))
		wantReject(t, "an extension in a field that we ignore", err, protocol.UnsupportedType)
	}
}

func TestTruncatedAtEveryLength(t *testing.T) {
	for _, message := range samples {
		b := encode(t, message)
		kind, _ := protocol.KindOf(b)
		for n := range len(b) {
			_, err := decodeAs(kind, b[:n])
			if got, _ := protocol.RejectOf(err); got != protocol.Truncated {
				t.Errorf("%T cut at byte %d of %d: %v, want it truncated", message, n, len(b), err)
			}
		}
	}
}

func TestMissingFields(t *testing.T) {
	for _, message := range samples {
		b := encode(t, message)
		kind, _ := protocol.KindOf(b)
		fields := int(b[0] & 0x0f)
		at := 1
		for have := range fields {
			short := slices.Clone(b[:at])
			short[0] = 0x90 | byte(have)
			_, err := decodeAs(kind, short)
			wantReject(t, kind.String()+" with too few fields", err, protocol.MissingField)
			n, err := protocol.Walk(b[at:], protocol.WalkLimits{})
			if err != nil {
				t.Fatal(err)
			}
			at += n
		}
	}
}

func TestWrongVersion(t *testing.T) {
	cases := []struct{ name, bytes, peer string }{
		{"a hello of version 2", "96 01 02 a0 00 c4 00 a0", "2"},
		{"a hello of version 0", "96 01 00 a0 00 c4 00 a0", "0"},
		{"a hello of a much later version", "96 01 cf ffffffffffffffff a0 00 c4 00 a0", "18446744073709551615"},
		{"a hello with nothing else", "92 01 02", "2"},
		{"a hello with other types", "94 01 02 80 d4 01 00", "2"},
		{"a hello with a bomb behind", "93 01 02 dd ffffffff", "2"},
		{"a hello with bytes behind", "92 01 02 c1", "2"},
		{"a hello of many fields", "dc ffff 01 02", "2"},
		{"a hello above our limit", "93 01 02 c5 2000" + strings.Repeat("00", 0x2000), "2"},
		{"a welcome of version 3", "92 02 03", "3"},
		{"a list of version 2", "93 05 02 a0", "2"},
		{"a list with a bomb behind", "93 05 02 dd ffffffff", "2"},
		{"rooms of version 2 that are told otherwise", "93 06 02 c0", "2"},
	}
	for _, c := range cases {
		_, err := decode(unhex(t, c.bytes))
		wantReject(t, c.name, err, protocol.WrongVersion)
		if err != nil && (!strings.Contains(err.Error(), "version "+c.peer) || !strings.Contains(err.Error(), "version 1")) {
			t.Errorf("%s: %q, want both versions named", c.name, err)
		}
	}
	_, err := protocol.AppendHello([]byte{9}, protocol.Hello{Version: 2})
	wantReject(t, "appending another version", err, protocol.WrongVersion)
	_, err = protocol.AppendList(nil, protocol.List{Version: 2})
	wantReject(t, "appending a list of another version", err, protocol.WrongVersion)
}

func TestBadMessages(t *testing.T) {
	id := "c410" + strings.Repeat("00", 16)
	period := "ce 01fca055"
	cases := []struct {
		name, bytes string
		reject      protocol.Reject
	}{
		{"no array", "a2 6869", protocol.WrongType},
		{"a map", "81 01 01", protocol.WrongType},
		{"an extension", "d4 01 01", protocol.UnsupportedType},
		{"an empty array", "90", protocol.MissingField},
		{"a kind that is a string", "91 a0", protocol.WrongType},
		{"a kind that is negative", "91 ff", protocol.BadValue},
		{"kind 0", "91 00", protocol.UnknownKind},
		{"kind 15", "91 0f", protocol.UnknownKind},
		{"kind 257, which is 1 in a byte", "97 cd 0101 01 a0 00 c4 00 a0 00", protocol.UnknownKind},
		{"two messages in a frame", "92 04 05 92 04 05", protocol.TrailingBytes},

		{"a version that is nil", "99 01 c0 a0 00 c4 00 a0 00 c400 00", protocol.WrongType},
		{"a version that is a float", "99 01 ca 3f800000 a0 00 c4 00 a0 00 c400 00", protocol.WrongType},
		{"a game that is a bin", "99 01 01 c4 00 00 c4 00 a0 00 c400 00", protocol.WrongType},
		{"a game of 65 bytes", "99 01 01 d9 41" + strings.Repeat("61", 65) + "00 c4 00 a0 00 c400 00", protocol.Oversized},
		{"a game with a line feed", "99 01 01 a2 61 0a 00 c4 00 a0 00 c400 00", protocol.BadValue},
		{"a game with an escape", "99 01 01 a2 61 1b 00 c4 00 a0 00 c400 00", protocol.BadValue},
		{"a game with a C1 control", "99 01 01 a2 c2 9b 00 c4 00 a0 00 c400 00", protocol.BadValue},
		{"a game in Latin-1", "99 01 01 a1 e9 00 c4 00 a0 00 c400 00", protocol.BadValue},
		{"a game with a surrogate", "99 01 01 a3 eda080 00 c4 00 a0 00 c400 00", protocol.BadValue},
		{"a negative hash", "99 01 01 a0 ff c4 00 a0 00 c400 00", protocol.BadValue},
		{"a token that is a string", "99 01 01 a0 00 a0 a0 00 c400 00", protocol.WrongType},
		{"a token of 2,049 bytes", "99 01 01 a0 00 c5 0801" + strings.Repeat("00", 2049) + "a0 00 c400 00", protocol.Oversized},
		{"a token of 4 GB", "99 01 01 a0 00 c6 ffffffff a0 00 c400 00", protocol.Truncated},
		{"a room with a DEL", "99 01 01 a0 00 c4 00 a1 7f 00 c400 00", protocol.BadValue},
		{"join 4", "99 01 01 a0 00 c4 00 a0 04 c400 00", protocol.BadValue},
		{"a negative join", "99 01 01 a0 00 c4 00 a0 ff c400 00", protocol.BadValue},
		{"a join that is a bool", "99 01 01 a0 00 c4 00 a0 c3 c400 00", protocol.WrongType},
		{"an existing room without a name", "99 01 01 a0 00 c4 00 a0 01 c400 00", protocol.BadValue},
		{"a private room to make with a name", "99 01 01 a0 00 c4 00 a1 61 02 c400 00", protocol.BadValue},
		{"a private room to join without a code", "99 01 01 a0 00 c4 00 a0 03 c400 00", protocol.BadValue},
		{"a hello above 4 KiB", "9a 01 01 a0 00 c4 00 a0 00 c400 00 c5 1000" + strings.Repeat("00", 4096), protocol.Oversized},

		{"a session of 15 bytes", "9f 02 01 c40f" + strings.Repeat("00", 15) + id + "00 00 00 00" + period + "40 00 c400 08 a0 92 c400 00", protocol.BadValue},
		{"a session of 17 bytes", "9f 02 01 c411" + strings.Repeat("00", 17) + id + "00 00 00 00" + period + "40 00 c400 08 a0 92 c400 00", protocol.Oversized},
		{"a player above 32 bits", "9f 02 01" + id + id + "cf 0000000100000000 00 00 00" + period + "40 00 c400 08 a0 92 c400 00", protocol.BadValue},
		{"epoch 128", "9f 02 01" + id + id + "00 cc80 00 00" + period + "40 00 c400 08 a0 92 c400 00", protocol.BadValue},
		{"tick 2⁵³", "9f 02 01" + id + id + "00 00 cf 0020000000000000 00" + period + "40 00 c400 08 a0 92 c400 00", protocol.BadValue},
		{"sequence 2⁵³", "9f 02 01" + id + id + "00 00 00 cf 0020000000000000" + period + "40 00 c400 08 a0 92 c400 00", protocol.BadValue},
		{"no tick period", "9f 02 01" + id + id + "00 00 00 00 00 40 00 c400 08 a0 92 c400 00", protocol.BadValue},
		{"241 Hz", "9f 02 01" + id + id + "00 00 00 00 ce 003f5079 40 00 c400 08 a0 92 c400 00", protocol.BadValue},
		{"a tick of more than 10 s", "9f 02 01" + id + id + "00 00 00 00 cf 00000002540be401 40 00 c400 08 a0 92 c400 00", protocol.BadValue},
		{"a period above 63 bits", "9f 02 01" + id + id + "00 00 00 00 cf ffffffffffffffff 40 00 c400 08 a0 92 c400 00", protocol.BadValue},
		{"an age of 63 ticks", "9f 02 01" + id + id + "00 00 00 00" + period + "3f 00 c400 08 a0 92 c400 00", protocol.BadValue},
		{"an age of 4,097 ticks", "9f 02 01" + id + id + "00 00 00 00" + period + "cd 1001 00 c400 08 a0 92 c400 00", protocol.BadValue},
		{"a schema that is an array", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 90 08 a0 92 c400 00", protocol.WrongType},
		{"a schema above its limit", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c5 ff01" + strings.Repeat("00", 0xff01) + "08 a0 92 c400 00", protocol.Oversized},

		{"a schema with an extension", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c404 91d40100 08 a0 92 c400 00", protocol.UnsupportedType},
		{"a schema with a bomb", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c405 ddffffffff 08 a0 92 c400 00", protocol.TooManyElements},
		{"a schema of two values", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c402 9090 08 a0 92 c400 00", protocol.TrailingBytes},
		{"a resume token of 65 bytes", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c400 08 a0 92 c441" + strings.Repeat("00", 65) + "00", protocol.Oversized},
		{"a resume token alone", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c400 08 a0 91 c400", protocol.MissingField},
		{"a resume token that is no array", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c400 08 a0 c400", protocol.WrongType},
		{"a replica beyond the last epoch", "99 01 01 a0 00 c4 00 a0 00 c401 00 cc81", protocol.BadValue},
		{"a replica of no session", "99 01 01 a0 00 c4 00 a0 00 c400 01", protocol.BadValue},
		{"events of no ticks", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c400 00 a0 92 c400 00", protocol.BadValue},
		{"events of 128 ticks", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c400 cc80 a0 92 c400 00", protocol.BadValue},
		{"event ticks that are a string", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c400 a0 a0 92 c400 00", protocol.WrongType},
		{"a room name that is a bin", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c400 08 c400 92 c400 00", protocol.WrongType},
		{"a room name of 65 bytes", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c400 08 d941" + strings.Repeat("61", 65) + " 92 c400 00", protocol.Oversized},
		{"a room name with a line feed", "9f 02 01" + id + id + "00 00 00 00" + period + "40 00 c400 08 a1 0a 92 c400 00", protocol.BadValue},

		{"a code above 32 bits", "93 03 cf 0000000100000000 a0", protocol.BadValue},
		{"a reason of 257 bytes", "93 03 00 da 0101" + strings.Repeat("61", 257), protocol.Oversized},
		{"a reason with a line feed", "93 03 00 a1 0a", protocol.BadValue},
		{"a resync of epoch 128", "92 04 cc80", protocol.BadValue},
		{"a resync of epoch −1", "92 04 d0ff", protocol.BadValue},
	}
	for _, c := range cases {
		_, err := decode(unhex(t, c.bytes))
		wantReject(t, c.name, err, c.reject)
	}
}

func TestParsersRefuseBombs(t *testing.T) {
	for _, bomb := range bombs {
		for kind := protocol.KindHello; kind <= protocol.KindDiverged; kind++ {
			// In the place of the message, and in that of a field that a later version may have added.
			for _, b := range [][]byte{bomb.bytes, append([]byte{0xdc, 0, 0x40, byte(kind), protocol.Version}, bomb.bytes...)} {
				_, err := decodeAs(kind, b)
				if _, ok := protocol.RejectOf(err); !ok {
					t.Errorf("%s as %v: %v, want it refused", bomb.name, kind, err)
				}
				wantFlatMemory(t, bomb.name+" as "+kind.String(), func() { _, _ = decodeAs(kind, b) })
			}
		}
	}
}

func TestAppendersRefuseWhatParsersRefuse(t *testing.T) {
	dst := []byte{1, 2, 3}
	cases := []struct {
		name   string
		append func() ([]byte, error)
		reject protocol.Reject
	}{
		{"a long game", func() ([]byte, error) {
			return protocol.AppendHello(dst, protocol.Hello{Game: strings.Repeat("x", protocol.MaxGameName+1)})
		}, protocol.Oversized},
		{"a long token", func() ([]byte, error) {
			return protocol.AppendHello(dst, protocol.Hello{Token: make([]byte, protocol.MaxToken+1)})
		}, protocol.Oversized},
		{"a room with a tab", func() ([]byte, error) {
			return protocol.AppendHello(dst, protocol.Hello{Room: "a\tb"})
		}, protocol.BadValue},
		{"a private room with a name", func() ([]byte, error) {
			return protocol.AppendHello(dst, protocol.Hello{Room: "a", Join: protocol.CreatePrivate})
		}, protocol.BadValue},
		{"a join that is not there", func() ([]byte, error) {
			return protocol.AppendHello(dst, protocol.Hello{Join: protocol.JoinPrivate + 1})
		}, protocol.BadValue},
		{"a long resume token", func() ([]byte, error) {
			return protocol.AppendHello(dst, protocol.Hello{Resume: make([]byte, protocol.MaxResumeToken+1)})
		}, protocol.Oversized},
		{"a replica of no session", func() ([]byte, error) {
			return protocol.AppendHello(dst, protocol.Hello{HasReplica: true})
		}, protocol.BadValue},
		{"events of 128 ticks", func() ([]byte, error) {
			return protocol.AppendWelcome(dst, protocol.Welcome{TickPeriod: time.Second, AgeMax: 64, EventTicks: 128})
		}, protocol.BadValue},
		{"an empty welcome", func() ([]byte, error) {
			return protocol.AppendWelcome(dst, protocol.Welcome{})
		}, protocol.BadValue},
		{"a negative period", func() ([]byte, error) {
			return protocol.AppendWelcome(dst, protocol.Welcome{TickPeriod: -time.Second, AgeMax: 64, EventTicks: 8})
		}, protocol.BadValue},
		{"a large schema", func() ([]byte, error) {
			return protocol.AppendWelcome(dst, protocol.Welcome{TickPeriod: time.Second, AgeMax: 64, EventTicks: 8, Schema: make([]byte, 1<<20)})
		}, protocol.Oversized},
		{"a code above 32 bits", func() ([]byte, error) {
			return protocol.AppendGoodbye(dst, protocol.Goodbye{Code: 1 << 32})
		}, protocol.BadValue},
		{"epoch 128", func() ([]byte, error) {
			return protocol.AppendResync(dst, protocol.Resync{Epoch: 128})
		}, protocol.BadValue},
	}
	for _, c := range cases {
		got, err := c.append()
		wantReject(t, c.name, err, c.reject)
		if !bytes.Equal(got, dst) {
			t.Errorf("%s: dst comes back as % x", c.name, got)
		}
	}
}

func TestGoodbyeMakesItsReasonFit(t *testing.T) {
	cases := []struct{ reason, want string }{
		{"read hello:\n\tbad", "read hello:  bad"},
		{"caf\xe9", "caf\uFFFD"},
		{strings.Repeat("x", 5000), strings.Repeat("x", protocol.MaxReason)},
		{strings.Repeat("é", 200), strings.Repeat("é", 128)},
		{"x" + strings.Repeat("é", 200), "x" + strings.Repeat("é", 127)},
		{strings.Repeat("\xff", 300), strings.Repeat("\uFFFD", 1)},
		{strings.Repeat("€", 600), strings.Repeat("€", 85)},
	}
	for _, c := range cases {
		got, err := protocol.ParseGoodbye(encode(t, protocol.Goodbye{Reason: c.reason}))
		if err != nil || got.Reason != c.want {
			t.Errorf("%.20q arrives as %q, %v; want %q", c.reason, got.Reason, err, c.want)
		}
	}
}

func TestErrorsDoNotRepeatThePeer(t *testing.T) {
	for _, b := range []string{
		"96 01 01 a7 534543524554 0a 00 c4 00 a0",
		"96 01 01 a0 00 a6 534543524554 a0",
		"93 03 00 a7 534543524554 0a",
		"93 05 01 a7 534543524554 0a",
		"94 0a 00 00 a7 534543524554 0a",
		"94 0a 00 00 a7 534543524554 ff",
	} {
		if _, err := decode(unhex(t, b)); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v, want an error without the peer's text", b, err)
		}
	}
}

func TestKinds(t *testing.T) {
	cases := []struct {
		kind                   protocol.Kind
		name                   string
		fromClient, fromServer bool
	}{
		{0, "message", false, false},
		{protocol.KindHello, "hello", true, false},
		{protocol.KindWelcome, "welcome", false, true},
		{protocol.KindGoodbye, "goodbye", true, true},
		{protocol.KindResync, "resync", true, false},
		{protocol.KindList, "list", true, false},
		{protocol.KindRooms, "rooms", false, true},
		{protocol.KindRequest, "request", true, false},
		{protocol.KindAnswer, "answer", false, true},
		{protocol.KindMessage, "message", false, true},
		{protocol.KindSay, "say", true, false},
		{protocol.KindChat, "chat", false, true},
		{protocol.KindChecks, "checks", false, true},
		{protocol.KindDiverged, "diverged", false, true},
		{protocol.KindPace, "pace", false, true},
		{protocol.KindPace + 1, "kind_15", false, false},
		{200, "kind_200", false, false},
	}
	for _, c := range cases {
		if got := c.kind.String(); got != c.name || c.kind.FromClient() != c.fromClient || c.kind.FromServer() != c.fromServer {
			t.Errorf("kind %d: %s, from client %v, from server %v", uint8(c.kind), got, c.kind.FromClient(), c.kind.FromServer())
		}
	}
	for _, message := range samples {
		b := encode(t, message)
		kind, err := protocol.KindOf(b)
		if err != nil {
			t.Fatal(err)
		}
		for other := protocol.KindHello; other <= protocol.KindPace; other++ {
			if other != kind {
				_, err := decodeAs(other, b)
				wantReject(t, fmt.Sprintf("a %v read as a %v", kind, other), err, protocol.Unexpected)
			}
		}
	}
}
