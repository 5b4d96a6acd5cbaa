package admin

// Capture is the latest ticks of a room that took longer than a period, or were not over when the next one was due.
type Capture struct {
	Room     string `msgpack:"room"` // its ID
	RoomName string `msgpack:"room_name"`
	Game     string `msgpack:"game"`
	// At is when it was taken, in milliseconds since 1970, and Tick the room's latest tick then. PeriodUS is the time of a tick.
	At       int64  `msgpack:"at"`
	Tick     uint64 `msgpack:"tick"`
	PeriodUS int64  `msgpack:"period_us"`
	// Parts name the parts of the room's ticks in the order in which they run, as Room.Parts does.
	Parts []string `msgpack:"parts"`
	// Ticks are some tens at most, the oldest first.
	Ticks []SlowTick `msgpack:"ticks"`
}

// SlowTick is one of a Capture's; times that something took are in microseconds.
type SlowTick struct {
	Tick uint64 `msgpack:"tick"`
	// Due is when it was to begin, in microseconds since 1970; it began Late after that.
	Due  int64 `msgpack:"due"`
	Late int64 `msgpack:"late_us"`
	// Drain, Step and Publish are its phases, Parts all of its parts in the order of Capture.Parts.
	Drain   int64   `msgpack:"drain_us"`
	Step    int64   `msgpack:"step_us"`
	Publish int64   `msgpack:"publish_us"`
	Parts   []int64 `msgpack:"parts_us"`
	// Blame is the part that took the most.
	Blame string `msgpack:"blame"`
	// Overran tells that it was not over when the next one was due.
	Overran bool `msgpack:"overran"`
	// Players were in the room, Entities are the rows of all tables, Inputs came for it. Bytes were sent to the players since the
	// end of the tick before.
	Players  int    `msgpack:"players"`
	Entities int    `msgpack:"entities"`
	Inputs   int    `msgpack:"inputs"`
	Bytes    uint64 `msgpack:"bytes"`
}

// Total is how long the tick took, in microseconds.
func (t *SlowTick) Total() int64 { return t.Drain + t.Step + t.Publish }
