package admin

import "strconv"

// Answer is what becomes of a Request. What it has beside Refusal and Text depends on the act; lists may come in several.
type Answer struct {
	// Refusal says why nothing was done; nil when it was.
	Refusal *Refusal `msgpack:"refusal,omitempty"`
	// Text says what was done, or what is the case.
	Text string `msgpack:"text,omitempty"`
	// More tells that another Answer follows to this round.
	More bool `msgpack:"more,omitempty"`

	Health  *Health  `msgpack:"health,omitempty"`
	Rooms   []Room   `msgpack:"rooms,omitempty"`
	Players []Player `msgpack:"players,omitempty"`
	Table   *Table   `msgpack:"table,omitempty"` // with as many rows as fit; the columns stand in the first
	Tables  []Tables `msgpack:"tables,omitempty"`
	Report  []Advice `msgpack:"report,omitempty"`
	Edits   []Edit   `msgpack:"edits,omitempty"`
	Bans    []Ban    `msgpack:"bans,omitempty"`
	Sight   []Sight  `msgpack:"sight,omitempty"`
	Audit   []string `msgpack:"audit,omitempty"` // lines of JSON
	Data    []byte   `msgpack:"data,omitempty"`  // of a profile

	Captures []Capture `msgpack:"captures,omitempty"`
}

// Refusal is why nothing was done, or, by some codes, not all of it.
type Refusal struct {
	// Code is one of the codes below, for programs; Text for people.
	Code string `msgpack:"code"`
	Text string `msgpack:"text"`
}

// The codes of refusals.
const (
	// CodeRole: the credentials may not do this.
	CodeRole = "role"
	// CodeNone: what was asked for is not there.
	CodeNone = "none"
	// CodeBad: the request is wrong.
	CodeBad = "bad"
	// CodeState: not in the present state, such as a step of a room that is not frozen, or was resumed before all ticks were made.
	CodeState = "state"
	// CodeChanged: an undo found another value than it was to find.
	CodeChanged = "changed"
	// CodeAudit: the act could not be written down, and so was not done.
	CodeAudit = "audit"
	// CodeUnwritten: the act was done, and what became of it could not be written down: look before you ask for it again.
	CodeUnwritten = "unwritten"
	// CodeBusy: too much at once.
	CodeBusy = "busy"
	// CodeFailed: it went wrong.
	CodeFailed = "failed"
)

// Health is a server in one line.
type Health struct {
	// OK tells whether nothing is wrong; Wrong says what is, the gravest first: what is the case now, and what has happened lately.
	OK       bool     `msgpack:"ok"`
	Wrong    []string `msgpack:"wrong,omitempty"`
	Draining bool     `msgpack:"draining"`
	// Started is when, in milliseconds since 1970, and At now. PeriodUS is the time of a tick.
	Started  int64  `msgpack:"started"`
	At       int64  `msgpack:"at"`
	PeriodUS int64  `msgpack:"period_us"`
	Rooms    int    `msgpack:"rooms"`
	Players  int    `msgpack:"players"`
	Held     uint64 `msgpack:"held"`
	Conns    int    `msgpack:"conns"`
	// Overruns and what follows are the server's since its start.
	Overruns  uint64 `msgpack:"overruns"`
	Skipped   uint64 `msgpack:"skipped"`
	Failed    uint64 `msgpack:"failed"`
	Diverged  uint64 `msgpack:"diverged"`
	Datagrams uint64 `msgpack:"datagrams"`
	Bytes     uint64 `msgpack:"bytes"`
	Banned    uint64 `msgpack:"banned"`
	// Impaired are the players whose link is made worse on purpose.
	Impaired int `msgpack:"impaired"`
}

