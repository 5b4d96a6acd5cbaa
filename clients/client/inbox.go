package client

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/world"
)

// maxKept bounds the events, the messages and the lines of chat that wait to be taken, each; when it is full the oldest
// is dropped and counted.
const maxKept = 256

// maxWaiting bounds the requests that wait for their answers, also while there is no connection: one more is refused.
const maxWaiting = 64

// inbox is what came beside the state. It is guarded by the session's mu.
type inbox struct {
	events   []world.EventRecord
	messages []world.MessageRecord
	lines    []Line
	dropped  uint64

	asked   uint32             // the number of the latest request
	waiting map[uint32]waiting // requests that wait for their answer
}

// waiting is a request that waits for its answer.
type waiting struct {
	message []byte // as it was sent
	got     chan reply
}

// reply is an answer, or why none will come.
type reply struct {
	answer protocol.Answer
	err    error
}

// keep appends to one of the inbox's lists.
func keep[T any](b *inbox, list []T, one T) []T {
	if len(list) == maxKept {
		list = slices.Delete(list, 0, 1)
		b.dropped++
	}
	return append(list, one)
}

// open gives a request its number, and returns it as a message, and what its answer comes on.
func (b *inbox) open(kind int, data []byte) (w waiting, number uint32, err error) {
	if len(b.waiting) >= maxWaiting {
		return w, 0, fmt.Errorf("%w: %d requests wait for their answers already: ask again later", ErrUnreachable, maxWaiting)
	}
	number = b.asked + 1
	w.message, err = protocol.AppendRequest(nil, protocol.Request{Number: number, Kind: kind, Data: data})
	if err != nil {
		return w, 0, err
	}
	if b.waiting == nil {
		b.waiting = make(map[uint32]waiting)
	}
	w.got = make(chan reply, 1)
	b.asked, b.waiting[number] = number, w
	return w, number, nil
}

// again returns the requests that wait, in the order in which they were asked, to be asked again.
func (b *inbox) again() (messages [][]byte) {
	for _, number := range slices.Sorted(maps.Keys(b.waiting)) {
		messages = append(messages, b.waiting[number].message)
	}
	return messages
}

// close forgets a request.
func (b *inbox) close(number uint32) { delete(b.waiting, number) }

// answer hands an answer to whoever waits for it; nobody may.
func (b *inbox) answer(a protocol.Answer) {
	if w, waits := b.waiting[a.Number]; waits {
		delete(b.waiting, a.Number)
		w.got <- reply{answer: a} // it holds one, and gets one
	}
}

// fail tells everybody who waits that no answer will come.
func (b *inbox) fail(err error) {
	for number, w := range b.waiting {
		delete(b.waiting, number)
		w.got <- reply{err: err}
	}
}

// Events returns the events that came since the last call, in the order in which they were fired; a game's Event.In
// picks those of one kind. With Config.Interpolate, those that have a position wait until Draw shows their tick. 256 wait,
// then the oldest goes.
func (s *Session) Events() []world.EventRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.inbox.events
	s.inbox.events = nil
	if s.link.screen == nil {
		return all
	}
	s.link.screen.advance(s.link.timing.clock.played(time.Now()))
	var due []world.EventRecord
	for _, e := range all {
		if s.link.due(e) {
			due = append(due, e)
		} else {
			s.inbox.events = append(s.inbox.events, e)
		}
	}
	return due
}

// Messages returns the game's messages that came since the last call, in order; a game's Message.In picks those of one
// kind. 256 wait, then the oldest goes.
func (s *Session) Messages() []world.MessageRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.inbox.messages
	s.inbox.messages = nil
	return out
}

// Chat returns the lines of chat that came since the last call, in order. 256 wait, then the oldest goes.
func (s *Session) Chat() []Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.inbox.lines
	s.inbox.lines = nil
	return out
}
