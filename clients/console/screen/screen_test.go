package screen

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/quicstep/quicstep/protocol/admin"
)

var update = flag.Bool("update", false, "write the golden screens, and the pictures in docs, anew")

// noon is when the golden screens are of.
var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// stage is a model that is told what a server would tell it.
type stage struct {
	*model
	t   *testing.T
	now time.Time
}

func newStage(t *testing.T, width, height int) *stage {
	s := &stage{newModel(), t, noon}
	s.update(sized{width, height})
	s.update(linked{admin.Welcome{Name: "ann", Role: "owner", Games: []string{"arena"}, TickRate: 30}})
	s.feed(10)
	return s
}

// feed answers all that the page wants, once a second for some seconds.
func (s *stage) feed(seconds int) {
	for range seconds {
		s.now = s.now.Add(time.Second)
		for _, r := range s.wants() {
			s.update(answered{keyOf(r), s.answer(r), s.now})
		}
	}
}

// keys presses keys; one of several letters is a name, as in enter.
func (s *stage) keys(keys ...string) (out []effect) {
	for _, k := range keys {
		text := k
		if len([]rune(k)) > 1 {
			text = ""
		}
		out = append(out, s.update(pressed{k, text})...)
		s.feed(1)
	}
	return out
}

// types writes a text.
func (s *stage) types(text string) {
	for _, r := range text {
		s.update(pressed{string(r), string(r)})
	}
}

// answer is what the server says to a request, at the stage's time.
func (s *stage) answer(r admin.Request) (a admin.Answer) {
	n := uint64(s.now.Sub(noon) / time.Second)
	switch r.Act {
	case admin.ActHealth:
		a.Health = &admin.Health{
			OK: false, Wrong: []string{"room lobby: 3 % of its ticks take longer than they may"}, Started: noon.Add(-3 * time.Hour).UnixMilli(), At: s.now.UnixMilli(),
			PeriodUS: 33333, Rooms: 3, Players: 25, Held: 1, Conns: 27, Overruns: 7 + n, Bytes: n * 410_000, Datagrams: n * 750,
		}
	case admin.ActRooms:
		a.Rooms = []admin.Room{s.room(0, n), s.room(1, n), s.room(2, n)}
	case admin.ActRoom:
		room := s.room(1, n)
		for i := range uint64(128) {
			t := admin.Tick{Tick: 9000 + 30*n + i, Drain: 300 + int64(i%7)*40, Step: 4000 + int64(2000*math.Sin(float64(i)/9)), Publish: 900 + int64(i%11)*30}
			if i%50 == 37 {
				t.Step, t.Overran = 31000, true
			}
			room.Recent = append(room.Recent, t)
		}
		room.Parts = []admin.Part{{Name: "drain", Total: 3_000_000, Max: 900, Overruns: 0}, {Name: "inputs", Total: 9_000_000, Max: 2100, Overruns: 1}, {Name: "fly", Total: 22_000_000, Max: 4100, Overruns: 1}, {Name: "hits", Total: 30_000_000, Max: 29000, Overruns: 15}, {Name: "publish", Total: 10_000_000, Max: 1900, Overruns: 0}}
		a.Rooms = []admin.Room{room}
	case admin.ActPlayers:
		for i := range uint32(12) {
			a.Players = append(a.Players, admin.Player{
				Room: "b1", RoomName: "lobby", Player: i + 1, Addr: fmt.Sprintf("192.0.2.%d:4500%d", i+10, i%10), Joined: noon.Add(-time.Duration(i*97) * time.Second).UnixMilli(), Held: i == 4,
				RoundTrip: int64(9000 + 13000*i), Sent: 9000 + 60*n, Lost: uint64(i*i*9) + n*uint64(i*i/12), Datagrams: 8000 + 30*n, Bytes: uint64(900_000+40_000*i) + n*uint64(12_000+500*i),
				Age: int(1 + i/3), Margin: 6, Applied: 8000, Missing: uint64(i) + n*uint64(i/4), Late: uint64(i/2) + n*uint64(i/6), User: []string{"ann", ""}[i%2],
				Tables:     []admin.TableBytes{{Table: "rules", Bytes: 400}, {Table: "ship", Bytes: uint64(610_000+30_000*i) + 9_000*n}, {Table: "drone", Bytes: uint64(150_000+8_000*i) + 2_000*n}},
				EventBytes: 21_000,
			})
		}
		a.Players[6].Impaired = &admin.Impaired{DelayMS: 100, JitterMS: 20, Loss: 0.05, Until: noon.Add(time.Minute).Unix(), By: "ann"}
	case admin.ActTables:
		ship, drone := shipTable(), shipTable()
		a.Tables = []admin.Tables{{Name: "rules", Rows: 1, Fields: []admin.Column{{Name: "TickRate", Kind: "uint"}, {Name: "Side", Kind: "uint"}}}, {Name: "ship", Rows: 12, Fields: ship}, {Name: "drone", Rows: 40, Fields: drone[:5]}}
	case admin.ActQuery:
		a.Table = &admin.Table{Tick: 9000 + n, Columns: shipTable()}
		for i := range map[string]int{"ship": 12, "drone": 40}[r.Table] {
			a.Table.Rows = append(a.Table.Rows, ship(r.Table, i, n))
		}
		a.Table.Matched = len(a.Table.Rows)
	case admin.ActTimeline:
		a.Table = &admin.Table{Tick: 9000, Columns: shipTable()}
		for i := range 20 {
			row := ship("ship", 2, uint64(20-i))
			row.Tick = uint64(9000 - i)
			a.Table.Rows = append(a.Table.Rows, row)
		}
		a.Table.Rows = append(a.Table.Rows, admin.Row{Tick: 8980, ID: "2.1"})
	case admin.ActSight:
		for i := range map[string]int{"ship": 12, "drone": 40}[r.Table] {
			a.Sight = append(a.Sight, sight(i))
		}
	default:
		s.answerLists(r, &a)
	}
	return a
}

