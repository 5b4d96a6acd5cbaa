package admin_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/clients/console"
	wire "github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/admin"
	"github.com/quicstep/quicstep/world"
)

// TestEveryActThroughTheDoor plays what the operator's guide promises, with players, and reads the audit log after each.
func TestEveryActThroughTheDoor(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{ActsPerSecond: 1000})
	c := s.as(nil)
	a, b := s.join(), s.join()
	unitOf := func(p *player) string {
		t.Helper()
		table := do(t, c, wire.Request{Act: wire.ActQuery, Table: "unit", Where: []wire.Condition{{Field: "owner", Is: "=", Value: fmt.Sprint(p.Player())}}}).Table
		if table.Matched != 1 || len(table.Rows) != 1 {
			t.Fatalf("player %d has %+v", p.Player(), table)
		}
		return table.Rows[0].ID
	}
	sees := func(p *player, hp uint16) {
		t.Helper()
		until(t, p, fmt.Sprintf("a unit has %d HP", hp), func(v *world.View) bool {
			for _, u := range s.game.Units.Owned(v, p.Player()) {
				return u.HP == hp
			}
			return false
		})
	}

	set := do(t, c, wire.Request{Act: wire.ActSet, Table: "unit", Row: unitOf(a), Field: "HP", Value: "7"})
	sees(a, 7)
	if line := s.wantAudited(wire.ActSet, "ann", "done"); line.Result != set.Text || !strings.Contains(set.Text, `was "100" and is "7"`) || line.On["field"] != "HP" {
		t.Errorf("%q, %+v", set.Text, line)
	}
	do(t, c, wire.Request{Act: wire.ActUndo, Number: 1})
	sees(a, 100)
	s.wantAudited(wire.ActUndo, "ann", "done")
	do(t, c, wire.Request{Act: wire.ActSet, Table: "unit", Row: unitOf(a), Field: "HP", Value: "8"})
	sees(a, 8)
	s.game.hurt.Store(50)
	sees(a, 50)
	wantRefusal(t, c, wire.Request{Act: wire.ActUndo, Number: 3}, wire.CodeChanged)
	s.wantAudited(wire.ActUndo, "ann", "failed")
	if edits := do(t, c, wire.Request{Act: wire.ActEdits}).Edits; len(edits) != 3 || edits[0].UndoneBy != 2 || edits[1].Undoes != 1 || edits[2].After != "8" {
		t.Errorf("the edits are %+v", edits)
	}

	do(t, c, wire.Request{Act: wire.ActFreeze})
	s.wantAudited(wire.ActFreeze, "ann", "done")
	stands := func() uint64 { return s.Rooms()[0].Tick }
	do(t, c, wire.Request{Act: wire.ActStep, Count: 1}) // it stands by then
	from := stands()
	do(t, c, wire.Request{Act: wire.ActStep, Count: 5})
	if now := stands(); now != from+5 {
		t.Errorf("5 steps after tick %d it is tick %d", from, now)
	}
	s.wantAudited(wire.ActStep, "ann", "done")
	do(t, c, wire.Request{Act: wire.ActSet, Table: "unit", Row: unitOf(a), Field: "HP", Value: "9"})
	sees(a, 9) // while it stands
	if now := stands(); now != from+6 {
		t.Errorf("5 steps and an edit after tick %d it is tick %d", from, now)
	}
	if a.Err() != nil || b.Err() != nil {
		t.Errorf("players of a frozen room ended with %v, %v", a.Err(), b.Err())
	}
	wantRefusal(t, c, wire.Request{Act: wire.ActSlow, Count: 65}, wire.CodeBad)
	wantRefusal(t, c, wire.Request{Act: wire.ActSlow}, wire.CodeBad)
	do(t, c, wire.Request{Act: wire.ActSlow, Count: 2})
	do(t, c, wire.Request{Act: wire.ActResume})
	until(t, a, "the room goes on", func(v *world.View) bool { return v.Tick > from+10 })

	do(t, c, wire.Request{Act: wire.ActSay, Text: "hello", Player: uint32(a.Player())})
	do(t, c, wire.Request{Act: wire.ActSay, Text: "all", All: true})
	var heard []string
	until(t, a, "the lines come", func(*world.View) bool {
		for _, line := range a.Chat() {
			heard = append(heard, line.Text)
		}
		return len(heard) == 2
	})

	worse := wire.Request{Act: wire.ActImpair, Player: uint32(a.Player()), DelayMS: 400, LossPerMille: 20, Seconds: 60}
	do(t, c, worse)
	if line := s.wantAudited(wire.ActImpair, "ann", "done"); line.On["delay_ms"] != "400" || line.On["loss_per_mille"] != "20" || line.On["seconds"] != "60" {
		t.Errorf("%+v", line)
	}
	until(t, b, "the state of one is old, that of the other is not", func(*world.View) bool {
		told := do(t, c, wire.Request{Act: wire.ActPlayers}).Players
		return len(told) == 2 && told[0].Age > 25 && told[0].Impaired != nil && told[0].Impaired.By == "ann" && told[1].Age < 20 && told[1].Impaired == nil
	})
	if h := do(t, c, wire.Request{Act: wire.ActHealth}).Health; h.Impaired != 1 {
		t.Errorf("%d links are impaired", h.Impaired)
	}
	wantRefusal(t, c, wire.Request{Act: wire.ActImpair, Player: uint32(a.Player()), DelayMS: 400}, wire.CodeBad)
	wantRefusal(t, c, wire.Request{Act: wire.ActImpair, Player: uint32(a.Player()), Seconds: 5}, wire.CodeBad)
	wantRefusal(t, c, wire.Request{Act: wire.ActImpair, Player: uint32(a.Player()), DelayMS: 1, Seconds: wire.MaxImpairSeconds + 1}, wire.CodeBad)
	do(t, c, wire.Request{Act: wire.ActImpair, Player: uint32(a.Player())})
	until(t, b, "it is as it was", func(*world.View) bool {
		told := do(t, c, wire.Request{Act: wire.ActPlayers}).Players
		return len(told) == 2 && told[0].Age < 20 && told[0].Impaired == nil && len(told[0].Tables) > 0 && told[0].Tables[0].Bytes > 0
	})

	do(t, c, wire.Request{Act: wire.ActKick, Player: uint32(b.Player()), Text: "be kind"})
	<-b.Done()
	if err := b.Err(); !errors.Is(err, client.ErrKicked) || !strings.Contains(err.Error(), "be kind") {
		t.Errorf("the one who was kicked was told %v", err)
	}
	if line := s.wantAudited(wire.ActKick, "ann", "done"); line.On["player"] != fmt.Sprint(b.Player()) || line.On["text"] != "be kind" {
		t.Errorf("%+v", line)
	}

	do(t, c, wire.Request{Act: wire.ActLogLevel, Text: "debug"})
	if s.level.Level() != slog.LevelDebug {
		t.Errorf("the log level is %v", s.level.Level())
	}
	do(t, c, wire.Request{Act: wire.ActDrain})
	if _, err := s.tryJoin(); !errors.Is(err, client.ErrFull) {
		t.Errorf("who comes to a server that is drained is told %v", err)
	}
	do(t, c, wire.Request{Act: wire.ActUndrain})
	if lines := do(t, c, wire.Request{Act: wire.ActAudit, Count: 3}).Audit; len(lines) != 3 || !strings.Contains(lines[2], `"audit"`) {
		t.Errorf("the latest lines are %v", lines)
	}
	do(t, c, wire.Request{Act: wire.ActClose, Text: "new rules"})
	<-a.Done()
	if err := a.Err(); !errors.Is(err, client.ErrRoomClosed) || !strings.Contains(err.Error(), "new rules") {
		t.Errorf("the player of a room that was closed was told %v", err)
	}
}

