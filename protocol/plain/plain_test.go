package plain_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/quicstep/quicstep/protocol/plain"
)

var update = flag.Bool("update", false, "write the golden file in testdata anew")

const golden = "../../testdata/wire/text.json"

// vector is a text, what is found wrong with it, and what is made of it, as bytes in hexadecimal.
type vector struct {
	Name  string `json:"name"`
	Text  string `json:"text"`
	Plain bool   `json:"plain"` // it may travel as it is
	Title bool   `json:"title"` // it may be a name
	Clean string `json:"clean"` // of at most 24 bytes
}

const cleanBytes = 24

// texts are by name; what may travel as it is begins with "good".
var texts = []struct{ name, text string }{
	{"good: empty", ""},
	{"good: ASCII", "lobby 1"},
	{"good: composed", "caf\u00e9 \u1e9e"},
	{"good: Vietnamese", "Ti\u1ebfng Vi\u1ec7t"},
	{"good: Hebrew with points", "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd"},
	{"good: Arabic", "\u0645\u0631\u062d\u0628\u0627"},
	{"good: Persian with a non-joiner", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"},
	{"good: Hindi with a joiner", "\u0915\u094d\u200d\u0937"},
	{"good: Burmese", "\u1000\u103c\u103d\u1031\u102c\u103a"},
	{"good: a family", "\U0001f468\u200d\U0001f469\u200d\U0001f467"},
	{"good: a heart on fire", "\u2764\ufe0f\u200d\U0001f525"},
	{"good: a keycap", "1\ufe0f\u20e3"},
	{"good: a flag", "\U0001f1f3\U0001f1ff"},
	{"good: an emoji of tomorrow", "\U0001faff"},
	{"good: Korean", "\ud55c\uad6d\uc5b4"},
	{"good: six marks", "o\u0332\u0333\u0339\u033a\u033b\u033c"},
	{"good: a path", "../../x"},
	{"good: formats", "%s%n{{.}}'; --"},
	{"not a name: a space before", " lobby"},
	{"not a name: a wide space behind", "lobby\u3000"},
	{"decomposed", "cafe\u0301"},
	{"a singleton", "\u212b"},
	{"marks out of order", "a\u0301\u0323"},
	{"decomposed Korean", "\u1112\u1161\u11ab"},
	{"a line feed", "a\nb"},
	{"an escape", "\x1b[31mred"},
	{"DEL", "a\x7fb"},
	{"C1", "a\u009bb"},
	{"a line separator", "a\u2028b"},
	{"an override", "gpj.\u202eexe"},
	{"an isolate", "a\u2066b\u2069"},
	{"a mark that turns", "a\u200fb"},
	{"a zero-width space", "ad\u200bmin"},
	{"a byte order mark", "\ufeffadmin"},
	{"a word joiner", "ad\u2060min"},
	{"a soft hyphen", "ad\u00admin"},
	{"a joiner in Latin", "ad\u200dmin"},
	{"a joiner at the end", "\u0915\u200d"},
	{"a joiner at the start", "\u200d\u0915"},
	{"two joiners", "\u0915\u200d\u200d\u0937"},
	{"a joiner before a space", "\u0915\u200d x"},
	{"tags", "x\U000e0061\U000e0062"},
	{"private", "x\ue000\U000f0000"},
	{"no characters", "x\ufdd0\uffff\U0001ffff"},
	{"a filler", "\u3164"},
	{"empty Braille", "\u2800\u2800"},
	{"seven marks", "o\u0332\u0333\u0339\u033a\u033b\u033c\u0347"},
	{"a heap of marks", "o" + strings.Repeat("\u0332", 40)},
	{"a heap of Thai marks", "\u0e01" + strings.Repeat("\u0e47", 20)},
	{"a mark at the start", "\u0301a"},
	{"too long", strings.Repeat("\u00e9", 20)},
	{"a joiner where it is cut", strings.Repeat("a", 18) + "\u0915\u200d\u0937"},
	{"what is left out brings marks together", "e\u200b\u0301"},
}

func vectors() (out []vector) {
	for _, c := range texts {
		out = append(out, vector{
			Name: c.name, Text: hex.EncodeToString([]byte(c.text)), Plain: plain.Check(c.text) == nil, Title: plain.CheckName(c.text) == nil,
			Clean: hex.EncodeToString([]byte(plain.Clean(c.text, cleanBytes))),
		})
	}
	return out
}

func TestGoldenTexts(t *testing.T) {
	got, err := json.MarshalIndent(vectors(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v: run go test ./protocol/plain -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is written today; if you can explain how, run go test ./protocol/plain -update", golden)
	}
}

func TestWhatMayTravel(t *testing.T) {
	for _, c := range texts {
		good := strings.HasPrefix(c.name, "good") || strings.HasPrefix(c.name, "not a name")
		if c.name == "too long" || c.name == "a joiner where it is cut" {
			good = true // when it is not cut
		}
		if err := plain.Check(c.text); (err == nil) != good {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := plain.CheckName(c.text); (err == nil) != (good && !strings.HasPrefix(c.name, "not a name")) {
			t.Errorf("%s, as a name: %v", c.name, err)
		}
		wantClean(t, c.text, cleanBytes)
		if good && len(c.text) <= cleanBytes && plain.Clean(c.text, cleanBytes) != c.text {
			t.Errorf("%s: it is changed to %q", c.name, plain.Clean(c.text, cleanBytes))
		}
	}
	if err := plain.Check("\xff"); err == nil {
		t.Error("what is not UTF-8 may travel")
	}
	if got := plain.Clean("a\xffb", 9); got != "a\uFFFDb" {
		t.Errorf("what is not UTF-8 becomes %q", got)
	}
	for _, name := range []string{" \u200b lobby\u3000", "\u0002\u0659lobby"} {
		if got := plain.CleanName(name, 9); got != "lobby" {
			t.Errorf("the name %+q becomes %+q", name, got)
		}
	}
}

func wantClean(t *testing.T, text string, most int) {
	t.Helper()
	got := plain.Clean(text, most)
	if err := plain.Check(got); err != nil || len(got) > most || !utf8.ValidString(got) {
		t.Errorf("%+q becomes %+q of %d bytes, which %v", text, got, len(got), err)
	}
	if again := plain.Clean(got, most); again != got {
		t.Errorf("%+q becomes %+q, and then %+q", text, got, again)
	}
	if name := plain.CleanName(text, most); plain.CheckName(name) != nil || len(name) > most {
		t.Errorf("as a name %+q becomes %+q", text, name)
	}
}

func TestGoodTextAllocatesNothing(t *testing.T) {
	for _, text := range []string{"lobby 1", "caf\u00e9", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"} {
		if n := testing.AllocsPerRun(100, func() { plain.Check(text) }); n != 0 {
			t.Errorf("checking %q allocates %v times", text, n)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, c := range texts {
		f.Add(c.text)
	}
	f.Add("\u212a\u200d\u0915\u0301\u0301")
	f.Fuzz(func(t *testing.T, text string) { wantClean(t, text, cleanBytes) })
}

func BenchmarkCheck(b *testing.B) {
	for name, text := range map[string]string{"ASCII": "the quick brown fox", "Persian": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if plain.Check(text) != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}
