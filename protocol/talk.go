package protocol

import (
	"fmt"
	"math"

	"github.com/quicstep/quicstep/protocol/plain"
	"github.com/quicstep/quicstep/protocol/schema"
)

// Request is what a player asks once, and is answered (docs/protocol.md §4).
type Request struct {
	// Number is the client's own, and comes back with the answer.
	Number uint32
	// Kind is the request's place in the schema.
	Kind int
	// Data is a row of the schema's request, at most schema.MaxRowBytes. What it means is the schema's to say.
	Data []byte
}

// AppendRequest appends the message, not yet framed, to dst. What ParseRequest would refuse it refuses with the same
// RejectError and returns dst as it was.
func AppendRequest(dst []byte, m Request) ([]byte, error) {
	start := len(dst)
	dst = appendUint(appendHead(dst, KindRequest, 4), uint64(m.Number))
	dst = appendBin(appendUint(dst, uint64(m.Kind)), m.Data)
	if _, err := ParseRequest(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append request: %w", err)
	}
	return dst, nil
}

// ParseRequest reads a client's request from a frame's content. The errors are RejectErrors.
func ParseRequest(b []byte) (Request, error) {
	r := openMessage(b, KindRequest)
	r.checkForm(MaxHelloFrame)
	m := Request{
		Number: uint32(r.uint("number", math.MaxUint32)), Kind: int(r.uint("request", MaxTables-1)),
		Data: r.bytes("data", schema.MaxRowBytes),
	}
	if r.err != nil {
		return Request{}, r.err
	}
	return m, nil
}

// Answer is what became of a Request.
type Answer struct {
	// Number is the request's.
	Number uint32
	// Data is a row of the schema's answer, at most schema.MaxRowBytes; empty when the request was refused.
	Data []byte
	// Refusal says why it was refused, for a person, at most MaxReason bytes; empty when it was answered.
	Refusal string
}

// AppendAnswer appends the message, not yet framed, to dst. A refusal is made to fit, like a goodbye's reason, and goes
// without data. What ParseAnswer would refuse it refuses with the same RejectError and returns dst as it was.
func AppendAnswer(dst []byte, m Answer) ([]byte, error) {
	if m.Refusal != "" {
		m.Data = nil
	}
	start := len(dst)
	dst = appendUint(appendHead(dst, KindAnswer, 4), uint64(m.Number))
	dst = appendText(appendBin(dst, m.Data), plain.Clean(m.Refusal, MaxReason))
	if _, err := ParseAnswer(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append answer: %w", err)
	}
	return dst, nil
}

// ParseAnswer reads a server's answer from a frame's content. The errors are RejectErrors.
func ParseAnswer(b []byte) (Answer, error) {
	r := openMessage(b, KindAnswer)
	r.checkForm(MaxFrame)
	m := Answer{
		Number: uint32(r.uint("number", math.MaxUint32)), Data: r.bytes("data", schema.MaxRowBytes),
		Refusal: r.text("refusal", MaxReason),
	}
	if r.err == nil && m.Refusal != "" && len(m.Data) > 0 {
		r.err = rejectf(BadValue, "answer's data does not go with its refusal: send one of them")
	}
	if r.err != nil {
		return Answer{}, r.err
	}
	return m, nil
}

// Message is what a game sends to its players, and what arrives.
type Message struct {
	// Tick is when it was sent, 0 to MaxTick.
	Tick uint64
	// Kind is the message's place in the schema.
	Kind int
	// Data is a row of the schema's message, at most schema.MaxRowBytes.
	Data []byte
}

// AppendMessage appends the message, not yet framed, to dst. What ParseMessage would refuse it refuses with the same
// RejectError and returns dst as it was.
func AppendMessage(dst []byte, m Message) ([]byte, error) {
	start := len(dst)
	dst = appendUint(appendHead(dst, KindMessage, 4), m.Tick)
	dst = appendBin(appendUint(dst, uint64(m.Kind)), m.Data)
	if _, err := ParseMessage(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append message: %w", err)
	}
	return dst, nil
}