// TestABannedPlayerCantReturn, not even to the server that takes its place.
func TestABannedPlayerCantReturn(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	c, p := s.as(nil), s.join()
	do(t, c, wire.Request{Act: wire.ActBan, Player: uint32(p.Player()), Seconds: 3600, Text: "aimbot"})
	s.wantAudited(wire.ActBan, "ann", "done")
	<-p.Done()
	wantBanned := func(s *site) {
		t.Helper()
		if _, err := s.tryJoin(); !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), "aimbot") {
			t.Errorf("who is banned and comes back is told %v", err)
		}
	}
	wantBanned(s)
	s.stop()
	again := open(t, s.folder, admin.Limits{})
	wantBanned(again)
	c = again.as(nil)
	bans := do(t, c, wire.Request{Act: wire.ActBans}).Bans
	if len(bans) != 1 || bans[0].Prefix != "127.0.0.1/32" || bans[0].By != "ann" || bans[0].Until == 0 {
		t.Fatalf("the bans are %+v", bans)
	}
	do(t, c, wire.Request{Act: wire.ActUnban, Number: bans[0].Number})
	again.join()
}

// TestABannedUserCantReturn, not even to the server that takes its place; others from there can.
func TestABannedUserCantReturn(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	c, other := s.as(nil), s.join()
	rude, err := s.tryJoinAs("rude one")
	if err != nil {
		t.Fatal(err)
	}
	defer rude.Close()
	players := do(t, c, wire.Request{Act: wire.ActPlayers}).Players
	if len(players) != 2 || players[0].User != "" || players[1].User != "rude one" {
		t.Fatalf("the players are %+v", players)
	}
	did := do(t, c, wire.Request{Act: wire.ActBan, User: "rude one", Seconds: 3600, Text: "be kind"})
	until := do(t, c, wire.Request{Act: wire.ActBans}).Bans[0].Until
	if want := `ban 1 keeps "rude one" out until ` + time.Unix(until, 0).UTC().Format("2006-01-02 15:04Z") + "; 1 sent away"; did.Text != want {
		t.Errorf("the door says %q, want %q", did.Text, want)
	}
	if line := s.wantAudited(wire.ActBan, "ann", "done"); line.On["user"] != "rude one" {
		t.Errorf("the audit log tells of %v", line.On)
	}
	<-rude.Done()
	wantBanned := func(s *site) {
		t.Helper()
		if _, err := s.tryJoinAs("rude one"); !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), "be kind") {
			t.Errorf("who is banned and comes back is told %v", err)
		}
	}
	wantBanned(s)
	if other.Err() != nil {
		t.Errorf("the other one from there was told %v", other.Err())
	}
	for _, r := range []wire.Request{
		{Act: wire.ActBan}, {Act: wire.ActBan, User: "a", Address: "192.0.2.7"}, {Act: wire.ActBan, User: "a", Player: uint32(other.Player())},
	} {
		wantRefusal(t, c, r, wire.CodeBad)
	}
	s.stop()
	again := open(t, s.folder, admin.Limits{})
	wantBanned(again)
	c = again.as(nil)
	bans := do(t, c, wire.Request{Act: wire.ActBans}).Bans
	if len(bans) != 1 || bans[0].User != "rude one" || bans[0].Prefix != "" || bans[0].Until == 0 {
		t.Fatalf("the bans are %+v", bans)
	}
	do(t, c, wire.Request{Act: wire.ActUnban, Number: bans[0].Number})
	if back, err := again.tryJoinAs("rude one"); err != nil {
		t.Error(err)
	} else {
		back.Close()
	}
}

