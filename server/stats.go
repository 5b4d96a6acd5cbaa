package server

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// Stats are a server's figures since its start.
type Stats struct {
	// Rooms are open, Players in them; RoomsOpened were ever, and RoomsClosed have ended.
	Rooms, Players           int
	RoomsOpened, RoomsClosed uint64
	// RoomsRefused were joins that needed one more room than Limits.MaxRooms.
	RoomsRefused uint64
	// RoomsRefusedBusy were joins that needed another room when Limits.RoomsPerSecond had just been made, or the ticks of those
	// that are there took Limits.MaxTickLoad.
	RoomsRefusedBusy uint64
	// Sessions are the players who are in, with those who are held; Tokens by which they come back.
	Sessions, Tokens int
	// Joined were let in. Those of them who are not in any more have left, were lost, were expelled, or were there when the server
	// stopped, as world.LeaveReason has it.
	Joined, Left, Lost, Expelled, Stopped uint64
	// Unwelcomed are those of the lost whom the welcome did not reach.
	Unwelcomed uint64
	// Overruns are wake-ups that found a room still busy; LateWakes those that came a tick or more late to a room
	// that was waiting, which is the machine's doing. Skipped are ticks that were given up for either.
	Overruns, LateWakes, Skipped uint64
	// Sights is how often games asked what a player saw; SightsUnknown of these had no answer, since nothing was known of
	// the client yet. SightsRefused are those in which the client's view time could not be and the server's estimate was
	// taken, SightsClamped those that were farther back than Config.LagCompensation.
	Sights, SightsUnknown, SightsRefused, SightsClamped uint64
	// StuckRooms were given up since their tick did not end, and have not returned yet: each may take a core. RoomsStuck were
	// ever.
	StuckRooms int
	RoomsStuck uint64
	// Panics counts panics that were contained, other than in ticks, by where they happened: see docs/operating.md.
	Panics map[string]uint64
	// FailedTicks are ticks that were undone because game code panicked.
	FailedTicks uint64
	// Clamped are row fields that were outside of their range.
	Clamped uint64
	// Applied are inputs that came for their ticks; Repeated and Neutral those that the server made up for a player of
	// whom none had come.
	Applied, Repeated, Neutral uint64
	// StaleAcks are acknowledgements of a former epoch; AcksDropped those that found a session's queue full.
	StaleAcks, AcksDropped uint64
	// Datagrams, DatagramBytes and Passes count what was sent and chosen; SkippedPasses those in which too much
	// was under way to a client already.
	Datagrams, DatagramBytes, Passes, SkippedPasses uint64
	// Unsent counts the datagrams that the connection did not take: too long for a path that shrank, or at its end.
	Unsent uint64
	// EventsDropped counts events that were not told to a client because too many waited.
	EventsDropped uint64
	// CheckedRows and CheckedPages count what clients reported of their replicas and was compared, Unchecked what could
	// not be. Diverged counts what was not as it should be, which is a bug; FirstDivergence is the first of it, zero while
	// there is none, and the log names more. Resent of these rows were told anew, ResendsRefused were not, for
	// Limits.ResendsPerSecond.
	CheckedRows, CheckedPages, Unchecked, Diverged uint64
	FirstDivergence                                Divergence
	Resent, ResendsRefused                         uint64
	// Requests came from players; RequestsRefused were answered with a refusal, by the game or because too many waited.
	Requests, RequestsRefused uint64
	// ChatLines were passed on; ChatLimited came too fast or again and again, ChatRefused did not pass moderation.
	ChatLines, ChatLimited, ChatRefused uint64
	// MessagesDropped counts messages and lines of chat that found too many waiting for a client that does not read.
	MessagesDropped uint64
	// Rejected counts refused bytes by their reason; protocol.Reject names them.
	Rejected [protocol.RejectCount]uint64
	// Held are the players whose connection is lost and who may come back. Resumed did; HoldsExpired left in the end, and
	// HoldsRefused at once, since as many were held as may be, HoldsRefusedAddress since as many of their address were.
	// ResumesRefused are tokens that were nobody's any more.
	Held                                                                     uint64
	Resumed, HoldsExpired, HoldsRefused, HoldsRefusedAddress, ResumesRefused uint64
	// Banned were kept out since their address or their user is banned, Drained since the server is being drained.
	Banned, Drained uint64
	// Denied are joins that Config.Gate did not allow, by the Denial's name; "undecided" are those in which it failed, was
	// late, or gave an Identity that can't be.
	Denied map[string]uint64
	// Gate is what Config.Gate counts, if it is Counted.
	Gate map[string]uint64
	// NoHello are connections that said no hello in time. GreetingsRefused came when Limits.MaxGreeting had not said one yet,
	// GreetingsRefusedAddress when MaxGreetingPerAddress of their address had not.
	NoHello, GreetingsRefused, GreetingsRefusedAddress uint64
	// JoinsRefusedAddress, ListsRefusedAddress, RoomsRefusedAddress, TokensRefusedAddress and HellosRefusedAddress came from an address
	// that had joined, asked for lists, made rooms, sent wrong resume tokens or bad hellos more often than it may.
	JoinsRefusedAddress, ListsRefusedAddress, RoomsRefusedAddress, TokensRefusedAddress, HellosRefusedAddress uint64
	// MemoryUsed is what the process uses, in bytes, and RefusedMemory are newcomers for whom too little was left; both are
	// zero without Config.MemoryBytes.
	MemoryUsed, RefusedMemory uint64
	// CertificateExpires is when the certificate ends, in seconds of Unix time; zero when that is not known.
	CertificateExpires int64
	// Conduct is what became of what sessions sent beyond their limits, by limit.
	Conduct [ConductLimits]ConductStats
	// Impaired are the players whose link is impaired on purpose now. ImpairLost of their datagrams were lost to that by chance,
	// ImpairOverflowed since too many waited, as far as it is over.
	Impaired                     int
	ImpairLost, ImpairOverflowed uint64
	// RequestsRepeated came once more after a resume, and were not run again.
	RequestsRepeated uint64
	// LogsDropped counts the log lines that were not written because the handler was too slow.
	LogsDropped uint64
	// Ticks is how long the ticks of all rooms took.
	Ticks Distribution
	// Late is how long after they were due ticks began.
	Late Distribution
	// Drain, Step and Publish are the parts of a tick: taking the inputs, the step with its commit, handing on.
	Drain, Step, Publish Phase
	// Choose and Hand are what follows for each client, in the workers: choosing and encoding, handing to the connection.
	// Spread is how long after its tick a client's turn came.
	Choose, Hand, Spread Phase
	// Transport are the listener's.
	Transport transport.Stats
}