func (s *stage) answerLists(r admin.Request, a *admin.Answer) {
	switch r.Act {
	case admin.ActEdits:
		a.Edits = []admin.Edit{
			{Number: 1, Room: "b1", Table: "ship", Row: "2.1", Field: "Hull", By: "ann", Tick: 8800, Before: "1", After: "2"},
			{Number: 2, Room: "b1", Table: "ship", Row: "3.1", Field: "Name", By: "ben", Tick: 8900, Before: "\x1b[2Jrude", After: "Cleo", UndoneBy: 3},
		}
	case admin.ActBans:
		a.Bans = []admin.Ban{{Number: 1, Prefix: "192.0.2.7/32", Reason: "aimbot", By: "ann", Until: noon.Add(24 * time.Hour).Unix()}, {Number: 2, Prefix: "2001:db8::/64", By: "ben"}, {Number: 3, User: "rude one", By: "ben"}}
	case admin.ActReport:
		a.Report = []admin.Advice{{Room: "b1", RoomName: "lobby", Game: "arena", Do: "fix", Text: "hits takes the most in 15 of 17 overruns: make it cheaper"}}
	case admin.ActAudit:
		a.Audit = []string{
			`{"at":"2026-11-29T11:58:00Z","id":"1","who":"ann","act":"kick","on":{"player":"3","room":"lobby"},"state":"asked"}`,
			`{"at":"2026-11-29T11:58:00Z","id":"1","who":"ann","act":"kick","on":{"player":"3","room":"lobby"},"state":"done","result":"player 3 was sent away"}`,
		}
	}
}

func (s *stage) room(i int, n uint64) admin.Room {
	return admin.Room{
		ID: fmt.Sprintf("b%d", i), Game: []string{"pong", "arena", "arena"}[i], Name: []string{"court", "lobby", ""}[i], Private: i == 2, Opened: noon.Add(-time.Duration(i+1) * 50 * time.Minute).UnixMilli(),
		Tick: 9000 + 30*n, Every: []int{0, 1, 4}[i], Players: []int{2, 12, 11}[i], MaxPlayers: []int{2, 16, 16}[i], Entities: []int{4, 53, 47}[i],
		P50: []int64{90, 5200, 2100}[i], P99: []int64{210, 11000, 3900}[i] + int64(n%5)*int64(i)*1700, Max: []int64{800, 36200, 9000}[i], Made: 9000, Overruns: []uint64{0, 7 + n, 0}[i],
		Datagrams: n * uint64(60+300*i), Bytes: n * uint64(2000+160_000*i),
	}
}

func shipTable() []admin.Column {
	return []admin.Column{
		{Name: "X", Kind: "float", Axis: "x"}, {Name: "Y", Kind: "float", Axis: "y"}, {Name: "VX", Kind: "float"}, {Name: "VY", Kind: "float"}, {Name: "Hull", Kind: "uint"},
		{Name: "Aim", Kind: "float"}, {Name: "Wreck", Kind: "bool"}, {Name: "Kills", Kind: "uint"}, {Name: "Name", Kind: "text"},
	}
}

// ship is a row on a spiral.
func ship(table string, i int, n uint64) admin.Row {
	angle, far := float64(i)*0.7+float64(n)*0.02, 200+float64(i)*60
	owner := uint32(0)
	if table == "ship" {
		owner = uint32(i + 1)
	} else {
		far = 3000 - far
	}
	return admin.Row{ID: fmt.Sprintf("%d.1", i), Owner: owner, Values: []string{
		fmt.Sprintf("%.1f", 3000+far*math.Cos(angle)), fmt.Sprintf("%.1f", 3000+far*math.Sin(angle)), "-12.5", "3.04", fmt.Sprint(4 - i%3), "270", fmt.Sprint(i%5 == 4), fmt.Sprint(i),
		[]string{"Ada", "Ben 本", "Cleo", "\x1b[31mDan"}[i%4],
	}}
}

