package screen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// What operators do from the screen: each asks for what it needs, says what it will do, and wants a yes.

// chosenRow is the row of the list that is chosen; ok is false in an empty one, and when the row is gone.
func (m *model) chosenRow() (r row, ok bool) {
	rows := m.rows()
	at := m.page().list.choose(rows)
	switch {
	case at >= 0:
		return rows[at], true
	case len(rows) > 0:
		m.notice, m.bad = "what was chosen is gone: choose again", true
	default:
		m.notice, m.bad = "nothing is chosen", true
	}
	return r, false
}

// room is the room that is open or chosen.
func (m *model) room() (id, name string, ok bool) {
	p := m.page()
	if p.room != "" {
		return p.room, p.name, true
	}
	r, ok := m.chosenRow()
	if !ok {
		return "", "", false
	}
	return r.key, r.cells[0], true
}

// every is the pace of a room, 1 when it is not known.
func (m *model) every(id string) int {
	for _, act := range []admin.Act{admin.ActRoom, admin.ActRooms} {
		a, _ := m.got(act)
		for i := range a.Rooms {
			if a.Rooms[i].ID == id {
				return a.Rooms[i].Every
			}
		}
	}
	return 1
}

func askFreeze(m *model) []effect {
	id, name, ok := m.room()
	if !ok {
		return nil
	}
	freeze := admin.Request{Act: admin.ActFreeze, Room: id}
	switch every := m.every(id); every {
	case 0:
		return m.confirm(admin.Request{Act: admin.ActResume, Room: id}, "have "+name+", which is frozen, go on at its normal pace")
	case 1:
		return m.confirm(freeze, "freeze "+name)
	default:
		return m.confirm(freeze, fmt.Sprintf("freeze %s, which goes at %s of its pace", name, console.Pace(every)))
	}
}

func askStep(m *model) []effect {
	id, name, ok := m.room()
	if !ok {
		return nil
	}
	return m.ask(func(v []string) (effect, string) {
		return effect{ask: admin.Request{Act: admin.ActStep, Room: id, Count: numberOf(v[0])}}, fmt.Sprintf("step %s by %s", name, v[0])
	}, question{"how many ticks", "1", number(1, admin.MaxCount)})
}

func askSlow(m *model) []effect {
	id, name, ok := m.room()
	if !ok {
		return nil
	}
	every := m.every(id)
	return m.ask(func(v []string) (effect, string) {
		says := fmt.Sprintf("have a tick of %s take %s periods", name, v[0])
		switch {
		case every == 0:
			says = fmt.Sprintf("have %s, which is frozen, go on with a tick in %s periods", name, v[0])
		case v[0] == "1":
			says = fmt.Sprintf("have %s go on at its normal pace", name)
		}
		return effect{ask: admin.Request{Act: admin.ActSlow, Room: id, Count: numberOf(v[0])}}, says
	}, question{"how many periods a tick is to take, 1 for the normal pace", "4", number(1, 64)})
}

func askSay(m *model) []effect {
	id, name, ok := m.room()
	if !ok {
		return nil
	}
	return m.ask(func(v []string) (effect, string) {
		return effect{ask: admin.Request{Act: admin.ActSay, Room: id, Text: v[0]}}, fmt.Sprintf("tell everybody in %s %q", name, v[0])
	}, question{"a line for " + name, "", upTo(admin.MaxSay, needed)})
}

func askSayAll(m *model) []effect {
	return m.ask(func(v []string) (effect, string) {
		return effect{ask: admin.Request{Act: admin.ActSay, All: true, Text: v[0]}}, fmt.Sprintf("tell everybody in every room %q", v[0])
	}, question{"a line for everybody", "", upTo(admin.MaxSay, needed)})
}

func askClose(m *model) []effect {
	id, name, ok := m.room()
	if !ok {
		return nil
	}
	return m.ask(func(v []string) (effect, string) {
		return effect{ask: admin.Request{Act: admin.ActClose, Room: id, Text: v[0]}}, fmt.Sprintf("close %s for good%s", name, quoted(v[0]))
	}, question{"what the players of " + name + " are told, or nothing", "", upTo(admin.MaxCloseReason, nil)})
}

// player is the player that is chosen, or followed.
func (m *model) player() (number uint32, ok bool) {
	if p := m.page(); p.kind == mapPage {
		return p.player, p.player != 0
	}
	r, ok := m.chosenRow()
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(r.key, 10, 32)
	return uint32(n), err == nil
}

func askKick(m *model) []effect {
	player, ok := m.player()
	if !ok {
		return nil
	}
	p := m.page()
	id, name := p.room, p.name
	return m.ask(func(v []string) (effect, string) {
		return effect{ask: admin.Request{Act: admin.ActKick, Room: id, Player: player, Text: v[0]}}, fmt.Sprintf("kick player %d of %s%s", player, name, quoted(v[0]))
	}, question{fmt.Sprintf("what player %d is told, or nothing", player), "", upTo(admin.MaxKickReason, nil)})
}

