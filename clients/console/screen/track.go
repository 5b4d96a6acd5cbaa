package screen

import (
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
)

// samples bounds what is remembered of a figure, one a second.
const samples = 120

// track is what is remembered of a room, or of the server: its latest figures, and how fast they rise.
type track struct {
	p99       []int64 // in microseconds
	flow      []int64 // bytes a second
	bytes     uint64
	datagrams uint64
	overruns  uint64
	seen      time.Time
	rate      float64 // bytes a second, and datagrams
	datagramR float64
	rising    bool // there were overruns since the answer before
}

// serverTrack is the key of the server's.
const serverTrack = ""

// track remembers what an answer says, which may be that of all rooms.
func (m *model) track(a answered, all bool) {
	if h := a.answer.Health; h != nil {
		m.trackOf(serverTrack).add(a.at, 0, h.Bytes, h.Datagrams, h.Overruns)
	}
	rooms := map[string]bool{serverTrack: true}
	for i := range a.answer.Rooms {
		r := &a.answer.Rooms[i]
		rooms[r.ID] = true
		m.trackOf(r.ID).add(a.at, r.P99, r.Bytes, r.Datagrams, r.Overruns)
	}
	if all {
		for id := range m.tracks {
			if !rooms[id] {
				delete(m.tracks, id)
			}
		}
	}
}

func (m *model) trackOf(id string) *track {
	t := m.tracks[id]
	if t == nil {
		t = &track{}
		m.tracks[id] = t
	}
	return t
}

func (t *track) add(now time.Time, p99 int64, bytes, datagrams, overruns uint64) {
	if since := now.Sub(t.seen).Seconds(); !t.seen.IsZero() && since > 0 && bytes >= t.bytes && datagrams >= t.datagrams {
		t.rate, t.datagramR = float64(bytes-t.bytes)/since, float64(datagrams-t.datagrams)/since
		t.flow = latest(append(t.flow, int64(t.rate)))
		t.rising = overruns > t.overruns
	}
	t.p99 = latest(append(t.p99, p99))
	t.bytes, t.datagrams, t.overruns, t.seen = bytes, datagrams, overruns, now
}

// latest keeps as many values as are remembered.
func latest(values []int64) []int64 { return values[max(0, len(values)-samples):] }

// playersOf and the others are what the page was told; nil without.
func (m *model) playersOf() []admin.Player {
	a, _ := m.got(admin.ActPlayers)
	return a.Players
}

// period is the time of a tick in microseconds.
func (m *model) period() int64 {
	if m.welcome.TickRate <= 0 {
		return 1
	}
	return int64(time.Second/time.Microsecond) / int64(m.welcome.TickRate)
}