// sight is what player 1 was sent of a row.
func sight(i int) admin.Sight {
	s := admin.Sight{ID: fmt.Sprintf("%d.1", i), Reason: "acknowledged", Known: 8990, Text: "the client has it: it changed last at tick 8988, and the client is known to have it as of tick 8990"}
	switch {
	case i%9 == 7:
		s.Reason, s.Known, s.Text = "not_due", 8980, "it is 912.0 away, where the player sees 1200.0 far, so it is sent every 4 ticks: it was sent at tick 8985 and is due at tick 8989"
	case i%4 == 3:
		s.Reason, s.Known, s.Text = "out_of_sight", 0, "it is 2100.5 away at tick 8990, and the player sees 1200.0 far"
	}
	return s
}

// pages are how to come to each screen.
var pages = []struct {
	name string
	keys []string
}{
	{"rooms", nil},
	{"help", []string{"?"}},
	{"room", []string{"enter", "down"}},
	{"bytes", []string{"enter", "i", "down", "down", "down", "down", "down", "down"}},
	{"impair", []string{"enter", "down", "I", "enter", "enter", "enter", "enter"}},
	{"map", []string{"enter", "down", "m"}},
	{"eyes", []string{"enter", "m", "v", "+", "down"}},
	{"tables", []string{"enter", "t"}},
	{"rows", []string{"enter", "t", "down", "enter", "down", "down"}},
	{"timeline", []string{"enter", "t", "down", "enter", "down", "down", "enter"}},
	{"kick", []string{"enter", "down", "k", "b", "e", " ", "k", "i", "n", "d", "enter"}},
	{"edits", []string{"E"}},
	{"bans", []string{"B"}},
	{"report", []string{"R"}},
	{"audit", []string{"A"}},
}

// shot is a golden screen: what then does comes last, after all answers.
type shot struct {
	name string
	keys []string
	then func(*stage)
}

// shots are what is asked on the pages, and what they are like when all is not well.
var shots = []shot{
	{"ban", []string{"enter", "b", "enter", "enter", "a", "i", "m", "b", "o", "t", "enter"}, nil},
	{"ban-address", []string{"enter", "down", "b", "enter", "enter"}, nil},
	{"set", []string{"enter", "t", "down", "enter", "down", "s", "H", "u", "l", "l", "enter", "2", "enter"}, nil},
	{"filter", []string{"enter", "t", "down", "enter", "/", "H", "u", "l", "l", "<", "2"}, nil},
	{"undo", []string{"E", "down", "u"}, nil},
	{"cut", []string{"enter", "t", "down", "enter"}, func(s *stage) { s.cutQueries(1234) }},
	{"lost", []string{"enter"}, func(s *stage) { s.update(lost{"the server's admin door does not answer: 192.0.2.1:4434"}) }},
	{"stale", []string{"enter", "m", "v"}, func(s *stage) { s.update(ticked{s.now.Add(12 * time.Second)}) }},
	{"viewer", []string{"enter", "down"}, func(s *stage) { s.update(linked{admin.Welcome{Name: "vic", Role: "viewer", TickRate: 30}}) }},
}

// cutQueries has the server tell that more rows meet the page's queries than it tells of.
func (s *stage) cutQueries(matched int) {
	for _, r := range s.wants() {
		if a := s.answer(r); r.Act == admin.ActQuery && r.Where == nil {
			a.Table.Matched = matched
			s.update(answered{keyOf(r), a, s.now})
		}
	}
}

func TestGoldenScreens(t *testing.T) {
	all := slices.Clone(shots)
	for _, page := range pages {
		all = append(all, shot{page.name, page.keys, nil})
	}
	for _, size := range []struct{ width, height int }{{80, 24}, {200, 50}} {
		for _, page := range all {
			name := fmt.Sprintf("%s.%dx%d", page.name, size.width, size.height)
			t.Run(name, func(t *testing.T) {
				s := newStage(t, size.width, size.height)
				for _, e := range s.keys(page.keys...) {
					if e.ask.Act == admin.ActAudit {
						s.update(answered{keyOf(e.ask), s.answer(e.ask), s.now})
					}
				}
				s.feed(2)
				if page.then != nil {
					page.then(s)
				}
				drawn := s.view()
				lines := strings.Split(drawn, "\n")
				if len(lines) != size.height {
					t.Errorf("it has %d lines", len(lines))
				}
				for i, line := range lines {
					if w := ansi.StringWidth(line); w > size.width {
						t.Errorf("line %d is %d cells wide", i, w)
					}
					lines[i] = strings.TrimRight(ansi.Strip(line), " ")
				}
				wantGolden(t, filepath.Join("testdata", name+".txt"), strings.Join(lines, "\n")+"\n")
				if picture, ok := pictures[name]; ok {
					wantGolden(t, filepath.Join("../../../docs", picture), svg(drawn, size.width, size.height))
				}
			})
		}
	}
}

// pictures are the screens that README.md and docs show.
var pictures = map[string]string{"rooms.80x24": "console-rooms.svg", "room.200x50": "console-room.svg", "eyes.200x50": "console-eyes.svg"}

func wantGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is otherwise; go test -update writes it anew. Now it is:\n%s", path, got)
	}
}
