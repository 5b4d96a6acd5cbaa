package admin_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/quicstep/quicstep/clients/console"
	wire "github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/protocol/plain"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/admin"
	"github.com/quicstep/quicstep/world"
)

// TestWhatOperatorsSayIsPlain wherever it is read: by players, in the audit log and the file of the bans, on a console. It
// begins and ends with words, and has in between what moves a cursor, forges a line, turns the text or is not seen.
func TestWhatOperatorsSayIsPlain(t *testing.T) {
	const evil = "be\x1b[2J\n\u202e\u200b\u2028\u009b%s%n ../kind"
	wantPlain := func(where, text string) {
		t.Helper()
		if err := plain.Check(text); err != nil || !strings.Contains(text, "be") || !strings.Contains(text, "kind") {
			t.Errorf("%s: %q %v", where, text, err)
		}
	}
	s := open(t, newFolder(t), admin.Limits{})
	c, heard, kicked, closed := s.as(nil), s.join(), s.join(), s.join()
	do(t, c, wire.Request{Act: wire.ActSay, Text: evil, Player: uint32(heard.Player())})
	if _, err := s.Say("", world.Player(heard.Player()), evil); err != nil {
		t.Fatal(err)
	}
	lines := heard.Chat()
	until(t, heard, "two lines", func(*world.View) bool {
		lines = append(lines, heard.Chat()...)
		return len(lines) == 2
	})
	for _, line := range lines {
		wantPlain("a line of chat", line.Text)
	}
	do(t, c, wire.Request{Act: wire.ActKick, Text: evil, Player: uint32(kicked.Player())})
	<-kicked.Done()
	wantPlain("the reason of a kick", kicked.Err().Error())

	if _, _, err := s.Ban(server.Ban{Prefix: netip.MustParsePrefix("192.0.2.7/32"), Reason: evil, By: "x\u202ey"}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := console.WriteText(&out, do(t, c, wire.Request{Act: wire.ActBans})); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if strings.ContainsFunc(line, func(c rune) bool { return !unicode.IsGraphic(c) }) {
			t.Errorf("the list of bans has the line %q", line)
		}
	}
	do(t, c, wire.Request{Act: wire.ActBan, Address: "127.0.0.1", Text: evil})
	<-heard.Done()
	wantPlain("the reason of a ban", heard.Err().Error())
	_, err := s.tryJoin()
	wantPlain("what who comes back is told", err.Error())
	<-closed.Done()

	for _, name := range []string{filepath.Join(string(s.folder), "audit.jsonl"), s.folder.BanFile()} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if err := plain.Check(strings.TrimSuffix(line, "\n")); err != nil {
				t.Errorf("%s has the line %q", name, line)
			}
		}
	}
	for _, line := range s.audited() { // which fails for what is no line of JSON
		if text := line.On["text"]; text != "" {
			wantPlain("the audit log", text)
		}
	}
}