// TestAViewerActsOnNothing, and an operator not on the server.
func TestAViewerActsOnNothing(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	p := s.join()
	viewer, operator := s.as(s.add("vic", admin.Viewer, time.Time{})), s.as(s.add("olga", admin.Operator, time.Time{}))
	looks := map[wire.Act]bool{
		wire.ActHealth: true, wire.ActRooms: true, wire.ActRoom: true, wire.ActReport: true, wire.ActPlayers: true, wire.ActTables: true,
		wire.ActQuery: true, wire.ActEdits: true, wire.ActBans: true, wire.ActTimeline: true, wire.ActSight: true, wire.ActCapture: true,
	}
	owners := map[wire.Act]bool{wire.ActDrain: true, wire.ActUndrain: true, wire.ActLogLevel: true, wire.ActAudit: true}
	for _, act := range wire.Acts {
		r := wire.Request{Act: act, Table: "unit", Player: uint32(p.Player()), Text: "warn", Count: 1, Seconds: 1, Row: "0", Field: "HP", Value: "1"}
		if looks[act] {
			do(t, viewer, r)
			continue
		}
		wantRefusal(t, viewer, r, wire.CodeRole)
		if owners[act] {
			wantRefusal(t, operator, r, wire.CodeRole)
		}
	}
	until(t, p, "nothing has happened", func(v *world.View) bool { return s.game.Units.Len(v) == 1 })
	if s.Draining() || len(s.Bans()) != 0 || len(s.Edits()) != 0 || p.Err() != nil {
		t.Error("a viewer has done something")
	}
	if got, want := s.door.Stats().RefusedRole, uint64(len(wire.Acts)-len(looks)+len(owners)); got != want {
		t.Errorf("%d requests were refused for the role, want %d", got, want)
	}
	if acts := s.door.Stats().Acts; acts != 0 {
		t.Errorf("%d acts were done", acts)
	}
	if _, err := operator.Do(t.Context(), wire.Request{Act: wire.ActKick, Player: uint32(p.Player())}); err != nil {
		t.Errorf("an operator may not kick: %v", err)
	}
}

