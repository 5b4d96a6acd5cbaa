package admin

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/plain"
)

// Hello is a client's first message.
type Hello struct {
	Version uint `msgpack:"version"`
	// Token is TokenBytes long. Never log it.
	Token []byte `msgpack:"token"`
	// Program names the client, for the server's log, where it stands with who came in.
	Program string `msgpack:"program"`
}

// Welcome is the server's answer to it.
type Welcome struct {
	Version uint `msgpack:"version"`
	// Name and Role are those of the credentials; Expires is when they end, in seconds since 1970, zero for never.
	Name    string `msgpack:"name"`
	Role    string `msgpack:"role"`
	Expires int64  `msgpack:"expires"`
	// Games are what the server runs, TickRate its ticks a second.
	Games    []string `msgpack:"games"`
	TickRate int      `msgpack:"tick_rate"`
}

// Act is what a Request asks for.
type Act string

// The acts. What each needs of a Request stands behind it; an empty Room is the only one.
const (
	ActHealth  Act = "health"
	ActRooms   Act = "rooms"
	ActRoom    Act = "room"    // Room
	ActReport  Act = "report"  // which rooms to move or fix
	ActPlayers Act = "players" // Room, empty for all rooms
	ActTables  Act = "tables"  // Room
	ActQuery   Act = "query"   // Room, Table, Where, Count, perhaps Row
	ActEdits   Act = "edits"
	ActBans    Act = "bans"
	// ActTimeline tells the latest ticks in which a row changed, the newest first: Room, Table, Row, Count of ticks.
	ActTimeline Act = "timeline"
	// ActSight tells what of a table a player was sent, what not, and why: Room, Player, Table, perhaps Row.
	ActSight Act = "sight"
	// ActCapture tells the latest slow ticks, part by part: Room, empty for all rooms.
	ActCapture Act = "capture"

	ActKick   Act = "kick"  // Room, Player, Text
	ActBan    Act = "ban"   // Address, or User, or Room and Player, whose address it is; Seconds, zero for ever; Text
	ActUnban  Act = "unban" // Number
	ActSay    Act = "say"   // Text; Room, Player; All for every room
	ActFreeze Act = "freeze"
	ActStep   Act = "step" // Count
	ActSlow   Act = "slow" // Count: periods that a tick takes
	ActResume Act = "resume"
	ActSet    Act = "set"  // Room, Table, Row, Field, Value
	ActUndo   Act = "undo" // Number
	ActClose  Act = "close"
	// ActImpair makes a player's link worse: Room, Player, DelayMS, JitterMS, LossPerMille, Seconds; Seconds of zero end that.
	ActImpair  Act = "impair"
	ActProfile Act = "profile" // Seconds; Text: cpu or trace

	ActDrain    Act = "drain"
	ActUndrain  Act = "undrain"
	ActLogLevel Act = "log-level" // Text
	ActAudit    Act = "audit"     // Count
)

// Acts are all of them.
var Acts = []Act{
	ActHealth, ActRooms, ActRoom, ActReport, ActPlayers, ActTables, ActQuery, ActEdits, ActBans, ActTimeline, ActSight, ActCapture,
	ActKick, ActBan, ActUnban, ActSay, ActFreeze, ActStep, ActSlow, ActResume, ActSet, ActUndo, ActClose, ActImpair, ActProfile,
	ActDrain, ActUndrain, ActLogLevel, ActAudit,
}

// Request asks for one act.
type Request struct {
	Act Act `msgpack:"act"`
	// Room is a room's name or its ID in hexadecimal.
	Room   string `msgpack:"room,omitempty"`
	Player uint32 `msgpack:"player,omitempty"`
	All    bool   `msgpack:"all,omitempty"`
	Table  string `msgpack:"table,omitempty"`
	// Row is an ID as text, as in 17.2, or 17 for whichever row has that index.
	Row   string      `msgpack:"row,omitempty"`
	Field string      `msgpack:"field,omitempty"`
	Value string      `msgpack:"value,omitempty"`
	Where []Condition `msgpack:"where,omitempty"`
	Text  string      `msgpack:"text,omitempty"`
	// Address is one, or a prefix as in 192.0.2.0/24.
	Address string `msgpack:"address,omitempty"`
	// User is who a player is, as the server's tokens say.
	User    string `msgpack:"user,omitempty"`
	Seconds uint64 `msgpack:"seconds,omitempty"`
	Count   uint64 `msgpack:"count,omitempty"`
	Number  uint64 `msgpack:"number,omitempty"`
	// DelayMS and JitterMS are of a round trip, in milliseconds, half of it each way; LossPerMille is how many of a thousand
	// datagrams of each way are lost.
	DelayMS      uint64 `msgpack:"delay_ms,omitempty"`
	JitterMS     uint64 `msgpack:"jitter_ms,omitempty"`
	LossPerMille uint64 `msgpack:"loss_per_mille,omitempty"`
	// EveryMS has it answered anew after so many milliseconds, until the client gives the stream up; zero: once.
	EveryMS uint64 `msgpack:"every_ms,omitempty"`
}