// Phase is the time that a part of the work took.
type Phase struct {
	Count      uint64
	Total, Max time.Duration
}

// Mean is the average; zero before the first.
func (p Phase) Mean() time.Duration {
	if p.Count == 0 {
		return 0
	}
	return p.Total / time.Duration(p.Count)
}

// RoomStats are a room's figures.
type RoomStats struct {
	// Game and Name are what the room is joined by; a private room's name is its code, which is for its players alone.
	Game, Name string
	Private    bool
	// ID is the room's own, in hexadecimal.
	ID string
	// Opened is when it was made; Tick its latest tick.
	Opened time.Time
	Tick   uint64
	// Every is how many periods a tick of it takes: 1, more in slow motion, 0 while it is frozen.
	Every int
	// Players are in it, or on their way in; MaxPlayers may be.
	Players, MaxPlayers int
}

// Rooms returns the figures of the open rooms. Any goroutine may call it.
func (s *Server) Rooms() []RoomStats {
	var out []RoomStats
	for _, row := range find[roomRow](s.directory, roomRows, byID, nil) {
		out = append(out, row.stats())
	}
	return out
}

func (row *roomRow) stats() RoomStats {
	return RoomStats{
		Game: row.game, Name: row.name, Private: row.private, ID: fmt.Sprintf("%x", row.id), Opened: row.opened, Tick: row.room.tick.Load(),
		Every: int(row.room.wanted.Load()), Players: row.players, MaxPlayers: row.most,
	}
}

// InputStats are what became of one player's inputs.
type InputStats struct {
	// Applied came for their ticks. Repeated and Neutral are ticks that went without, also of a player who is held: the last
	// one stood for them, or the neutral one.
	Applied, Repeated, Neutral uint64
	// Margin is how early the newest one came before its tick, in quarters of a tick; negative is too late. Of several that
	// came since the player was told last it is the least.
	Margin int
	// Late counts datagrams whose inputs were all for ticks that were over, Early those with inputs for ticks too far
	// ahead, Surplus those with more inputs than Limits.InputsPerTick.
	Late, Early, Surplus uint64
}

// SessionStats are one player's figures.
type SessionStats struct {
	// Room is the RoomStats.ID of the room that the player is in.
	Room   string
	Player world.Player
	// User is who that is, as Config.Gate said; empty means nobody in particular.
	User string
	// Addr is the client's, Joined when the player came.
	Addr   string
	Joined time.Time
	// Held tells that the connection is lost, and the player may come back.
	Held bool
	// RoundTrip is the connection's, smoothed; zero before it is known. SentPackets and LostPackets count since the
	// connection began.
	RoundTrip                time.Duration
	SentPackets, LostPackets uint64
	// Datagrams and Bytes are the states that were sent.
	Datagrams, Bytes uint64
	// Tables is how many of the bytes the records of each table took, in the order of the schema, and EventBytes events; the
	// rest are the datagrams' headers. Both count what was encoded, and so also what the connection did not take.
	Tables     []TableBytes
	EventBytes uint64
	// Impaired is how the player's link is impaired on purpose; the zero Impairment when it is not.
	Impaired Impairment
	// AgeTicks is how many ticks the newest state that the client is known to have is behind the room's.
	AgeTicks int
	Inputs   InputStats
}

