package server

import (
	"testing"

	"github.com/quicstep/quicstep/protocol"
)

// TestARoomIsNotMadeTwice: two joins that both found no room make one, whichever way it was asked for.
func TestARoomIsNotMadeTwice(t *testing.T) {
	for name, c := range map[string]struct {
		hello protocol.Hello
		twice bool
	}{
		"any room":                {protocol.Hello{}, false},
		"a room by its name":      {protocol.Hello{Room: "hall"}, false},
		"private rooms are apart": {protocol.Hello{Join: protocol.CreatePrivate}, true},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := newDirectory()
			if err != nil {
				t.Fatal(err)
			}
			open := func(made string) bool {
				row := &roomRow{id: newID(), game: "arena", name: c.hello.Room, private: c.hello.Join == protocol.CreatePrivate, most: 2}
				if row.name == "" {
					row.name = made
				}
				return d.open(row, c.hello, 10)
			}
			if !open("room-1") {
				t.Fatal("the first one was not made")
			}
			if got := open("room-2"); got != c.twice {
				t.Errorf("a second one was made: %v, want %v", got, c.twice)
			}
		})
	}
}

func TestTheTickDoesNotWaitForTheDirectory(t *testing.T) {
	d, err := newDirectory()
	if err != nil {
		t.Fatal(err)
	}
	row := &roomRow{id: newID(), game: "arena", name: "hall", most: 2}
	if !d.open(row, protocol.Hello{Room: "hall"}, 10) {
		t.Fatal("the room was not made")
	}
	d.mu.Lock()
	if d.release(row.id, 1) || d.retire(row.id) {
		t.Error("a room's loop was at the directory while somebody else was")
	}
	d.mu.Unlock()
	if d.retire(row.id) {
		t.Error("a room with a player in it was retired")
	}
	if !d.release(row.id, 1) || !d.retire(row.id) {
		t.Error("once the player has left, the room can't be retired")
	}
}