// Room is what is told of a room. Times are in microseconds.
type Room struct {
	ID         string `msgpack:"id"`
	Game       string `msgpack:"game"`
	Name       string `msgpack:"name"` // empty for a private room, whose name lets anybody in
	Private    bool   `msgpack:"private"`
	Opened     int64  `msgpack:"opened"` // in milliseconds since 1970
	Tick       uint64 `msgpack:"tick"`
	Every      int    `msgpack:"every"` // periods that a tick takes; zero: frozen
	Players    int    `msgpack:"players"`
	MaxPlayers int    `msgpack:"max_players"`
	Entities   int    `msgpack:"entities"`
	P50        int64  `msgpack:"p50_us"` // of its latest ticks
	P99        int64  `msgpack:"p99_us"`
	Max        int64  `msgpack:"max_us"`
	Made       uint64 `msgpack:"made"`
	Overruns   uint64 `msgpack:"overruns"`
	LateWakes  uint64 `msgpack:"late_wakes"`
	Skipped    uint64 `msgpack:"skipped"`
	Failed     uint64 `msgpack:"failed"`
	Datagrams  uint64 `msgpack:"datagrams"`
	Bytes      uint64 `msgpack:"bytes"`
	Parts      []Part `msgpack:"parts,omitempty"`
	Recent     []Tick `msgpack:"recent,omitempty"` // of ActRoom alone
}

// Part is a part of a room's ticks: a system of the game, or one of the room's own.
type Part struct {
	Name string `msgpack:"name"`
	// Total and Max are in microseconds; Overruns are those of the ticks in which it took the most.
	Total    int64  `msgpack:"total_us"`
	Max      int64  `msgpack:"max_us"`
	Overruns uint64 `msgpack:"overruns"`
}

// Tick is one of a room's latest ticks; times in microseconds.
type Tick struct {
	Tick    uint64 `msgpack:"tick"`
	Drain   int64  `msgpack:"drain_us"`
	Step    int64  `msgpack:"step_us"`
	Publish int64  `msgpack:"publish_us"`
	Overran bool   `msgpack:"overran"`
}

// Player is what is told of a player.
type Player struct {
	Room      string `msgpack:"room"` // its ID
	RoomName  string `msgpack:"room_name"`
	Player    uint32 `msgpack:"player"`
	User      string `msgpack:"user"` // who that is; empty when the server does not ask
	Addr      string `msgpack:"addr"`
	Joined    int64  `msgpack:"joined"` // in milliseconds since 1970
	Held      bool   `msgpack:"held"`
	RoundTrip int64  `msgpack:"round_trip_us"`
	Sent      uint64 `msgpack:"sent_packets"`
	Lost      uint64 `msgpack:"lost_packets"`
	Datagrams uint64 `msgpack:"datagrams"`
	Bytes     uint64 `msgpack:"bytes"`
	// Tables is how many of Bytes the records of each table took, and EventBytes events; the rest are datagrams' headers.
	Tables     []TableBytes `msgpack:"tables,omitempty"`
	EventBytes uint64       `msgpack:"event_bytes"`
	// Impaired is nil as long as nobody makes the player's link worse.
	Impaired *Impaired `msgpack:"impaired,omitempty"`
	Age      int       `msgpack:"age_ticks"`
	Margin   int       `msgpack:"margin_quarters"` // how early inputs come, in quarters of a tick
	Applied  uint64    `msgpack:"inputs_applied"`
	Missing  uint64    `msgpack:"inputs_missing"`
	Late     uint64    `msgpack:"inputs_late"`
}

// Impaired is how a player's link is made worse on purpose; Until is when it ends, in seconds since 1970.
type Impaired struct {
	DelayMS  int64   `msgpack:"delay_ms"`
	JitterMS int64   `msgpack:"jitter_ms"`
	Loss     float64 `msgpack:"loss"`
	Until    int64   `msgpack:"until"`
	By       string  `msgpack:"by"`
}

// TableBytes is how many bytes the records of a table took for one player.
type TableBytes struct {
	Table string `msgpack:"table"`
	Bytes uint64 `msgpack:"bytes"`
}

// Tables is what is told of a table: its fields, and how many rows it has.
type Tables struct {
	Name   string   `msgpack:"name"`
	Rows   int      `msgpack:"rows"`
	Fields []Column `msgpack:"fields"`
}

