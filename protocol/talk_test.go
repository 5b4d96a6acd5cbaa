package protocol_test

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// What is said beside joining and leaving: rooms, requests, messages, chat and checks.

func TestBadTalk(t *testing.T) {
	long := strings.Repeat("61", protocol.MaxGameName+1)
	row := "c5 03e9" + strings.Repeat("00", schema.MaxRowBytes+1)
	cases := []struct {
		name, bytes string
		reject      protocol.Reject
	}{
		{"a list of a game that is a bin", "93 05 01 c400", protocol.WrongType},
		{"a list of a game of 65 bytes", "93 05 01 d941" + long, protocol.Oversized},
		{"a list of a game with a tab", "93 05 01 a1 09", protocol.BadValue},
		{"a list above 4 KiB", "94 05 01 a0 c5 1000" + strings.Repeat("00", 4096), protocol.Oversized},

		{"rooms that are a map", "93 06 01 80", protocol.WrongType},
		{"257 rooms", "93 06 01 dc 0101" + strings.Repeat("94 a0 a0 00 00", 257), protocol.Oversized},
		{"4,095 rooms", "93 06 01 dc 0fff" + strings.Repeat("c0", 4095), protocol.TooManyElements},
		{"4,000 rooms", "93 06 01 dc 0fa0" + strings.Repeat("c0", 4000), protocol.Oversized},
		{"more rooms than bytes", "93 06 01 dc 0100 94", protocol.Truncated},
		{"a room that is a string", "93 06 01 91 a0", protocol.WrongType},
		{"a room that is empty", "93 06 01 91 90", protocol.MissingField},
		{"a room without its most players", "93 06 01 91 93 a0 a0 00", protocol.MissingField},
		{"a second room without its most players", "93 06 01 92 94 a0 a0 00 00 93 a0 a0 00", protocol.MissingField},
		{"a room whose game is an integer", "93 06 01 91 94 00 a0 00 00", protocol.WrongType},
		{"a room of a game of 65 bytes", "93 06 01 91 94 d941" + long + "a0 00 00", protocol.Oversized},
		{"a room of a name of 65 bytes", "93 06 01 91 94 a0 d941" + long + "00 00", protocol.Oversized},
		{"a room with an escape in its name", "93 06 01 91 94 a0 a1 1b 00 00", protocol.BadValue},
		{"a room of negative players", "93 06 01 91 94 a0 a0 ff 00", protocol.BadValue},
		{"a room of too many players", "93 06 01 91 94 a0 a0 ce 00100001 00", protocol.BadValue},
		{"a room that holds too many players", "93 06 01 91 94 a0 a0 00 ce 00100001", protocol.BadValue},
		{"a room with a bomb in a field that we ignore", "93 06 01 91 95 a0 a0 00 00 dd ffffffff", protocol.TooManyElements},
		{"bytes behind the rooms", "93 06 01 90 00", protocol.TrailingBytes},

		{"a request of a number above 32 bits", "94 07 cf 0000000100000000 00 c400", protocol.BadValue},
		{"a request of a negative number", "94 07 ff 00 c400", protocol.BadValue},
		{"request 64", "94 07 00 40 c400", protocol.BadValue},
		{"a request whose data is a string", "94 07 00 00 a0", protocol.WrongType},
		{"a request of 1,001 bytes", "94 07 00 00" + row, protocol.Oversized},
		{"a request of 4 GB", "94 07 00 00 c6 ffffffff", protocol.Truncated},
		{"a request above 4 KiB", "95 07 00 00 c400 c5 1000" + strings.Repeat("00", 4096), protocol.Oversized},

		{"an answer of a number above 32 bits", "94 08 cf 0000000100000000 c400 a0", protocol.BadValue},
		{"an answer whose data is an array", "94 08 00 90 a0", protocol.WrongType},
		{"an answer of 1,001 bytes", "94 08 00" + row + "a0", protocol.Oversized},
		{"a refusal that is a bin", "94 08 00 c400 c400", protocol.WrongType},
		{"a refusal of 257 bytes", "94 08 00 c400 da 0101" + strings.Repeat("61", 257), protocol.Oversized},
		{"a refusal with a line feed", "94 08 00 c400 a1 0a", protocol.BadValue},
		{"a refusal with data", "94 08 00 c401 00 a1 61", protocol.BadValue},

		{"a message of tick 2⁵³", "94 09 cf 0020000000000000 00 c400", protocol.BadValue},
		{"message 64", "94 09 00 40 c400", protocol.BadValue},
		{"a message whose data is nil", "94 09 00 00 c0", protocol.WrongType},
		{"a message of 1,001 bytes", "94 09 00 00" + row, protocol.Oversized},

		{"scope 3", "94 0a 03 00 a1 61", protocol.BadValue},
		{"scope 256, which is 0 in a byte", "94 0a cd0100 00 a1 61", protocol.BadValue},
		{"a line to a player above 32 bits", "94 0a 02 cf 0000000100000000 a1 61", protocol.BadValue},
		{"a line to player 0", "94 0a 02 00 a1 61", protocol.BadValue},
		{"an empty line", "94 0a 00 00 a0", protocol.BadValue},
		{"a line of 257 bytes", "94 0a 00 00 da 0101" + strings.Repeat("61", 257), protocol.Oversized},
		{"a line with a line feed", "94 0a 00 00 a1 0a", protocol.BadValue},
		{"a line in Latin-1", "94 0a 00 00 a1 e9", protocol.BadValue},
		{"a line that is a bin", "94 0a 00 00 c401 61", protocol.WrongType},

		{"chat from above 32 bits", "94 0b cf 0000000100000000 00 a0", protocol.BadValue},
		{"chat of scope 3", "94 0b 00 03 a0", protocol.BadValue},
		{"chat of 257 bytes", "94 0b 00 00 da 0101" + strings.Repeat("61", 257), protocol.Oversized},
		{"chat with a C1 control", "94 0b 00 00 a2 c29b", protocol.BadValue},

		{"2⁵³ rows", "95 0c cf 0020000000000000 00 00 00", protocol.BadValue},
		{"2⁵³ pages", "95 0c 00 cf 0020000000000000 00 00", protocol.BadValue},
		{"2⁵³ skipped", "95 0c 00 00 cf 0020000000000000 00", protocol.BadValue},
		{"2⁵³ diverged", "95 0c 00 00 00 cf 0020000000000000", protocol.BadValue},
		{"rows that are a float", "95 0c cb 0000000000000000 00 00 00", protocol.WrongType},

		{"a divergence of tick 2⁵³", "97 0d cf 0020000000000000 00 00 a0 a0 a0", protocol.BadValue},
		{"a divergence of table 64", "97 0d 00 40 00 a0 a0 a0", protocol.BadValue},
		{"a divergence of an entity above 32 bits", "97 0d 00 00 cf 0000000100000000 a0 a0 a0", protocol.BadValue},
		{"a divergence of a field of 65 bytes", "97 0d 00 00 00 d941" + long + "a0 a0", protocol.Oversized},
		{"a divergence of a value of 65 bytes", "97 0d 00 00 00 a0 d941" + long + "a0", protocol.Oversized},
		{"a divergence of another one of 65 bytes", "97 0d 00 00 00 a0 a0 d941" + long, protocol.Oversized},
		{"a divergence with a line feed", "97 0d 00 00 00 a0 a0 a1 0a", protocol.BadValue},
	}
	for _, c := range cases {
		got, err := decode(unhex(t, c.bytes))
		wantReject(t, c.name, err, c.reject)
		if got != nil && !reflect.ValueOf(got).IsZero() {
			t.Errorf("%s: refused, and yet %#v", c.name, got)
		}
	}
}

