package server

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/pprof"
	"strings"
	"time"
)

// A room whose tick does not end is stuck: its game loops without end, or waits for what doesn't come. Go can't stop a
// goroutine from outside, so the room is given up instead: nobody finds it any more, its players are told, and its goroutine
// is left alone, counted, until its game returns by itself. Other rooms have goroutines and workers of their own, and go on.

// looksPerStuck is how often a tick must have been seen under way before it counts as stuck. So a process that stood still,
// as in a debugger or on a machine that slept, is not taken for one: it did not look meanwhile.
const looksPerStuck = 5

// stackBytesMax bounds the stack in the log, and profileBytesMax what it is looked for in.
const (
	stackBytesMax   = 16 << 10
	profileBytesMax = 4 << 20
)

// errRoomStuck is what players of a stuck room are told.
var errRoomStuck = errors.New("its game did not come to an end of a tick")

// watchdog looks after rooms whose tick does not end.
type watchdog struct {
	server *Server
	seen   map[*room]sighting // under way, at the latest look
}

// sighting is a tick that was seen under way.
type sighting struct {
	began int64 // as room.busy
	looks int
}

// watchRooms looks after the rooms until stop is closed.
func (s *Server) watchRooms(stop <-chan struct{}) {
	w := watchdog{server: s}
	ticker := time.NewTicker(max(s.cfg.Limits.StuckAfter/looksPerStuck, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			w.look(time.Now())
		}
	}
}

// look gives up the rooms that are stuck by now.
func (w *watchdog) look(now time.Time) {
	seen := make(map[*room]sighting)
	for _, row := range find[roomRow](w.server.directory, roomRows, byID, nil) {
		r := row.room
		began := r.busy.Load()
		if began == 0 {
			continue
		}
		at := w.seen[r]
		if at.began != began {
			at = sighting{began: began}
		}
		at.looks++
		seen[r] = at
		if took := now.Sub(w.server.fanout.began) - time.Duration(began); at.looks >= looksPerStuck && took >= w.server.cfg.Limits.StuckAfter {
			r.giveUp(took)
			delete(seen, r)
		}
	}
	w.seen = seen
}

// giveUp ends a room whose loop does not return, for everybody but its loop.
func (r *room) giveUp(took time.Duration) {
	if !r.over.CompareAndSwap(roomRuns, roomStuck) {
		return // it has just come to its end
	}
	r.counters.stuck.Add(1)
	r.counters.roomsStuck.Add(1)
	r.game.stuck.Add(1)
	r.end(errRoomStuck)
	r.ticks.Stop()
	r.release()
	select {
	case r.closing <- errRoomStuck: // for a loop that comes back just now
	default:
	}
	callback, player := r.world.Doing()
	if callback == "" {
		callback = "the room's own loop"
	}
	r.log.Error("a room is stuck: it was given up, and its goroutine can't be ended; drain this server and restart it", "tick", r.tick.Load()+1,
		"callback", callback, "player", player, "for", took.Round(time.Millisecond), "stack", stackOf(r.label))
}

// returned notes that the loop of a room which was given up has returned after all.
func (r *room) returned() {
	r.counters.stuck.Add(-1)
	r.game.stuck.Add(-1)
	r.log.Warn("a room that was stuck has returned: it is over", "tick", r.tick.Load()+1)
}

// stackOf is the stack of the goroutine of a room's loop, by its label. It looks at a profile of all goroutines, in which
// equal stacks are one, and which lets them run but for a moment; a dump of them all would stop them until it is written.
func stackOf(label string) string {
	all := limitedBuffer{most: profileBytesMax}
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return "not known: " + err.Error()
	}
	name := []byte(fmt.Sprintf("%q:%q", "room", label))
	for block := range bytes.SplitSeq(all.Bytes(), []byte("\n\n")) {
		labels, stack, found := bytes.Cut(block, []byte("\n#\t"))
		if found && bytes.Contains(labels, name) {
			text := strings.ReplaceAll(string(stack), "\n#\t", "\n")
			return text[:min(len(text), stackBytesMax)]
		}
	}
	return "not known: no goroutine has the room's label"
}

// limitedBuffer keeps the first bytes of what is written.
type limitedBuffer struct {
	bytes.Buffer
	most int
}

func (b *limitedBuffer) Write(data []byte) (int, error) {
	b.Buffer.Write(data[:min(len(data), b.most-b.Len())])
	return len(data), nil
}
