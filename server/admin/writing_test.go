package admin_test

import (
	"context"
	"errors"
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

// latest is the audit log's latest line.
func (s *site) latest() auditLine {
	s.t.Helper()
	lines := s.audited()
	return lines[len(lines)-1]
}

// TestTheAuditLogSaysInWhichRoom an act was done, by an ID that no other room gets, however the operator named it.
func TestTheAuditLogSaysInWhichRoom(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	c := s.as(nil)
	wantRoom := func(act wire.Act, state, id, name string) {
		t.Helper()
		if line := s.wantAudited(act, "ann", state); line.On["room"] != id || line.On["room_name"] != name {
			t.Errorf("%s was done on %v, want room %q %q", act, line.On, id, name)
		}
	}
	wantRefusal(t, c, wire.Request{Act: wire.ActFreeze, Room: "nowhere"}, wire.CodeNone)
	wantRoom(wire.ActFreeze, "failed", "nowhere", "")

	p := s.joinRoom(client.Config{Room: "lobby"})
	lobby := s.Rooms()[0].ID
	for _, named := range []string{"", "lobby", lobby} {
		do(t, c, wire.Request{Act: wire.ActResume, Room: named})
		wantRoom(wire.ActResume, "done", lobby, "lobby")
	}
	do(t, c, wire.Request{Act: wire.ActSay, Text: "hello", Player: uint32(p.Player())})
	wantRoom(wire.ActSay, "done", lobby, "lobby")
	do(t, c, wire.Request{Act: wire.ActSay, Text: "hello", All: true})
	wantRoom(wire.ActSay, "done", "", "")
	row := do(t, c, wire.Request{Act: wire.ActQuery, Table: "unit"}).Table.Rows[0].ID
	do(t, c, wire.Request{Act: wire.ActSet, Table: "unit", Row: row, Field: "HP", Value: "7"})
	wantRoom(wire.ActSet, "done", lobby, "lobby")
	do(t, c, wire.Request{Act: wire.ActUndo, Number: 1})
	if on := s.wantAudited(wire.ActUndo, "ann", "done").On; on["room"] != lobby || on["table"] != "unit" || on["row"] != row || on["field"] != "HP" {
		t.Errorf("what was undone is %v", on)
	}
	do(t, c, wire.Request{Act: wire.ActBan, Player: uint32(p.Player()), Text: "be kind"})
	wantRoom(wire.ActBan, "done", lobby, "lobby")
	do(t, c, wire.Request{Act: wire.ActUnban, Number: 1})

	<-p.Done()
	s.waitEmpty()
	do(t, c, wire.Request{Act: wire.ActClose})
	for len(s.Rooms()) > 0 {
		do(t, c, wire.Request{Act: wire.ActHealth})
	}
	secret := s.joinRoom(client.Config{Private: true})
	do(t, c, wire.Request{Act: wire.ActFreeze})
	wantRoom(wire.ActFreeze, "done", s.Rooms()[0].ID, "")
	if data, err := os.ReadFile(filepath.Join(string(s.folder), "audit.jsonl")); err != nil || strings.Contains(string(data), secret.Room()) {
		t.Errorf("the audit log has the code of a private room, %v", err)
	}
}

// TestAStepThatIsGivenUpIsToldAsFarAsItCame: no tick is made for it any more, and the audit log does not say that nothing was done.
func TestAStepThatIsGivenUpIsToldAsFarAsItCame(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	c, p := s.as(nil), s.join()
	do(t, c, wire.Request{Act: wire.ActFreeze})
	many := wire.Request{Act: wire.ActStep, Count: 10_000}
	begin := func(ctx context.Context) (ended chan error) {
		t.Helper()
		do(t, c, wire.Request{Act: wire.ActStep, Count: 1}) // also when it has to stand first
		from := s.Rooms()[0].Tick
		ended = make(chan error, 1)
		go func() {
			_, err := c.Do(ctx, many)
			ended <- err
		}()
		until(t, p, "some ticks are made", func(v *world.View) bool { return v.Tick > from+3 })
		return ended
	}
	ctx, giveUp := context.WithCancel(t.Context())
	ended := begin(ctx)
	giveUp()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("to give up is answered by %v", err)
	}
	for s.latest().State == "asked" {
		do(t, c, wire.Request{Act: wire.ActHealth}) // the door has not heard of it yet
	}
	if line := s.wantAudited(wire.ActStep, "ann", "partly"); !strings.Contains(line.Result, " of 10000 ticks were made") || strings.HasPrefix(line.Result, "0 ") {
		t.Errorf("the result is %q", line.Result)
	}
	ended = begin(t.Context()) // which would be refused while it steps
	do(t, c, wire.Request{Act: wire.ActResume})
	var refused *console.RefusedError
	if err := <-ended; !errors.As(err, &refused) || refused.Code != wire.CodeState || !strings.Contains(refused.Text, "resumed") {
		t.Errorf("a step of a room that is resumed is answered by %v", err)
	}
	if lines := s.audited(); !strings.Contains(lines[len(lines)-1].Result+lines[len(lines)-2].Result, "resumed") {
		t.Errorf("the audit log ends with %+v", lines[len(lines)-2:])
	}
}

