package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// maxQuestions bounds the questions that wait for a session's next pass; whoever asks one more waits for a place.
const maxQuestions = 4

// question is one that a session's next pass is to answer: about some rows of a table.
type question struct {
	table   int
	indexes []uint32
	answer  chan []replicate.Why // holds one
}

// MaxSights bounds the rows of one Server.Sights.
const MaxSights = 2048

// Errors of Server.Why; more say what was asked for.
var (
	ErrNoRoom   = errors.New("there is no such room")
	ErrNoPlayer = errors.New("there is no such player in the room")
	ErrNoTable  = errors.New("the game has no such table")
)

// Why tells why a player was not sent a row of a table by the latest pass. The room is named as in RoomStats, by Name or
// ID, a private one by ID; empty stands for the only one. Of the row's ID the index counts, and the generation unless it
// is zero. It is answered before the player's next pass: Why waits for that, until ctx ends. The error wraps ErrNoRoom,
// ErrNoPlayer, ErrNoTable or ctx's. Any goroutine may call it.
func (s *Server) Why(ctx context.Context, room string, player world.Player, table string, id world.ID) (replicate.Why, error) {
	sess, number, err := s.watched(room, player, table)
	if err != nil {
		return replicate.Why{}, err
	}
	answers, err := sess.ask(ctx, question{table: number, indexes: []uint32{id.Index()}, answer: make(chan []replicate.Why, 1)})
	if err != nil {
		return replicate.Why{}, err
	}
	why := answers[0]
	if id.Generation() != 0 && why.ID.Generation() != id.Generation() {
		why = replicate.Why{Reason: replicate.NoRow, Tick: why.Tick, Pass: why.Pass, Table: number, ID: id}
	}
	return why, nil
}

// Sights is Why of every row of a table, the first MaxSights of them. All are as of the same pass.
func (s *Server) Sights(ctx context.Context, room string, player world.Player, table string) ([]replicate.Why, error) {
	sess, number, err := s.watched(room, player, table)
	if err != nil {
		return nil, err
	}
	var indexes []uint32
	for row := range sess.room.view.Load().Rows(number) {
		if len(indexes) == MaxSights {
			break
		}
		indexes = append(indexes, row.ID.Index())
	}
	return sess.ask(ctx, question{table: number, indexes: indexes, answer: make(chan []replicate.Why, 1)})
}

// watched finds a player of a room, and the number of a table there.
func (s *Server) watched(room string, player world.Player, table string) (*session, int, error) {
	row, err := s.directory.named(room)
	if err != nil {
		return nil, 0, err
	}
	number := row.room.game.table(table)
	if number < 0 {
		return nil, 0, fmt.Errorf("%w %q: %s has others", ErrNoTable, table, row.game)
	}
	sess := s.directory.session(row.id, player)
	if sess == nil {
		return nil, 0, fmt.Errorf("%w: %d", ErrNoPlayer, player)
	}
	return sess, number, nil
}

// ask leaves a question to the session's next pass and waits for the answer.
func (s *session) ask(ctx context.Context, q question) (why []replicate.Why, err error) {
	select {
	case s.questions <- q:
		s.asked.Store(true)
		select {
		case why = <-q.answer:
			return why, nil
		case <-ctx.Done():
		case <-s.over:
		}
	case <-ctx.Done():
	case <-s.over:
	}
	if ctx.Err() != nil {
		return why, fmt.Errorf("ask why player %d was not sent a row: its connection takes nothing, or the room stands still: %w", s.player, ctx.Err())
	}
	return why, fmt.Errorf("%w any more: %d", ErrNoPlayer, s.player)
}

// answerQuestions answers what waits. Whoever has the session's turn calls it, between passes. The channel is left alone
// while nobody has asked: to look into it would cost each pass a cache miss.
func (s *session) answerQuestions() {
	if !s.asked.Load() || !s.asked.Swap(false) {
		return
	}
	for range maxQuestions {
		select {
		case q := <-s.questions:
			view, out := s.room.view.Load(), make([]replicate.Why, len(q.indexes))
			for i, index := range q.indexes {
				out[i] = s.replicate.Why(view, q.table, index)
			}
			q.answer <- out
		default:
			return
		}
	}
}

// table is the number of a table; -1 when the game has none of that name.
func (g *game) table(name string) int {
	for i, t := range g.schema.Tables {
		if t.Name == name {
			return i
		}
	}
	return -1
}

// named finds a room by its name, or by its ID in hexadecimal; empty stands for the only one.
func (d *directory) named(name string) (found *roomRow, err error) {
	for _, row := range find[roomRow](d, roomRows, byID, nil) {
		if name != "" && fmt.Sprintf("%x", row.id) != name && (row.private || row.name != name) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%w as %q alone: name one by its ID", ErrNoRoom, name)
		}
		found = row
	}
	if found == nil {
		return nil, fmt.Errorf("%w: %q", ErrNoRoom, name)
	}
	return found, nil
}

// session finds a player of a room; nil when it is not there.
func (d *directory) session(room [16]byte, player world.Player) *session {
	for _, row := range find[sessionRow](d, sessionRows, byRoom, room[:]) {
		if row.player == player {
			return row.session
		}
	}
	return nil
}