// TestWhoHasNoGoodCredentialsIsTold, each in its own words, and counted.
func TestWhoHasNoGoodCredentialsIsTold(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	other := newFolder(t)
	if err := other.Init("eve", "", time.Now()); err != nil {
		t.Fatal(err)
	}
	good := s.add("gus", admin.Viewer, time.Time{})
	foreign := *good
	foreign.Token = make([]byte, wire.TokenBytes)
	for name, test := range map[string]struct {
		profile *wire.Profile
		says    string
	}{
		"foreign": {&foreign, "not known here"},
		"expired": {s.add("max", admin.Owner, time.Now().Add(-time.Second)), "have expired"},
	} {
		if _, err := s.try(test.profile); !errors.Is(err, console.ErrRefused) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s credentials are answered by %v", name, err)
		}
	}
	if _, err := console.Open(t.Context(), console.Config{ProfileFile: other.Profile(), Addr: s.door.Addr().String()}); !errors.Is(err, console.ErrCertificate) {
		t.Errorf("another server's profile is answered by %v", err)
	}
	if _, err := console.Open(t.Context(), console.Config{ProfileFile: filepath.Join(t.TempDir(), "none.json")}); !errors.Is(err, console.ErrNoProfile) {
		t.Errorf("without a profile it is %v", err)
	}
	if err := s.silent(); err != nil {
		t.Fatal(err)
	}
	if got := s.door.Stats(); got.RefusedForeign != 1 || got.RefusedExpired != 1 || got.RefusedNone != 1 || got.Logins != 0 {
		t.Errorf("the figures are %+v", got)
	}
	c := s.as(good)
	do(t, c, wire.Request{Act: wire.ActHealth})
	if err := s.folder.Revoke("gus"); err != nil {
		t.Fatal(err)
	}
	gone := func() bool {
		_, err := c.Do(t.Context(), wire.Request{Act: wire.ActHealth})
		return err != nil && strings.Contains(err.Error(), "revoked") // in answer, or in goodbye
	}
	if err := c.Watch(t.Context(), wire.Request{Act: wire.ActHealth, EveryMS: 100}, func(wire.Answer) error { return nil }); err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("a subscription of revoked credentials ends with %v", err)
	}
	if !gone() {
		t.Error("revoked credentials are still good")
	}
}

// TestWrongTokensAreSlowed: the eleventh of an address waits for its turn, and is refused when that is far away.
func TestWrongTokensAreSlowed(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{WrongTokensPerMinute: 1})
	good := s.add("gus", admin.Viewer, time.Time{})
	foreign := *good
	foreign.Token = make([]byte, wire.TokenBytes)
	for range 10 {
		if _, err := s.try(&foreign); !errors.Is(err, console.ErrRefused) || !strings.Contains(err.Error(), "not known here") {
			t.Fatal(err)
		}
	}
	if n := s.door.Stats().Slowed; n != 0 {
		t.Errorf("%d of the first ten were slowed", n)
	}
	for s.door.Stats().RefusedSlow == 0 { // a minute may pass on a slow machine, and then one more has its turn
		if _, err := s.try(&foreign); !errors.Is(err, console.ErrRefused) {
			t.Fatal(err)
		}
	}
	if _, err := s.try(good); s.door.Stats().Slowed < 2 && err == nil {
		t.Errorf("a good token of this address came in at once: %+v", s.door.Stats())
	}
}

