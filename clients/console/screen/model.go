package screen

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// What a model is told. All of it comes from whoever runs it: the terminal or the feed.
type (
	// sized: the screen has another size, in cells.
	sized struct{ width, height int }
	// pressed: a key, by bubbletea's name, and what it writes, if anything; what is pasted comes as text alone.
	pressed struct{ key, text string }
	// linked: the console is in.
	linked struct{ welcome admin.Welcome }
	// lost: it is not, and why; the feed tries again by itself.
	lost struct{ why string }
	// answered: a subscription's newest answer, and when it came.
	answered struct {
		to     string
		answer admin.Answer
		at     time.Time
	}
	// refused: a subscription was not answered; the feed may try again by itself.
	refused struct{ to, why string }
	// ticked: what time it is, once a second.
	ticked struct{ at time.Time }
	// acted: what became of an act.
	acted struct {
		text   string
		failed bool
	}
)

// effect is what a model wants to be done: leave, or an act, whose data may go into a file.
type effect struct {
	quit bool
	ask  admin.Request
	file string
}

// kind is a kind of page.
type kind int

const (
	roomsPage kind = iota
	roomPage
	mapPage
	tablesPage
	rowsPage
	timelinePage
	editsPage
	bansPage
	reportPage
	auditPage
)

// page is where the operator is, with what was chosen on the way there.
type page struct {
	kind   kind
	room   string // its ID
	name   string // and how people call it
	player uint32
	table  string
	row    string
	list   list
	filter string
	where  []admin.Condition // of rowsPage: what filter says
	wide   int               // of rowsPage: so many columns are out of sight at the left
	zoom   int               // of mapPage: how many times the scale was doubled
	bytes  bool              // of roomPage: the chosen player's bytes stand in place of the parts
	eyes   bool              // of mapPage: through the player's eyes
	once   []admin.Request   // what was asked for when the page was opened
	bounds bounds            // of mapPage: what was seen so far
}

// model is all that the screen knows.
type model struct {
	width, height int
	in            bool
	trouble       string // why it is not in, or was lost
	welcome       admin.Welcome
	pages         []page // the last one is on the screen
	answers       map[string]answered
	refusals      map[string]string
	tracks        map[string]*track
	samples       map[string][]sample // of the players of the answer that came last
	clock         time.Time           // this machine's, as it was told last
	typing        bool                // the filter line is open
	asking        *asking
	help          bool
	helpFrom      int // the first of its lines on the screen
	notice        string
	bad           bool // the notice is of something that went wrong
}

func newModel() *model {
	return &model{
		width: 80, height: 24, trouble: "on the way in", pages: []page{{kind: roomsPage}},
		answers: map[string]answered{}, refusals: map[string]string{}, tracks: map[string]*track{},
	}
}

func (m *model) page() *page { return &m.pages[len(m.pages)-1] }

// keyOf tells requests apart.
func keyOf(r admin.Request) string { return fmt.Sprintf("%+v", r) }

// How often a page is told news, in milliseconds.
const (
	everyMS     = 1000
	mapEveryMS  = 500
	rowsAtMost  = 500
	ticksAtMost = 128 // as many as a room keeps
)

// staleAfter is how old the newest answer to what a page wants may be without a word about it.
const staleAfter = 5 * time.Second

// allRooms is what the page of rooms is told.
var allRooms = admin.Request{Act: admin.ActRooms, EveryMS: everyMS}

// wants is what the page on the screen has to be told, again and again. The first is what it can't do without.
func (m *model) wants() []admin.Request {
	p := m.page()
	out := m.wantsOf(p)
	if m.asking != nil && m.asking.look != nil {
		out = append(out, *m.asking.look)
	}
	for i := range out {
		if out[i].EveryMS == 0 {
			out[i].EveryMS = everyMS
		}
	}
	return out
}

func (m *model) wantsOf(p *page) []admin.Request {
	switch p.kind {
	case roomPage:
		return []admin.Request{{Act: admin.ActRoom, Room: p.room}, {Act: admin.ActPlayers, Room: p.room}, {Act: admin.ActHealth}}
	case tablesPage:
		return []admin.Request{{Act: admin.ActTables, Room: p.room}}
	case rowsPage:
		return []admin.Request{{Act: admin.ActQuery, Room: p.room, Table: p.table, Where: p.where, Count: rowsAtMost}}
	case editsPage:
		return []admin.Request{{Act: admin.ActEdits}}
	case bansPage:
		return []admin.Request{{Act: admin.ActBans}}
	case reportPage:
		return []admin.Request{{Act: admin.ActReport}}
	case auditPage: // who reads it is written down, so it is read once; health tells that the server is there
		return []admin.Request{{Act: admin.ActHealth}}
	case mapPage, timelinePage:
		return m.wantsOfRow(p)
	default:
		return []admin.Request{allRooms, {Act: admin.ActHealth}}
	}
}

// got is the newest answer to a kind of request of this page.
func (m *model) got(act admin.Act) (admin.Answer, bool) {
	for _, r := range slices.Concat(m.wants(), m.page().once) {
		if r.Act == act {
			a, ok := m.answers[keyOf(r)]
			return a.answer, ok
		}
	}
	return admin.Answer{}, false
}