// TableBytes is how many bytes the records of a table took for one player.
type TableBytes struct {
	Table string
	Bytes uint64
}

// Sessions returns the figures of the players who are in. Any goroutine may call it; neither rooms nor players' inputs wait
// for it.
func (s *Server) Sessions() []SessionStats {
	var out []SessionStats
	for _, row := range find[sessionRow](s.directory, sessionRows, byID, nil) {
		out = append(out, row.stats())
	}
	return out
}

func (row *sessionRow) stats() SessionStats {
	s, path := row.session, row.conn.Stats()
	out := SessionStats{
		Room: fmt.Sprintf("%x", row.room), Player: row.player, User: s.who.User, Addr: row.conn.RemoteAddr().String(), Joined: row.joined, Held: s.held.Load(),
		RoundTrip: path.SmoothedRTT, SentPackets: path.SentPackets, LostPackets: path.LostPackets,
		Datagrams: s.sent.Load(), Bytes: s.sentBytes.Load(), Inputs: s.inbox.stats(),
	}
	tables, events := s.replicate.SectionBytes()
	for i, n := range tables {
		out.Tables = append(out.Tables, TableBytes{s.game.schema.Tables[i].Name, n})
	}
	out.EventBytes = events
	if wanted := s.impairing.now(); wanted.holds(time.Now()) {
		out.Impaired = wanted
	}
	if acked := uint32(s.acked.Load()); acked != 0 {
		out.AgeTicks = int(max(0, int32(uint32(s.room.tick.Load())-acked)))
	}
	return out
}

// panicPlaces are where panics are contained, as Stats.Panics names them, but for those in ticks.
var panicPlaces = []string{"connection", "gate", "http", "log", "moderate", "pass", "room", "session", "websocket"}

// panicked counts the panics by their places, all of which are there.
func (s *Server) panicked() map[string]uint64 {
	counts := s.panics.Counts()
	counts["log"] = s.spool.Panicked()
	for _, where := range panicPlaces {
		counts[where] += 0
	}
	return counts
}

// counters are what the server's goroutines count; each is added to atomically.
type counters struct {
	overruns, skipped, failedTicks, clamped                         atomic.Uint64
	applied, repeated, neutral                                      atomic.Uint64
	staleAcks, acksDropped, datagrams, bytes, passes, passesSkipped atomic.Uint64
	unsent, lateWakes, eventsDropped                                atomic.Uint64
	checkedRows, checkedPages, unchecked, diverged                  atomic.Uint64
	resent, resendsRefused                                          atomic.Uint64
	firstDivergence                                                 atomic.Pointer[Divergence]
	requests, requestsRefused, messagesDropped                      atomic.Uint64
	sights, sightsUnknown, sightsRefused, sightsClamped             atomic.Uint64
	chatLines, chatLimited, chatRefused, requestsRepeated           atomic.Uint64
	impairLost, impairOverflowed                                    atomic.Uint64
	banned, drained, roomsRefused, roomsRefusedBusy                 atomic.Uint64
	joined, unwelcomed, roomsOpened, roomsClosed                    atomic.Uint64
	gone                                                            [world.Stopped + 1]atomic.Uint64 // by why they left
	stuck                                                           atomic.Int64
	roomsStuck                                                      atomic.Uint64
	resumed, holdsExpired, holdsRefused, resumesRefused             atomic.Uint64
	holdsRefusedAddress, refusedMemory                              atomic.Uint64
	noHello, greetingsRefused, greetingsRefusedAddress              atomic.Uint64
	rejected                                                        [protocol.RejectCount]atomic.Uint64
	joinsRefusedAddress, roomsRefusedAddress                        atomic.Uint64
	tokensRefusedAddress, hellosRefusedAddress, listsRefusedAddress atomic.Uint64
	conduct                                                         conductCounters
	drain, step, publish, choose, hand, spread                      phaseCounter
	ticks, late                                                     distribution
}

func (c *counters) reject(err error) {
	if r, ok := protocol.RejectOf(err); ok {
		c.rejected[r].Add(1)
	}
}

// phaseCounter is written by the rooms' loops, or by the workers.
type phaseCounter struct {
	count      atomic.Uint64
	total, max atomic.Int64
}

func (p *phaseCounter) add(d time.Duration) {
	p.count.Add(1)
	p.total.Add(int64(d))
	for most := p.max.Load(); int64(d) > most && !p.max.CompareAndSwap(most, int64(d)); {
		most = p.max.Load()
	}
}

