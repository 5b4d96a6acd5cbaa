package protocol_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/quicstep/quicstep/protocol"
)

// What the msgpack library makes of bytes, which knows nothing of ours, is what our parsers make of them.

// generic decodes the values that b consists of, one behind the other, with the library alone.
func generic(t testing.TB, b []byte) (values []any) {
	t.Helper()
	from := bytes.NewReader(b)
	dec := msgpack.NewDecoder(from)
	dec.SetMapDecoder(func(d *msgpack.Decoder) (any, error) { return d.DecodeUntypedMap() })
	for from.Len() > 0 {
		v, err := dec.DecodeInterface()
		if err != nil {
			t.Fatalf("it is accepted, but value %d is none to msgpack: %v: %s", len(values), err, hex.EncodeToString(b))
		}
		values = append(values, v)
	}
	return values
}

// plain has one form for each value: an unsigned integer, a negative one, a string of bytes, or a list.
func plain(v any) any {
	switch v := reflect.ValueOf(v); v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if v.Int() < 0 {
			return v.Int()
		}
		return uint64(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Uint()
	case reflect.String:
		return "text " + v.String()
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return fmt.Sprintf("bytes %x", v.Interface())
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i).Interface())
		}
		return list
	}
	return v
}

// wantGeneric checks that a message's bytes have these elements for the library; a later version may add more behind them.
func wantGeneric(t testing.TB, b []byte, message any) {
	t.Helper()
	values := generic(t, b)
	if len(values) != 1 {
		t.Fatalf("%d values, want one: %s", len(values), hex.EncodeToString(b))
	}
	got, want := plain(values[0]), plain(elements(message))
	if !begins(got, want) {
		t.Fatalf("%#v\nis %v\nto msgpack, want %v\n%s", message, got, want, hex.EncodeToString(b))
	}
}

// begins tells whether a value is as wanted; lists may go on.
func begins(got, want any) bool {
	list, ok := want.([]any)
	if !ok {
		return got == want
	}
	have, ok := got.([]any)
	if !ok || len(have) < len(list) {
		return false
	}
	for i := range list {
		if !begins(have[i], list[i]) {
			return false
		}
	}
	return true
}

// elements are the values of a message in their order on the wire (docs/protocol.md §4).
func elements(message any) []any {
	switch m := message.(type) {
	case protocol.Hello:
		replica := 0
		if m.HasReplica {
			replica = int(m.Epoch) + 1
		}
		return []any{protocol.KindHello, m.Version, m.Game, m.SchemaHash, m.Token, m.Room, m.Join, m.Resume, replica}
	case protocol.Welcome:
		return []any{
			protocol.KindWelcome, m.Version, m.Session[:], m.Room[:], m.Player, m.Epoch, m.Tick, m.NextSequence, m.TickPeriod, m.AgeMax,
			m.SchemaHash, m.Schema, m.EventTicks, m.RoomName, []any{m.Resume, m.LastRequest},
		}
	case protocol.Goodbye:
		return []any{protocol.KindGoodbye, m.Code, m.Reason}
	case protocol.Resync:
		return []any{protocol.KindResync, m.Epoch}
	case protocol.List:
		return []any{protocol.KindList, m.Version, m.Game}
	case protocol.Rooms:
		rooms := []any{}
		for _, r := range m.Rooms {
			rooms = append(rooms, []any{r.Game, r.Name, r.Players, r.MaxPlayers})
		}
		return []any{protocol.KindRooms, m.Version, rooms}
	case protocol.Request:
		return []any{protocol.KindRequest, m.Number, m.Kind, m.Data}
	case protocol.Answer:
		return []any{protocol.KindAnswer, m.Number, m.Data, m.Refusal}
	case protocol.Message:
		return []any{protocol.KindMessage, m.Tick, m.Kind, m.Data}
	case protocol.Say:
		return []any{protocol.KindSay, m.Scope, m.Player, m.Text}
	case protocol.Chat:
		return []any{protocol.KindChat, m.From, m.Scope, m.Text}
	case protocol.Checks:
		return []any{protocol.KindChecks, m.Rows, m.Pages, m.Skipped, m.Diverged}
	case protocol.Diverged:
		return []any{protocol.KindDiverged, m.Tick, m.Table, m.Entity, m.Field, m.Server, m.Client}
	case protocol.Pace:
		return []any{protocol.KindPace, m.Tick, m.Every}
	}
	panic(fmt.Sprintf("no message: %T", message))
}

// TestMessagesAreMsgpack: each sample is the library's values, and the library writes the bytes that ours does.
func TestMessagesAreMsgpack(t *testing.T) {
	for _, message := range samples {
		b := encode(t, message)
		wantGeneric(t, b, message)
		var buf bytes.Buffer
		enc := msgpack.NewEncoder(&buf)
		enc.UseCompactInts(true)
		if err := enc.Encode(widest(elements(message))); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(buf.Bytes(), b) {
			t.Errorf("%T is %x, and %x as the library writes it", message, b, buf.Bytes())
		}
	}
}

// widest is a list whose numbers have the type that the library writes in its shortest form.
func widest(list []any) []any {
	out := make([]any, len(list))
	for i, v := range list {
		switch v := v.(type) {
		case []any:
			out[i] = widest(v)
		case []byte:
			if out[i] = v; v == nil {
				out[i] = []byte{}
			}
		default:
			if n, ok := plain(v).(uint64); ok {
				out[i] = n
			} else {
				out[i] = v
			}
		}
	}
	return out
}

// wantSequence checks that a datagram is values for the library, beginning with these.
func wantSequence(t testing.TB, b []byte, want ...any) {
	t.Helper()
	if got, expected := plain(generic(t, b)), plain(want); !begins(got, expected) {
		t.Fatalf("%x begins with %v to msgpack, want %v", b, got, expected)
	}
}

// limbs are the two of a short number.
func limbs(n uint64) (high, low any) {
	s := protocol.Short(n)
	return s >> 7, s & 0x7f
}

// ignoredFlags are those of a datagram's flags, which stand at a place, that this version does not have.
func ignoredFlags(t testing.TB, b []byte, at int) uint64 {
	t.Helper()
	flags, _ := plain(generic(t, b)[at]).(uint64)
	return flags &^ 7
}

// wantInputSequence is wantSequence for an input.
func wantInputSequence(t testing.TB, b []byte, in *protocol.Input) {
	t.Helper()
	newest, newestLow := limbs(in.Newest)
	tick, tickLow := limbs(in.Tick)
	flags := ignoredFlags(t, b, 2)
	for bit, is := range []bool{in.HasAck, in.HasRow, in.HasPage} {
		if is {
			flags |= 1 << bit
		}
	}
	wantSequence(t, b, protocol.DatagramInput, in.Epoch, flags, newest, newestLow, in.Missing, tick, tickLow, in.Count)
}

// wantStateSequence is wantSequence for a state.
func wantStateSequence(t testing.TB, b []byte, h stateHeader) {
	t.Helper()
	sequence, sequenceLow := limbs(uint64(h.Sequence))
	tick, tickLow := limbs(uint64(h.Tick))
	input, inputLow := limbs(uint64(h.InputTick))
	flags := ignoredFlags(t, b, 6)
	for bit, is := range []bool{h.OwnComplete, h.ViewComplete, h.HasInput} {
		if is {
			flags |= 1 << bit
		}
	}
	wantSequence(t, b, protocol.DatagramState, h.Epoch, sequence, sequenceLow, tick, tickLow, flags, input, inputLow, int(h.Margin)+64)
}
