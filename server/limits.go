package server

import (
	"fmt"
	"runtime"
	"time"

	"github.com/quicstep/quicstep/protocol"
)

// Limits are the bounds of a server, each with what happens past it. Zero means the default; a negative number is an
// error.
type Limits struct {
	// MaxRooms bounds the rooms that are open at once; zero means 100. A join that needs one more is refused as full.
	MaxRooms int
	// RoomsPerSecond bounds the rooms that are made in a second, four seconds' at once, by those who are not of
	// Config.Trusted; zero means 5. MaxTickLoad is the part of the processors' time, in percent, that the ticks of all rooms
	// may take when another room is asked for; zero means 50, and 100 no bound. Who asks for one more is refused as full.
	RoomsPerSecond, MaxTickLoad int
	// MaxPlayers bounds the players of a room, below what the game itself says; zero means 1,000. One more is refused
	// as full, or gets another room when it named none.
	MaxPlayers int
	// MaxHeld bounds the players, in all rooms, who are held although their connection is lost; zero means 1,024. One more
	// leaves as if the game held nobody. They keep their places in their rooms, and none among the connections.
	MaxHeld int
	// MaxHeldPerAddress bounds those of one address, so that nobody takes all places by joining and going away; zero means
	// 128. One more leaves as if the game held nobody.
	MaxHeldPerAddress int
	// EmptyRoomLifetime is for how long a room without players stays open; zero means 30 s.
	EmptyRoomLifetime time.Duration
	// JoinsPerTick bounds the players who are let in, or refused by the game, in one tick of a room; the others wait
	// for the next. Zero means 32.
	JoinsPerTick int
	// MaxRows bounds the rows of a room, in all its tables together and in whole pages of 64; zero means 262,144. An Insert
	// that needs one more page panics, which costs the room that tick, and three such ticks in a row the room.
	MaxRows int
	// InputsPerTick bounds the inputs that one session may send in a tick's time, so that one who sends more gains
	// nothing; zero means protocol.InputsPerDatagram. The rest is dropped and counted.
	InputsPerTick int
	// OpenRequests bounds the requests of one session that wait for their answer; zero means 16. One more is answered
	// with a refusal.
	OpenRequests int
	// UnreadMessages bounds the messages and lines of chat that wait for a client that does not read; zero means 256.
	// Further ones are dropped and counted. Answers to requests are not: while as many of them wait, no further request of
	// this client is read.
	UnreadMessages int
	// ChatPerMinute bounds the lines that one session may say, a quarter of a minute's at once; zero means 60. The rest
	// is dropped, counted, and the speaker told.
	ChatPerMinute int
	// RepeatsPerMinute bounds the lines of one session that say again what it has said just before, half a minute's at once; zero
	// means 6. The rest is dropped, counted, and the speaker told.
	RepeatsPerMinute int
	// RefusedChatPerMinute bounds the lines of one session that Config.Moderate does not pass, half a minute's at once; zero
	// means 12. Who goes on is warned, then disconnected, as with each limit below, of which docs/operating.md has the table.
	RefusedChatPerMinute int
	// DatagramsPerSecond bounds the datagrams of one session, two seconds' at once; zero means eight a tick, and at least 240.
	// The rest is dropped unread, and counted.
	DatagramsPerSecond int
	// MalformedPerMinute bounds the datagrams of one session that can't be read, a minute's at once; zero means 60. All of
	// them are dropped.
	MalformedPerMinute int
	// ForgedAcksPerMinute bounds the acknowledgements of one session of datagrams that it was never sent, a minute's at once;
	// zero means 30. None of them counts.
	ForgedAcksPerMinute int
	// MessagesPerSecond and MessageBytesPerSecond bound what one session sends on the control stream, four seconds' at once; zero
	// means 60, and 32 KiB. The rest is dropped and counted.
	MessagesPerSecond, MessageBytesPerSecond int
	// ResyncsPerMinute bounds the resyncs of one session, a minute's at once; zero means 12. The rest is dropped and counted.
	ResyncsPerMinute int
	// RequestsPerSecond bounds the requests of one session, two seconds' at once; zero means 30. The rest is counted, and
	// answered with a refusal.
	RequestsPerSecond int
	// ResumesPerMinute bounds the connections that go on with one session, a third of a minute's at once; zero means 60. One
	// more is refused as full.
	ResumesPerMinute int
	// ResendsPerSecond bounds the rows of a session that are told anew in a second because what it reports of its replica is
	// not as it should be; zero means 8. The rest is counted, and left to a later report.
	ResendsPerSecond int
	// StuckAfter is for how long a room may be in one tick; zero means 5 s. Up to a fifth of it later the room is given up: its
	// players are told that it has closed, and nobody finds it any more. See docs/operating.md, When a room is stuck.
	StuckAfter time.Duration
	// MaxStuckRooms bounds the rooms of a game that were given up and whose goroutines still run, each on a core of its own at
	// worst; zero means 2. While there are as many, no new room of that game is made, and who needs one is refused as full.
	MaxStuckRooms int
	// CatchUpTicks is how many late ticks of a room run back to back before the rest is skipped; zero means 5.
	CatchUpTicks int

	// MaxConns bounds the connections that are open at once, in all rooms and on their way in or out; zero means 4,096.
	// One more is closed as full.
	MaxConns int
	// MaxConnsPerAddress bounds those of one address (of IPv6, of one network of 64 bits) unless it is one of Config.Trusted,
	// as do all limits for each address; zero means 128. One more is closed as full.
	MaxConnsPerAddress int
	// MaxGreeting bounds the connections that have not said hello yet; zero means 1,024. One more is closed as full.
	MaxGreeting int
	// JoinsPerMinutePerAddress bounds the joins of one address (of IPv6, of one network of 64 bits) unless it is one of
	// Config.Trusted, a minute's at once; zero means 240. One more is refused as full. The same holds for each of the next five.
	JoinsPerMinutePerAddress int
	// ListsPerMinutePerAddress bounds the lists of rooms that one address asks for; zero means 240.
	ListsPerMinutePerAddress int
	// RoomsPerMinutePerAddress bounds the rooms that are made for one address in a minute, or were not since the server was too
	// busy, and MaxRoomsPerAddress those that are open; zero means 30, and 25. A join that needs one more is refused as full.
	RoomsPerMinutePerAddress, MaxRoomsPerAddress int
	// WrongTokensPerMinutePerAddress bounds the resume tokens of one address that are nobody's; zero means 30. Then none of
	// it is looked at.
	WrongTokensPerMinutePerAddress int
	// BadHellosPerMinutePerAddress bounds the connections of one address that are ended for what stands in place of a hello; zero
	// means 60. Then none of it is read.
	BadHellosPerMinutePerAddress int
	// MaxGreetingPerAddress bounds those of one address; zero means 64. One more is closed as full.
	MaxGreetingPerAddress int
	// MaxHandshakes bounds the handshakes under way at once; zero means 512. One more is refused before it costs
	// anything.
	MaxHandshakes int
	// MaxHandshakesPerAddress bounds those of one address, and its connections of HTTP/3 without a session; zero means 64.
	// One more is refused likewise.
	MaxHandshakesPerAddress int
	// HandshakesPerSecondPerAddress bounds the handshakes of one address that begin in a second, over UDP and TCP, four seconds'
	// at once; zero means 32. One more is refused likewise.
	HandshakesPerSecondPerAddress int
	// RetryAbovePerSecond is how many newcomers in a second need not show first that they receive at their address; zero
	// means 100. The others must (QUIC's Retry, a round trip more), and so must all while a quarter of MaxHandshakes are
	// under way, and those of an address from half of what it may do on.
	RetryAbovePerSecond int
	// HandshakesPerSecond bounds the handshakes that are computed in a second, each of which takes some 1 ms of a core, so
	// that many newcomers at once leave the processor to those who play; zero means 100 for each processor. The others wait for their turn.
	HandshakesPerSecond int
	// MovesPerMinute bounds how often in a minute a client may change its address, as many at once; zero means 20. With one
	// more its connection is closed as abuse.
	MovesPerMinute int
	// MaxStreams bounds the streams of each kind that a client may have open; zero means 4. Unless Config.NoWeb is set,
	// there may be 4 more, which HTTP/3 needs.
	MaxStreams int
	// MaxHTTPConns bounds the connections to the TCP port that are open at once and are not WebSockets, which are among
	// MaxConns; zero means 512. One more is closed at once.
	MaxHTTPConns int
	// MaxHTTPConnsPerAddress bounds those of one address; zero means 128. One more is closed at once.
	MaxHTTPConnsPerAddress int
	// MaxHTTPRequests bounds the requests of one HTTP/3 connection; zero means 16. With one more it is closed.
	MaxHTTPRequests int
	// StreamWindowBytes bounds what a client may send on one stream before it was read; zero means 64 KiB.
	StreamWindowBytes int
	// ConnWindowBytes bounds the same over all streams of a connection, and must not be less; zero means 256 KiB.
	ConnWindowBytes int
	// HandshakeTimeout is how long a handshake may go without a packet from the client; zero means 5 s.
	HandshakeTimeout time.Duration
	// IdleTimeout is how long a connection may go without a packet from the client; zero means 15 s. Then it is lost, and
	// the player is held for as long as the game says.
	IdleTimeout time.Duration
	// HelloTimeout is how long a new connection may take to say hello, and one of HTTP before to ask for a session; zero
	// means 5 s. Then it is closed.
	HelloTimeout time.Duration
	// CloseTimeout bounds how long a connection that is being ended may take over it; zero means 1 s.
	CloseTimeout time.Duration
}

