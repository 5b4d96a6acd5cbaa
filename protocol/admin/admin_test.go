package admin_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/admin"
)

var token = bytes.Repeat([]byte{7}, admin.TokenBytes)

// requests are good ones.
var requests = []admin.Request{
	{Act: admin.ActRooms, EveryMS: 1000},
	{Act: admin.ActKick, Room: "lobby", Player: 3, Text: "be kind"},
	{Act: admin.ActQuery, Room: "lobby", Table: "ship", Count: 50, Where: []admin.Condition{{Field: "X", Is: ">=", Value: "10"}, {Field: "Name", Is: "~", Value: "Ann"}}},
	{Act: admin.ActImpair, Player: 3, DelayMS: 100, JitterMS: 20, LossPerMille: 50, Seconds: 60},
	{Act: admin.ActSet, Table: "ship", Row: "17.2", Field: "Name", Value: "Änne"},
	{Act: admin.ActBan, Address: "192.0.2.0/24", Seconds: 3600},
	{Act: admin.ActCapture, Room: "lobby"},
}

var answers = []admin.Answer{
	{},
	{Refusal: &admin.Refusal{Code: admin.CodeRole, Text: "a viewer may not kick"}},
	{Rooms: []admin.Room{{ID: "ab", Game: "arena", Name: "lobby", Parts: []admin.Part{{Name: "flight", Total: 5}}, Recent: []admin.Tick{{Tick: 4, Step: 100, Overran: true}}}}, More: true},
	{Table: &admin.Table{Columns: []admin.Column{{Name: "X", Kind: "float"}}, Rows: []admin.Row{{ID: "1.1", Owner: 2, Values: []string{"0.5"}}}, Matched: 9}},
	{Data: []byte{1, 2, 3}, Health: &admin.Health{OK: true, Wrong: []string{"x"}}, Players: []admin.Player{{Player: 1, Margin: -3}}},
	{Captures: []admin.Capture{{Room: "ab", Parts: []string{"drain", "flight"}, Ticks: []admin.SlowTick{{Tick: 4, Late: 12, Parts: []int64{1, 40_000}, Blame: "flight", Overran: true}}}}},
}