// TestWhoIsRefusedIsInTheAuditLog, but does not fill it.
func TestWhoIsRefusedIsInTheAuditLog(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	p := s.join()
	viewer := s.as(s.add("vic", admin.Viewer, time.Time{}))
	kick := wire.Request{Act: wire.ActKick, Player: uint32(p.Player()), Text: "ha"}
	wantRefusal(t, viewer, kick, wire.CodeRole)
	if l := s.latest(); l.State != "refused" || l.Who != "vic" || l.Role != "viewer" || l.Act != "kick" || l.On["player"] != "1" || l.From == "" || !strings.Contains(l.Result, "operator") {
		t.Errorf("the audit log ends with %+v", l)
	}
	for range 100 {
		wantRefusal(t, viewer, kick, wire.CodeRole)
	}
	written := uint64(0)
	for _, l := range s.audited() {
		if l.State == "refused" {
			written++
		}
	}
	if st := s.door.Stats(); st.RefusedRole != 101 || written+st.UnauditedRefusals != 101 || st.UnauditedRefusals == 0 {
		t.Errorf("of %d refusals %d are written down, and %d are counted as not", st.RefusedRole, written, st.UnauditedRefusals)
	}
	wantRefusal(t, s.as(s.add("olga", admin.Operator, time.Time{})), wire.Request{Act: wire.ActDrain}, wire.CodeRole)
	if l := s.latest(); l.Who != "olga" {
		t.Errorf("another's refusal is not written down: the audit log ends with %+v", l)
	}
}

// fullDisk is a server whose audit log can't be written any more from the moment on in which somebody is kicked.
type fullDisk struct {
	*server.Server
	log string
}

// Kick does so, too.
func (s fullDisk) Kick(room string, player world.Player, reason string) error {
	return errors.Join(os.Remove(s.log), os.Symlink("/dev/full", s.log), s.Server.Kick(room, player, reason))
}

// TestWhatIsDoneAndNotWrittenDownIsTold, so that nobody does it again.
func TestWhatIsDoneAndNotWrittenDownIsTold(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is Linux's")
	}
	s := open(t, newFolder(t), admin.Limits{})
	bad, good := s.join(), s.join()
	log := filepath.Join(string(s.folder), "audit.jsonl")
	door, enter := s.secondDoor(fullDisk{s.Server, log}, admin.Limits{})
	c, err := enter()
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, c, wire.Request{Act: wire.ActKick, Player: uint32(bad.Player())}, wire.CodeUnwritten)
	<-bad.Done()
	if err := bad.Err(); !errors.Is(err, client.ErrKicked) {
		t.Errorf("the player was told %v", err)
	}
	wantRefusal(t, c, wire.Request{Act: wire.ActKick, Player: uint32(good.Player())}, wire.CodeAudit) // it was not done
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(t.Context(), wire.Request{Act: wire.ActKick, Player: 99})
	var refused *console.RefusedError
	if !errors.As(err, &refused) || refused.Code != wire.CodeNone || !strings.Contains(refused.Text, "no such player") || !strings.Contains(refused.Text, "written down") {
		t.Errorf("what failed and can't be written down is answered by %v", err)
	}
	if good.Err() != nil || door.Stats().AuditFailed != 3 {
		t.Errorf("the other player has %v, %d lines could not be written", good.Err(), door.Stats().AuditFailed)
	}
}

// TestWhoComesInIsLogged, with the program that they come with.
func TestWhoComesInIsLogged(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	c, err := console.Open(t.Context(), console.Config{ProfileFile: s.folder.Profile(), Addr: s.door.Addr().String(), Program: "nightly-report", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	do(t, c, wire.Request{Act: wire.ActHealth})
	c.Close()
	s.stop()
	for line := range strings.Lines(s.json.String()) {
		if strings.Contains(line, "console opened") && strings.Contains(line, `"who":"ann"`) && strings.Contains(line, `"program":"nightly-report"`) {
			return
		}
	}
	t.Errorf("the log has no line of it:\n%s", s.json.String())
}
