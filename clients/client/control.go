package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/plain"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// readControl takes the server's stream messages until the stream ends.
func (l *link) readControl() {
	for {
		message, err := readFrame(l.control)
		if _, rejected := protocol.RejectOf(err); rejected || errors.Is(err, ErrProtocol) {
			l.end(fmt.Errorf("%w: %v", ErrProtocol, err))
			return
		}
		if err != nil {
			return // the stream's end alone is not the connection's
		}
		kind, _ := protocol.KindOf(message)
		if kind == protocol.KindGoodbye {
			if bye, err := protocol.ParseGoodbye(message); err == nil {
				l.end(errorOf(bye.Code, bye.Reason))
				return
			}
		}
		switch kind {
		case protocol.KindDiverged:
			err = l.diverged(message)
		case protocol.KindPace:
			err = l.paced(message, time.Now())
		default:
			err = l.session.took(kind, message)
		}
		if err != nil {
			l.end(fmt.Errorf("%w: %v", ErrProtocol, err))
			return
		}
	}
}

// took takes a message from the server. One of a kind that is not known is passed over: a later version may say more.
func (s *Session) took(kind protocol.Kind, message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch kind {
	case protocol.KindAnswer:
		m, err := protocol.ParseAnswer(message)
		if err == nil {
			s.inbox.answer(m)
		}
		return err
	case protocol.KindMessage:
		m, err := protocol.ParseMessage(message)
		if err == nil && m.Kind < len(s.schema.Messages) {
			s.inbox.messages = keep(&s.inbox, s.inbox.messages, world.MessageRecord{Tick: m.Tick, Kind: m.Kind, Data: m.Data})
		}
		return err
	case protocol.KindChat:
		m, err := protocol.ParseChat(message)
		if err == nil {
			s.inbox.lines = keep(&s.inbox, s.inbox.lines, Line{From: world.Player(m.From), Scope: m.Scope, Text: m.Text})
		}
		return err
	case protocol.KindChecks:
		m, err := protocol.ParseChecks(message)
		if err == nil {
			s.checks = m
		}
		return err
	}
	return nil
}

// paced has the clock go as the room does.
func (l *link) paced(message []byte, now time.Time) error {
	m, err := protocol.ParsePace(message)
	if err != nil {
		return err
	}
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	l.timing.pace(m.Tick, m.Every, now)
	return nil
}

// maxDiverged is how many divergences a session remembers.
const maxDiverged = 16

// diverged remembers and logs that a row was not as the server's.
func (l *link) diverged(message []byte) error {
	m, err := protocol.ParseDiverged(message)
	if err != nil {
		return err
	}
	s := l.session
	s.mu.Lock()
	if len(s.wrong) < maxDiverged {
		s.wrong = append(s.wrong, m)
	}
	s.mu.Unlock()
	table := fmt.Sprint(m.Table)
	if m.Table < len(s.schema.Tables) {
		table = s.schema.Tables[m.Table].Name
	}
	s.cfg.Log.Error("the replica diverged from the server", "player", l.welcome.Player, "tick", m.Tick, "table", table,
		"row", m.Entity.String(), "field", m.Field, "server", m.Server, "client", m.Client)
	return nil
}

// writeTimeout bounds how long a message waits for a server that does not read.
const writeTimeout = 5 * time.Second

// write sends a message on the control stream.
func (l *link) write(message []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := l.control.Write(protocol.AppendFrame(nil, message)); err != nil {
		// Half a frame leaves the stream of no use.
		l.end(fmt.Errorf("%w: a message could not be sent: %v", ErrUnreachable, explain(err)))
		return l.err
	}
	return nil
}

// Line is a line of chat.
type Line struct {
	// From is who said it; zero is the server.
	From  world.Player
	Scope protocol.Scope
	Text  string
}

// Say says something to everybody in the room: 1 to protocol.MaxChat bytes, or it is an error. What may not be in a text
// is left out, as plain.Clean does. A line is not kept for another connection: while this one is lost it is an ErrUnreachable, and not
// said; a server that does not read is waited for, 5 s at most, and then it is, too.
func (s *Session) Say(text string) error { return s.say(protocol.Say{Text: text}) }

// SayTeam says something to the player's own team.
func (s *Session) SayTeam(text string) error {
	return s.say(protocol.Say{Scope: protocol.ScopeTeam, Text: text})
}

// Whisper says something to one player.
func (s *Session) Whisper(to world.Player, text string) error {
	return s.say(protocol.Say{Scope: protocol.ScopePlayer, Player: uint32(to), Text: text})
}

func (s *Session) say(m protocol.Say) error {
	if err := s.Err(); err != nil {
		return err
	}
	m.Text = plain.Clean(m.Text, 4*protocol.MaxChat) // what is too long then is refused, not cut
	message, err := protocol.AppendSay(nil, m)
	if err != nil {
		return err
	}
	return s.current().write(message)
}

// session makes whatever embeds a Session one that Ask takes.
func (s *Session) session() *Session { return s }

// Asker is a *Session or a *Client.
type Asker interface{ session() *Session }

// Ask asks the game something and waits for the answer. A refusal is an ErrDenied with the game's reason; a value outside
// its field's range is an error that names the field. When the connection is lost first and the session goes on over
// another one, it is asked again there, and the game acts once. When the session does not go on, nobody knows whether the
// game has acted: the error is why the connection was lost. What is asked while there is no connection waits, too. 64 requests
// may wait in all; one more is an ErrUnreachable, and the game is not asked.
func Ask[Q, A any](ctx context.Context, by Asker, request world.Request[Q, A], ask Q) (answer A, err error) {
	data, err := request.AppendAsk(nil, ask)
	if err != nil {
		return answer, err
	}
	data, err = by.session().askBytes(ctx, request.Kind(), data)
	if err != nil {
		return answer, err
	}
	return request.DecodeAnswer(data), nil
}

// askBytes asks and waits.
func (s *Session) askBytes(ctx context.Context, kind int, data []byte) ([]byte, error) {
	if err := s.Err(); err != nil {
		return nil, err
	}
	if kind >= len(s.schema.Requests) {
		return nil, fmt.Errorf("client: the request is not one of game %s", s.schema.Game)
	}
	s.mu.Lock()
	l := s.link
	w, number, err := s.inbox.open(kind, data)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inbox.close(number)
	}()
	l.write(w.message) // an error is the connection's end: then it is asked again over the next, or failed
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.ended:
		return nil, s.err
	case reply := <-w.got:
		return s.read(kind, reply)
	}
}

// read checks an answer against the schema.
func (s *Session) read(kind int, reply reply) ([]byte, error) {
	if reply.err != nil {
		return nil, reply.err
	}
	if reply.answer.Refusal != "" {
		return nil, fmt.Errorf("%w: %s", ErrDenied, reply.answer.Refusal)
	}
	t := s.schema.Requests[kind].Answer
	texts := make([]string, t.Texts)
	var words [schema.MaxColumns]uint32
	if _, err := t.ParseRow(reply.answer.Data, schema.Own, t.FullMask(schema.Own), words[:], texts); err != nil {
		return nil, fmt.Errorf("%w: the answer to %s: %v", ErrProtocol, t.Name, err)
	}
	return reply.answer.Data, nil
}