// Condition is one that the rows of a query have to meet.
type Condition struct {
	Field string `msgpack:"field"`
	// Is is one of Comparisons.
	Is    string `msgpack:"is"`
	Value string `msgpack:"value"`
}

// Comparisons are those of a Condition. ~ is for texts that have the value somewhere.
var Comparisons = []string{"=", "!=", "<", "<=", ">", ">=", "~"}

// AppendHello appends a message, not yet framed. What ParseHello would refuse is an error; likewise the others.
func AppendHello(dst []byte, h Hello) ([]byte, error) {
	if h.Version == 0 {
		h.Version = Version
	}
	return appendMessage(dst, h, func(b []byte) error { _, err := ParseHello(b); return err })
}

// ParseHello reads a client's hello. The errors are protocol.RejectErrors, which never repeat what came; likewise the
// others'.
func ParseHello(b []byte) (h Hello, err error) {
	if err := parse(b, MaxRequest, protocol.MaxElements, &h); err != nil {
		return Hello{}, err
	}
	switch {
	case h.Version != Version:
		return Hello{}, reject(protocol.WrongVersion, "the client speaks version %d of the admin protocol and this server version %d: update the older one", h.Version, Version)
	case len(h.Token) != TokenBytes:
		return Hello{}, reject(protocol.BadValue, "a token has %d bytes", TokenBytes)
	}
	return h, checkTexts(text{"program", h.Program, MaxName})
}

// AppendWelcome appends a message.
func AppendWelcome(dst []byte, w Welcome) ([]byte, error) {
	if w.Version == 0 {
		w.Version = Version
	}
	return appendMessage(dst, w, func(b []byte) error { _, err := ParseWelcome(b); return err })
}

// ParseWelcome reads a server's welcome.
func ParseWelcome(b []byte) (w Welcome, err error) {
	if err := parse(b, MaxAnswer, protocol.MaxElements, &w); err != nil {
		return Welcome{}, err
	}
	if w.Version != Version {
		return Welcome{}, reject(protocol.WrongVersion, "the server speaks version %d of the admin protocol and this client version %d: update the older one", w.Version, Version)
	}
	return w, checkTexts(text{"name", w.Name, MaxName}, text{"role", w.Role, MaxName})
}

// AppendRequest appends a message.
func AppendRequest(dst []byte, r Request) ([]byte, error) {
	return appendMessage(dst, r, func(b []byte) error { _, err := ParseRequest(b); return err })
}

// ParseRequest reads a client's request. What it asks for may still not be there.
func ParseRequest(b []byte) (r Request, err error) {
	if err := parse(b, MaxRequest, protocol.MaxElements, &r); err != nil {
		return Request{}, err
	}
	if err := checkNumbers(b); err != nil {
		return Request{}, err
	}
	if err := r.check(); err != nil {
		return Request{}, err
	}
	return r, nil
}

func (r *Request) check() error {
	if !slices.Contains(Acts, r.Act) {
		return reject(protocol.UnknownKind, "the act is unknown: update the server, or ask for another")
	}
	for _, number := range []struct {
		name      string
		value, to uint64
	}{
		{"seconds", r.Seconds, MaxSeconds}, {"count", r.Count, MaxCount}, {"every_ms", r.EveryMS, MaxEveryMS}, {"where", uint64(len(r.Where)), MaxConditions},
		{"delay_ms", r.DelayMS, MaxImpairMS}, {"jitter_ms", r.JitterMS, MaxImpairMS}, {"loss_per_mille", r.LossPerMille, 1000},
	} {
		if number.value > number.to {
			return reject(protocol.BadValue, "%s is more than %d", number.name, number.to)
		}
	}
	if r.EveryMS != 0 && r.EveryMS < MinEveryMS {
		return reject(protocol.BadValue, "every_ms is less than %d", MinEveryMS)
	}
	texts := []text{
		{"room", r.Room, MaxName}, {"table", r.Table, MaxName}, {"row", r.Row, MaxName}, {"field", r.Field, MaxName},
		{"value", r.Value, MaxText}, {"text", r.Text, maxTextOf(r.Act)}, {"address", r.Address, MaxName}, {"user", r.User, MaxUser},
	}
	for _, c := range r.Where {
		if !slices.Contains(Comparisons, c.Is) {
			return reject(protocol.BadValue, "a comparison is unknown: there are %v", Comparisons)
		}
		texts = append(texts, text{"field", c.Field, MaxName}, text{"value", c.Value, MaxText})
	}
	if err := checkTexts(texts...); err != nil {
		return err
	}
	if err := plain.Check(r.Text); err != nil {
		return reject(protocol.BadValue, "text %v", err) // players read it, and other operators
	}
	return nil
}

