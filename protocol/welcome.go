package protocol

import (
	"fmt"
	"math"
	"time"
)

// Welcome is the server's answer to a Hello that it accepts (docs/protocol.md §4): who the player is, where the
// datagrams start, and how to read them.
type Welcome struct {
	// Version is the protocol version that the server speaks; zero means Version when it is appended. A parsed
	// Welcome has Version always.
	Version uint
	// Session names the session, which outlives the connection.
	Session [16]byte
	// Room names the room that was joined.
	Room [16]byte
	// Player is the player's number in the room.
	Player uint32
	// Epoch is the replica's epoch, 0 to MaxEpoch, in which datagrams will come.
	Epoch uint8
	// Tick is the room's tick when the welcome was written, 0 to MaxTick. The short ticks of the first
	// datagrams are widened against it.
	Tick uint64
	// NextSequence is the sequence number of the first datagram that the server will send, 0 to MaxSequence.
	NextSequence uint64
	// TickPeriod is the time between two ticks, MinTickPeriod to MaxTickPeriod; whole nanoseconds on the wire.
	TickPeriod time.Duration
	// AgeMax is how many ticks older than the newest a datagram may be before the client discards it, MinAge
	// to MaxAge.
	AgeMax uint32
	// SchemaHash is the hash of the game's schema.
	SchemaHash uint64
	// EventTicks is for how many ticks an event is worth telling, 1 to MaxEventTicks.
	EventTicks uint32
	// RoomName is the room's name, or a private room's code: what another player joins it by.
	RoomName string
	// Schema is the schema's own msgpack bytes, at most MaxSchema and one value; empty when the hello named its hash.
	Schema []byte
	// Resume is the token by which another connection goes on with the session, at most MaxResumeToken bytes; empty when
	// the session ends with the connection. Never log it.
	Resume []byte
	// LastRequest is the highest number of a request that the session has had; a client goes on above it.
	LastRequest uint32
}

// AppendWelcome appends the message, not yet framed, to dst. What ParseWelcome would refuse (a field out of its
// range, a schema above MaxSchema or in pieces) it refuses with the same RejectError and returns dst as it was.
func AppendWelcome(dst []byte, w Welcome) ([]byte, error) {
	if w.Version == 0 {
		w.Version = Version
	}
	start := len(dst)
	dst = appendHead(dst, KindWelcome, 15)
	dst = appendUint(dst, uint64(w.Version))
	dst = appendBin(dst, w.Session[:])
	dst = appendBin(dst, w.Room[:])
	dst = appendUint(dst, uint64(w.Player))
	dst = appendUint(dst, uint64(w.Epoch))
	dst = appendUint(dst, w.Tick)
	dst = appendUint(dst, w.NextSequence)
	dst = appendUint(dst, uint64(w.TickPeriod))
	dst = appendUint(dst, uint64(w.AgeMax))
	dst = appendUint(dst, w.SchemaHash)
	dst = appendBin(dst, w.Schema)
	dst = appendUint(dst, uint64(w.EventTicks))
	dst = appendText(dst, w.RoomName)
	dst = appendBin(appendArray(dst, 2), w.Resume)
	dst = appendUint(dst, uint64(w.LastRequest))
	if _, err := ParseWelcome(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append welcome: %w", err)
	}
	return dst, nil
}

// ParseWelcome reads a server's welcome from a frame's content. Nothing in the result shares b's memory. The
// schema's bytes have passed Walk as exactly one value; what they mean is for schema.Parse to say.
//
// The errors are RejectErrors. The version is read before anything else is looked at, as in ParseHello.
func ParseWelcome(b []byte) (Welcome, error) {
	r := openMessage(b, KindWelcome)
	version := r.version("server", "client")
	r.checkForm(MaxFrame)
	w := Welcome{
		Version:      version,
		Session:      r.id("session"),
		Room:         r.id("room"),
		Player:       uint32(r.uint("player", math.MaxUint32)),
		Epoch:        uint8(r.uint("epoch", MaxEpoch)),
		Tick:         r.uint("tick", MaxTick),
		NextSequence: r.uint("next sequence", MaxSequence),
		TickPeriod:   time.Duration(r.uintFrom("tick period", uint64(MinTickPeriod), uint64(MaxTickPeriod))),
		AgeMax:       uint32(r.uintFrom("age", MinAge, MaxAge)),
		SchemaHash:   r.uint("schema hash", math.MaxUint64),
		Schema:       r.bytes("schema", MaxSchema),
		EventTicks:   uint32(r.uintFrom("event ticks", 1, MaxEventTicks)),
		RoomName:     r.text("room name", MaxGameName),
	}
	w.Resume, w.LastRequest = r.resume()
	r.checkSchema(w.Schema)
	if r.err != nil {
		return Welcome{}, r.err
	}
	return w, nil
}

// resume reads how another connection goes on with the session, an array.
func (r *fields) resume() (token []byte, lastRequest uint32) {
	left := r.left
	r.left = uint64(r.array("resume", MaxElements))
	token, lastRequest = r.bytes("resume token", MaxResumeToken), uint32(r.uint("last request", math.MaxUint32))
	r.skip()
	r.left = left - min(left, 1)
	return token, lastRequest
}

func (r *fields) checkSchema(schema []byte) {
	if r.err != nil || len(schema) == 0 {
		return
	}
	n, err := Walk(schema, WalkLimits{Elements: MaxSchemaElements})
	if err == nil && n < len(schema) {
		err = rejectf(TrailingBytes, "the schema ends at byte %d of %d: send one array", n, len(schema))
	}
	r.err = err
}
