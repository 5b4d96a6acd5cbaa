package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/world"
)

// What players and the game say to each other on the control stream, beside the state.

// asked is a request on its way into a tick.
type asked struct {
	session *session
	number  uint32
	kind    int
	data    []byte
}

// spoken is a line of chat that has passed moderation.
type spoken struct {
	session *session
	scope   protocol.Scope
	to      world.Player
	text    string
}

const (
	// maxLines bounds the lines of chat that wait in a room; further ones are dropped and counted.
	maxLines = 1024
	// linesPerTick is how many of them a tick hands out, each to as many as a thousand players; the others wait for the next.
	linesPerTick = 16
)

// takeRequest hands a request to the room; the error is a *protocol.RejectError. While too many answers wait for a client
// that does not read them, it waits too: answers must not be dropped, and must not pile up.
func (s *session) takeRequest(ctx context.Context, message []byte, now time.Time) error {
	m, err := protocol.ParseRequest(message)
	if err != nil {
		return err
	}
	s.outbox.space(ctx)
	requests := s.game.schema.Requests
	if m.Kind >= len(requests) {
		return &protocol.RejectError{Reject: protocol.BadValue, Detail: fmt.Sprintf("request %d is unknown: the game has %d", m.Kind, len(requests))}
	}
	if err := requests[m.Kind].Ask.CheckRow(m.Data); err != nil {
		return &protocol.RejectError{Reject: protocol.BadValue, Detail: fmt.Sprintf("a request of kind %d: %v", m.Kind, err)}
	}
	most, refusal := s.server.cfg.Limits.OpenRequests, ""
	switch {
	case !s.may(limitRequests, 1, now):
		refusal = fmt.Sprintf("you ask too much, %v: ask again later", &s.server.rules[limitRequests])
	case int(s.openRequests.Load()) >= most:
		refusal = fmt.Sprintf("more than %d requests wait for their answer: ask again later", most)
	}
	switch what, answer := s.answers.take(m.Number, refusal != ""); what {
	case askAgain:
		s.counters.requestsRepeated.Add(1)
		s.outbox.put(answer, true)
		return nil
	case askWaits:
		s.counters.requestsRepeated.Add(1)
		return nil
	case askTooMany:
		s.counters.requests.Add(1)
		s.openRequests.Add(1) // until it is answered, at once
		s.answerRequest(world.Answer{Number: m.Number, Refusal: refusal})
		return nil
	case askStale:
		s.counters.requestsRepeated.Add(1)
		message, err := protocol.AppendAnswer(nil, protocol.Answer{Number: m.Number, Refusal: tooOld})
		if err == nil {
			s.outbox.put(message, true)
		}
		return err
	}
	s.counters.requests.Add(1)
	s.openRequests.Add(1)
	r := s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doors.asks = append(r.doors.asks, asked{session: s, number: m.Number, kind: m.Kind, data: m.Data})
	return nil
}

// answerRequest sends the answer to a request. As many wait as there are open ones.
func (s *session) answerRequest(a world.Answer) {
	s.openRequests.Add(-1)
	if a.Refusal != "" {
		s.counters.requestsRefused.Add(1)
	}
	message, err := protocol.AppendAnswer(nil, protocol.Answer{Number: a.Number, Data: a.Data, Refusal: a.Refusal})
	if err == nil {
		s.answers.keep(a.Number, message)
		s.outbox.put(message, true)
	}
}

// takeLine passes a line of chat on to the room, once it was moderated; the error is a *protocol.RejectError.
func (s *session) takeLine(ctx context.Context, message []byte, now time.Time) error {
	m, err := protocol.ParseSay(message)
	if err != nil {
		return err
	}
	if over := s.tooMuch(m, now); over != "" {
		s.counters.chatLimited.Add(1)
		s.tell(over)
		return nil
	}
	text, err := s.moderate(ctx, m)
	if err != nil {
		s.counters.chatRefused.Add(1)
		s.may(limitRefused, 1, now)
		s.tell(err.Error())
		return nil
	}
	r := s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.doors.lines) >= maxLines {
		s.counters.messagesDropped.Add(1)
		return nil
	}
	s.counters.chatLines.Add(1)
	r.doors.lines = append(r.doors.lines, spoken{session: s, scope: m.Scope, to: world.Player(m.Player), text: text})
	return nil
}

// tooMuch is what a speaker is told who says too much; empty for who does not.
func (s *session) tooMuch(m protocol.Say, now time.Time) string {
	again := m == s.said
	s.said = m
	if !s.may(limitChat, 1, now) {
		return fmt.Sprintf("you say too much: at most %d lines a minute", s.server.cfg.Limits.ChatPerMinute)
	}
	if again && !s.may(limitRepeats, 1, now) {
		return "you have said this already"
	}
	return ""
}

// errNotSaid is what a speaker is told whose line moderation has left nothing of, or has failed on.
var errNotSaid = errors.New("this was not passed on")

// moderate asks Config.Moderate about a line. A panic in it costs the line.
func (s *session) moderate(ctx context.Context, m protocol.Say) (text string, err error) {
	ask := s.server.cfg.Moderate
	if ask == nil {
		return m.Text, nil
	}
	defer s.server.panics.Catch("moderate", func() { text, err = "", errNotSaid })
	text, err = ask(ctx, Line{
		Game: s.game.schema.Game, Room: s.room.name, From: s.player, Scope: m.Scope, To: world.Player(m.Player), Text: m.Text,
	})
	if err == nil && text == "" {
		err = errNotSaid
	}
	return text, err
}

// tell is a line from the server itself to one player.
func (s *session) tell(text string) {
	s.post(protocol.AppendChat(nil, protocol.Chat{Scope: protocol.ScopePlayer, Text: text}))
}

// post sends a message that may be dropped when the client does not read.
func (s *session) post(message []byte, err error) {
	if err == nil && !s.outbox.put(message, false) {
		s.counters.messagesDropped.Add(1)
	}
}

// deliver hands a tick's answers, messages and lines of chat to the sessions that they are for.
func (r *room) deliver(changes world.ChangeSet, view *world.View) {
	for _, a := range changes.Answers {
		if at, ok := r.find(a.Player); ok {
			r.sessions[at].answerRequest(a)
		}
	}
	for _, m := range changes.Messages {
		message, err := protocol.AppendMessage(nil, protocol.Message{Tick: view.Tick, Kind: m.Kind, Data: m.Data})
		r.spread(view, m.To, message, err)
	}
	r.chat(view)
}

// chat hands lines of chat to the sessions that they are for.
func (r *room) chat(view *world.View) {
	for _, l := range r.lines {
		to := world.Recipients{}
		switch l.scope {
		case protocol.ScopePlayer:
			to = world.ToPlayer(l.to)
		case protocol.ScopeTeam:
			to = world.ToPlayer(l.session.player) // without a team, one speaks to oneself
			if seat, ok := view.Seat(l.session.player); ok && seat.Team != 0 {
				to = world.ToTeam(seat.Team)
			}
		}
		message, err := protocol.AppendChat(nil, protocol.Chat{From: uint32(l.session.player), Scope: l.scope, Text: l.text})
		r.spread(view, to, message, err)
		if l.scope == protocol.ScopePlayer && l.to != l.session.player {
			l.session.post(message, err) // the speaker sees what was said
		}
	}
	r.lines = nil
}

// spread posts a message to those whom it is for.
func (r *room) spread(view *world.View, to world.Recipients, message []byte, err error) {
	for _, s := range r.sessions {
		if seat, ok := view.Seat(s.player); ok && to.Has(seat) {
			s.post(message, err)
		}
	}
}