// TestWhatCantBeWrittenDownIsNotDone, on a full disk.
func TestWhatCantBeWrittenDownIsNotDone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is Linux's")
	}
	folder := newFolder(t)
	if err := folder.Init("ann", "", time.Now()); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(string(folder), "audit.jsonl")
	if err := errors.Join(os.Remove(log), os.Symlink("/dev/full", log)); err != nil {
		t.Fatal(err)
	}
	s := open(t, folder, admin.Limits{})
	c, p := s.as(nil), s.join()
	wantRefusal(t, c, wire.Request{Act: wire.ActKick, Player: uint32(p.Player())}, wire.CodeAudit)
	wantRefusal(t, c, wire.Request{Act: wire.ActDrain}, wire.CodeAudit)
	until(t, p, "the player is there", func(v *world.View) bool { return s.game.Units.Len(v) == 1 })
	if s.Draining() || s.door.Stats().AuditFailed != 2 {
		t.Errorf("draining %v, %+v", s.Draining(), s.door.Stats())
	}
	if h := do(t, c, wire.Request{Act: wire.ActHealth}).Health; h.OK || len(h.Wrong) != 1 {
		t.Errorf("the health is %+v", h)
	}
	// Space is made: the log goes on in a file of its own.
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	do(t, c, wire.Request{Act: wire.ActKick, Player: uint32(p.Player())})
	s.wantAudited(wire.ActKick, "ann", "done")
}

func TestWhatAViewerSees(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	c := s.as(s.add("vic", admin.Viewer, time.Now().Add(time.Hour)))
	if w := c.Welcome(); w.Name != "vic" || w.Role != "viewer" || w.Expires == 0 || len(w.Games) != 1 || w.TickRate != 100 {
		t.Errorf("the welcome is %+v", w)
	}
	p := s.join()
	for range 40 {
		s.join()
	}
	until(t, p, "all units are there", func(v *world.View) bool { return s.game.Units.Len(v) == 41 })
	room := s.Rooms()[0]
	if rooms := do(t, c, wire.Request{Act: wire.ActRooms}).Rooms; len(rooms) != 1 || rooms[0].ID != room.ID || rooms[0].Players != 41 || rooms[0].Entities != 41 {
		t.Errorf("the rooms are %+v", rooms)
	}
	one := do(t, c, wire.Request{Act: wire.ActRoom, Room: room.ID}).Rooms[0]
	var parts []string
	for _, part := range one.Parts {
		parts = append(parts, part.Name)
	}
	if got, want := strings.Join(parts, " "), "drain joins requests inputs hurt tick commit publish"; got != want || len(one.Recent) == 0 {
		t.Errorf("the room's parts are %s, with %d ticks", got, len(one.Recent))
	}
	if players := do(t, c, wire.Request{Act: wire.ActPlayers, Room: room.Name}).Players; len(players) != 41 || players[0].Player != 1 || players[0].Addr == "" {
		t.Errorf("%d players, the first %+v", len(players), players[0])
	}
	if tables := do(t, c, wire.Request{Act: wire.ActTables}).Tables; len(tables) != 1 || tables[0].Rows != 41 || tables[0].Fields[1] != (wire.Column{Name: "X", Kind: "float"}) {
		t.Errorf("the tables are %+v", tables)
	}
	for _, test := range []struct {
		where []wire.Condition
		want  int
	}{
		{nil, 41},
		{[]wire.Condition{{Field: "X", Is: ">", Value: "10"}, {Field: "X", Is: "<=", Value: "20"}}, 10},
		{[]wire.Condition{{Field: "Name", Is: "~", Value: "ni"}, {Field: "X", Is: "!=", Value: "1"}}, 40},
		{[]wire.Condition{{Field: "Up", Is: "=", Value: "true"}}, 0},
		{[]wire.Condition{{Field: "owner", Is: ">=", Value: "41"}, {Field: "HP", Is: "<", Value: "101"}}, 1},
		{[]wire.Condition{{Field: "HP", Is: ">", Value: "99.5"}, {Field: "HP", Is: "<", Value: "1e9"}, {Field: "HP", Is: ">", Value: "-1"}}, 41},
		{[]wire.Condition{{Field: "Serial", Is: "=", Value: "9007199254740993"}}, 1}, // 2^53 + 1
		{[]wire.Condition{{Field: "Serial", Is: ">", Value: "9007199254740993"}, {Field: "Serial", Is: "<=", Value: "9007199254740995"}}, 2},
	} {
		table := do(t, c, wire.Request{Act: wire.ActQuery, Table: "unit", Where: test.where, Count: 5}).Table
		if table.Matched != test.want || len(table.Rows) != min(5, test.want) {
			t.Errorf("%v: %d match and %d come, want %d", test.where, table.Matched, len(table.Rows), test.want)
		}
	}
	if table := do(t, c, wire.Request{Act: wire.ActQuery, Table: "unit", Row: "3"}).Table; table.Matched != 1 || table.Rows[0].ID != "3.1" {
		t.Errorf("row 3 is %+v", table)
	}
	for row, code := range map[string]string{"3.9": wire.CodeNone, "900": wire.CodeNone, "17x": wire.CodeBad, "1.0.0": wire.CodeBad} {
		wantRefusal(t, c, wire.Request{Act: wire.ActQuery, Table: "unit", Row: row}, code)
	}
	wantRefusal(t, c, wire.Request{Act: wire.ActQuery, Table: "wood"}, wire.CodeNone)
	wantRefusal(t, c, wire.Request{Act: wire.ActQuery, Table: "unit", Where: []wire.Condition{{Field: "Luck", Is: "="}}}, wire.CodeNone)
	wantRefusal(t, c, wire.Request{Act: wire.ActQuery, Table: "unit", Where: []wire.Condition{{Field: "X", Is: "~", Value: "1"}}}, wire.CodeBad)
	wantRefusal(t, c, wire.Request{Act: wire.ActRoom, Room: "nowhere"}, wire.CodeNone)
	var refused *console.RefusedError
	if err := c.Watch(t.Context(), wire.Request{Act: wire.ActKick, EveryMS: 100}, nil); !errors.As(err, &refused) || refused.Code != wire.CodeBad {
		t.Errorf("to kick again and again is answered by %v", err)
	}
	rounds := 0
	enough := errors.New("enough")
	if err := c.Watch(t.Context(), wire.Request{Act: wire.ActRooms, EveryMS: 100}, func(a wire.Answer) error {
		if rounds++; rounds == 3 {
			return enough
		}
		return nil
	}); !errors.Is(err, enough) {
		t.Errorf("the subscription ended with %v", err)
	}
}

