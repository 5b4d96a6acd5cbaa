package admin_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"unicode"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/clients/console"
	wire "github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/protocol/plain"
	"github.com/quicstep/quicstep/server/admin"
)

// waitEmpty waits until nobody is in.
func (s *site) waitEmpty() {
	for s.Stats().Sessions > 0 {
		runtime.Gosched()
	}
}

// TestHostileNamesAreHarmless wherever they are shown: rooms and users are called what forges lines, moves cursors, means
// something to a shell, a path, a format, a browser or Prometheus. A client brings the name of a room into a form that may
// travel; a user that no form has is not let in.
func TestHostileNamesAreHarmless(t *testing.T) {
	names := []string{
		"../../etc/passwd", "..", "/dev/null", `C:\con`, "%s%n%d%!x", "$(reboot)`reboot`;&|", "<script>alert(1)</script>", `"} 1`, `\n\x1b[2J`, "--help", "{}", "'; drop",
		"x\x1b]0;title\a", "x\x1b[2J", "a\nlevel=ERROR msg=forged", "a\r\nb", "x\u202egnp.exe", "\u200fx\u200b", "a\u2028b", "c\u009b31m", "\ufeffbom", "\xff\xfe\xfa",
		"x\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301", "שלום עולם", strings.Repeat("x", 63), strings.Repeat("ש", 127), strings.Repeat("y", 1000),
	}
	s := open(t, newFolder(t), admin.Limits{})
	c, web := s.as(nil), s.watch()
	files, err := os.ReadDir(string(s.folder))
	if err != nil {
		t.Fatal(err)
	}
	look := func(what string, a wire.Answer) {
		t.Helper()
		var out bytes.Buffer
		if err := console.WriteText(&out, a); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		if want := 1 + len(a.Rooms) + len(a.Players); len(lines) != want {
			t.Errorf("%s are %d lines, want %d", what, len(lines), want)
		}
		for _, line := range lines {
			if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("%s have the line %q", what, line)
			}
		}
		if b, err := console.JSON(a); err != nil || !json.Valid(b) {
			t.Errorf("%s as JSON: %v", what, err)
		}
	}
	roomsIn, usersIn := 0, 0
	for _, name := range names {
		for _, as := range []client.Config{{Room: name}, {Token: []byte(name)}} {
			as.Addr, as.Pins = s.Addr().String(), [][32]byte{s.Pin()}
			p, err := client.Join(t.Context(), s.game, as)
			if err != nil {
				if text := err.Error(); strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
					t.Errorf("who is called %q is told %q", name, text)
				}
				continue
			}
			players := do(t, c, wire.Request{Act: wire.ActPlayers})
			for len(players.Players) != 1 { // who has just come in is told of a moment later
				players = do(t, c, wire.Request{Act: wire.ActPlayers})
			}
			look("players", players)
			p.Close()
			s.waitEmpty()
			if as.Room != "" {
				roomsIn++
			} else {
				usersIn++
			}
		}
	}
	if roomsIn < 20 || usersIn < 12 {
		t.Errorf("%d came into rooms and %d as users: the names are hardly tried", roomsIn, usersIn)
	}
	list, err := client.List(t.Context(), "yard", client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}})
	if err != nil || len(list) < 20 {
		t.Fatalf("the list has %d rooms, %v", len(list), err)
	}
	for _, r := range list {
		if err := plain.CheckName(r.Name); err != nil {
			t.Errorf("the list has a room %q: %v", r.Name, err)
		}
	}
	look("rooms", do(t, c, wire.Request{Act: wire.ActRooms}))
	code, metrics := get(t, "http://"+web+"/metrics")
	if code != http.StatusOK || !strings.Contains(metrics, `joins_denied_total{reason="undecided"}`) {
		t.Errorf("/metrics answers %d: %s", code, metrics)
	}
	for _, line := range strings.Split(metrics, "\n") {
		if strings.Contains(line, "passwd") || strings.Contains(line, "<script") || strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("/metrics has the line %q", line)
		}
	}
	do(t, c, wire.Request{Act: wire.ActClose, Room: "../../etc/passwd", Text: "enough"})
	s.wantAudited(wire.ActClose, "ann", "done")
	s.stop()
	if after, err := os.ReadDir(string(s.folder)); err != nil || len(after) > len(files)+1 { // the audit log
		t.Errorf("the folder has %v, %v", after, err)
	}
	if s.json.Len() == 0 {
		t.Error("nothing was logged")
	}
	for line := range strings.Lines(s.json.String()) {
		if !json.Valid([]byte(line)) || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl) {
			t.Errorf("the log as JSON has the line %q", line)
		}
	}
	for line := range strings.Lines(s.text.String()) {
		if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, "time=") || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Errorf("the log as text has the line %q", line)
		}
	}
}