// askImpair asks how much worse a player's link is to be, or, when it is worse already, whether it is to be as it was.
func askImpair(m *model) []effect {
	player, ok := m.player()
	if !ok {
		return nil
	}
	id := m.page().room
	for _, p := range m.playersOf() {
		if p.Player == player && p.Impaired != nil {
			return m.confirm(admin.Request{Act: admin.ActImpair, Room: id, Player: player}, fmt.Sprintf("have the link of player %d as it was", player))
		}
	}
	return m.ask(func(v []string) (effect, string) {
		return effect{ask: admin.Request{
				Act: admin.ActImpair, Room: id, Player: player, DelayMS: numberOf(v[0]), JitterMS: numberOf(v[1]), LossPerMille: 10 * numberOf(v[2]), Seconds: numberOf(v[3]),
			}},
			fmt.Sprintf("impair player %d by +%s ms ±%s and %s %% loss for %s s", player, v[0], v[1], v[2], v[3])
	}, question{"how many ms more round trip", "100", number(0, admin.MaxImpairMS)}, question{"by how many ms it varies", "20", number(0, admin.MaxImpairMS)},
		question{"how many per cent of datagrams are lost", "5", number(0, 100)}, question{"for how many seconds", "60", number(1, admin.MaxImpairSeconds)})
}

func askWhisper(m *model) []effect {
	player, ok := m.player()
	if !ok {
		return nil
	}
	id := m.page().room
	return m.ask(func(v []string) (effect, string) {
		return effect{ask: admin.Request{Act: admin.ActSay, Room: id, Player: player, Text: v[0]}}, fmt.Sprintf("tell player %d %q", player, v[0])
	}, question{fmt.Sprintf("a line for player %d", player), "", upTo(admin.MaxSay, needed)})
}

func askDrain(m *model) []effect {
	if a, _ := m.got(admin.ActHealth); a.Health != nil && a.Health.Draining {
		return m.confirm(admin.Request{Act: admin.ActUndrain}, "let newcomers in again")
	}
	return m.confirm(admin.Request{Act: admin.ActDrain}, "let nobody new in from now on")
}

func askLevel(m *model) []effect {
	return m.ask(func(v []string) (effect, string) {
		return effect{ask: admin.Request{Act: admin.ActLogLevel, Text: v[0]}}, "have the server log from " + v[0] + " on"
	}, question{"log level", "info", oneOf("debug", "info", "warn", "error")})
}

func oneOf(all ...string) func(string) string {
	return func(text string) string {
		if slices.Contains(all, text) {
			return ""
		}
		return "one of " + strings.Join(all, ", ")
	}
}

func askProfile(m *model) []effect {
	return m.ask(func(v []string) (effect, string) {
		return effect{ask: admin.Request{Act: admin.ActProfile, Seconds: numberOf(v[1]), Text: v[0]}, file: v[2]},
			fmt.Sprintf("take a %s profile of %s s into %s", v[0], v[1], v[2])
	}, question{"cpu or trace", "cpu", oneOf("cpu", "trace")}, question{"for how many seconds", "5", number(1, admin.MaxProfileSeconds)},
		question{"file, which must not be there yet", "quicstep.pprof", needed})
}

// askSet asks for a field and a value that the field can have, as far as its kind tells.
func askSet(m *model) []effect {
	r, ok := m.chosenRow()
	a, told := m.got(admin.ActQuery)
	if !ok || !told || a.Table == nil {
		return nil
	}
	p, columns := m.page(), a.Table.Columns
	id, table := p.room, p.table
	asks := []question{{label: "field"}, {label: "its new value"}}
	asks[0].check = func(text string) string {
		if fieldOf(columns, text) < 0 {
			return "there is none of this name"
		}
		return ""
	}
	m.ask(func(v []string) (effect, string) {
		was := ""
		if at := fieldOf(columns, v[0]); at >= 0 && at+fixedCells < len(r.cells) {
			was = r.cells[at+fixedCells]
		}
		return effect{ask: admin.Request{Act: admin.ActSet, Room: id, Table: table, Row: r.key, Field: v[0], Value: v[1]}},
			fmt.Sprintf("set %s %s %s from %s to %s", table, r.key, v[0], was, v[1])
	}, asks...)
	asking := m.asking
	asking.questions[1].check = func(text string) string {
		return wrongFor(columns[fieldOf(columns, asking.questions[0].value)].Kind, text)
	}
	return nil
}

func fieldOf(columns []admin.Column, name string) int {
	return slices.IndexFunc(columns, func(c admin.Column) bool { return c.Name == name })
}

// wrongFor says why a kind of field can't hold a text; the server knows the field's range, too.
func wrongFor(kind, text string) string {
	var err error
	switch kind {
	case "bool":
		if text != "true" && text != "false" {
			return "true or false"
		}
	case "int":
		_, err = strconv.ParseInt(text, 10, 64)
	case "uint":
		_, err = strconv.ParseUint(text, 10, 64)
	case "float":
		_, err = strconv.ParseFloat(text, 64)
	}
	if err != nil {
		return "it is " + kind
	}
	return ""
}

// setConditions makes conditions of the filter line of a table. It returns false when it can't be read.
func (m *model) setConditions(p *page) bool {
	if p.kind != rowsPage {
		return true
	}
	where, err := console.ParseConditions(strings.Fields(p.filter))
	if err != nil {
		m.notice, m.bad = err.Error(), true
		return false
	}
	p.where = where
	return true
}