// update changes the model by a message, and says what is to be done.
func (m *model) update(message any) []effect {
	switch msg := message.(type) {
	case sized:
		m.width, m.height = msg.width, msg.height
	case linked:
		if !m.in {
			m.begin()
		}
		m.in, m.trouble, m.welcome = true, "", msg.welcome
	case lost:
		m.in, m.trouble = false, msg.why
		m.giveUp()
	case ticked:
		m.clock = msg.at
	case answered:
		m.answers[msg.to] = msg
		delete(m.refusals, msg.to)
		if msg.at.After(m.clock) {
			m.clock = msg.at
		}
		m.track(msg, msg.to == keyOf(allRooms))
		m.remember(msg)
		m.followSomebody()
	case refused:
		m.refusals[msg.to] = msg.why
	case acted:
		m.notice, m.bad = msg.text, msg.failed
	case pressed:
		effects := m.press(msg)
		m.forget()
		return effects
	}
	return nil
}

// begin forgets what was told over the connection before: the server may be another one, whose edits have the same numbers.
// What is told once stays.
func (m *model) begin() {
	m.giveUp()
	once := map[string]bool{}
	for i := range m.pages {
		for _, r := range m.pages[i].once {
			once[keyOf(r)] = true
		}
	}
	maps.DeleteFunc(m.answers, func(key string, _ answered) bool { return !once[key] })
	clear(m.refusals)
}

// giveUp drops a question that is open: by the answer it may be about something else.
func (m *model) giveUp() {
	if m.asking != nil {
		m.asking, m.notice, m.bad = nil, "the connection was lost while this was asked: nothing was done, ask again", true
	}
}

// stale says what of the page is old, and how old; nothing when all is new.
func (m *model) stale() string {
	oldest, what := staleAfter, ""
	for _, r := range m.wants() {
		if a, told := m.answers[keyOf(r)]; told && m.clock.Sub(a.at) > oldest {
			oldest, what = m.clock.Sub(a.at), string(r.Act)
		}
	}
	if what == "" {
		return ""
	}
	return "! " + what + " " + console.Span(oldest) + " old"
}

// forget drops what no page on the way back wants: answers would pile up otherwise.
func (m *model) forget() {
	keep := map[string]bool{}
	for i := range m.pages {
		for _, r := range m.wantsOf(&m.pages[i]) {
			if r.EveryMS == 0 {
				r.EveryMS = everyMS
			}
			keep[keyOf(r)] = true
		}
		for _, r := range m.pages[i].once {
			keep[keyOf(r)] = true
		}
	}
	for key := range m.answers {
		if !keep[key] {
			delete(m.answers, key)
		}
	}
	for key := range m.refusals {
		if !keep[key] {
			delete(m.refusals, key)
		}
	}
}

// open goes to a page.
func (m *model) open(p page) { m.pages = append(m.pages, p) }

// back goes to where the operator came from.
func (m *model) back() {
	if len(m.pages) > 1 {
		m.pages = m.pages[:len(m.pages)-1]
	}
}

// press is what a key does: to a question, the filter line or the help if one is open, otherwise to the page.
func (m *model) press(k pressed) []effect {
	if k.key == "ctrl+c" {
		return []effect{{quit: true}}
	}
	switch {
	case m.asking != nil:
		return m.answerQuestion(k)
	case m.typing:
		m.typeFilter(k)
		return nil
	case m.help:
		m.helpFrom += m.bodyHeight()
		m.help = m.helpFrom < len(m.helpLines())
		return nil
	}
	m.notice = ""
	p := m.page()
	switch k.key {
	case "up", "down", "pgup", "pgdown", "home", "end":
		m.scroll(k.key)
		return nil
	case "esc", "backspace":
		if p.filter != "" {
			p.filter, p.where = "", nil
		} else {
			m.back()
		}
		return nil
	}
	for _, b := range m.keys() {
		if slices.Contains(b.keys, k.key) {
			return b.do(m)
		}
	}
	return nil
}

// scroll moves the choice in the page's list.
func (m *model) scroll(key string) {
	rows := m.rows()
	by := map[string]int{"up": -1, "down": 1, "pgup": -10, "pgdown": 10, "home": -len(rows), "end": len(rows)}[key]
	m.page().list.move(rows, by)
}

// typeFilter is a key in the filter line; the list follows at once, the rows of a table when the line is done.
func (m *model) typeFilter(k pressed) {
	p := m.page()
	switch k.key {
	case "enter":
		m.typing = !m.setConditions(p)
	case "esc":
		m.typing, m.notice, p.filter, p.where = false, "", "", nil
	default:
		m.notice, p.filter, p.list = "", edit(p.filter, k), list{} // the first that meets it is chosen
	}
}

// edit is a line after a key.
func edit(line string, k pressed) string {
	switch runes := []rune(line); {
	case k.key == "backspace" && len(runes) > 0:
		return string(runes[:len(runes)-1])
	case k.key == "ctrl+u":
		return ""
	case k.text != "" && len(line)+len(k.text) <= admin.MaxText:
		return line + clean(k.text)
	}
	return line
}