// Table is rows of a table.
type Table struct {
	Tick    uint64   `msgpack:"tick"`
	Columns []Column `msgpack:"columns,omitempty"`
	Rows    []Row    `msgpack:"rows"`
	// Matched is how many rows meet the conditions, in the last Answer; there may be fewer Rows.
	Matched int `msgpack:"matched"`
}

// Column is a field of a table; Kind is schema.Kind's name. Axis is x or y when it is that coordinate of the row's place.
type Column struct {
	Name string `msgpack:"name"`
	Kind string `msgpack:"kind"`
	Axis string `msgpack:"axis,omitempty"`
}

// Row is a row of a table, its values as text in the order of the columns.
type Row struct {
	// Tick is when it became so, in a timeline; a row that was not there then has no Values.
	Tick   uint64   `msgpack:"tick,omitempty"`
	ID     string   `msgpack:"id"`
	Owner  uint32   `msgpack:"owner"`
	Team   uint16   `msgpack:"team"`
	Values []string `msgpack:"values"`
}

// Sight is what a player was sent of a row, by the latest pass.
type Sight struct {
	ID string `msgpack:"id"`
	// Reason is one of docs/operating.md's, for programs; Text says it to people.
	Reason string `msgpack:"reason"`
	Text   string `msgpack:"text"`
	// Known is the tick as of which the player is known to have the row; zero: not at all.
	Known uint64 `msgpack:"known"`
}

// Advice is what a report says of a room.
type Advice struct {
	Room     string `msgpack:"room"` // its ID
	RoomName string `msgpack:"room_name"`
	Game     string `msgpack:"game"`
	// Do is "fix", when a part of its ticks is to blame, "split", when there are too many players or rows in it, "move",
	// when the machine is too busy for it, or "watch", also when there is nothing to do. It goes by the latest ticks.
	Do string `msgpack:"do"`
	// Part is to blame for Share of the overruns since the room was opened, from 0 to 1.
	Part  string  `msgpack:"part"`
	Share float64 `msgpack:"share"`
	// Over is the share of its latest ticks that took longer than a period.
	Over     float64 `msgpack:"over"`
	Overruns uint64  `msgpack:"overruns"`
	Text     string  `msgpack:"text"`
}

// Edit is a field that was set.
type Edit struct {
	Number   uint64 `msgpack:"number"`
	Room     string `msgpack:"room"` // its ID
	Table    string `msgpack:"table"`
	Row      string `msgpack:"row"`
	Field    string `msgpack:"field"`
	By       string `msgpack:"by"`
	At       int64  `msgpack:"at"` // in milliseconds since 1970
	Tick     uint64 `msgpack:"tick"`
	Before   string `msgpack:"before"`
	After    string `msgpack:"after"`
	Undoes   uint64 `msgpack:"undoes"`
	UndoneBy uint64 `msgpack:"undone_by"`
}

// Ban is one that holds; times in seconds since 1970, Until zero for ever.
type Ban struct {
	Number uint64 `msgpack:"number"`
	Prefix string `msgpack:"prefix"` // empty when it is of a user
	User   string `msgpack:"user"`   // empty when it is of addresses
	Reason string `msgpack:"reason"`
	By     string `msgpack:"by"`
	At     int64  `msgpack:"at"`
	Until  int64  `msgpack:"until"`
}

// Whom is who is kept out: addresses, or a user in quotes.
func (b *Ban) Whom() string {
	if b.User != "" {
		return strconv.Quote(b.User)
	}
	return b.Prefix
}

// AppendAnswer appends a message.
func AppendAnswer(dst []byte, a Answer) ([]byte, error) {
	return appendMessage(dst, a, func(b []byte) error { _, err := ParseAnswer(b); return err })
}

// ParseAnswer reads a server's answer.
func ParseAnswer(b []byte) (a Answer, err error) {
	if err := parse(b, MaxAnswer, MaxAnswer, &a); err != nil {
		return Answer{}, err
	}
	return a, nil
}