func (l Limits) withDefaults(tickRate int) (Limits, error) {
	for _, f := range l.numbers(tickRate) {
		if *f.value < 0 {
			return l, fmt.Errorf("server: Limits.%s is %d; it can't be negative, and zero means %d", f.name, *f.value, f.standard)
		}
		if *f.value == 0 {
			*f.value = f.standard
		}
	}
	for _, f := range l.times() {
		if *f.value < 0 {
			return l, fmt.Errorf("server: Limits.%s is %v; it can't be negative, and zero means %v", f.name, *f.value, f.standard)
		}
		if *f.value == 0 {
			*f.value = f.standard
		}
	}
	if l.MaxPlayers > protocol.MaxPlayers {
		return l, fmt.Errorf("server: Limits.MaxPlayers is %d; at most %d are possible", l.MaxPlayers, protocol.MaxPlayers)
	}
	return l, nil
}

// bound is one of the fields, and what its zero means.
type bound[T int | time.Duration] struct {
	name     string
	value    *T
	standard T
}

// numbers are the fields that count.
func (l *Limits) numbers(tickRate int) []bound[int] {
	return []bound[int]{
		{"MaxRooms", &l.MaxRooms, 100},
		{"RoomsPerSecond", &l.RoomsPerSecond, 5},
		{"MaxTickLoad", &l.MaxTickLoad, 50},
		{"MaxPlayers", &l.MaxPlayers, 1000},
		{"MaxHeld", &l.MaxHeld, 1024},
		{"JoinsPerMinutePerAddress", &l.JoinsPerMinutePerAddress, 240},
		{"ListsPerMinutePerAddress", &l.ListsPerMinutePerAddress, 240},
		{"RoomsPerMinutePerAddress", &l.RoomsPerMinutePerAddress, 30},
		{"MaxRoomsPerAddress", &l.MaxRoomsPerAddress, 25},
		{"WrongTokensPerMinutePerAddress", &l.WrongTokensPerMinutePerAddress, 30},
		{"BadHellosPerMinutePerAddress", &l.BadHellosPerMinutePerAddress, 60},
		{"MaxHeldPerAddress", &l.MaxHeldPerAddress, 128},
		{"JoinsPerTick", &l.JoinsPerTick, 32},
		{"MaxRows", &l.MaxRows, 1 << 18},
		{"InputsPerTick", &l.InputsPerTick, protocol.InputsPerDatagram},
		{"OpenRequests", &l.OpenRequests, 16},
		{"UnreadMessages", &l.UnreadMessages, 256},
		{"ChatPerMinute", &l.ChatPerMinute, 60},
		{"RepeatsPerMinute", &l.RepeatsPerMinute, 6},
		{"RefusedChatPerMinute", &l.RefusedChatPerMinute, 12},
		{"DatagramsPerSecond", &l.DatagramsPerSecond, max(240, 8*tickRate)},
		{"MalformedPerMinute", &l.MalformedPerMinute, 60},
		{"ForgedAcksPerMinute", &l.ForgedAcksPerMinute, 30},
		{"MessagesPerSecond", &l.MessagesPerSecond, 60},
		{"MessageBytesPerSecond", &l.MessageBytesPerSecond, 32 << 10},
		{"ResyncsPerMinute", &l.ResyncsPerMinute, 12},
		{"RequestsPerSecond", &l.RequestsPerSecond, 30},
		{"ResumesPerMinute", &l.ResumesPerMinute, 60},
		{"ResendsPerSecond", &l.ResendsPerSecond, 8},
		{"CatchUpTicks", &l.CatchUpTicks, 5},
		{"MaxStuckRooms", &l.MaxStuckRooms, 2},
		{"MaxConns", &l.MaxConns, 4096},
		{"MaxConnsPerAddress", &l.MaxConnsPerAddress, 128},
		{"MaxGreeting", &l.MaxGreeting, 1024},
		{"MaxGreetingPerAddress", &l.MaxGreetingPerAddress, 64},
		{"MaxHandshakes", &l.MaxHandshakes, 512},
		{"MaxHandshakesPerAddress", &l.MaxHandshakesPerAddress, 64},
		{"HandshakesPerSecondPerAddress", &l.HandshakesPerSecondPerAddress, 32},
		{"RetryAbovePerSecond", &l.RetryAbovePerSecond, 100},
		{"HandshakesPerSecond", &l.HandshakesPerSecond, 100 * runtime.GOMAXPROCS(0)},
		{"MovesPerMinute", &l.MovesPerMinute, 20},
		{"MaxStreams", &l.MaxStreams, 4},
		{"MaxHTTPConns", &l.MaxHTTPConns, 512},
		{"MaxHTTPConnsPerAddress", &l.MaxHTTPConnsPerAddress, 128},
		{"MaxHTTPRequests", &l.MaxHTTPRequests, 16},
		{"StreamWindowBytes", &l.StreamWindowBytes, 64 << 10},
		{"ConnWindowBytes", &l.ConnWindowBytes, 256 << 10},
	}
}

// times are the others.
func (l *Limits) times() []bound[time.Duration] {
	return []bound[time.Duration]{
		{"EmptyRoomLifetime", &l.EmptyRoomLifetime, 30 * time.Second},
		{"StuckAfter", &l.StuckAfter, 5 * time.Second},
		{"HandshakeTimeout", &l.HandshakeTimeout, 5 * time.Second},
		{"IdleTimeout", &l.IdleTimeout, 15 * time.Second},
		{"HelloTimeout", &l.HelloTimeout, 5 * time.Second},
		{"CloseTimeout", &l.CloseTimeout, time.Second},
	}
}