// TestLaterVersionsMayAppendFieldsToARoom: what stands behind the fields of a room, whatever it is, belongs to no other.
func TestLaterVersionsMayAppendFieldsToARoom(t *testing.T) {
	want := protocol.Rooms{Version: protocol.Version, Rooms: []protocol.RoomInfo{
		{Game: "a", Name: "b", Players: 1, MaxPlayers: 2}, {Game: "c", Name: "d", Players: 3, MaxPlayers: 4},
	}}
	got, err := protocol.ParseRooms(unhex(t,
		"94 06 01 92 97 a161 a162 01 02 92 9100 81 a161 c0 c401ff a0 dd 00000005 a163 a164 03 04 94 01 02 03 04 c3"))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("rooms with more fields read as %+v, %v, want %+v", got, err, want)
	}
}

func TestAppendersRefuseBadTalk(t *testing.T) {
	dst := []byte{1, 2, 3}
	long := strings.Repeat("x", protocol.MaxGameName+1)
	data := make([]byte, schema.MaxRowBytes+1)
	rooms := func(infos ...protocol.RoomInfo) func() ([]byte, error) {
		return func() ([]byte, error) { return protocol.AppendRooms(dst, protocol.Rooms{Rooms: infos}) }
	}
	say := func(m protocol.Say) func() ([]byte, error) {
		return func() ([]byte, error) { return protocol.AppendSay(dst, m) }
	}
	diverged := func(m protocol.Diverged) func() ([]byte, error) {
		return func() ([]byte, error) { return protocol.AppendDiverged(dst, m) }
	}
	cases := []struct {
		name   string
		append func() ([]byte, error)
		reject protocol.Reject
	}{
		{"a list of a long game", func() ([]byte, error) { return protocol.AppendList(dst, protocol.List{Game: long}) }, protocol.Oversized},
		{"300 rooms", rooms(make([]protocol.RoomInfo, 300)...), protocol.Oversized},
		{"65,537 rooms, which are one in 16 bits", rooms(make([]protocol.RoomInfo, 1<<16+1)...), protocol.Oversized},
		{"a room with a long name", rooms(protocol.RoomInfo{Name: long}), protocol.Oversized},
		{"a room of negative players", rooms(protocol.RoomInfo{Players: -1}), protocol.BadValue},
		{"a room that holds too many players", rooms(protocol.RoomInfo{MaxPlayers: protocol.MaxPlayers + 1}), protocol.BadValue},
		{"request -1", func() ([]byte, error) { return protocol.AppendRequest(dst, protocol.Request{Kind: -1}) }, protocol.BadValue},
		{"request 64", func() ([]byte, error) {
			return protocol.AppendRequest(dst, protocol.Request{Kind: protocol.MaxTables})
		}, protocol.BadValue},
		{"a request of 1,001 bytes", func() ([]byte, error) {
			return protocol.AppendRequest(dst, protocol.Request{Data: data})
		}, protocol.Oversized},
		{"an answer of 1,001 bytes", func() ([]byte, error) {
			return protocol.AppendAnswer(dst, protocol.Answer{Data: data})
		}, protocol.Oversized},
		{"a message of tick 2⁵³", func() ([]byte, error) {
			return protocol.AppendMessage(dst, protocol.Message{Tick: protocol.MaxTick + 1})
		}, protocol.BadValue},
		{"message 64", func() ([]byte, error) {
			return protocol.AppendMessage(dst, protocol.Message{Kind: protocol.MaxTables})
		}, protocol.BadValue},
		{"a message of 1,001 bytes", func() ([]byte, error) {
			return protocol.AppendMessage(dst, protocol.Message{Data: data})
		}, protocol.Oversized},
		{"an empty line", say(protocol.Say{}), protocol.BadValue},
		{"a long line", say(protocol.Say{Text: strings.Repeat("x", protocol.MaxChat+1)}), protocol.Oversized},
		{"a line with a tab", say(protocol.Say{Text: "a\tb"}), protocol.BadValue},
		{"a line that is not UTF-8", say(protocol.Say{Text: "\xff"}), protocol.BadValue},
		{"a line to player 0", say(protocol.Say{Scope: protocol.ScopePlayer, Text: "x"}), protocol.BadValue},
		{"scope 3", say(protocol.Say{Scope: protocol.ScopePlayer + 1, Text: "x"}), protocol.BadValue},
		{"chat of scope 3", func() ([]byte, error) {
			return protocol.AppendChat(dst, protocol.Chat{Scope: protocol.ScopePlayer + 1})
		}, protocol.BadValue},
		{"a divergence of tick 2⁵³", diverged(protocol.Diverged{Tick: protocol.MaxTick + 1}), protocol.BadValue},
		{"a divergence of table -1", diverged(protocol.Diverged{Table: -1}), protocol.BadValue},
		{"a divergence of table 64", diverged(protocol.Diverged{Table: protocol.MaxTables}), protocol.BadValue},
	}
	for _, c := range cases {
		got, err := c.append()
		wantReject(t, c.name, err, c.reject)
		if !bytes.Equal(got, dst) {
			t.Errorf("%s: dst comes back as % x", c.name, got)
		}
	}
}

