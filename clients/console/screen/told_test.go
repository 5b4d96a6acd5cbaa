package screen

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/quicstep/quicstep/protocol/admin"
)

// TestASmallScreenTellsAll that an operator decides by: who was kicked, what an edit became, how a player is called.
func TestASmallScreenTellsAll(t *testing.T) {
	s := newStage(t, 80, 24)
	for _, e := range s.keys("A") {
		s.update(answered{keyOf(e.ask), s.answer(e.ask), s.now})
	}
	s.wantOn("11:58:00Z ann", "done    player 3, room lobby  player 3 was sent")
	s.wantSaid("2026-11-29 11:58:00Z ann kick done player 3, room lobby player 3 was sent away")
	s.keys("E")
	s.wantOn("UNDONE", "by 3", "Cleo")
	s.keys("esc", "esc", "enter")
	s.wantOn("USER", "ann", "player 1, ann, from 192.0.2.10:45000, in for")
}

// TestLongTextsAreReadToTheirEnd: what does not fit into a list stands below it, of the row that is chosen.
func TestLongTextsAreReadToTheirEnd(t *testing.T) {
	s := newStage(t, 80, 24)
	s.keys("enter", "m", "v")
	s.wantSaid(sight(7).Text)
	s.keys("esc", "R")
	s.wantSaid("fix lobby: hits takes the most in 15 of 17 overruns: make it cheaper")
	long := strings.TrimSpace(strings.Repeat("word ", 200))
	s.update(answered{keyOf(s.wants()[0]), admin.Answer{Report: []admin.Advice{{Room: "b1", RoomName: "lobby", Do: "fix", Text: long}}}, s.now})
	if n := strings.Count(ansi.Strip(s.view()), "word"); n < 60 || !strings.Contains(s.view(), "…") {
		t.Errorf("of a text of 200 words %d are seen", n)
	}
	s.wantOn(">!lobby", "q quit")
	s.keys("esc", "t", "down")
	s.wantSaid("ship: X float, Y float, VX float, VY float, Hull uint, Aim float, Wreck bool, Kills uint, Name text")
}

// TestWhatTheServerLeavesOutIsSaid, in a table and on the map, where the rows of the player that is followed are asked for apart.
func TestWhatTheServerLeavesOutIsSaid(t *testing.T) {
	s := newStage(t, 80, 24)
	s.keys("enter", "t", "down", "enter")
	s.cutQueries(1234)
	s.wantOn("! 12 of 1234 rows: / filters, to see others")
	s.keys("esc", "esc", "down", "m")
	if slices.ContainsFunc(s.wants(), func(r admin.Request) bool { return r.Where != nil }) {
		t.Error("rows that are there are asked for again")
	}
	s.cutQueries(5312)
	s.wantSaid("12 of 5312 rows of ship are here, and what the player owns")
	var own []admin.Request
	for _, r := range s.wants() {
		if r.Where != nil {
			own = append(own, r)
		}
	}
	if len(own) != 2 || own[0].Where[0] != (admin.Condition{Field: "owner", Is: "=", Value: "2"}) || len(s.wants()) > 14 {
		t.Fatalf("it asks for %+v", s.wants())
	}
	before := len(s.things())
	far := ship("ship", 2000, 0)
	far.Owner = 2
	s.update(answered{keyOf(own[0]), admin.Answer{Table: &admin.Table{Columns: shipTable(), Rows: []admin.Row{ship("ship", 1, 0), far}, Matched: 2}}, s.now})
	if n := len(s.things()); n != before+1 {
		t.Errorf("with the player's own rows, one of which was there already, %d things became %d", before, n)
	}
	s.keys("v")
	for _, r := range s.wants() {
		if r.Act == admin.ActSight {
			s.update(answered{keyOf(r), admin.Answer{Sight: make([]admin.Sight, admin.MaxSights)}, s.now})
		}
		if r.Act == admin.ActQuery {
			s.update(answered{keyOf(r), s.answer(r), s.now})
		}
	}
	s.wantSaid("of the first 2048 rows of ship alone is it known what the player has")
}