func TestMessagesTravel(t *testing.T) {
	for _, want := range requests {
		b, err := admin.AppendRequest(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := admin.ParseRequest(b); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	for _, want := range answers {
		b, err := admin.AppendAnswer(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := admin.ParseAnswer(b); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	b, err := admin.AppendHello(nil, admin.Hello{Token: token, Program: "quicstep"})
	if h, parseErr := admin.ParseHello(b); err != nil || parseErr != nil || h.Version != admin.Version || !bytes.Equal(h.Token, token) {
		t.Errorf("%+v, %v, %v", h, err, parseErr)
	}
	b, err = admin.AppendWelcome(nil, admin.Welcome{Name: "ann", Role: "owner", Games: []string{"arena"}, TickRate: 30})
	if w, parseErr := admin.ParseWelcome(b); err != nil || parseErr != nil || w.Name != "ann" || w.TickRate != 30 {
		t.Errorf("%+v, %v, %v", w, err, parseErr)
	}
}

func TestWrongMessagesAreRefused(t *testing.T) {
	good, err := admin.AppendRequest(nil, requests[1])
	if err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := admin.ParseRequest(good[:n]); !rejected(err) {
			t.Errorf("the first %d of %d bytes: %v", n, len(good), err)
		}
	}
	for name, wrong := range map[string]admin.Request{
		"an act that is not there":   {Act: "dance"},
		"a long room":                {Act: admin.ActRoom, Room: strings.Repeat("x", admin.MaxName+1)},
		"a line that would be cut":   {Act: admin.ActSay, Text: strings.Repeat("x", admin.MaxSay+1)},
		"a long reason of a kick":    {Act: admin.ActKick, Text: strings.Repeat("x", admin.MaxKickReason+1)},
		"a long reason of a ban":     {Act: admin.ActBan, Text: strings.Repeat("x", admin.MaxBanReason+1)},
		"a long reason of an end":    {Act: admin.ActClose, Text: strings.Repeat("x", admin.MaxCloseReason+1)},
		"a control character":        {Act: admin.ActSay, Text: "a\nb"},
		"a text that turns around":   {Act: admin.ActKick, Text: "a\u202eb"},
		"a text that is not seen":    {Act: admin.ActBan, Text: "\u200b"},
		"a text that is no UTF-8":    {Act: admin.ActSay, Text: "\xff"},
		"too much":                   {Act: admin.ActQuery, Count: admin.MaxCount + 1},
		"too often":                  {Act: admin.ActRooms, EveryMS: 1},
		"a comparison that is none":  {Act: admin.ActQuery, Where: []admin.Condition{{Is: "<>"}}},
		"too many conditions":        {Act: admin.ActQuery, Where: make([]admin.Condition, admin.MaxConditions+1)},
		"a long delay":               {Act: admin.ActImpair, DelayMS: admin.MaxImpairMS + 1},
		"a share above one":          {Act: admin.ActImpair, LossPerMille: 1001},
		"a ban for a hundred years":  {Act: admin.ActBan, Seconds: 100 * 366 * 24 * 3600},
		"a condition with a control": {Act: admin.ActQuery, Where: []admin.Condition{{Field: "\x00", Is: "="}}},
	} {
		if _, err := admin.AppendRequest(nil, wrong); !rejected(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := admin.AppendRequest(nil, admin.Request{Act: admin.ActSay, Text: strings.Repeat("x", 300)}); err == nil || !strings.Contains(err.Error(), "300 bytes, at most 256") {
		t.Errorf("a line that is too long is refused by %v, which should say how long it may be", err)
	}
	for name, number := range map[string]any{"player": uint64(1<<32 + 1), "number": -1, "count": 1.5} {
		b, err := msgpack.Marshal(map[string]any{"act": "kick", name: number})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := admin.ParseRequest(b); !rejected(err) {
			t.Errorf("%s %v is read as %+v, %v", name, number, r, err)
		}
	}
	for _, b := range [][]byte{{0x90}, {0xc0}, {0x92, 0xa5, 'r', 'o', 'o', 'm', 's', 0xa0}} {
		if _, err := admin.ParseAnswer(b); !rejected(err) {
			t.Errorf("%x, which is no map: %v", b, err)
		}
	}
	for _, short := range [][]byte{nil, token[1:], append(token, 1)} {
		if _, err := admin.AppendHello(nil, admin.Hello{Token: short}); !rejected(err) {
			t.Errorf("a token of %d bytes: %v", len(short), err)
		}
	}
	if _, err := admin.AppendHello(nil, admin.Hello{Version: 9, Token: token}); !rejected(err) || !strings.Contains(err.Error(), "version 9") {
		t.Errorf("another version: %v", err)
	}
	for name, bomb := range bombs {
		for _, parse := range parsers {
			if err := parse(bomb); !rejected(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func rejected(err error) bool {
	var r *protocol.RejectError
	return errors.As(err, &r)
}

// bombs are values that a careless msgpack decoder dies of.
var bombs = map[string][]byte{
	"nothing":                   {},
	"an array of 4,294,967,295": {0xdd, 0xff, 0xff, 0xff, 0xff},
	"a map of 4,294,967,295":    {0xdf, 0xff, 0xff, 0xff, 0xff},
	"400 nested arrays":         bytes.Repeat([]byte{0xdc, 0xff, 0xff}, 400),
	"4 GB of bytes":             {0xc6, 0xff, 0xff, 0xff, 0xff},
	"an extension":              {0xd4, 1, 2},
	"rooms of nothing but maps": append([]byte{0x81, 0xa5, 'r', 'o', 'o', 'm', 's', 0xdd, 0, 1, 0, 0}, bytes.Repeat([]byte{0x80}, 100)...),
}

var parsers = []func([]byte) error{
	func(b []byte) error { _, err := admin.ParseHello(b); return err },
	func(b []byte) error { _, err := admin.ParseWelcome(b); return err },
	func(b []byte) error { _, err := admin.ParseRequest(b); return err },
	func(b []byte) error { _, err := admin.ParseAnswer(b); return err },
}

// FuzzMessages: whatever comes is refused or understood, and what is understood as a request or an answer travels on.
func FuzzMessages(f *testing.F) {
	for _, r := range requests {
		b, _ := admin.AppendRequest(nil, r)
		f.Add(b)
	}
	for _, a := range answers {
		b, _ := admin.AppendAnswer(nil, a)
		f.Add(b)
	}
	hello, _ := admin.AppendHello(nil, admin.Hello{Token: token})
	f.Add(hello)
	for _, b := range bombs {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range parsers {
			if err := parse(b); err != nil && !rejected(err) {
				t.Errorf("%x is refused by %v", b, err)
			}
		}
		if a, err := admin.ParseAnswer(b); err == nil {
			again, err := admin.AppendAnswer(nil, a)
			if err != nil {
				t.Fatalf("%+v was taken, and can't be sent: %v", a, err)
			}
			wantPart(t, again, b, true)
		}
		if r, err := admin.ParseRequest(b); err == nil {
			again, err := admin.AppendRequest(nil, r)
			if err != nil {
				t.Fatalf("%+v was taken, and can't be sent: %v", r, err)
			}
			if got, err := admin.ParseRequest(again); err != nil || got.Act != r.Act || len(got.Where) != len(r.Where) {
				t.Errorf("%+v becomes %+v, %v", r, got, err)
			}
			wantPart(t, again, b, false)
		}
	})
}

// wantPart checks that all that a message is sent on with stands in what it was read from, by the msgpack library's own
// decoder, which knows nothing of ours. Where numbers may be cut, which answers' are, theirs are not compared.
func wantPart(t *testing.T, part, whole []byte, cut bool) {
	t.Helper()
	got, _ := generic(t, part)
	all, twice := generic(t, whole)
	if twice {
		return // which of the two counts is the decoder's business
	}
	if !within(got, all, cut) {
		t.Errorf("%v is sent on as %v", all, got)
	}
}

// generic is what the library decodes without knowing what it is; twice tells that a map has a key more than once.
func generic(t *testing.T, b []byte) (v any, twice bool) {
	t.Helper()
	dec := msgpack.NewDecoder(bytes.NewReader(b))
	dec.SetMapDecoder(func(d *msgpack.Decoder) (any, error) {
		n, err := d.DecodeMapLen()
		out := make(map[string]any)
		for range n {
			key, err := d.DecodeInterface()
			if err != nil {
				return nil, err
			}
			name := fmt.Sprint(key)
			if _, there := out[name]; there {
				twice = true
			}
			if out[name], err = d.DecodeInterface(); err != nil {
				return nil, err
			}
		}
		return out, err
	})
	v, err := dec.DecodeInterface()
	if err != nil {
		t.Fatalf("it was taken, and is nothing to msgpack: %v: %x", err, b)
	}
	return v, twice
}

// within tells whether a value is as another. Maps may have less, fields that are zero need not be there, a number may have
// another type, and a text that of bytes.
func within(part, whole any, cut bool) bool {
	switch part := part.(type) {
	case map[string]any:
		all, ok := whole.(map[string]any)
		if _, list := whole.([]any); list {
			return true // within a message the decoder takes the fields in their order, too, and nobody sends them so
		}
		for key, value := range part {
			if there, has := all[key]; !(has && within(value, there, cut) || zero(value)) {
				return false
			}
		}
		return ok || whole == nil
	case []any:
		all, ok := whole.([]any)
		return ok && len(part) == len(all) && sameEach(part, all, cut) || zero(part) && whole == nil
	}
	return fmt.Sprint(text(part)) == fmt.Sprint(text(whole)) || zero(part) && whole == nil || cut && number(part) && number(whole)
}

func number(v any) bool {
	kind := reflect.ValueOf(v).Kind()
	return kind >= reflect.Int && kind <= reflect.Float64
}

func sameEach(a, b []any, cut bool) bool {
	for i := range a {
		if !within(a[i], b[i], cut) {
			return false
		}
	}
	return true
}

func text(v any) any {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return v
}

func zero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, one := range v {
			if !zero(one) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	case []byte:
		return len(v) == 0
	}
	return reflect.ValueOf(v).IsZero()
}

// FuzzProfile: what is read as a profile is written as one, and an error repeats no token.
func FuzzProfile(f *testing.F) {
	f.Add(admin.Profile{Addr: "127.0.0.1:4434", Pin: [32]byte{1, 2, 3}, Token: token}.Format())
	for _, seed := range []string{"", "{}", "[]", `{"addr":"x","pin":"zz","token":"00"}`, `{"addr":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := admin.ParseProfile(b)
		if err != nil {
			return
		}
		if again, err := admin.ParseProfile(p.Format()); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%+v becomes %+v, %v", p, again, err)
		}
	})
}

func TestAProfileIsReadBack(t *testing.T) {
	want := admin.Profile{Addr: "127.0.0.1:4434", Pin: [32]byte{1, 2, 3}, Token: token}
	got, err := admin.ParseProfile(want.Format())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	secret := strings.Repeat("ab", admin.TokenBytes-1)
	for _, wrong := range []string{"", "{}", "[]", `{"addr":"x","pin":"zz","token":"` + secret + `"}`, `{"addr":"x","pin":"` + strings.Repeat("00", 32) + `","token":"` + secret + `"}`, strings.Repeat(" ", 1<<17)} {
		if _, err := admin.ParseProfile([]byte(wrong)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%.60q is answered by %v", wrong, err)
		}
	}
}
