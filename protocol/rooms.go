package protocol

import "fmt"

// List asks a server for its public rooms (docs/protocol.md §4). It may be a connection's first message; a hello may
// follow, or the end.
type List struct {
	// Version is the protocol version that the client speaks; zero means Version when it is appended.
	Version uint
	// Game names the game whose rooms are asked for, at most MaxGameName bytes; empty means every game's.
	Game string
}

// AppendList appends the message, not yet framed, to dst. What ParseList would refuse it refuses with the same
// RejectError and returns dst as it was.
func AppendList(dst []byte, l List) ([]byte, error) {
	if l.Version == 0 {
		l.Version = Version
	}
	start := len(dst)
	dst = appendUint(appendHead(dst, KindList, 3), uint64(l.Version))
	dst = appendText(dst, l.Game)
	if _, err := ParseList(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append list: %w", err)
	}
	return dst, nil
}

// ParseList reads a client's list from a frame's content. The errors are RejectErrors; the version is read first, as
// in ParseHello.
func ParseList(b []byte) (List, error) {
	r := openMessage(b, KindList)
	version := r.version("client", "server")
	r.checkForm(MaxHelloFrame)
	l := List{Version: version, Game: r.title("game", MaxGameName)}
	if r.err != nil {
		return List{}, r.err
	}
	return l, nil
}

// RoomInfo is what a list tells of a room.
type RoomInfo struct {
	// Game and Name are what it is joined by, at most MaxGameName bytes each.
	Game, Name string
	// Players are in it, of at most MaxPlayers.
	Players, MaxPlayers int
}

// Rooms is the server's answer to a List: public rooms, at most MaxRooms.
type Rooms struct {
	// Version is the protocol version that the server speaks; zero means Version when it is appended.
	Version uint
	Rooms   []RoomInfo
}

// AppendRooms appends the message, not yet framed, to dst. What ParseRooms would refuse it refuses with the same
// RejectError and returns dst as it was.
func AppendRooms(dst []byte, m Rooms) ([]byte, error) {
	if m.Version == 0 {
		m.Version = Version
	}
	if len(m.Rooms) > MaxRooms {
		return dst, fmt.Errorf("append rooms: %w",
			rejectf(Oversized, "rooms's rooms has %d elements: send at most %d", len(m.Rooms), MaxRooms))
	}
	start := len(dst)
	dst = appendUint(appendHead(dst, KindRooms, 3), uint64(m.Version))
	dst = appendArray(dst, len(m.Rooms))
	for _, room := range m.Rooms {
		dst = appendArray(dst, 4)
		dst = appendText(appendText(dst, room.Game), room.Name)
		dst = appendUint(appendUint(dst, uint64(room.Players)), uint64(room.MaxPlayers))
	}
	if _, err := ParseRooms(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append rooms: %w", err)
	}
	return dst, nil
}

// ParseRooms reads a server's rooms from a frame's content. Nothing in the result shares b's memory. The errors are
// RejectErrors; the version is read first.
func ParseRooms(b []byte) (Rooms, error) {
	r := openMessage(b, KindRooms)
	version := r.version("server", "client")
	r.checkForm(MaxFrame)
	m := Rooms{Version: version}
	for n := r.array("rooms", MaxRooms); n > 0 && r.err == nil; n-- {
		m.Rooms = append(m.Rooms, r.room())
	}
	if r.err != nil {
		return Rooms{}, r.err
	}
	return m, nil
}

// room reads one of the rooms, an array within theirs.
func (r *fields) room() RoomInfo {
	r.left = 1
	r.left = uint64(r.array("room", MaxElements))
	info := RoomInfo{
		Game: r.text("game", MaxGameName), Name: r.text("name", MaxGameName),
		Players: int(r.uint("players", MaxPlayers)), MaxPlayers: int(r.uint("most players", MaxPlayers)),
	}
	r.skip()
	return info
}

// skip passes over what is left of an array: fields of later versions, which checkForm has checked.
func (r *fields) skip() {
	for r.err == nil && r.left > 0 {
		n, err := Walk(r.b[r.at:], WalkLimits{})
		r.at, r.left, r.err = r.at+n, r.left-1, err
	}
}