// ParseMessage reads a server's message from a frame's content. The errors are RejectErrors.
func ParseMessage(b []byte) (Message, error) {
	r := openMessage(b, KindMessage)
	r.checkForm(MaxFrame)
	m := Message{
		Tick: r.uint("tick", MaxTick), Kind: int(r.uint("message", MaxTables-1)), Data: r.bytes("data", schema.MaxRowBytes),
	}
	if r.err != nil {
		return Message{}, r.err
	}
	return m, nil
}

// Scope is whom a line of chat is for.
type Scope uint8

// The scopes.
const (
	// ScopeRoom is everybody in the room.
	ScopeRoom Scope = iota
	// ScopeTeam is everybody in the speaker's team.
	ScopeTeam
	// ScopePlayer is one player.
	ScopePlayer

	scopes
)

// String returns the scope's name in lower case.
func (s Scope) String() string {
	switch s {
	case ScopeRoom:
		return "room"
	case ScopeTeam:
		return "team"
	case ScopePlayer:
		return "player"
	}
	return fmt.Sprintf("scope %d", uint8(s))
}

// Say is a line of chat on its way to the server.
type Say struct {
	Scope Scope
	// Player is whom ScopePlayer means, not zero; otherwise it means nothing.
	Player uint32
	// Text has 1 to MaxChat bytes.
	Text string
}

// AppendSay appends the message, not yet framed, to dst. What ParseSay would refuse (an empty text, one that is too
// long, or may not travel, a line to player zero) it refuses with the same RejectError and returns dst as it was.
func AppendSay(dst []byte, m Say) ([]byte, error) {
	start := len(dst)
	dst = appendUint(appendHead(dst, KindSay, 4), uint64(m.Scope))
	dst = appendText(appendUint(dst, uint64(m.Player)), m.Text)
	if _, err := ParseSay(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append say: %w", err)
	}
	return dst, nil
}

// ParseSay reads a client's line of chat from a frame's content. The errors are RejectErrors.
func ParseSay(b []byte) (Say, error) {
	r := openMessage(b, KindSay)
	r.checkForm(MaxHelloFrame)
	m := Say{
		Scope: Scope(r.uint("scope", uint64(scopes-1))), Player: uint32(r.uint("player", math.MaxUint32)), Text: r.text("text", MaxChat),
	}
	switch {
	case r.err != nil:
	case m.Text == "":
		r.err = rejectf(BadValue, "say's text is empty: say something")
	case m.Scope == ScopePlayer && m.Player == 0:
		// Zero is nobody's number, and must not become everybody's further in.
		r.err = rejectf(BadValue, "say's player is 0, which is nobody: name a player")
	}
	if r.err != nil {
		return Say{}, r.err
	}
	return m, nil
}

// Chat is a line of chat as others get it.
type Chat struct {
	// From is the speaker's number; zero is the server itself.
	From  uint32
	Scope Scope
	// Text has at most MaxChat bytes.
	Text string
}

// AppendChat appends the message, not yet framed, to dst. The text is made to fit, like a goodbye's reason. A scope that
// is not there is refused with a RejectError, and dst returned as it was.
func AppendChat(dst []byte, m Chat) ([]byte, error) {
	start := len(dst)
	dst = appendUint(appendHead(dst, KindChat, 4), uint64(m.From))
	dst = appendText(appendUint(dst, uint64(m.Scope)), plain.Clean(m.Text, MaxChat))
	if _, err := ParseChat(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append chat: %w", err)
	}
	return dst, nil
}

// ParseChat reads a server's line of chat from a frame's content. The errors are RejectErrors.
func ParseChat(b []byte) (Chat, error) {
	r := openMessage(b, KindChat)
	r.checkForm(MaxFrame)
	m := Chat{
		From: uint32(r.uint("from", math.MaxUint32)), Scope: Scope(r.uint("scope", uint64(scopes-1))), Text: r.text("text", MaxChat),
	}
	if r.err != nil {
		return Chat{}, r.err
	}
	return m, nil
}
