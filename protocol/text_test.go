package protocol_test

import (
	"testing"

	"github.com/quicstep/quicstep/protocol"
)

// TestTextsOfMessagesAreChecked holds every string that a client sends to §1: those below may not travel, or are no names.
func TestTextsOfMessagesAreChecked(t *testing.T) {
	hello := func(h protocol.Hello) error { _, err := protocol.AppendHello(nil, h); return err }
	say := func(text string) error { _, err := protocol.AppendSay(nil, protocol.Say{Text: text}); return err }
	list := func(game string) error { _, err := protocol.AppendList(nil, protocol.List{Game: game}); return err }
	for _, text := range []string{
		"a\nb", "\x1b[31m", "gpj.\u202eexe", "ad\u200bmin", "ad\u200dmin", "cafe\u0301", "\ue000", "\ufeffx", "o\u0332\u0333\u0339\u033a\u033b\u033c\u0347", "\u0301x",
	} {
		wantReject(t, "a room", hello(protocol.Hello{Room: text}), protocol.BadValue)
		wantReject(t, "a game", hello(protocol.Hello{Game: text}), protocol.BadValue)
		wantReject(t, "a list", list(text), protocol.BadValue)
		wantReject(t, "a line", say(text), protocol.BadValue)
	}
	for _, name := range []string{" lobby", "lobby ", "lobby\u3000"} {
		wantReject(t, "a room", hello(protocol.Hello{Room: name}), protocol.BadValue)
		wantReject(t, "a game", hello(protocol.Hello{Game: name}), protocol.BadValue)
		wantReject(t, "a list", list(name), protocol.BadValue)
		if err := say(name); err != nil {
			t.Errorf("a line that begins or ends with a space: %v", err)
		}
	}
}

// TestWhatAServerSaysIsMadeToFit: reasons are texts of errors, and moderation may return anything.
func TestWhatAServerSaysIsMadeToFit(t *testing.T) {
	const text, want = "a\tb\u202ec e\u0301\xff", "a bc \u00e9\uFFFD"
	b, err := protocol.AppendGoodbye(nil, protocol.Goodbye{Reason: text})
	if err != nil {
		t.Fatal(err)
	}
	if bye, err := protocol.ParseGoodbye(b); err != nil || bye.Reason != want {
		t.Errorf("the reason is %q, %v; want %q", bye.Reason, err, want)
	}
	if b, err = protocol.AppendChat(nil, protocol.Chat{Text: text}); err != nil {
		t.Fatal(err)
	}
	if line, err := protocol.ParseChat(b); err != nil || line.Text != want {
		t.Errorf("the line is %q, %v; want %q", line.Text, err, want)
	}
}
