package admin_test

import (
	"context"
	"errors"
	"net"
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

// TestReadsAreBounded for each credential, in all its consoles, and others notice nothing.
func TestReadsAreBounded(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{ReadsPerSecond: 1})
	vic := s.add("vic", admin.Viewer, time.Time{})
	consoles := []*console.Client{s.as(vic), s.as(vic)}
	var refused *console.RefusedError
	for i := 0; refused == nil; i++ {
		if _, err := consoles[i%2].Do(t.Context(), wire.Request{Act: wire.ActRooms}); err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
	}
	if refused.Code != wire.CodeBusy || !strings.Contains(refused.Text, "more than 1 answers a second") {
		t.Errorf("who reads too much is told %v", refused)
	}
	err := consoles[0].Watch(t.Context(), wire.Request{Act: wire.ActHealth, EveryMS: wire.MinEveryMS}, func(wire.Answer) error { return nil })
	if !errors.As(err, &refused) || refused.Code != wire.CodeBusy {
		t.Errorf("a subscription that asks too much ended with %v", err)
	}
	do(t, s.as(nil), wire.Request{Act: wire.ActHealth})
	if st := s.door.Stats(); st.RefusedReads < 2 || st.RefusedSights != 0 || st.RefusedFast != 0 {
		t.Errorf("the figures are %+v", st)
	}
}

// TestSightsAreBounded more than other reads: they are answered in a player's pass.
func TestSightsAreBounded(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{SightsPerSecond: 1})
	p := s.join()
	until(t, p, "the unit is known", func(v *world.View) bool { return s.game.Units.Len(v) == 1 })
	c := s.as(s.add("vic", admin.Viewer, time.Time{}))
	var refused *console.RefusedError
	for refused == nil {
		if _, err := c.Do(t.Context(), wire.Request{Act: wire.ActSight, Table: "unit", Player: uint32(p.Player())}); err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
	}
	if refused.Code != wire.CodeBusy || !strings.Contains(refused.Text, "1 times a second") {
		t.Errorf("who asks too much is told %v", refused)
	}
	do(t, c, wire.Request{Act: wire.ActQuery, Table: "unit"})
	if st := s.door.Stats(); st.RefusedReads != 0 || st.RefusedSights != 1 {
		t.Errorf("the figures are %+v", st)
	}
}

// TestABrokenSocketEndsTheDoor, and whoever runs it is told.
func TestABrokenSocketEndsTheDoor(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	door, err := admin.Listen(admin.Config{Server: s.Server, Folder: s.folder, PacketConn: socket, TickRate: 100})
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- door.Run(context.Background()) }()
	c, err := console.Open(t.Context(), console.Config{ProfileFile: s.folder.Profile(), Addr: door.Addr().String(), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if door.Stats().Ended {
		t.Error("it has ended before anything has happened")
	}
	socket.Close()
	if err := <-ran; err == nil || !strings.Contains(err.Error(), "accept consoles") {
		t.Errorf("it ended with %v", err)
	}
	if !door.Stats().Ended {
		t.Error("the figures do not say that it has ended")
	}
}

// TestADoorIsToldWhatCanBe, or it is not opened.
func TestADoorIsToldWhatCanBe(t *testing.T) {
	folder := newFolder(t)
	if err := folder.Init("ann", "", time.Now()); err != nil {
		t.Fatal(err)
	}
	var s *server.Server
	for _, wrong := range []admin.Config{
		{Folder: folder}, {Server: s}, {Server: s, Folder: folder, TickRate: -1}, {Server: s, Folder: folder, TickRate: 1000},
		{Server: s, Folder: folder, Limits: admin.Limits{ReadsPerSecond: -1}}, {Server: s, Folder: folder, Limits: admin.Limits{HelloTimeout: -1}},
	} {
		wrong.Addr = "127.0.0.1:0"
		if door, err := admin.Listen(wrong); err == nil || !strings.HasPrefix(err.Error(), "admin: ") {
			if err == nil {
				door.Close()
			}
			t.Errorf("%+v is answered by %v", wrong, err)
		}
	}
}

// TestWhatOperatorsWriteComesWhole, however long it may be, and what is longer is refused with the length that may be.
func TestWhatOperatorsWriteComesWhole(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	c := s.as(nil)
	text := func(bytes int) string { return strings.Repeat("x", bytes-1) + "." }
	for act, most := range map[wire.Act]int{
		wire.ActSay: wire.MaxSay, wire.ActKick: wire.MaxKickReason, wire.ActBan: wire.MaxBanReason, wire.ActClose: wire.MaxCloseReason,
	} {
		p := s.joinRoom(client.Config{Token: []byte("rude one")})
		r := wire.Request{Act: act, Player: uint32(p.Player()), Text: text(most + 1)}
		if act == wire.ActBan {
			r.Player, r.User, r.Seconds = 0, "rude one", 3600
		}
		wantRefusal(t, c, r, wire.CodeBad)
		r.Text = text(most)
		do(t, c, r)
		if act == wire.ActSay {
			lines := p.Chat()
			until(t, p, "a line comes", func(*world.View) bool {
				lines = append(lines, p.Chat()...)
				return len(lines) == 1
			})
			if lines[0].Text != r.Text {
				t.Errorf("a line of %d bytes comes as %q", most, lines[0].Text)
			}
			p.Close()
		} else {
			<-p.Done()
			if told := p.Err().Error(); !strings.HasSuffix(told, r.Text) {
				t.Errorf("a reason of %s of %d bytes is told as %q", act, most, told)
			}
		}
		if act == wire.ActBan {
			if _, err := s.tryJoinAs("rude one"); err == nil || !strings.HasSuffix(err.Error(), r.Text) {
				t.Errorf("who is banned and comes back is told %v", err)
			}
			do(t, c, wire.Request{Act: wire.ActUnban, Number: 1})
		}
		s.waitEmpty()
	}
}

// TestAReportBlamesASystem by the name that the game has given it.
func TestAReportBlamesASystem(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	c, p := s.as(nil), s.join()
	until(t, p, "some ticks are over", func(v *world.View) bool { return v.Tick > 5 })
	s.game.burn.Store(int64(25 * time.Millisecond)) // of 10 in which a tick is to be over
	defer s.game.burn.Store(0)
	var advice wire.Advice
	if err := c.Watch(t.Context(), wire.Request{Act: wire.ActReport, EveryMS: wire.MinEveryMS}, func(a wire.Answer) error {
		for _, advice = range a.Report {
			if advice.Do == "fix" && advice.Part == "hurt" {
				return errSeen
			}
		}
		return nil
	}); !errors.Is(err, errSeen) {
		t.Fatal(err)
	}
	if advice.Share == 0 || advice.Over == 0 || advice.Room != s.Rooms()[0].ID || !strings.Contains(advice.Text, "hurt took the most") {
		t.Errorf("the report is %+v", advice)
	}
	h := do(t, c, wire.Request{Act: wire.ActHealth}).Health
	if h.OK || len(h.Wrong) != 1 || !strings.Contains(h.Wrong[0], "room "+advice.RoomName+" is over budget") {
		t.Errorf("the health is %+v", h)
	}
	blamed := uint64(0)
	for _, part := range do(t, c, wire.Request{Act: wire.ActRoom}).Rooms[0].Parts {
		if part.Name == "hurt" {
			blamed = part.Overruns
		}
	}
	if blamed == 0 {
		t.Error("the room's figures do not blame the system")
	}
}
