package server

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-memdb"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// directory is which rooms are open and who is in them: rows of go-memdb, which anyone may read without a lock. A row is
// immutable; a change is a new row.
type directory struct {
	db *memdb.MemDB
	mu sync.Mutex // held by whoever changes rows that it has read
}

// The directory's tables and indexes.
const (
	roomRows    = "room"
	sessionRows = "session"
	byID        = "id"
	byName      = "name" // a room's game, kind and name
	byGame      = "game" // a room's game
	byRoom      = "room" // a session's room
)

// roomRow is an open room.
type roomRow struct {
	id         [16]byte
	game, name string
	private    bool
	players    int // in it, or on their way in
	most       int
	opened     time.Time
	room       *room
}

// sessionRow is a player in a room.
type sessionRow struct {
	id, room [16]byte
	player   world.Player
	session  *session
	conn     *transport.Conn // the latest one
	joined   time.Time
}

func newDirectory() (*directory, error) {
	unique := func(key func(any) []byte) *memdb.IndexSchema {
		return &memdb.IndexSchema{Unique: true, Indexer: rowIndex{key}}
	}
	named := func(tables map[string]*memdb.IndexSchema) map[string]*memdb.IndexSchema {
		for name, index := range tables {
			index.Name = name
		}
		return tables
	}
	db, err := memdb.NewMemDB(&memdb.DBSchema{Tables: map[string]*memdb.TableSchema{
		roomRows: {Name: roomRows, Indexes: named(map[string]*memdb.IndexSchema{
			byID:   unique(func(r any) []byte { return r.(*roomRow).id[:] }),
			byName: unique(func(r any) []byte { return r.(*roomRow).nameKey() }),
			byGame: {Indexer: rowIndex{func(r any) []byte { return gameKey(r.(*roomRow).game) }}},
		})},
		sessionRows: {Name: sessionRows, Indexes: named(map[string]*memdb.IndexSchema{
			byID:   unique(func(r any) []byte { return r.(*sessionRow).id[:] }),
			byRoom: {Indexer: rowIndex{func(r any) []byte { return r.(*sessionRow).room[:] }}},
		})},
	}})
	if err != nil {
		return nil, fmt.Errorf("open the directory of rooms: %w", err)
	}
	return &directory{db: db}, nil
}

// rowIndex finds rows by a key that is made without reflection, and queries by the key itself.
type rowIndex struct{ key func(row any) []byte }

// FromObject makes a row's key. Its capacity is its length, since go-memdb appends to what it gets.
func (x rowIndex) FromObject(row any) (bool, []byte, error) {
	key := x.key(row)
	return true, key[:len(key):len(key)], nil
}

// FromArgs takes the key.
func (x rowIndex) FromArgs(args ...any) ([]byte, error) {
	if len(args) == 1 {
		if key, ok := args[0].([]byte); ok {
			return key[:len(key):len(key)], nil
		}
	}
	return nil, fmt.Errorf("a row is found by its key, not by %v", args)
}

func gameKey(game string) []byte { return append([]byte(game), 0) }

func nameKey(game, name string, private bool) []byte {
	kind := byte('=')
	if private {
		kind = '#'
	}
	return append(append(append(gameKey(game), kind), name...), 0) // or it would also find what begins like it
}

func (r *roomRow) nameKey() []byte { return nameKey(r.game, r.name, r.private) }

// find returns the rows of an index in a table; the zero key means all of them.
func find[R any](d *directory, table, index string, key []byte) (rows []*R) {
	args := []any{key}
	if key == nil {
		args = nil
	}
	it, err := d.db.Txn(false).Get(table, index, args...)
	if err != nil {
		panic(fmt.Sprintf("server: read the directory's %s by %s: %v", table, index, err))
	}
	for row := it.Next(); row != nil; row = it.Next() {
		rows = append(rows, any(row).(*R))
	}
	return rows
}

// write makes one change.
func (d *directory) write(change func(*memdb.Txn) error) {
	txn := d.db.Txn(true)
	if err := change(txn); err != nil {
		panic(fmt.Sprintf("server: write to the directory: %v", err))
	}
	txn.Commit()
}

// seat finds the room that a hello asks for and takes a place in it, so that the place is there until release. When none
// is there that may be made, it returns nothing. The errors say why not.
func (d *directory) seat(game string, h protocol.Hello) (*room, *refusal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	row, refused := d.choose(game, h)
	if row == nil {
		return nil, refused
	}
	d.resize(row, 1)
	return row.room, nil
}

// refusal is why a client is not let in, and with which code it is closed.
type refusal struct {
	code   protocol.CloseCode
	reason string
}

