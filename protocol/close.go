package protocol

import "strconv"

// CloseCode says why a connection was closed: it is the application error code of QUIC's CONNECTION_CLOSE
// frame, and tells the client what to do next. Codes fit 32 bits, which is what WebTransport carries. A
// code that the receiver doesn't know is to be treated like CloseRefused.
type CloseCode uint64

const (
	// CloseNormal is the end as intended: the player left, or the other side is done. Don't reconnect.
	CloseNormal CloseCode = 0
	// CloseRefused is a join that the server did not allow (token, ban, rights). Show the reason; the same
	// attempt will be refused again.
	CloseRefused CloseCode = 1
	// CloseFull is a server or room without a free place. Try again later, with a growing and random
	// pause, or elsewhere.
	CloseFull CloseCode = 2
	// CloseVersion is a peer with another protocol version or game schema; the reason names both. Update.
	CloseVersion CloseCode = 3
	// CloseRoomClosed is the end of the room, not of the server. Join another room.
	CloseRoomClosed CloseCode = 4
	// CloseAbuse is a peer that kept exceeding its limits. Don't reconnect by yourself.
	CloseAbuse CloseCode = 5
	// CloseShutdown is a server that stops or restarts. Reconnect after a random pause, so that not everybody comes at
	// once.
	CloseShutdown CloseCode = 6
	// CloseProtocol is a message that the protocol does not allow: a bug in the peer. Report it, and don't
	// repeat what was sent.
	CloseProtocol CloseCode = 7
	// CloseReplaced is a connection whose session another one has resumed. Don't reconnect by yourself: two would take
	// the session from each other for ever.
	CloseReplaced CloseCode = 8
	// CloseExpired is a resume token that names no session: the session has ended, or the token was replaced. Join anew.
	CloseExpired CloseCode = 9
	// CloseAbandoned is a client that gives a connection up, and not its session: it goes on over another one.
	CloseAbandoned CloseCode = 10
	// CloseKicked is a player whom an operator has sent away. Show the reason, and don't reconnect.
	CloseKicked CloseCode = 11
)

var closeNames = [...]string{
	CloseNormal:     "normal",
	CloseRefused:    "refused",
	CloseFull:       "full",
	CloseVersion:    "version",
	CloseRoomClosed: "room closed",
	CloseAbuse:      "abuse",
	CloseShutdown:   "shutdown",
	CloseProtocol:   "protocol",
	CloseReplaced:   "replaced",
	CloseExpired:    "expired",
	CloseAbandoned:  "abandoned",
	CloseKicked:     "kicked",
}

// String returns the code's name in lower case, and "close code N" for one that this version doesn't know.
func (c CloseCode) String() string {
	if c < CloseCode(len(closeNames)) {
		return closeNames[c]
	}
	return "close code " + strconv.FormatUint(uint64(c), 10)
}