// TestTalkIsMadeToFit: what comes from a game, from an error or from a player's row is cut down, not lost.
func TestTalkIsMadeToFit(t *testing.T) {
	long := strings.Repeat("é", 200)
	for _, c := range []struct{ sent, want any }{
		{protocol.Answer{Refusal: "no\nmoney" + long}, protocol.Answer{Refusal: "no money" + long[:248]}},
		{protocol.Answer{Data: []byte{1}, Refusal: "no"}, protocol.Answer{Refusal: "no"}},
		{protocol.Chat{Text: "x" + long}, protocol.Chat{Text: "x" + long[:254]}},
		{protocol.Chat{Text: "a\x1b[2J\xff"}, protocol.Chat{Text: "a [2J\uFFFD"}},
		{
			protocol.Diverged{Field: long, Server: "\x00", Client: "x" + long},
			protocol.Diverged{Field: long[:64], Server: " ", Client: "x" + long[:62]},
		},
		{
			protocol.Checks{Rows: math.MaxUint64, Pages: protocol.MaxTick + 1, Skipped: 1 << 60, Diverged: math.MaxUint64},
			protocol.Checks{Rows: protocol.MaxTick, Pages: protocol.MaxTick, Skipped: protocol.MaxTick, Diverged: protocol.MaxTick},
		},
	} {
		if got, err := decode(encode(t, c.sent)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v arrives as %+v, %v, want %+v", c.sent, got, err, c.want)
		}
	}
}

