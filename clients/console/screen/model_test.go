package screen

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/quicstep/quicstep/protocol/admin"
)

// wantOn wants texts on the screen.
func (s *stage) wantOn(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if screen := ansi.Strip(s.view()); !strings.Contains(screen, text) {
			s.t.Errorf("%q is not on the screen:\n%s", text, screen)
		}
	}
}

// wantSaid wants a text on the screen, in however many lines.
func (s *stage) wantSaid(texts ...string) {
	s.t.Helper()
	screen := strings.Join(strings.Fields(ansi.Strip(s.view())), " ")
	for _, text := range texts {
		if !strings.Contains(screen, text) {
			s.t.Errorf("%q is not said:\n%s", text, ansi.Strip(s.view()))
		}
	}
}

// wantAct wants one act.
func (s *stage) wantAct(got []effect, want admin.Request) {
	s.t.Helper()
	if len(got) != 1 || keyOf(got[0].ask) != keyOf(want) {
		s.t.Errorf("it asks for %+v, want %+v", got, want)
	}
}

func TestAnActIsDoneOnYesAlone(t *testing.T) {
	s := newStage(t, 80, 24)
	s.keys("enter", "down", "k")
	s.types("be kind")
	if got := s.keys("enter"); len(got) != 0 {
		t.Errorf("before the yes it asks for %+v", got)
	}
	s.wantOn(`kick player 2 of lobby, saying "be kind"?`)
	for _, no := range []string{"n", "enter", "esc", "Y"} {
		if got := s.keys(no); len(got) != 0 {
			t.Errorf("%s does %+v", no, got)
		}
		s.wantOn("nothing was done")
		s.keys("k", "enter")
	}
	s.wantAct(s.keys("y"), admin.Request{Act: admin.ActKick, Room: "b1", Player: 2})
	s.update(acted{"player 2 was sent away", false})
	s.wantOn("✓ player 2 was sent away")
	s.update(acted{"there is no such player", true})
	s.wantOn("! there is no such player")
}

func TestAFieldIsSetToWhatItCanHold(t *testing.T) {
	s := newStage(t, 120, 24)
	s.keys("enter", "t", "down", "enter", "down", "s")
	s.types("Hul")
	s.keys("enter")
	s.wantOn("there is none of this name")
	s.types("l")
	s.keys("enter")
	s.types("many")
	s.keys("enter")
	s.wantOn("it is uint")
	s.keys("ctrl+u", "2", "enter")
	s.wantOn("set ship 1.1 Hull from 3 to 2?")
	s.wantAct(s.keys("y"), admin.Request{Act: admin.ActSet, Room: "b1", Table: "ship", Row: "1.1", Field: "Hull", Value: "2"})
}

// TestAPlayerIsBannedByNameOrAddress: by the name unless the operator says otherwise, and by the address where no name is known.
func TestAPlayerIsBannedByNameOrAddress(t *testing.T) {
	ask := admin.Request{Act: admin.ActBan, User: "ann", Seconds: 86400}
	s := newStage(t, 120, 24)
	s.keys("enter", "b", "enter", "enter", "enter")
	s.wantSaid(`ban user "ann", wherever from, for 24 hours, until 2026-11-30 12:00Z?`)
	s.wantAct(s.keys("y"), ask)
	s.keys("b", "ctrl+u")
	s.types("room")
	s.keys("enter")
	s.wantOn("one of user, address")
	s.keys("ctrl+u")
	s.types("address")
	s.keys("enter", "enter", "enter")
	s.wantSaid("ban 192.0.2.10, the address of player 1 of lobby, for 24 hours, until 2026-11-30 12:00Z?")
	address := admin.Request{Act: admin.ActBan, Room: "b1", Player: 1, Seconds: 86400}
	s.wantAct(s.keys("y"), address)
	s.keys("down", "b", "ctrl+u", "0", "enter", "enter")
	s.wantSaid("ban 192.0.2.11, the address of player 2 of lobby, for ever?")
	address.Player, address.Seconds = 2, 0
	s.wantAct(s.keys("y"), address)
	for addr, want := range map[string]string{"[2001:db8:1:2:3::4]:9": "2001:db8:1:2::/64", "[::ffff:192.0.2.7]:9": "192.0.2.7", "a pipe": "the address"} {
		if got := addressesOf(addr); got != want {
			t.Errorf("a ban of %s is said to be of %s, want %s", addr, got, want)
		}
	}
}

func TestATableIsFilteredByTheServer(t *testing.T) {
	s := newStage(t, 120, 24)
	s.keys("enter", "t", "down", "enter", "/")
	s.types("Hull<2 Name~Ann")
	s.keys("enter")
	want := []admin.Condition{{Field: "Hull", Is: "<", Value: "2"}, {Field: "Name", Is: "~", Value: "Ann"}}
	if got := s.wants()[0].Where; len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("it asks for %+v", got)
	}
	s.keys("esc", "/")
	s.types("Hull")
	s.keys("enter")
	s.wantOn("is no condition")
}

