package admin

import "github.com/quicstep/quicstep/protocol"

// ALPN is the application protocol of the admin door, and Version what its messages are of.
const (
	ALPN    = "quicstep-admin/1"
	Version = 1
)

// Bounds of the messages.
const (
	// TokenBytes is the length of a token: 256 random bits.
	TokenBytes = 32
	// MaxRequest bounds a client's message, in bytes.
	MaxRequest = 8 << 10
	// MaxAnswer bounds a server's message, in bytes; what is longer comes in several.
	MaxAnswer = protocol.MaxFrame
	// MaxPiece is from how many bytes on a server begins the next Answer of a list.
	MaxPiece = MaxAnswer / 2
	// MaxName bounds the names of rooms, tables, fields, people and programs, in bytes.
	MaxName = 64
	// MaxUser bounds the name of a user, in bytes.
	MaxUser = 255
	// MaxText bounds a value, and a text that no player reads, in bytes.
	MaxText = 512
	// MaxSay, MaxKickReason, MaxBanReason and MaxCloseReason bound what players read, in bytes: so much comes to them whole,
	// behind what the server says itself of a ban and its end, and of a room that closes.
	MaxSay         = protocol.MaxChat
	MaxKickReason  = protocol.MaxReason
	MaxBanReason   = protocol.MaxReason - 60
	MaxCloseReason = protocol.MaxReason - 27
	// MaxConditions bounds the conditions of a query.
	MaxConditions = 8
	// MaxCount bounds how much of something is asked for: rows, ticks, lines.
	MaxCount = 10_000
	// MaxSeconds bounds a time: ten years.
	MaxSeconds = 10 * 366 * 24 * 3600
	// MaxSights is how many rows of a table ActSight tells of, the first ones.
	MaxSights = 2048
	// MaxProfileSeconds bounds a profile.
	MaxProfileSeconds = 30
	// MaxImpairMS bounds the delay and the jitter of a link that is impaired, and MaxImpairSeconds for how long it is.
	MaxImpairMS      = 10_000
	MaxImpairSeconds = 3600
	// MinEveryMS and MaxEveryMS bound the time between two answers of a subscription, in milliseconds.
	MinEveryMS = 100
	MaxEveryMS = 60_000
)
