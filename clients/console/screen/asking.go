package screen

import (
	"fmt"
	"strconv"

	"github.com/quicstep/quicstep/protocol/admin"
)

// question is one thing that an act needs to know. check says what is wrong with an answer; nil takes anything.
type question struct {
	label, value string
	check        func(string) string
}

// asking is an act that is being asked for: its questions, one after the other, and then whether it is meant.
type asking struct {
	questions []question
	at        int // past the last one: it is to be confirmed
	wrong     string
	// act makes the request of the answers, and says in words what it will do.
	act func(values []string) (ask effect, says string)
	// look is what has to be known to say so; nil when nothing has.
	look *admin.Request
}

func (a *asking) values() []string {
	out := make([]string, len(a.questions))
	for i, q := range a.questions {
		out[i] = q.value
	}
	return out
}

// answerQuestion is a key while something is asked.
func (m *model) answerQuestion(k pressed) []effect {
	a := m.asking
	if k.key == "esc" {
		m.asking, m.notice, m.bad = nil, "nothing was done", false
		return nil
	}
	if a.at < len(a.questions) {
		a.typeAnswer(k)
		return nil
	}
	m.asking = nil
	if k.key != "y" {
		m.notice, m.bad = "nothing was done", false
		return nil
	}
	ask, _ := a.act(a.values())
	m.notice, m.bad = "asked …", false
	return []effect{ask}
}

func (a *asking) typeAnswer(k pressed) {
	q := &a.questions[a.at]
	if k.key != "enter" {
		q.value, a.wrong = edit(q.value, k), ""
		return
	}
	if q.check != nil {
		if a.wrong = q.check(q.value); a.wrong != "" {
			return
		}
	}
	a.at++
}

// typedMost is how much of an answer is seen while it is typed: its end.
const typedMost = 120

// line is what the screen says of it, and hint what the keys do.
func (a *asking) line() (line, hint string) {
	if a.at < len(a.questions) {
		q := a.questions[a.at]
		value := []rune(q.value)
		if n := len(value) - typedMost; n > 0 {
			value = append([]rune("…"), value[n:]...)
		}
		line = q.label + ": " + string(value) + "█"
		if a.wrong != "" {
			line += "   " + a.wrong
		}
		return line, "enter goes on  esc gives it up"
	}
	_, says := a.act(a.values())
	return says + "?", "y yes, do it  any other key no"
}

// number checks a number's range.
func number(from, to uint64) func(string) string {
	return func(text string) string {
		if n, err := strconv.ParseUint(text, 10, 64); err != nil || n < from || n > to {
			return fmt.Sprintf("%d to %d", from, to)
		}
		return ""
	}
}

// numberOf is a number that number has checked.
func numberOf(text string) uint64 {
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}

// needed wants some text.
func needed(text string) string {
	if text == "" {
		return "say something"
	}
	return ""
}

// upTo wants a text of at most so many bytes, and then what the next check wants, if there is one.
func upTo(most int, next func(string) string) func(string) string {
	return func(text string) string {
		if n := len(text); n > most {
			return fmt.Sprintf("it has %d bytes, and at most %d are taken", n, most)
		}
		if next == nil {
			return ""
		}
		return next(text)
	}
}

// ask begins to ask for an act.
func (m *model) ask(act func([]string) (effect, string), questions ...question) []effect {
	m.asking = &asking{questions: questions, act: act}
	return nil
}

// confirm asks whether an act without questions is meant.
func (m *model) confirm(r admin.Request, says string) []effect {
	return m.ask(func([]string) (effect, string) { return effect{ask: r}, says })
}

// quoted is a reason in a sentence.
func quoted(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(", saying %q", text)
}
