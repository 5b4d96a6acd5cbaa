package protocol

import (
	"fmt"
	"math"
)

// Hello is the client's first message (docs/protocol.md §4): who it is, and what it wants to join.
type Hello struct {
	// Version is the protocol version that the client speaks; zero means Version when it is appended. A parsed
	// Hello has Version always.
	Version uint
	// Game is the name of the game to join, at most MaxGameName bytes; empty means whichever game the server
	// runs.
	Game string
	// SchemaHash is the hash of the schema that the client has already; zero asks for the schema itself.
	SchemaHash uint64
	// Token says who the player is: at most MaxToken bytes that only the server reads; empty means none. Never log it.
	Token []byte
	// Room names the room, at most MaxGameName bytes; what that means, Join says.
	Room string
	// Join says which room to join.
	Join JoinKind
	// Resume is the token of a session to go on with, from its latest welcome: at most MaxResumeToken bytes, empty to
	// join. Room and Join mean nothing beside one. Never log it.
	Resume []byte
	// HasReplica tells that the client still has the rows of the session that it resumes, of Epoch, and needs only what
	// has changed since.
	HasReplica bool
	Epoch      uint8
}

// JoinKind is which room a hello asks for.
type JoinKind uint8

// The kinds of joins.
const (
	// JoinOrCreate joins the public room of that name, and makes it when there is none. Without a name it joins the
	// fullest public room that has a place, and makes one when none has.
	JoinOrCreate JoinKind = iota
	// JoinExisting joins the public room of that name, and no other.
	JoinExisting
	// CreatePrivate makes a room that is not listed, under a code that the welcome tells; the hello has no name then.
	CreatePrivate
	// JoinPrivate joins the private room whose code the name is.
	JoinPrivate

	joinKinds
)

// String returns the join's name in lower case.
func (k JoinKind) String() string {
	switch k {
	case JoinOrCreate:
		return "join or create"
	case JoinExisting:
		return "join existing"
	case CreatePrivate:
		return "create private"
	case JoinPrivate:
		return "join private"
	}
	return fmt.Sprintf("join %d", uint8(k))
}

// AppendHello appends the message, not yet framed, to dst. What ParseHello would refuse (a name or a token
// that is too long, a text that may not travel, another version than ours) it refuses with the same RejectError and
// returns dst as it was.
func AppendHello(dst []byte, h Hello) ([]byte, error) {
	if h.Version == 0 {
		h.Version = Version
	}
	start := len(dst)
	dst = appendHead(dst, KindHello, 9)
	dst = appendUint(dst, uint64(h.Version))
	dst = appendText(dst, h.Game)
	dst = appendUint(dst, h.SchemaHash)
	dst = appendBin(dst, h.Token)
	dst = appendText(dst, h.Room)
	dst = appendUint(dst, uint64(h.Join))
	dst = appendBin(dst, h.Resume)
	dst = appendUint(dst, uint64(h.replica()))
	if _, err := ParseHello(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append hello: %w", err)
	}
	return dst, nil
}

// ParseHello reads a client's hello from a frame's content. Nothing in the result shares b's memory.
//
// The errors are RejectErrors. The version is read before anything else is looked at: a client of another
// version gets WrongVersion, whose text names both, whatever the rest of its hello is made of.
func ParseHello(b []byte) (Hello, error) {
	r := openMessage(b, KindHello)
	version := r.version("client", "server")
	r.checkForm(MaxHelloFrame)
	h := Hello{
		Version:    version,
		Game:       r.title("game", MaxGameName),
		SchemaHash: r.uint("schema hash", math.MaxUint64),
		Token:      r.bytes("token", MaxToken),
		Room:       r.title("room", MaxGameName),
		Join:       JoinKind(r.uint("join", uint64(joinKinds-1))),
		Resume:     r.bytes("resume token", MaxResumeToken),
	}
	if replica := r.uint("replica", MaxEpoch+1); replica > 0 {
		h.HasReplica, h.Epoch = true, uint8(replica-1)
	}
	if r.err == nil && h.HasReplica && len(h.Resume) == 0 {
		r.err = rejectf(BadValue, "hello has a replica and no session that it is of: send the session's resume token")
	}
	if r.err == nil && (h.Join == CreatePrivate && h.Room != "" || (h.Join == JoinExisting || h.Join == JoinPrivate) && h.Room == "") {
		r.err = rejectf(BadValue, "hello's room does not go with its join: name a room to join one that is there, and none to make a private one")
	}
	if r.err != nil {
		return Hello{}, r.err
	}
	return h, nil
}

// replica is how the hello tells of the client's rows: the epoch plus one, zero without any.
func (h Hello) replica() int {
	if !h.HasReplica {
		return 0
	}
	return int(h.Epoch) + 1
}
