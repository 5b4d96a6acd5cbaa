/** The protocol's version (docs/protocol.md §2). */
export const Version = 1;

/** Bytes of a server's message (§9). */
export const MaxFrame = 65_536;
/** Bytes of a client's message. */
export const MaxHelloFrame = 4_096;
/** Bytes before a message in its frame. */
export const MaxFrameHeader = 5;
/** Arrays and maps inside each other. */
export const MaxDepth = 8;
/** Elements in all arrays and maps of a value together. */
export const MaxElements = 4_096;
/** Bytes of a game's or a room's name. */
export const MaxGameName = 64;
/** Bytes of a goodbye's reason, and of a refusal. */
export const MaxReason = 256;
/** Bytes of a line of chat. */
export const MaxChat = 256;
/** Rooms of a list. */
export const MaxRooms = 256;
/** Players that a room may say it has, or holds. */
export const MaxPlayers = 1_048_576;
/** Bytes of a divergence's field, and of each value. */
export const MaxFieldText = 64;
/** Tick periods that a tick takes, in slow motion. */
export const MaxEvery = 64;
/** The highest number of an entity among those that an input made. */
export const MaxInsert = 65_535;
/** Ticks for which an event is worth telling, and the largest age of one. */
export const MaxEventTicks = 127;
/** The highest number of an event among those of its tick. */
export const MaxEventNumber = 65_535;
/** Bytes of a hello's token. */
export const MaxToken = 2_048;
/** Bytes of a resume token. */
export const MaxResumeToken = 64;
/** Tables of a game; as many events, messages and requests, each. */
export const MaxTables = 64;
/** Bytes of a schema. */
export const MaxSchema = 65_280;
/** Elements of a schema: one per byte, so that its bytes are what counts. */
export const MaxSchemaElements = 65_280;
/** The largest epoch; after it comes 0. */
export const MaxEpoch = 127;
/** The largest tick: what a double holds exactly. */
export const MaxTick = Number.MAX_SAFE_INTEGER;
/** The largest sequence number, likewise. */
export const MaxSequence = Number.MAX_SAFE_INTEGER;
/** Nanoseconds from a tick to the next, at least: 240 Hz. */
export const MinTickPeriod = 4_166_666;
/** Nanoseconds from a tick to the next, at most. */
export const MaxTickPeriod = 10_000_000_000;
/** Ticks; the smallest age after which a datagram is discarded. */
export const MinAge = 64;
/** Ticks; the largest such age. */
export const MaxAge = 4_096;
/** Bytes of a datagram that must be accepted. */
export const MaxDatagram = 1_200;
/** Bytes of a datagram that are produced at most. */
export const MaxDatagramPayload = 1_168;
/** Inputs in a datagram. */
export const InputsPerDatagram = 8;
/** Parts of a tick in an input's lag. */
export const LagsPerTick = 128;
/** The largest lag, in these parts. */
export const MaxLag = 16_383;
/** Datagrams before the newest that an acknowledgement names. */
export const AckBits = 64;
/** Ticks; the largest age of a removal. */
export const MaxRemovalAge = 16_383;

/** Columns of a table, and so bits of a mask. */
export const MaxColumns = 63;
/** Bytes of a full row. */
export const MaxRowBytes = 1_000;
/** Bytes of a name in the schema. */
export const MaxName = 64;
/** Bits of a coordinate. */
export const MaxPositionBits = 28;
/** Bytes of a text field. */
export const MaxText = 255;
/** Entities of a table at a time: an index is below it. */
export const MaxEntities = 1_048_576;
/** The highest generation; after it comes 1. */
export const MaxGeneration = 4_095;