func (p *phaseCounter) read() Phase {
	return Phase{Count: p.count.Load(), Total: time.Duration(p.total.Load()), Max: time.Duration(p.max.Load())}
}

// Stats returns the figures as they are now. Any goroutine may call it.
func (s *Server) Stats() Stats {
	c := &s.counters
	out := Stats{
		RoomsOpened: c.roomsOpened.Load(), RoomsClosed: c.roomsClosed.Load(), RoomsRefused: c.roomsRefused.Load(), RoomsRefusedBusy: c.roomsRefusedBusy.Load(), Tokens: s.keys.count(),
		Joined: c.joined.Load(), Unwelcomed: c.unwelcomed.Load(), Left: c.gone[world.Left].Load(), Lost: c.gone[world.Lost].Load(),
		Expelled: c.gone[world.Expelled].Load(), Stopped: c.gone[world.Stopped].Load(),
		StuckRooms: int(c.stuck.Load()), RoomsStuck: c.roomsStuck.Load(), Panics: s.panicked(),
		Overruns: c.overruns.Load(), LateWakes: c.lateWakes.Load(), Skipped: c.skipped.Load(),
		FailedTicks: c.failedTicks.Load(), Clamped: c.clamped.Load(), Applied: c.applied.Load(), Repeated: c.repeated.Load(), Neutral: c.neutral.Load(),
		StaleAcks: c.staleAcks.Load(), AcksDropped: c.acksDropped.Load(),
		Datagrams: c.datagrams.Load(), DatagramBytes: c.bytes.Load(), Unsent: c.unsent.Load(),
		Passes: c.passes.Load(), SkippedPasses: c.passesSkipped.Load(), EventsDropped: c.eventsDropped.Load(),
		CheckedRows: c.checkedRows.Load(), CheckedPages: c.checkedPages.Load(), Unchecked: c.unchecked.Load(), Diverged: c.diverged.Load(),
		Resent: c.resent.Load(), ResendsRefused: c.resendsRefused.Load(),
		Requests: c.requests.Load(), RequestsRefused: c.requestsRefused.Load(),
		ChatLines: c.chatLines.Load(), ChatLimited: c.chatLimited.Load(), ChatRefused: c.chatRefused.Load(),
		Sights: c.sights.Load(), SightsUnknown: c.sightsUnknown.Load(), SightsRefused: c.sightsRefused.Load(), SightsClamped: c.sightsClamped.Load(),
		MessagesDropped: c.messagesDropped.Load(), LogsDropped: s.spool.Dropped(),
		Ticks: c.ticks.read(), Late: c.late.read(), Drain: c.drain.read(), Step: c.step.read(), Publish: c.publish.read(),
		Choose: c.choose.read(), Hand: c.hand.read(), Spread: c.spread.read(),
		Held: uint64(s.held.Load()), Resumed: c.resumed.Load(), HoldsExpired: c.holdsExpired.Load(),
		HoldsRefused: c.holdsRefused.Load(), HoldsRefusedAddress: c.holdsRefusedAddress.Load(),
		ResumesRefused: c.resumesRefused.Load(), RequestsRepeated: c.requestsRepeated.Load(),
		Banned: c.banned.Load(), Drained: c.drained.Load(), Denied: s.denials.read(), Conduct: c.conduct.read(&s.rules),
		NoHello: c.noHello.Load(), GreetingsRefused: c.greetingsRefused.Load(), GreetingsRefusedAddress: c.greetingsRefusedAddress.Load(),
		JoinsRefusedAddress: c.joinsRefusedAddress.Load(), ListsRefusedAddress: c.listsRefusedAddress.Load(), RoomsRefusedAddress: c.roomsRefusedAddress.Load(),
		TokensRefusedAddress: c.tokensRefusedAddress.Load(), HellosRefusedAddress: c.hellosRefusedAddress.Load(),
		MemoryUsed: s.memory.used.Load(), RefusedMemory: c.refusedMemory.Load(),
		Impaired: s.impaired(), ImpairLost: c.impairLost.Load(), ImpairOverflowed: c.impairOverflowed.Load(),
		Transport: s.listener.Stats(),
	}
	if gate, ok := s.cfg.Gate.(Counted); ok {
		out.Gate = gate.Counts()
	}
	if ends := s.listener.CertificateExpires(); !ends.IsZero() {
		out.CertificateExpires = ends.Unix()
	}
	if first := c.firstDivergence.Load(); first != nil {
		out.FirstDivergence = *first
	}
	for _, row := range find[roomRow](s.directory, roomRows, byID, nil) {
		out.Rooms++
		out.Players += int(row.room.players.Load())
	}
	out.Sessions = len(find[sessionRow](s.directory, sessionRows, byID, nil))
	for i := range out.Rejected {
		out.Rejected[i] = c.rejected[i].Load()
	}
	return out
}