// TestAPrivateRoomsCodeIsNotShown: it lets anybody in.
func TestAPrivateRoomsCodeIsNotShown(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	p, err := client.Join(t.Context(), s.game, client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}, Private: true, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := s.as(nil)
	for _, act := range []wire.Act{wire.ActRooms, wire.ActRoom, wire.ActPlayers, wire.ActTables, wire.ActReport} {
		if a := do(t, c, wire.Request{Act: act}); strings.Contains(fmt.Sprintf("%+v", a), p.Room()) {
			t.Errorf("%s shows the code of a private room: %+v", act, a)
		}
	}
	wantRefusal(t, c, wire.Request{Act: wire.ActRoom, Room: p.Room()}, wire.CodeNone)
}

func TestAProfileIsTaken(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	a := do(t, s.as(nil), wire.Request{Act: wire.ActProfile, Seconds: 1, Text: "cpu"})
	if len(a.Data) < 100 || a.Data[0] != 0x1f || a.Data[1] != 0x8b {
		t.Errorf("the profile has %d bytes, and is not gzip's", len(a.Data))
	}
	s.wantAudited(wire.ActProfile, "ann", "done")
	wantRefusal(t, s.as(nil), wire.Request{Act: wire.ActProfile, Seconds: wire.MaxProfileSeconds + 1}, wire.CodeBad)
}

func TestTheDoorIsShutWithoutCredentials(t *testing.T) {
	var s *server.Server
	if _, err := admin.Listen(admin.Config{Server: s, Folder: newFolder(t), Addr: "127.0.0.1:0"}); !errors.Is(err, admin.ErrNoFolder) {
		t.Errorf("without credentials the door opens with %v", err)
	}
}
