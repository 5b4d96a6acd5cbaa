package protocol

import (
	"time"

	"github.com/quicstep/quicstep/protocol/schema"
)

// Bounds of the stream (docs/protocol.md §3, §9).
const (
	// MaxFrame is the most bytes that one stream frame's message may have, header not counted, from server
	// to client. It is this large for the schema in the welcome alone.
	MaxFrame = 64 << 10

	// MaxHelloFrame is the most bytes that a message from client to server may have: a hello with the longest
	// names and token fits twice. A server needs no larger buffer for a peer that it does not know yet.
	MaxHelloFrame = 4 << 10

	// MaxFrameHeader is the most bytes that a frame has before its message: a type byte and a 32-bit length.
	MaxFrameHeader = 5
)

// Bounds of any msgpack value from outside, whatever it means (docs/protocol.md §9).
const (
	// MaxDepth is how many arrays and maps may stand inside each other, the outermost counted. A
	// schema has 6, a message at most 3; the rest is room for later versions.
	MaxDepth = 8

	// MaxElements is how many elements all arrays and maps of one value may have together, a map's keys and
	// values counted each. It bounds the work of a message that is short and dense.
	MaxElements = 4096
)

// Bounds of the messages' fields (docs/protocol.md §4, §9).
const (
	// MaxGameName bounds the names of games and of rooms, in bytes of UTF-8: they stand in logs, counters and
	// on one line of the console.
	MaxGameName = 64

	// MaxReason bounds a goodbye's reason, in bytes of UTF-8: a sentence for a person, not a report.
	MaxReason = 256

	// MaxChat bounds a line of chat, in bytes of UTF-8: two lines on a narrow screen.
	MaxChat = 256

	// MaxRooms is how many rooms one list names; a server with more names the fullest that have a place.
	MaxRooms = 256

	// MaxPlayers is the most players that a room may say it holds.
	MaxPlayers = 1 << 20

	// MaxFieldText bounds the name and the values of a field in a divergence, in bytes of UTF-8.
	MaxFieldText = 64

	// MaxEvery is how many tick periods a tick of a room in slow motion takes at most.
	MaxEvery = 64
	// MaxOriginAge is for how many ticks after an input a full own record tells that it has made the entity.
	MaxOriginAge = 127
	// MaxInsert is the highest number of an entity among those that an input has made.
	MaxInsert = 65535
	// MaxEventTicks is the most ticks for which an event is worth telling, and so the largest age of one.
	MaxEventTicks = 127

	// MaxEventNumber is the highest number of an event within its tick.
	MaxEventNumber = 1<<16 - 1

	// MaxToken bounds a hello's token, in bytes: a signed token with a dozen claims has about 1,000.
	MaxToken = 2048

	// MaxResumeToken bounds a resume token, in bytes: 256 random bits, and room for a server that signs them.
	MaxResumeToken = 64

	// MaxTables is how many tables a game may have, and how many events, messages and requests each: their numbers
	// stay a single byte on the wire.
	MaxTables = schema.MaxTables

	// MaxSchema bounds the schema's own bytes in a welcome: what a frame holds, less 256 for the other fields.
	MaxSchema = MaxFrame - 256

	// MaxSchemaElements bounds the elements of a schema, which may have more than other values: one per byte,
	// so that MaxSchema is what counts.
	MaxSchemaElements = MaxSchema

	// MaxEpoch is the largest epoch: it is one byte on the wire, a positive fixint. After it comes 0.
	MaxEpoch = 127

	// MaxTick is the largest tick number: what a double holds exactly, so that a browser needs no big integers
	// for it, and no sum of a tick and a delay overflows. At MaxTickRate it lasts a million years.
	MaxTick = 1<<53 - 1

	// MaxSequence is the largest sequence number of a datagram, for MaxTick's reasons.
	MaxSequence = 1<<53 - 1

	// MaxTickRate is the fastest tick rate in Hz: above it the packets alone cost more than a core.
	MaxTickRate = 240

	// MinTickPeriod is the shortest time between two ticks, that of MaxTickRate.
	MinTickPeriod = time.Second / MaxTickRate

	// MaxTickPeriod is the longest time between two ticks: turn-based games tick slowly, but a longer silence
	// could not be told from a dead peer.
	MaxTickPeriod = 10 * time.Second

	// MinAge is the smallest age, in ticks, after which a client may discard a datagram: what an
	// acknowledgement's AckBits cover.
	MinAge = 64

	// MaxAge is the largest such age, in ticks: half of the ± 8,192 that a datagram's short tick tells apart.
	MaxAge = 4096
)

// Bounds of datagrams (docs/protocol.md §5, §6, §9).
const (
	// MaxDatagram is the largest datagram, in bytes, that either side accepts: what a path with QUIC's
	// smallest packets (1,280 bytes of IP) carries.
	MaxDatagram = 1200

	// DatagramSpare is how many bytes short of MaxDatagram a sender stays: an acknowledgement that shares the
	// packet takes them, and a datagram that no longer fits is dropped without a word.
	DatagramSpare = 32

	// MaxDatagramPayload is the largest datagram, in bytes, that either side produces.
	MaxDatagramPayload = MaxDatagram - DatagramSpare

	// InputsPerDatagram is how many inputs one datagram may carry: the newest and the ones before it that the
	// server may have missed.
	InputsPerDatagram = 8

	// LagsPerTick is how many parts of a tick there are in an input's lag, and MaxLag the largest: just under 128 ticks, which
	// at MaxTickRate is half a second.
	LagsPerTick = 128
	MaxLag      = 1<<shortBits - 1

	// AckBits is how many datagrams before the newest one an acknowledgement names, one bit each.
	AckBits = 64

	// MaxRemovalAge is the largest age, in ticks, that a removal may tell: how long ago the entity went out of
	// sight. A server cuts longer ones down to it, which is as good: the client has forgotten by then.
	MaxRemovalAge = 1<<shortBits - 1
)