// maxTextOf bounds a request's Text, in bytes: none is cut on its way to those who read it.
func maxTextOf(act Act) int {
	switch act {
	case ActSay:
		return MaxSay
	case ActKick:
		return MaxKickReason
	case ActBan:
		return MaxBanReason
	case ActClose:
		return MaxCloseReason
	}
	return MaxText
}

// text is one that has a bound.
type text struct {
	name, value string
	most        int
}

// checkTexts refuses what is too long, is not UTF-8, or has control characters, with which a log line could be forged.
func checkTexts(texts ...text) error {
	for _, t := range texts {
		switch {
		case len(t.value) > t.most:
			return reject(protocol.Oversized, "%s has %d bytes, at most %d are taken", t.name, len(t.value), t.most)
		case !utf8.ValidString(t.value) || bytes.ContainsFunc([]byte(t.value), unicode.IsControl):
			return reject(protocol.BadValue, "%s is not plain text in UTF-8", t.name)
		}
	}
	return nil
}

// parse walks the message before anything is decoded: a length that lies must not be believed.
func parse(b []byte, most, elements int, into any) error {
	if len(b) > most {
		return reject(protocol.Oversized, "a message of %d bytes, at most %d are taken", len(b), most)
	}
	n, err := protocol.Walk(b, protocol.WalkLimits{Elements: elements})
	if err != nil {
		return err
	}
	if n < len(b) {
		return reject(protocol.TrailingBytes, "the message ends at byte %d of %d", n, len(b))
	}
	if c := b[0]; !msgpcode.IsFixedMap(c) && c != msgpcode.Map16 && c != msgpcode.Map32 {
		return reject(protocol.WrongType, "a message is a map by the names of its fields") // Unmarshal takes an array, too
	}
	if err := msgpack.Unmarshal(b, into); err != nil {
		return reject(protocol.WrongType, "a field has another type than it should have")
	}
	return nil
}

// checkNumbers refuses numbers that a request's fields can't hold, which the decoder cuts down to what they can: player
// 4,294,967,297 would be another one.
func checkNumbers(b []byte) error {
	dec := msgpack.NewDecoder(bytes.NewReader(b))
	n, err := dec.DecodeMapLen()
	for i := 0; err == nil && i < n; i++ {
		var name string
		var code byte
		if name, err = dec.DecodeString(); err == nil {
			code, err = dec.PeekCode()
		}
		switch {
		case err != nil:
		case !isNumber(code):
			err = dec.Skip()
		default:
			err = checkNumber(dec, name)
		}
	}
	return err
}

func checkNumber(dec *msgpack.Decoder, name string) error {
	v, err := dec.DecodeInterfaceLoose()
	whole, ok := v.(uint64)
	if signed, is := v.(int64); is {
		whole, ok = uint64(signed), signed >= 0
	}
	if err != nil || !ok || name == "player" && whole > math.MaxUint32 {
		return reject(protocol.BadValue, "a number is negative, has a fraction, or is too large")
	}
	return nil
}

func isNumber(code byte) bool {
	return msgpcode.IsFixedNum(code) || code >= msgpcode.Uint8 && code <= msgpcode.Int64 || code == msgpcode.Float || code == msgpcode.Double
}

// appendMessage encodes a value, and makes sure that the other side will take it.
func appendMessage(dst []byte, v any, check func([]byte) error) ([]byte, error) {
	var buf bytes.Buffer
	enc := msgpack.NewEncoder(&buf)
	enc.UseCompactInts(true)
	if err := enc.Encode(v); err != nil {
		return dst, fmt.Errorf("encode an admin message: %w", err)
	}
	if err := check(buf.Bytes()); err != nil {
		return dst, fmt.Errorf("append an admin message: %w", err)
	}
	return append(dst, buf.Bytes()...), nil
}

func reject(r protocol.Reject, format string, args ...any) error {
	return &protocol.RejectError{Reject: r, Detail: fmt.Sprintf(format, args...)}
}