func TestAListIsFilteredAsItIsTyped(t *testing.T) {
	s := newStage(t, 80, 24)
	s.keys("/", "p", "o", "n", "g")
	if rows := s.rows(); len(rows) != 1 || rows[0].cells[0] != "court" {
		t.Errorf("the rooms are %+v", rows)
	}
	s.keys("esc")
	if rows := s.rows(); len(rows) != 3 {
		t.Errorf("without the filter the rooms are %+v", rows)
	}
}

func TestTheChoiceFollowsItsRoom(t *testing.T) {
	s := newStage(t, 80, 24)
	s.keys("down", "down")
	chosen := s.page().list.chosen
	for _, r := range s.wants() {
		a := s.answer(r)
		for i := range a.Rooms {
			a.Rooms[i].P99 = 1_000_000 - a.Rooms[i].P99
		}
		s.update(answered{keyOf(r), a, s.now})
	}
	if rows := s.rows(); rows[0].key != chosen || rows[s.page().list.choose(rows)].key != chosen {
		t.Errorf("%s was chosen, now %s of %+v", chosen, s.page().list.chosen, rows)
	}
}

func TestAViewerIsOfferedNoAct(t *testing.T) {
	s := newStage(t, 200, 50)
	s.update(linked{admin.Welcome{Name: "vic", Role: "viewer", TickRate: 30}})
	for _, page := range pages {
		s.pages = s.pages[:1]
		s.help, s.asking, s.typing = false, nil, false
		for _, k := range page.keys {
			for _, e := range s.keys(k) {
				t.Errorf("%s: %s does %+v", page.name, k, e)
			}
		}
		if s.asking != nil {
			t.Errorf("%s asks for an act", page.name)
		}
	}
}

func TestALostConnectionIsSaid(t *testing.T) {
	s := newStage(t, 80, 24)
	s.update(lost{"the server's admin door does not answer"})
	s.wantOn("! not connected: the server's admin door does not answer", "lobby")
	s.update(linked{s.welcome})
	if strings.Contains(s.view(), "not connected") {
		t.Error("it is in again, and says that it is not")
	}
	s.update(refused{keyOf(s.wants()[0]), "these credentials have expired, or were revoked"})
	s.wantOn("! these credentials have expired, or were revoked")
}

func TestAnswersDoNotPileUp(t *testing.T) {
	s := newStage(t, 80, 24)
	for range 3 {
		for _, page := range pages {
			s.keys(page.keys...)
			for len(s.pages) > 1 {
				s.help, s.asking, s.typing = false, nil, false
				s.page().filter = ""
				s.keys("esc")
			}
		}
	}
	if n := len(s.answers); n != 2 {
		t.Errorf("%d answers are kept for a page that wants 2", n)
	}
	s.feed(2 * samples)
	if tr := s.tracks["b1"]; len(tr.p99) != samples || len(tr.flow) != samples {
		t.Errorf("%d and %d samples are kept", len(tr.p99), len(tr.flow))
	}
}

func TestTextsOfPlayersAreHarmless(t *testing.T) {
	for _, page := range pages {
		s := newStage(t, 200, 50)
		s.keys(page.keys...)
		if screen := ansi.Strip(s.view()); strings.ContainsAny(screen, "\x1b\u009b\t\a") || strings.Contains(s.view(), "\x1b[2J") || strings.Contains(s.view(), "\x1b[31m") {
			t.Errorf("%s lets escape sequences through", page.name)
		}
	}
}

// TestAnyScreenIsDrawn, however small, also before anything was told: of exactly its size, and no line too wide.
func TestAnyScreenIsDrawn(t *testing.T) {
	for _, size := range []sized{{1, 1}, {2, 3}, {20, 5}, {40, 12}, {139, 12}, {140, 12}, {300, 4}, {40, 100}, {500, 13}} {
		for _, page := range pages {
			s := newStage(t, 80, 24)
			s.keys(page.keys...)
			fresh := newModel()
			fresh.pages = slices.Clone(s.pages)
			for _, m := range []*model{s.model, fresh} {
				m.update(size)
				for _, help := range []bool{false, true} {
					m.help = help
					lines := strings.Split(m.view(), "\n")
					if len(lines) != size.height {
						t.Errorf("%s at %v has %d lines", page.name, size, len(lines))
					}
					for _, line := range lines {
						if w := ansi.StringWidth(line); w > size.width {
							t.Errorf("%s at %v has a line of %d cells", page.name, size, w)
						}
					}
				}
			}
		}
	}
}

// TestARoomThatClosesUnderTheViewIsSaid, and the way back leads to the rooms that are there.
func TestARoomThatClosesUnderTheViewIsSaid(t *testing.T) {
	s := newStage(t, 80, 24)
	s.keys("enter")
	for _, r := range s.wants() {
		if r.Act != admin.ActHealth {
			s.update(refused{keyOf(r), `there is no such room: "b1"`})
		}
	}
	s.wantOn(`! there is no such room: "b1"`)
	s.update(pressed{"esc", ""})
	s.feed(1)
	s.wantOn("court")
	if strings.Contains(s.view(), "no such room") {
		t.Error("the list of rooms says that the room is not there")
	}
}