// TestOldAnswersAreMarked: what a page shows is new, or the screen says how old it is.
func TestOldAnswersAreMarked(t *testing.T) {
	s := newStage(t, 80, 24)
	s.keys("enter", "m", "v")
	if strings.Contains(s.view(), "s old") {
		t.Error("new answers are called old")
	}
	for range 12 {
		s.now = s.now.Add(time.Second)
		for _, r := range s.wants() {
			if r.Act != admin.ActSight {
				s.update(answered{keyOf(r), s.answer(r), s.now})
			}
		}
		s.update(ticked{s.now})
	}
	s.wantOn("! sight 12s old  ann, owner")
	s.update(refused{keyOf(s.wants()[3]), "its connection takes nothing"})
	s.wantOn("! its connection takes nothing")
	s.feed(1)
	if strings.Contains(s.view(), "12s old") || strings.Contains(s.view(), "takes nothing") {
		t.Error("after an answer it is still called old")
	}
}

// TestAnUndoSaysWhatItPutsBack, as long as the field holds the edit, and what is in the way when it does not.
func TestAnUndoSaysWhatItPutsBack(t *testing.T) {
	s := newStage(t, 80, 24)
	s.keys("E", "u")
	s.wantOn("! edit 2 is undone already, by edit 3")
	s.keys("down")
	s.update(pressed{"u", "u"})
	s.wantSaid(`undo edit 1 by ann: put "1" back into ship 2.1 Hull in lobby, which holds … (asked)?`)
	s.feed(1)
	s.wantSaid(`put "1" back into ship 2.1 Hull in lobby, which holds "2"?`)
	look := s.wants()[1]
	if look.Row != "2.1" || look.Room != "b1" || look.Table != "ship" {
		t.Errorf("it looks at %+v", look)
	}
	a := s.answer(look)
	a.Table.Rows[2].Values[4] = "3"
	s.update(answered{keyOf(look), a, s.now})
	s.wantSaid(`which holds "3" by now and not the edit's "2", so that the server will refuse?`)
	s.update(answered{keyOf(look), admin.Answer{Table: &admin.Table{Columns: shipTable()}}, s.now})
	s.wantSaid("which is gone by now")
	s.wantAct(s.keys("y"), admin.Request{Act: admin.ActUndo, Number: 1})
	if len(s.wants()) != 1 {
		t.Errorf("after the answer it goes on looking: %+v", s.wants())
	}
}

// TestAQuestionDoesNotOutliveItsConnection: the next server may count its edits from one again.
func TestAQuestionDoesNotOutliveItsConnection(t *testing.T) {
	s := newStage(t, 80, 24)
	s.keys("E", "down", "u")
	s.update(lost{"the server is stopping"})
	if s.asking != nil {
		t.Error("the question is still open")
	}
	s.wantSaid("nothing was done, ask again", "the server is stopping")
	s.keys("u") // while what the former server told is still on the screen
	s.update(linked{s.welcome})
	if got := s.update(pressed{"y", "y"}); len(got) != 0 {
		t.Errorf("after the way back y does %+v", got)
	}
	s.wantOn("asked …")
	for _, r := range s.wants() {
		a := s.answer(r)
		for i := range a.Edits {
			a.Edits[i].At = 17 // others, of the same numbers
		}
		s.update(answered{keyOf(r), a, s.now})
	}
	if s.update(pressed{"u", "u"}); s.asking != nil {
		t.Error("an edit is asked about that nobody has chosen")
	}
	s.wantOn("what was chosen is gone")
}

// TestFreezeFreezes also a room in slow motion, and says what is so before it is changed.
func TestFreezeFreezes(t *testing.T) {
	s := newStage(t, 80, 24)
	s.wantAct(s.keys("f", "y"), admin.Request{Act: admin.ActFreeze, Room: "b1"})
	s.keys("down", "f")
	s.wantSaid("freeze (b2), which goes at 1/4 of its pace?")
	s.wantAct(s.keys("y"), admin.Request{Act: admin.ActFreeze, Room: "b2"})
	s.keys("s", "ctrl+u", "1", "enter")
	s.wantSaid("have (b2) go on at its normal pace?")
	s.keys("esc", "down", "f")
	s.wantSaid("have court, which is frozen, go on at its normal pace?")
	s.wantAct(s.keys("y"), admin.Request{Act: admin.ActResume, Room: "b0"})
	s.keys("s", "enter")
	s.wantSaid("have court, which is frozen, go on with a tick in 4 periods?")
	s.wantAct(s.keys("y"), admin.Request{Act: admin.ActSlow, Room: "b0", Count: 4})
}