// TestHeadsOfEventsStayWithinALimb: an event that is too old, or one too many, costs the datagram nothing.
func TestHeadsOfEventsStayWithinALimb(t *testing.T) {
	s := arena(t)
	shot := s.Events[shotEvent]
	row := shot.AppendRow(nil, schema.Own, shot.FullMask(schema.Own), make([]uint32, len(shot.Columns)), nil)
	for _, c := range []struct{ age, number, wantAge, wantNumber uint32 }{
		{0, 0, 0, 0}, {127, 65535, 127, 65535}, {128, 65536, 127, 65535}, {256, 1 << 20, 127, 65535},
		{math.MaxUint32, math.MaxUint32, 127, 65535},
	} {
		b := protocol.AppendStateHeader(nil, protocol.StateHeader{})
		at := len(b)
		b = protocol.AppendSection(b, protocol.Section{Table: shotEvent, Kind: protocol.Happened})
		b = append(protocol.AppendHappened(b, c.age, c.number), row...)
		protocol.CountSection(b, at, 1)
		var r protocol.StateReader
		var rec protocol.Record
		if err := r.Open(b, s); err != nil {
			t.Fatal(err)
		}
		if !r.Next(&rec) || rec.Age != c.wantAge || rec.Number != c.wantNumber || !slices.Equal(rec.Data, row) {
			t.Errorf("age %d and number %d arrive as %+v, %v", c.age, c.number, rec, r.Err())
		}
	}
}

// TestTalkInTheVectorsIsTheArenas: what the golden messages carry are rows of the tests' schema.
func TestTalkInTheVectorsIsTheArenas(t *testing.T) {
	s := arena(t)
	var vectors []streamVector
	readGolden(t, streamGolden, &vectors)
	rows := map[string]*schema.Table{"request": s.Requests[0].Ask, "answer": s.Requests[0].Answer, "message": s.Messages[0]}
	for _, v := range vectors {
		if table := rows[v.Name]; table != nil {
			delete(rows, v.Name)
			if err := table.CheckRow(unhex(t, v.Fields["data"].(string))); err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
	}
	if len(rows) > 0 {
		t.Errorf("there are no vectors for %v", rows)
	}
}

func TestJoins(t *testing.T) {
	for join, want := range []string{"join or create", "join existing", "create private", "join private", "join 4"} {
		if got := protocol.JoinKind(join).String(); got != want {
			t.Errorf("join %d is called %q, want %q", join, got, want)
		}
	}
}

func TestScopes(t *testing.T) {
	for scope, want := range []string{"room", "team", "player", "scope 3"} {
		if got := protocol.Scope(scope).String(); got != want {
			t.Errorf("scope %d is called %q, want %q", scope, got, want)
		}
	}
}