func (d *directory) choose(game string, h protocol.Hello) (*roomRow, *refusal) {
	if h.Room == "" {
		return d.fullest(game, h), nil
	}
	private := h.Join == protocol.JoinPrivate
	name := h.Room
	if private {
		name = strings.ToUpper(name)
	}
	rows := find[roomRow](d, roomRows, byName, nameKey(game, name, private))
	switch {
	case len(rows) > 0 && rows[0].players < rows[0].most:
		return rows[0], nil
	case len(rows) > 0:
		return nil, &refusal{protocol.CloseFull, fmt.Sprintf("room %q is full: it holds %d players; try later, or another room", name, rows[0].most)}
	case private:
		return nil, &refusal{protocol.CloseRefused, "no private room has this code: check it, or ask for a new one"}
	case h.Join == protocol.JoinExisting:
		return nil, &refusal{protocol.CloseRefused, fmt.Sprintf("there is no room %q: list the rooms, or let it be made", name)}
	}
	return nil, nil
}

// fullest is the public room of a game with the most players that has a place, nil when none has.
func (d *directory) fullest(game string, h protocol.Hello) (best *roomRow) {
	if h.Join == protocol.CreatePrivate {
		return nil
	}
	for _, row := range find[roomRow](d, roomRows, byGame, gameKey(game)) {
		if !row.private && row.players < row.most && (best == nil || row.players > best.players) {
			best = row
		}
	}
	return best
}

// resize adds players to a room's row. The caller holds mu.
func (d *directory) resize(row *roomRow, by int) {
	next := *row
	next.players += by
	d.write(func(txn *memdb.Txn) error { return txn.Insert(roomRows, &next) })
}

// hasSpace tells whether there may be another room.
func (d *directory) hasSpace(most int) bool {
	return len(find[roomRow](d, roomRows, byID, nil)) < most
}

// open adds a new room, for a hello, with a place taken for whoever sent it. It returns false when there are as many as
// may be, or when by now there is one that the hello is to get.
func (d *directory) open(row *roomRow, h protocol.Hello, most int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if there, refused := d.choose(row.game, h); there != nil || refused != nil || !d.hasSpace(most) {
		return false
	}
	if len(find[roomRow](d, roomRows, byName, row.nameKey())) > 0 {
		return false // a name or a code that was made up is taken
	}
	row.players = 1
	d.write(func(txn *memdb.Txn) error { return txn.Insert(roomRows, row) })
	return true
}

// release gives places in a room back, once those who had them are out of its world. The room's loop calls it, and does
// not wait: it returns false when somebody else is at the directory.
func (d *directory) release(id [16]byte, places int) bool {
	if !d.mu.TryLock() {
		return false
	}
	defer d.mu.Unlock()
	if rows := find[roomRow](d, roomRows, byID, id[:]); len(rows) > 0 {
		d.resize(rows[0], -places)
	}
	return true
}

// retire takes an empty room out, so that nobody finds it any more; it returns false when somebody is on the way in, or
// at the directory.
func (d *directory) retire(id [16]byte) bool {
	if !d.mu.TryLock() {
		return false
	}
	defer d.mu.Unlock()
	rows := find[roomRow](d, roomRows, byID, id[:])
	if len(rows) > 0 && rows[0].players > 0 {
		return false
	}
	d.remove(rows)
	return true
}

// close takes a room out whoever is in it.
func (d *directory) close(id [16]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(find[roomRow](d, roomRows, byID, id[:]))
}

func (d *directory) remove(rows []*roomRow) {
	for _, row := range rows {
		d.write(func(txn *memdb.Txn) error { return txn.Delete(roomRows, row) })
	}
}

// enter and exit keep the row of a player in a room.
func (d *directory) enter(row *sessionRow) {
	d.write(func(txn *memdb.Txn) error { return txn.Insert(sessionRows, row) })
}

func (d *directory) exit(row *sessionRow) {
	d.write(func(txn *memdb.Txn) error { return txn.Delete(sessionRows, row) })
}

// list is what a client is told of the public rooms of a game, or of all: those with a place first, the fullest of them
// before the others.
func (d *directory) list(game string) []protocol.RoomInfo {
	var key []byte
	index := byID
	if game != "" {
		key, index = gameKey(game), byGame
	}
	var out []protocol.RoomInfo
	for _, row := range find[roomRow](d, roomRows, index, key) {
		if !row.private {
			out = append(out, protocol.RoomInfo{Game: row.game, Name: row.name, Players: row.players, MaxPlayers: row.most})
		}
	}
	full := func(r protocol.RoomInfo) int {
		if r.Players < r.MaxPlayers {
			return 0
		}
		return 1
	}
	slices.SortFunc(out, func(a, b protocol.RoomInfo) int {
		return cmp.Or(cmp.Compare(full(a), full(b)), cmp.Compare(b.Players, a.Players), cmp.Compare(a.Game, b.Game), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// codeLetters are what codes of private rooms are made of: none is taken for another.
const codeLetters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// newCode draws the code of a private room: 40 random bits.
func newCode() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = codeLetters[b[i]%byte(len(codeLetters))]
	}
	return string(b[:])
}