// TestPlayersAreJudgedByWhatIsNew: loss of an hour ago leaves no mark, and one of now does.
func TestPlayersAreJudgedByWhatIsNew(t *testing.T) {
	s := newStage(t, 120, 24)
	s.keys("enter")
	sent, lost := uint64(9000), uint64(4500)
	answer := func(seconds int, packets, gone uint64) row {
		for range seconds {
			s.now = s.now.Add(time.Second)
			sent, lost = sent+packets, lost+gone
			for _, r := range s.wants() {
				if a := s.answer(r); r.Act == admin.ActPlayers {
					a.Players = a.Players[:1]
					a.Players[0].Sent, a.Players[0].Lost, a.Players[0].Late, a.Players[0].Missing = sent, lost, 100, 100
					s.update(answered{keyOf(r), a, s.now})
				}
			}
		}
		return s.rows()[0]
	}
	if r := answer(1, 0, 0); r.mark || r.cells[3] != "-" || r.cells[6] != "-" {
		t.Errorf("at once it says %q, marked: %v", r.cells, r.mark)
	}
	if r := answer(3, 60, 0); r.mark || r.cells[3] != "0.0 %" || r.cells[6] != "0" || r.cells[7] != "0" {
		t.Errorf("after what is long over it says %q, marked: %v", r.cells, r.mark)
	}
	if r := answer(answersAgo, 60, 12); !r.mark || r.cells[3] != "20.0 %" {
		t.Errorf("of a fifth it says %q, marked: %v", r.cells, r.mark)
	}
	if r := answer(answersAgo, 60, 0); r.mark || r.cells[3] != "0.0 %" {
		t.Errorf("ten seconds later it says %q, marked: %v", r.cells, r.mark)
	}
	sent, lost = 0, 0 // the player has come back over another connection
	if r := answer(1, 10, 5); r.mark || r.cells[3] != "-" {
		t.Errorf("over a new connection it says %q, marked: %v", r.cells, r.mark)
	}
	if n := len(s.samples); n != 1 {
		t.Errorf("the figures of %d players are kept, want those of the one who is in", n)
	}
}

// TestAnswersAreCheckedBeforeTheYes, as far as a console can.
func TestAnswersAreCheckedBeforeTheYes(t *testing.T) {
	s := newStage(t, 120, 24)
	s.keys("B", "n")
	s.types("192.0.2.300")
	s.keys("enter")
	s.wantSaid("or a prefix, as in 192.0.2.0/24")
	s.keys("ctrl+u")
	s.types("2001:db8::/48")
	s.keys("enter")
	s.wantOn("for how many hours")
	s.keys("esc", "esc", "S")
	s.types(strings.Repeat("x", 300))
	s.keys("enter")
	s.wantSaid("it has 300 bytes, and at most 256 are taken")
}

// TestHelpFitsASmallScreen: no line of any page's is cut.
func TestHelpFitsASmallScreen(t *testing.T) {
	for k := roomsPage; k <= auditPage; k++ {
		s := newStage(t, 80, 24)
		s.pages = append(s.pages, page{kind: k, room: "b1"})
		for _, line := range s.helpLines() {
			if w := ansi.StringWidth(line); w > 80 {
				t.Errorf("page %d has a line of %d cells: %s", k, w, ansi.Strip(line))
			}
		}
	}
}

// TestColumnsTakeTheSpaceThatIsLeft, as far as their cells need it.
func TestColumnsTakeTheSpaceThatIsLeft(t *testing.T) {
	columns := []column{{title: "A", width: 5, most: 10}, {title: "B", width: 5}, {title: "C", width: 5, most: allThere}, {title: "D", width: 30, rank: 1}}
	long := strings.Repeat("本", 50)
	rows := []row{{cells: []string{long, long, long, long}}}
	for _, c := range []struct {
		width int
		want  string
	}{{19, "5 5 5"}, {22, "8 5 5"}, {40, "10 5 21"}, {50, "5 5 5 30"}, {60, "10 5 10 30"}} {
		kept := narrow(columns, c.width)
		var got []string
		for _, i := range kept {
			got = append(got, fmt.Sprint(spread(columns, rows, c.width)[i].width))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("in %d cells they are %v wide, want %s", c.width, got, c.want)
		}
	}
	if got := spread(columns, []row{{cells: []string{"1234567"}}}, 40); got[0].width != 7 || got[2].width != 5 {
		t.Errorf("columns without long cells are %+v", got)
	}
}