// TestAnActIsNotDoneToWhoCameIntoTheirPlace: a player who leaves right before a key is pressed takes the choice along.
func TestAnActIsNotDoneToWhoCameIntoTheirPlace(t *testing.T) {
	for _, key := range []string{"k", "b", "w", "I"} {
		s := newStage(t, 120, 24)
		s.keys("enter", "down")
		s.view()
		for _, r := range s.wants() {
			a := s.answer(r)
			a.Players = slices.DeleteFunc(a.Players, func(p admin.Player) bool { return p.Player == 2 })
			s.update(answered{keyOf(r), a, s.now})
		}
		s.view()
		if s.update(pressed{key, key}); s.asking != nil {
			t.Errorf("%s is asked for a player that nobody has chosen", key)
		}
		s.wantOn("! what was chosen is gone: choose again")
		s.update(pressed{"up", ""})
		if s.update(pressed{"w", "w"}); s.asking == nil {
			t.Error("once another one is chosen nothing is asked")
		}
		s.wantOn("a line for player 3")
	}
}

// TestTheFirstThatMeetsAFilterIsChosen, whoever was chosen before.
func TestTheFirstThatMeetsAFilterIsChosen(t *testing.T) {
	s := newStage(t, 120, 24)
	s.keys("down", "/", "p", "o", "n", "g", "enter", "enter")
	s.wantOn("rooms › court")
}

// TestAllOfTheHelpIsSeen, part by part where the screen is small.
func TestAllOfTheHelpIsSeen(t *testing.T) {
	s := newStage(t, 80, 24)
	s.keys("enter", "?")
	seen := ""
	for parts := 0; s.help; parts++ {
		if parts > 5 {
			t.Fatal("the help does not end")
		}
		seen += ansi.Strip(s.view())
		s.keys("x")
	}
	for _, line := range s.helpLines() {
		if line = strings.TrimSpace(ansi.Strip(line)); !strings.Contains(seen, line[:min(40, len(line))]) {
			t.Errorf("%q is not seen", line)
		}
	}
}

// TestGoingRoundAndRoundLeadsNoFarther: the pages that each other's keys open do not pile up.
func TestGoingRoundAndRoundLeadsNoFarther(t *testing.T) {
	s := newStage(t, 80, 24)
	for range 20 {
		s.keys("R", "enter", "E", "B", "A", "A")
	}
	if n := len(s.pages); n > 8 {
		t.Errorf("%d pages are on the way back", n)
	}
}

// TestANewRoomDoesNotMakeTheOthersForgotten: it has made no tick yet.
func TestANewRoomDoesNotMakeTheOthersForgotten(t *testing.T) {
	s := newStage(t, 80, 24)
	s.keys("enter")
	for _, r := range s.wants() {
		a := s.answer(r)
		if r.Act == admin.ActRoom {
			a.Rooms[0].Recent = nil
		}
		s.update(answered{keyOf(r), a, s.now})
	}
	if len(s.tracks) != 4 {
		t.Errorf("%d tracks are left, want those of three rooms and the server", len(s.tracks))
	}
	s.keys("esc")
	s.update(answered{keyOf(allRooms), admin.Answer{}, s.now})
	if len(s.tracks) != 1 {
		t.Errorf("%d tracks are left without a room", len(s.tracks))
	}
}

// TestAFilterThatCanNotBeReadIsNotTaken: what stands there is what holds.
func TestAFilterThatCanNotBeReadIsNotTaken(t *testing.T) {
	s := newStage(t, 120, 24)
	s.keys("enter", "t", "down", "enter", "/")
	s.types("Hull")
	s.keys("enter")
	if !s.typing || s.page().where != nil {
		t.Errorf("the line is taken: %+v", s.page().where)
	}
	s.types("<2")
	if strings.Contains(s.view(), "is no condition") {
		t.Error("what was wrong is said of a line that is being mended")
	}
	s.keys("enter")
	if where := s.page().where; s.typing || len(where) != 1 || where[0].Value != "2" {
		t.Errorf("the conditions are %+v", where)
	}
}

// TestWhatIsNowhereSpoilsNoMap: a coordinate that is no number.
func TestWhatIsNowhereSpoilsNoMap(t *testing.T) {
	s := newStage(t, 120, 40)
	s.keys("enter", "m")
	s.feed(1)
	want := len(s.things())
	for _, bad := range []string{"NaN", "+Inf"} {
		for _, r := range s.wants() {
			if a := s.answer(r); r.Act == admin.ActQuery && len(a.Table.Rows) > 0 {
				a.Table.Rows[0].Values[axis(a.Table.Columns, "x")] = bad
				s.update(answered{keyOf(r), a, s.now})
			}
		}
		s.view()
		if b := s.page().bounds; b.x0 != b.x0 || b.x1-b.x0 > 1e9 || len(s.things()) >= want || len(s.things()) == 0 {
			t.Errorf("%s: the map goes from %v to %v, with %d things", bad, b.x0, b.x1, len(s.things()))
		}
	}
}
